"""`bot.ports.Cloud`, over ELB v3, Cloud Eye V1.0 and CCE v3.

Cloud Eye: `m4_ncps` is the rate of new connections per second over one metric period. It is asked for raw
(`period=1`), so that nothing is rolled up, and with `filter=average`: over a raw point every filter says the same, and
where a cloud does roll points up, only the average times the period is again the number of connections (`max` would
claim too many). A point's timestamp is taken as the start of its period. A period without a point is missing, for
Cloud Eye delivers minutes late and drops points; it is never zero.
"""

import asyncio
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp

from bot.adapters.cloud.gateway import Gateway, Patience, Sleep, utc
from bot.config.settings import CloudSettings
from bot.ports import ClusterKind, Forbidden, Listener, LoadBalancerFacts, NotFound, Point, Unavailable

Json = Mapping[str, Any]

NEW_CONNECTIONS = "m4_ncps"
_FILTER = "average"
_RAW = "1"
_LIMIT = "2000"
_MS = 1000
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class CloudApi:
    """ELB, Cloud Eye and CCE of one project; `close` it at the end."""

    def __init__(
        self,
        settings: CloudSettings,
        *,
        session: aiohttp.ClientSession | None = None,
        clock: Callable[[], datetime] = utc,
        sleep: Sleep = asyncio.sleep,
        patience: Patience | None = None,
    ) -> None:
        self._settings = settings
        self._gateway = Gateway(settings, session=session, clock=clock, sleep=sleep, patience=patience)

    async def close(self) -> None:
        """Close the connections."""
        await self._gateway.close()

    def skewed(self) -> str:
        """Say it if this machine's clock and the cloud's differ; empty if they do not, or are not compared yet."""
        return self._gateway.skewed()

    async def load_balancer(self, elb_id: str) -> LoadBalancerFacts:
        """Describe a load balancer; without the right to see its members' health, without that."""
        if not _ID.fullmatch(elb_id):  # it may come from an annotation that anybody could write
            raise NotFound("there is no load balancer of that id")
        one = f"{self._elb()}/loadbalancers/{elb_id}"
        answer = await self._gateway.get("elb", one)
        query = [("loadbalancer_id", elb_id), ("limit", _LIMIT)]
        with _shaped("ELB"):
            found = answer["loadbalancer"]
            listeners = [
                _listener(each, elb_id)
                async for each in self._gateway.pages("elb", f"{self._elb()}/listeners", query, "listeners")
            ]
            members = _members(await self._statuses(f"{one}/statuses"))
            return LoadBalancerFacts(
                id=str(found["id"]),
                name=str(found.get("name") or ""),
                kind="performance" if found["guaranteed"] is True else "union",
                private_ips=_texts(found.get("vip_address"), found.get("ipv6_vip_address")),
                public_ips=_texts(*(each.get("publicip_address") for each in found.get("publicips") or ())),
                listeners=tuple(sorted(listeners, key=lambda each: (each.port, each.id))),
                unhealthy=tuple(sorted(name for name, status in members.items() if status == "OFFLINE")),
                members=len(members),
            )

    async def new_connections(self, listener: Listener, *, start: datetime, end: datetime) -> Sequence[Point]:
        """Return new connections per second of the periods that start in `start` ≤ t < `end`, oldest first."""
        if start >= end:
            return ()
        dimensions = [("lbaas_instance_id", listener.load_balancer)] if listener.load_balancer else []
        dimensions.append(("lbaas_listener_id", listener.id))
        query = [
            ("namespace", "SYS.ELB"),
            ("metric_name", NEW_CONNECTIONS),
            *((f"dim.{number}", f"{name},{value}") for number, (name, value) in enumerate(dimensions)),
            ("from", str(_milliseconds(start))),
            ("to", str(_milliseconds(end))),
            ("period", _RAW),
            ("filter", _FILTER),
        ]
        answer = await self._gateway.get("ces", f"/V1.0/{self._settings.project_id}/metric-data", query)
        with _shaped("Cloud Eye"):
            points = [_point(each) for each in answer.get("datapoints") or ()]
        # `from` is rounded down to a period by the server, so there may be more than was asked for.
        return sorted((each for each in points if start <= each.at < end), key=lambda each: each.at)

    async def cluster(self) -> ClusterKind:
        """Describe the cluster; nothing is known where no cluster id is configured."""
        if not self._settings.cluster_id:
            return ClusterKind(category=None, version=None, proxy_mode=None)
        project, cluster = self._settings.project_id, self._settings.cluster_id
        answer = await self._gateway.get("cce", f"/api/v3/projects/{project}/clusters/{cluster}")
        with _shaped("CCE"):
            spec = answer["spec"]
            old = spec.get("extendParam") or {}
            return ClusterKind(
                category=_category(spec),
                version=spec.get("version"),
                proxy_mode=spec.get("kubeProxyMode") or old.get("kubeProxyMode"),
            )

    def _elb(self) -> str:
        return f"/v3/{self._settings.project_id}/elb"

    async def _statuses(self, path: str) -> Json:
        try:
            return await self._gateway.get("elb", path)
        except (Forbidden, NotFound):
            return {}


class _shaped:  # noqa: N801 - reads as a word at its only use: `with _shaped("ELB")`
    """Turns an answer of another shape than documented into Unavailable."""

    def __init__(self, who: str) -> None:
        self._who = who

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, KeyError | TypeError | ValueError | AttributeError):
            raise Unavailable(f"{self._who} answered in a shape that is not documented") from error


def _category(spec: Json) -> str | None:
    """`spec.category`, which clusters before v1.17.17 lack: their network says it (cce_02_0238)."""
    known = {"CCE": "standard", "Turbo": "turbo"}
    if spec.get("category") is not None:
        return known.get(spec["category"])
    mode = (spec.get("containerNetwork") or {}).get("mode")
    return {"eni": "turbo", "overlay_l2": "standard", "vpc-router": "standard"}.get(str(mode))


def _listener(found: Json, elb_id: str) -> Listener:
    return Listener(
        id=str(found["id"]),
        protocol=str(found["protocol"]),
        port=int(found["protocol_port"]),
        load_balancer=elb_id,
    )


def _members(statuses: Json) -> dict[str, str]:
    """Find every member's health, by ADDRESS:PORT; unhealthy in one pool is unhealthy."""
    tree = (statuses.get("statuses") or {}).get("loadbalancer") or {}
    found: dict[str, str] = {}
    for member in _each_member(tree):
        name = _authority(str(member["address"]), int(member["protocol_port"]))
        if found.get(name) != "OFFLINE":
            found[name] = str(member.get("operating_status") or "")
    return found


def _each_member(tree: Json) -> Iterable[Json]:
    pools = [*(tree.get("pools") or ())]
    for listener in tree.get("listeners") or ():
        pools += listener.get("pools") or ()
        for policy in listener.get("l7policies") or ():
            pools += policy.get("pools") or ()
    return (member for pool in pools for member in pool.get("members") or ())


def _authority(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _texts(*values: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in values if value)


def _point(found: Json) -> Point:
    value = float(found[_FILTER])
    if not 0 <= value < math.inf:
        raise ValueError("no rate")
    return Point(at=datetime.fromtimestamp(int(found["timestamp"]) / _MS, UTC), value=value)


def _milliseconds(at: datetime) -> int:
    return math.floor(at.timestamp() * _MS)
