"""Open incidents as the database has them, for a command that changes nothing and may find none."""

import asyncio
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.adapters.store import open_store
from bot.adapters.store.database import parse_url
from bot.config import Settings
from bot.domain.change import ServiceRef
from bot.domain.explanation import Severity
from bot.domain.incident import Incident, Phase
from bot.ports import WorldError

PATIENCE = 6.0
"""Seconds that a database has to answer."""
_RANK = (Severity.ERROR, Severity.WARNING, Severity.INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incidents:
    """What is open, the gravest and oldest first; or why that is not known."""

    rows: Sequence[Incident] = ()
    problem: str = ""

    def of(self, ref: ServiceRef) -> list[Incident]:
        """Those of one Service."""
        return [row for row in self.rows if ref in row.services]

    def within(self, clusters: Collection[str], namespace: str | None) -> "Incidents":
        """Those of some clusters, and of one namespace if one is named."""
        kept = [
            row
            for row in self.rows
            if row.cluster in clusters
            and (namespace is None or any(ref.namespace == namespace for ref in row.services))
        ]
        return Incidents(rows=kept, problem=self.problem)


async def stored_incidents(settings: Settings) -> Incidents:
    """Read what is open, without creating or migrating anything."""
    url = settings.database_url.reveal()
    if problem := _missing(url):
        return Incidents(problem=problem)
    store = open_store(settings.database_url.reveal)
    try:
        async with asyncio.timeout(PATIENCE):
            rows = await store.incidents.live()
    except WorldError as error:
        return Incidents(problem=_one_line(str(error)))
    except TimeoutError:
        return Incidents(problem=f"the database did not answer within {PATIENCE:.0f} s")
    finally:
        await store.close()
    told = [row for row in rows if row.phase is not Phase.SETTLING]
    return Incidents(rows=sorted(told, key=lambda row: (_RANK.index(row.severity), row.since)))


def as_json(row: Incident) -> dict[str, Any]:
    """Give the entry of `incidents[]`."""
    return {
        "id": row.id,
        "cluster": row.cluster,
        "rule": row.rule,
        "severity": str(row.severity),
        "title": row.title,
        "since": row.since.isoformat(),
        "told": row.phase is Phase.OPEN,
        "acknowledgedBy": row.acknowledged_by or None,
        "services": [
            {"namespace": each.service.namespace, "name": each.service.name, "text": each.text}
            for each in row.members
            if each.service
        ],
    }


def _missing(url: str) -> str:
    """Say that an SQLite file is not there: asking for it would create it."""
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite" or Path(str(parsed.database)).is_file():
        return ""
    where = os.path.relpath(str(parsed.database))
    return f"there is no database at {where}; DATABASE_URL names the one that serve uses"


def _one_line(text: str) -> str:
    return " ".join(text.split())
