"""Options of the question, classes of clients, forms of the answer: the contract, sentence by sentence."""

import json
from collections import Counter
from pathlib import Path

import pytest

from .asking import Answer, contradictions, explain, run
from .situation import usual
from .world import (
    CLASS,
    EIP,
    ELB,
    ELB_ID,
    PASS,
    READY,
    SIX_VIP,
    VIP,
    WEB_A,
    WEB_B,
    Document,
    cce,
    cluster,
    endpoint,
    plain,
    pod,
    service,
    slice_of,
)

IPT, IPVS = plain("iptables", "1.31.0"), plain("ipvs", "1.31.0")
DEDICATED = {CLASS: "performance", ELB: ELB_ID}


# --- wrong questions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        "--from pod:default/none",
        "--from pod:default",
        "--from pod:",
        "--from node:none",
        "--from node:",
        "--from somebody",
        "--from external:somewhere",
        "--from external:300.1.1.1",
        "--service default/none",
        "--service a/b/c",
        "--to 10.247.3.14:80",
        "--to 192.168.1.11:31080",
        "--to 192.168.99.11:80",
        "--to 1.1.1.1:80",
        "--to [::1]:80",
        "--to ::1:80",
        f"--to {VIP}",
        f"--to {VIP}:0",
        f"--to {VIP}:65536",
        f"--to {VIP}:http",
        "--to nowhere.example:80",
        "--arrives-at none",
        "--drain none",
        "--set nothing=1",
        "--set externalTrafficPolicy",
        "--set externalTrafficPolicy=Sometimes",
        "--set kubeProxy.mode=fast",
        "--set kubernetesVersion=latest",
        "--output yaml",
        "--fail-on info",
    ],
)
def test_a_wrong_question_is_refused_in_one_sentence(options: str) -> None:
    """Exit 2; contract: an unknown Pod or Node, an address that nobody owns, a cluster, node or external IP."""
    answer = explain(usual(IPT, externalIPs=["192.168.99.11"]), *options.split())
    assert answer.status == 2
    assert answer.out == ""
    assert "Traceback" not in answer.err
    assert len(answer.err.strip().splitlines()[-1]) < 400


def test_a_service_of_another_type_is_refused() -> None:
    """Contract: “`--service` absent or of another type: exit 2”."""
    other = service("inner", type="ClusterIP", ingress=None)
    answer = explain(usual(IPT, other), "--service", "default/inner")
    assert (answer.status, answer.out) == (2, "")
    assert "ClusterIP" in answer.err


def test_no_load_balancer_service_at_all_is_an_answer() -> None:
    """Contract: “explanations: [], a sentence on standard error, exit 0”."""
    answer = explain([IPT, *cluster()])
    assert (answer.status, answer.explanations) == (0, [])
    assert len(answer.err.strip().splitlines()) == 1


# --- addresses ---------------------------------------------------------------------------------------------


def test_every_address_and_port_is_answered() -> None:
    """Without --to: EIP first, private second (cce_10_0924), and every port."""
    ports = [
        {"name": "a", "port": 80, "nodePort": 31080, "targetPort": 8080, "protocol": "TCP"},
        {"name": "b", "port": 443, "nodePort": 31443, "targetPort": 8443, "protocol": "TCP"},
    ]
    both = [{"ip": EIP}, {"ip": VIP}]
    answer = explain(usual(IPT, ports=ports, ingress=both), "--from", "external")
    found = {
        (p["destination"]["ip"], p["destination"]["port"]): p["destination"]["scope"] for p in answer.paths
    }
    assert found == {(EIP, 80): "public", (EIP, 443): "public", (VIP, 80): "private", (VIP, 443): "private"}


@pytest.mark.parametrize(
    ("address", "scope"),
    [
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("172.32.0.1", "public"),
        ("192.168.0.1", "private"),
        ("100.64.0.1", "private"),
        ("100.125.3.4", "private"),
        ("100.128.0.1", "public"),
        ("169.254.1.1", "private"),
        ("fd00:100::85", "private"),
        ("fe80::1", "private"),
        ("2001:db8::1", "public"),
        ("80.158.1.2", "public"),
    ],
)
def test_the_scope_of_an_address_follows_its_range(address: str, scope: str) -> None:
    """Contract: RFC 1918, 4193, 6598 and link-local are private."""
    (path,) = explain(usual(IPT, ingress=[{"ip": address}]), "--from", "external").paths
    assert path["destination"]["scope"] == scope


