"""Every finding has a situation in which it fires and one, as near as may be, in which it must not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.cloud_balancer import CloudBalancer
from bot.domain.objects import (
    ELB_ID,
    EndpointPort,
    Ingress,
    IngressPoint,
    NetworkPolicy,
    PolicyPeer,
    PolicyRule,
    Protocol,
    Ref,
    Selector,
    Service,
    ServicePort,
)
from bot.domain.rules_finding import RULES
from tests.domain.situation import (
    ADDRESS,
    CLASS,
    LOCAL,
    PASS,
    Situation,
    cce,
    endpoint,
    node,
    pod,
    service,
    slice_of,
    usual,
)

Make = Callable[[], Situation]
IPVS = {"mode": "ipvs"}
TURBO = {"category": "turbo"}
RANGES = ("203.0.113.0/25",)
LEAVING = (endpoint("web-a", "n1", 11, ready=False, serving=True, terminating=True),)
GONE = (endpoint("web-a", "n1", 11, ready=False, serving=False),)


def sibling(port: int = 443, through: str | None = None) -> Service:
    """Another Service on the same load balancer."""
    return service(
        ref=Ref("bank", "other"),
        ports=(ServicePort(port=port, node_port=30443),),
        annotations={CLASS: "union"} if through is None else {CLASS: "union", PASS: through},
    )


def told(balancer: CloudBalancer, *, of: str = "elb-1", **changes: Any) -> Situation:
    """The usual CCE cluster, whose cloud tells of a load balancer; `elb.class` is not annotated."""
    situation = cce(annotations={CLASS: "", ELB_ID: "elb-1"}, **changes)
    return replace(situation, given=replace(situation.given, balancers={of: balancer}))


def old(version: str) -> Make:
    """CCE of a version, pass-through on; its nodes are of the version too."""
    return lambda: cce(through="true", given={"version": version})


def annotated(key: str, value: str, **more: object) -> Make:
    """The usual CCE cluster with an annotation."""
    return lambda: cce(annotations={f"kubernetes.io/elb.{key}": value}, **more)  # type: ignore[arg-type]  # keywords of cce


def local(mode: str, version: str, **given: object) -> Make:
    """Policy Local, address in node rules."""
    return lambda: usual(given={"mode": mode, "version": version, **given}, external_policy=LOCAL)


def fenced(**peer: str) -> Make:
    """A NetworkPolicy on the backends."""
    rule = PolicyRule(peers=(PolicyPeer(**peer),) if peer else ())  # type: ignore[arg-type]  # keywords of PolicyPeer
    policy = NetworkPolicy(ref=Ref("shop", "np"), pods=Selector(labels={"app": "web"}), ingress=(rule,))
    return lambda: usual().plus(policy)


PAIRS: dict[str, tuple[Make, Make]] = {
    "ipvs-sibling-mismatch": (
        lambda: cce(through="true", given=IPVS).plus(sibling()),
        lambda: cce(through="true", given=IPVS).plus(sibling(through="onlyLocal")),
    ),
    "ingress-shares-load-balancer": (
        lambda: cce(given=IPVS).plus(Ingress(ref=Ref("bank", "in"), addresses=(ADDRESS,))),
        lambda: cce(through="true", given=IPVS).plus(Ingress(ref=Ref("bank", "in"), addresses=(ADDRESS,))),
    ),
    "external-ip-is-load-balancer": (
        lambda: usual().plus(service(ref=Ref("bank", "plain"), type="ClusterIP", external_ips=(ADDRESS,))),
        lambda: usual().plus(service(ref=Ref("bank", "plain"), type="ClusterIP", external_ips=("10.9.0.6",))),
    ),
    "duplicate-listener": (
        lambda: cce().plus(sibling(port=80)),
        lambda: cce().plus(sibling(port=81)),
    ),
    "unsupported-version": (old("v1.15.11"), old("v1.16.0")),
    "pass-through-version-disputed": (old("v1.18.0"), old("v1.19.0")),
    "pass-through-value-undocumented": (lambda: cce(through="false"), lambda: cce(through="true")),
    "pass-through-value-unknown": (lambda: cce(through="yes"), lambda: cce(through="true")),
    "pass-through-only-local": (
        lambda: cce(through="onlyLocal", external_policy=LOCAL),
        lambda: cce(through="true", external_policy=LOCAL),
    ),
    "pass-through-only-local-left-over": (
        lambda: cce(through="onlyLocal"),
        lambda: cce(through="onlyLocal", external_policy=LOCAL),
    ),
    "local-without-pass-through": (
        lambda: cce(external_policy=LOCAL),
        lambda: cce(through="onlyLocal", external_policy=LOCAL),
    ),
    "pass-through-not-cce": (
        lambda: cce(through="true", given={"platform": "generic"}),
        lambda: cce(through="true"),
    ),
    "meaningless-category": (
        lambda: cce(through="true", given=TURBO),
        lambda: cce(through="true"),
    ),
    "meaningless-proxy": (lambda: cce(given={"mode": "other"}), lambda: cce(given=IPVS)),
    "elb-class-not-cce": (lambda: cce(kind="dnat"), lambda: cce(kind="performance")),
    "load-balancer-class-foreign": (
        lambda: cce(load_balancer_class="metallb.io/metallb"),
        cce,
    ),
    "turbo-node-disputed": (lambda: cce(given=TURBO), lambda: cce(through="true", given=TURBO)),
    "turbo-local-host-network": (
        lambda: cce(external_policy=LOCAL, given=TURBO),
        lambda: cce(
            external_policy=LOCAL, given=TURBO, annotations={"kubernetes.io/hws-hostNetwork": "true"}
        ),
    ),
    "annotation-misspelt": (
        lambda: cce(annotations={"kubernetes.io/elb.passthrough": "true"}),
        lambda: cce(annotations={"kubernetes.io/elb.port": "80"}, through="true"),
    ),
    "elb-id-and-autocreate": (
        lambda: cce(
            ingress=(), annotations={"kubernetes.io/elb.id": "a", "kubernetes.io/elb.autocreate": "{}"}
        ),
        lambda: cce(annotations={"kubernetes.io/elb.id": "a", "kubernetes.io/elb.autocreate": "{}"}),
    ),
    "gitops-reverts": (
        lambda: cce(labels={"kustomize.toolkit.fluxcd.io/name": "shop"}),
        lambda: cce(labels={"app.kubernetes.io/name": "shop"}),
    ),
    "same-node-lockout": (
        lambda: cce(kind="performance", through="true"),
        lambda: cce(kind="union", through="true"),
    ),
    "backend-calls-itself": (
        lambda: cce(kind="performance", given=TURBO),
        lambda: cce(kind="performance", given=TURBO, ingress=(IngressPoint(ip="80.158.1.9"),)),
    ),
    "shared-same-node-disputed": (
        lambda: cce(through="true", external_policy=LOCAL),
        lambda: cce(kind="performance", through="true", external_policy=LOCAL),
    ),
    "load-balancer-bypassed": (cce, lambda: cce(through="true")),
    "tls-bypassed": (
        annotated("protocol-port", "https:80"),
        annotated("protocol-port", "https:80", through="true"),
    ),
    "access-list-bypassed": (annotated("acl-id", "x"), annotated("acl-id", "x", through="true")),
    "access-list-sees-nodes": (annotated("acl-id", "x", through="true"), annotated("acl-id", "x")),
    "public-address-from-inside": (
        lambda: cce(through="true", ingress=(IngressPoint(ip="80.158.1.9"),)),
        lambda: cce(through="true"),
    ),
    "health-check-off": (
        annotated("health-check-flag", "off", through="true"),
        annotated("health-check-flag", "on", through="true"),
    ),
    "members-unhealthy": (
        lambda: told(CloudBalancer(kind="union", members=3, unhealthy=("172.16.0.1:30080",))),
        lambda: told(CloudBalancer(kind="union", members=3)),
    ),
    "no-node-port": (lambda: usual(ports=(ServicePort(port=80),)), usual),
    "ip-mode-proxy-delivered-unchanged": (
        lambda: usual(ingress=(IngressPoint(ip=ADDRESS, ip_mode="Proxy"),), given={"delivery": "vip"}),
        lambda: usual(ingress=(IngressPoint(ip=ADDRESS, ip_mode="Proxy"),)),
    ),
    "session-affinity-one-source": (
        lambda: usual(session_affinity="ClientIP"),
        lambda: usual(session_affinity="ClientIP", external_policy=LOCAL),
    ),
    "no-address-yet": (lambda: usual(ingress=()), usual),
    "no-ready-endpoint": (lambda: usual(endpoints=GONE), usual),
    "family-not-served": (
        lambda: usual(ingress=(IngressPoint(ip="fd00::9"),), ip_families=("IPv4",)),
        lambda: usual(ingress=(IngressPoint(ip="fd00::9"),), ip_families=("IPv4", "IPv6")),
    ),
    "port-without-endpoints": (
        lambda: usual(ports=(ServicePort(port=80, name="http", node_port=30080),)),
        lambda: usual(ports=(ServicePort(port=80, name="http", node_port=30080),)).plus(
            replace(slice_of(endpoint("web-a", "n1", 11)), ports=(EndpointPort(port=8080, name="http"),))
        ),
    ),
    "only-terminating-endpoints": (lambda: usual(endpoints=LEAVING), lambda: usual(endpoints=GONE)),
    "endpoint-without-node": (
        lambda: usual(endpoints=(endpoint("web-a", "", 11),), external_policy=LOCAL),
        lambda: usual(endpoints=(endpoint("web-a", "", 11),)),
    ),
    "endpoint-on-missing-node": (
        lambda: usual(endpoints=(endpoint("web-a", "gone", 11),)),
        lambda: usual(endpoints=(endpoint("web-a", "", 11),)),
    ),
    "backend-on-excluded-node": (
        lambda: usual(external_policy=LOCAL).plus(node("n1", excluded=True)),
        lambda: usual(external_policy=LOCAL).plus(node("n2", excluded=True)),
    ),
    "every-node-excluded": (
        lambda: usual().plus(*(node(f"n{number}", excluded=True) for number in (1, 2, 3))),
        lambda: usual().plus(*(node(f"n{number}", excluded=True) for number in (1, 2))),
    ),
    "not-ready-published": (lambda: usual(publish_not_ready=True), usual),
    "internal-policy-leaks": (
        lambda: usual(internal_policy=LOCAL, given={"version": "v1.23.1"}),
        lambda: usual(internal_policy=LOCAL, given={"version": "v1.24.0"}),
    ),
    "holds-by-placement": (local("ipvs", "v1.30.0"), lambda: usual(given=IPVS)),
    "ipvs-host-no-local-endpoint": (local("ipvs", "v1.24.0"), local("ipvs", "v1.23.0")),
    "ipvs-no-local-endpoint": (local("ipvs", "v1.23.0"), local("ipvs", "v1.24.0")),
    "nftables-host-cut-off": (local("nftables", "v1.33.5"), local("nftables", "v1.33.6")),
    "iptables-host-cut-off": (local("iptables", "v1.14.0"), local("iptables", "v1.15.0")),
    "no-local-detector": (
        local("iptables", "v1.30.0", detector=False, cidr=None),
        local("ipvs", "v1.30.0", detector=False, cidr=None),
    ),
    "pods-outside-cluster-cidr": (
        local("iptables", "v1.30.0", cidr="10.200.0.0/16"),
        local("iptables", "v1.30.0", cidr="10.1.0.0/16"),
    ),
    "mixed-versions": (
        lambda: usual(given={"version": None}).plus(node("n3", kubelet_version="v1.29.0")),
        lambda: usual(given={"version": None}).plus(node("n3", kubelet_version="v1.30.9")),
    ),
    "version-unreadable": (
        lambda: usual(given={"version": None}).plus(node("n3", kubelet_version="banana")),
        lambda: usual(given={"version": None}),
    ),
    "external-ip-is-node": (
        lambda: usual(external_ips=("172.16.0.1",), given=IPVS),
        lambda: usual(external_ips=("172.16.9.1",), given=IPVS),
    ),
    "source-ranges-fatal": (
        lambda: usual(source_ranges=RANGES),
        lambda: usual(source_ranges=(*RANGES, "10.1.0.0/16", "172.16.0.0/24")),
    ),
    "source-ranges-ineffective": (
        lambda: usual(source_ranges=RANGES),
        lambda: usual(source_ranges=RANGES, given={"delivery": "vip"}),
    ),
    "ipvs-ranges-skip-hosts": (
        lambda: usual(source_ranges=RANGES, given={"mode": "ipvs", "version": "v1.28.0"}),
        lambda: usual(source_ranges=RANGES, given={"mode": "ipvs", "version": "v1.29.0"}),
    ),
    "proxy-mode-contradicts-version": (
        lambda: usual(given={"mode": "nftables", "version": "v1.28.9"}),
        lambda: usual(given={"mode": "nftables", "version": "v1.29.0"}),
    ),
    "nftables-source-ranges-broken": (
        lambda: usual(source_ranges=RANGES, given={"mode": "nftables", "version": "v1.29.3"}),
        lambda: usual(source_ranges=RANGES, given={"mode": "nftables", "version": "v1.31.0"}),
    ),
    "networkpolicy-source-changes": (fenced(cidr="10.1.0.0/16"), fenced(cidr="172.16.0.0/24")),
}


def codes(situation: Situation) -> set[str]:
    """The findings' codes."""
    return {finding.code for finding in situation.explain().findings}


