"""The event log: appended to in the transaction of the move that it records."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from bot.adapters.store import codec, people
from bot.adapters.store.tables import events as table
from bot.domain.change import Change, Event, EventKind

_log = logging.getLogger("bot.store")


def append(connection: Connection, change: Change, event: Event) -> None:
    """Record what happened to a change; people as pseudonyms."""
    detail = {name: people.hide(connection, text) for name, text in event.detail.items()}
    row = {
        "change": change.id,
        "cluster": change.cluster,
        "kind": event.kind.value,
        "at": event.at,
        "by": people.pseudonym(connection, event.by),
        "detail": codec.dump(detail),
    }
    connection.execute(insert(table), row)


def of(connection: Connection, change_id: str) -> Sequence[Event]:
    """Return a change's events, oldest first; a kind that only a newer version knows is passed over."""
    query = select(table).where(table.c.change == change_id).order_by(table.c.seq)
    rows = connection.execute(query).all()
    names = people.known(connection, (text for row in rows for text in (row.by, row.detail)))
    return [event for row in rows if (event := _readable(row, names))]


def _readable(row: Row[Any], names: dict[str, str]) -> Event | None:
    try:
        return _event(row, names)
    except ValueError:
        _log.warning("an event of change %s, “%s”, was written by another version", row.change, row.kind)
        return None


def _event(row: Row[Any], names: dict[str, str]) -> Event:
    stored: Mapping[str, str] = codec.load(dict[str, str], row.detail)
    detail = {name: people.show(text, names) for name, text in stored.items()}
    return Event(kind=EventKind(row.kind), at=row.at, by=people.show(row.by, names), detail=detail)
