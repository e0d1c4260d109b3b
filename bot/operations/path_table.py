"""The table of paths in Slack: one row per class of client and way it fares, in few words."""

from collections.abc import Sequence

from bot.domain.change import ClientClass

MOST_ROWS = 20
NOBODY_LOSES = "nobody loses access"
_HEAD = ("Client", "Count", "Load balancer", "Now", "Afterwards")


def before_and_after(table: Sequence[ClientClass]) -> tuple[tuple[str, ...], ...]:
    """Show what a change does to each class; addresses on which it fares alike share a row."""
    if not table:
        return ()
    alike: dict[tuple[str, ...], list[str]] = {}
    for row in table:
        ways = (path_words(row.before, row.through_before), path_words(row.after, row.through_after))
        alike.setdefault((row.client, str(row.count or "–"), *ways), []).append(row.destination)
    shown = [(key[0], key[1], addresses(to), key[2], key[3]) for key, to in alike.items()]
    left = len(shown) - MOST_ROWS
    more = [(f"and {left} more", "–", "–", "–", "–")] if left > 0 else []
    return (_HEAD, *shown[:MOST_ROWS], *more)


def addresses(destinations: Sequence[str]) -> str:
    """Name one destination, or how many."""
    distinct = dict.fromkeys(destinations)
    return next(iter(distinct)) if len(distinct) == 1 else f"{len(distinct)} addresses"


def path_words(verdict: str, through: bool | None) -> str:  # noqa: FBT001 - a fact of the row, as the table holds it
    """Say one path in a few words, by sign and word."""
    how = {True: "through the ELB", False: "direct", None: "path varies"}[through]
    return {
        "reachable": f"✅ {how}",
        "unreachable": "❌ cut off",
        "ambiguous": f"⚠️ sometimes, {how}",
    }.get(verdict, "❔ not known")


def affected(table: Sequence[ClientClass], but: Sequence[str] = ()) -> str:
    """Say whose path changes, who loses and who gains, by count; a client with several addresses counts once.

    `but` are reservations: that nobody loses access is never said without them.
    """
    inside = _clients(table)
    moved = [row for row in table if row.through_before != row.through_after and row.after == "reachable"]
    lost = [row for row in table if row.before == "reachable" and row.after == "unreachable"]
    won = [row for row in table if row.before == "unreachable" and row.after == "reachable"]
    words = []
    if sum(_clients(moved).values()):
        way = {
            True: "direct → through the ELB",
            False: "through the ELB → direct",
            None: "their path changes",
        }
        count = f"{sum(_clients(moved).values())} of {sum(inside.values())} in-cluster clients"
        words.append(f"{count}: {way[moved[0].through_after]}")
    words.append("; ".join([_lost(table, lost, hedged=bool(but)), *but]))
    if won:
        words.append("gains access: " + ", ".join(_named(won)))
    return ". ".join(word[0].upper() + word[1:] for word in words) + "."


def _lost(table: Sequence[ClientClass], lost: Sequence[ClientClass], *, hedged: bool) -> str:
    """Never say that nobody loses access while that is not known."""
    if lost:
        return "loses access: " + ", ".join(_named(lost))
    unsure = [row for row in table if row.before == "reachable" and row.after != "reachable"]
    if unsure:
        return "whether access is lost is not known for: " + ", ".join(_named(unsure))
    return f"{NOBODY_LOSES} in the end" if hedged else NOBODY_LOSES


def _clients(rows: Sequence[ClientClass]) -> dict[str, int]:
    return {row.client: row.count for row in rows}


def _named(rows: Sequence[ClientClass]) -> list[str]:
    return list(dict.fromkeys(row.client for row in rows))
