"""Which endpoints count: topology hints, several slices, named ports, protocols, address families.

Sources: pkg/proxy/topology.go and topology_test.go, KEP-2433, pkg/proxy/endpointslicecache.go.
"""

from typing import Any

import pytest

from .situation import Situation
from .world import (
    CLIENTS,
    VIP,
    Document,
    cluster,
    endpoint,
    plain,
    service,
    slice_of,
)

A, B = ("10.0.1.10", "node-a", "web-a"), ("10.0.2.10", "node-b", "web-b")
AUTO: dict[str, str] = {"service.kubernetes.io/topology-mode": "Auto"}
OLD_AUTO = {"service.kubernetes.io/topology-aware-hints": "auto"}


def zones(a: str, b: str, c: str) -> list[Document]:
    """The three nodes in these zones; an empty one has no label."""
    where = {"node-a": a, "node-b": b, "node-c": c}
    return [
        {
            **d,
            "metadata": {"name": n, "labels": {"topology.kubernetes.io/zone": where[n]} if where[n] else {}},
        }
        if d["kind"] == "Node" and (n := d["metadata"]["name"])
        else d
        for d in cluster()
    ]


def hinted(
    name: str,
    proxy: str,
    client: str,
    cells: str,
    hints: tuple[str, str],
    where: tuple[str, str, str],
    **spec: Any,
) -> Situation:
    """Endpoints with zone hints; an empty hint is none."""
    mode, version = proxy.split()
    told = [
        endpoint(*who) | ({"hints": {"forZones": [{"name": zone}]}} if zone else {})
        for who, zone in zip((A, B), hints, strict=True)
    ]
    return Situation(
        name=f"hints, {name} {proxy} {client}",
        documents=(plain(mode, version), service(**spec), slice_of("web", told), *zones(*where)),
        options=("--from", CLIENTS[client]),
        cells=cells,
        source="pkg/proxy/topology.go at v1.26:151, v1.30:153; topology_test.go",
    )


ZONED = ("z1", "z2", "z2")
HINTS = [
    hinted(
        "fit",
        "iptables 1.30.3",
        "client-c",
        "yes direct b node deliver",
        ("z1", "z2"),
        ZONED,
        annotations=AUTO,
    ),
    hinted(
        "fit", "iptables 1.30.3", "node-a", "yes direct a node deliver", ("z1", "z2"), ZONED, annotations=AUTO
    ),
    hinted(
        "fit", "ipvs 1.30.3", "client-c", "yes direct b node deliver", ("z1", "z2"), ZONED, annotations=AUTO
    ),
    hinted(
        "fit",
        "nftables 1.31.0",
        "client-c",
        "yes direct b node deliver",
        ("z1", "z2"),
        ZONED,
        annotations=AUTO,
    ),
    hinted(
        "old annotation",
        "iptables 1.26.3",
        "client-c",
        "yes direct b node deliver",
        ("z1", "z2"),
        ZONED,
        annotations=OLD_AUTO,
    ),
    hinted(
        "no annotation", "iptables 1.30.3", "client-c", "yes direct both node deliver", ("z1", "z2"), ZONED
    ),
    hinted(
        "no annotation needed",
        "iptables 1.31.0",
        "client-c",
        "yes direct b node deliver",
        ("z1", "z2"),
        ZONED,
    ),
    hinted(
        "no annotation needed", "ipvs 1.36.0", "client-c", "yes direct b node deliver", ("z1", "z2"), ZONED
    ),
    hinted(
        "gate off before",
        "iptables 1.23.4",
        "client-c",
        "yes direct both node deliver",
        ("z1", "z2"),
        ZONED,
        annotations=OLD_AUTO,
    ),
    hinted(
        "one without a hint", "iptables 1.31.0", "client-c", "yes direct both node deliver", ("z1", ""), ZONED
    ),
    hinted(
        "node without zone",
        "iptables 1.31.0",
        "client-c",
        "yes direct both node deliver",
        ("z1", "z2"),
        ("z1", "z2", ""),
    ),
    hinted(
        "none for this zone",
        "iptables 1.31.0",
        "client-c",
        "yes direct both node deliver",
        ("z1", "z2"),
        ("z1", "z2", "z3"),
    ),
    # Local: the short-circuit uses cluster endpoints with hints, IPVS the local ones
    hinted(
        "Local",
        "iptables 1.31.0",
        "client-c",
        "yes direct b preserved deliver",
        ("z1", "z2"),
        ZONED,
        policy="Local",
    ),
    hinted(
        "Local", "iptables 1.31.0", "node-c", "yes direct b node deliver", ("z1", "z2"), ZONED, policy="Local"
    ),
    hinted(
        "Local",
        "ipvs 1.31.0",
        "client-a",
        "yes direct a preserved deliver",
        ("z2", "z2"),
        ZONED,
        policy="Local",
    ),
    hinted(
        "Local",
        "ipvs 1.31.0",
        "client-c",
        "yes direct b preserved deliver",
        ("z1", "z2"),
        ZONED,
        policy="Local",
    ),
]

