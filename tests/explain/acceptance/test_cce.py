"""CCE: the annotation, standard and Turbo, shared and dedicated, private and public, siblings on one load balancer.

Sources: cce_10_0355 (pass-through), cce_10_0249 (overview), cce_10_0385 (annotations), elb_ug_jt_0514/0515 and
elb_faq_21020218 (transfer client IP), cce_10_0349/0251/0252 (IPVS and shared load balancers).
"""

from typing import Any

import pytest

from .situation import Situation, usual
from .table import rows
from .world import (
    CIDR,
    CLASS,
    CLIENTS,
    EIP,
    ELB,
    ELB_ID,
    PASS,
    VIP,
    WEB_A,
    WEB_B,
    Document,
    cce,
    cluster,
    facts,
    service,
    slice_of,
)

DEDICATED, SHARED = {CLASS: "performance", ELB: ELB_ID}, {CLASS: "union", ELB: ELB_ID}
ON, ONLY_LOCAL = {PASS: "true"}, {PASS: "onlyLocal"}
CLASSES = {"dedicated": DEDICATED, "shared": SHARED}
VALUES: dict[str, dict[str, str]] = {
    "on": ON,
    "onlyLocal": ONLY_LOCAL,
    "off": {},
    "false": {PASS: "false"},
    "empty": {PASS: ""},
}
BACKENDS = {"2": [WEB_A, WEB_B], "1": [WEB_A]}

# class | value | policy | backends | clients | verdict | way | endpoints | source | ends; standard, private, layer 4
STANDARD = """
dedicated off       Cluster 2 client-a,client-c,node-a,node-c,agent-c,web-a  yes direct both node deliver
shared    off       Cluster 2 client-a,node-c  yes direct both node deliver
dedicated false     Cluster 2 client-a,node-c  yes direct both node deliver
dedicated empty     Cluster 2 client-c         yes direct both node deliver
# every node is a member: whoever sits on the one that is picked never gets a reply
dedicated on        Cluster 2 client-a,client-c,node-a,node-c,agent-c,web-a  some lb both node deliver+reply-lost
shared    on        Cluster 2 client-a,client-c,node-a,node-c,agent-a,web-a  yes  lb both node deliver
dedicated onlyLocal Cluster 2 client-c         some lb both node deliver+reply-lost
# Local: members are the backends' nodes
dedicated on        Local   1 client-a,node-a,agent-a,web-a  no   lb -    -    reply-lost
dedicated onlyLocal Local   1 client-a,node-a,agent-a,web-a  no   lb -    -    reply-lost
dedicated on        Local   1 client-c,node-c,agent-c        yes  lb a    node deliver
dedicated onlyLocal Local   2 client-c,node-c                yes  lb both node deliver
dedicated on        Local   2 client-a,node-a                some lb b    node deliver+reply-lost
shared    on        Local   1 client-a,client-c,node-a,node-c yes lb a    lb   deliver
shared    onlyLocal Local   2 client-a,node-c                yes  lb both lb   deliver
# outside
dedicated off       Cluster 2 outside  yes lb both node      deliver
dedicated on        Cluster 2 outside  yes lb both node      deliver
dedicated onlyLocal Local   2 outside  yes lb both preserved deliver
dedicated off       Local   2 outside  yes lb both preserved deliver
shared    onlyLocal Local   2 outside  yes lb both lb        deliver
"""

LAYER_7: list[dict[str, str]] = [
    {"kubernetes.io/elb.protocol-port": "https:80", "kubernetes.io/elb.cert-id": "c" * 32},
    {"kubernetes.io/elb.protocol-port": "http:80"},
]


def cce_case(
    name: str,
    told: Document,
    client: str,
    cells: str,
    *,
    codes: str = "",
    missing: str = "",
    source: str = "cce_10_0355",
    to: str = "",
    endpoints: list[Document] | None = None,
    **spec: Any,
) -> Situation:
    """One question in a CCE cluster."""
    return Situation(
        name=f"{name} {client}",
        documents=usual(told, endpoints=endpoints or [WEB_A, WEB_B], **spec),
        options=("--from", CLIENTS.get(client, client), *(("--to", to) if to else ())),
        cells=cells,
        codes=codes,
        missing=missing,
        source=source,
    )


def standard() -> list[Situation]:
    """The table, under every proxy mode that CCE knows: with pass-through the mode does not matter."""
    return [
        cce_case(
            f"{kind} {value} {policy} {count} {mode}",
            cce(mode, "1.29.2-r5"),
            client,
            " ".join(cells),
            policy=policy,
            annotations=CLASSES[kind] | VALUES[value],
            endpoints=BACKENDS[count],
        )
        for kind, value, policy, count, clients, *cells in rows(STANDARD)
        for mode in ("iptables", "ipvs")
        for client in clients.split(",")
    ]


