"""Metric series: what Cloud Eye makes of the load balancers' counters."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from statistics import fmean, pvariance
from typing import Literal

from bot.demo.dataplane.balancer import Listener

Filter = Literal["average", "max", "min", "sum", "variance"]
MS = 1000

# Per new connection: a short one takes six packets to the load balancer and five back. m1 to m3 count
# connections that are still held, closed ones too for a while (OTC ELB "Monitoring Metrics").
_PER_CONNECTION: dict[str, float] = {
    "m1_cps": 1.0,
    "m2_act_conn": 0.4,
    "m3_inact_conn": 0.6,
    "m4_ncps": 1.0,
    "m5_in_pps": 6.0,
    "m6_out_pps": 5.0,
    "m7_in_Bps": 420.0,
    "m8_out_Bps": 350.0,
    "m22_in_bandwidth": 3360.0,
    "m23_out_bandwidth": 2800.0,
}
UNITS = {
    "m1_cps": "Count",
    "m2_act_conn": "Count",
    "m3_inact_conn": "Count",
    "m4_ncps": "Count/s",
    "m5_in_pps": "Packet/s",
    "m6_out_pps": "Packet/s",
    "m7_in_Bps": "Byte/s",
    "m8_out_Bps": "Byte/s",
    "m22_in_bandwidth": "bit/s",
    "m23_out_bandwidth": "bit/s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """How one listener is measured: all times in seconds.

    `delay` is how long after its end a period's point can be read. `idle` says whether a period without
    connections gives a point of zero or none. `drop` is the share of points that never come. `decimals`
    rounds values, None does not. `stamp` says which end of its period a point carries.
    """

    period: float = 60.0
    delay: float = 0.0
    idle: Literal["zero", "missing"] = "zero"
    drop: float = 0.0
    decimals: int | None = 2
    stamp: Literal["start", "end"] = "start"
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value, per second over its period, stamped in milliseconds since the epoch."""

    at: int
    value: float


class Meter:
    """Reads the counters of listeners as series of points, by the clock that the counters were kept with."""

    def __init__(self, clock: Callable[[], float], default: Metering) -> None:
        self._clock = clock
        self._own: dict[str, Metering] = {}
        self.default = default
        self.since = clock()

    def set(self, metering: Metering, *, listener: str | None = None) -> None:
        """Measure one listener, or every listener without its own metering, like this."""
        if listener is None:
            self.default = metering
        else:
            self._own[listener] = metering

    def of(self, listener: str) -> Metering:
        """How a listener is measured."""
        return self._own.get(listener, self.default)

    def reported(self, listener: Listener) -> bool:
        """Whether the listener has had a point within the last hour."""
        now = round(self._clock() * MS)
        return bool(self.points(listener, "m4_ncps", now - 3600 * MS, now))

    def points(self, listener: Listener, metric: str, start: int, end: int) -> list[Point]:
        """The points stamped from `start` (rounded down to a period) to `end`, in milliseconds."""
        metering = self.of(listener.id)
        period = metering.period
        shift = 1 if metering.stamp == "end" else 0
        first = max(math.floor(start / MS / period + 1e-6) - shift, math.ceil(self.since / period - 1e-6))
        last = math.floor(end / MS / period + 1e-6) - shift
        ready = math.floor((self._clock() - metering.delay) / period + 1e-6)
        chosen = range(first, min(last + 1, ready))
        return [p for p in map(self._pointer(listener, metric, metering, shift), chosen) if p]

    def _pointer(
        self, listener: Listener, metric: str, metering: Metering, shift: int
    ) -> Callable[[int], Point | None]:
        period, per_connection = metering.period, _PER_CONNECTION[metric]

        def point(index: int) -> Point | None:
            opened = listener.counter.between(index * period, (index + 1) * period)
            if (not opened and metering.idle == "missing") or _dropped(metering, listener.id, index):
                return None
            value = opened * per_connection / period
            if metering.decimals is not None:
                value = round(value, metering.decimals)
            return Point(at=round((index + shift) * period * MS), value=value)

        return point


def merged(series: list[list[Point]]) -> list[Point]:
    """The sum of several listeners' series, as the load balancer's own."""
    total: dict[int, float] = {}
    for points in series:
        for point in points:
            total[point.at] = total.get(point.at, 0.0) + point.value
    return [Point(at=at, value=round(value, 6)) for at, value in sorted(total.items())]


def rolled_up(points: list[Point], period: int, by: Filter) -> Iterator[Point]:
    """Points of `period` seconds each, made of raw ones."""
    groups: dict[int, list[float]] = {}
    for point in points:
        groups.setdefault(point.at // (period * MS) * period * MS, []).append(point.value)
    for at, values in groups.items():
        yield Point(at=at, value=round(_rolled(values, by), 6))


def _rolled(values: list[float], by: Filter) -> float:
    match by:
        case "average":
            return fmean(values)
        case "max":
            return max(values)
        case "min":
            return min(values)
        case "sum":
            return sum(values)
        case "variance":
            return pvariance(values)


def _dropped(metering: Metering, listener: str, index: int) -> bool:
    """Whether this point is one of those that never come; the same answer each time it is asked."""
    if metering.drop <= 0:
        return False
    dice = sha256(f"{metering.seed}/{listener}/{index}".encode()).digest()
    return int.from_bytes(dice[:4]) / 2**32 < metering.drop
