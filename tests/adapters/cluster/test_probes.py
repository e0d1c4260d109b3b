"""Probe Pods on the simulated cluster: placed, admitted, played by its kubelets, refused, swept."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.cluster import probe_pod
from bot.adapters.cluster.connection import Connection
from bot.adapters.cluster.live import LiveCluster
from bot.config.settings import ClusterSettings, VerificationSettings
from bot.demo.kubernetes import ApiServer, Cluster, Rule, User
from bot.demo.seam import Attempt, Json
from bot.ports import Forbidden, Invalid, ProbePod, ProbeState, TargetCount, Unavailable
from tests.adapters.cluster.conftest import PATIENCE, QUICK, kubeconfig

NAMESPACE = "elb-passthrough"
TARGET = "tcp://10.0.0.9:80"
POD = ProbePod(
    name="elb-passthrough-a",
    run="run-1",
    node="node-a",
    host_network=False,
    targets=(TARGET, "https://10.0.0.9:443"),
    connections=4,
    duration=0.5,
    timeout=1.0,
)


class Reachable:
    """A network in which port 80 answers and nothing else does; notes who connects."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, int]] = []

    async def connect(self, *, node: str, pod_ip: str | None, ip: str, port: int, protocol: str) -> Attempt:
        """Answer at once."""
        assert (ip, protocol) == ("10.0.0.9", "TCP")
        self.seen.append((node, "host" if pod_ip is None else "pod", port))
        return Attempt(result="connected" if port == 80 else "refused", latency_ms=1.5)


@pytest.fixture
def network() -> Reachable:
    """The network of the simulated cluster."""
    return Reachable()


@pytest.fixture
async def world(network: Reachable) -> AsyncIterator[Cluster]:
    """Two nodes and a namespace for probes, in which Pod security is at its strictest."""
    cluster = Cluster(ApiServer(), network=network)
    await cluster.start()
    cluster.add_node("node-a", address="192.168.0.11", pod_cidr="10.1.0.0/24")
    cluster.add_node("node-b", address="192.168.0.12", pod_cidr="10.1.1.0/24")
    cluster.add_namespace(NAMESPACE, labels={"pod-security.kubernetes.io/enforce": "restricted"})
    yield cluster
    await cluster.stop()


@pytest.fixture
async def live(world: Cluster, tmp_path: Path) -> AsyncIterator[LiveCluster]:
    """A cluster adapter that does not watch."""
    made = connected(world, tmp_path)
    yield made
    await made.close()


def connected(
    world: Cluster, tmp_path: Path, *, token: str = "admin-token", **verification: Any
) -> LiveCluster:
    """Make an adapter."""
    path = kubeconfig(tmp_path / f"config-{token}", world.server.kubeconfig(token))
    settings = ClusterSettings(
        name="prod", kubeconfig=path, verification=VerificationSettings(**verification)
    )
    return LiveCluster(settings, timing=QUICK, connection=Connection(settings, environment={}))


async def ended(world: Cluster, live: LiveCluster, name: str = POD.name) -> ProbeState:
    """Wait until a Pod has ended, and look at it."""
    over = asyncio.Event()

    def changed(_: str, pod: Json) -> None:
        if pod["metadata"]["name"] == name and pod["status"]["phase"] in ("Succeeded", "Failed"):
            over.set()

    stop = world.objects.subscribe("pods", changed)
    try:
        state = await live.probe_state(name)
        if state.phase in ("pending", "running"):
            async with asyncio.timeout(PATIENCE):
                await over.wait()
            state = await live.probe_state(name)
    finally:
        stop()
    return state


async def test_a_probe_runs_on_its_node_and_its_counts_come_back(
    world: Cluster, live: LiveCluster, network: Reachable
) -> None:
    """From the manifest to the counts, in the strictest namespace."""
    await live.start_probe(POD)
    state = await ended(world, live)
    assert state.phase == "done"
    assert state.started_at is not None
    tries = {port: sum(1 for *_, seen in network.seen if seen == port) for port in (80, 443)}
    assert state.counts == {
        TARGET: TargetCount(
            attempts=tries[80],
            connected=tries[80],
            errors={"refused": 0, "timeout": 0, "other": 0},
            p50_ms=1.5,
            p99_ms=1.5,
        ),
        "https://10.0.0.9:443": TargetCount(
            attempts=tries[443], connected=0, errors={"refused": tries[443], "timeout": 0, "other": 0}
        ),
    }
    assert {(node, how) for node, how, _ in network.seen} == {("node-a", "pod")}


async def test_a_cordoned_node_is_a_client_like_any_other(world: Cluster, live: LiveCluster) -> None:
    """Its taint is tolerated."""
    world.cordon("node-a")
    await live.start_probe(POD)
    assert (await ended(world, live)).phase == "done"


