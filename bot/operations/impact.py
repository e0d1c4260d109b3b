"""Who is affected by a change as a whole: in the end, in between, and under which condition; in a few words."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.domain.change import Change, ClientClass
from bot.domain.destinations import own_scope
from bot.domain.owner import Fate, Outlook
from bot.domain.rules_finding import TLS_BYPASSED
from bot.domain.verification_target import is_address
from bot.domain.words import duration, listed
from bot.operations.path_table import NOBODY_LOSES, affected

MOST_NAMED = 3


def impact(change: Change, *, brief: bool = False) -> str:
    """Say who is affected; that nobody loses access is not said without what else is known to happen.

    `brief` is for a dialog, which holds 300 characters.
    """
    return affected(change.table, list(_reservations(change, brief=brief)))


def undone(change: Change) -> str:
    """Say who would be affected by undoing a change, for a dialog: its table, read from the other end."""
    back = [
        replace(
            row,
            before=row.after,
            after=row.before,
            through_before=row.through_after,
            through_after=row.through_before,
        )
        for row in change.table
    ]
    several = [_ONE_BY_ONE] if len(change.steps) > 1 else []
    return affected(
        back, [*_reservations(replace(change, table=tuple(back), between=()), brief=True), *several]
    )


_ONE_BY_ONE = "its Services go back one by one, and the rollback's card says who is cut off in between"


def of_other(change: Change, sentence: str) -> str:
    """Say the same of another Service that is patched with it: what happens in between is said of all of them once."""
    plain = f"{NOBODY_LOSES.capitalize()}."
    return sentence.replace(plain, f"{plain[:-1]} in the end.") if change.between else sentence


def brought_back(fate: Fate | None) -> str:
    """Say that a GitOps tool will undo the patch, and when; nothing where none is known to."""
    if fate is None or fate.outlook is not Outlook.REVERTED:
        return ""
    when = f" in about {duration(fate.after)}" if fate.after is not None else " later"
    return f"{fate.tool or 'GitOps'} will put it back{when}."


def _reservations(change: Change, *, brief: bool) -> Iterator[str]:
    most, until = (1, "") if brief else (MOST_NAMED, ", until kube-proxy has followed,")
    if change.between:
        yield f"in between{until} cut off: {listed(change.between, most)}"
    bypassing = any(row.through_before is not False and row.through_after is False for row in change.table)
    if bypassing and any(note.code == TLS_BYPASSED.id for note in change.findings):
        yield "clients that expect TLS meet the backend's plain port"
    if public := _public(change.table):
        yield f"{listed(public, most)} (public): only where the nodes may go out"


def _public(table: Sequence[ClientClass]) -> list[str]:
    """Public addresses to which clients that get there past the load balancer would have to go out."""
    found = (
        row.destination.rpartition(":")[0].strip("[]")
        for row in table
        if row.count and row.before == "reachable" and row.through_before is False and row.through_after
    )
    return [ip for ip in dict.fromkeys(found) if is_address(ip) and own_scope(ip) == "public"]
