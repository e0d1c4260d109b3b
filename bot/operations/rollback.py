"""Undoing an applied change: a change of its own, from the values that were captured before the first."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.approval import BOT, decide_proposal
from bot.domain.change import Approval, Change, Event, EventKind, Phase, ServiceRef, Step, Verb
from bot.domain.objects import PASS_THROUGH, Ref, Service
from bot.domain.policy import Decision, Member, Policy, Right, may
from bot.domain.snapshot import Snapshot
from bot.domain.words import unmarked
from bot.operations import preview
from bot.operations.between import in_between
from bot.operations.caller import Caller
from bot.operations.difference import newcomer
from bot.operations.draft import (
    Asked,
    already,
    card_link,
    compose,
    read_live,
    rehearsed,
    store,
    undone_already,
)
from bot.operations.jobs import say_job
from bot.operations.move import annotate, follow_ups
from bot.operations.orphan import known
from bot.operations.owner import ownership
from bot.operations.preview import Paths
from bot.operations.refusal import Refused, refused
from bot.operations.rights import Rights, groups_of, nobody, rights_of, ruled
from bot.operations.world import World
from bot.ports import Cluster, Later, LiveService, Stale

UNDOABLE = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.INCONCLUSIVE, Phase.HALF_APPLIED})
READ = 200
"""Changes of a cluster among which the one that undoes another is looked for."""
RETRY = 15.0
"""Seconds after which the bot tries again to roll back by itself where something does not answer."""


async def roll_back(world: World, first: Change, rights: Rights, caller: Caller, request_id: str) -> str:
    """Propose to undo a change; who may roll back alone has approved it with that.

    Raises:
        Refused: with the sentence for the person.
    """
    second = await propose_rollback(world, first, _asked(first, caller, request_id), rights)
    if second.phase is Phase.PROPOSED and world.clusters.get(first.cluster).read_only:
        return f"{second.label} would undo {first.label}. {first.cluster} is read-only here; its card shows how to do it by hand."
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


async def propose_rollback(
    world: World, first: Change, asked: Asked, rights: Rights | None = None, *, replaces: str = ""
) -> Change:
    """Store the proposal to undo a change, and link the two; `replaces` names a proposal that came to nothing.

    Raises:
        Refused: with the sentence for the person.
    """
    stored = await already(world, asked)
    if stored is None:
        await _undoable(world, first, replaces)
        stored = await _proposed(world, first, asked, rights or await _rights(world, asked))
    if first.rolled_back_by != stored.label and stored.open:
        await annotate(world, first, rolled_back_by=stored.label, rollback=stored.phase)
    return stored


async def _proposed(world: World, first: Change, asked: Asked, rights: Rights) -> Change:
    known(world, first, "rolled back")
    if asked.caller.user != BOT:
        await _may(world, rights, first, asked.reason)
    cluster = world.clusters.get(first.cluster)
    # What is as before already is not patched: a part that was never patched, or that a person put back.
    found = [await _undo(cluster, step, several=len(first.steps) > 1) for step in reversed(first.steps)]
    undone = [one for one in found if one is not None]
    if not undone:
        raise Refused(f"Everything that {first.label} changed is as it was before; there is nothing to undo.")
    steps = tuple(step for step, _ in undone)
    ref = first.service if first.service in {step.service for step in steps} else steps[0].service
    shown = _paths(cluster.snapshot(), ref, steps)
    between = await asyncio.to_thread(in_between, shown.snapshot, _parts(shown.snapshot, steps))
    draft = await compose(
        world,
        asked,
        rights,
        ref=ref,
        steps=steps,
        shown=shown,
        remark=between.sentence,
        rolls_back=first.id,
    )
    draft = replace(draft, between=between.lost)
    draft = (await ownership(world, [(live, step.after) for step, live in undone])).told_on(draft)
    if why := newcomer(world, replace(draft, number=first.number)):
        raise Refused(f"{unmarked(why)} Propose enable or disable, which takes all of them.")
    return await store(world, await rehearsed(cluster, draft))


def _parts(snapshot: Snapshot, steps: Sequence[Step]) -> list[tuple[Service, str | None]]:
    """The Services as they are with the change in force, each with the value that it gets back."""
    found = ((snapshot.service(Ref(step.service.namespace, step.service.name)), step) for step in steps)
    return [(service, step.after.get(PASS_THROUGH)) for service, step in found if service is not None]


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
        policies = world.settings.policies
        groups = await groups_of(world, {group for policy in policies for group in policy.groups()})
        return Rights(person=nobody(asked.caller), groups=groups, policies=policies)
    return await rights_of(world, asked.caller)


async def _undoable(world: World, change: Change, replaces: str) -> None:
    if change.rolled_back_by not in ("", replaces):
        raise Refused(await _undone(world, change))
    if change.phase not in UNDOABLE:
        raise Refused(
            f"{change.label} {_NOT_YET.get(change.phase, f'is {change.phase}; there is nothing to roll back.')}"
        )


async def _undone(world: World, change: Change) -> str:
    """Say which change undoes this one, and whose it is."""
    recent = await world.store.changes.find(cluster=change.cluster, limit=READ)
    second = next((other for other in recent if other.label == change.rolled_back_by), None)
    if second is None:
        return f"{change.label} is undone by {change.rolled_back_by} already."
    return undone_already(change, second, await card_link(world, second))


_NOT_YET = {
    Phase.APPROVED: "is about to be applied. Withdraw stops it; nothing is patched yet.",
    Phase.APPLYING: "is being applied. It can be rolled back when that and its verification have ended.",
    Phase.VERIFYING: "is patched and being verified. It can be rolled back when that has ended; Stop measuring, on its progress message, ends it now.",
}
"""Why what may be there cannot be rolled back at this moment."""


async def _may(world: World, rights: Rights, change: Change, reason: str) -> None:
    def decide(policy: Policy, somebody: Member) -> Decision:
        return decide_proposal(policy, Verb.ROLLBACK, somebody, rights.groups, reason=reason)

    policies = rights.of(change.cluster, (step.service.namespace for step in change.steps))
    decision = await ruled(world, rights, policies, (Right.ROLLBACK, Right.PROPOSE), decide)
    if not decision.allowed:
        raise refused(decision)


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


async def _undo(cluster: Cluster, step: Step, *, several: bool) -> tuple[Step, LiveService] | None:
    """Return the patch that undoes a step; None where of several this one is as before already."""
    live = await read_live(cluster, step.service)
    if live.uid != step.uid:
        raise Refused(
            f"{step.service} was deleted and made again since; there is nothing of this change to undo."
        )
    if several and all(live.annotations.get(key) == value for key, value in step.before.items()):
        return None
    for key, value in step.after.items():
        if live.annotations.get(key) != value:
            who = unmarked(live.touched_by.get(key, "Somebody"))
            raise Refused(
                f"{who} changed {key} on {step.service} since; undoing it would overwrite that. Ask for status, and propose what is wanted now."
            )
    back = replace(
        step,
        before={key: live.annotations.get(key) for key in step.after},
        after=dict(step.before),
        read_hash=live.read_hash,
        resource_version=live.resource_version,
    )
    return back, live


def _paths(snapshot: Snapshot, ref: ServiceRef, steps: tuple[Step, ...]) -> Paths:
    """Explain the Services with the change in force, and without it."""
    shown = preview.paths(snapshot, steps, ref)
    if shown is None:
        raise Refused(
            f"{ref} has not been seen by the bot yet. Nothing was done; try again in a minute.",
            passing=True,
        )
    return shown


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