async def test_a_node_that_is_gone_leaves_the_probe_pending_with_a_reason(
    world: Cluster, live: LiveCluster
) -> None:
    """The scheduler says why."""
    await live.start_probe(replace(POD, node="node-z"))
    await world.settled()
    state = await live.probe_state(POD.name)
    assert state.phase == "pending"
    assert "Unschedulable" in state.why


async def test_an_image_that_cannot_be_pulled_is_said(world: Cluster, tmp_path: Path) -> None:
    """Pending, with the kubelet's words."""
    world.kubelets.knobs.missing_images.add("registry.example/none:1")
    live = connected(world, tmp_path, image="registry.example/none:1")
    await live.start_probe(POD)
    await world.settled()
    state = await live.probe_state(POD.name)
    await live.close()
    assert state.phase == "pending"
    assert state.why == 'ImagePullBackOff: Back-off pulling image "registry.example/none:1"'


async def test_an_evicted_probe_has_failed(world: Cluster, live: LiveCluster) -> None:
    """Half way through: no counts, and the kubelet's reason."""
    world.kubelets.knobs.evict_probes_at = 0.5
    await live.start_probe(POD)
    state = await ended(world, live)
    assert state.phase == "failed"
    assert state.why.startswith("Evicted: The node was low on resource")
    assert state.counts == {}


async def test_a_quota_refuses_in_its_own_words(world: Cluster, live: LiveCluster) -> None:
    """403 by quota."""
    world.pod_admission.quotas[NAMESPACE] = 0
    with pytest.raises(Forbidden, match="exceeded quota"):
        await live.start_probe(POD)


async def test_a_namespace_that_is_not_there_is_said(world: Cluster, tmp_path: Path) -> None:
    """The probes' namespace is the installer's to make."""
    live = connected(world, tmp_path, namespace="nowhere")
    with pytest.raises(Forbidden, match="the probes' namespace nowhere is not there"):
        await live.start_probe(POD)
    await live.close()


async def test_the_hosts_network_is_opted_in(world: Cluster, live: LiveCluster, tmp_path: Path) -> None:
    """Refused by ourselves without the option; with it by a namespace that does not allow it."""
    host = replace(POD, host_network=True)
    with pytest.raises(Invalid, match="not opted in"):
        await live.start_probe(host)
    opted = connected(world, tmp_path, host_network=True)
    with pytest.raises(Forbidden, match="violates PodSecurity"):
        await opted.start_probe(host)
    world.add_namespace("privileged")
    allowed = connected(world, tmp_path, host_network=True, namespace="privileged")
    await allowed.start_probe(host)
    assert (await ended(world, allowed)).phase == "done"
    await opted.close()
    await allowed.close()


async def test_a_missing_right_to_create_pods_is_said(world: Cluster, tmp_path: Path) -> None:
    """403 by RBAC."""
    world.server.access.tokens["reader"] = User(name="reader")
    world.server.access.rules.append(Rule(subject="reader", verbs=("get", "list"), resources=("pods",)))
    live = connected(world, tmp_path, token="reader")
    with pytest.raises(Forbidden, match='User "reader" cannot create resource "pods"'):
        await live.start_probe(POD)
    await live.close()


async def test_nobody_elses_pods_are_swept(world: Cluster, live: LiveCluster) -> None:
    """Neither a stranger's Pod, nor one that has our label but not our annotation."""
    for name, labels in (("stranger", {}), ("alike", {"app.kubernetes.io/managed-by": "elb-passthrough"})):
        body = {
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
            "spec": probe_pod.manifest(POD, VerificationSettings())["spec"],
        }
        world.objects.create("pods", body, manager="somebody")
    await live.start_probe(POD)
    assert await live.sweep_probes(POD.run) == 1
    left = {pod["metadata"]["name"] for pod in world.objects.list("pods", NAMESPACE)}
    assert left == {"stranger", "alike"}


async def test_a_pod_of_our_name_that_is_not_ours_is_not_believed(world: Cluster, live: LiveCluster) -> None:
    """Its termination message is somebody else's."""
    body = {
        "metadata": {"name": POD.name, "namespace": NAMESPACE},
        "spec": probe_pod.manifest(POD, VerificationSettings())["spec"],
    }
    world.objects.create("pods", body, manager="somebody")
    state = await live.probe_state(POD.name)
    assert (state.phase, state.why) == ("failed", "a Pod of that name is not ours")