@pytest.mark.parametrize("code", PAIRS)
def test_a_finding_fires_where_it_applies_and_nowhere_else(code: str) -> None:
    """One situation each way."""
    fires, silent = PAIRS[code]
    assert code in codes(fires())
    assert code not in codes(silent())


def test_every_finding_of_the_catalogue_has_its_pair() -> None:
    """A new code without situations does not get in."""
    assert set(PAIRS) == {rule.id for rule in RULES}


@pytest.mark.parametrize("code", PAIRS)
def test_a_finding_says_what_where_and_what_to_do(code: str) -> None:
    """Severity, message, evidence, fix and source are all there."""
    (found,) = {each.code: each for each in PAIRS[code][0]().explain().findings if each.code == code}.values()
    assert found.message
    assert found.evidence
    assert all(found.evidence)
    assert found.fix
    assert found.source


def test_findings_come_worst_first() -> None:
    """What would stop somebody is read first."""
    order = ["error", "warning", "info"]
    found = [finding.severity.value for finding in cce(kind="performance", through="true").explain().findings]
    assert found == sorted(found, key=order.index)


def test_a_sibling_in_another_namespace_is_named_with_both_settings() -> None:
    """The effective load balancer counts, not the namespace."""
    situation = cce(through="true", given=IPVS).plus(sibling())
    (finding,) = [each for each in situation.explain().findings if each.code == "ipvs-sibling-mismatch"]
    assert finding.severity == "error"
    assert any("shop/web" in each and '"true"' in each for each in finding.evidence)
    assert any("bank/other" in each and "absent" in each for each in finding.evidence)


