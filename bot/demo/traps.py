"""The demo's clusters: the shop's, and in it and beside it one Service for every trap. Values only."""

from dataclasses import replace
from typing import Any

from bot.demo.scenario import (
    PROBES,
    BalancerSpec,
    Scenario,
    deployment,
    nodes,
    prod,
    service,
    with_argo,
)
from bot.demo.seam import Json
from bot.demo.slack.people import Trial

_PAYMENTS = BalancerSpec(name="payments-elb", kind="dedicated", vip="192.168.10.11")
_FRAUD = BalancerSpec(name="fraud-elb", kind="dedicated", vip="192.168.10.12")
_WEB = BalancerSpec(name="web-elb", kind="shared", vip="192.168.10.13", eip="80.158.1.13")
_TRACKING = BalancerSpec(name="tracking-elb", kind="shared", vip="192.168.10.14")
_SEARCH = BalancerSpec(name="search-elb", kind="dedicated", vip="192.168.20.9")


def clusters() -> tuple[Scenario, ...]:
    """The shop's own cluster first, then one that is CCE Turbo, and one that is not CCE."""
    return (shop(), turbo(), edge())


def shop() -> Scenario:
    """`prod`, an ordinary CCE cluster with IPVS: nothing is the matter with its traps until one asks.

    ledger: a dedicated load balancer, on which pass-through would lock out the backends' own nodes; at fraud it
    did. front and gateway: two namespaces on one load balancer. tracking: policy Local, for which CCE writes
    `onlyLocal`. cart: owned by Argo CD.
    """
    usual = with_argo(prod())
    return replace(
        usual,
        namespaces=(*usual.namespaces, "payments", "web", "api"),
        balancers=(*usual.balancers, _PAYMENTS, _FRAUD, _WEB, _TRACKING),
        manifests=(
            *usual.manifests,
            *_backed("payments", "ledger", _PAYMENTS, port=8443, replicas=2),
            *_backed("payments", "fraud", _FRAUD, port=9000, replicas=2, pass_through="true"),
            *_backed("web", "front", _WEB, port=80, replicas=2),
            *_backed("api", "gateway", _WEB, port=8443, replicas=2),
            *_backed("shop", "tracking", _TRACKING, port=80, replicas=2, policy="Local"),
        ),
    )


def turbo() -> Scenario:
    """`turbo`, CCE Turbo with iptables: a dedicated load balancer reaches Pods directly, and they reach it."""
    return Scenario(
        name="turbo",
        version="v1.31.4-r0",
        mode="iptables",
        category="turbo",
        cluster_cidr=None,
        nodes=nodes(2, network="192.168.20", pods=None),
        namespaces=("search", PROBES),
        balancers=(_SEARCH,),
        manifests=(
            *_backed("search", "suggest", _SEARCH, port=80, replicas=1),
            _clients("search", "indexer"),
        ),
        metering=prod().metering,
        seed=1,
    )


def edge() -> Scenario:
    """`edge`, a cluster of another cloud with nftables: there nothing reads the annotation that blog has."""
    return Scenario(
        name="edge",
        platform="generic",
        version="v1.33.3",
        mode="nftables",
        cluster_cidr="10.40.0.0/16",
        nodes=nodes(2, network="192.168.40", pods="10.40"),
        namespaces=("press", PROBES),
        manifests=(
            deployment("press", "blog", replicas=1, image="registry.example/press/blog:7", port=8080),
            service("press", "blog", port=80, target=8080, pass_through="true"),
            _clients("press", "reader"),
        ),
        metering=prod().metering,
        seed=2,
    )


def _backed(
    namespace: str, name: str, balancer: BalancerSpec, *, port: int, replicas: int, **more: Any
) -> tuple[Json, Json]:
    image = f"registry.example/{namespace}/{name}:1.0"
    class_ = "union" if balancer.kind == "shared" else "performance"
    return (
        deployment(namespace, name, replicas=replicas, image=image, port=8080),
        service(namespace, name, port=port, target=8080, class_=class_, id=balancer.id, **more),
    )


def _clients(namespace: str, name: str) -> Json:
    """Pods on both nodes that serve nobody."""
    return deployment(namespace, name, replicas=2, image=f"registry.example/{namespace}/{name}:1.0")


TRIALS = (
    Trial(
        says="Clients inside the cluster skip the TLS of their own load balancer. Begin here, and press the buttons.",
        command="/elb-passthrough status shop/checkout",
    ),
    Trial(
        says="When that is done, let a node forget pass-through (below), and measure: the verdict names the node.",
        command="/elb-passthrough verify shop/checkout",
    ),
    Trial(
        says="A dedicated ELB would lock out the nodes on which the backends run.",
        command="/elb-passthrough enable payments/ledger",
    ),
    Trial(
        says="There it was done all the same: every now and then a client is cut off. Take it back.",
        command="/elb-passthrough disable payments/fraud",
    ),
    Trial(
        says="Two Services in two namespaces share one ELB: under IPVS they change together.",
        command="/elb-passthrough enable web/front",
    ),
    Trial(
        says="Policy Local: CCE wrote the annotation itself, and would write it again.",
        command="/elb-passthrough disable shop/tracking",
    ),
    Trial(
        says="Argo CD owns this one, and undoes what anybody patches.",
        command="/elb-passthrough disable shop/cart",
    ),
    Trial(
        says="CCE Turbo: Pods reach the load balancer without any annotation.",
        command="/elb-passthrough enable turbo/search/suggest",
    ),
    Trial(
        says="Is the annotation read at all here? The bot says what it does not know.",
        command="/elb-passthrough status edge/press/blog",
    ),
)
"""What the page offers to try: each trap in a sentence, and the command that shows it."""