TURBO_DEDICATED = {CLASS: "performance", ELB: ELB_ID}
IPVS, IPT = cce("ipvs", "1.29.2-r5"), cce("iptables", "1.29.2-r5")
TURBO = cce("iptables", "1.29.2-r5", "turbo")
BOTH_ADDRESSES = [{"ip": EIP}, {"ip": VIP}]

SITUATIONS = [
    *standard(),
    # absent stays off even with Local; kube-proxy then decides
    cce_case(
        "off Local ipvs",
        IPVS,
        "node-c",
        "no direct - - reply-lost",
        policy="Local",
        annotations=DEDICATED,
        codes="local-without-pass-through",
    ),
    cce_case(
        "off Local ipvs",
        IPVS,
        "client-c",
        "yes direct both preserved deliver",
        policy="Local",
        annotations=DEDICATED,
    ),
    cce_case(
        "off Local iptables",
        IPT,
        "node-c",
        "yes direct both node deliver",
        policy="Local",
        annotations=DEDICATED,
    ),
    cce_case(
        "off Local old ipvs",
        cce("ipvs", "1.21.7-r0"),
        "client-c",
        "no direct - - reject",
        policy="Local",
        annotations=DEDICATED,
    ),
    # layer 7 and the shared load balancer are not affected
    *(
        cce_case(
            f"layer 7 {i}",
            told,
            "client-a",
            "yes lb a lb deliver",
            policy="Local",
            endpoints=[WEB_A],
            annotations=DEDICATED | ONLY_LOCAL | layer,
            codes="!same-node-lockout",
            source="elb_faq_21020218",
        )
        for i, layer in enumerate(LAYER_7)
        for told in (IPVS, IPT)
    ),
    cce_case(
        "layer 7 Cluster",
        IPVS,
        "node-a",
        "yes lb both node deliver",
        annotations=DEDICATED | ON | LAYER_7[0],
        source="elb_faq_21020218",
    ),
    # findings
    cce_case(
        "lock-out told",
        IPVS,
        "client-a",
        "",
        policy="Local",
        endpoints=[WEB_A],
        annotations=DEDICATED | ONLY_LOCAL,
        codes="same-node-lockout",
    ),
    cce_case(
        "no lock-out when shared",
        IPVS,
        "client-a",
        "",
        policy="Local",
        endpoints=[WEB_A],
        annotations=SHARED | ONLY_LOCAL,
        codes="!same-node-lockout shared-same-node-disputed",
    ),
    cce_case(
        "no lock-out without pass-through",
        IPVS,
        "client-a",
        "",
        annotations=DEDICATED,
        codes="!same-node-lockout",
    ),
    cce_case(
        "false is documented nowhere",
        IPVS,
        "client-a",
        "yes direct both node deliver",
        annotations=SHARED | {PASS: "false"},
        codes="pass-through-value-undocumented",
    ),
    cce_case(
        "empty is documented nowhere",
        IPVS,
        "client-a",
        "yes direct both node deliver",
        annotations=SHARED | {PASS: ""},
        codes="pass-through-value-undocumented",
    ),
    cce_case(
        "true is documented",
        IPVS,
        "client-a",
        "",
        annotations=SHARED | ON,
        codes="!pass-through-value-undocumented !pass-through-value-unknown",
    ),
    cce_case(
        "an unknown value, all agree",
        IPVS,
        "client-a",
        "yes either both node deliver",
        annotations=SHARED | {PASS: "yes"},
        codes="pass-through-value-unknown",
    ),
    cce_case(
        "an unknown value decides",
        IPVS,
        "client-a",
        "? either a * deliver+reply-lost",
        policy="Local",
        endpoints=[WEB_A],
        annotations=DEDICATED | {PASS: "maybe"},
        codes="pass-through-value-unknown",
    ),
    cce_case(
        "onlyLocal left over",
        IPVS,
        "client-a",
        "",
        annotations=SHARED | ONLY_LOCAL,
        codes="pass-through-only-local-left-over",
    ),
    # versions
    cce_case(
        "v1.15 is not supported",
        cce("iptables", "1.15.11-r1"),
        "client-a",
        "yes direct both node deliver",
        annotations=SHARED | ON,
        codes="unsupported-version",
        source="cce_10_0355, cce_10_0249",
    ),
    cce_case(
        "v1.13 is not supported",
        cce("iptables", "1.13.10-r0"),
        "client-a",
        "yes direct both node deliver",
        annotations=SHARED | ON,
        codes="unsupported-version",
        source="cce_10_0355, cce_10_0249",
    ),
    cce_case(
        "v1.17 is disputed",
        cce("iptables", "1.17.9-r0"),
        "client-a",
        "yes either both node deliver",
        annotations=SHARED | ON,
        codes="pass-through-version-disputed !unsupported-version",
        source="cce_10_0355 against cce_10_0385",
    ),
    cce_case(
        "v1.16 is disputed, and it decides",
        cce("iptables", "1.16.0-r0"),
        "client-a",
        "? either a * deliver+reply-lost",
        policy="Local",
        endpoints=[WEB_A],
        annotations=DEDICATED | ON,
        codes="pass-through-version-disputed",
        source="cce_10_0355 against cce_10_0385",
    ),
    cce_case(
        "v1.19 is supported",
        cce("iptables", "1.19.10-r0"),
        "client-a",
        "yes lb both node deliver",
        annotations=SHARED | ON,
        codes="!pass-through-version-disputed !unsupported-version",
        source="cce_10_0385",
    ),
    # Turbo
    cce_case("Turbo Pod", TURBO, "client-a", "yes lb both * deliver", annotations=TURBO_DEDICATED),
    cce_case("Turbo Pod", TURBO, "client-c", "yes lb both * deliver", annotations=TURBO_DEDICATED),
    cce_case(
        "Turbo Pod, annotated", TURBO, "client-c", "yes lb both * deliver", annotations=TURBO_DEDICATED | ON
    ),
    cce_case(
        "Turbo node, told both ways",
        TURBO,
        "node-c",
        "yes either both * deliver",
        annotations=TURBO_DEDICATED,
        codes="turbo-node-disputed",
        source="cce_10_0355 of 2025-06 and 2025-10",
    ),
    cce_case(
        "Turbo host Pod is a node",
        TURBO,
        "agent-c",
        "yes either both * deliver",
        annotations=TURBO_DEDICATED,
        source="contract: a host-network Pod is its node's host process",
    ),
    cce_case(
        "Turbo node, annotated", TURBO, "node-c", "yes lb both * deliver", annotations=TURBO_DEDICATED | ON
    ),
    cce_case(
        "Turbo Pod under IPVS",
        cce("ipvs", "1.29.2-r5", "turbo"),
        "client-c",
        "yes lb both * deliver",
        annotations=TURBO_DEDICATED,
    ),
    cce_case("Turbo, outside", TURBO, "outside", "yes lb both * deliver", annotations=TURBO_DEDICATED),
    cce_case(
        "Turbo, no same-node limit",
        TURBO,
        "client-a",
        "yes lb a * deliver",
        endpoints=[WEB_A],
        annotations=TURBO_DEDICATED | ON,
        codes="!same-node-lockout",
        source="cce_10_0355: the limit is of standard clusters",
    ),
    # unknown category: Cluster, no annotation, shared: reachable either way
    cce_case(
        "category unknown, agreeing",
        cce("iptables", "1.29.2-r5", None),
        "client-c",
        "yes either both * deliver",
        annotations=SHARED,
    ),
    cce_case(
        "category decides",
        cce("iptables", "1.29.2-r5", None),
        "client-a",
        "? lb a * deliver+reply-lost",
        endpoints=[WEB_A],
        policy="Local",
        annotations=DEDICATED | ON,
        missing="category",
    ),
    # union is the documented default (cce_10_0385); the answer says that it is assumed, see below
    cce_case(
        "no class is the default class",
        IPVS,
        "client-a",
        "yes lb a lb deliver",
        policy="Local",
        endpoints=[WEB_A],
        annotations=ONLY_LOCAL | {ELB: ELB_ID},
    ),
    # mode unknown, with pass-through it does not matter
    cce_case(
        "mode does not matter with pass-through",
        cce(None, "1.29.2-r5"),
        "client-c",
        "yes lb a node deliver",
        policy="Local",
        endpoints=[WEB_A],
        annotations=DEDICATED | ONLY_LOCAL,
    ),
    cce_case(
        "mode does not matter without it, Cluster",
        cce(None, "1.29.2-r5"),
        "client-c",
        "yes direct both node deliver",
        annotations=SHARED,
    ),
    cce_case(
        "mode decides for a host under Local",
        cce(None, "1.29.2-r5"),
        "node-c",
        "? direct both * deliver+reply-lost",
        policy="Local",
        annotations=SHARED,
        missing="kubeProxy.mode",
        source="kube-proxy facts, section 2",
    ),
    cce_case(
        "another proxier",
        cce("other", "1.34.1-r0"),
        "client-c",
        "",
        annotations=SHARED | ON,
        codes="meaningless-proxy",
        source="cce_10_0945",
    ),
    # generic: the annotation means nothing
    Situation(
        name="the annotation means nothing elsewhere",
        documents=usual(
            facts(
                platform="generic",
                kubernetesVersion="v1.30.3",
                kubeProxy={"mode": "iptables", "clusterCIDR": CIDR},
            ),
            annotations=ON,
        ),
        options=("--from", CLIENTS["client-c"]),
        cells="yes direct both node deliver",
        codes="pass-through-not-cce !same-node-lockout",
        source="contract: on platform generic the annotation means nothing",
    ),
    # public ELB: two addresses; the private one is as before
    cce_case(
        "public and private: private",
        IPVS,
        "client-a",
        "no lb - - reply-lost",
        policy="Local",
        endpoints=[WEB_A],
        ingress=BOTH_ADDRESSES,
        annotations=DEDICATED | ONLY_LOCAL,
        to=f"{VIP}:80",
    ),
    cce_case(
        "public, off, inside",
        IPVS,
        "client-a",
        "yes direct both node deliver",
        ingress=BOTH_ADDRESSES,
        annotations=DEDICATED,
        to=f"{EIP}:80",
    ),
    cce_case(
        "public, outside",
        IPVS,
        "outside",
        "yes lb both node deliver",
        ingress=BOTH_ADDRESSES,
        annotations=DEDICATED,
        to=f"{EIP}:80",
    ),
    cce_case(
        "public, on, inside: egress",
        IPVS,
        "client-a",
        "",
        ingress=BOTH_ADDRESSES,
        annotations=DEDICATED | ON,
        to=f"{EIP}:80",
        codes="public-address-from-inside",
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_a_client_in_a_cce_cluster_fares_as_the_vendor_documents_it(situation: Situation) -> None:
    """The tables above."""
    assert situation.differences() == {}


@pytest.mark.parametrize("annotations", [{}, ON])
def test_what_another_proxier_does_is_never_claimed(annotations: dict[str, str]) -> None:
    """DataPlane V2 (cce_10_0945): its interaction with the address and pass-through is documented nowhere."""
    path = (
        cce_case("other", cce("other", "1.34.1-r0"), "client-c", "", annotations=SHARED | annotations)
        .asked()
        .path
    )
    assert path["verdict"] == "undetermined"


@pytest.mark.parametrize(
    ("annotations", "told", "state"),
    [
        ({}, IPVS, "off"),
        (ON, IPVS, "on"),
        (ONLY_LOCAL, IPVS, "on"),
        ({PASS: "false"}, IPVS, "off"),
        ({PASS: ""}, IPVS, "off"),
        ({PASS: "True"}, IPVS, "unknown"),
        (ON, cce("ipvs", "1.15.1-r0"), "unsupported"),
        (ON, cce("ipvs", "1.18.1-r0"), "unknown"),
        (ON, facts(platform="generic"), "unsupported"),
        ({}, facts(platform="generic"), "unsupported"),
        (ON, facts(platform="unknown"), "unknown"),
    ],
)
def test_the_state_of_pass_through_is_told(annotations: dict[str, str], told: Document, state: str) -> None:
    """on, off, unsupported or unknown, with the value as it was written."""
    documents = (told, service(annotations=annotations), slice_of("web", [WEB_A]), *cluster())
    (one,) = Situation(name="", documents=documents, source="").asked().explanations
    assert one["passThrough"]["state"] == state
    assert one["passThrough"]["value"] == annotations.get(PASS)


def test_a_class_that_is_not_given_is_an_assumption_and_printed() -> None:
    """cce_10_0385: the default is union; a load balancer named by its id may be of either kind."""
    case = cce_case(
        "no class",
        IPVS,
        "client-a",
        "",
        policy="Local",
        endpoints=[WEB_A],
        annotations=ONLY_LOCAL | {ELB: ELB_ID},
    )
    (trace,) = case.asked().path["traces"]
    assert any("elb.class" in assumption for assumption in trace["assuming"])


def test_what_is_assumed_of_cce_is_printed() -> None:
    """Contract: on for every client, and CCE's kube-proxy as upstream's: assumptions that are printed."""
    case = cce_case("assumed", IPVS, "client-c", "", annotations=SHARED | ON)
    assert all(len(trace["assuming"]) >= 2 for trace in case.asked().path["traces"])
