"""Looks at a proposal that waits: what it would change is different now, or only who is affected is."""

from dataclasses import replace

from bot.domain.change import Change, Phase
from bot.domain.objects import PASS_THROUGH, Ref
from bot.operations import preview
from bot.operations.difference import difference
from bot.operations.draft import paths
from bot.operations.jobs import LOOK_AGAIN, card_job
from bot.operations.move import supersede
from bot.operations.world import World
from bot.ports import Later, Stale


async def look(world: World, change_id: str) -> None:
    """Supersede a proposal, or bring its path table up to date, for as long as it waits.

    Raises:
        Later: it still waits.
    """
    change = await world.store.changes.get(change_id)
    if change.phase is not Phase.PROPOSED:
        return
    try:
        if why := await difference(world, change, quick=True):
            await supersede(world, change, why)
            return
        await _redraw(world, change)
    except Stale as error:
        raise Later(0.0) from error
    raise Later(LOOK_AGAIN)


async def _redraw(world: World, change: Change) -> None:
    """Write the paths on the change again if Pods or nodes came or went; that voids no approval."""
    cluster = world.clusters.get(change.cluster)
    freshness = cluster.freshness()
    snapshot = cluster.snapshot()
    if not freshness.synced or freshness.problem:
        return
    cached = [snapshot.service(Ref(step.service.namespace, step.service.name)) for step in change.steps]
    values = [step.after.get(PASS_THROUGH) for step in change.steps]
    parts = [(service, value) for service, value in zip(cached, values, strict=True) if service is not None]
    if len(parts) < len(change.steps):
        return
    shown = paths(snapshot, parts, Ref(change.service.namespace, change.service.name))
    after = replace(
        change, table=preview.rows(shown.before, shown.after), findings=preview.notes(shown.after)
    )
    if (after.table, after.findings) != (change.table, change.findings):
        await world.store.changes.note(change, after, jobs=[card_job(change.id)])
