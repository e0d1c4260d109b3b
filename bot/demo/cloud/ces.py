"""Cloud Eye V1.0: metric data of load balancers and listeners."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast, get_args

from aiohttp import web

from bot.demo.cloud.answer import service_error
from bot.demo.cloud.series import UNITS, Filter, Meter, Point, merged, rolled_up
from bot.demo.dataplane.balancer import Listener
from bot.demo.dataplane.elb import Elb
from bot.demo.seam import Json

NAMESPACE = "SYS.ELB"
BALANCER, LISTENER = "lbaas_instance_id", "lbaas_listener_id"
PERIODS = frozenset({1, 300, 1200, 3600, 14400, 86400})
MOST_METRICS = 10
MOST_POINTS = 3000
RAW_INTERVAL_MS = 60_000
MOST_BODY = 512 * 1024
MOST_LISTED = 1000


class BadQueryError(Exception):
    """A request that Cloud Eye refuses; the text names what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From when to when (milliseconds), at which period (seconds; 1 is raw), and combined how."""

    start: int
    end: int
    period: int
    filter: Filter


class CloudEye:
    """Answers for the metrics of the simulated load balancers."""

    def __init__(self, elb: Elb, meter: Meter) -> None:
        self._elb = elb
        self._meter = meter

    def routes(self) -> list[web.RouteDef]:
        """What the server serves for this service."""
        return [
            web.get("/V1.0/{project}/metric-data", self.one),
            web.post("/V1.0/{project}/batch-query-metric-data", self.batch),
            web.get("/V1.0/{project}/metrics", self.metrics),
        ]

    async def one(self, request: web.Request) -> web.Response:
        """One metric's points (ces_03_0033)."""
        try:
            query = request.query
            window = _window(query, int(_given(query, "period")))
            metric, namespace = _given(query, "metric_name"), _given(query, "namespace")
            points = self._points(namespace, metric, _query_dimensions(query), window)
        except (BadQueryError, ValueError) as fault:
            return _refused("ces.0013", f"The URL parameter is invalid or does not exist: {fault}")
        unit = UNITS.get(metric, "")
        datapoints = [{**_shown(p, window), "unit": unit} for p in points]
        return web.json_response({"datapoints": datapoints, "metric_name": metric})

    async def batch(self, request: web.Request) -> web.Response:
        """Up to ten metrics' points (ces_03_0034)."""
        raw = await request.read()
        try:
            body = _body(raw)
            window = _batch_window(body)
            asked = _asked(body, window)
            answers = [self._answer(item, window) for item in asked]
        except (BadQueryError, ValueError, KeyError, TypeError) as fault:
            text = f"Some content in message body is not correct, error message: [{fault}]"
            return _refused("ces.0014", text)
        return web.json_response({"metrics": answers})

    def _answer(self, item: Json, window: Window) -> Json:
        dimensions = {d["name"]: d["value"] for d in item["dimensions"]}
        points = self._points(item["namespace"], item["metric_name"], dimensions, window)
        known = item["namespace"] == NAMESPACE
        return {
            "namespace": item["namespace"],
            "metric_name": item["metric_name"],
            "dimensions": item["dimensions"],
            "datapoints": [_shown(p, window) for p in points],
            "unit": UNITS.get(item["metric_name"], "unknown") if known else "unknown",
        }

    async def metrics(self, request: web.Request) -> web.Response:
        """The metrics that have been reported at least once."""
        query = request.query
        limit = min(int(query.get("limit", MOST_LISTED)), MOST_LISTED)
        every = [m for m in self._reported() if _selected(m, query)]
        keys = [_key(m) for m in every]
        start = keys.index(query["start"]) + 1 if query.get("start") in keys else 0
        page = every[start : start + limit]
        meta = {"count": len(page), "marker": _key(page[-1]) if page else "", "total": len(every)}
        return web.json_response({"metrics": page, "meta_data": meta})

    def _reported(self) -> list[Json]:
        found = []
        for listener in filter(self._meter.reported, self._elb.listeners()):
            dimensions = [
                {"name": BALANCER, "value": listener.balancer_id},
                {"name": LISTENER, "value": listener.id},
            ]
            for metric, unit in UNITS.items():
                whole = {"namespace": NAMESPACE, "metric_name": metric, "unit": unit}
                found += [{**whole, "dimensions": dimensions[:1]}, {**whole, "dimensions": dimensions}]
        return list({_key(m): m for m in found}.values())

    def _points(
        self, namespace: str, metric: str, dimensions: Mapping[str, str], window: Window
    ) -> list[Point]:
        """No points for what does not exist: Cloud Eye does not say so."""
        if namespace != NAMESPACE or metric not in UNITS:
            return []
        listeners = self._listeners(dimensions)
        points = merged([self._meter.points(x, metric, window.start, window.end) for x in listeners])
        return points if window.period == 1 else list(rolled_up(points, window.period, window.filter))

    def _listeners(self, dimensions: Mapping[str, str]) -> list[Listener]:
        if not set(dimensions) <= {BALANCER, LISTENER}:
            return []
        return [
            x
            for x in self._elb.listeners()
            if dimensions.get(LISTENER, x.id) == x.id
            and dimensions.get(BALANCER, x.balancer_id) == x.balancer_id
        ]


