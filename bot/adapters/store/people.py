"""Pseudonyms: the event log names people by them, so that a person can be erased and the chain stays whole.

A pseudonym is a hash of the person and a salt, and the salt stands beside the person: whoever puts another person in
that place is found out, and once the row is erased nobody can tell who it was, nor try all the people there are.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex

from sqlalchemy import Connection, delete, select

from bot.adapters.store.dialect import insert
from bot.adapters.store.tables import people as table

_USER = re.compile(r"[UW][A-Z0-9]+")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(\|[^>]*)?>")
_PSEUDONYM = re.compile(r"person-[0-9a-f]{16}")
BOT = "bot"


def pseudonym(connection: Connection, person: str) -> str:
    """Return the pseudonym of a Slack user id, made up when it is seen first; the bot needs none."""
    if person in {"", BOT}:
        return person
    salt = token_hex(16)
    query = insert(connection, table).values(pseudonym=_made_of(salt, person), person=person, salt=salt)
    query = query.on_conflict_do_update(index_elements=[table.c.person], set_={"person": person})
    found: str = connection.execute(query.returning(table.c.pseudonym)).scalar_one()
    return found


def nobody(person: str) -> str:
    """Return a pseudonym for somebody of whom nothing is kept."""
    return _made_of(token_hex(16), person)


def _made_of(salt: str, person: str) -> str:
    return f"person-{sha256(f'{salt}:{person}'.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """How pseudonyms and people belong together."""

    exchanged: tuple[str, ...] = ()
    """Pseudonyms beside which somebody else stands than when they were made."""
    unbound: int = 0
    """Pseudonyms without a salt: of an earlier version, or somebody took it away; they cannot be checked."""


def bindings(connection: Connection) -> Bindings:
    """Make every pseudonym anew, and compare."""
    rows = connection.execute(select(table).order_by(table.c.pseudonym)).all()
    bound = [row for row in rows if row.salt is not None]
    wrong = (row.pseudonym for row in bound if row.pseudonym != _made_of(row.salt, row.person))
    return Bindings(exchanged=tuple(wrong), unbound=len(rows) - len(bound))


def hide(connection: Connection, text: str) -> str:
    """Replace a user id, when it is the whole text, and every mention of one."""
    if _USER.fullmatch(text):
        return pseudonym(connection, text)
    return _MENTION.sub(lambda match: f"<@{pseudonym(connection, match[1])}>", text)


def known(connection: Connection, texts: Iterable[str]) -> dict[str, str]:
    """Return who the pseudonyms in these texts are, as far as they were not erased."""
    wanted = {found for text in texts for found in _PSEUDONYM.findall(text)}
    if not wanted:
        return {}
    rows = connection.execute(select(table).where(table.c.pseudonym.in_(sorted(wanted))))
    return {row.pseudonym: row.person for row in rows}


def show(text: str, names: dict[str, str]) -> str:
    """Put the people back whose pseudonyms are known."""
    return _PSEUDONYM.sub(lambda match: names.get(match[0], match[0]), text)


def erase(connection: Connection, person: str) -> str | None:
    """Forget who a pseudonym is; return it, or None if the person was never seen."""
    query = delete(table).where(table.c.person == person).returning(table.c.pseudonym)
    return connection.execute(query).scalar_one_or_none()
