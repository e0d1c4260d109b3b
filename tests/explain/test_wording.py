"""What a person reads: a sentence about a class is true of everybody in it, and no two sentences disagree."""

from typing import Any

import pytest

from tests.explain.command import Explain
from tests.explain.manifests import Json, endpoint_slice, facts, listed, node, obj, service

CLASS = "kubernetes.io/elb.class"
PASS = "kubernetes.io/elb.pass-through"
PORTS = "kubernetes.io/elb.protocol-port"
TRANSPARENT = "kubernetes.io/elb.transparent-client-ip"
IPVS: Json = {"mode": "ipvs"}
TWO_BACKENDS = {"nginx-a": (1, "10.0.0.10"), "nginx-b": (2, "10.0.0.11")}


def cce(
    *,
    ready: dict[str, tuple[int, str]] | None = None,
    proxy: Json | None = None,
    version: str = "v1.29.2",
    **spec: Any,
) -> list[Json]:
    """A standard cluster: a shared load balancer, policy Local, two of three nodes with a backend."""
    annotations = {CLASS: "union", **spec.pop("annotations", {})}
    return [
        service(annotations=annotations, **{"externalTrafficPolicy": "Local", **spec}),
        endpoint_slice("nginx", TWO_BACKENDS if ready is None else ready),
        *map(node, (1, 2, 3)),
        facts(
            platform="cce",
            category="standard",
            kubernetesVersion=version,
            kubeProxy=IPVS if proxy is None else proxy,
        ),
    ]


def shown(explain: Explain, objects: list[Json], *options: str) -> str:
    """What is printed, with lines joined again that are broken for width only."""
    return " ".join(explain.run(explain.file(listed(*objects)), *options).out.split())


DEDICATED: Json = {"annotations": {CLASS: "performance", PASS: "true"}}
"""Crossed by clients inside, whose own address it keeps."""


def test_where_several_fail_each_at_its_own_node_no_node_is_named(explain: Explain) -> None:
    """The nodes of the one that represents them are not those of the others."""
    text = shown(explain, cce(**DEDICATED))
    assert "~ fails at their own node (NO: the reply is lost), any other node gets there: pods on" in text
    assert "fails at node" not in text


def test_where_a_class_is_one_node_that_node_is_named(explain: Explain) -> None:
    """A name is more than a relation, where it is true of all."""
    objects = cce(ready={**TWO_BACKENDS, "nginx-c": (3, "10.0.0.12")}, **DEDICATED)
    objects[3]["status"]["nodeInfo"]["kubeletVersion"] = "v1.30.1"
    objects[-1].pop("kubernetesVersion")
    text = shown(explain, objects)
    assert "~ fails at node node-2 (NO: the reply is lost)" in text
    assert "their own node (NO: the reply is lost), any other node gets there: pods on" in text


def test_a_diagram_names_no_node_that_is_only_some_client_s(explain: Explain) -> None:
    """Two nodes would look broken and fine at once; nor are the endpoints of one those of all."""
    chart = explain.run(explain.file(listed(*cce(**DEDICATED))), "-o", "mermaid").out
    rows = [line for line in chart.splitlines() if "pods on nodes with a backend" in line]
    assert len(rows) == 2
    lost, there = rows
    assert '"their own node<br/>' in lost
    assert "the reply is lost" in lost
    assert '"another node<br/>' in there
    assert "nginx-" not in there
    assert "node node-" not in lost + there


def test_who_is_past_the_load_balancer_is_not_seen_as_the_load_balancer(explain: Explain) -> None:
    """A node's process speaks from its address, which is bound to kube-ipvs0; that is not the load balancer."""
    text = explain.run(explain.file(listed(*cce()))).out
    (row,) = [line for line in text.splitlines() if line.startswith("  processes on nodes with a backend")]
    assert row.split("  ")[-1].strip() == "the LB's address"
    (outside,) = [line for line in text.splitlines() if line.startswith("  outside the cluster")]
    assert outside.split("  ")[-1].strip() == "the load balancer"


