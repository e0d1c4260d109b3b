"""Services and Ingresses that share one load balancer, under IPVS and elsewhere.

Sources: cce_10_0355 (notes and constraints), cce_10_0349, cce_10_0251/0252, ipvs/proxier.go (kube-ipvs0, KUBE-IPVS-FILTER
since 1.26), kubernetes #72236, #108460.
"""

from typing import Any

import pytest

from .situation import Situation
from .world import (
    CLASS,
    CLIENTS,
    ELB,
    ELB_ID,
    PASS,
    VIP,
    WEB_A,
    WEB_B,
    Document,
    cce,
    cluster,
    endpoint,
    plain,
    service,
    slice_of,
)

SHARED: dict[str, str] = {CLASS: "union", ELB: ELB_ID}
ON: dict[str, str] = {PASS: "true"}
PORT_443 = [{"port": 443, "nodePort": 31443, "targetPort": 8443, "protocol": "TCP"}]
INSIDE = ("client-a", "client-c", "node-a", "node-c", "agent-c")


def two(
    facts: Document,
    first: dict[str, str],
    second: dict[str, str],
    client: str,
    port: int,
    cells: str,
    *,
    name: str,
    codes: str = "",
    elsewhere: bool = False,
    missing: str = "",
    **of_other: Any,
) -> Situation:
    """`web` on port 80 with the annotations `first`, `shop` on port 443 with `second`, on one load balancer."""
    other = service("shop", ports=PORT_443, annotations=SHARED | second, **of_other)
    if elsewhere:
        other["metadata"]["namespace"] = "other"
    behind = slice_of("shop", [WEB_A, WEB_B], ports=[{"name": "", "port": 8443, "protocol": "TCP"}])
    if elsewhere:
        behind["metadata"]["namespace"] = "other"
    return Situation(
        name=f"{name} {client} {port}",
        documents=(
            facts,
            service(annotations=SHARED | first),
            other,
            slice_of("web", [WEB_A, WEB_B]),
            behind,
            *cluster(),
        ),
        options=("--from", CLIENTS[client], "--to", f"{VIP}:{port}"),
        cells=cells,
        codes=codes,
        missing=missing,
        source="cce_10_0355: the settings of Services on one load balancer must be the same under IPVS",
    )


IPVS, IPT = cce("ipvs", "1.29.2-r5"), cce("iptables", "1.29.2-r5")
TRAPPED, DIRECT, VIA = "no direct - - reject", "yes direct both node deliver", "yes lb both node deliver"
MISMATCH = "ipvs-sibling-mismatch"
UNKNOWN_MODE = cce(None, "1.29.2-r5")