def test_an_unknown_mode_makes_a_mismatch_a_warning() -> None:
    """It would be an error under IPVS."""
    situation = cce(through="true", given={"mode": None}).plus(sibling())
    (finding,) = [each for each in situation.explain().findings if each.code == "ipvs-sibling-mismatch"]
    assert finding.severity == "warning"


def unhealthy(members: int, *addresses: str, **changes: Any) -> tuple[str, str]:
    """Severity and message of what is said of the members that fail."""
    situation = told(CloudBalancer(kind="union", members=members, unhealthy=addresses), **changes)
    (finding,) = [each for each in situation.explain().findings if each.code == "members-unhealthy"]
    return str(finding.severity), finding.message


def test_members_that_all_fail_are_an_error_and_nodes_without_an_endpoint_fail_by_design() -> None:
    """Nobody behind the load balancer is worse than fewer; with policy Local some are meant to fail."""
    assert unhealthy(1, "172.16.0.1:30080") == (
        "error",
        "Every member of the load balancer fails its health check: who is sent through it reaches nobody.",
    )
    assert unhealthy(2, "172.16.0.1:30080")[0] == "warning"
    severity, message = unhealthy(2, "172.16.0.2:30080", external_policy=LOCAL)
    assert severity == "info"
    assert "by design" in message