GRANTED = "a shared load balancer speaks to nodes from its own address"
KEPT = "loadBalancer.preservesClientIP"


@pytest.mark.parametrize("policy", ["Local", "Cluster"])
def test_what_is_taken_for_granted_of_a_shared_load_balancer_is_said(explain: Explain, policy: str) -> None:
    """Whose address backends see rests on it; it is neither known nor left out."""
    objects = cce(externalTrafficPolicy=policy)
    text = shown(explain, objects)
    assert f"taken for granted: {GRANTED};" in text
    assert f"{KEPT} = False (assumed: " in text
    paths = explain.json(*objects).paths
    crossing = [trace for path in paths for trace in path["traces"] if trace["viaLoadBalancer"]]
    assert crossing
    assert all(GRANTED in trace["assuming"] for trace in crossing)


@pytest.mark.parametrize(
    ("annotations", "value", "ref"),
    [
        ({CLASS: "performance"}, True, f"metadata.annotations[{CLASS}]"),
        ({TRANSPARENT: "true"}, True, f"metadata.annotations[{TRANSPARENT}]"),
        ({PORTS: "https:80"}, False, f"metadata.annotations[{PORTS}]"),
    ],
)
def test_what_the_annotations_say_of_the_client_s_address_is_known(
    explain: Explain, annotations: dict[str, str], ref: str, *, value: bool
) -> None:
    """It is not called unknown beside a table that rests on it."""
    (explanation,) = explain.json(*cce(annotations=annotations)).explanations
    (fact,) = [each for each in explanation["facts"] if each["name"] == KEPT]
    assert (fact["value"], fact["origin"]) == (value, "api")
    assert ref in fact["ref"]
    assert not any(GRANTED in trace["assuming"] for path in explanation["paths"] for trace in path["traces"])


def test_what_depends_on_the_port_or_the_category_stays_open(explain: Explain) -> None:
    """One fact cannot say it of two ports; and asked for under policy Cluster it depends on the category."""
    objects = cce(annotations={TRANSPARENT: "true"}, externalTrafficPolicy="Cluster")
    assert f"{KEPT} = False (Service" in shown(explain, objects)
    objects[-1].pop("category")
    assert f"{KEPT} = " not in shown(explain, objects)
    two = [{"name": f"p{number}", "port": number, "nodePort": 31000 + number} for number in (80, 443)]
    assert f"{KEPT} = " not in shown(explain, cce(annotations={PORTS: "https:443"}, ports=two))


def test_a_public_address_that_is_shown_is_not_called_unknown(explain: Explain) -> None:
    """The Service itself says it."""
    objects = cce()
    objects[0]["status"] = {"loadBalancer": {"ingress": [{"ip": "192.168.0.133"}, {"ip": "80.158.1.2"}]}}
    assert "loadBalancer.publicIPs = 80.158.1.2 (Service default/nginx status.loadBalancer" in shown(
        explain, objects
    )


def test_a_port_that_is_not_there_is_no_fault_of_another_service(explain: Explain) -> None:
    """The headline says which there are; nobody else binds the address here."""
    text = shown(explain, cce(), "--to", "192.168.0.133:444")
    assert text.startswith("default/nginx: the Service has no port 444; there is 80 policy")
    assert "(by this Service, or by another one" in text
    two = [{"name": f"p{number}", "port": number, "nodePort": 31000 + number} for number in (80, 443)]
    text = shown(explain, cce(ports=two), "--to", "192.168.0.133:444")
    assert text.startswith("default/nginx: the Service has no port 444; there are 80 and 443 policy")


def test_a_port_that_may_be_an_ingress_s_is_not_called_absent(explain: Explain) -> None:
    """Whether the load balancer listens there, nobody read."""
    elb = {"kubernetes.io/elb.id": "e-1"}
    ingress = obj("Ingress", "i", "networking.k8s.io/v1", metadata={"annotations": {**elb, CLASS: "union"}})
    text = shown(explain, [*cce(annotations=elb), ingress], "--to", "192.168.0.133:443")
    assert "lb-ingress-listener" in text
    assert "no-such-port" not in text


