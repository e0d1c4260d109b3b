"""The verdict of a verification as people read it: a table of client classes, and why it is sure."""

from collections.abc import Sequence

from bot.domain.verification import Count, Crossing, Row, Run, Verdict
from bot.domain.verification_progress import series
from bot.operations.world import World
from bot.ports import Message

MOST_LINES = 5
"""Lines of one kind, such as what was not looked at."""
_SIGNS = {
    "succeeded": ("✅", "Succeeded"),
    "failed": ("❌", "Failed"),
    "inconclusive": ("❔", "Inconclusive"),
}


def verdict_message(world: World, run: Run) -> Message:
    """Show what a run found: the table of client classes, and why it is sure, or what is missing."""
    verdict = run.verdict
    if verdict is None:
        return world.message(
            "sentence", sentence=f"The verification of {run.service} was stopped; it has no verdict."
        )
    emoji, word = _SIGNS[verdict.outcome]
    return world.message(
        "verdict",
        run=run,
        verdict=verdict,
        emoji=emoji,
        word=word,
        rows=_table(run, verdict),
        series=series(run).text,
        not_looked_at=_first(verdict.not_looked_at),
        would_settle=_first(verdict.would_settle),
        confidence="" if verdict.confidence is None else f"{int(verdict.confidence * 100)} %",
    )


def _table(run: Run, verdict: Verdict) -> tuple[tuple[str, ...], ...]:
    """Four columns, for more do not fit beside a channel: before and after share a cell."""
    head = ("Client", "Connected", "Seen by the ELB", "Expected")
    return (head, *(_row(row, comparing=run.comparing) for row in verdict.rows))


def _row(row: Row, *, comparing: bool) -> tuple[str, ...]:
    expected = row.expected.replace("the load balancer", "the ELB")
    if not comparing:
        return row.client, _connected(row.after), _seen(row.after), expected
    connected = f"{_connected(row.before)} → {_connected(row.after)}"
    return row.client, connected, f"{_seen(row.before)} → {_seen(row.after)}", expected


def _connected(count: Count | None) -> str:
    return "–" if count is None or count.attempts is None else f"{count.connected}/{count.attempts}"


def _seen(count: Count | None) -> str:
    return (
        "–"
        if count is None or count.crossing is Crossing.UNSEEN or count.seen is None
        else str(max(0, count.seen))
    )


def _first(texts: Sequence[str]) -> list[str]:
    """Keep the first few, and say how many more there are."""
    more = len(texts) - MOST_LINES
    return [*texts[:MOST_LINES], *([f"and {more} more"] if more > 0 else [])]
