"""Cloud Eye V1.0: what the listeners of load balancers count.

Asked for raw (`period=1`), so that nothing is rolled up, and with `filter=average`: over a raw point every filter says
the same, and where a cloud does roll points up, only the average times the period is again the number of connections
(`max` would claim too many). A point's timestamp is taken as the start of its period. A period without a point is
missing, for Cloud Eye delivers minutes late and drops points; it is never zero.

All metrics of three listeners go into one request (ces_03_0034: ten metrics at most; metrics x minutes must stay below
3,000, else `from` is moved). A cloud that does not know that request is asked metric by metric (ces_03_0033).
"""

import asyncio
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.adapters.cloud.gateway import Gateway, OtherShapeError
from bot.adapters.cloud.shape import shaped
from bot.ports import Forbidden, Invalid, Listener, Metered, Metrics, NotFound, Point, WorldError

Json = Mapping[str, Any]

NAMESPACE = "SYS.ELB"
NEW, CONCURRENT, PACKETS = "m4_ncps", "m1_cps", "m5_in_pps"
_ASKED = (NEW, CONCURRENT, PACKETS)
_AT_ONCE = 10 // len(_ASKED)
"""Listeners in one request."""
_FILTER = "average"
_RAW = "1"
_MS = 1000


class _UnlikeError(Exception):
    """The answer does not hold what was asked for together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """The periods that start in `start` ≤ t < `end`."""

    start: datetime
    end: datetime

    def points(self, found: Iterable[Json]) -> list[Point]:
        """The points of these periods, oldest first: `from` is rounded down by the server, so there may be more."""
        every = [_point(each) for each in found]
        return sorted((p for p in every if self.start <= p.at < self.end), key=lambda p: p.at)


class CloudEye:
    """The metrics of one project's listeners."""

    def __init__(self, gateway: Gateway, project_id: str) -> None:
        self._gateway = gateway
        self._root = f"/V1.0/{project_id}"
        self._together = True
        """Whether several metrics can be asked for at once, as far as is known."""

    async def read(self, listeners: Sequence[Listener], *, start: datetime, end: datetime) -> Metrics:
        """Read all metrics of some listeners, in few calls."""
        window = _Window(start=start, end=end)
        if start >= end or not listeners:
            return Metrics(each=[Metered() for _ in listeners], calls=0)
        tried = 0
        if self._together:
            try:
                return await self._at_once(listeners, window)
            except (NotFound, Invalid):
                self._together = False
            except (Forbidden, OtherShapeError, _UnlikeError):
                pass  # the single request says itself whether the right is missing
            tried = 1
        each = [await self._alone(listener, window) for listener in listeners]
        return Metrics(each=each, calls=tried + len(_ASKED) * len(each))

    async def _at_once(self, listeners: Sequence[Listener], window: _Window) -> Metrics:
        found: list[Metered] = []
        path = f"{self._root}/batch-query-metric-data"
        for first in range(0, len(listeners), _AT_ONCE):
            some = listeners[first : first + _AT_ONCE]
            answer = await self._gateway.post("ces", path, _body(some, window))
            found += [_metered(each, answer, window) for each in some]
        return Metrics(each=found, calls=math.ceil(len(listeners) / _AT_ONCE))

    async def _alone(self, listener: Listener, window: _Window) -> Metered:
        """One metric at a time; those that are not owed may fail."""
        new = await self._one(listener, NEW, window)
        concurrent, packets = await asyncio.gather(
            self._perhaps(listener, CONCURRENT, window), self._perhaps(listener, PACKETS, window)
        )
        return Metered(new_connections=new, concurrent=concurrent, packets=packets)

    async def _perhaps(self, listener: Listener, metric: str, window: _Window) -> Sequence[Point]:
        try:
            return await self._one(listener, metric, window)
        except WorldError:
            return ()

    async def _one(self, listener: Listener, metric: str, window: _Window) -> Sequence[Point]:
        dimensions = enumerate(_dimensions(listener))
        query = [
            ("namespace", NAMESPACE),
            ("metric_name", metric),
            *((f"dim.{number}", f"{each['name']},{each['value']}") for number, each in dimensions),
            ("from", str(_milliseconds(window.start))),
            ("to", str(_milliseconds(window.end))),
            ("period", _RAW),
            ("filter", _FILTER),
        ]
        answer = await self._gateway.get("ces", f"{self._root}/metric-data", query)
        with shaped("Cloud Eye"):
            return window.points(answer.get("datapoints") or ())


def _dimensions(listener: Listener) -> Iterator[dict[str, str]]:
    if listener.load_balancer:
        yield {"name": "lbaas_instance_id", "value": listener.load_balancer}
    yield {"name": "lbaas_listener_id", "value": listener.id}


def _body(listeners: Iterable[Listener], window: _Window) -> bytes:
    metrics = [
        {"namespace": NAMESPACE, "metric_name": metric, "dimensions": list(_dimensions(listener))}
        for listener in listeners
        for metric in _ASKED
    ]
    body = {
        "metrics": metrics,
        "from": _milliseconds(window.start),
        "to": _milliseconds(window.end),
        "period": _RAW,
        "filter": _FILTER,
    }
    return json.dumps(body).encode()


def _metered(listener: Listener, answer: Json, window: _Window) -> Metered:
    """Find one listener's metrics.

    Raises:
        _UnlikeError: new connections are not even named, or not in the documented shape; they are asked for again by
            themselves.
    """
    try:
        found = {each["metric_name"]: each for each in answer["metrics"] if _is_of(listener, each)}
        new = window.points(found[NEW].get("datapoints") or ())
        concurrent, packets = (
            window.points(found.get(each, {}).get("datapoints") or ()) for each in (CONCURRENT, PACKETS)
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _UnlikeError from error
    return Metered(new_connections=new, concurrent=concurrent, packets=packets)


def _is_of(listener: Listener, metric: Json) -> bool:
    dimensions = metric.get("dimensions") or ()
    return any((each["name"], each["value"]) == ("lbaas_listener_id", listener.id) for each in dimensions)


def _point(found: Json) -> Point:
    value = float(found[_FILTER])
    if not 0 <= value < math.inf:
        raise ValueError("no rate")
    return Point(at=datetime.fromtimestamp(int(found["timestamp"]) / _MS, UTC), value=value)


def _milliseconds(at: datetime) -> int:
    return math.floor(at.timestamp() * _MS)