def ports(*numbers: int) -> list[Json]:
    """Ports of a Service; only `service0` is one of the endpoints'."""
    return [
        {"name": "service0" if number == 80 else f"p{number}", "port": number, "nodePort": 31000 + number}
        for number in numbers
    ]


def test_a_headline_names_the_port_at_which_a_client_fares_otherwise(explain: Explain) -> None:
    """A class is not cut off and there only sometimes in one breath."""
    text = shown(explain, cce(**DEDICATED, ports=ports(80, 443)))
    assert text.startswith(
        "default/nginx: 443: nobody gets there; 80: get there only sometimes: pods on nodes with a backend, "
    )


def test_the_worst_port_comes_first(explain: Explain) -> None:
    """Somebody is cut off at either, and at one of them everybody."""
    text = shown(explain, cce(ports=ports(80, 443)))
    assert text.startswith(
        "default/nginx: 443: nobody gets there; 80: cut off: processes on nodes without a backend;"
    )


def test_ports_at_which_all_fare_the_same_are_not_told_apart(explain: Explain) -> None:
    """One headline for those that share it, and a few of many."""
    text = shown(explain, cce(**DEDICATED, ports=ports(80, 443, 444, 445, 446)))
    assert text.startswith("default/nginx: 443, 444, 445 and 1 more: nobody gets there; 80: get there")
    assert shown(explain, cce(**DEDICATED)).startswith("default/nginx: get there only sometimes: ")


def test_a_headline_names_address_and_protocol_where_those_differ(explain: Explain) -> None:
    """A port alone would be two destinations."""
    objects = cce(**DEDICATED)
    objects[0]["status"] = {"loadBalancer": {"ingress": [{"ip": "192.168.0.133"}, {"ip": "80.158.1.2"}]}}
    text = shown(explain, objects)
    assert text.startswith("default/nginx: 192.168.0.133:80: get there only sometimes: ")
    assert "; 80.158.1.2:80: in-cluster clients cross the load balancer; nobody is cut off" in text
    both = [*ports(80), {"name": "u", "port": 80, "protocol": "UDP", "nodePort": 31081}]
    assert shown(explain, cce(**DEDICATED, ports=both)).startswith("default/nginx: 80/UDP: nobody gets there")


def why(explain: Explain, objects: list[Json]) -> str:
    """The reasons, as one line."""
    text = shown(explain, objects)
    return text[text.index(" Why ") : text.index(" What now ")]


def test_what_every_proxy_mode_does_alike_is_said_once(explain: Explain) -> None:
    """With the ids of all three rules; and as it holds in every mode, without an “if”."""
    told = why(explain, cce(proxy={}, version="v1.33.8", externalTrafficPolicy="Cluster"))
    sentence = "Policy Cluster: the packet is masqueraded and goes to any endpoint of the cluster."
    assert told.count(sentence) == 1
    assert f"{sentence} [iptables-cluster, ipvs-cluster, nftables-cluster] pkg/proxy/iptables" in told
    assert f"If kubeProxy.mode=ipvs: {BOUND}" in told
    assert f": {sentence}" not in told


BOUND = "The address is bound to kube-ipvs0, so a node's own process speaks from the load balancer's address."


def test_what_holds_in_some_worlds_only_is_no_plain_fact(explain: Explain) -> None:
    """A cluster is standard or Turbo: past and through the load balancer do not stand side by side."""
    objects = cce()
    objects[-1].pop("category")
    told = why(explain, objects)
    assert "If category=turbo: What a node's own process does in a CCE Turbo cluster" in told
    assert (
        "Perhaps (it depends on category and passThrough.turboNode, not known): kube-proxy on every node answers"
    ) in told
    assert (
        "Perhaps (it depends on category and passThrough.turboNode, not known): The load balancer" not in told
    )


