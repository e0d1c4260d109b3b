"""The cluster of the soak, on a simulated API server, and the hands that change it."""

import random
from typing import Any

from bot.demo.kubernetes import ApiServer
from bot.ports import LoadBalancerFacts, NotFound
from tests.fakes.cloud import MemoryCloud
from tests.soak.script import Episode, Kind, What, kind_of, sibling_of

Json = dict[str, Any]
KEY = "kubernetes.io/elb.pass-through"
SHOP = "shop"
NODES = ("node-a", "node-b", "node-c", "node-d")
_SLICE = 30.0
"""Seconds for which endpoints are away, and back again, while they do not settle."""


class Sky(MemoryCloud):
    """A cloud that knows every load balancer but those that vanished."""

    def __init__(self) -> None:
        super().__init__()
        self.ill: set[str] = set()
        self.vanished: set[str] = set()

    async def load_balancer(self, elb_id: str) -> LoadBalancerFacts:
        """Say how a load balancer is."""
        if elb_id in self.vanished:
            raise NotFound(f"there is no {elb_id}")
        members = ("172.16.0.1:30443", "172.16.0.2:30443")
        return LoadBalancerFacts(
            id=elb_id,
            name=elb_id,
            kind="union",
            private_ips=(),
            public_ips=(),
            listeners=(),
            unhealthy=members if elb_id in self.ill else (),
            members=len(members),
        )


