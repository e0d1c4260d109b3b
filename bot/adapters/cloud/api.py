"""`bot.ports.Cloud`, over ELB v3, Cloud Eye V1.0 and CCE v3."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp

from bot.adapters.cloud.gateway import Gateway, Patience, Sleep, utc
from bot.adapters.cloud.metrics import CloudEye
from bot.adapters.cloud.shape import shaped
from bot.config.settings import CloudSettings
from bot.ports import ClusterKind, Forbidden, Listener, LoadBalancerFacts, Metrics, NotFound

Json = Mapping[str, Any]

_LIMIT = "2000"
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
        self._eye = CloudEye(self._gateway, settings.project_id)

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
        with shaped("ELB"):
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

    async def metrics(self, listeners: Sequence[Listener], *, start: datetime, end: datetime) -> Metrics:
        """Read the metrics of the periods that start in `start` ≤ t < `end`."""
        return await self._eye.read(listeners, start=start, end=end)

    def ahead(self) -> float | None:
        """Seconds by which this machine's clock is ahead of the cloud's; None: its time is not believed."""
        return self._gateway.clocks.ahead

    async def cluster(self) -> ClusterKind:
        """Describe the cluster; nothing is known where no cluster id is configured."""
        if not self._settings.cluster_id:
            return ClusterKind(category=None, version=None, proxy_mode=None)
        project, cluster = self._settings.project_id, self._settings.cluster_id
        answer = await self._gateway.get("cce", f"/api/v3/projects/{project}/clusters/{cluster}")
        with shaped("CCE"):
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
