"""The controllers of the simulated cluster: scheduling, Deployments, EndpointSlices, and what goes with its owner."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from bot.demo.kubernetes import ApiServer, Cluster
from bot.demo.kubernetes.status import ApiError


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """Run a cluster of three nodes with the namespace `shop`."""
    running = Cluster(ApiServer())
    await running.start()
    running.add_namespace("shop")
    for at in (1, 2, 3):
        running.add_node(f"node-{at}", address=f"192.168.0.{10 + at}", pod_cidr=f"10.0.{at}.0/24")
    yield running
    await running.stop()


def pod(name: str = "a", **spec: Any) -> dict[str, Any]:
    """Return a Pod."""
    containers = [{"name": "main", "image": "registry.example/app:1"}]
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": {"containers": containers, **spec}}


def deployment(replicas: int) -> dict[str, Any]:
    """Return a Deployment of Pods labelled app=web."""
    labels = {"app": "web"}
    ports = [{"name": "http", "containerPort": 8080}]
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": "registry.example/app:1", "ports": ports}]},
    }
    return {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def service(**spec: Any) -> dict[str, Any]:
    """Return a Service in front of app=web."""
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return {
        "metadata": {"name": "web", "namespace": "shop", "labels": {"team": "a"}},
        "spec": {"selector": {"app": "web"}, "ports": ports, **spec},
    }


def on(node: str) -> dict[str, Any]:
    """Return the affinity of a Pod to one node."""
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"nodeAffinity": required}


async def _made(cluster: Cluster, body: Mapping[str, Any]) -> dict[str, Any]:
    name = cluster.objects.create("pods", body, manager="test")["metadata"]["name"]
    await cluster.settled()
    return cluster.objects.get("pods", "shop", name) or {}


def _unschedulable(found: Mapping[str, Any]) -> str:
    (condition,) = [each for each in found["status"]["conditions"] if each["type"] == "PodScheduled"]
    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    return str(condition["message"])


async def test_a_pod_runs_on_the_node_of_its_affinity(cluster: Cluster) -> None:
    """Affinity on the host name decides; the address comes from that node's podCIDR."""
    found = await _made(cluster, pod(affinity=on("node-2")))
    assert found["spec"]["nodeName"] == "node-2"
    assert found["status"]["phase"] == "Running"
    assert found["status"]["podIP"].startswith("10.0.2.")
    assert found["status"]["hostIP"] == "192.168.0.12"
    assert found["status"]["containerStatuses"][0]["state"].keys() == {"running"}


async def test_a_pod_on_the_host_network_has_its_nodes_address(cluster: Cluster) -> None:
    """HostNetwork shares the node's address."""
    found = await _made(cluster, pod(hostNetwork=True, affinity=on("node-1")))
    assert found["status"]["podIP"] == found["status"]["hostIP"] == "192.168.0.11"


async def test_a_named_node_is_taken_although_it_is_cordoned(cluster: Cluster) -> None:
    """NodeName passes the scheduler by."""
    cluster.cordon("node-3")
    assert (await _made(cluster, pod(nodeName="node-3")))["status"]["phase"] == "Running"