class Stage:
    """Does what the script says, and things that must not matter."""

    def __init__(self, api: ApiServer, dice: random.Random, *, services: int) -> None:
        self.api = api
        self._dice = dice
        self.sky = Sky()
        self._lost_node = ""
        self._remade: set[str] = set()
        self.troubles: dict[str, int] = {}
        """What was done to the watch itself, and how often."""
        for index, node in enumerate(NODES, 1):
            self._join(node, f"172.16.0.{index}")
        for number in range(services):
            self._make(f"s{number}")

    # -- what the script says

    def begin(self, episode: Episode) -> None:
        """Let it begin."""
        match episode.what:
            case What.OUTAGE | What.HICCUP:
                self.api.faults.refusing = True
                self.api.faults.cut_watches(abort=True)
            case What.MEDDLING | What.SLIP:
                self._annotate(episode.service, "true")
            case What.ADDRESS:
                self._address(episode.service, None)
            case What.NODE:
                self.api.objects.delete("nodes", None, _own_node(episode.service))
            case What.ILL:
                self.sky.ill.add(_balancer(episode.service))
            case What.VANISHED:
                self.sky.vanished.add(_balancer(episode.service))
            case _:
                self._endpoints(episode.service, ())

    def go_on(self, episode: Episode, now: float) -> None:
        """Let it go on."""
        passed = now - episode.begin
        if episode.what in {What.ROLLOUT, What.UNREST}:
            away = passed // _SLICE % 2 == 0
            self._endpoints(episode.service, () if away else _homes(episode.service))
        elif (
            episode.what is What.REMAKING and now >= episode.end - 20 and episode.service not in self._remade
        ):
            self._remade.add(episode.service)
            self.api.objects.delete("endpointslices", SHOP, f"{episode.service}-1")
            self.api.objects.delete("services", SHOP, episode.service)

    def end(self, episode: Episode) -> None:
        """Let it be over."""
        match episode.what:
            case What.OUTAGE | What.HICCUP:
                self.api.faults.clear()
                # After a restart an API server remembers no version from before.
                self.api.faults.expire()
            case What.MEDDLING | What.SLIP:
                self._annotate(episode.service, None)
            case What.REMAKING:
                self._remade.discard(episode.service)
                self._make(episode.service)
            case What.ADDRESS:
                self._address(episode.service, _ip(episode.service))
            case What.NODE:
                self._join_own(episode.service)
            case What.ILL:
                self.sky.ill.discard(_balancer(episode.service))
            case What.VANISHED:
                self.sky.vanished.discard(_balancer(episode.service))
            case _:
                self._endpoints(episode.service, _homes(episode.service))

    # -- what must not matter

    def stir(self) -> None:
        """Change something that cuts nobody off: Pods, labels, a node that goes and comes back.

        Also one that has endpoints, for others of them are elsewhere.
        """
        match self._dice.randrange(5):
            case 0:
                self._client()
            case 1:
                self._note()
            case 2 if not self._lost_node:
                self._lost_node = self._dice.choice(NODES[1:])
                self.api.objects.delete("nodes", None, self._lost_node)
            case 3 if self._lost_node:
                self._join(self._lost_node, f"172.16.0.{NODES.index(self._lost_node) + 1}")
                self._lost_node = ""
            case _:
                pass

    def trouble(self) -> None:
        """Let the watch itself be disturbed."""
        faults = self.api.faults
        match self._dice.randrange(8):
            case 0:
                self._count("cut watch")
                faults.cut_watches(abort=True)
            case 1:
                self._count("closed watch")
                faults.cut_watches()
            case 2:
                self._count("expired version")
                faults.cut_watches()
                faults.expire()
            case 3:
                self._count("error")
                faults.cut_watches()
                faults.fail(
                    2, code=self._dice.choice([429, 500, 503]), verb=self._dice.choice(["list", "watch"])
                )
            case 4:
                self._count("lost reply")
                faults.expire()
                faults.cut_watches()
                faults.drop_reply(verb="list")
            case _:
                pass

    def _count(self, what: str) -> None:
        self.troubles[what] = self.troubles.get(what, 0) + 1

    # -- hands

    def _join_own(self, service: str) -> None:
        self._join(_own_node(service), f"172.16.1.{int(service[1:]) + 1}")

    def _join(self, node: str, ip: str) -> None:
        self.api.objects.create("nodes", {"metadata": {"name": node}}, manager="kubelet")
        status = {
            "addresses": [{"type": "InternalIP", "address": ip}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.29.2-r5"},
        }
        self.api.objects.merge(
            "nodes", None, node, {"status": status}, manager="kubelet", subresource="status"
        )

    def _make(self, name: str) -> None:
        """Make a Service of its kind, whole; the first time with what else its kind has."""
        kind = kind_of(name)
        if kind is Kind.LOCAL and not self.api.objects.get("nodes", None, _own_node(name)):
            self._join_own(name)
        self._make_one(name, 443)
        if kind is Kind.PAIR:
            self._make_one(sibling_of(name), 8443)

    def _make_one(self, name: str, port: int) -> None:
        kind = kind_of(name)
        marks = {
            "kubernetes.io/elb.class": "performance" if kind is Kind.DEDICATED else "union",
            "kubernetes.io/elb.id": _balancer(name),
        }
        body = {
            "metadata": {
                "namespace": SHOP,
                "name": name,
                "annotations": {**marks, KEY: "onlyLocal"} if kind is Kind.LOCAL else marks,
            },
            "spec": {
                "type": "LoadBalancer",
                "externalTrafficPolicy": "Local" if kind is Kind.LOCAL else "Cluster",
                "selector": {"app": name},
                "ports": [{"name": "https", "port": port, "targetPort": 8443}],
            },
        }
        self.api.objects.create("services", body, manager="kubectl")
        self._address(name, _ip(name))
        piece = {
            "metadata": {
                "namespace": SHOP,
                "name": f"{name}-1",
                "labels": {"kubernetes.io/service-name": name},
            },
            "addressType": "IPv4",
            "ports": [{"name": "https", "port": 8443, "protocol": "TCP"}],
            "endpoints": _addresses(int(name[1:]), _homes(name)),
        }
        self.api.objects.create("endpointslices", piece, manager="endpointslice-controller")

    def _address(self, name: str, ip: str | None) -> None:
        status = {"loadBalancer": {"ingress": [{"ip": ip}] if ip else None}}
        self.api.objects.merge(
            "services", SHOP, name, {"status": status}, manager="cloud-controller", subresource="status"
        )

    def _endpoints(self, name: str, nodes: tuple[str, ...]) -> None:
        patch = {"endpoints": _addresses(int(name[1:]), nodes)}
        self.api.objects.merge("endpointslices", SHOP, f"{name}-1", patch, manager="endpointslice-controller")

    def _annotate(self, name: str, value: str | None) -> None:
        patch = {"metadata": {"annotations": {KEY: value}}}
        self.api.objects.merge("services", SHOP, name, patch, manager="kubectl-edit")

    def _note(self) -> None:
        services = [each["metadata"]["name"] for each in self.api.objects.scan("services", SHOP)]
        patch = {"metadata": {"labels": {"turn": str(self._dice.randrange(1000))}}}
        self.api.objects.merge("services", SHOP, self._dice.choice(services), patch, manager="kubectl-label")

    def _client(self) -> None:
        name = f"client-{self._dice.randrange(12)}"
        if self.api.objects.get("pods", SHOP, name):
            self.api.objects.delete("pods", SHOP, name)
            return
        body = {
            "metadata": {"namespace": SHOP, "name": name},
            "spec": {"nodeName": self._dice.choice(NODES[:3]), "containers": [{"name": "c", "image": "c"}]},
        }
        self.api.objects.create("pods", body, manager="kubectl")


def _own_node(service: str) -> str:
    return f"node-of-{service}"


def _homes(service: str) -> tuple[str, ...]:
    """Name the nodes on which a Service has endpoints while all is well."""
    return (_own_node(service),) if kind_of(service) is Kind.LOCAL else NODES[:2]


def _balancer(service: str) -> str:
    return f"elb-{service[1:]}"


def _ip(service: str) -> str:
    return f"10.9.0.{int(service[1:]) + 1}"


def _addresses(number: int, nodes: tuple[str, ...]) -> list[Json]:
    return [
        {"addresses": [f"10.1.{number}.{index}"], "nodeName": node, "conditions": {"ready": True}}
        for index, node in enumerate(nodes, 1)
    ]
