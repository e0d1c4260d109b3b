"""The steps of an approved change, one after the other; if one cannot be done, those before it are undone.

Each step is recorded when it is done, and the will to put back is recorded before anything is put back: whoever
takes over goes on in the same direction. What is not answered is tried again, and not for ever: where the Service can
be read and its patch is not there, the change ends. Where nothing can be read, nobody knows, and it is gone on with.
What is there and should not be is put back for about a day, less and less often; then people are left with it, and told.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.approval import BOT
from bot.domain.change import Change, EventKind, Phase, ServiceRef, Step
from bot.domain.policy import policy_for
from bot.domain.rules_finding import GITOPS
from bot.domain.words import counted, ended, person, unmarked
from bot.operations.apply import (
    Applied,
    Guard,
    Result,
    UnansweredError,
    apply_step,
    rehearse_step,
    there,
    undo_step,
)
from bot.operations.difference import difference, newcomer
from bot.operations.harm import harm
from bot.operations.jobs import card_job, say_job, tell_job
from bot.operations.leftover import given_up, stuck
from bot.operations.move import annotate, half_applied, move, not_applied, show_progress, supersede
from bot.operations.owner import asked_again
from bot.operations.pause import unpaused
from bot.operations.standing import still_allowed, undecided
from bot.operations.template import rewritten
from bot.operations.world import World
from bot.ports import Cluster, Forbidden, Invalid, Later, NotFound, Unavailable

MOST_TRIES = 20
"""Patches without an answer: about ten minutes, for the worker waits half a minute between two of them at most."""
TOLD_AT = 6
"""The attempt in vain at which the thread is told: the card has said so for half a minute."""
LANDS_WITHIN = timedelta(seconds=90)
"""For so long a patch whose answer was lost may still land. An API server ends a request after a minute, by default:
--request-timeout in https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/"""
UNDO_TRIES = 300
"""Rounds of putting back: about a day."""
UNDO_FIRST, UNDO_LAST = 5.0, 300.0
"""Seconds between two of them: doubling, from the one to the other."""
UNDO_TOLD_AT = 2
"""The round in vain at which people are told: what passes in five seconds is none of their trouble."""
_RESTORED = "What was patched before was put back."
_NOTHING = "Nothing of it is in the cluster."


async def apply(world: World, change: Change) -> None:
    """Apply every step that is not there yet.

    Raises:
        Later: paused; nothing was decided.
        Unavailable: something does not answer; the worker tries again, less and less often.
    """
    await unpaused(world, change)
    try:
        await (_put_back(world, change) if change.undoing else _go_on(world, change))
    except Unavailable as error:
        await _in_vain(world, change.id, error)
        raise


async def _in_vain(world: World, change_id: str, error: Unavailable) -> None:
    """Count an attempt that came to nothing; the card says so, and after a while the thread does, once."""
    change = await world.store.changes.get(change_id)
    if change.phase is not Phase.APPLYING:
        return
    unanswered = isinstance(error, UnansweredError)
    after = replace(
        change,
        progress=f"{error}; trying again",
        waits=change.waits + 1,
        tries=change.tries + unanswered,
        trouble=str(error) if unanswered else change.trouble,
    )
    jobs = [card_job(change.id)] if change.progress != after.progress or after.waits == TOLD_AT else []
    if after.waits == TOLD_AT:
        jobs.append(say_job(change.id, "trying", _still_trying(after, error)))
    await world.store.changes.note(change, after, jobs=jobs)


def _still_trying(change: Change, error: Unavailable) -> str:
    what = "put back what was patched of" if change.undoing else "apply"
    withdraw = (
        f"{person(change.requested_by)} can withdraw it, and an" if change.requested_by != BOT else "An"
    )
    stop = f" To stop it: {withdraw} operator can pause {change.cluster}." if not change.undoing else ""
    return (
        f"The bot is still trying to {what} {change.label}: {unmarked(error)}. It looks whether a patch has arrived "
        f"before it sends another.{stop}"
    )


async def _go_on(world: World, change: Change) -> None:
    cluster = world.clusters.get(change.cluster)
    done = [step for step in change.steps if step.service in change.sent and await _is_there(cluster, step)]
    # What an earlier attempt patched was allowed then; only what is still to be patched is asked about now.
    if len(done) < len(change.steps) and (against := await _objection(world, change, cluster)):
        await _give_up(world, change, done, against)
        return
    if stopped := await _rehearse_all(change, cluster, done):
        await _give_up(world, change, done, stopped)
        return
    unanswered = change.sent
    versions: dict[str, str] = {}
    for step in change.steps:
        if step in done:
            continue
        gate = _Gate(world, change, step)
        applied = await apply_step(
            cluster,
            step,
            resumed=step.service in change.sent,
            sent_over=change.sent_over.get(str(step.service)),
            in_vain=_enough(change, step),
            allowed=gate.passed,
        )
        change = gate.change
        if applied.result is not Result.APPLIED:
            known = () if step.service in unanswered else (str(step.service),)
            await _give_up(world, change, done, applied, known=known)
            return
        done.append(step)
        versions[str(step.service)] = applied.resource_version
        change = await _recorded(world, change, step, applied)
    await _applied(world, change, versions)


async def _rehearse_all(change: Change, cluster: Cluster, done: Collection[Step]) -> Applied | None:
    """Rehearse every Service of several before the next one is patched: what would be refused later costs no write now."""
    todo = [step for step in change.steps if step not in done and step.service not in change.sent]
    if len(todo) < 2:  # noqa: PLR2004 - one alone is rehearsed right before its patch
        return None
    for step in todo:
        if against := await rehearse_step(cluster, step, in_vain=_enough(change, step)):
            return against
    return None


class _Gate:
    """What is passed right before each patch: no pause, and the will to send it is stored."""

    def __init__(self, world: World, change: Change, step: Step) -> None:
        self._world = world
        self._step = step
        self.change = change
        """As it is stored."""

    async def passed(self, resource_version: str) -> None:
        """Let the patch go.

        Raises:
            Later: the cluster is paused.
            Stale: somebody else moved the change.
        """
        await unpaused(self._world, self.change)
        service = self._step.service
        after = replace(
            self.change,
            sent=tuple(dict.fromkeys((*self.change.sent, service))),
            sent_over={**self.change.sent_over, str(service): resource_version},
            sent_at=self._world.clock(),
        )
        self.change = await self._world.store.changes.note(self.change, after)


def _unpaused(world: World, change: Change) -> Guard:
    async def ask(resource_version: str) -> None:
        del resource_version
        await unpaused(world, change)

    return ask


async def _is_there(cluster: Cluster, step: Step) -> bool:
    """Whether an attempt that did not live to say so applied the step."""
    try:
        return there(await cluster.read(step.service), step)
    except (NotFound, Forbidden, Invalid):
        return False


async def _applied(world: World, change: Change, versions: Mapping[str, str]) -> None:
    jobs = [tell_job(change.id), say_job(change.id, "applied")]
    # Of several, each has its own event.
    version = versions.get(str(change.service), "") if len(change.steps) == 1 else ""
    await move(
        world,
        change,
        EventKind.APPLIED,
        jobs=jobs,
        detail={"resourceVersion": version} if version else {},
        applied_at=world.clock(),
        note="",
        dry_run="",
        incident=True,
    )


async def _objection(world: World, change: Change, cluster: Cluster) -> Applied | None:
    """Say why nothing (more) may be patched; None: nothing speaks against it.

    Raises:
        Unavailable: that is not known now.
    """
    if cluster.read_only:
        return Applied(result=Result.REFUSED, sentence=f"The cluster {change.cluster} is read-only here.")
    decision = await still_allowed(world, change)
    if undecided(decision):
        raise Unavailable(decision.why)
    if not decision.allowed:
        return Applied(result=Result.REFUSED, sentence=decision.why)
    if not cluster.freshness().synced:
        raise Unavailable(f"{change.cluster} has not been read completely yet")
    if why := rewritten(world, change) or newcomer(world, change):
        return Applied(result=Result.SUPERSEDED, sentence=why)
    if why := harm(world, await _with_fate(world, change)):
        return Applied(result=Result.REFUSED, sentence=f"{why[0].upper()}{why[1:]}")
    return None


async def _with_fate(world: World, change: Change) -> Change:
    """Ask once more what becomes of the patch in Git, where a policy refuses for that."""
    spaces = {step.service.namespace for step in change.steps}
    policies = [policy_for(world.settings.policies, change.cluster, space) for space in spaces]
    return await asked_again(world, change) if any(GITOPS.id in p.block_on for p in policies) else change


async def _recorded(world: World, change: Change, step: Step, applied: Applied) -> Change:
    """Record one step of several; the only one is recorded with the change itself."""
    if len(change.steps) == 1:
        return change
    detail = {"service": str(step.service), "resourceVersion": applied.resource_version}
    return await move(world, change, EventKind.STEP_APPLIED, detail=detail)


def _enough(change: Change, step: Step) -> str:
    """Say why a patch is not tried any more; nothing while it is."""
    if change.tries < MOST_TRIES:
        return ""
    return (
        f"The API server did not answer the patch of {step.service} in {change.tries} tries: {ended(change.trouble)} "
        "It is not there. Propose it again once that is mended."
    )


async def _give_up(
    world: World, change: Change, done: list[Step], failed: Applied, *, known: Collection[str] = ()
) -> None:
    """End the change; if something of it is there already, or may come, put that back first, as was resolved here.

    `known` are Services of which every patch that was sent has been answered.
    """
    change = replace(change, sent_over={**change.sent_over, **dict.fromkeys(known, "")})
    if done or await _may_land(world, change):
        change = await annotate(
            world, change, undoing=failed.sentence, sent_over=change.sent_over, waits=0, tries=0
        )
        await _put_back(world, change)
    elif failed.result is Result.SUPERSEDED:
        await supersede(world, change, failed.sentence)
    else:
        await not_applied(world, change, failed.sentence)


async def _may_land(world: World, change: Change) -> float:
    """Seconds for which a patch whose answer was lost may still land; 0: what is not there does not come any more.

    Raises:
        Unavailable: the cluster cannot be read.
    """
    if not any(change.sent_over.values()):
        return 0.0
    # An older version did not note when.
    since = world.clock() - change.sent_at if change.sent_at else timedelta()
    left = LANDS_WITHIN - max(since, timedelta())
    if left <= timedelta():
        return 0.0
    cluster = world.clusters.get(change.cluster)
    for step in change.steps:
        try:
            live = await cluster.read(step.service) if step.service in change.sent else None
        except (NotFound, Forbidden, Invalid):
            continue
        # It was sent on the condition that nobody has written to the Service since.
        if live is not None and live.resource_version == change.sent_over.get(str(step.service)):
            return left.total_seconds()
    return 0.0


async def _put_back(world: World, change: Change) -> None:
    if left := await _may_land(world, change):
        if change.sent_at is None:
            change = await annotate(world, change, sent_at=world.clock())
        await show_progress(world, change, "waiting until no patch of it can arrive any more")
        raise Later(left)
    cluster = world.clusters.get(change.cluster)
    # What an earlier round put back, or found changed, is somebody else's since.
    there_yet = change.still or change.sent
    sent = [step for step in reversed(change.steps) if step.service in there_yet]
    undone = {step.service: await undo_step(cluster, step, allowed=_unpaused(world, change)) for step in sent}
    still = {service: one.trouble for service, one in undone.items() if one.trouble}
    left_alone = [one.left for one in undone.values() if one.left]
    if still:
        why = " ".join([change.undoing, *left_alone])
        await _still_there(world, replace(change, undoing=why), still)
        return
    # What an earlier round could not put back, and what is not there any more, is as good as put back.
    back = _RESTORED if change.still or any(one.back for one in undone.values()) else _NOTHING
    sentence = " ".join([change.undoing, *left_alone, back])
    change = await annotate(world, change, still=()) if change.still else change
    if not change.stopped_by and await difference(world, change):
        await supersede(world, change, sentence)
    else:
        await not_applied(world, change, sentence)


async def _still_there(world: World, change: Change, still: Mapping[ServiceRef, str]) -> None:
    """Count a round of putting back that was not the last; tell people, once; in the end leave it to them.

    Raises:
        Later: it is tried again.
    """
    round_ = change.tries + 1
    told: dict[str, Any] = {
        "undoing": change.undoing,
        "still": tuple(still),
        "trouble": "; ".join(dict.fromkeys(still.values())),
        "tries": round_,
        "progress": f"putting back: tried {counted(round_, 'time')}",
    }
    if round_ >= UNDO_TRIES:
        change = await annotate(world, change, **told)
        await half_applied(world, change, given_up(change))
        return
    loud = []
    if round_ == UNDO_TOLD_AT:
        told |= {"incident": True, "note": stuck(replace(change, **told))}
        loud = [say_job(change.id, "stuck"), say_job(change.id, "alarm")]
    await annotate(world, change, jobs=loud, **told)
    raise Later(min(UNDO_FIRST * 2.0 ** (round_ - 1), UNDO_LAST))
