"""A load balancer's address that is an external IP of a Service as well.

Sources: pkg/proxy/{iptables,ipvs,nftables}/proxier.go of v1.36, “Capture externalIPs” (the same chains as an address of a
load balancer, no source ranges; IPVS binds it to kube-ipvs0), TestExternalIPs, TestExternalIPsNoEndpoint,
TestOnlyLocalExternalIPs, TestExternalTrafficPolicyLocal (“pod to external IP hits both endpoints”).
"""

from typing import Any

import pytest

from .situation import Situation
from .world import (
    CLASS,
    CLIENTS,
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

ON: dict[str, str] = {CLASS: "union", PASS: "true"}
IPVS, IPT = cce("ipvs", "1.29.2-r5"), cce("iptables", "1.29.2-r5")
NFT = plain("nftables", "1.36.0")
CODE = "external-ip-is-load-balancer"
OTHER = endpoint("10.0.2.30", "node-b", "shop-b")
PROXY: list[Document] = [{"ip": VIP, "ipMode": "Proxy"}]


def claimant(port: int, kind: str = "ClusterIP", **spec: Any) -> Document:
    """The Service `shop`, which has the load balancer's address among its external IPs."""
    made = service(
        "shop", ingress=None, ports=[{"port": port, "targetPort": 8443}], externalIPs=[VIP], **spec
    )
    made["spec"]["type"] = kind
    return made


def behind(*endpoints: Document) -> Document:
    """The endpoints of `shop`."""
    return slice_of("shop", endpoints, ports=[{"name": "", "port": 8443, "protocol": "TCP"}])


def case(
    told: Document, client: str, cells: str, *more: Document, codes: str = CODE, to: int = 0, **spec: Any
) -> Situation:
    """One question about `web`."""
    asked = ("--service", "default/web", "--from", CLIENTS[client])
    return Situation(
        name=f"{told['kubeProxy']['mode']} {client} {cells} {to or ''} {len(more)}",
        documents=(told, service(**spec), slice_of("web", [WEB_A, WEB_B]), *more, *cluster()),
        options=(*asked, *(("--to", f"{VIP}:{to}") if to else ())),
        cells=cells,
        codes=codes,
        source="proxier.go: Capture externalIPs",
    )


TRAPPED, VIA = "no direct - - reject", "yes lb both node deliver"
SITUATIONS = [
    # Another port: under IPVS the address is bound all the same, elsewhere nothing happens.
    *(
        case(IPVS, client, TRAPPED, claimant(443), behind(OTHER), annotations=ON)
        for client in ("client-a", "node-c")
    ),
    case(IPVS, "outside", VIA, claimant(443), behind(OTHER), annotations=ON),
    case(IPT, "client-a", VIA, claimant(443), behind(OTHER), annotations=ON),
    case(
        IPVS, "client-a", VIA, claimant(443, "ExternalName"), behind(OTHER), annotations=ON, codes=f"!{CODE}"
    ),
    case(
        IPVS,
        "client-a",
        VIA,
        claimant(443, clusterIP="None"),
        behind(OTHER),
        annotations=ON,
        codes=f"!{CODE}",
    ),
    # Without pass-through the Service's own entry answers.
    case(
        IPVS,
        "client-a",
        "yes direct both node deliver",
        claimant(443),
        behind(OTHER),
        annotations={CLASS: "union"},
    ),
    # Its own address among its own external IPs: pass-through and ipMode are in vain.
    *(
        case(told, "client-c", "yes direct both node deliver", annotations=ON, externalIPs=[VIP])
        for told in (IPVS, IPT)
    ),
    case(NFT, "client-c", "yes direct both node deliver", ingress=PROXY, externalIPs=[VIP]),
    case(NFT, "client-c", VIA, ingress=PROXY, externalIPs=["198.51.100.9"], codes=f"!{CODE}"),
    # iptables looks at external IPs first, and they know no source ranges; IPVS and nftables filter by address.
    case(
        plain("iptables", "1.36.0"),
        "client-c",
        "yes direct both node deliver",
        externalIPs=[VIP],
        loadBalancerSourceRanges=["203.0.113.0/24"],
    ),
    *(
        case(
            plain(mode, "1.36.0"),
            "client-c",
            "no direct - - drop",
            externalIPs=[VIP],
            loadBalancerSourceRanges=["203.0.113.0/24"],
        )
        for mode in ("ipvs", "nftables")
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_an_external_ip_is_in_node_rules_as_a_load_balancer_s_address_is(situation: Situation) -> None:
    """The list above."""
    assert situation.differences() == {}


@pytest.mark.parametrize("told", [IPVS, IPT, NFT])
def test_a_port_that_another_service_claims_is_answered_by_that_service(told: Document) -> None:
    """The packet never leaves the node, and other Pods answer it."""
    path = case(told, "client-c", "", claimant(443), behind(OTHER), annotations=ON, to=443).asked().path
    assert (path["verdict"], path["viaLoadBalancer"]) == ("reachable", False)
    assert path["endpoints"] == ["default/shop-b"]
    assert "external-ip-captured" in {reason["code"] for reason in path["reasons"]}


def test_who_answers_for_a_port_that_two_services_claim_is_left_to_chance() -> None:
    """Rules are written in the order of a Go map; where both ways end alike, that is the answer."""
    path = case(IPT, "client-c", "", claimant(80), behind(OTHER)).asked().path
    assert path["verdict"] == "reachable"
    assert path["endpoints"] == ["default/shop-b", "default/web-a", "default/web-b"]
    path = case(IPT, "client-c", "", claimant(80), behind()).asked().path
    assert (path["verdict"], path["missing"]) == ("undetermined", ["kubeProxy.ruleOrder"])
