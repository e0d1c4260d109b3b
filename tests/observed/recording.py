"""A recording, as the engine and as the packets tell it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.adapters.manifests import read
from bot.domain.explanation import ClientKind, End, SourceIP, Verdict
from bot.domain.explanation import Path as Way
from bot.domain.objects import Ref
from bot.domain.path import explain
from bot.domain.question import ClientAsked, Question, Target
from bot.domain.snapshot import Snapshot
from tests.observed.network import BALANCER, HOST_POD, NODES, PODS
from tests.observed.situations import NAMESPACE

RECORDINGS = sorted(Path(__file__).with_name("recordings").glob("*.json"))
CLUSTER_CIDR = "10.0.0.0/16"
NODE_ADDRESSES = {*NODES.values(), "169.254.1.1"}
"""The last one is each node's address on its side of a Pod's link."""
ENDS = {
    "refused": {End.REJECT},
    "timeout": {End.DROP, End.REPLY_LOST, End.NO_BACKEND},
    "OSError": {End.DROP},  # the packet went round and round between balancer and node
}
Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What came of one client's connections to one address."""

    service: str
    client: str
    ip: str
    crossed: bool
    outcomes: dict[str, int]
    arrives_at: str | None
    source: str | None

    @property
    def answers(self) -> set[tuple[str, str]]:
        """Who answered, and the source address that it saw."""
        return {(words[1], words[2]) for words in map(str.split, self.outcomes) if words[0] == "ok"}

    @property
    def verdict(self) -> Verdict:
        """What the packets say."""
        failed = [outcome for outcome in self.outcomes if not outcome.startswith("ok ")]
        if not failed:
            return Verdict.REACHABLE
        return Verdict.AMBIGUOUS if self.answers else Verdict.UNREACHABLE

    @property
    def endpoints(self) -> set[str]:
        """The Pods that answered."""
        return {f"{NAMESPACE}/{name}" for name, _ in self.answers}

    @property
    def sources(self) -> set[tuple[str, SourceIP]]:
        """What kind of source address each backend saw."""
        own = PODS[self.client][1] if self.client in PODS else NODES.get(self.client, self.source)
        return {(f"{NAMESPACE}/{name}", _kind(address, own)) for name, address in self.answers}

    @property
    def ends(self) -> set[End]:
        """The ends that fit what the client saw, where nothing answered."""
        return set().union(*(ENDS[outcome] for outcome in self.outcomes))

    def asked(self) -> Question:
        """Return the question that was put to the packets."""
        if self.client in PODS:
            client = ClientAsked(kind=ClientKind.POD, namespace=NAMESPACE, name=self.client)
        elif self.client in NODES:
            client = ClientAsked(kind=ClientKind.NODE, name=self.client)
        else:
            client = ClientAsked(kind=ClientKind.EXTERNAL, name=self.source or "")
        return Question(client=client, target=Target(host=self.ip, port=80), arrives_at=self.arrives_at)


def _kind(address: str, own: str | None) -> SourceIP:
    if address == BALANCER:
        return SourceIP.LB
    if address in NODE_ADDRESSES:
        return SourceIP.NODE
    assert address == own, f"a backend saw {address}"
    return SourceIP.PRESERVED


class Recording:
    """One file: what there was, and what was seen."""

    def __init__(self, file: Path) -> None:
        told = json.loads(file.read_text(encoding="utf-8"))
        self.seen = [_seen(each) for each in told["observed"]]
        self.affine = {
            each["metadata"]["name"]
            for each in told["items"]
            if each["kind"] == "Service" and each["spec"].get("sessionAffinity") == "ClientIP"
        }
        # Each Service has an address that is balanced to node ports, and one that is handed on unchanged.
        self._snapshots = {
            "10.1.0": _snapshot(told, {"delivery": "nodeport", "preservesClientIP": False}),
            "10.1.1": _snapshot(told, {"delivery": "vip", "preservesClientIP": True}),
        }

    def answer(self, seen: Seen) -> Way:
        """Ask the engine what the packets were asked."""
        snapshot = self._snapshots[seen.ip.rpartition(".")[0]]
        (way,) = explain(snapshot, Ref(NAMESPACE, seen.service), seen.asked()).paths
        return way


def _seen(told: Document) -> Seen:
    return Seen(
        service=told["service"],
        client=told["client"],
        ip=told["ip"],
        crossed=told["crossed"],
        outcomes=told["outcomes"],
        arrives_at=told.get("arrivesAt"),
        source=told.get("source"),
    )


def _snapshot(told: Document, balancer: Document) -> Snapshot:
    proxy = {
        **told["kubeProxy"],
        **({"clusterCIDR": CLUSTER_CIDR} if told["kubeProxy"]["localDetector"] else {}),
    }
    facts = {
        "apiVersion": "elb-passthrough/v1",
        "kind": "ClusterFacts",
        "platform": "generic",
        "kubernetesVersion": "v1.36.0",
        "kubeProxy": proxy,
        "loadBalancer": balancer,
    }
    with TemporaryDirectory() as scratch:
        file = Path(scratch, "objects.json")
        items = [facts, *told["items"], *_pods()]
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), encoding="utf-8")
        manifests = read([str(file)])
    return manifests.inventory.snapshot(manifests.facts)


def _pods() -> Iterator[Document]:
    for name, (node, address) in PODS.items():
        yield _pod(name, node, address)
    name, node = HOST_POD
    yield _pod(name, node, NODES[node], hostNetwork=True)


def _pod(name: str, node: str, address: str, **spec: bool) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": NAMESPACE, "name": name},
        "spec": {"nodeName": node, "containers": [], **spec},
        "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]},
    }