def test_what_the_cloud_tells_of_the_kind_decides_where_the_annotation_is_silent() -> None:
    """A dedicated load balancer locks a backend's own node out; one of another id says nothing about this one."""
    dedicated = CloudBalancer(kind="performance", members=3)
    (finding,) = [
        each
        for each in told(dedicated, through="true").explain().findings
        if each.code == "same-node-lockout"
    ]
    assert finding.evidence[0] == "the cloud's API: elb.class is performance"
    assert "same-node-lockout" not in codes(told(dedicated, of="elb-2", through="true"))


def test_the_annotation_goes_before_the_cloud() -> None:
    """It cannot be changed after the Service was made, and it is what the Service says."""
    situation = cce(kind="union", annotations={ELB_ID: "elb-1"}, through="true")
    balancers = {"elb-1": CloudBalancer(kind="performance")}
    situation = replace(situation, given=replace(situation.given, balancers=balancers))
    assert "same-node-lockout" not in codes(situation)


@pytest.mark.parametrize(
    ("given", "through", "severity"),
    [({}, "true", "error"), ({"category": None}, "true", "warning"), ({}, "perhaps", "warning")],
)
def test_a_lock_out_that_is_not_sure_is_a_warning(given: dict[str, Any], through: str, severity: str) -> None:
    """A Turbo cluster has none, and nobody knows what an unknown value does."""
    situation = cce(kind="performance", through=through, given=given)
    (finding,) = [each for each in situation.explain().findings if each.code == "same-node-lockout"]
    assert finding.severity == severity


