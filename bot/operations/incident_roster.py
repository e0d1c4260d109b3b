"""What is wrong now, as one person may know it: for `list` and the Home tab, with the database away too."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.change import ServiceRef
from bot.domain.incident import Incident, Phase
from bot.operations.incident import open_incidents
from bot.operations.incident_notice import SIGNS, notice_of
from bot.operations.rights import Rights
from bot.operations.world import World
from bot.ports import WorldError

PATIENCE = 2.0
"""Seconds that a question waits for the database, without which it is answered all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One incident, in a list."""

    sign: str
    text: str
    since: datetime
    note: str
    """What was done about it, if anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Incidents that are not over, the gravest and oldest first, or why they are not known."""

    rows: Sequence[Incident] = ()
    problem: str = ""

    def of(self, chosen: Callable[[ServiceRef], bool], *, whole: bool) -> "Roster":
        """Keep those about a chosen Service; `whole`: those of a whole cluster too."""
        kept = [row for row in self.rows if any(map(chosen, row.services)) or (whole and not row.services)]
        return Roster(rows=kept, problem=self.problem)

    @property
    def services(self) -> frozenset[ServiceRef]:
        """The Services that any of them is about."""
        return frozenset(ref for row in self.rows for ref in row.services)


async def roster(world: World, rights: Rights, cluster: str | None = None) -> Roster:
    """Return the incidents that a person may look at, of one cluster or all."""
    try:
        async with asyncio.timeout(PATIENCE):
            rows = await open_incidents(world, cluster)
    except (WorldError, TimeoutError):
        return Roster(problem="The database does not answer, so open incidents are not known.")
    settled = Roster(rows=[row for row in rows if row.phase is not Phase.SETTLING])
    return settled.of(lambda ref: rights.visible(ref.cluster, ref.namespace), whole=True)


def line_of(row: Incident, now: datetime) -> Line:
    """Say one in a sentence."""
    return Line(sign=SIGNS[row.severity], text=notice_of(row).sentence, since=row.since, note=_note(row, now))


def _note(row: Incident, now: datetime) -> str:
    if row.acknowledged_by:
        return "acknowledged"
    return "snoozed" if row.snoozed(now) else ""
