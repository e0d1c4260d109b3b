"""How long questions about paths take: `python -m tests.bench.paths` prints the figures and holds the promises.

One question on a Service with 1, 10, 100, 1,000 endpoints in clusters of 10 and of 5,000 nodes with 10,000
Services and 100,000 Pods; the whole table of classes; every Service, as a list needs it; a cold `explain`.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

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
from bot.operations.listing import listing
from bot.watch.lookout import Lookout
from tests.fakes.cluster import Changed
from tests.fakes.world import ALICE, Cluster, Town, caller

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
YAML_RATIO = 3.0
AGAIN_SECONDS = 0.05
LIST_SECONDS = 0.5


def main() -> int:
    """Run everything; the exit status says whether the promises hold."""
    kept = True
    for policy in TrafficPolicy:
        kept &= _questions(policy)
    kept &= _listing(*SIZES[-1])
    kept &= _cold()
    kept &= _yaml()
    print("every promise holds" if kept else "a promise is broken")
    return 0 if kept else 1


def _questions(policy: TrafficPolicy) -> bool:
    """Ask in the small cluster, then in the large one; what the large one costs more is the baseline's ratio."""
    kept = True
    small: dict[int, float] = {}
    for nodes, services, pods in SIZES:
        for endpoints in (1, 10, 100, 1_000):
            inventory = cluster(nodes, services, pods, endpoints, policy)
            snapshot = inventory.snapshot(facts())
            one = _best(lambda: explain(snapshot, ASKED, QUESTION))  # noqa: B023  called at once
            table = _best(lambda: explain(snapshot, ASKED)) * 1000  # noqa: B023  called at once
            ratio = f"   {one / small[endpoints]:4.2f} x 10 nodes" if small.get(endpoints) else ""
            if nodes == SIZES[0][0]:
                small[endpoints] = one
            print(
                f"{nodes:5} nodes  policy {policy:7}  {endpoints:4} endpoints"
                f"   one question {1 / one:8,.0f}/s{ratio:17}   table of classes {table:7.1f} ms"
            )
            kept &= endpoints != 10 or 1 / one >= QUESTIONS_A_SECOND
            kept &= endpoints != 100 or table < TABLE_MS
    return kept


def _listing(nodes: int, services: int, pods: int) -> bool:
    return asyncio.run(_listed(cluster(nodes, services, pods, 100, TrafficPolicy.CLUSTER)))


async def _listed(inventory: Inventory) -> bool:
    """What `list` costs, and what it takes to keep every Service's verdict up to date for it."""
    kube = Cluster("prod", facts=facts(), inventory=inventory)
    world = Town(clusters=[kube]).world
    lookout = Lookout(kube, {}, settle=timedelta(0), clock=world.clock)
    whole = await _seconds(lookout.look(world.clock()))
    world.standings[kube.name] = lookout.verdicts
    listed = [await _seconds(listing(world, caller(ALICE), "")) for _ in range(3)]
    piece = next(iter(kube.snapshot().slices(ASKED)))
    lookout.hear(Changed(ref=piece.ref, before=None, after=piece))
    again = await _seconds(lookout.look(world.clock()))
    print(
        f"{len(lookout.verdicts):5} Services looked at for the first time in {whole:.1f} s, again after a change of "
        f"one in {again * 1000:.1f} ms; a list of them, worst first, in {min(listed) * 1000:.0f} ms"
    )
    return again < AGAIN_SECONDS and min(listed) < LIST_SECONDS


async def _seconds(call: Awaitable[Any]) -> float:
    started = time.perf_counter()
    await call
    return time.perf_counter() - started


def _cold() -> bool:
    with tempfile.TemporaryDirectory() as directory:
        small, large = Path(directory, "small.json"), Path(directory, "large.json")
        small.write_text(json.dumps(objects(2, 3, 2)))
        text = json.dumps(objects(300, 6_000, 500, padding=2_700))
        large.write_text(text)
        quick = min(_explain(small) for _ in range(5))
        bare = min(_run("-c", "pass") for _ in range(5))
        slow = min(_explain(large, "--service", "default/s1") for _ in range(2))
        read = min(_run("-c", _READ_JSON, str(large)) for _ in range(2))
    print(
        f"a cold explain of a small file {quick:.2f} s, {quick / bare:.1f} x an interpreter that does nothing; "
        f"of {len(text) / 1e6:.0f} MB of JSON {slow:.2f} s, {slow / read:.1f} x json.load alone"
    )
    return quick < COLD_SECONDS and slow < LARGE_SECONDS


_READ_JSON = "import json, sys; json.load(open(sys.argv[1]))"
_READ_YAML = "import sys, yaml; list(yaml.load_all(open(sys.argv[1]), yaml.CSafeLoader))"


def _yaml() -> bool:
    """YAML costs what the library's C loader costs, and little more."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "cluster.yaml")
        path.write_text(yaml.dump(objects(100, 4_000, 400, padding=100), Dumper=yaml.CSafeDumper))
        ours = min(_explain(path, "--service", "default/s1") for _ in range(3))
        theirs = min(_run("-c", _READ_YAML, str(path)) for _ in range(3))
        size = path.stat().st_size / 1e6
    print(f"{size:.2f} MB of YAML {ours:.2f} s, {ours / theirs:.1f} x the C loader alone")
    return ours < YAML_RATIO * theirs


def _explain(path: Path, *options: str) -> float:
    return _run("-m", "bot", "explain", str(path), *options)


def _run(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own
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