SITUATIONS = [
    *(two(IPVS, {}, ON, client, 443, TRAPPED, name="trapped", codes=MISMATCH) for client in INSIDE),
    *(
        two(IPVS, {}, ON, client, 80, DIRECT, name="the trap itself works", codes=MISMATCH)
        for client in INSIDE
    ),
    *(
        two(
            IPVS,
            {},
            ON,
            client,
            443,
            TRAPPED,
            name="trapped across namespaces",
            codes=MISMATCH,
            elsewhere=True,
        )
        for client in INSIDE
    ),
    *(
        two(IPVS, ON, {}, client, 80, TRAPPED, name="trapped the other way", codes=MISMATCH)
        for client in INSIDE
    ),
    *(
        two(IPVS, ON, ON, client, port, VIA, name="both on", codes=f"!{MISMATCH}")
        for client in INSIDE
        for port in (80, 443)
    ),
    *(two(IPVS, {}, {}, client, 443, DIRECT, name="both off", codes=f"!{MISMATCH}") for client in INSIDE),
    *(
        two(IPT, {}, ON, client, 443, VIA, name="iptables has a rule per port", codes=f"!{MISMATCH}")
        for client in INSIDE
    ),
    *(
        two(cce("ipvs", v), {}, ON, "client-c", 443, TRAPPED, name=f"trapped {v}")
        for v in ("1.19.10-r0", "1.25.3-r0", "1.27.3-r0", "1.34.1-r0")
    ),
    two(IPVS, {}, ON, "outside", 443, VIA, name="outside is not trapped"),
    two(IPVS, {PASS: "false"}, ON, "client-c", 443, TRAPPED, name="false is off"),
    two(IPVS, {PASS: "onlyLocal"}, ON, "client-c", 443, VIA, name="onlyLocal and true are both on"),
    two(
        UNKNOWN_MODE,
        {},
        ON,
        "client-c",
        443,
        "? either both node deliver+reject",
        name="the mode decides",
        missing="kubeProxy.mode",
    ),
    two(UNKNOWN_MODE, {}, ON, "client-c", 80, DIRECT, name="the mode does not decide for the trap"),
    two(IPVS, ON, {PASS: ""}, "client-c", 80, TRAPPED, name="empty is off", codes=MISMATCH),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_services_on_one_load_balancer_trap_each_other_under_ipvs_alone(situation: Situation) -> None:
    """The list above."""
    assert situation.differences() == {}


def ingress(port: str = "443") -> Document:
    """An ELB Ingress on the same load balancer (cce_10_0251)."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": "front",
            "namespace": "default",
            "annotations": {CLASS: "union", ELB: ELB_ID, "kubernetes.io/elb.port": port},
        },
        "spec": {
            "ingressClassName": "cce",
            "rules": [
                {
                    "http": {
                        "paths": [
                            {"path": "/", "backend": {"service": {"name": "web", "port": {"number": 80}}}}
                        ]
                    }
                }
            ],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": VIP}]}},
    }


@pytest.mark.parametrize(
    ("told", "annotations", "there"),
    [(IPVS, {}, True), (IPVS, ON, False), (IPT, {}, False), (UNKNOWN_MODE, {}, True)],
)
def test_an_ingress_on_the_load_balancer_is_warned_of(
    told: Document, annotations: dict[str, str], *, there: bool
) -> None:
    """cce_10_0251, cce_10_0252: under IPVS the Ingress is not reached from inside; pass-through frees it."""
    documents = (
        told,
        service(annotations=SHARED | annotations),
        ingress(),
        slice_of("web", [WEB_A]),
        *cluster(),
    )
    codes = Situation(name="", documents=documents, source="").asked().codes
    assert ("ingress-shares-load-balancer" in codes) == there


def test_a_port_that_nobody_owns_is_answered_for_every_service_with_the_address() -> None:
    """Contract: “if none owns the port, every Service with that address, each answered for that port”."""
    documents = (
        plain("ipvs", "1.31.0"),
        service(),
        service("shop", ports=PORT_443),
        slice_of("web", [WEB_A]),
        slice_of("shop", [WEB_A]),
        *cluster(),
    )
    case = Situation(
        name="",
        documents=documents,
        options=("--to", f"{VIP}:8080", "--from", "pod:default/client-c"),
        source="",
    )
    answer = case.asked()
    assert answer.status == 0, answer.err
    assert [e["service"]["name"] for e in answer.explanations] in (["web", "shop"], ["shop", "web"])
    for path in answer.paths:
        assert path["destination"]["port"] == 8080
        assert (path["verdict"], path["viaLoadBalancer"]) == ("unreachable", False)
        assert {t["end"] for t in path["traces"]} == {"reject"}


@pytest.mark.parametrize("mode", ["iptables", "nftables"])
def test_a_port_that_nobody_owns_leaves_for_the_load_balancer_elsewhere(mode: str) -> None:
    """Iptables and nftables have rules per address and port; the load balancer has no listener."""
    documents = (plain(mode, "1.31.0"), service(), slice_of("web", [WEB_A]), *cluster())
    case = Situation(
        name="",
        documents=documents,
        options=("--to", f"{VIP}:8080", "--from", "pod:default/client-c"),
        source="",
    )
    path = case.asked().path
    assert (path["verdict"], path["viaLoadBalancer"], path["endpoints"]) == ("unreachable", True, [])


def test_one_port_for_tcp_and_udp_are_two_paths() -> None:
    """A Service may have both protocols on one port; each has its own endpoints."""
    ports = [
        {"name": "t", "port": 53, "nodePort": 31053, "targetPort": 53, "protocol": "TCP"},
        {"name": "u", "port": 53, "nodePort": 31054, "targetPort": 53, "protocol": "UDP"},
    ]
    tcp = slice_of("web", [WEB_A], ports=[{"name": "t", "port": 53, "protocol": "TCP"}])
    udp = slice_of(
        "web",
        [endpoint("10.0.2.10", "node-b", "web-b")],
        ports=[{"name": "u", "port": 53, "protocol": "UDP"}],
        suffix="u",
    )
    documents = (plain("ipvs", "1.31.0"), service(ports=ports), tcp, udp, *cluster())
    case = Situation(
        name="",
        documents=documents,
        options=("--to", f"{VIP}:53", "--from", "pod:default/client-c"),
        source="",
    )
    found = {path["destination"]["protocol"]: path["endpoints"] for path in case.asked().paths}
    assert found == {"TCP": ["default/web-a"], "UDP": ["default/web-b"]}


@pytest.mark.parametrize(
    ("told", "client", "verdict", "endpoints"),
    [
        (IPT, "client-c", "reachable", ["default/web-a", "default/web-b"]),
        (IPT, "outside", "reachable", ["default/web-a", "default/web-b"]),
        (IPVS, "client-c", "unreachable", []),
    ],
)
def test_a_port_of_the_sibling_is_answered_as_the_sibling_s_and_named(
    told: Document, client: str, verdict: str, endpoints: list[str]
) -> None:
    """Asked about web by name, and for the port of shop: the packet goes the way of shop's, trap and all."""
    case = two(told, {}, ON, client, 443, "", name="asked about the other")
    answer = Situation(
        name="", documents=case.documents, options=("--service", "default/web", *case.options), source=""
    ).asked()
    assert answer.explanations[0]["service"]["name"] == "web"
    assert (answer.path["verdict"], answer.path["endpoints"]) == (verdict, endpoints)
    (reason, *_) = answer.path["reasons"]
    assert reason["code"] == "lb-port-of-sibling"
    assert "default/shop" in reason["message"]
