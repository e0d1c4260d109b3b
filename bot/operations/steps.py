"""The steps of an approved change, one after the other; if one cannot be done, those before it are undone.

Each step is recorded when it is done, and the will to put back is recorded before anything is put back: whoever
takes over goes on in the same direction.
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.change import Change, EventKind, Step
from bot.domain.policy import policy_for
from bot.domain.rules_finding import GITOPS
from bot.operations.apply import Applied, Guard, Result, apply_step, there, undo_step
from bot.operations.difference import difference, newcomer
from bot.operations.harm import harm
from bot.operations.jobs import say_job, tell_job
from bot.operations.move import annotate, move, not_applied, show_progress, supersede
from bot.operations.owner import asked_again
from bot.operations.pause import unpaused
from bot.operations.standing import still_allowed, undecided
from bot.operations.template import rewritten
from bot.operations.world import World
from bot.ports import Cluster, Forbidden, Invalid, NotFound, Unavailable

_RESTORED = "What was patched before was put back."


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
        change = await world.store.changes.get(change.id)
        await show_progress(world, change, f"{error}; trying again")
        raise


async def _go_on(world: World, change: Change) -> None:
    cluster = world.clusters.get(change.cluster)
    done = [step for step in change.steps if step.service in change.sent and await _is_there(cluster, step)]
    # What an earlier attempt patched was allowed then; only what is still to be patched is asked about now.
    if len(done) < len(change.steps) and (against := await _objection(world, change, cluster)):
        await _give_up(world, change, done, against)
        return
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
            allowed=gate.passed,
        )
        change = gate.change
        if applied.result is not Result.APPLIED:
            await _give_up(world, change, done, applied)
            return
        done.append(step)
        versions[str(step.service)] = applied.resource_version
        change = await _recorded(world, change, step, applied)
    await _applied(world, change, versions)


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
        service, name = self._step.service, str(self._step.service)
        if self.change.sent_over.get(name) != resource_version:
            after = replace(
                self.change,
                sent=tuple(dict.fromkeys((*self.change.sent, service))),
                sent_over={**self.change.sent_over, name: resource_version},
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


async def _give_up(world: World, change: Change, done: list[Step], failed: Applied) -> None:
    """End the change; if something of it is there already, put that back first, as was resolved here."""
    if done:
        await _put_back(world, await annotate(world, change, undoing=failed.sentence))
    elif failed.result is Result.SUPERSEDED:
        await supersede(world, change, failed.sentence)
    else:
        await not_applied(world, change, failed.sentence)


async def _put_back(world: World, change: Change) -> None:
    cluster = world.clusters.get(change.cluster)
    sent = [step for step in reversed(change.steps) if step.service in change.sent]
    undone = [await undo_step(cluster, step, allowed=_unpaused(world, change)) for step in sent]
    trouble = [one.trouble for one in undone if one.trouble]
    left = [one.left for one in undone if one.left]
    sentence = " ".join([change.undoing, *left, *(trouble or [_RESTORED])])
    if trouble:
        await not_applied(world, change, sentence, incident=True)
    elif await difference(world, change):
        await supersede(world, change, sentence)
    else:
        await not_applied(world, change, sentence)
