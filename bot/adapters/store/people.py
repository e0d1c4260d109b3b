"""Pseudonyms: the event log names people by them, so that a person can be erased and the chain stays whole."""

import re
from collections.abc import Iterable
from secrets import token_hex

from sqlalchemy import Connection, delete, select

from bot.adapters.store.dialect import insert
from bot.adapters.store.tables import people as table

_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(\|[^>]*)?>")
_PSEUDONYM = re.compile(r"person-[0-9a-f]{16}")
BOT = "bot"


def pseudonym(connection: Connection, person: str) -> str:
    """Return the pseudonym of a Slack user id, made up when it is seen first; the bot needs none."""
    if person in {"", BOT}:
        return person
    query = insert(connection, table).values(pseudonym=f"person-{token_hex(8)}", person=person)
    query = query.on_conflict_do_update(index_elements=[table.c.person], set_={"person": person})
    found: str = connection.execute(query.returning(table.c.pseudonym)).scalar_one()
    return found


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