def test_the_manifest_is_the_contracts() -> None:
    """Label, annotation, environment, placement, and nothing that a Pod of ours needs not have."""
    settings = VerificationSettings(image="registry.example/probe@sha256:1", namespace="probes")
    body = probe_pod.manifest(replace(POD, targets=(TARGET,), duration=36.0, timeout=2.5), settings)
    metadata, spec = body["metadata"], body["spec"]
    (container,) = spec["containers"]
    assert metadata["labels"]["app.kubernetes.io/managed-by"] == "elb-passthrough"
    assert metadata["annotations"]["elb-passthrough.bot/run"] == "run-1"
    assert (metadata["name"], metadata["namespace"]) == (POD.name, "probes")
    assert container["name"] == "probe"
    assert {each["name"]: each["value"] for each in container["env"]} == {
        "TARGETS": TARGET,
        "CONNECTIONS": "4",
        "DURATION_SECONDS": "36",
        "TIMEOUT_SECONDS": "2.5",
    }
    term = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["nodeSelectorTerms"][0]["matchExpressions"] == [
        {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-a"]}
    ]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["activeDeadlineSeconds"] == 39 + 120
    assert spec["restartPolicy"] == "Never"


def pod(message: str = "", /, **status: Any) -> Json:
    """Make a Pod of ours that ended with a message."""
    ended = {"exitCode": 0, "message": message, "startedAt": "2026-01-01T00:00:00Z"}
    return {
        "metadata": {
            "labels": {"app.kubernetes.io/managed-by": "elb-passthrough"},
            "annotations": {"elb-passthrough.bot/run": "r"},
        },
        "status": {
            "phase": "Succeeded",
            "containerStatuses": [{"name": "probe", "state": {"terminated": ended}}],
            **status,
        },
    }


GOOD = {"attempts": 2, "connected": 1, "errors": {"refused": 1, "timeout": 0, "other": 0}, "p50_ms": 1}


@pytest.mark.parametrize(
    "message",
    [
        "",
        "not json",
        "[]",
        '{"targets": []}',
        '{"targets": {}}',
        json.dumps({"targets": {TARGET: GOOD | {"connected": 2}}}),
        json.dumps({"targets": {TARGET: GOOD | {"attempts": -1}}}),
        json.dumps({"targets": {TARGET: GOOD | {"attempts": True}}}),
        json.dumps({"targets": {TARGET: GOOD | {"attempts": "2"}}}),
        json.dumps({"targets": {TARGET: GOOD | {"p50_ms": "fast"}}}),
        json.dumps({"targets": {TARGET: GOOD | {"p50_ms": float("nan")}}}),
        json.dumps({"targets": {TARGET: {"attempts": 1}}}),
        json.dumps({"targets": {TARGET: GOOD}, "padding": "x" * 5000}),
    ],
)
def test_a_result_that_is_not_exactly_right_is_no_result(message: str) -> None:
    """A Pod may write anything into its termination message."""
    state = probe_pod.state(pod(message))
    assert state.phase == "failed"
    assert state.counts == {}
    assert state.why


def test_a_result_that_is_right_is_read() -> None:
    """The other side of the same coin."""
    state = probe_pod.state(pod(json.dumps({"targets": {TARGET: GOOD}})))
    assert state.phase == "done"
    assert state.counts[TARGET].p50_ms == 1.0


@pytest.mark.parametrize(
    ("status", "phase", "why"),
    [
        ({"phase": "Pending", "containerStatuses": []}, "pending", "it has not started yet"),
        (
            {
                "phase": "Pending",
                "containerStatuses": [],
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available",
                    }
                ],
            },
            "pending",
            "Unschedulable: 0/3 nodes are available",
        ),
        (
            {"phase": "Running", "containerStatuses": [{"name": "probe", "state": {"running": {}}}]},
            "running",
            "",
        ),
        (
            {
                "phase": "Failed",
                "reason": "DeadlineExceeded",
                "message": "too long",
                "containerStatuses": None,
            },
            "failed",
            "DeadlineExceeded: too long",
        ),
    ],
)
def test_every_state_of_a_pod_has_a_word_and_a_reason(status: Json, phase: str, why: str) -> None:
    """As the kubelet and the scheduler report them."""
    state = probe_pod.state(pod(**status))
    assert (state.phase, state.why) == (phase, why)


def test_a_pod_that_is_being_deleted_is_gone() -> None:
    """Before it has a result, that is."""
    running = pod(phase="Running", containerStatuses=[{"name": "probe", "state": {"running": {}}}])
    running["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert probe_pod.state(running).phase == "gone"


async def test_a_quota_that_two_pods_ask_at_once_is_asked_again(world: Cluster, live: LiveCluster) -> None:
    """409 on the quota itself says nothing about the Pod."""
    message = 'Operation cannot be fulfilled on resourcequotas "compute"'
    world.server.faults.fail(1, code=409, verb="create", resource="pods", message=message)
    with pytest.raises(Unavailable, match="resourcequotas"):
        await live.start_probe(POD)
