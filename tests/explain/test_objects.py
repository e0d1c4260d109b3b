"""Kubernetes JSON into the domain's values."""

from typing import Any

import pytest

from bot.adapters.objects import (
    ShapeError,
    endpoint_slice,
    ingress,
    network_policy,
    node,
    pod,
    service,
    workload,
)
from bot.domain.objects import Ref, Requirement, TrafficPolicy
from tests.explain import manifests


def test_a_service_keeps_what_a_path_reads() -> None:
    """Ports, policies, ranges, addresses, and who manages which annotation."""
    body = manifests.service(
        annotations={"a": "b"},
        externalTrafficPolicy="Local",
        loadBalancerSourceRanges=[" 10.0.0.7/8"],
        sessionAffinity="ClientIP",
    )
    body["metadata"]["managedFields"] = [
        {"manager": "argocd-controller", "fieldsV1": {"f:metadata": {"f:annotations": {"f:a": {}, ".": {}}}}},
        {"manager": "kubectl", "fieldsV1": {"f:spec": {}}},
        "nonsense",
    ]
    read = service(body)
    assert read.ref == Ref("default", "nginx")
    assert read.external_policy is TrafficPolicy.LOCAL
    assert read.source_ranges == ("10.0.0.0/8",)
    assert read.ports[0].node_port == 31080
    assert read.ingress[0].ip == "192.168.0.133"
    assert read.managers == (("argocd-controller", ("a",)), ("kubectl", ()))


def test_null_counts_as_absent_everywhere() -> None:
    """As in Kubernetes itself."""
    body = {
        "metadata": {"name": "x", "annotations": None},
        "spec": {"ports": None, "type": None},
        "status": None,
    }
    assert service(body).type == "ClusterIP"


def test_endpoint_conditions_have_kubernetes_defaults() -> None:
    """Absent ready is ready, absent serving is serving, absent terminating is not."""
    body = manifests.endpoint_slice("web", {"web-a": (1, "10.0.0.1")})
    body["endpoints"][0]["conditions"] = {}
    (endpoint,) = endpoint_slice(body).endpoints
    assert (endpoint.ready, endpoint.serving, endpoint.terminating) == (True, True, False)


def test_an_endpoint_s_node_may_be_in_its_former_place() -> None:
    """discovery.k8s.io/v1beta1 knew it as a topology label."""
    body = manifests.endpoint_slice("web", {"web-a": (1, "10.0.0.1")})
    del body["endpoints"][0]["nodeName"]
    body["endpoints"][0]["topology"] = {"kubernetes.io/hostname": "node-7"}
    assert endpoint_slice(body).endpoints[0].node == "node-7"
    body["endpoints"][0]["topology"] = {"kubernetes.io/hostname": 7}
    with pytest.raises(ShapeError, match=r"endpoints\[0\]\.topology"):
        endpoint_slice(body)


def test_hints_targets_and_owners_of_a_slice_are_read() -> None:
    """Zones, nodes, and which Service it belongs to."""
    body = manifests.endpoint_slice("web", {"web-a": (1, "10.0.0.1")})
    body["endpoints"][0]["hints"] = {"forZones": [{"name": "z1"}], "forNodes": [{"name": "node-1"}]}
    read = endpoint_slice(body)
    assert read.service == Ref("default", "web")
    (endpoint,) = read.endpoints
    assert (endpoint.zone_hints, endpoint.node_hints, endpoint.name) == (
        ("z1",),
        ("node-1",),
        "default/web-a",
    )
    body["endpoints"][0]["targetRef"] = {"kind": "VirtualMachine", "name": "vm"}
    del body["metadata"]["labels"]
    assert endpoint_slice(body).endpoints[0].name == "10.0.0.1"
    assert endpoint_slice(body).service is None


@pytest.mark.parametrize("endpoint", [{}, {"addresses": []}, {"addresses": None}])
def test_an_endpoint_has_an_address(endpoint: dict[str, Any]) -> None:
    """To pass it over would make a Service without endpoints of one whose endpoints were not understood."""
    body = manifests.endpoint_slice("web", {"web-a": (1, "10.0.0.1")})
    body["endpoints"].append(endpoint)
    with pytest.raises(ShapeError, match=r"endpoints\[1\]\.addresses is missing"):
        endpoint_slice(body)


