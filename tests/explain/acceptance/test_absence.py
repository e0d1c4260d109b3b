"""What the input does not hold: manifests from Git, kinds that are missing, facts that objects tell instead."""

import pytest

from .asking import explain, only
from .situation import usual
from .world import (
    CIDR,
    CLASS,
    ELB,
    ELB_ID,
    PASS,
    WEB_A,
    Document,
    cce,
    cluster,
    facts,
    plain,
    service,
    slice_of,
)

IPT, IPVS = plain("iptables", "1.31.0"), plain("ipvs", "1.31.0")
DEDICATED = {CLASS: "performance", ELB: ELB_ID}


# --- hypothetical mode -------------------------------------------------------------------------------------


def workload(kind: str, replicas: int | None) -> Document:
    """What lies in Git beside the Service."""
    spec: Document = {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        },
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "default"},
        "spec": spec,
    }


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_manifests_from_git_are_explained_for_assumed_facts(kind: str) -> None:
    """Contract: assumed address and endpoints, on the client's node and elsewhere, origin `assumed`."""
    replicas = None if kind == "DaemonSet" else 2
    documents = [
        cce("iptables", "1.29.2-r5"),
        service(ingress=None, annotations=DEDICATED),
        workload(kind, replicas),
    ]
    answer = explain(documents)
    assert answer.status == 0
    assumed = {f["name"] for e in answer.explanations for f in e["facts"] if f["origin"] == "assumed"}
    assert len(assumed) >= 2
    kinds = {path["client"]["kind"] for path in answer.paths}
    assert kinds == {"external", "pod", "node"}
    assert {path["verdict"] for path in answer.paths} == {"reachable"}
    assert "no-address-yet" in answer.codes


def test_one_replica_behind_a_dedicated_load_balancer_locks_its_node_out() -> None:
    """Hypothetical mode sees the same-node limit: on the client's node and elsewhere."""
    annotations = {**DEDICATED, PASS: "true"}
    documents = [
        cce("ipvs", "1.29.2-r5"),
        service(ingress=None, policy="Local", annotations=annotations),
        workload("Deployment", 1),
    ]
    answer = explain(documents)
    verdicts = {path["client"]["class"]: path["verdict"] for path in answer.paths}
    assert (
        verdicts["pod-with-backend"] == verdicts["node-with-backend"] == verdicts["backend"] == "unreachable"
    )
    assert (
        verdicts["pod-without-backend"]
        == verdicts["node-without-backend"]
        == verdicts["external"]
        == "reachable"
    )
    assert answer.severity("same-node-lockout") == "error"


def test_no_replicas_are_no_endpoints() -> None:
    """A workload of no replicas assumes none."""
    answer = explain([IPT, service(ingress=None), workload("Deployment", 0)])
    assert {path["verdict"] for path in answer.paths} == {"unreachable"}


def test_a_service_without_an_address_in_a_whole_cluster_is_hypothetical_in_its_address_alone() -> None:
    """Endpoints are known, the address is assumed."""
    answer = explain(usual(IPT, ingress=None), "--from", "pod:default/client-c")
    (one,) = answer.explanations
    assert {f["name"] for f in one["facts"] if f["origin"] == "assumed"} == {"loadBalancer.addresses"}
    assert answer.path["endpoints"] == ["default/web-a", "default/web-b"]


# --- absence -----------------------------------------------------------------------------------------------


def without(kind: str, documents: tuple[Document, ...]) -> list[Document]:
    """The input without objects of this kind."""
    return [d for d in documents if d["kind"] != kind]


def test_no_slice_of_this_service_in_a_complete_input_is_no_endpoint() -> None:
    """Contract: “if it holds any, the input is complete for it”."""
    documents = [IPT, service(), slice_of("other", [WEB_A]), *cluster()]
    path = explain(documents, "--from", "pod:default/client-c").path
    assert path["verdict"] == "unreachable"
    assert {trace["end"] for trace in path["traces"]} <= {"no-backend", "reject"}


def test_without_nodes_and_pods_the_classes_are_still_told() -> None:
    """Kinds that the input does not hold are unknown, not empty."""
    documents = [IPVS, service(policy="Local"), slice_of("web", [WEB_A])]
    answer = explain(documents)
    kinds = {(path["client"]["kind"], path["client"]["class"]) for path in answer.paths}
    assert ("pod", "pod-with-backend") in kinds
    assert ("node", "node-without-backend") in kinds
    host = only(answer.paths, **{"class": "node-without-backend"})
    assert (host["verdict"], host["viaLoadBalancer"]) == ("unreachable", False)


