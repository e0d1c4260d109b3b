"""Looks at a change that is not applied yet: what it would change is different now, or only who is affected is."""

from collections.abc import Iterable
from dataclasses import replace

from bot.domain.approval import freeze_of
from bot.domain.change import Change, FindingNote, Phase
from bot.domain.rules_finding import GITOPS
from bot.operations import preview
from bot.operations.difference import difference
from bot.operations.glass import policies_of
from bot.operations.jobs import LOOK_AGAIN, card_job
from bot.operations.move import supersede
from bot.operations.owner import asked_again, worse
from bot.operations.world import World
from bot.ports import Later, Stale


async def look(world: World, change_id: str) -> None:
    """Supersede a change until it is being applied, and bring a proposal's path table up to date.

    Raises:
        Later: it still waits to be decided, or is paused or measured before the patch.
    """
    change = await world.store.changes.get(change_id)
    if change.phase not in {Phase.PROPOSED, Phase.APPROVED}:
        return
    if not world.knows(change.cluster):
        raise Later(LOOK_AGAIN)
    try:
        if why := await difference(world, change, quick=True):
            await supersede(world, change, why)
            return
        if change.phase is Phase.PROPOSED:
            await redraw(world, await thawed(world, change))
    except Stale as error:
        raise Later(0.0) from error
    raise Later(LOOK_AGAIN)


async def thawed(world: World, change: Change) -> Change:
    """Write on a proposal whether changes are frozen now, and how long.

    Raises:
        Stale: somebody else moved it meanwhile.
    """
    frozen = str(freeze_of(policies_of(world, change), change.verb, world.clock()) or "")
    if frozen == change.frozen:
        return change
    after = replace(change, frozen=frozen)
    return await world.store.changes.note(change, after, jobs=[card_job(change.id)])


async def redraw(world: World, change: Change) -> None:
    """Write the paths on the change again if Pods or nodes came or went; that voids no approval.

    Raises:
        Stale: somebody else moved it meanwhile.
    """
    cluster = world.clusters.get(change.cluster)
    freshness = cluster.freshness()
    snapshot = cluster.snapshot()
    if not freshness.synced or freshness.problem:
        return
    shown = preview.paths(snapshot, change.steps, change.service)
    if shown is None:
        return
    after = replace(
        change,
        table=preview.rows(shown.before, shown.after),
        findings=_with_fate(change, preview.notes(shown)),
        others=preview.also(shown),
    )
    if after != change:
        await world.store.changes.note(change, after, jobs=[card_job(change.id)])


def _with_fate(change: Change, notes: Iterable[FindingNote]) -> tuple[FindingNote, ...]:
    """Keep what was found out of this very patch in Git: the marks that the path engine sees tell less."""
    if change.fate is None:
        return tuple(notes)
    fate = (note for note in change.findings if note.code == GITOPS.id)
    return (*(note for note in notes if note.code != GITOPS.id), *fate)


async def ask_git(world: World, change: Change) -> str:
    """Bring what becomes of a proposal in Git up to date; return the sentence where that has become worse.

    Raises:
        Stale: the row is not what it was, for it was brought up to date, or somebody else moved it.
    """
    after = await asked_again(world, change)
    if after == change:
        return ""
    await world.store.changes.note(change, after, jobs=[card_job(change.id)])
    if said := worse(change, after):
        return said
    raise Stale(f"{change.label} was brought up to date")