def test_an_address_that_is_said_to_be_public_is_public() -> None:
    """Contract: “publicIPs wins”."""
    told = plain("iptables", "1.31.0", loadBalancer={"publicIPs": [VIP]})
    assert explain(usual(told), "--from", "external").path["destination"]["scope"] == "public"


def test_an_ipv6_address_is_asked_in_brackets() -> None:
    """Contract: “IPv6 as [::1]:80”."""
    six = slice_of("web", [endpoint("fd00:10::a", "node-a", "web-a")], family="IPv6")
    documents = [IPT, service(ingress=[{"ip": SIX_VIP}]), six, *cluster()]
    path = explain(documents, "--to", f"[{SIX_VIP}]:80", "--from", "node:node-c").path
    assert (path["verdict"], path["endpoints"]) == ("reachable", ["default/web-a"])


def test_a_host_name_is_matched() -> None:
    """Contract: “A host name is matched, never resolved”."""
    answer = explain(
        usual(IPT, ingress=[{"hostname": "web.example.com"}]),
        "--to",
        "web.example.com:80",
        "--from",
        "external",
    )
    assert answer.path["verdict"] == "reachable"


# --- classes -----------------------------------------------------------------------------------------------


def counted(answer: Answer) -> dict[str, int]:
    """Clients by kind."""
    found: Counter[str] = Counter()
    for path in answer.paths:
        found[path["client"]["kind"]] += path["client"]["standsFor"]
    return dict(found)


@pytest.mark.parametrize("policy", ["Cluster", "Local"])
@pytest.mark.parametrize("told", [IPT, IPVS, plain("nftables", "1.31.0"), cce("ipvs", "1.31.0-r0")])
@pytest.mark.parametrize("endpoints", [[], [WEB_A], [WEB_A, WEB_B]])
def test_the_classes_add_up_to_the_cluster(told: Document, policy: str, endpoints: list[Document]) -> None:
    """Contract: one representative each, and counts add up to the cluster's Pods and Nodes."""
    answer = explain(usual(told, endpoints=endpoints, policy=policy))
    assert counted(answer) == {"external": 1, "pod": 8, "node": 3}


def test_the_classes_add_up_whatever_the_versions_and_zones() -> None:
    """Nodes that kube-proxy rules tell apart are classes of their own, and nobody is counted twice."""
    nodes = [d for d in cluster() if d["kind"] == "Node"]
    for index, one in enumerate(nodes):
        one["metadata"]["labels"] = {"topology.kubernetes.io/zone": f"z{index}"}
        one["status"]["nodeInfo"] = {"kubeletVersion": f"v1.2{3 + index}.0"}
    documents = [plain("ipvs", None), service(policy="Local"), slice_of("web", [WEB_A]), *nodes]
    documents += [d for d in cluster() if d["kind"] != "Node"]
    documents += [pod(f"extra-{n}", f"node-{'abc'[n % 3]}", f"10.0.9.{n}") for n in range(30)]
    answer = explain(documents)
    assert counted(answer) == {"external": 1, "pod": 38, "node": 3}
    assert [law for path in answer.paths for law in contradictions(path)] == []


def test_a_class_and_its_representative_get_the_same_answer() -> None:
    """What is said of a class holds for its client asked by name."""
    documents = usual(IPVS, policy="Local")
    for path in explain(documents).paths:
        client = path["client"]
        if client["kind"] == "external":
            continue
        name = (
            f"node:{client['name']}"
            if client["kind"] == "node"
            else f"pod:{client['namespace']}/{client['name']}"
        )
        alone = explain(documents, "--from", name).path
        for field in ("verdict", "viaLoadBalancer", "endpoints", "sourceIP", "missing"):
            assert alone[field] == path[field], (name, field)


def test_a_host_network_pod_is_its_nodes_process_and_stays_a_pod() -> None:
    """Contract: “kind stays pod”."""
    documents = usual(IPVS, policy="Local")
    agent = explain(documents, "--from", "pod:default/agent-c").path
    host = explain(documents, "--from", "node:node-c").path
    assert agent["client"]["kind"] == "pod"
    for field in ("verdict", "viaLoadBalancer", "endpoints", "sourceIP"):
        assert agent[field] == host[field]