NAMED = [
    {"name": "http", "port": 80, "nodePort": 31080, "targetPort": "http", "protocol": "TCP"},
    {"name": "dns", "port": 53, "nodePort": 31053, "targetPort": "dns", "protocol": "UDP"},
]
NAMED_SLICES = [
    slice_of("web", [endpoint(*A)], ports=[{"name": "http", "port": 8080, "protocol": "TCP"}], suffix="1"),
    slice_of("web", [endpoint(*B)], ports=[{"name": "dns", "port": 5353, "protocol": "UDP"}], suffix="2"),
]
SIX, SIX_VIP = "IPv6", "fd00:100::85"
DUAL: dict[str, Any] = {
    "ingress": [{"ip": VIP}, {"ip": SIX_VIP}],
    "ipFamilies": ["IPv4", "IPv6"],
    "ipFamilyPolicy": "PreferDualStack",
}
DUAL_SLICES = [
    slice_of("web", [endpoint(*A)]),
    slice_of("web", [endpoint("fd00:10::b", "node-b", "web-b")], family=SIX, suffix="6"),
]


def sliced(
    name: str,
    client: str,
    to: str,
    cells: str,
    slices: list[Document],
    *,
    mode: str = "iptables",
    codes: str = "",
    **spec: Any,
) -> Situation:
    """Several slices, ports or families; the question names address and port."""
    return Situation(
        name=f"{name} {client} {to} {mode}",
        documents=(plain(mode, "1.31.0"), service(**spec), *slices, *cluster()),
        options=("--from", CLIENTS.get(client, client), "--to", to),
        cells=cells,
        codes=codes,
        source="pkg/proxy/endpointslicecache.go; a rule set per address family, port name and protocol",
    )


MODES = ("iptables", "ipvs", "nftables")
SLICES = [
    *(
        sliced(
            "two slices",
            "client-c",
            f"{VIP}:80",
            "yes direct both node deliver",
            [slice_of("web", [endpoint(*A)]), slice_of("web", [endpoint(*B)], suffix="2")],
            mode=m,
        )
        for m in MODES
    ),
    *(
        sliced(
            "the same in two slices",
            "client-c",
            f"{VIP}:80",
            "yes direct a node deliver",
            [slice_of("web", [endpoint(*A)]), slice_of("web", [endpoint(*A)], suffix="2")],
            mode=m,
        )
        for m in MODES
    ),
    *(
        sliced(
            "named port",
            "client-c",
            f"{VIP}:80",
            "yes direct a node deliver",
            NAMED_SLICES,
            ports=NAMED,
            mode=m,
        )
        for m in MODES
    ),
    *(
        sliced(
            "UDP port",
            "client-c",
            f"{VIP}:53",
            "yes direct b node deliver",
            NAMED_SLICES,
            ports=NAMED,
            mode=m,
        )
        for m in MODES
    ),
    # one health check a Service, whatever the port (servicechangetracker: local ready endpoints by Service name)
    sliced(
        "named port, outside",
        "outside",
        f"{VIP}:80",
        "some lb a preserved deliver+drop",
        NAMED_SLICES,
        ports=NAMED,
        policy="Local",
    ),
    sliced(
        "UDP, Local, node with the other port's backend",
        "stray-a",
        f"{VIP}:53",
        "no direct - - drop",
        NAMED_SLICES,
        ports=NAMED,
        policy="Local",
    ),
    sliced(
        "UDP, Local, IPVS falls back",
        "node-a",
        f"{VIP}:53",
        "no direct - - reply-lost",
        NAMED_SLICES,
        ports=NAMED,
        policy="Local",
        mode="ipvs",
    ),
    sliced(
        "a port that no slice has",
        "client-c",
        f"{VIP}:80",
        "no direct - - reject",
        [slice_of("web", [endpoint(*A)], ports=[{"name": "other", "port": 1, "protocol": "TCP"}])],
        ports=NAMED,
        codes="port-without-endpoints",
    ),
    sliced(
        "protocol differs",
        "client-c",
        f"{VIP}:80",
        "no direct - - reject",
        [slice_of("web", [endpoint(*A)], ports=[{"name": "http", "port": 8080, "protocol": "UDP"}])],
        ports=NAMED,
    ),
    *(
        sliced(
            "dual stack", "client-c", f"{VIP}:80", "yes direct a node deliver", DUAL_SLICES, mode=m, **DUAL
        )
        for m in MODES
    ),
    *(
        sliced(
            "dual stack",
            "node-c",
            f"[{SIX_VIP}]:80",
            "yes direct b node deliver",
            DUAL_SLICES,
            mode=m,
            **DUAL,
        )
        for m in MODES
    ),
    sliced(
        "dual stack, written otherwise",
        "node-c",
        "[FD00:0100:0::0085]:80",
        "yes direct b node deliver",
        DUAL_SLICES,
        **DUAL,
    ),
    sliced(
        "slice of another Service",
        "client-c",
        f"{VIP}:80",
        "yes direct a node deliver",
        [slice_of("web", [endpoint(*A)]), slice_of("web2", [endpoint(*B)])],
    ),
    sliced(
        "host name slice",
        "client-c",
        f"{VIP}:80",
        "yes direct a node deliver",
        [
            slice_of("web", [endpoint(*A)]),
            slice_of("web", [endpoint("x.example.com", None)], family="FQDN", suffix="f"),
        ],
    ),
]


@pytest.mark.parametrize("situation", [*HINTS, *SLICES], ids=str)
def test_a_slice_counts_where_kube_proxy_counts_it(situation: Situation) -> None:
    """The lists above."""
    assert situation.differences() == {}


def test_an_address_without_endpoints_of_its_family_is_unreachable() -> None:
    """Rules are per address family; the IPv4 endpoints do not help."""
    case = sliced("no IPv6 endpoint", "node-c", f"[{SIX_VIP}]:80", "", DUAL_SLICES[:1], **DUAL)
    path = case.asked().path
    assert (path["verdict"], path["endpoints"]) == ("unreachable", [])
