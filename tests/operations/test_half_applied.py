"""A set of which a part is patched and cannot be put back: tried again for a day, said loudly, left to people in the end."""

from collections.abc import Awaitable, Callable

import pytest

from bot.domain.change import Change, EventKind, Phase, Verb
from bot.domain.objects import Ref
from bot.operations.steps import UNDO_LAST
from bot.ports import Forbidden, Unavailable, WorldError
from tests.fakes.messenger import buttons
from tests.fakes.world import (
    ALICE,
    BOB,
    CHECKOUT,
    IPVS,
    KEY,
    LEAD,
    Town,
    service,
    shop,
    slices,
)

BASKET = Ref("shop", "basket")
WITHDRAW, ROLLBACK, APPROVE = "change:withdraw", "change:rollback", "change:approve"
DAY = 86_400.0
SEEN = f"shop/basket has {KEY} “true” (before: absent)"

Patch = Callable[..., Awaitable[object]]


async def halved(error: WorldError | None = None) -> tuple[Town, Change, Patch]:
    """A set whose second Service is refused, and whose first cannot be put back; with how patches went before."""
    cluster = shop(given=IPVS)
    cluster.put(service("shop", "basket", port=8000))
    cluster.put(slices("basket", "node-a"))
    town = Town(clusters=[cluster])
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    real: Patch = town.cluster.patch

    async def patch(ref: object, annotations: dict[str, str | None], **kwargs: object) -> object:
        if not kwargs["dry_run"] and str(ref) == str(CHECKOUT):
            raise Forbidden("can't modify service elb")
        if not kwargs["dry_run"] and annotations == {KEY: None}:
            raise error or Forbidden("no more writes today")
        return await real(ref, annotations, **kwargs)

    town.cluster.patch = patch  # type: ignore[assignment, method-assign]  # until the right comes back
    await town.order(LEAD, "resume", "")
    return town, change, real


def mend(town: Town, real: Patch) -> None:
    """Let every patch through again."""
    town.cluster.patch = real  # type: ignore[assignment, method-assign]  # as it was


@pytest.mark.parametrize(
    "error", [Forbidden("no more writes today"), Unavailable("the API server answered 500")]
)
@pytest.mark.parametrize("waits", [3.0, 3_600.0, DAY / 2])
async def test_it_is_put_back_as_soon_as_that_is_possible_again(error: WorldError, waits: float) -> None:
    """A right that was taken away comes back, or the API server does: nothing is left, and the card says so."""
    town, change, real = await halved(error)
    await town.pass_time(waits)
    assert town.now(change).phase is Phase.APPLYING
    assert town.cluster.annotations(BASKET)[KEY] == "true"
    town.world = town.replica()
    mend(town, real)
    await town.pass_time(UNDO_LAST)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert KEY not in town.cluster.annotations(BASKET)
    text = town.card(change).text
    assert "can't modify service elb. What was patched before was put back." in text
    assert buttons(town.card(change).message) == {}


async def test_which_service_is_left_how_is_said_loudly_while_it_is_tried() -> None:
    """On the card, in its thread and in the incident channel, each once, with the command."""
    town, change, _ = await halved()
    await town.pass_time(3_600)
    card = town.card(change)
    assert "🔴 *Putting back*" in card.text
    assert SEEN in card.text
    assert f"kubectl -n shop annotate --overwrite service basket {KEY}-" in card.text
    (said,) = [
        p for p in town.messenger.posts if p.thread and p.broadcast and p.place.channel == change.channel
    ]
    assert f"CHG-1 is half applied: {SEEN}." in said.text
    assert "That is not possible now: no more writes today. " in said.text
    alarms = [posted for posted in town.incidents() if SEEN in posted.text]
    assert len(alarms) == 2


async def test_what_is_given_up_says_half_applied_and_can_be_rolled_back() -> None:
    """After a day it is left to people: state, Service, command, button; and the button undoes what is left."""
    town, change, real = await halved()
    await town.pass_time(2 * DAY)
    now = town.now(change)
    assert now.phase is Phase.HALF_APPLIED
    card = town.card(change)
    assert "🔴 *Half applied*" in card.text
    assert SEEN in card.text
    assert f"kubectl -n shop annotate --overwrite service basket {KEY}-" in card.text
    assert set(buttons(card.message)) == {ROLLBACK}
    assert any("tried to put it back for a day" in said for said in town.thread(change))
    assert "tried to put it back for a day" in town.incidents()[-1].text
    mend(town, real)
    assert "CHG-2 undoes CHG-1" in await town.click(BOB, ROLLBACK, change)
    (second,) = [each for each in town.changes() if each.verb is Verb.ROLLBACK]
    assert [str(step.service) for step in second.steps] == ["shop/basket"]
    assert KEY not in town.cluster.annotations(BASKET)
    assert town.now(change).phase is Phase.REVERTED
    assert "CHG-2> undid it" in town.card(change).text


async def test_who_asked_for_it_can_stop_it_and_nobody_else() -> None:
    """Somebody at the console does not want the bot to write in between."""
    town, change, real = await halved()
    await town.pass_time(30)
    assert set(buttons(town.card(change).message)) == {WITHDRAW}
    assert "Only <@U0ALICE>" in await town.click(BOB, WITHDRAW, change)
    assert "does not try any more" in await town.click(ALICE, WITHDRAW, change)
    assert town.now(change).phase is Phase.HALF_APPLIED
    mend(town, real)
    await town.pass_time(3_600)
    assert town.cluster.annotations(BASKET)[KEY] == "true"
    assert "Who asked for it stopped putting it back." in town.card(change).text
    events = [event for event in town.store.changes.log[change.id] if event.kind is EventKind.HALF_APPLIED]
    assert [event.by for event in events] == [ALICE]


async def test_a_pause_holds_putting_back_and_does_not_use_its_tries_up() -> None:
    """An operator stops every write; resumed, it goes on where it was."""
    town, change, real = await halved()
    await town.pass_time(30)
    tries = town.now(change).tries
    await town.order(LEAD, "pause", "")
    mend(town, real)
    await town.pass_time(2 * DAY)
    assert town.cluster.annotations(BASKET)[KEY] == "true"
    assert town.now(change).tries == tries
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert KEY not in town.cluster.annotations(BASKET)


async def test_what_a_person_put_back_by_hand_is_the_end_of_it() -> None:
    """The command of the card was run: nothing is left, and nothing more is written."""
    town, change, _ = await halved()
    await town.pass_time(30)
    town.cluster.annotate(BASKET, None)
    await town.pass_time(UNDO_LAST)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert "What was patched before was put back." in town.card(change).text


async def test_what_a_person_did_in_between_is_not_undone_again() -> None:
    """What is back once is theirs: only what is left is tried again."""
    town, change, real = await halved()
    await town.pass_time(30)
    town.cluster.annotate(BASKET, "false")
    mend(town, real)
    await town.pass_time(UNDO_LAST)
    assert town.cluster.annotations(BASKET)[KEY] == "false"
    assert town.now(change).phase is Phase.SUPERSEDED
    assert f"changed {KEY} on shop/basket meanwhile; that was left as it is." in town.card(change).text
