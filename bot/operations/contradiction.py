"""What the last verification of a Service saw that the explanation does not say."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from bot.domain.change import Change, ServiceRef
from bot.domain.objects import PASS_THROUGH, Service
from bot.domain.verification import Row, Run
from bot.operations.measured import run_id
from bot.operations.world import World
from bot.ports import NotFound, WorldError

PATIENCE = 0.5
"""Seconds that an answer waits for the database; without it the answer does not know of verifications."""
LOOKED_AT = 10
"""Changes of a Service, newest first, that an answer looks at."""
_RULES = frozenset({"engine-wrong", "cut-off", "unsteady", "wrong-way"})
"""Rules of a verdict's rows by which what was seen is not what the path engine expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """A class of client that was seen to fare otherwise than is explained, while what was measured still holds."""

    sentence: str
    client: str
    """The class, in words."""
    kind: str
    """The class, by its code; empty where the plan did not say."""


async def contradiction(world: World, ref: ServiceRef, service: Service) -> Contradiction | None:
    """Say what was seen last that contradicts what is explained now.

    None where it agreed, is not known in time, or was measured while pass-through was another: a change or a
    rollback that came later makes it history.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            changes = await world.store.changes.find(
                cluster=ref.cluster, namespace=ref.namespace, name=ref.name, limit=LOOKED_AT
            )
            run = await _last_run(world, ref, changes)
            if run is None or run.finished_at is None or (row := _otherwise(run, ref)) is None:
                return None
            if not _as_measured(run, service) or _changed_since(run, changes):
                return None
    except (WorldError, TimeoutError):
        return None
    return _told(run, row, run.finished_at)


def _told(run: Run, row: Row, at: datetime) -> Contradiction:
    client = run.client(row.client)
    sentence = (
        f"The last verification, {at:%Y-%m-%d %H:%M} UTC, saw something else than is explained here. "
        f"{row.client}: {row.explanation}"
    )
    return Contradiction(sentence=sentence, client=row.client, kind=client.kind if client else "")


def _otherwise(run: Run, ref: ServiceRef) -> Row | None:
    """The first row about this Service that is not as expected."""
    rows = run.verdict.rows if run.verdict else ()
    return next((row for row in rows if row.rule in _RULES and _is_about(run, row, ref)), None)


def _is_about(run: Run, row: Row, ref: ServiceRef) -> bool:
    client = run.client(row.client)
    return client is None or client.service in {None, ref}


def _as_measured(run: Run, service: Service) -> bool:
    """Whether pass-through is what it was when it was measured."""
    return run.plan.value is None or run.plan.value == service.annotations.get(PASS_THROUGH, "")


async def _last_run(world: World, ref: ServiceRef, changes: Sequence[Change]) -> Run | None:
    """The run about a Service that ended last: its own, or that of a change in which it was one of several."""
    sets = [change for change in changes if change.service != ref]
    found = [await world.store.runs.last(ref), *[await _run_of(world, change) for change in sets]]
    ended = [(run.finished_at, run) for run in found if run and run.finished_at and ref in run.services]
    return max(ended, key=itemgetter(0), default=(None, None))[1]


async def _run_of(world: World, change: Change) -> Run | None:
    try:
        return await world.store.runs.get(run_id(change))
    except NotFound:
        return None


def _changed_since(run: Run, changes: Iterable[Change]) -> bool:
    """Whether a change or a rollback was applied since, even if it came back to the same value."""
    since = run.applied_at or run.started_at
    return any(
        change.applied_at is not None and change.applied_at > since
        for change in changes
        if change.id != run.change_id
    )