# --- what would be -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "options", "client", "verdict", "via"),
    [
        (IPVS, ["--set", "externalTrafficPolicy=Cluster"], "node:node-c", "reachable", False),
        (IPVS, [], "node:node-c", "unreachable", False),
        (IPVS, ["--set", "kubeProxy.mode=iptables"], "node:node-c", "reachable", False),
        (IPVS, ["--set", "kubernetesVersion=v1.23.1"], "pod:default/client-c", "unreachable", False),
        (IPT, ["--set", "kubeProxy.localDetector=false"], "pod:default/client-c", "unreachable", False),
        (IPT, ["--set", "kubeProxy.clusterCIDR=172.20.0.0/16"], "pod:default/client-c", "unreachable", False),
        (IPT, ["--set", "kubeProxy.clusterCIDR=172.20.0.0/16"], "pod:default/stray-c", "reachable", False),
        (IPT, ["--drain", "node-a", "--drain", "node-b"], "pod:default/client-c", "unreachable", False),
        (IPVS, ["--drain", "node-a"], "pod:default/client-c", "reachable", False),
    ],
)
def test_a_what_if_is_answered_as_if_it_were_so(
    told: Document, options: list[str], client: str, verdict: str, *, via: bool
) -> None:
    """`--set` and `--drain`."""
    path = explain(usual(told, policy="Local"), *options, "--from", client).path
    assert (path["verdict"], path["viaLoadBalancer"]) == (verdict, via)


def test_a_what_if_of_the_annotation_sends_clients_through_the_load_balancer() -> None:
    """`--set` of the annotation is the change that the bot would propose; `KEY-` takes it away."""
    documents = usual(cce("iptables", "1.31.0-r0"), annotations={CLASS: "union"})
    after = explain(documents, "--set", f"{PASS}=true", "--from", "node:node-c")
    assert after.path["viaLoadBalancer"] is True
    assert after.explanations[0]["passThrough"]["state"] == "on"
    assert explain(documents, "--from", "node:node-c").path["viaLoadBalancer"] is False


def test_draining_moves_no_node_away() -> None:
    """The drained node stays a client; its endpoints are gone."""
    path = explain(usual(IPT), "--drain", "node-a", "--from", "node:node-c").path
    assert path["endpoints"] == ["default/web-b"]


# --- exit status and forms ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "policy", "level", "status"),
    [
        (IPT, "Cluster", "error", 0),
        (IPVS, "Local", "error", 1),
        (plain(None, "1.31.0"), "Local", "error", 0),
        (plain(None, "1.31.0"), "Local", "warning", 1),
    ],
)
def test_bad_news_are_an_exit_status_where_asked(
    told: Document, policy: str, level: str, status: int
) -> None:
    """Contract §2: error: unreachable or a finding of that severity; warning: also undetermined, or any warning."""
    agreeing = ("--from", "node:node-c")
    assert explain(usual(told, policy=policy), "--fail-on", level, *agreeing).status == status
    assert explain(usual(told, policy=policy), *agreeing).status == 0


@pytest.mark.parametrize("output", ["text", "json", "mermaid", "svg"])
def test_every_form_is_printed_for_any_name_that_kubernetes_allows(output: str) -> None:
    """Names at their length limits."""
    name = "a" * 63
    documents = [
        IPT,
        service(name),
        slice_of(name, [endpoint("10.0.1.10", "n" * 63 + "." + "n" * 189, "p" * 253)]),
        *cluster(),
    ]
    answer = explain(documents, output=output)
    assert answer.status == 0
    assert name in answer.out or output in {"mermaid", "svg"}


def test_the_documents_may_come_in_several_files(tmp_path: Path) -> None:
    """FILE… may be several; their order does not matter."""
    documents = usual(IPVS, policy="Local")
    files = []
    for index, document in enumerate(documents):
        file = tmp_path / f"{index}.json"
        file.write_text(json.dumps(document))
        files.append(str(file))
    ask = ("-o", "json", "--from", "node:node-c")
    forward, backward = run("explain", *files, *ask), run("explain", *reversed(files), *ask)
    assert forward.path["verdict"] == backward.path["verdict"] == "unreachable"


def test_serving_conditions_are_read_as_the_api_says() -> None:
    """`ready` left out means ready (EndpointConditions)."""
    assert READY["ready"] is True
    path = explain(
        usual(IPT, endpoints=[endpoint("10.0.1.10", "node-a", "web-a", conditions={})]), "--from", "external"
    ).path
    assert path["verdict"] == "reachable"
