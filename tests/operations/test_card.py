"""What a card names beside its own change: the cards of others, and who may undo it."""

from dataclasses import replace

import pytest

from bot.domain.change import Change, ClientClass, FindingNote, Phase, ServiceRef, Verb
from bot.domain.verification import Outcome
from bot.operations.card import card_of
from bot.operations.impact import impact
from bot.operations.jobs import card_job
from tests.fakes.world import ALICE, BOB, CHECKOUT, IPVS, OPS, SRE, START, Town, service, shop, slices
from tests.operations.measured_town import MeasuredTown


async def test_a_card_leads_to_the_one_that_takes_its_place() -> None:
    """Once that is posted, which is a moment later."""
    town = Town()
    first = await town.propose()
    town.cluster.annotate(CHECKOUT, "false")
    await town.pass_time(40)
    second = town.changes()[-1]
    link = f"https://slack.test/archives/{OPS}/p{town.card(second).place.ts.replace('.', '')}"
    assert f"<{link}|CHG-2> takes its place" in town.card(first).text


async def test_a_card_that_is_never_posted_is_not_waited_for_forever() -> None:
    """Half a minute; then the name has to do."""
    town = Town()
    change = await town.done(Outcome.FAILED)
    await town.click(BOB, "change:rollback", change)
    town.store.messages.places.pop(f"card:{town.changes()[-1].id}")
    await town.store.jobs.submit(card_job(change.id))
    await town.work()
    assert "· CHG-2 undid it" in town.card(change).text
    assert town.store.jobs.rows[f"card:{change.id}"].due_at is not None
    await town.pass_time(40)
    assert town.store.jobs.rows[f"card:{change.id}"].due_at is None


async def test_a_card_says_who_may_roll_it_back() -> None:
    """Everybody sees the same button; who may is those whom every namespace's policy names."""
    town = Town()
    change = await town.done()
    assert f"<!subteam^{SRE}> may roll it back" in town.card(change).text
    await town.click(BOB, "change:rollback", change)
    assert "may roll it back" not in town.card(change).text


async def test_nobody_loses_access_is_not_said_without_what_happens_in_between() -> None:
    """On the card, of each Service of the set, and in the dialog that approves it."""
    cluster = shop(given=IPVS)
    cluster.put(service("shop", "basket", port=8000))
    cluster.put(slices("basket", "node-a"))
    town = Town(clusters=[cluster])
    change = await town.propose()
    card = card_of(change)
    assert change.between
    assert "Nobody loses access." not in "".join(text for _, text in card.lines)
    approve = card.buttons[0].confirm
    assert "Nobody loses access in the end; in between cut off: " in approve
    assert len(approve) < 290
    assert all(len(button.confirm) < 290 for button in card.in_a_hurry)


async def test_undoing_a_set_cuts_off_in_between_too() -> None:
    """In the other order; who rolls back reads it as who approved the change did."""
    cluster = shop(given=IPVS)
    cluster.put(service("shop", "basket", port=8000))
    cluster.put(slices("basket", "node-a"))
    town = Town(clusters=[cluster])
    change = await town.done()
    await town.click(BOB, "change:rollback", change)
    _, second = town.changes()
    assert "Nobody loses access in the end; in between, " in impact(second)


async def test_an_undisturbed_change_needs_no_reservation() -> None:
    """One Service, private address, nothing else known."""
    assert "Nobody loses access. No Pod restarts." in card_of(await Town().propose()).buttons[0].confirm


def test_clients_of_tls_that_would_meet_a_plain_port_are_no_small_print() -> None:
    """They connect, and get nothing that they understand; only where they go past the load balancer."""
    note = FindingNote(code="tls-bypassed", severity="warning", message="TLS ends at the load balancer.")
    off = replace(EMPTY, verb=Verb.DISABLE, table=(moved(through=False),), findings=(note,))
    assert "in the end; clients that expect TLS meet the backend's plain port." in impact(off)
    on = replace(off, table=(moved(through=True),))
    assert "TLS" not in impact(on)


def test_a_public_address_is_reached_only_where_the_nodes_may_go_out() -> None:
    """Nothing here knows whether they may; who goes through already is not concerned."""
    on = replace(EMPTY, table=(moved(through=True, to="80.158.1.9:443"), moved(through=True)))
    assert "80.158.1.9 (public): only where the nodes may go out." in impact(on)
    assert "public" not in impact(replace(EMPTY, table=(moved(through=False, to="80.158.1.9:443"),)))