@pytest.mark.parametrize("kind", ["Pod", "Node"])
def test_a_kind_that_is_missing_never_moves_a_verdict_but_to_undetermined(kind: str) -> None:
    """Outside and hosts, asked with and without these objects."""
    documents = usual(IPVS, policy="Local")
    options = ("--from", "external")
    before = explain(documents, *options).path["verdict"]
    after = explain(without(kind, documents), *options).path["verdict"]
    assert after in {before, "undetermined"}


def test_the_nodes_versions_count_where_none_is_given() -> None:
    """Contract: “kubernetesVersion left out: each Node's kubelet version”."""
    for version, verdict in (
        ("v1.23.4", "unreachable"),
        ("v1.24.1", "reachable"),
        ("v1.25.5-r20-25.1.31.1", "reachable"),
    ):
        documents = [
            plain("ipvs", None),
            service(policy="Local"),
            slice_of("web", [WEB_A]),
            *cluster(version),
        ]
        assert explain(documents, "--from", "pod:default/client-c").path["verdict"] == verdict


def test_facts_win_over_objects() -> None:
    """Contract: “ClusterFacts wins over objects”."""
    documents = [
        plain("ipvs", "1.24.0"),
        service(policy="Local"),
        slice_of("web", [WEB_A]),
        *cluster("v1.23.4"),
    ]
    assert explain(documents, "--from", "pod:default/client-c").path["verdict"] == "reachable"


def test_each_nodes_own_version_counts() -> None:
    """During an upgrade the client's node decides."""
    nodes = cluster("v1.24.1")
    old = next(d for d in nodes if d["metadata"]["name"] == "node-c" and d["kind"] == "Node")
    old["status"]["nodeInfo"]["kubeletVersion"] = "v1.23.9"
    documents = [plain("ipvs", None), service(policy="Local"), slice_of("web", [WEB_A]), *nodes]
    answer = explain(documents, "--from", "pod:default/client-c")
    assert answer.path["verdict"] == "unreachable"
    assert "mixed-versions" in answer.codes


def test_a_cluster_cidr_implies_a_detector() -> None:
    """Contract: “A clusterCIDR implies localDetector: true unless false is given”."""
    told = plain("iptables", "1.31.0", kubeProxy={"localDetector": None, "clusterCIDR": CIDR})
    assert (
        explain(usual(told, policy="Local"), "--from", "pod:default/client-c").path["verdict"] == "reachable"
    )
    none = plain("iptables", "1.31.0", kubeProxy={"localDetector": None, "clusterCIDR": None})
    path = explain(usual(none, policy="Local"), "--from", "pod:default/client-c").path
    assert (path["verdict"], path["missing"]) == ("undetermined", ["kubeProxy.localDetector"])


def test_the_platform_is_seen_from_annotations_and_version() -> None:
    """Contract: cce if elb.class, elb.id or a CCE version or label is seen, else unknown."""
    seen = {
        "class": ({"kubernetesVersion": "v1.29.2"}, {CLASS: "union"}, "on"),
        "id": ({"kubernetesVersion": "v1.29.2"}, {ELB: ELB_ID}, "on"),
        "version": ({"kubernetesVersion": "v1.29.2-r5"}, {}, "on"),
        "nothing": ({"kubernetesVersion": "v1.29.2"}, {}, "unknown"),
    }
    for name, (given, annotations, state) in seen.items():
        answer = explain(usual(facts(**given), annotations={**annotations, PASS: "true"}))
        assert answer.explanations[0]["passThrough"]["state"] == state, name


def test_a_cce_label_of_a_node_is_seen() -> None:
    """cce.cloud.com/cce-nodepool is CCE's label."""
    nodes = cluster("v1.29.2")
    nodes[0]["metadata"]["labels"] = {"cce.cloud.com/cce-nodepool": "pool"}
    documents = [
        facts(kubeProxy={"mode": "ipvs"}),
        service(annotations={PASS: "true"}),
        slice_of("web", [WEB_A]),
        *nodes,
    ]
    assert explain(documents).explanations[0]["passThrough"]["state"] == "on"


def test_that_no_node_is_kept_out_of_load_balancers_is_an_assumption_without_nodes() -> None:
    """KEP-1143: the label is the nodes' own; with Node objects it is known."""
    told = plain("iptables", "1.31.0")
    (trace,) = explain((told, service(), slice_of("web", [WEB_A])), "--from", "external").path["traces"]
    assert any("kept out of load balancers" in each for each in trace["assuming"])
    for trace in explain(usual(told), "--from", "external").path["traces"]:
        assert trace["assuming"] == []
