"""Answers that were wrong once: each is kept, so that it stays right."""

import pytest

from .asking import explain
from .situation import Situation, usual
from .test_sharing import ingress
from .test_slices import ZONED, zones
from .world import (
    CLASS,
    CLIENTS,
    ELB,
    ELB_ID,
    LEAVING,
    VIP,
    WEB_A,
    WEB_B,
    cce,
    cluster,
    endpoint,
    plain,
    service,
    slice_of,
)

SHARED: dict[str, str] = {CLASS: "union", ELB: ELB_ID}
IPT = cce("iptables", "1.29.2-r5")
ALL_LEAVE = [endpoint("10.0.1.10", "node-a", "web-a", conditions=LEAVING)]
OLD, NEW = "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"


@pytest.mark.parametrize("client", ["outside", "client-c"])
def test_a_port_that_an_ingress_listens_on_is_not_called_dead(client: str) -> None:
    """cce_10_0251: an ELB Ingress makes a listener on elb.port; its rules are not read."""
    documents = (IPT, service(annotations=SHARED), ingress(), slice_of("web", [WEB_A]), *cluster())
    answer = explain(documents, "--to", f"{VIP}:443", "--from", CLIENTS[client])
    assert {path["verdict"] for path in answer.paths} == {"undetermined"}


@pytest.mark.parametrize("mode", ["iptables", "ipvs"])
@pytest.mark.parametrize("version", ["1.22.0", "1.23.4"])
def test_the_fallback_to_leaving_endpoints_was_for_policy_local_first(mode: str, version: str) -> None:
    """S@1.23 iptables/proxier.go:1047: NodeLocalExternal only; for Cluster since S@1.24 topology.go:58."""
    told = plain(mode, version, kubeProxy={"featureGates": {"ProxyTerminatingEndpoints": True}})
    case = Situation(
        name="leaving",
        documents=usual(told, endpoints=ALL_LEAVE),
        options=("--from", CLIENTS["client-c"]),
        cells="no direct - - reject",
        source="S@1.22, S@1.23",
    )
    assert case.differences() == {}


@pytest.mark.parametrize(
    ("version", "annotations", "fit"),
    [
        ("1.26.4", {NEW: "Auto"}, False),
        ("1.24.0", {NEW: "auto"}, False),
        ("1.26.4", {OLD: "Auto"}, True),
        ("1.26.4", {OLD: "PreferZone"}, False),
        ("1.27.4", {NEW: "Auto"}, True),
        ("1.28.4", {OLD: "PreferZone"}, True),
        ("1.28.4", {OLD: "Disabled", NEW: "Auto"}, False),
        ("1.30.4", {OLD: "Auto", NEW: "Disabled"}, True),
        ("1.31.4", {OLD: "Disabled"}, True),
    ],
)
def test_hints_are_turned_on_by_the_annotation_that_the_version_reads(
    version: str, annotations: dict[str, str], *, fit: bool
) -> None:
    """S@1.26 service.go:179, topology.go:152; S@1.27 service.go:181, topology.go:153; S@1.30 serviceport.go:203."""
    hinted = [
        WEB_A | {"hints": {"forZones": [{"name": "z1"}]}},
        WEB_B | {"hints": {"forZones": [{"name": "z2"}]}},
    ]
    documents = (
        plain("iptables", version),
        service(annotations=annotations),
        slice_of("web", hinted),
        *zones(*ZONED),
    )
    path = explain(documents, "--from", CLIENTS["client-c"]).path
    assert path["endpoints"] == (["default/web-b"] if fit else ["default/web-a", "default/web-b"])
