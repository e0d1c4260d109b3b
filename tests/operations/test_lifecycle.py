"""The lifecycle's table and what makes it so: each of its moves has somebody who makes it, and nobody makes another."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import pytest

from bot.config.settings import Clients, VerificationSettings
from bot.domain.change import TRANSITIONS, Change, EventKind, Phase
from bot.domain.objects import Ref, Service
from bot.domain.verification import Outcome
from bot.operations.card import card_of
from bot.ports import Forbidden
from tests.fakes.world import (
    ALICE,
    BOB,
    CAROL,
    CHECKOUT,
    IPVS,
    KEY,
    LEAD,
    POLICY,
    Cluster,
    Town,
    service,
    shop,
    slices,
)

APPROVE, REJECT, WITHDRAW, ROLLBACK = (
    f"change:{action}" for action in ("approve", "reject", "withdraw", "rollback")
)
BASKET = Ref("shop", "basket")


def several() -> Town:
    """Two Services on one load balancer, under IPVS."""
    cluster = shop(given=IPVS)
    cluster.put(service("shop", "basket", port=8000))
    cluster.put(slices("basket", "node-a"))
    return Town(clusters=[cluster])


async def held(town: Town) -> Change:
    """Approved, and paused before anything is done."""
    await town.order(LEAD, "pause", "")
    return await town.approved()


async def _through(town: Town) -> None:
    town.policies = (replace(POLICY, approvals=2),)
    town.world = town.replica()
    change = await town.propose()
    for user in (BOB, CAROL):
        await town.click(user, APPROVE, change)
    await town.concluded(change)
    town.cluster.annotate(CHECKOUT, None)
    await town.pass_time(61)


async def _rejected(town: Town) -> None:
    await town.click(BOB, REJECT, await town.propose())


async def _withdrawn(town: Town) -> None:
    await town.click(ALICE, WITHDRAW, await town.propose())
    await town.click(ALICE, WITHDRAW, await held(town))


async def _expired(town: Town) -> None:
    await town.propose()
    await town.pass_time(100_000)


async def _proposal_superseded(town: Town) -> None:
    await town.propose()
    town.cluster.annotate(CHECKOUT, "false")
    await town.pass_time(31)


async def _approval_superseded(town: Town) -> None:
    await held(town)
    town.cluster.annotate(CHECKOUT, "false")
    await town.pass_time(6)


async def _cluster_gone(town: Town) -> None:
    await held(town)
    town.clusters = [shop("other")]
    town.world = town.replica()
    await town.pass_time(4000)


async def _refused(town: Town) -> None:
    await town.order(LEAD, "pause", "")
    await town.approved()
    town.cluster.fail("patch", Forbidden("can't modify service elb"))
    await town.order(LEAD, "resume", "")


async def _between_the_steps(town: Town) -> None:
    """The first is patched, and then the second is not what was approved."""
    real = town.cluster.patch

    async def patch(ref: object, *args: object, dry_run: bool, **kwargs: object) -> object:
        if str(ref) == "shop/basket" and not dry_run:
            town.cluster.annotate(CHECKOUT, "false")
        return await real(ref, *args, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    town.cluster.patch = patch  # type: ignore[assignment, method-assign]  # only here
    await town.approved()


async def _stopped(town: Town) -> None:
    """Withdrawn at the moment in which its patch lands."""
    real, clicks = town.cluster.patch, town.click

    async def patch(*args: object, dry_run: bool, **kwargs: object) -> object:
        if not dry_run and town.changes()[0].stopped_by == "":
            (change,) = town.changes()
            after = await real(*args, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came
            await clicks(ALICE, WITHDRAW, change)
            return after
        return await real(*args, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    town.cluster.patch = patch  # type: ignore[assignment, method-assign]  # only here
    await town.approved()
    await town.pass_time(5)
    assert KEY not in town.cluster.annotations(CHECKOUT)


async def _failed(town: Town) -> None:
    await town.done(Outcome.FAILED)


async def _inconclusive(town: Town) -> None:
    await town.done(Outcome.INCONCLUSIVE)


async def _half_applied(town: Town) -> None:
    """The second is refused, the first cannot be put back; who asked for it stops that, and rolls back later."""
    real = town.cluster.patch

    async def patch(ref: object, values: dict[str, str | None], *, dry_run: bool, **kwargs: object) -> object:
        if not dry_run and (str(ref) == "shop/checkout" or values[KEY] is None):
            raise Forbidden("no more writes today")
        return await real(ref, values, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    town.cluster.patch = patch  # type: ignore[assignment, method-assign]  # for a while
    change = await town.approved()
    await town.click(ALICE, WITHDRAW, change)
    town.cluster.patch = real  # type: ignore[method-assign]  # as it was
    await town.click(BOB, ROLLBACK, change)


STORIES: Mapping[str, tuple[Callable[[], Town], Callable[[Town], Awaitable[None]]]] = {
    "approved by two, applied, verified, undone": (Town, _through),
    "rejected": (Town, _rejected),
    "withdrawn": (Town, _withdrawn),
    "expired": (Town, _expired),
    "changed before the approval": (Town, _proposal_superseded),
    "changed after the approval": (Town, _approval_superseded),
    "its cluster is gone": (Town, _cluster_gone),
    "refused": (Town, _refused),
    "changed between two patches": (several, _between_the_steps),
    "half applied, and rolled back": (several, _half_applied),
    "stopped": (Town, _stopped),
    "failed": (Town, _failed),
    "inconclusive": (Town, _inconclusive),
}


async def moves(town: Town, tell: Callable[[Town], Awaitable[None]]) -> set[tuple[Phase, EventKind]]:
    """Tell a story, and return each move that was made in it, by the events that are stored."""
    await tell(town)
    made = set()
    for change in town.changes():
        phase = Phase.PROPOSED
        first, *rest = town.store.changes.log[change.id]
        assert first.kind is EventKind.PROPOSED
        for event in rest:
            made.add((phase, event.kind))
            phase = TRANSITIONS[phase][event.kind]
        assert town.now(change).phase is phase
    return made


async def test_every_move_of_the_table_is_made_by_somebody() -> None:
    """What nobody makes would be a promise that is drawn in the README and not kept."""
    made = set()
    for build, tell in STORIES.values():
        made |= await moves(build(), tell)
    table = {(phase, kind) for phase, row in TRANSITIONS.items() for kind in row}
    assert table - made == set()


def _alter(cluster: Cluster, what: str) -> None:
    match what:
        case "a value from before":
            cluster.annotate(CHECKOUT, "false")
        case "the spec":
            cluster.change_spec(CHECKOUT, sessionAffinity="ClientIP")
        case "an annotation that the path reads":
            cluster.annotate(CHECKOUT, "another", key="kubernetes.io/elb.id")
        case "a Service that joins":
            cluster.put(service("pay", "till", port=9000, value="false"))
        case "one of several is gone":
            cluster.remove(Service, BASKET)
        case _:
            raw = service()
            cluster.remove(Service, CHECKOUT)
            cluster.put({**raw, "metadata": {**raw["metadata"], "uid": "another"}})


ALTERED = (
    "a value from before",
    "the spec",
    "an annotation that the path reads",
    "a Service that joins",
    "one of several is gone",
    "made again",
)


@pytest.mark.parametrize("when", ["paused", "measuring"])
@pytest.mark.parametrize("what", ALTERED)
async def test_what_changes_after_the_approval_supersedes_it_before_anything_is_applied(
    what: str, when: str
) -> None:
    """In a pause, or while it is measured how it is: buttons gone, a new card linked, approvals void."""
    town = several()
    town.verification = VerificationSettings(clients=Clients.PROBE, image="registry.example/probe")
    town.world = town.replica()
    change = await (held(town) if when == "paused" else town.approved())
    assert (town.now(change).phase, card_of(town.now(change)).buttons[0].action) == (Phase.APPROVED, WITHDRAW)
    _alter(town.cluster, what)
    await town.pass_time(40)
    now = town.now(change)
    assert now.phase is Phase.SUPERSEDED
    assert card_of(now).buttons == ()
    assert town.cluster.landed == []
    assert not await town.store.changes.find(open_only=True) or now.superseded_by
    if new := next((each for each in town.changes() if each.label == now.superseded_by), None):
        assert (new.phase, new.approvals) == (Phase.PROPOSED, ())
        assert f"{new.label}> takes its place" in town.card(change).text
        assert any(new.label in said for said in town.thread(change))
    else:
        assert "There is no new proposal" in now.note


async def test_rollouts_while_it_is_measured_void_nothing() -> None:
    """Endpoints come and go, somebody writes another annotation: the approval stands."""
    town = several()
    town.verification = VerificationSettings(clients=Clients.PROBE, image="registry.example/probe")
    town.world = town.replica()
    change = await town.approved()
    town.cluster.put(slices("checkout", "node-c"))
    town.cluster.annotate(CHECKOUT, "x", key="team.example/note")
    await town.pass_time(31)
    assert town.now(change).phase is Phase.APPROVED
