"""The watch between a simulated API server and a simulated Slack, over the wire; time passes when a test says so."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.cluster.connection import Connection
from bot.adapters.cluster.fleet import KubeClusters
from bot.adapters.cluster.live import LiveCluster
from bot.adapters.cluster.pace import Timing
from bot.adapters.slack import SlackMessenger
from bot.config.settings import ClusterSettings, IncidentSettings
from bot.demo.kubernetes import ApiServer
from bot.demo.slack import Workspace
from bot.demo.slack.rate import NONE
from bot.domain.cluster_facts import Category, Mode
from bot.ports import Cloud
from bot.watch import Watch
from tests.fakes.world import KEY, Town

INCIDENTS, BOB, TOKEN = "C02INC", "U02BOB", "xoxb-wires"
SETTLE = 120.0
QUICK = Timing(
    call=5.0, silence=30.0, heartbeat=0.02, answer=5.0, first=0.005, longest=0.03, denied=0.05, facts=0.05
)
STEP = 10.0


@dataclass(slots=True, kw_only=True)
class Wires:
    """A cluster `prod` of nodes, Services and endpoints, and what the incident channel shows of it."""

    api: ApiServer
    slack: Workspace
    cluster: LiveCluster
    town: Town
    watch: Watch
    kinds: Mapping[str, str] = field(default_factory=dict)

    # -- hands

    def node(self, name: str, index: int, version: str = "v1.29.2-r5") -> None:
        """A ready node."""
        self.api.objects.create("nodes", {"metadata": {"name": name}}, manager="kubelet")
        status = {
            "addresses": [{"type": "InternalIP", "address": f"172.16.0.{index}"}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": version},
        }
        self.api.objects.merge(
            "nodes", None, name, {"status": status}, manager="kubelet", subresource="status"
        )

    def service(
        self,
        name: str,
        *nodes: str,
        policy: str = "Cluster",
        value: str | None = None,
        elb: str = "elb-1",
        kind: str = "union",
        ip: str | None = "10.9.0.9",
        port: int = 443,
    ) -> None:
        """A Service with endpoints on these nodes."""
        marks = {"kubernetes.io/elb.class": kind, "kubernetes.io/elb.id": elb}
        body = {
            "metadata": {
                "namespace": "shop",
                "name": name,
                "annotations": marks if value is None else {**marks, KEY: value},
            },
            "spec": {
                "type": "LoadBalancer",
                "externalTrafficPolicy": policy,
                "selector": {"app": name},
                "ports": [{"name": "https", "port": port, "targetPort": 8443}],
            },
        }
        self.api.objects.create("services", body, manager="kubectl")
        self.address(name, ip)
        piece = {
            "metadata": {
                "namespace": "shop",
                "name": f"{name}-1",
                "labels": {"kubernetes.io/service-name": name},
            },
            "addressType": "IPv4",
            "ports": [{"name": "https", "port": 8443, "protocol": "TCP"}],
            "endpoints": _endpoints(nodes),
        }
        self.api.objects.create("endpointslices", piece, manager="endpointslice-controller")

    def address(self, name: str, ip: str | None) -> None:
        """Give a Service's load balancer an address, or take it away."""
        status = {"loadBalancer": {"ingress": [{"ip": ip}] if ip else None}}
        self.api.objects.merge(
            "services", "shop", name, {"status": status}, manager="cloud-controller", subresource="status"
        )

    def change(self, name: str, patch: Mapping[str, Any]) -> None:
        """Change a Service as somebody else would."""
        self.api.objects.merge("services", "shop", name, dict(patch), manager="kubectl-edit")

    def policy(self, name: str, policy: str) -> None:
        """Set externalTrafficPolicy."""
        self.change(name, {"spec": {"externalTrafficPolicy": policy}})

    def endpoints(self, name: str, *nodes: str) -> None:
        """Let a Service's endpoints be on these nodes."""
        patch = {"endpoints": _endpoints(nodes)}
        self.api.objects.merge(
            "endpointslices", "shop", f"{name}-1", patch, manager="endpointslice-controller"
        )

    def annotate(self, name: str, value: str | None, *, by: str = "kubectl-edit") -> None:
        """Set or remove the annotation."""
        patch = {"metadata": {"annotations": {KEY: value}}}
        self.api.objects.merge("services", "shop", name, patch, manager=by)

    # -- time

    async def wait(self, seconds: float) -> None:
        """Let time pass, with a look now and then; before each the cache has what the server has."""
        for _ in range(round(seconds / STEP)):
            self.town.clock.now += timedelta(seconds=STEP)
            await self._caught_up()
            await self.watch.clusters["prod"].once()
            await self.town.work()

    async def _caught_up(self) -> None:
        if self.api.faults.refusing:
            await self.cluster.until(lambda _: bool(self.cluster.freshness().problem))
            return
        version = self.api.objects.version
        await self.cluster.until(
            lambda _: (
                self.cluster.freshness().age == 0
                and not self.cluster.freshness().problem
                and all(int(each.version or 0) >= version for each in self.cluster._informers)
            )
        )

    async def ask_cloud(self) -> None:
        """Ask the cloud now."""
        await self.watch.clusters["prod"].ask_cloud()

    # -- what people see

    @property
    def told(self) -> list[str]:
        """What is to be read in the incident channel, in plain text."""
        return [self.slack.readable(message, BOB) for message in self.slack.messages(INCIDENTS)]


def _endpoints(nodes: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"addresses": [f"10.1.0.{index}"], "nodeName": node, "conditions": {"ready": True}}
        for index, node in enumerate(nodes, 1)
    ]


@asynccontextmanager
async def wires(
    home: Path, *, mode: Mode = Mode.IPVS, clouds: Mapping[str, Cloud] | None = None
) -> AsyncIterator[Wires]:
    """Stretch them: three nodes, nothing else, and nobody has looked yet."""
    async with AsyncExitStack() as stack:
        api = ApiServer(bookmarks=0.02)
        await api.start()
        stack.push_async_callback(api.stop)
        api.objects.create("namespaces", {"metadata": {"name": "shop"}}, manager="test")
        slack = Workspace(bot_token=TOKEN, signing_secret="secret", rates=NONE, patience=60.0)
        await slack.start()
        stack.push_async_callback(slack.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        client = AsyncWebClient(token=TOKEN, base_url=slack.api_url, session=session, retry_handlers=[])
        messenger = SlackMessenger(
            client, session=session, team="T01TEAM", response_hosts={slack.response_host}, gap=0.0
        )
        path = home / "kubeconfig"
        path.write_text(yaml.safe_dump(api.kubeconfig()))
        settings = ClusterSettings(
            name="prod",
            kubeconfig=path,
            category=Category.STANDARD,
            kube_proxy_mode=mode,
            incident_channel=INCIDENTS,
        )
        incidents = IncidentSettings(settle=SETTLE)
        town = Town(clouds=clouds or {}, changed={"incidents": incidents, "clusters": {"prod": settings}})
        cluster = LiveCluster(
            settings,
            timing=QUICK,
            connection=Connection(settings, environment={}),
            clock=town.clock.seconds,
        )
        fleet = KubeClusters([cluster], timing=QUICK)
        town.world = town.replica(clusters=fleet, messenger=messenger)
        watch = Watch(town.world, steady=town.clock.seconds)
        made = Wires(api=api, slack=slack, cluster=cluster, town=town, watch=watch)
        for index, name in enumerate(("node-a", "node-b", "node-c"), 1):
            made.node(name, index)
        fleet.start()
        stack.push_async_callback(fleet.close)
        yield made
