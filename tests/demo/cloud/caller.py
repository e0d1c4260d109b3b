"""A client of the simulated cloud that signs its requests, and a cloud to call."""

import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from aiohttp import ClientSession, ClientTimeout
from yarl import URL

from bot.demo.cloud import AccessKey, Accounts, CloudServer, ClusterRecord, Login, Metering
from bot.demo.dataplane.balancer import Balancer, Listener
from tests.demo.dataplane.cluster import EIP, VIP, Cluster

PROJECT = "p0000000000000000000000000000001"
KEY = AccessKey(access="AKDEMO", secret="SKDEMO")
TEMPORARY = AccessKey(access="AKTEMP", secret="SKTEMP", security_token="STS-TOKEN")
LOGIN = Login(domain="OTC-EU-DE-1", name="elb-reader", password="letmein")
CLUSTER = ClusterRecord(
    id="c-prod",
    name="prod",
    version="v1.29",
    category="CCE",
    proxy_mode="ipvs",
    network_mode="vpc-router",
    container_cidr="10.0.0.0/16",
    endpoints=(("Internal", "https://192.168.0.2:5443"),),
)
Query = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Clock:
    """Time that stands still until it is told to pass."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.now


def authorization(
    key: AccessKey, method: str, path: str, *, query: Query, headers: Mapping[str, str], body: bytes
) -> str:
    """The Authorization header that the vendor's signing guide prescribes, for these headers in lower case."""
    names = sorted(headers)
    lines = [
        method,
        quote(path, safe="/~") + ("" if path.endswith("/") else "/"),
        "&".join(quote(k, safe="~") + "=" + quote(v, safe="~") for k, v in sorted(query)),
        *(f"{name}:{headers[name].strip()}" for name in names),
        "",
        ";".join(names),
        sha256(body).hexdigest(),
    ]
    digest = sha256("\n".join(lines).encode()).hexdigest()
    text = "\n".join(["SDK-HMAC-SHA256", headers["x-sdk-date"], digest])
    signature = hmac.new(key.secret.encode(), text.encode(), sha256).hexdigest()
    return f"SDK-HMAC-SHA256 Access={key.access}, SignedHeaders={';'.join(names)}, Signature={signature}"


@dataclass(slots=True, kw_only=True)
class Answer:
    """Status, headers and parsed body."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class World:
    """A cluster with one shared load balancer, the cloud over it, and a signing client."""

    cluster: Cluster
    balancer: Balancer
    cloud: CloudServer
    clock: Clock
    url: str
    session: ClientSession

    @property
    def listener(self) -> Listener:
        """The one listener, on port 80."""
        return self.balancer.listeners["TCP", 80]

    def burst(self, count: int) -> None:
        """Open connections from a Pod on node4, which cross the load balancer."""
        for _ in range(count):
            self.cluster.plane.trace(node="node4", pod_ip="10.0.4.9", ip=VIP, port=80)

    async def call(
        self,
        path: str,
        query: Query = (),
        *,
        key: AccessKey = KEY,
        body: Any = None,
        skew: float = 0,
        token: str | None = None,
        changes: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, a POST when it has a body; `changes` are made after signing."""
        method, data = ("GET", b"") if body is None else ("POST", json.dumps(body).encode())
        stamp = datetime.fromtimestamp(self.clock.now + skew, UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": self.url.removeprefix("http://"), "x-sdk-date": stamp}
        headers["content-type"] = "application/json"
        if key.security_token:
            headers["x-security-token"] = key.security_token
        headers["authorization"] = authorization(key, method, path, query=query, headers=headers, body=data)
        if token is not None:
            headers = {"x-auth-token": token}
        headers |= changes or {}
        text = "&".join(f"{quote(k, safe='~.')}={quote(v, safe='~')}" for k, v in query)
        url = URL(f"{self.url}{path}{'?' + text if text else ''}", encoded=True)
        async with self.session.request(method, url, headers=headers, data=data) as answer:
            return Answer(status=answer.status, body=await answer.json(), headers=answer.headers)


@asynccontextmanager
async def world(metering: Metering | None = None, *, token_lifetime: float = 3600.0) -> AsyncIterator[World]:
    """A running world: four nodes, backends on node1 and node2, policy Cluster, pass-through on."""
    clock = Clock()
    cluster = Cluster(mode="ipvs", nodes=4, clock=clock)
    balancer = cluster.plane.elb.add("shop-elb", "shared", vip=VIP, eip=EIP)
    cluster.service(
        on=(1, 2),
        annotations={"kubernetes.io/elb.id": balancer.id, "kubernetes.io/elb.pass-through": "true"},
    )
    accounts = Accounts(clock, keys=(KEY, TEMPORARY), logins=(LOGIN,), token_lifetime=token_lifetime)
    cloud = CloudServer(
        cluster.plane, project=PROJECT, accounts=accounts, metering=metering, clusters=(CLUSTER,), clock=clock
    )
    url = await cloud.start()
    async with ClientSession(timeout=ClientTimeout(total=5)) as session:
        try:
            yield World(
                cluster=cluster, balancer=balancer, cloud=cloud, clock=clock, url=url, session=session
            )
        finally:
            await cloud.stop()