def test_two_modes_of_three_are_named_together(explain: Explain) -> None:
    """And what else has to be so beside the mode."""
    told = why(explain, cce(proxy={}, version="v1.33.8"))
    assert (
        "If kubeProxy.mode=iptables or nftables, kubeProxy.localDetector=false: Policy Local and no endpoint"
        in told
    )
    assert (
        "If kubeProxy.mode=iptables or nftables, kubeProxy.localDetector=true: Policy Local: a Pod that"
        in told
    )


def test_where_everything_is_known_nothing_is_conditional(explain: Explain) -> None:
    """Different backends are no different worlds."""
    told = why(explain, cce(**DEDICATED))
    assert "elb-same-node-reply-lost" in told
    assert "If " not in told
    assert "Perhaps" not in told


def test_who_crosses_the_load_balancer_all_the_same_is_excepted_from_who_does_not(explain: Explain) -> None:
    """Without an endpoint, iptables' reject rule is not on a host's way out: finding and row agree."""
    text = shown(explain, cce(ready={}, proxy={"mode": "iptables"}))
    assert "processes on nodes without a backend (3) NO yes –" in text
    assert (
        "Traffic from inside the cluster, but for processes on nodes without a backend, does not cross"
        in text
    )
    assert "but for" not in shown(explain, cce(ready={}))


def test_a_class_that_a_drain_empties_says_where_its_members_are_now(explain: Explain) -> None:
    """And how they fare there: that they are in another class says nothing."""
    objects = cce(ready={"nginx-a": (1, "10.0.0.10")})
    text = shown(explain, objects, "--drain", "node-1")
    gone = text[text.index("What would shift") : text.index(" Why ")]
    assert (
        "another class processes on nodes with a backend yes, past the load balancer → now among processes on nodes "
        "without a backend: NO unchanged"
    ) in gone
    assert "a backend pod calling itself yes, past the load balancer → there is none left" in gone
    assert "in another class" not in gone


def test_a_class_that_comes_says_where_its_members_were(explain: Explain) -> None:
    """Every node had a backend; one is drained."""
    text = shown(explain, cce(ready={**TWO_BACKENDS, "nginx-c": (3, "10.0.0.12")}), "--drain", "node-3")
    assert (
        "another class processes on nodes without a backend before among processes on nodes with a backend: yes, past "
        "the load balancer → NO"
    ) in text


def test_endpoints_of_one_client_are_not_told_of_its_whole_class(explain: Explain) -> None:
    """Each node's virtual server has its own: the example is named, and a picture names none."""
    text = shown(explain, cce(), "--set", "externalTrafficPolicy=Cluster")
    assert "answered by, from node-1 for one: default/nginx-a → default/nginx-a, default/nginx-b" in text
    assert "answered by: " not in text
    picture = explain.run(explain.file(listed(*cce())), "-o", "mermaid").out.splitlines()
    beside, apart = (
        next(line for line in picture if f'"pods on nodes {kind} a backend"' in line)
        for kind in ("with", "without")
    )
    assert "nginx-a" not in beside
    assert "nginx-a" in apart


def test_endpoints_that_all_of_a_class_have_are_told_plainly(explain: Explain) -> None:
    """Policy Cluster: everybody's are the same, before and after somebody's Pod is gone."""
    objects = cce(proxy={"mode": "iptables"}, externalTrafficPolicy="Cluster")
    text = shown(explain, objects, "--drain", "node-2")
    assert "answered by: default/nginx-a, default/nginx-b → default/nginx-a" in text


def test_a_picture_says_what_it_is_a_picture_of(explain: Explain) -> None:
    """The policy, the mode and the version decide about every row; the text's second line, under the headline."""
    file = explain.file(listed(*cce()))
    (line,) = [each for each in explain.run(file).out.splitlines() if each.startswith("policy ")]
    assert line == "policy Local · pass-through off (no annotation) · CCE standard v1.29.2 IPVS"
    assert f">{line}</text>" in explain.run(file, "-o", "svg").out