def _refused(code: str, text: str) -> web.Response:
    return service_error("ces", HTTPStatus.BAD_REQUEST, text, code)


def _given(query: Mapping[str, Any], name: str) -> str:
    value = query.get(name)
    if value in (None, ""):
        raise BadQueryError(name)
    return str(value)


def _window(query: Mapping[str, Any], period: int) -> Window:
    start, end, by = int(_given(query, "from")), int(_given(query, "to")), _given(query, "filter")
    if period not in PERIODS:
        raise BadQueryError("period")
    if by not in get_args(Filter):
        raise BadQueryError("filter")
    if start >= end:
        raise BadQueryError("from, to")
    return Window(start=start, end=end, period=period, filter=cast("Filter", by))


def _query_dimensions(query: Mapping[str, str]) -> dict[str, str]:
    """`dim.0` to `dim.2`, each `name,value`; at least the first."""
    found = [query[f"dim.{i}"].partition(",") for i in range(3) if f"dim.{i}" in query]
    if not found or any(not value for _, _, value in found):
        raise BadQueryError("dim.0")
    return {name: value for name, _, value in found}


def _body(raw: bytes) -> Json:
    if len(raw) > MOST_BODY:
        raise BadQueryError("body too large")
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise BadQueryError("body")
    return body


def _batch_window(body: Json) -> Window:
    period = body.get("period")
    if not isinstance(period, str):
        raise BadQueryError("period")
    return _window(body, int(period))


def _asked(body: Json, window: Window) -> list[Json]:
    asked = body.get("metrics")
    if not isinstance(asked, list) or not 0 < len(asked) <= MOST_METRICS:
        raise BadQueryError("metrics")
    interval = RAW_INTERVAL_MS if window.period == 1 else window.period * 1000
    if len(asked) * (window.end - window.start) / interval > MOST_POINTS:
        raise BadQueryError("from, to")
    return asked


def _shown(point: Point, window: Window) -> Json:
    return {window.filter: point.value, "timestamp": point.at}


def _key(metric: Json) -> str:
    dimensions = ",".join(f"{d['name']}:{d['value']}" for d in metric["dimensions"])
    return f"{metric['namespace']}.{metric['metric_name']}.{dimensions}"


def _selected(metric: Json, query: Mapping[str, str]) -> bool:
    if any(query.get(name, metric[name]) != metric[name] for name in ("namespace", "metric_name")):
        return False
    shown = {f"{d['name']},{d['value']}" for d in metric["dimensions"]}
    return all(query[f"dim.{i}"] in shown for i in range(3) if f"dim.{i}" in query)
