"""The simulated kubelet plays probe Pods."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.demo.kubernetes import ApiServer, Cluster
from bot.demo.seam import Attempt, EventType, Json


@dataclass
class FakeNetwork:
    """Connects to port 80, refuses 81, never answers 82; remembers who asked."""

    asked: list[tuple[str, str | None, str, int, str]] = field(default_factory=list)

    async def connect(self, *, node: str, pod_ip: str | None, ip: str, port: int, protocol: str) -> Attempt:
        """Answer by port."""
        self.asked.append((node, pod_ip, ip, port, protocol))
        match port:
            case 81:
                return Attempt(result="refused", latency_ms=0.5)
            case 82:
                return Attempt(result="timeout", latency_ms=30_000.0)
        return Attempt(result="connected", latency_ms=float(len(self.asked)))


@pytest.fixture
def network() -> FakeNetwork:
    """Return the network that probes meet."""
    return FakeNetwork()


@pytest.fixture
async def cluster(network: FakeNetwork) -> AsyncIterator[Cluster]:
    """Run a cluster of one node."""
    running = Cluster(ApiServer(), network=network)
    await running.start()
    running.add_node("node-1", address="192.168.0.11", pod_cidr="10.0.1.0/24")
    yield running
    await running.stop()


def probe(targets: str, *, seconds: str = "0.02", connections: str = "4", **spec: Any) -> dict[str, Any]:
    """Return a probe Pod as the contract describes it."""
    env = {
        "TARGETS": targets,
        "CONNECTIONS": connections,
        "DURATION_SECONDS": seconds,
        "TIMEOUT_SECONDS": "0.02",
    }
    container = {
        "name": "probe",
        "image": "registry.example/probe:1",
        "env": [{"name": name, "value": value} for name, value in env.items()],
    }
    return {
        "metadata": {
            "name": "probe",
            "namespace": "default",
            "labels": {"app.kubernetes.io/managed-by": "elb-passthrough"},
            "annotations": {"elb-passthrough.bot/run": "run-1"},
        },
        "spec": {"restartPolicy": "Never", "containers": [container], **spec},
    }


async def _ended(cluster: Cluster, body: dict[str, Any]) -> Json:
    """Create a Pod and return its status once it is over."""
    over: asyncio.Future[Json] = asyncio.get_running_loop().create_future()

    def changed(_event: EventType, pod: Json) -> None:
        if pod["status"]["phase"] in {"Succeeded", "Failed"} and not over.done():
            over.set_result(pod["status"])

    stop = cluster.objects.subscribe("pods", changed)
    cluster.objects.create("pods", body, manager="test")
    async with asyncio.timeout(60):
        status = await over
    stop()
    return status


async def test_a_probe_writes_what_it_counted(cluster: Cluster, network: FakeNetwork) -> None:
    """The termination message has each target's attempts, errors and percentiles."""
    targets = "tcp://10.0.0.9:80,https://[fd00::9]:443,http://10.0.0.9:81"
    # Whoever is half a second late gives up an attempt, as the real probe does.
    status = await _ended(cluster, probe(targets, seconds="2"))
    ended = status["containerStatuses"][0]["state"]["terminated"]
    assert (status["phase"], ended["exitCode"], ended["reason"]) == ("Succeeded", 0, "Completed")
    found = json.loads(ended["message"])["targets"]
    assert found.keys() == set(targets.split(","))
    refused = {"attempts": 4, "connected": 0, "errors": {"refused": 4, "timeout": 0, "other": 0}}
    assert found["http://10.0.0.9:81"] == refused
    connected = found["tcp://10.0.0.9:80"]
    assert (connected["attempts"], connected["connected"]) == (4, 4)
    assert connected["p50_ms"] <= connected["p99_ms"]
    assert ("node-1", "10.0.1.2", "fd00::9", 443, "TCP") in network.asked


async def test_timeouts_use_the_time_up(cluster: Cluster) -> None:
    """A target that never answers gets as many attempts as its timeouts leave time for."""
    status = await _ended(cluster, probe("tcp://10.0.0.9:82", connections="100", seconds="0.05"))
    found = json.loads(status["containerStatuses"][0]["state"]["terminated"]["message"])
    counted = found["targets"]["tcp://10.0.0.9:82"]
    assert 1 <= counted["attempts"] < 100
    assert counted["errors"]["timeout"] == counted["attempts"]


async def test_a_probe_on_the_host_network_connects_from_the_node(
    cluster: Cluster, network: FakeNetwork
) -> None:
    """Its connections carry no Pod address."""
    await _ended(cluster, probe("tcp://10.0.0.9:80", hostNetwork=True))
    assert {(node, pod_ip) for node, pod_ip, *_ in network.asked} == {("node-1", None)}


@pytest.mark.parametrize("targets", ["", "10.0.0.9:80", "ftp://10.0.0.9:80", "tcp://10.0.0.9"])
async def test_a_malformed_environment_ends_a_probe(cluster: Cluster, targets: str) -> None:
    """Exit code 2, and no connection."""
    status = await _ended(cluster, probe(targets))
    ended = status["containerStatuses"][0]["state"]["terminated"]
    assert (status["phase"], ended["exitCode"], "TARGETS" in ended["message"]) == ("Failed", 2, True)


async def test_a_probe_may_be_evicted_half_way(cluster: Cluster) -> None:
    """An evicted probe stays as Failed, without a result, and says why."""
    cluster.kubelets.knobs.evict_probes_at = 0.5
    status = await _ended(cluster, probe("tcp://10.0.0.9:80", seconds="0.1"))
    assert (status["phase"], status["reason"]) == ("Failed", "Evicted")
    assert "message" not in status["containerStatuses"][0]["state"]["terminated"]
    assert [event["reason"] for event in cluster.objects.list("events")] == ["Evicted"]


async def test_a_deadline_ends_a_probe(cluster: Cluster) -> None:
    """ActiveDeadlineSeconds counts for probes."""
    status = await _ended(cluster, probe("tcp://10.0.0.9:80", seconds="60", activeDeadlineSeconds=0.05))
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")


async def test_a_deleted_probe_connects_no_more(cluster: Cluster, network: FakeNetwork) -> None:
    """Deleting the Pod ends its process."""
    cluster.objects.create("pods", probe("tcp://10.0.0.9:80", seconds="60", connections="60"), manager="test")
    await cluster.settled()
    cluster.objects.delete("pods", "default", "probe")
    await cluster.settled()
    assert cluster.objects.list("pods") == []
    assert cluster.kubelets._probes == {}
    assert len(network.asked) <= 1


async def test_other_pods_are_not_played(cluster: Cluster, network: FakeNetwork) -> None:
    """Without the bot's label a Pod simply runs."""
    body = probe("tcp://10.0.0.9:80")
    del body["metadata"]["labels"]
    cluster.objects.create("pods", body, manager="test")
    await cluster.settled()
    assert (cluster.objects.get("pods", "default", "probe") or {})["status"]["phase"] == "Running"
    assert network.asked == []
