"""How long questions about paths take: `python -m tests.bench.paths` prints the figures and holds the promises.

One question on a Service with 1, 10, 100, 1,000 endpoints in clusters of 10 and of 5,000 nodes with 10,000
Services and 100,000 Pods; the whole table of classes; every Service, as a list needs it; a cold `explain`.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.domain.board import Board
from bot.domain.cluster_facts import Category, ClusterFacts, Mode, Platform
from bot.domain.explanation import ClientKind
from bot.domain.fact import Fact, Origin
from bot.domain.objects import (
    Endpoint,
    EndpointPort,
    EndpointSlice,
    IngressPoint,
    Node,
    Pod,
    Ref,
    Service,
    ServicePort,
    TrafficPolicy,
)
from bot.domain.path import ClientAsked, Question, Target, explain
from bot.domain.snapshot import Inventory
from bot.domain.version import Version

ASKED = Ref("default", "s0")
QUESTION = Question(
    client=ClientAsked(kind=ClientKind.POD, namespace="default", name="p7"),
    target=Target(host="192.168.0.1", port=80),
)
SIZES = ((10, 20, 2_000), (5_000, 10_000, 100_000))
QUESTIONS_A_SECOND = 2_000
TABLE_MS = 20.0
COLD_SECONDS = 0.35
LARGE_SECONDS = 3.0


def main() -> int:
    """Run everything; the exit status says whether the promises hold."""
    kept = True
    for nodes, services, pods in SIZES:
        for policy in TrafficPolicy:
            kept &= _questions(nodes, services, pods, policy)
    kept &= _listing(*SIZES[-1])
    kept &= _cold()
    print("every promise holds" if kept else "a promise is broken")
    return 0 if kept else 1


def _questions(nodes: int, services: int, pods: int, policy: TrafficPolicy) -> bool:
    kept = True
    for endpoints in (1, 10, 100, 1_000):
        inventory = cluster(nodes, services, pods, endpoints, policy)
        snapshot = inventory.snapshot(facts())
        one = _best(lambda: explain(snapshot, ASKED, QUESTION))  # noqa: B023  called at once
        table = _best(lambda: explain(snapshot, ASKED)) * 1000  # noqa: B023  called at once
        print(
            f"{nodes:5} nodes  policy {policy:7}  {endpoints:4} endpoints"
            f"   one question {1 / one:8,.0f}/s   table of classes {table:7.1f} ms"
        )
        kept &= endpoints != 10 or 1 / one >= QUESTIONS_A_SECOND
        kept &= endpoints != 100 or table < TABLE_MS
    return kept


def _listing(nodes: int, services: int, pods: int) -> bool:
    inventory = cluster(nodes, services, pods, 100, TrafficPolicy.CLUSTER)
    snapshot = inventory.snapshot(facts())
    board = Board(lambda ref: explain(inventory.snapshot(facts()), ref))
    started = time.perf_counter()
    count = sum(1 for _ in board.lines(snapshot))
    whole = time.perf_counter() - started
    piece = next(iter(snapshot.slices(ASKED)))

    def again() -> None:
        inventory.put(piece)
        board.changed(inventory.snapshot(facts()), piece, piece)
        board.line(inventory.snapshot(facts()), ASKED)

    print(
        f"{count:5} Services listed in {whole:.1f} s; after a change of one, its line in {_best(again) * 1000:.1f} ms"
    )
    return True


def _cold() -> bool:
    with tempfile.TemporaryDirectory() as directory:
        small, large = Path(directory, "small.json"), Path(directory, "large.json")
        small.write_text(json.dumps(objects(2, 3, 2)))
        text = json.dumps(objects(300, 6_000, 500, padding=2_700))
        large.write_text(text)
        quick = min(_explain(small) for _ in range(5))
        slow = min(_explain(large, "--service", "default/s1") for _ in range(2))
    print(f"a cold explain of a small file {quick:.2f} s; of {len(text) / 1e6:.0f} MB of JSON {slow:.2f} s")
    return quick < COLD_SECONDS and slow < LARGE_SECONDS


def _explain(path: Path, *options: str) -> float:
    started = time.perf_counter()
    subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-m", "bot", "explain", str(path), *options], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def _best(call: Callable[[], Any]) -> float:
    """Seconds of the quickest of some calls, after one that fills caches."""
    call()
    found, until = float("inf"), time.perf_counter() + 0.3
    while time.perf_counter() < until:
        started = time.perf_counter()
        call()
        found = min(found, time.perf_counter() - started)
    return found


# --- clusters --------------------------------------------------------------------------------------------


def facts() -> ClusterFacts:
    """All facts known: CCE standard, IPVS."""

    def known(name: str, value: Any) -> Fact[Any]:
        return Fact(name=name, value=value, origin=Origin.CONFIG)

    return ClusterFacts(
        platform=known("platform", Platform.CCE),
        category=known("category", Category.STANDARD),
        version=known("kubernetesVersion", Version(1, 29, 3)),
        mode=known("kubeProxy.mode", Mode.IPVS),
        cluster_cidr=known("kubeProxy.clusterCIDR", "10.0.0.0/8"),
    )


def cluster(nodes: int, services: int, pods: int, endpoints: int, policy: TrafficPolicy) -> Inventory:
    """A cluster whose first Service has that many endpoints, and the others three each."""
    inventory = Inventory()
    for number in range(nodes):
        inventory.put(
            Node(name=f"n{number}", internal_ips=(_ip("172.16", number),), kubelet_version="v1.29.3")
        )
    for number in range(pods):
        where = f"n{number % nodes}"
        inventory.put(Pod(ref=Ref("default", f"p{number}"), node=where, ips=(_pod_ip(number),)))
    for number in range(services):
        ref = Ref("default", f"s{number}")
        address = IngressPoint(ip=f"192.168.{number // 250}.{number % 250 + 1}")
        inventory.put(
            Service(
                ref=ref,
                type="LoadBalancer",
                ports=(ServicePort(port=80, node_port=30000 + number % 2000),),
                external_policy=policy,
                ingress=(address,),
                annotations={"kubernetes.io/elb.class": "performance"},
            )
        )
        count = endpoints if number == 0 else 3
        behind = tuple(_endpoint((number * 7 + each) % pods, nodes) for each in range(count))
        inventory.put(
            EndpointSlice(
                ref=Ref("default", f"s{number}-x"),
                service=ref,
                family="IPv4",
                ports=(EndpointPort(port=80),),
                endpoints=behind,
            )
        )
    return inventory


def _endpoint(number: int, nodes: int) -> Endpoint:
    return Endpoint(ip=_pod_ip(number), node=f"n{number % nodes}", pod=Ref("default", f"p{number}"))


def _ip(prefix: str, number: int) -> str:
    return f"{prefix}.{number // 250}.{number % 250 + 1}"


def _pod_ip(number: int) -> str:
    return f"10.{number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def objects(nodes: int, pods: int, services: int, *, padding: int = 0) -> dict[str, Any]:
    """A List as the API server gives it, with as much in each Pod as real ones have."""
    items: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"n{number}"},
            "status": {"nodeInfo": {"kubeletVersion": "v1.29.3"}},
        }
        for number in range(nodes)
    ]
    for number in range(pods):
        items.append(  # noqa: PERF401  reads better as three loops alike
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": f"p{number}",
                    "namespace": "default",
                    "annotations": {"note": "x" * padding},
                },
                "spec": {"nodeName": f"n{number % nodes}"},
                "status": {"podIP": _pod_ip(number), "phase": "Running"},
            }
        )
    for number in range(services):
        name = f"s{number}"
        items += [_service(name, number), _slice(name, number % pods, nodes)]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _service(name: str, number: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30000 + number}]},
        "status": {"loadBalancer": {"ingress": [{"ip": _ip("192.168", number)}]}},
    }


def _slice(name: str, pod: int, nodes: int) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-x",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
        "endpoints": [{"addresses": [_pod_ip(pod)], "nodeName": f"n{pod % nodes}"}],
    }


if __name__ == "__main__":
    sys.exit(main())
