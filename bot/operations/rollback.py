"""Undoing an applied change: a change of its own, from the values that were captured before the first."""

from dataclasses import replace

from bot.domain.approval import decide_proposal
from bot.domain.change import Approval, Change, Event, EventKind, Phase, Step, Verb
from bot.domain.objects import PASS_THROUGH, Ref, Service
from bot.domain.policy import Right, all_agree, may
from bot.domain.snapshot import Snapshot
from bot.operations import preview
from bot.operations.caller import Caller
from bot.operations.draft import Asked, Paths, compose, paths, read_live, rehearsed, store
from bot.operations.jobs import advance_job, card_job
from bot.operations.refusal import Refused
from bot.operations.rights import Rights
from bot.operations.world import World
from bot.ports import Cluster, Stale

UNDOABLE = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.INCONCLUSIVE})


async def roll_back(world: World, first: Change, rights: Rights, caller: Caller, request_id: str) -> str:
    """Propose to undo a change; who may roll back alone has approved it with that.

    Raises:
        Refused: with the sentence for the person.
    """
    _undoable(first)
    _may(rights, first)
    cluster = world.clusters.get(first.cluster)
    steps = tuple([await _undo(cluster, step) for step in reversed(first.steps)])
    asked = Asked(
        id=request_id,
        verb=Verb.ROLLBACK,
        reason=f"rolls back {first.label}",
        caller=caller,
        channel=first.channel,
    )
    shown = _paths(cluster.snapshot(), first, steps)
    draft = await compose(
        world, asked, rights, ref=first.service, steps=steps, shown=shown, rolls_back=first.id
    )
    stored = await store(world, await rehearsed(cluster, draft))
    await _linked(world, first, stored)
    if _alone(rights, stored):
        await _approved(world, stored, caller, request_id)
        return f"{stored.label} undoes {first.label}. It is being applied; the thread of its card shows what happens."
    return f"{stored.label} would undo {first.label}. It waits for approval."


def _undoable(change: Change) -> None:
    if change.rolled_back_by:
        raise Refused(f"{change.label} is undone by {change.rolled_back_by} already.")
    if change.phase not in UNDOABLE:
        raise Refused(f"{change.label} is {change.phase}; there is nothing to roll back.")


def _may(rights: Rights, change: Change) -> None:
    decision = all_agree(
        decide_proposal(
            rights.policy(change.cluster, step.service.namespace),
            Verb.ROLLBACK,
            rights.person,
            rights.groups,
            reason="rollback",
        )
        for step in change.steps
    )
    if not decision.allowed:
        raise Refused(decision.why, who_may=decision.who_may)


def _alone(rights: Rights, change: Change) -> bool:
    return all(
        may(
            rights.policy(change.cluster, step.service.namespace),
            Right.ROLLBACK,
            rights.person,
            rights.groups,
        ).allowed
        for step in change.steps
    )


async def _undo(cluster: Cluster, step: Step) -> Step:
    live = await read_live(cluster, step.service)
    if live.uid != step.uid:
        raise Refused(
            f"{step.service} was deleted and made again since; there is nothing of this change to undo."
        )
    for key, value in step.after.items():
        if live.annotations.get(key) != value:
            who = live.touched_by.get(key, "somebody")
            raise Refused(
                f"{who} changed {key} on {step.service} since; undoing it would overwrite that. Ask for status, and propose what is wanted now."
            )
    return replace(
        step,
        before={key: live.annotations.get(key) for key in step.after},
        after=dict(step.before),
        read_hash=live.read_hash,
        resource_version=live.resource_version,
    )


def _paths(snapshot: Snapshot, first: Change, steps: tuple[Step, ...]) -> Paths:
    """Explain the Service with the change in force, and without it; the cache may lag behind both."""
    services = [_cached(snapshot, step) for step in steps]
    now = [(service, step.before.get(PASS_THROUGH)) for service, step in zip(services, steps, strict=True)]
    then = [(service, step.after.get(PASS_THROUGH)) for service, step in zip(services, steps, strict=True)]
    return paths(preview.supposed(snapshot, now), then, Ref(first.service.namespace, first.service.name))


def _cached(snapshot: Snapshot, step: Step) -> Service:
    service = snapshot.service(Ref(step.service.namespace, step.service.name))
    if service is None:
        raise Refused(
            f"{step.service} has not been seen by the bot yet. Nothing was done; try again in a minute."
        )
    return service


async def _linked(world: World, first: Change, second: Change) -> None:
    """Write on the first change what undoes it, so that its button goes; whoever writes meanwhile, look again."""
    while not first.rolled_back_by:
        after = replace(first, rolled_back_by=second.label)
        try:
            await world.store.changes.note(first, after, jobs=[card_job(first.id)])
        except Stale:
            first = await world.store.changes.get(first.id)
        else:
            return


async def _approved(world: World, change: Change, caller: Caller, request_id: str) -> None:
    if change.phase is not Phase.PROPOSED:
        return
    now = world.clock()
    event = Event(
        kind=EventKind.APPROVED, at=now, by=caller.user, detail={"digest": change.digest, "click": request_id}
    )
    given = replace(change, approvals=(Approval(by=caller.user, at=now),))
    after = given.after(event, decided_by=caller.user, decided_at=now)
    try:
        await world.store.changes.move(
            change, after, event, jobs=[card_job(change.id), advance_job(change.id)]
        )
    except Stale:
        return
