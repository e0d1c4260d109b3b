"""Services that are put together wrongly, or only half: families, headless, not ready, drained."""

from typing import Any

import pytest

from .asking import explain
from .world import CLIENTS, NOT_READY, VIP, WEB_A, WEB_B, cluster, plain, service, slice_of

SIX = "fd00:100::85"
BOTH: list[dict[str, Any]] = [{"ip": VIP}, {"ip": SIX}]


@pytest.mark.parametrize("mode", ["iptables", "ipvs", "nftables"])
def test_an_address_of_a_family_that_the_service_does_not_have_is_in_no_nodes_rules(mode: str) -> None:
    """servicechangetracker.go: no cluster IP of the family, no rules; serviceport.go: a proxying one may translate."""
    single = service(ingress=BOTH, ipFamilies=["IPv4"])
    documents = (plain(mode, "1.31.4"), single, slice_of("web", [WEB_A]), *cluster())
    answer = explain(documents, "--from", CLIENTS["client-c"])
    own, foreign = answer.paths
    assert (own["verdict"], own["viaLoadBalancer"]) == ("reachable", False)
    assert (foreign["verdict"], foreign["viaLoadBalancer"]) == ("undetermined", True)
    assert foreign["missing"] == ["loadBalancer.translation"]
    assert "family-not-served" in answer.codes
    assert "no-ready-endpoint" not in answer.codes


def test_a_family_that_the_service_has_and_nobody_answers_in_is_refused() -> None:
    """Endpoints are told apart by family, and so is what is wrong."""
    dual = service(ingress=BOTH, ipFamilies=["IPv4", "IPv6"])
    documents = (plain("iptables", "1.31.4"), dual, slice_of("web", [WEB_A]), *cluster())
    answer = explain(documents, "--from", CLIENTS["client-c"])
    assert [path["verdict"] for path in answer.paths] == ["reachable", "unreachable"]
    assert "no-ready-endpoint" in answer.codes
    assert "family-not-served" not in answer.codes


def test_a_headless_load_balancer_is_refused_as_kubernetes_refuses_it() -> None:
    """ValidateService: may not be set to 'None' for LoadBalancer services."""
    answer = explain((plain("iptables", "1.31.4"), service(clusterIP="None"), *cluster()))
    assert answer.status == 2
    assert "spec.clusterIP is 'None'" in answer.err
    assert "item 2" in answer.err


def test_published_endpoints_are_expected_to_be_ready_whatever_their_pods_say() -> None:
    """Without EndpointSlices; the controller sets ready for publishNotReadyAddresses (endpointslice utils.go)."""
    others = [each for each in cluster() if each["metadata"]["name"] not in {"web-a", "web-b"}]
    waiting = next(each for each in cluster() if each["metadata"]["name"] == "web-a")
    waiting["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    for publish, verdict in ((True, "reachable"), (False, "unreachable")):
        asked = service(publishNotReadyAddresses=publish)
        answer = explain(
            (plain("iptables", "1.31.4"), asked, waiting, *others), "--from", CLIENTS["client-c"]
        )
        assert answer.path["verdict"] == verdict


def test_draining_the_only_backend_leaves_no_endpoint_rather_than_no_port() -> None:
    """The port is not misnamed: its endpoints are gone."""
    documents = (plain("iptables", "1.31.4"), service(), slice_of("web", [WEB_A]), *cluster())
    assert explain(documents, "--drain", "node-a").codes >= {"no-ready-endpoint"}
    assert "port-without-endpoints" not in explain(documents, "--drain", "node-a").codes
    left = slice_of("web", [WEB_A, {**WEB_B, "conditions": NOT_READY}])
    answer = explain((documents[0], documents[1], left, *cluster()), "--drain", "node-a")
    assert answer.codes >= {"no-ready-endpoint"}


def test_a_cluster_cidr_says_that_there_is_a_detector() -> None:
    """Contract: it implies localDetector, which is then not listed as unknown."""
    told = plain("iptables", "1.31.4", kubeProxy={"localDetector": None})
    (explanation,) = explain((told, service(), slice_of("web", [WEB_A]), *cluster())).explanations
    (fact,) = [each for each in explanation["facts"] if each["name"] == "kubeProxy.localDetector"]
    assert (fact["value"], fact["origin"]) == (True, "input")


def test_a_load_balancer_without_ports_is_refused_as_kubernetes_refuses_it() -> None:
    """ValidateService: spec.ports is required; an answer without a path would say nothing is wrong."""
    answer = explain((plain("iptables", "1.31.4"), service(ports=[]), *cluster()))
    assert answer.status == 2
    assert "spec.ports is missing, not a list of at least one port" in answer.err


def test_a_proxier_that_is_not_kube_proxy_is_said_to_be_that() -> None:
    """The mode is known there; what it does is not."""
    path = explain((plain("other", "1.34.1"), service(), *cluster()), "--from", CLIENTS["client-c"]).path
    (reason,) = [each["message"] for each in path["reasons"] if each["code"] == "undetermined"]
    assert "something other than kube-proxy handles Services" in reason
    assert "cannot be so" not in reason
