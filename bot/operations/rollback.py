"""Undoing an applied change: a change of its own, from the values that were captured before the first."""

from dataclasses import replace

from bot.domain.approval import BOT, decide_proposal
from bot.domain.change import Approval, Change, Event, EventKind, Phase, Step, Verb
from bot.domain.objects import PASS_THROUGH, Ref, Service
from bot.domain.policy import Right, all_agree, may
from bot.domain.snapshot import Snapshot
from bot.domain.words import unmarked
from bot.operations import preview
from bot.operations.caller import Caller
from bot.operations.draft import Asked, Paths, already, compose, paths, read_live, rehearsed, store
from bot.operations.jobs import say_job
from bot.operations.move import annotate, follow_ups
from bot.operations.refusal import Refused
from bot.operations.rights import Rights, nobody, rights_of
from bot.operations.world import World
from bot.ports import Cluster, Later, Stale

UNDOABLE = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.INCONCLUSIVE})
RETRY = 15.0
"""Seconds after which the bot tries again to roll back by itself where something does not answer."""


async def roll_back(world: World, first: Change, rights: Rights, caller: Caller, request_id: str) -> str:
    """Propose to undo a change; who may roll back alone has approved it with that.

    Raises:
        Refused: with the sentence for the person.
    """
    second = await propose_rollback(world, first, _asked(first, caller, request_id), rights)
    if second.phase is Phase.PROPOSED and _alone(rights, second):
        await _approved(world, second, caller.user, request_id)
        return f"{second.label} undoes {first.label}. It is being applied; the thread of its card shows what happens."
    if second.phase is Phase.PROPOSED:
        return f"{second.label} would undo {first.label}. It waits for approval."
    return f"{second.label} undoes {first.label}; it is {second.phase} now."


async def roll_back_by_itself(world: World, change_id: str) -> None:
    """Undo a change that failed, because the configuration says so; if that cannot be, say so.

    Raises:
        Later: something does not answer.
    """
    first = await world.store.changes.get(change_id)
    caller = Caller(user=BOT, team="", channel=first.channel)
    request_id = f"undo:{first.id}"
    try:
        second = await propose_rollback(world, first, _asked(first, caller, request_id))
    except Refused as refused:
        if refused.passing:
            raise Later(RETRY) from refused
        note = f"{first.note} It was not rolled back by itself: {unmarked(refused)}"
        await annotate(world, first, note=note, jobs=[say_job(first.id, "not-undone")])
        return
    await _approved(world, second, BOT, request_id)
    await world.store.jobs.submit(say_job(first.id, "undone"))


async def propose_rollback(world: World, first: Change, asked: Asked, rights: Rights | None = None) -> Change:
    """Store the proposal to undo a change, and link the two.

    Raises:
        Refused: with the sentence for the person.
    """
    stored = await already(world, asked)
    if stored is None:
        stored = await _proposed(world, first, asked, rights or await _rights(world, asked))
    if first.rolled_back_by != stored.label and stored.open:
        await annotate(world, first, rolled_back_by=stored.label)
    return stored


async def _proposed(world: World, first: Change, asked: Asked, rights: Rights) -> Change:
    _undoable(first)
    if asked.caller.user != BOT:
        _may(rights, first, asked.reason)
    cluster = world.clusters.get(first.cluster)
    steps = tuple([await _undo(cluster, step) for step in reversed(first.steps)])
    shown = _paths(cluster.snapshot(), first, steps)
    draft = await compose(
        world, asked, rights, ref=first.service, steps=steps, shown=shown, rolls_back=first.id
    )
    return await store(world, await rehearsed(cluster, draft))


def _asked(first: Change, caller: Caller, request_id: str) -> Asked:
    return Asked(
        id=request_id,
        verb=Verb.ROLLBACK,
        reason=f"rolls back {first.label}",
        caller=caller,
        channel=first.channel,
    )


async def _rights(world: World, asked: Asked) -> Rights:
    """Look the requester up; the bot itself is nobody, and needs no right."""
    if asked.caller.user == BOT:
        return Rights(person=nobody(asked.caller), groups={}, policies=world.settings.policies)
    return await rights_of(world, asked.caller)


def _undoable(change: Change) -> None:
    if change.rolled_back_by:
        raise Refused(f"{change.label} is undone by {change.rolled_back_by} already.")
    if change.phase not in UNDOABLE:
        raise Refused(f"{change.label} is {change.phase}; there is nothing to roll back.")


def _may(rights: Rights, change: Change, reason: str) -> None:
    decision = all_agree(
        decide_proposal(
            rights.policy(change.cluster, step.service.namespace),
            Verb.ROLLBACK,
            rights.person,
            rights.groups,
            reason=reason,
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
            who = unmarked(live.touched_by.get(key, "Somebody"))
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
            f"{step.service} has not been seen by the bot yet. Nothing was done; try again in a minute.",
            passing=True,
        )
    return service


async def _approved(world: World, change: Change, by: str, request_id: str) -> None:
    if change.phase is not Phase.PROPOSED:
        return
    now = world.clock()
    event = Event(
        kind=EventKind.APPROVED, at=now, by=by, detail={"digest": change.digest, "click": request_id}
    )
    given = replace(change, approvals=(Approval(by=by, at=now),))
    after = given.after(event, decided_by=by, decided_at=now)
    try:
        await world.store.changes.move(change, after, event, jobs=follow_ups(change, after))
    except Stale:
        return