def test_a_load_balancer_that_speaks_to_pods_needs_no_node() -> None:
    """It is an error where it surely does not, and only possible where nobody knows."""
    excluded = [node(f"n{number}", excluded=True) for number in (1, 2, 3)]
    found = {
        delivery: [
            each.severity
            for each in usual(given={"delivery": delivery}).plus(*excluded).explain().findings
            if each.code == "every-node-excluded"
        ]
        for delivery in ("nodeport", "vip", "pod", None)
    }
    assert found == {"nodeport": ["error"], "vip": ["error"], "pod": [], None: ["warning"]}


@pytest.mark.parametrize(
    ("ingress", "matters"),
    [
        ((), False),
        ((PolicyRule(peers=(PolicyPeer(cidr="10.1.0.0/16"),)),), True),
        ((PolicyRule(peers=(PolicyPeer(pods=Selector(labels={"a": "b"})),)),), True),
        ((PolicyRule(ports=((Protocol.TCP, "9999", 0),)),), False),
        ((PolicyRule(peers=(PolicyPeer(cidr="10.1.0.0/16"),), ports=((Protocol.TCP, "9999", 0),)),), False),
        ((PolicyRule(),), False),
    ],
)
def test_a_policy_that_lets_nobody_in_does_not_care_who_comes(
    ingress: tuple[PolicyRule, ...], *, matters: bool
) -> None:
    """Deny all, or nothing on this port: before and after alike. Nor does one that lets everybody in."""
    policy = NetworkPolicy(ref=Ref("shop", "fence"), pods=Selector(), ingress=ingress)
    assert ("networkpolicy-source-changes" in codes(usual().plus(policy))) == matters


def test_a_policy_is_not_about_backends_on_the_host_network() -> None:
    """NetworkPolicies select Pods with addresses of their own."""
    fence = NetworkPolicy(
        ref=Ref("shop", "fence"),
        pods=Selector(),
        ingress=(PolicyRule(peers=(PolicyPeer(cidr="10.1.0.0/16"),)),),
    )
    host = pod("web-a", "n1", 11, host_network=True, labels={"app": "web"})
    assert "networkpolicy-source-changes" not in codes(usual().plus(fence, host))
