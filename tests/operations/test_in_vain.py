"""What an API server that does not answer comes to: told once, stopped by people, ended where it is known to be safe."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from bot.domain.change import Change, EventKind, Phase, ServiceRef
from bot.domain.objects import Ref
from bot.operations.card import card_of
from bot.operations.steps import LANDS_WITHIN, MOST_TRIES
from bot.ports import LiveService, Unavailable
from tests.fakes.world import (
    ALICE,
    BOB,
    CAROL,
    CHECKOUT,
    IPVS,
    KEY,
    LEAD,
    Cluster,
    Town,
    service,
    shop,
    slices,
)

WITHDRAW = "change:withdraw"
BASKET = Ref("shop", "basket")
LATE = LANDS_WITHIN.total_seconds()


@dataclass(slots=True)
class Ears:
    """What an API server hears and does not answer."""

    reads: bool = False
    rehearsals: bool = False
    patches: frozenset[str] = frozenset()
    """Names of Services."""
    undoing: bool = False
    """Whether it does not answer what puts a value back."""
    lands: bool = False
    """Whether a patch lands all the same."""
    breaks: bool = False
    """Whether nothing can be read after one has."""
    sent: list[tuple[str, Mapping[str, str | None], str]] = field(default_factory=list)
    """Patches for good that were not answered: Service, annotations, precondition."""


class Deaf(Cluster):
    """A cluster whose API server does not answer everything."""

    ears: Ears

    async def read(self, service: ServiceRef) -> LiveService:
        """Read, perhaps."""
        if self.ears.reads:
            raise Unavailable("prod does not answer")
        return await super().read(service)

    async def patch(
        self,
        service: ServiceRef,
        annotations: Mapping[str, str | None],
        *,
        resource_version: str,
        dry_run: bool,
    ) -> LiveService:
        """Patch, and perhaps not say so."""
        back = annotations == {KEY: None}
        mute = (
            self.ears.rehearsals
            if dry_run
            else self.ears.undoing
            if back
            else service.name in self.ears.patches
        )
        if not mute:
            return await super().patch(
                service, annotations, resource_version=resource_version, dry_run=dry_run
            )
        if not dry_run:
            self.ears.sent.append((service.name, annotations, resource_version))
        if self.ears.lands and not dry_run:
            await super().patch(service, annotations, resource_version=resource_version, dry_run=False)
            self.ears.reads = self.ears.breaks
        raise Unavailable("the API server answered 500: etcdserver: request timed out")


def deaf(*, several: bool = False) -> tuple[Town, Deaf]:
    """A town whose API server answers everything so far."""
    cluster = shop(given=IPVS)
    if several:
        cluster.put(service("shop", "basket", port=8000))
        cluster.put(slices("basket", "node-a"))
    cluster.__class__ = Deaf
    assert isinstance(cluster, Deaf)
    cluster.ears = Ears()
    return Town(clusters=[cluster]), cluster


async def about_to_apply(town: Town) -> Change:
    """Approve in a pause; what is tried begins when it is over."""
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    await town.store.pauses.resume("*")
    return change


async def test_a_patch_that_is_never_answered_ends_the_change_where_it_is_not_there() -> None:
    """So many tries, then a last look once none of them can land any more; the thread says what to do."""
    town, cluster = deaf()
    change = await about_to_apply(town)
    cluster.ears.patches = frozenset({"checkout"})
    await town.pass_time(MOST_TRIES + 30)
    assert town.now(change).phase is Phase.APPLYING
    assert "waiting until no patch of it can arrive any more" in town.card(change).text
    await town.pass_time(LATE)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert len(cluster.ears.sent) == MOST_TRIES
    assert len({version for _, _, version in cluster.ears.sent}) == 1
    assert cluster.landed == []
    (_, last) = town.thread(change)
    assert f"did not answer the patch of shop/checkout in {MOST_TRIES} tries" in last
    assert "request timed out. It is not there. Propose it again once that is mended." in last
    assert town.messenger.posts[-1].broadcast
    assert not any(name for name, subject in town.store.changes._locks.items() if subject == change.id)


async def test_a_rehearsal_that_is_never_answered_ends_the_change_at_once() -> None:
    """A webhook that is away: nothing was sent, so there is nothing to wait for."""
    town, cluster = deaf()
    change = await about_to_apply(town)
    cluster.ears.rehearsals = True
    await town.pass_time(MOST_TRIES + 5)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert (cluster.ears.sent, cluster.landed) == ([], [])


async def test_what_lands_after_the_last_try_is_put_back() -> None:
    """It was resolved to give up: nothing of it is left."""
    town, cluster = deaf()
    change = await about_to_apply(town)
    cluster.ears.patches = frozenset({"checkout"})
    await town.pass_time(MOST_TRIES + 30)
    name, annotations, version = cluster.ears.sent[-1]
    cluster.ears = Ears()
    ref = ServiceRef(cluster="prod", namespace="shop", name=name)
    await cluster.patch(ref, annotations, resource_version=version, dry_run=False)
    await town.pass_time(LATE)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert KEY not in cluster.annotations(CHECKOUT)
    assert "What was patched before was put back." in town.card(change).text


async def test_what_landed_without_an_answer_is_found_and_not_sent_again() -> None:
    """However often it was not answered before."""
    town, cluster = deaf()
    change = await about_to_apply(town)
    cluster.ears.patches = frozenset({"checkout"})
    await town.pass_time(MOST_TRIES // 2)
    cluster.ears.lands = True
    await town.pass_time(60)
    assert town.now(change).phase is Phase.VERIFYING
    assert len(cluster.landed) == 1


async def test_somebody_elses_write_settles_what_was_lost() -> None:
    """What was sent on the condition that nobody writes cannot land any more: nothing is waited for."""
    town, cluster = deaf()
    change = await about_to_apply(town)
    cluster.ears.patches = frozenset({"checkout"})
    await town.pass_time(10)
    cluster.annotate(CHECKOUT, "false")
    await town.pass_time(10)
    assert town.now(change).phase is Phase.SUPERSEDED
    assert town.changes()[-1].phase is Phase.PROPOSED


async def test_a_cluster_that_cannot_be_read_is_gone_on_with_and_said_once() -> None:
    """Nobody knows anything: the change waits, for hours if need be, and its thread says why and how to stop it."""
    town, cluster = deaf()
    change = await about_to_apply(town)
    cluster.ears.reads = True
    await town.pass_time(3)
    assert town.thread(change) == []
    await town.pass_time(3600)
    assert town.now(change).phase is Phase.APPLYING
    (said,) = town.thread(change)
    assert f"still trying to apply {change.label}: prod does not answer." in said
    assert "To stop it: <@U0ALICE> can withdraw it, and an operator can pause prod." in said
    cluster.ears.reads = False
    await town.pass_time(5)
    assert town.now(change).phase is Phase.VERIFYING
    assert len(cluster.landed) == 1


async def test_who_asked_for_it_can_stop_what_does_not_come_to_an_end() -> None:
    """The card has the button, nothing more is sent, and it ends when somebody can look."""
    town, cluster = deaf()
    change = await about_to_apply(town)
    cluster.ears.patches = frozenset({"checkout"})
    await town.pass_time(5)
    cluster.ears.reads = True
    await town.pass_time(60)
    sent = len(cluster.ears.sent)
    assert [button.action for button in card_of(town.now(change)).buttons] == [WITHDRAW]
    assert "You stopped CHG-1. Nothing more of it is sent" in await town.click(ALICE, WITHDRAW, change)
    assert "is being put back already" in await town.click(ALICE, WITHDRAW, change)
    assert card_of(town.now(change)).buttons == ()
    await town.pass_time(600)
    assert town.now(change).phase is Phase.APPLYING
    cluster.ears = replace(cluster.ears, reads=False)
    await town.pass_time(LATE + 5)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert len(cluster.ears.sent) == sent
    assert (
        "Who asked for it withdrew it while it was being applied. Nothing of it is in the cluster."
        in town.card(change).text
    )
    (asked,) = [event for event in town.store.changes.log[change.id] if event.kind is EventKind.STOP_ASKED]
    assert (asked.by, asked.detail["digest"]) == (ALICE, change.digest)
    assert len(town.changes()) == 1


async def test_what_had_arrived_before_it_was_stopped_is_put_back() -> None:
    """The answer was lost, and the patch was not."""
    town, cluster = deaf()
    change = await about_to_apply(town)
    cluster.ears = Ears(patches=frozenset({"checkout"}), lands=True, breaks=True)
    await town.pass_time(10)
    assert cluster.annotations(CHECKOUT)[KEY] == "true"
    await town.click(ALICE, WITHDRAW, change)
    cluster.ears = Ears()
    await town.pass_time(10)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert KEY not in cluster.annotations(CHECKOUT)
    assert "What was patched before was put back." in town.card(change).text


@pytest.mark.parametrize("user", [BOB, CAROL])
async def test_nobody_else_stops_what_is_being_applied(user: str) -> None:
    """They hear who can, and how an operator holds it."""
    town, cluster = deaf()
    change = await about_to_apply(town)
    cluster.ears.reads = True
    await town.pass_time(30)
    told = await town.click(user, WITHDRAW, change)
    assert (
        "Only <@U0ALICE>, who asked for CHG-1, can withdraw it. To stop it, ask an operator to pause the cluster."
        in told
    )


async def test_of_several_services_those_before_are_put_back() -> None:
    """The second is never answered: nothing is half applied."""
    town, cluster = deaf(several=True)
    change = await about_to_apply(town)
    cluster.ears.patches = frozenset({"checkout"})
    await town.pass_time(5)
    assert cluster.annotations(BASKET)[KEY] == "true"
    await town.pass_time(MOST_TRIES + LATE + 60)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert KEY not in cluster.annotations(BASKET)
    assert KEY not in cluster.annotations(CHECKOUT)


async def test_what_an_older_version_sent_is_waited_for_too() -> None:
    """It did not note when: the whole time is waited for."""
    town, cluster = deaf()
    change = await about_to_apply(town)
    cluster.ears.patches = frozenset({"checkout"})
    await town.pass_time(5)
    await town.pass_time(LATE)
    now = town.now(change)
    town.store.changes.rows[change.id] = replace(
        now, sent_at=None, undoing="It was withdrawn.", stopped_by=ALICE
    )
    cluster.ears = Ears()
    await town.pass_time(LATE / 2)
    assert town.now(change).phase is Phase.APPLYING
    await town.pass_time(LATE)
    assert town.now(change).phase is Phase.NOT_APPLIED
