"""Where a run stands, for people: which step of how many, in words, and how long it may still take."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.verification import Part, Run
from bot.domain.verification_pattern import duration, off_periods, on_periods, settled, turns
from bot.domain.verification_period import index, later, start_of
from bot.domain.verification_stamp import counts

_WORDS = {
    "baseline": "listening to the load balancer before anything is sent",
    "before": "burst before the patch",
    "patch": "the patch",
    "after": "burst after the patch",
    "counters": "waiting for the load balancer's counters",
    "again": "looking again, node by node",
    "alone": "burst",
}
_COMPARED = ("baseline", "before", "patch", "after", "counters")
_ALONE = ("baseline", "alone", "counters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One line of progress."""

    step: int
    """Counts from 1."""
    of: int
    words: str
    done: float
    """Part of the whole run that is over, 0 to 1, for a bar."""
    left: float
    """Seconds that it may still take, if nothing has to be repeated."""


def progress_line(run: Run, now: datetime) -> Progress:
    """Say where a run stands at `now`, by the bot's clock."""
    now = later(now, -run.ahead)
    steps = _COMPARED if run.comparing else _ALONE
    key, detail = _standing(run)
    step = len(steps) if key == "again" else steps.index(key) + 1
    total = duration(run.plan)
    spent = max(0.0, (now - run.started_at).total_seconds())
    left = _left(run, key, now, total)
    return Progress(
        step=step,
        of=len(steps),
        words=_WORDS[key] + detail,
        done=min(1.0, spent / (spent + left)) if spent + left else 1.0,
        left=left,
    )


def _standing(run: Run) -> tuple[str, str]:
    part = Part.BEFORE if run.comparing and run.applied_at is None else Part.AFTER
    waiting = [t for t in turns(run, part) if not settled(run, part, t)]
    if waiting and not any(b.part is part for b in run.bursts):
        first = "baseline" if part is Part.BEFORE or not run.comparing else "patch"
        return first, "" if first == "baseline" else ": letting kube-proxy take it over"
    if waiting:
        total = len(turns(run, part))
        key = "before" if part is Part.BEFORE else "after" if run.comparing else "alone"
        return key, f" {total - len(waiting) + 1} of {total}: {waiting[0].client}"
    if part is Part.BEFORE:
        return "patch", ""
    if run.again and any(not settled(run, Part.RECHECK, t) for t in run.again):
        return "again", ""
    return "counters", ""


def _left(run: Run, key: str, now: datetime, total: float) -> float:
    """Seconds left: what a whole run takes less what is over, and never less than the next step needs."""
    spent = max(0.0, (now - run.started_at).total_seconds())
    if key in {"counters", "again"}:
        todo = sum(not settled(run, Part.RECHECK, t) for t in run.again) * 2 * run.plan.period
        return todo + min(run.plan.window, 2 * run.plan.period)
    return max(run.plan.period, total - spent)


BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The load balancer's new connections per period over a run."""

    values: tuple[int | None, ...]
    """One per period, oldest first; None is missing, not zero."""
    made: tuple[int, ...]
    """How many connections of the bursts were made in each period; 0 where none was sent."""
    marks: tuple[str, ...]
    """What happened in each period: "", "before", "after", "recheck" or "patch"."""
    text: str
    """The same as a line of bars: a gap where the counter is missing, the patch marked."""
    start: datetime
    """Of the first period, by the bot's clock."""
    period: float


def series(run: Run) -> Series:
    """Draw the counters of a run, with its bursts and the patch marked."""
    have = counts(run)
    quiet = [*off_periods(run, after_patch=False), *off_periods(run, after_patch=True)]
    busy = {n: b.part.value for b in run.bursts for n in on_periods(run, b)}
    if not quiet and not busy:
        return Series(values=(), made=(), marks=(), text="", start=run.started_at, period=run.plan.period)
    numbers = range(min([*quiet, *busy]), max([*quiet, *busy]) + 1)
    values = tuple(None if n not in have else round(have[n]) for n in numbers)
    patch = index(run.applied_at, run.plan.period) if run.applied_at else None
    marks = tuple(busy.get(n, "patch" if n == patch else "") for n in numbers)
    made = {on_periods(run, b)[0]: sum(p.connected or 0 for p in b.probes) for b in run.bursts}
    start = later(start_of(numbers[0], run.plan.period), run.ahead)
    return Series(
        values=values,
        made=tuple(made.get(n, 0) for n in numbers),
        marks=marks,
        text=_bars(values, marks),
        start=start,
        period=run.plan.period,
    )


def _bars(values: tuple[int | None, ...], marks: tuple[str, ...]) -> str:
    top = max((v for v in values if v is not None), default=0) or 1
    drawn = []
    for value, mark in zip(values, marks, strict=True):
        bar = " " if value is None else BARS[min(len(BARS) - 1, value * (len(BARS) - 1) // top)]
        drawn.append(f"│patch│{bar}" if mark == "patch" else bar)
    return "".join(drawn)
