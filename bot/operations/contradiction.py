"""What the last verification of a Service saw that the explanation does not say."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from bot.domain.change import ServiceRef
from bot.domain.objects import PASS_THROUGH, Service
from bot.domain.verification import Row, Run
from bot.operations.world import World
from bot.ports import WorldError

PATIENCE = 0.5
"""Seconds that an answer waits for the database; without it the answer does not know of verifications."""
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
            run = await world.store.runs.last(ref)
            if run is None or run.finished_at is None or (row := _otherwise(run, ref)) is None:
                return None
            if not _as_measured(run, service) or await _changed_since(world, run, ref):
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


async def _changed_since(world: World, run: Run, ref: ServiceRef) -> bool:
    """Whether a change or a rollback was applied since, even if it came back to the same value."""
    found = await world.store.changes.find(
        cluster=ref.cluster, namespace=ref.namespace, name=ref.name, limit=10
    )
    since = run.applied_at or run.started_at
    return any(
        change.applied_at is not None and change.applied_at > since
        for change in found
        if change.id != run.change_id
    )
