"""Metric periods: aligned to the epoch, as the cloud cuts them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor

_GRAIN = 1e-6
"""Seconds; a moment this close to a boundary is on it (datetimes hold microseconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `start` until before `end`."""

    start: datetime
    end: datetime


def index(at: datetime, period: float) -> int:
    """Number of the period, counted from the epoch, that `at` falls into."""
    return floor(at.timestamp() / period + _GRAIN)


def start_of(number: int, period: float) -> datetime:
    """When the period of that number starts, UTC."""
    return datetime.fromtimestamp(number * period, UTC)


def ceiling(at: datetime, period: float) -> datetime:
    """The first period boundary that is not before `at`."""
    return start_of(ceil(at.timestamp() / period - _GRAIN), period)


def touched(span: Span, period: float) -> range:
    """Numbers of the periods that the span overlaps, at least one."""
    first = index(span.start, period)
    return range(first, max(first + 1, ceil(span.end.timestamp() / period - _GRAIN)))


def whole(span: Span, period: float) -> Iterator[int]:
    """Numbers of the periods that lie entirely inside the span."""
    first = ceil(span.start.timestamp() / period - _GRAIN)
    return iter(range(first, index(span.end, period)))


def later(at: datetime, seconds: float) -> datetime:
    """`at` and so many seconds."""
    return at + timedelta(seconds=seconds)