async def test_a_cordon_keeps_pods_off_until_it_is_lifted(cluster: Cluster) -> None:
    """The scheduler says why on the Pod and in an Event, and tries again when the node changes."""
    cluster.cordon("node-1")
    waiting = await _made(cluster, pod(affinity=on("node-1")))
    assert _unschedulable(waiting) == (
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node "
        "affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    assert [event["reason"] for event in cluster.objects.list("events")] == ["FailedScheduling"]
    cluster.cordon("node-1", unschedulable=False)
    await cluster.settled()
    assert (cluster.objects.get("pods", "shop", "a") or {})["status"]["phase"] == "Running"


async def test_a_toleration_of_everything_ignores_cordons_and_taints(cluster: Cluster) -> None:
    """An operator Exists without a key tolerates every NoSchedule taint, a cordon's too."""
    cluster.objects.merge("nodes", None, "node-1", {"spec": {"unschedulable": True}}, manager="kubectl")
    taints = [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]
    cluster.objects.merge("nodes", None, "node-1", {"spec": {"taints": taints}}, manager="kubectl")
    tolerations = [{"operator": "Exists", "effect": "NoSchedule"}]
    found = await _made(cluster, pod(affinity=on("node-1"), tolerations=tolerations))
    assert found["spec"]["nodeName"] == "node-1"
    refused = await _made(cluster, pod("b", affinity=on("node-1")))
    assert "1 node(s) were unschedulable" in _unschedulable(refused)


async def test_an_untolerated_taint_is_named(cluster: Cluster) -> None:
    """A taint with a value is tolerated by that value only."""
    cluster.add_node(
        "node-4", address="192.168.0.14", taints=[{"key": "gpu", "value": "a", "effect": "NoSchedule"}]
    )
    refused = await _made(cluster, pod(affinity=on("node-4")))
    assert "1 node(s) had untolerated taint {gpu: a}" in _unschedulable(refused)
    wrong = [{"key": "gpu", "operator": "Equal", "value": "b", "effect": "NoSchedule"}]
    _unschedulable(await _made(cluster, pod("b", affinity=on("node-4"), tolerations=wrong)))
    right = [{"key": "gpu", "value": "a"}]
    assert (await _made(cluster, pod("c", affinity=on("node-4"), tolerations=right)))["spec"][
        "nodeName"
    ] == "node-4"


async def test_a_missing_node_leaves_a_pod_pending(cluster: Cluster) -> None:
    """Affinity to a node that is gone matches none; a named node that is gone starts nothing until it comes."""
    assert "3 node(s) didn't match" in _unschedulable(await _made(cluster, pod(affinity=on("gone"))))
    named = await _made(cluster, pod("b", nodeName="late"))
    assert named["status"]["phase"] == "Pending"
    cluster.add_node("late", address="192.168.0.99")
    await cluster.settled()
    assert (cluster.objects.get("pods", "shop", "b") or {})["status"]["phase"] == "Running"


async def test_an_image_that_is_not_there_is_waited_for(cluster: Cluster) -> None:
    """A failing pull leaves the container waiting, with the reason that kubectl shows."""
    cluster.kubelets.knobs.missing_images.add("registry.example/app:1")
    found = await _made(cluster, pod())
    assert found["status"]["phase"] == "Pending"
    waiting = found["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "ImagePullBackOff"


async def test_quotas_and_pod_security_refuse_pods(cluster: Cluster) -> None:
    """Refused Pods answer 403 with the admission plugin's sentence."""
    cluster.pod_admission.quotas["shop"] = 0
    with pytest.raises(ApiError, match='pods "a" is forbidden: exceeded quota: compute') as quota:
        cluster.objects.create("pods", pod(), manager="test")
    assert quota.value.code == 403
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.add_namespace("locked", labels=enforce)
    body = pod(hostNetwork=True) | {"metadata": {"name": "a", "namespace": "locked"}}
    with pytest.raises(ApiError) as security:
        cluster.objects.create("pods", body, manager="test")
    message = str(security.value)
    assert 'violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true)' in message
    assert "runAsNonRoot != true" in message


async def test_a_deployment_spreads_its_pods(cluster: Cluster) -> None:
    """Replicas land on different nodes, under names of ReplicaSet and Pod as usual."""
    cluster.objects.create("deployments", deployment(3), manager="test")
    await cluster.settled()
    pods = cluster.objects.list("pods", "shop")
    assert {each["spec"]["nodeName"] for each in pods} == {"node-1", "node-2", "node-3"}
    (replica_set,) = cluster.objects.list("replicasets", "shop")
    assert all(each["metadata"]["name"].startswith(replica_set["metadata"]["name"] + "-") for each in pods)
    assert replica_set["metadata"]["name"].startswith("web-")
    status = (cluster.objects.get("deployments", "shop", "web") or {})["status"]
    assert (status["readyReplicas"], status["observedGeneration"]) == (3, 1)


async def test_a_deployment_follows_its_replicas_and_its_template(cluster: Cluster) -> None:
    """Scaling keeps Pods, a restart replaces all of them, a lost Pod is replaced."""
    cluster.objects.create("deployments", deployment(1), manager="test")
    await cluster.settled()
    cluster.deployments.scale("shop", "web", 3)
    await cluster.settled()
    names = {each["metadata"]["name"] for each in cluster.objects.list("pods", "shop")}
    assert len(names) == 3
    cluster.deployments.restart("shop", "web")
    await cluster.settled()
    after = {each["metadata"]["name"] for each in cluster.objects.list("pods", "shop")}
    assert (len(after), after & names) == (3, set())
    lost, evicted, _ = sorted(after)
    cluster.objects.delete("pods", "shop", lost)
    cluster.kubelets.evict("shop", evicted)
    await cluster.settled()
    active = [each for each in cluster.objects.list("pods", "shop") if each["status"]["phase"] == "Running"]
    assert len(active) == 3


async def test_slices_show_ready_pods_with_node_and_name(cluster: Cluster) -> None:
    """A slice carries the Service's name, a named target port's number, and each Pod's readiness."""
    cluster.objects.create("services", service(), manager="test")
    cluster.objects.create("deployments", deployment(2), manager="test")
    await cluster.settled()
    (found,) = cluster.objects.list("endpointslices", "shop")
    assert found["metadata"]["labels"] == {
        "team": "a",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert found["ports"] == [{"name": "http", "protocol": "TCP", "port": 8080}]
    first = found["endpoints"][0]
    assert first["conditions"] == {"ready": True, "serving": True, "terminating": False}
    assert first["nodeName"] == "node-1" or first["nodeName"].startswith("node-")
    cluster.kubelets.set_ready("shop", first["targetRef"]["name"], ready=False)
    await cluster.settled()
    (found,) = cluster.objects.list("endpointslices", "shop")
    ready = {each["targetRef"]["name"]: each["conditions"]["ready"] for each in found["endpoints"]}
    assert ready[first["targetRef"]["name"]] is False
    assert sorted(ready.values()) == [False, True]


async def test_a_service_of_unready_pods_may_publish_them(cluster: Cluster) -> None:
    """PublishNotReadyAddresses makes them ready in the slice, and still not serving."""
    cluster.objects.create("services", service(publishNotReadyAddresses=True), manager="test")
    cluster.objects.create("deployments", deployment(1), manager="test")
    await cluster.settled()
    cluster.kubelets.set_ready(
        "shop", cluster.objects.list("pods", "shop")[0]["metadata"]["name"], ready=False
    )
    await cluster.settled()
    (endpoint,) = cluster.objects.list("endpointslices", "shop")[0]["endpoints"]
    assert endpoint["conditions"] == {"ready": True, "serving": False, "terminating": False}


async def test_more_than_a_hundred_endpoints_need_a_second_slice(cluster: Cluster) -> None:
    """Slices hold a hundred endpoints, and go when they are no longer needed."""
    cluster.objects.create("services", service(), manager="test")
    cluster.objects.create("deployments", deployment(101), manager="test")
    await cluster.settled()
    sizes = sorted(len(each["endpoints"]) for each in cluster.objects.list("endpointslices", "shop"))
    assert sizes == [1, 100]
    cluster.deployments.scale("shop", "web", 2)
    await cluster.settled()
    assert [len(each["endpoints"]) for each in cluster.objects.list("endpointslices", "shop")] == [2]


async def test_what_was_owned_goes_with_its_owner(cluster: Cluster) -> None:
    """Slices go with their Service; ReplicaSets and Pods with their Deployment."""
    cluster.objects.create("services", service(), manager="test")
    cluster.objects.create("deployments", deployment(2), manager="test")
    await cluster.settled()
    cluster.objects.delete("services", "shop", "web")
    cluster.objects.delete("deployments", "shop", "web")
    await cluster.settled()
    left = [cluster.objects.list(each, "shop") for each in ("endpointslices", "replicasets", "pods")]
    assert left == [[], [], []]


async def test_the_same_seed_builds_the_same_cluster() -> None:
    """Names, addresses and ports are the same in every run."""

    async def built() -> list[tuple[str, str, str]]:
        cluster = Cluster(ApiServer(seed=7))
        await cluster.start()
        cluster.add_namespace("shop")
        cluster.add_node("node-1", address="192.168.0.11", pod_cidr="10.0.1.0/24")
        cluster.objects.create("deployments", deployment(2), manager="test")
        cluster.objects.create("services", service(type="LoadBalancer"), manager="test")
        await cluster.settled()
        await cluster.stop()
        pods = [(each["metadata"]["name"], each["status"]["podIP"]) for each in cluster.objects.list("pods")]
        (made,) = cluster.objects.list("services")
        return [(name, ip, made["spec"]["clusterIP"]) for name, ip in pods]

    assert await built() == await built()


async def test_a_range_without_addresses_keeps_pods_pending(cluster: Cluster) -> None:
    """Addresses run out, and come back with a deleted Pod."""
    cluster.add_node("tiny", address="192.168.0.20", pod_cidr="10.0.9.0/30")
    running = await _made(cluster, pod("a", affinity=on("tiny")))
    assert running["status"]["podIP"] == "10.0.9.2"
    waiting = await _made(cluster, pod("b", affinity=on("tiny")))
    assert (waiting["status"]["phase"], waiting["spec"]["nodeName"]) == ("Pending", "tiny")
    assert [event["reason"] for event in cluster.objects.list("events")] == ["FailedCreatePodSandBox"]
    cluster.objects.delete("pods", "shop", "a")
    cluster.objects.merge("nodes", None, "tiny", {"metadata": {"labels": {"x": "1"}}}, manager="test")
    await cluster.settled()
    assert (cluster.objects.get("pods", "shop", "b") or {})["status"]["podIP"] == "10.0.9.2"


async def test_one_pods_defect_does_not_stop_the_others(cluster: Cluster) -> None:
    """A controller's own mistake about one object reaches the loop's handler, and the rest goes on."""
    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: seen.append(context))
    broken = pod("a", affinity={"nodeAffinity": []})
    cluster.objects.create("pods", broken, manager="test")
    assert (await _made(cluster, pod("b")))["status"]["phase"] == "Running"
    assert [type(each["exception"]) for each in seen] == [AttributeError]
