from typing import Any

import pytest

from bot.domain.cluster_facts import ClusterFacts
from bot.domain.fact import Fact, Origin
from bot.domain.objects import Endpoint, EndpointSlice, Node, Pod, Ref, Service
from bot.domain.snapshot import Inventory, Snapshot
from bot.domain.verification_target import OffLimits, off_limits


def snapshot() -> Snapshot:
    """A cluster that has one of everything."""
    inventory = Inventory()
    ref = Ref("shop", "checkout")
    inventory.put(
        Node(name="a", internal_ips=("192.168.0.4",), external_ips=("80.1.1.1",), pod_cidrs=("10.1.0.0/25",))
    )
    inventory.put(Pod(ref=Ref("shop", "p"), node="a", ips=("10.2.0.9", "fd00::9")))
    inventory.put(Service(ref=Ref("default", "kubernetes"), cluster_ips=("10.247.0.1",)))
    inventory.put(EndpointSlice(ref=ref, service=ref, family="IPv4", endpoints=(Endpoint(ip="172.16.0.7"),)))
    facts = ClusterFacts(
        cluster_cidr=Fact(name="kubeProxy.clusterCIDR", value="10.8.0.0/16,fd10::/64", origin=Origin.CONFIG)
    )
    return inventory.snapshot(facts)


def refusal(ip: str, **known: Any) -> str:
    """Why the cluster's probes may not connect to an address."""
    found: OffLimits = off_limits(snapshot(), **known)
    return found.refusal(ip)


@pytest.mark.parametrize("ip", ["192.168.0.133", "10.0.0.9", "80.158.1.9", "2001:db8:1::9", "100.125.0.4"])
def test_a_load_balancers_own_address_is_a_target(ip: str) -> None:
    """Private, public, IPv6, and the shared range of the vendor."""
    assert refusal(ip) == ""


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "0.0.0.0",  # noqa: S104  an address to refuse, nothing is bound
        "::",
        "169.254.169.254",
        "169.254.0.3",
        "fe80::1",
        "fe80::1%eth0",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:192.168.0.4",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "240.0.0.1",
    ],
)
def test_no_address_with_a_special_meaning_is_a_target(ip: str) -> None:
    """Whatever a Service's status claims: anybody who may write one could point the probes at it."""
    assert refusal(ip) in {
        "it is a loopback, link-local or otherwise special address",
        "a node has it",
        "it is no IP address",
    }


@pytest.mark.parametrize(
    ("ip", "why"),
    [
        ("192.168.0.4", "a node has it"),
        ("80.1.1.1", "a node has it"),
        ("10.1.0.77", "it lies in the range of the Pods"),
        ("10.2.0.9", "a Pod has it"),
        ("fd00::9", "a Pod has it"),
        ("10.247.0.1", "a Service inside the cluster has it"),
        ("172.16.0.7", "an endpoint has it"),
        ("10.8.3.4", "it lies in the range of the Pods"),
        ("fd10::3", "it lies in the range of the Pods"),
    ],
)
def test_nothing_of_the_cluster_itself_is_a_target(ip: str, why: str) -> None:
    """Nodes, Pods, endpoints, cluster addresses and the ranges that Pods get theirs from."""
    assert refusal(ip) == why


def test_the_api_server_is_no_target() -> None:
    """On CCE it has an address of the same network as the load balancers; a name of it is no address."""
    assert refusal("192.168.0.244") == ""
    assert (
        refusal("192.168.0.244", api_server=("192.168.0.244", "api.example.com")) == "the API server has it"
    )


def test_what_the_cloud_does_not_know_as_the_load_balancers_is_no_target() -> None:
    """A status that anybody may write is not believed against the ELB API; where it was not asked, it is."""
    told = ("10.9.0.9", "", "no address")
    assert refusal("10.9.0.9", balancer=told) == ""
    assert refusal("10.9.0.8", balancer=told) == "the load balancer does not have it, says the cloud's API"
    assert refusal("10.9.0.8", balancer=None) == ""


@pytest.mark.parametrize(
    "name", ["", "elb.example.com", "10.0.0", "10.0.0.9/32", "010.0.0.9", "10.0.0.9:443"]
)
def test_what_is_no_address_is_no_target(name: str) -> None:
    """Host names are resolved and pinned elsewhere, or not probed."""
    assert refusal(name) == "it is no IP address"