def test_a_node_s_label_keeps_it_out_of_load_balancers() -> None:
    """Whatever its value."""
    body = manifests.node(1)
    body["metadata"]["labels"] = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
    body["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    read = node(body)
    assert (read.excluded, read.ready, read.cce) == (True, False, False)


def test_pods_and_workloads_keep_what_makes_them_clients_and_backends() -> None:
    """Addresses, network, named ports, replicas."""
    body = manifests.pod("web-a", 1, "10.0.0.1", app="web")
    body["spec"]["containers"] = [{"ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 9}]}]
    body["status"]["podIPs"] = [{"ip": "10.0.0.1"}, {"ip": "FD00::0001"}]
    read = pod(body)
    assert (read.ips, read.ports) == (("10.0.0.1", "fd00::1"), (("http", 8080),))
    spec = {"template": {"metadata": {"labels": {"app": "web"}}}}
    assert workload(manifests.obj("Deployment", "web", "apps/v1", spec=spec)).replicas == 1
    assert workload(manifests.obj("DaemonSet", "web", "apps/v1", spec=spec)).replicas is None


def test_a_network_policy_concerns_the_directions_that_its_types_name() -> None:
    """Without policyTypes: ingress, and egress where it has rules for it (NetworkPolicySpec)."""

    def directions(**spec: Any) -> tuple[bool, bool]:
        read = network_policy(manifests.obj("NetworkPolicy", "np", spec={"podSelector": {}, **spec}))
        return read.inward, read.outward

    assert directions(policyTypes=["Egress"]) == (False, True)
    assert directions(policyTypes=["Ingress"], egress=[{}]) == (True, False)
    assert directions() == (True, False)
    assert directions(egress=[{}]) == (True, True)


def test_a_network_policy_s_rules_are_read_in_full() -> None:
    """Peers, blocks with exceptions, ports and ranges of ports."""
    rule = {
        "from": [
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
            {"podSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}},
            {"namespaceSelector": {}},
        ],
        "ports": [{"port": "http"}, {"protocol": "UDP", "port": 53, "endPort": 60}],
    }
    read = network_policy(manifests.obj("NetworkPolicy", "np", spec={"podSelector": {}, "ingress": [rule]}))
    assert read is not None
    block, by_label, by_namespace = read.ingress[0].peers
    assert (block.cidr, block.excepted) == ("10.0.0.0/8", ("10.1.0.0/16",))
    assert by_label.pods is not None
    assert by_label.pods.requirements == (Requirement(key="a", operator="In", values=("b",)),)
    assert by_namespace.namespaces is not None
    assert [(port, last) for _, port, last in read.ingress[0].ports] == [("http", 0), ("53", 60)]


def test_an_ingress_names_addresses_and_services_in_both_spellings() -> None:
    """networking.k8s.io/v1 and the former v1beta1."""
    spec = {
        "defaultBackend": {"service": {"name": "main"}},
        "rules": [{"http": {"paths": [{"backend": {"serviceName": "old"}}]}}],
    }
    status = {"loadBalancer": {"ingress": [{"ip": "10.9.0.1", "hostname": "lb.example"}]}}
    read = ingress(manifests.obj("Ingress", "in", spec=spec, status=status))
    assert (read.services, read.addresses) == (("main", "old"), ("10.9.0.1", "lb.example"))


def test_a_pod_with_both_marks_of_ours_is_a_probe_and_with_one_of_them_is_not() -> None:
    """Anybody may use the recommended label managed-by; the annotation says that it is one of ours."""
    labels, annotations = (
        {"app.kubernetes.io/managed-by": "elb-passthrough"},
        {"elb-passthrough.bot/run": "r1"},
    )
    metadata = {"name": "p", "namespace": "probes"}
    both = pod({"metadata": {**metadata, "labels": labels, "annotations": annotations}})
    label = pod({"metadata": {**metadata, "labels": labels}})
    annotation = pod({"metadata": {**metadata, "annotations": annotations}})
    assert [each.probe for each in (both, label, annotation)] == [True, False, False]
