"""Incidents as rows, who tells them, and how much a channel was told."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, or_, select, update

from bot.adapters.store import codec
from bot.adapters.store.database import Database
from bot.adapters.store.dialect import insert, locked_body, now
from bot.adapters.store.jobs import SqlJobs, submit
from bot.adapters.store.tables import annotations, minutes, watches
from bot.adapters.store.tables import incidents as table
from bot.domain.incident import LIVE, Incident
from bot.domain.incident_act import Known
from bot.domain.objects import Ref
from bot.ports import Job, NotFound, Stale, Unreadable

_log = logging.getLogger("bot.store")
_LIVE = [phase.value for phase in LIVE]
_MINUTE = 60.0
_KEPT_MINUTES = 10
_AT_ONCE = 500
"""Rows that one query asks for by id; SQLite once took 999 parameters at most."""


class SqlIncidents:
    """One live incident for each key, whichever replica opens it; saved by compare-and-set."""

    def __init__(self, database: Database, jobs: SqlJobs) -> None:
        self._database = database
        self._jobs = jobs
        self._known: dict[str, Incident] = {}
        """Live rows as they were read last, by id."""

    async def hold(self, cluster: str, holder: str, *, seconds: float) -> bool:
        """Take or renew the right to tell a cluster's incidents; False: another replica has it."""

        def work(connection: Connection) -> bool:
            row = {"holder": holder, "until": now() + seconds}
            query = insert(connection, watches).values(cluster=cluster, **row)
            free = or_(watches.c.holder == holder, watches.c.until <= now())
            query = query.on_conflict_do_update(index_elements=[watches.c.cluster], set_=row, where=free)
            return connection.execute(query.returning(watches.c.cluster)).scalar_one_or_none() is not None

        return await self._database.write(work)

    async def release(self, cluster: str, holder: str) -> None:
        """Give the right back, so that another replica need not wait for its end."""
        query = (
            update(watches).where(watches.c.cluster == cluster, watches.c.holder == holder).values(until=0.0)
        )
        await self._database.write(lambda connection: connection.execute(query))

    async def free_all(self) -> None:
        """Give every right back; only for who is alone with the database."""
        query = update(watches).values(until=0.0)
        await self._database.write(lambda connection: connection.execute(query))

    async def begun(self, cluster: str) -> datetime | None:
        """Return since when the cluster is watched; None: nobody has begun."""
        query = select(watches.c.begun_at).where(watches.c.cluster == cluster)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())

    async def begin(
        self, cluster: str, standing: Sequence[Incident], *, at: datetime, jobs: Sequence[Job] = ()
    ) -> bool:
        """Record what is so at the very first look, once; False: somebody has begun already."""

        def work(connection: Connection) -> bool:
            first = watches.c.begun_at.is_(None)
            query = update(watches).where(watches.c.cluster == cluster, first).values(begun_at=at)
            if connection.execute(query).rowcount != 1:
                return False
            for incident in standing:
                _insert(connection, incident)
            submit(connection, jobs)
            return True

        begun = await self._database.write(work)
        self._jobs.poke(jobs if begun else ())
        return begun

    async def recall(self, cluster: str) -> tuple[datetime, Mapping[Ref, Known]] | None:
        """Return when the cluster was looked at last, and what each Service's annotation was; None: never."""

        def work(connection: Connection) -> tuple[datetime, Mapping[Ref, Known]] | None:
            query = select(watches.c.noted_at).where(watches.c.cluster == cluster)
            at = connection.execute(query).scalar_one_or_none()
            rows = connection.execute(select(annotations).where(annotations.c.cluster == cluster))
            found = {Ref(row.namespace, row.name): Known(uid=row.uid, value=row.value) for row in rows}
            return None if at is None else (at, found)

        return await self._database.read(work)

    async def note(self, cluster: str, known: Mapping[Ref, Known | None], *, at: datetime) -> None:
        """Remember what annotations are, those that changed since the last note.

        A few at a time, for questions wait for the same database: the first note is of a whole cluster. Only the last
        of them says when somebody looked; what broke off before it is noted again.
        """
        items = list(known.items())
        for start in range(0, len(items), _AT_ONCE):
            some = dict(items[start : start + _AT_ONCE])
            await self._database.write(partial(_note, cluster=cluster, known=some))
        query = update(watches).where(watches.c.cluster == cluster).values(noted_at=at)
        await self._database.write(lambda connection: connection.execute(query))

    async def open(self, incident: Incident, *, jobs: Sequence[Job] = ()) -> Incident:
        """Store an incident, unless one with its key is live: that one is returned then, and nothing submitted."""

        def work(connection: Connection) -> tuple[Incident, bool]:
            if not _insert(connection, incident):
                return _standing_in(connection, incident), False
            submit(connection, jobs)
            return incident, True

        stored, new = await self._database.write(work)
        self._jobs.poke(jobs if new else ())
        return stored

    async def save(self, before: Incident, after: Incident, *, jobs: Sequence[Job] = ()) -> Incident:
        """Compare `before.version`, set `after`; return what is stored, its version counted up."""
        saved = replace(after, version=before.version + 1)

        def work(connection: Connection) -> None:
            if saved.live and not before.live and _live_rival(connection, saved) is not None:
                raise Stale("the incident began anew meanwhile")
            held = (table.c.id == before.id, table.c.version == before.version)
            stored = locked_body(connection, table, *held)
            if stored is None:
                _get(connection, before.id)
                raise Stale("the incident moved on meanwhile")
            body = codec.dump_over(stored, saved)
            connection.execute(update(table).where(*held).values(**_moving(saved), body=body))
            submit(connection, jobs)

        await self._database.write(work)
        self._jobs.poke(jobs)
        return saved

    async def get(self, incident_id: str) -> Incident:
        """Read one incident."""
        return await self._database.read(lambda connection: _get(connection, incident_id))

    async def live(self, cluster: str | None = None) -> Sequence[Incident]:
        """Return what is not over, of one cluster or all; what cannot be read is left out.

        It is asked every second while something happens: only rows that moved are read and decoded anew.
        """
        where = (
            [table.c.phase.in_(_LIVE)]
            if cluster is None
            else [table.c.phase.in_(_LIVE), table.c.cluster == cluster]
        )
        query = select(table.c.id, table.c.version).where(*where).order_by(table.c.id)
        known = self._known

        def work(connection: Connection) -> tuple[list[str], list[Row[Any]]]:
            found = connection.execute(query).all()
            moved = [row.id for row in found if row.id not in known or known[row.id].version != row.version]
            return [row.id for row in found], list(_bodies(connection, moved))

        ids, bodies = await self._database.read(work)
        fresh = {row.id: incident for row in bodies if (incident := _readable(row))}
        everything = {**known, **fresh}
        live = {id_: everything[id_] for id_ in ids if id_ in everything}
        kept = {} if cluster is None else {i: each for i, each in known.items() if each.cluster != cluster}
        self._known = {**kept, **live}
        return list(live.values())

    async def last(self, key: str) -> Incident | None:
        """Return the incident of a key that was saved last, over or not; None: there was none."""
        query = select(table).where(table.c.key == key)
        query = query.order_by(table.c.live_key.is_(None), table.c.saved_at.desc()).limit(1)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else _readable(row)

    async def folded(self, key: str) -> Sequence[Incident]:
        """Return the incidents that one message tells together, over or not."""
        query = select(table).where(table.c.folded == key).order_by(table.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [incident for row in rows if (incident := _readable(row))]

    async def admit(self, channel: str) -> tuple[int, int]:
        """Count one message to a channel; return the minute, and the message's number in it."""

        def work(connection: Connection) -> tuple[int, int]:
            minute = int(connection.execute(select(now())).scalar_one() // _MINUTE)
            connection.execute(delete(minutes).where(minutes.c.minute < minute - _KEPT_MINUTES))
            query = insert(connection, minutes).values(channel=channel, minute=minute, told=1)
            query = query.on_conflict_do_update(
                index_elements=[minutes.c.channel, minutes.c.minute], set_={"told": minutes.c.told + 1}
            )
            return minute, int(connection.execute(query.returning(minutes.c.told)).scalar_one())

        return await self._database.write(work)


def _note(connection: Connection, cluster: str, known: Mapping[Ref, Known | None]) -> None:
    rows = [
        {"cluster": cluster, "namespace": ref.namespace, "name": ref.name, **_columns(each)}
        for ref, each in known.items()
        if each is not None
    ]
    gone = [
        {"in_cluster": cluster, "in_namespace": ref.namespace, "of_name": ref.name}
        for ref, each in known.items()
        if each is None
    ]
    if rows:
        query = insert(connection, annotations)
        set_ = {"uid": query.excluded.uid, "value": query.excluded.value}
        key = [annotations.c.cluster, annotations.c.namespace, annotations.c.name]
        connection.execute(query.on_conflict_do_update(index_elements=key, set_=set_), rows)
    if gone:
        named = (
            annotations.c.cluster == bindparam("in_cluster"),
            annotations.c.namespace == bindparam("in_namespace"),
            annotations.c.name == bindparam("of_name"),
        )
        connection.execute(delete(annotations).where(*named), gone)


def _columns(known: Known) -> dict[str, str | None]:
    return {"uid": known.uid, "value": known.value}


def _bodies(connection: Connection, ids: Sequence[str]) -> Iterator[Row[Any]]:
    for start in range(0, len(ids), _AT_ONCE):
        query = select(table).where(table.c.id.in_(ids[start : start + _AT_ONCE]))
        yield from connection.execute(query)


def _insert(connection: Connection, incident: Incident) -> bool:
    query = insert(connection, table).values(
        id=incident.id,
        cluster=incident.cluster,
        key=incident.key,
        body=codec.dump(incident),
        **_moving(incident),
    )
    # Either the id or the live key: whoever comes second has nothing to add.
    return (
        connection.execute(query.on_conflict_do_nothing().returning(table.c.id)).scalar_one_or_none()
        is not None
    )


def _standing_in(connection: Connection, incident: Incident) -> Incident:
    rival = _live_rival(connection, incident)
    return _get(connection, incident.id) if rival is None else rival


def _live_rival(connection: Connection, incident: Incident) -> Incident | None:
    row = connection.execute(select(table).where(table.c.live_key == incident.key)).one_or_none()
    return None if row is None else _incident(row)


def _moving(incident: Incident) -> dict[str, Any]:
    """Return the columns that a save sets, beside the body."""
    return {
        "live_key": incident.key if incident.live else None,
        "phase": incident.phase.value,
        "folded": incident.folded,
        "version": incident.version,
        "saved_at": now(),
    }


def _get(connection: Connection, incident_id: str) -> Incident:
    row = connection.execute(select(table).where(table.c.id == incident_id)).one_or_none()
    if row is None:
        raise NotFound("there is no such incident")
    return _incident(row)


def _readable(row: Row[Any]) -> Incident | None:
    try:
        return _incident(row)
    except Unreadable as error:
        _log.warning("%s", error)
        return None


def _incident(row: Row[Any]) -> Incident:
    try:
        return replace(codec.load(Incident, row.body), version=row.version)
    except ValueError as error:
        raise Unreadable(f"incident {row.id}") from error