async def test_what_was_measured_is_told_in_the_past_with_its_time() -> None:
    """A card stays: what it says must not become wrong by a later rollback."""
    town = MeasuredTown()
    change = await town.approved()
    await town.pass_time(3600)
    assert town.now(change).phase is Phase.SUCCEEDED
    note = town.now(change).note
    assert note.startswith("Measured 2026-03-02 14:")
    assert note.endswith(" UTC: in-cluster traffic to shop/checkout crossed the load balancer")
    assert note in town.card(change).text


def moved(*, through: bool, to: str = "10.9.0.9:443") -> ClientClass:
    """Pods that get there before and after, on different ways."""
    return ClientClass(
        client="pods",
        count=3,
        destination=to,
        before="reachable",
        after="reachable",
        through_before=not through,
        through_after=through,
    )


EMPTY = Change(
    id="c",
    number=1,
    cluster="prod",
    verb=Verb.ENABLE,
    service=ServiceRef(cluster="prod", namespace="shop", name="checkout"),
    steps=(),
    requested_by=BOB,
    requested_at=START,
    reason="",
    channel=OPS,
    template_digest="",
    plan=None,
    table=(),
    findings=(),
    approvers=(),
    approvals_needed=1,
    expires_at=START,
)


async def test_the_dialog_of_a_rollback_says_who_goes_back_and_what_that_costs() -> None:
    """Undone, who gained loses, who lost gains, and those who cross the load balancer go past it again."""
    town = Town()
    change = await town.done(Outcome.FAILED)
    (button,) = card_of(change).buttons
    moved = sum(row.count for row in change.table if row.through_before != row.through_after)
    assert moved > 0
    assert button.confirm.startswith(f"{moved} of {moved} in-cluster clients: through the ELB → direct.")
    assert "Nobody loses access" in button.confirm
    assert '"true"' not in button.confirm
    assert "back to (absent)" in button.confirm
    row = replace(change.table[0], before="unreachable", after="reachable")
    (loses,) = card_of(replace(change, table=(row,))).buttons
    assert f"Loses access: {row.client}" in loses.confirm
    row = replace(row, before="reachable", after="unreachable")
    (gains,) = card_of(replace(change, table=(row,))).buttons
    assert f"Gains access: {row.client}" in gains.confirm


async def test_the_dialog_of_a_set_s_rollback_keeps_its_services_apart() -> None:
    """In between they disagree."""
    town = Town()
    change = await town.done()
    both = replace(change, steps=(*change.steps, *change.steps))
    (button,) = card_of(both).buttons
    assert "one by one" in button.confirm
    assert "Nobody loses access in the end" in button.confirm


def two() -> Town:
    """Two Services on one load balancer, under IPVS."""
    cluster = shop(given=IPVS)
    cluster.put(service("shop", "basket", port=8000))
    cluster.put(slices("basket", "node-a"))
    return Town(clusters=[cluster])


@pytest.mark.parametrize("end", ["withdrawn", "rejected", "expired"])
async def test_what_was_to_be_known_of_a_proposal_is_not_why_it_ended(end: str) -> None:
    """The order in which its Services would have been patched, of which none was."""
    town = two()
    change = await town.propose()
    assert "To be patched in this order: shop/basket and shop/checkout." in town.card(change).text
    match end:
        case "withdrawn":
            await town.click(ALICE, "change:withdraw", change)
        case "rejected":
            await town.click(BOB, "change:reject", change)
        case _:
            await town.pass_time(100_000)
    assert town.now(change).phase == end
    assert "atched in this order" not in town.card(change).text


async def test_a_set_names_the_commands_of_the_service_that_was_asked_for() -> None:
    """Its resourceVersion too, though it is patched last."""
    town = two()
    change = await town.propose()
    text = town.card(change).text
    assert "`kubectl -n shop get service checkout -o yaml`" in text
    assert "get service basket" not in text
    assert f"resourceVersion {change.steps[-1].resource_version}" in text


async def test_what_cannot_be_rolled_back_yet_is_told_when() -> None:
    """While it is verified the patch is there: that there were nothing to undo would be false."""
    town = Town()
    change = await town.approved()
    said = await town.click(BOB, "change:rollback", change)
    assert said.startswith("CHG-1 is patched and being verified. It can be rolled back when that has ended;")
