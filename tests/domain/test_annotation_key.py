"""Keys that are nearly CCE's own are recognised, and its own never are."""

import pytest

from bot.domain.annotation_key import DOMAIN, OTHERS, READ, meant

PASS = f"{DOMAIN}/elb.pass-through"


@pytest.mark.parametrize(
    "key",
    [
        "kubernetes.io/elb.passthrough",
        "kubernetes.io/elb.pass-throught",
        "kubernetes.io/elb.Pass-Through",
        "kubernetes.io/elb.pass_through",
        "kubernetes.io/elb.passThrough",
        "kubernetes.io/elb-pass-through",
        "kubernetes.io/elb.pass-trough",
        "kubernetes.io/ELB.pass-through",
        "kubernetes.io/elb.pass-thru",
        "kubernets.io/elb.pass-through",
        "k8s.io/elb.pass-through",
        "elb.pass-through",
        "Kubernetes.io/elb.pass-through",
    ],
)
def test_a_key_that_is_nearly_pass_through_is_taken_for_it(key: str) -> None:
    """Case, hyphens, a letter too many or too few, the domain."""
    assert meant(key) == PASS


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("kubernetes.io/elb.clas", "elb.class"),
        ("kubernetes.io/elb.ID", "elb.id"),
        ("kubernetes.io/elb.auto-create", "elb.autocreate"),
        ("kubernetes.io/elb.transparent-clientip", "elb.transparent-client-ip"),
        ("kubernetes.io/hws-hostnetwork", "hws-hostNetwork"),
    ],
)
def test_other_keys_that_decide_are_recognised_too(key: str, right: str) -> None:
    """Every key that a path or a finding reads may be misspelt."""
    assert meant(key) == f"{DOMAIN}/{right}"


@pytest.mark.parametrize("name", [*READ, *sorted(OTHERS)])
def test_a_key_of_the_vendor_s_pages_is_never_called_misspelt(name: str) -> None:
    """cce_10_0385 and its neighbours."""
    assert meant(f"{DOMAIN}/{name}") == ""


@pytest.mark.parametrize(
    "key",
    [
        "kubectl.kubernetes.io/last-applied-configuration",
        "service.beta.kubernetes.io/aws-load-balancer-type",
        "kubernetes.io/ingress.class",
        "kubernetes.io/elb.something-new",
        "meta.helm.sh/release-name",
        "example.com/elb.pass-through",
        "prometheus.io/port",
        "",
    ],
)
def test_a_key_that_is_nobody_s_misspelling_is_left_alone(key: str) -> None:
    """Other domains, other names."""
    assert meant(key) == ""
