"""The verdict of a verification as people read it: a table of client classes, and why it is sure."""

from collections.abc import Sequence

from bot.domain.verification import Beside, Count, Crossing, Judgement, Row, Run, Verdict
from bot.domain.verification_cause import mend, without_guess
from bot.domain.verification_progress import series
from bot.domain.words import duration, unmarked
from bot.operations.behind import Behind
from bot.operations.world import World
from bot.ports import Message

MOST_LINES = 5
"""Lines of one kind, such as what would settle it."""
MOST_NAMES = 3
"""Names that share a reason."""
FEW = 10
"""Numbers below have a decimal."""
CLOCKS_APART = 60.0
"""Seconds by which the bot's clock and the cloud's may differ before it is worth a line."""
SIGNS = {
    "succeeded": ("✅", "Succeeded"),
    "failed": ("❌", "Failed"),
    "inconclusive": ("❔", "Inconclusive"),
}


def verdict_message(world: World, run: Run, undone: str = "", *, behind: Behind | None = None) -> Message:
    """Show what a run found: the table of client classes, and why it is sure, or what is missing.

    `undone` is what somebody else made of the patch meanwhile: then that is the cause, and none is guessed.
    `behind` is the change that made it so, where the run is not that change's own.
    """
    verdict = run.verdict
    if verdict is None:
        return world.message(
            "sentence", sentence=f"The verification of {run.service} was stopped; it has no verdict."
        )
    emoji, word = SIGNS[verdict.outcome]
    return world.message(
        "verdict",
        run=run,
        verdict=verdict,
        undone=unmarked(undone),
        behind=behind,
        headline=without_guess(verdict.headline) if undone else verdict.headline,
        emoji=emoji,
        word=word,
        rows=_table(run, verdict),
        details=[
            (row.client, without_guess(row.explanation) if undone else row.explanation)
            for row in verdict.rows
            if row.judgement is not Judgement.AS_EXPECTED and row.explanation not in verdict.headline
        ],
        next=""
        if undone
        else " ".join(dict.fromkeys(filter(None, (mend(run, row) for row in verdict.rows)))),
        series=series(run).text,
        beside=" · ".join(_beside(each, comparing=run.comparing) for each in verdict.beside),
        latency=_latency(verdict.rows, comparing=run.comparing),
        clock=_clock(run),
        not_looked_at=_by_reason(verdict.not_looked_at),
        would_settle=_first(verdict.would_settle),
        confidence="" if verdict.confidence is None else f"{int(verdict.confidence * 100)} %",
    )


def _table(run: Run, verdict: Verdict) -> tuple[tuple[str, ...], ...]:
    """Four columns, for more do not fit beside a channel: before and after share a cell."""
    head = ("Client", "Connected", "Seen by the ELB", "Expected")
    return (head, *(_row(row, comparing=run.comparing) for row in verdict.rows))


_MARKS = {Judgement.AS_EXPECTED: "✅", Judgement.CONTRADICTED: "❌", Judgement.OPEN: "❔"}


def _row(row: Row, *, comparing: bool) -> tuple[str, ...]:
    expected = row.expected.replace("the load balancer", "the ELB")
    client = f"{_MARKS[row.judgement]} {row.client}"
    if not comparing:
        return client, _connected(row.after), _seen(row.after), expected
    connected = f"{_connected(row.before)} → {_connected(row.after)}"
    return client, connected, f"{_seen(row.before)} → {_seen(row.after)}", expected


def _connected(count: Count | None) -> str:
    return "–" if count is None or count.attempts is None else f"{count.connected}/{count.attempts}"


def _seen(count: Count | None) -> str:
    return (
        "–"
        if count is None or count.crossing is Crossing.UNSEEN or count.seen is None
        else str(max(0, count.seen))
    )


def _beside(each: Beside, *, comparing: bool) -> str:
    """One metric outside the bursts and in them; what never came is said, for it is not zero."""
    if each.quiet is None and each.before is None and each.after is None:
        return f"{each.name}: no data came"
    bursts = f"{_number(each.before)} → {_number(each.after)}" if comparing else _number(each.after)
    return f"{each.name}: {_number(each.quiet)} outside the bursts, {bursts} in them"


def _number(value: float | None) -> str:
    return "no data" if value is None else f"{value:.0f}" if value >= FEW or value == 0 else f"{value:.2g}"


def _latency(rows: Sequence[Row], *, comparing: bool) -> str:
    """How long a connection took, of the slowest node of each class; nothing where nobody told."""
    told = []
    for row in rows:
        counts = [row.before, row.after] if comparing else [row.after]
        times = [_times(count) for count in counts]
        if any(times):
            told.append(f"{row.client} {' → '.join(each or '–' for each in times)}")
    return " · ".join(told)


def _times(count: Count | None) -> str:
    if count is None or count.p50_ms is None or count.p99_ms is None:
        return ""
    return f"{_number(count.p50_ms)} / {_number(count.p99_ms)}"


def _clock(run: Run) -> str:
    if abs(run.ahead) < CLOCKS_APART:
        return ""
    way = "ahead of" if run.ahead > 0 else "behind"
    return f"the bot's clock is {duration(abs(run.ahead))} {way} the cloud's; the bursts were timed by the cloud's"


def _by_reason(texts: Sequence[str]) -> str:
    """Say a reason once for everything that it keeps from being looked at."""
    reasons: dict[str, list[str]] = {}
    for text in texts:
        what, _, why = text.partition(": ")
        reasons.setdefault(why, []).append(what)
    return " · ".join(f"{_few(what)} ({why})" if why else _few(what) for why, what in reasons.items())


def _few(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join([*names[:MOST_NAMES], *([f"{more} more"] if more > 0 else [])])


def _first(texts: Sequence[str]) -> list[str]:
    """Keep the first few, and say how many more there are."""
    more = len(texts) - MOST_LINES
    return [*texts[:MOST_LINES], *([f"and {more} more"] if more > 0 else [])]
