"""The card of a change in every phase, and whatever changes its shape; made by the operations themselves."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from bot.config.settings import Clients, CloudSettings, Provider, VerificationSettings
from bot.domain.change import Change, Phase
from bot.domain.freeze import Window
from bot.domain.policy import Policy
from bot.domain.verification import Outcome
from bot.operations.card import card_of, title_of
from bot.ports import Forbidden
from tests.fakes.world import (
    ALICE,
    BOB,
    CHECKOUT,
    IPVS,
    KEY,
    LEAD,
    PLATFORM,
    SRE,
    Cluster,
    Town,
    service,
    shop,
    slices,
)
from tests.operations.test_half_applied import halved
from tests.operations.test_owner import WEB, applied, marked
from tests.render.wire import Json, Make, of

GLASS = Policy(propose=(PLATFORM,), approve=(SRE,), break_glass=(ALICE,))
PROBING = VerificationSettings(clients=Clients.PROBE)
HUAWEI = CloudSettings(provider=Provider.HUAWEICLOUD, region="ap-southeast-1", project_id="0123abc")
SHORT = replace(GLASS, expires_after=60, reminder=30)
FROZEN = replace(SHORT, freeze=(Window(start=0, end=1440, zone="Europe/Berlin"),))


def _shared() -> Cluster:
    """Two Services on one load balancer, under IPVS: one change."""
    cluster = shop(given=IPVS)
    cluster.put(service("shop", "basket", port=8000))
    cluster.put(slices("basket", "node-a"))
    return cluster


async def _proposed() -> Json:
    town = Town()
    return of(town.card(await town.propose()))


async def _proposed_in_cloud() -> Json:
    """Of a cluster whose cloud is known: its console is one click away."""
    town = Town(cloud=HUAWEI)
    return of(town.card(await town.propose()))


async def _proposed_glass() -> Json:
    town = Town(policies=(GLASS,), verification=PROBING)
    return of(town.card(await town.propose()))


async def _proposed_frozen() -> Json:
    """Nobody can approve it now, and it says who may all the same."""
    town = Town(policies=(FROZEN,))
    return of(town.card(await town.propose()))


async def _proposed_set() -> Json:
    town = Town(clusters=[_shared()], policies=(GLASS,))
    return of(town.card(await town.propose()))


async def _proposed_read_only() -> Json:
    town = Town(clusters=[shop(read_only=True)])
    return of(town.card(await town.propose()))


async def _proposed_gitops() -> Json:
    town = marked(applied(pass_through="false") | {KEY: "false"}, owned=[WEB])
    return of(town.card(await town.propose()))


async def _proposed_without_reason() -> Json:
    town = Town()
    await town.order(ALICE, "enable")
    return of(town.card(town.changes()[0]))


async def _two_of_three() -> Json:
    policy = Policy(propose=(PLATFORM,), approve=(SRE, LEAD), approvals=3)
    town = Town(policies=(policy,))
    change = await town.propose()
    await town.click(BOB, "change:approve", change)
    await town.click(LEAD, "change:approve", change)
    return of(town.card(change))


async def _as_if(phase: Phase) -> Json:
    """A phase that no card is seen in for long."""
    town = Town()
    change = await town.approved()
    row = replace(town.now(change), phase=phase, applied_at=None, progress="")
    return of(town.world.message("card", change=row, card=card_of(row)))


async def _approved_gitops() -> Json:
    """What to put into Git was said when it was proposed."""
    town = marked(applied(pass_through="false") | {KEY: "false"}, owned=[WEB])
    return of(town.card(await town.approved()))


async def _applying_set() -> Json:
    town = Town(clusters=[_shared()])
    change = town.now(await town.approved())
    row = replace(change, phase=Phase.APPLYING, applied_at=None, progress="1 of 2 Services is patched")
    return of(town.world.message("card", change=row, card=card_of(row)))


async def _unrehearsed() -> Json:
    """A card of which little is known: no paths, no plan, no rehearsal."""
    town = Town()
    change = await town.propose()
    bare = replace(change, table=(), plan=None, dry_run="", git_note="", approvers=(), findings=())
    return of(town.world.message("card", change=bare, card=card_of(bare)))


async def _verifying() -> Json:
    town = Town()
    return of(town.card(await town.approved()))


async def _broken_glass() -> Json:
    town = Town(policies=(GLASS,))
    change = await town.propose()
    await town.click(ALICE, "change:breakglass", change, reason="the shop is down")
    return of(town.card(change))


async def _paused() -> Json:
    town = Town()
    await town.order(LEAD, "pause", "prod")
    return of(town.card(await town.approved()))


async def _ended(outcome: Outcome) -> Json:
    town = Town()
    return of(town.card(await town.done(outcome)))


async def _rolled_back() -> Json:
    town = Town()
    first = await town.done(Outcome.FAILED)
    await town.click(BOB, "change:rollback", first)
    await town.pass_time(5)
    return of(town.card(first))


async def _rollback() -> Json:
    """The card of the change that undoes another, proposed by somebody who cannot do it alone."""
    town = Town()
    first = await town.done(Outcome.FAILED)
    await town.click(ALICE, "change:rollback", first)
    return of(town.card(town.changes()[-1]))


async def _not_applied() -> Json:
    town = Town()
    change = await town.propose()
    await town.click(BOB, "change:approve", await _unwritable(town, change))
    await town.pass_time(5)
    return of(town.card(change))


async def _unwritable(town: Town, change: Change) -> Change:
    town.cluster.fail(
        "patch", Forbidden("services “checkout” is forbidden: the bot may not patch Services in shop")
    )
    return change


async def _rejected(reason: str = "Not before the sale: <b>Friday</b>") -> Json:
    town = Town()
    change = await town.propose()
    await town.click(BOB, "change:reject", change, reason=reason)
    return of(town.card(change))


async def _withdrawn() -> Json:
    town = Town()
    change = await town.propose()
    await town.click(ALICE, "change:withdraw", change)
    return of(town.card(change))


async def _expired() -> Json:
    town = Town(policies=(SHORT,))
    change = await town.propose()
    await town.pass_time(90)
    return of(town.card(change))


async def _superseded() -> Json:
    town = Town()
    change = await town.propose()
    town.cluster.annotate(CHECKOUT, "false")
    await town.pass_time(35)
    return of(town.card(change))


async def _reverted() -> Json:
    town = Town()
    change = await town.done()
    town.cluster.annotate(CHECKOUT, "false", by="argocd-controller")
    await town.pass_time(61)
    return of(town.card(change))


async def _closed_without_reason() -> Json:
    """Nobody said why it was asked for, and there is nothing to say of its end."""
    town = Town()
    await town.order(ALICE, "enable")
    change = await town.concluded((await _clicked(town)), Outcome.SUCCEEDED)
    bare = replace(change, note="")
    return of(town.world.message("card", change=bare, card=card_of(bare)))


async def _clicked(town: Town) -> Change:
    (change,) = town.changes()
    await town.click(BOB, "change:approve", change)
    return change


async def _notice() -> Json:
    town = Town(policies=(GLASS,))
    change = await town.propose()
    await town.click(ALICE, "change:breakglass", change, reason="the shop is down")
    return of(town.incidents()[0])


async def _notice_set() -> Json:
    """Under way, with something to know about it, which its card says."""
    town = Town(clusters=[_shared()], policies=(GLASS,))
    await town.click(ALICE, "change:breakglass", await town.propose(), reason="the shop is down")
    row = replace(town.changes()[0], note="To be patched in this order: shop/basket, shop/checkout.")
    card = card_of(row)
    return of(
        town.world.message("notice", change=row, card=card, title=card.title, link="", glass=row.approvals[0])
    )


async def _notice_failed() -> Json:
    town = Town()
    await town.done(Outcome.FAILED)
    return of(town.incidents()[0])


async def _putting_back() -> Json:
    """What is half applied is said while the bot goes on with it, and how to do it by hand."""
    town, change, _ = await halved()
    await town.pass_time(30)
    return of(town.card(change))


async def _half_applied() -> Json:
    town, change, _ = await halved()
    await town.pass_time(30)
    await town.click(ALICE, "change:withdraw", change)
    return of(town.card(change))


async def _notice_putting_back() -> Json:
    town, _, _ = await halved()
    await town.pass_time(30)
    return _notice_of(town)


def _notice_of(town: Town) -> Json:
    return of(next(posted for posted in town.incidents() if posted.key.startswith("notice:")))


async def _notice_half_applied() -> Json:
    town, change, _ = await halved()
    await town.pass_time(30)
    await town.click(ALICE, "change:withdraw", change)
    return _notice_of(town)


async def _notice_reverted() -> Json:
    town = Town()
    await town.done()
    town.cluster.annotate(CHECKOUT, "false", by="argocd-controller")
    await town.pass_time(61)
    return of(town.incidents()[0])


async def _notice_rolled_back() -> Json:
    """Whose card nobody can be led to."""
    town = Town()
    change = await town.done(Outcome.FAILED)
    await town.click(BOB, "change:rollback", change)
    row = replace(town.now(change), note="")
    card = card_of(row)
    return of(town.world.message("notice", change=row, card=card, title=card.title, link="", glass=None))


async def _alarm() -> Json:
    town = Town()
    await town.done(Outcome.FAILED)
    return of(town.incidents()[1])


async def _breakglass() -> Json:
    town = Town(policies=(GLASS,))
    change = await town.propose()
    await town.click(ALICE, "change:breakglass", change, reason="the shop is down")
    return of(town.messenger.keyed(f"say:{change.id}:breakglass")[0])


async def _reminder() -> Json:
    town = Town(policies=(SHORT,))
    change = await town.propose()
    await town.pass_time(40)
    return of(town.messenger.keyed(f"say:{change.id}:reminder")[0])


async def _reminder_frozen() -> Json:
    town = Town(policies=(FROZEN,))
    change = await town.propose()
    await town.pass_time(40)
    return of(town.messenger.keyed(f"say:{change.id}:reminder")[0])


async def _invitation() -> Json:
    town = Town()
    town.messenger.elsewhere.add(BOB)
    await town.propose()
    return of(town.messenger.direct(BOB)[0])


async def _invitation_again() -> Json:
    """Of a change that nobody gave a reason for, and where Slack gives no link."""
    town = Town()
    change = replace(await town.propose(), reason="")
    context = {"title": title_of(change), "channel": change.channel, "link": "", "again": True}
    return of(town.world.message("invitation", change=change, **context))


async def _reminder_to_nobody() -> Json:
    """Of what nobody can approve here: it is shown, and applied by hand."""
    town = Town()
    change = replace(await town.propose(), approvers=())
    return of(
        town.world.message("reminder", change=change, title="pass-through on for shop/checkout", frozen="")
    )


CARDS: Mapping[str, Make] = {
    "card-proposed": _proposed,
    "card-proposed-in-cloud": _proposed_in_cloud,
    "card-proposed-break-glass": _proposed_glass,
    "card-proposed-frozen": _proposed_frozen,
    "card-proposed-set": _proposed_set,
    "card-proposed-read-only": _proposed_read_only,
    "card-proposed-gitops": _proposed_gitops,
    "card-proposed-without-reason": _proposed_without_reason,
    "card-proposed-two-of-three": _two_of_three,
    "card-proposed-little-known": _unrehearsed,
    "card-approved": partial(_as_if, Phase.APPROVED),
    "card-approved-gitops": _approved_gitops,
    "card-paused": _paused,
    "card-applying": partial(_as_if, Phase.APPLYING),
    "card-applying-set": _applying_set,
    "card-verifying": _verifying,
    "card-broken-glass": _broken_glass,
    "card-succeeded": partial(_ended, Outcome.SUCCEEDED),
    "card-succeeded-without-reason": _closed_without_reason,
    "card-failed": partial(_ended, Outcome.FAILED),
    "card-inconclusive": partial(_ended, Outcome.INCONCLUSIVE),
    "card-rolled-back": _rolled_back,
    "card-rollback": _rollback,
    "card-not-applied": _not_applied,
    "card-putting-back": _putting_back,
    "card-half-applied": _half_applied,
    "card-rejected": _rejected,
    "card-rejected-in-silence": partial(_rejected, ""),
    "card-withdrawn": _withdrawn,
    "card-expired": _expired,
    "card-superseded": _superseded,
    "card-reverted": _reverted,
    "notice-break-glass": _notice,
    "notice-break-glass-set": _notice_set,
    "notice-failed": _notice_failed,
    "notice-putting-back": _notice_putting_back,
    "notice-half-applied": _notice_half_applied,
    "notice-reverted": _notice_reverted,
    "notice-rolled-back": _notice_rolled_back,
    "alarm": _alarm,
    "breakglass": _breakglass,
    "reminder": _reminder,
    "reminder-frozen": _reminder_frozen,
    "invitation": _invitation,
    "invitation-again": _invitation_again,
    "reminder-to-nobody": _reminder_to_nobody,
}
