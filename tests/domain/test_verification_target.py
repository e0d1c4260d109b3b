import pytest

from bot.domain.cluster_facts import ClusterFacts
from bot.domain.fact import Fact, Origin
from bot.domain.objects import Endpoint, EndpointSlice, Node, Pod, Ref, Service
from bot.domain.snapshot import Inventory, Snapshot
from bot.domain.verification_target import safe_target


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


@pytest.mark.parametrize("ip", ["192.168.0.133", "10.0.0.9", "80.158.1.9", "2001:db8:1::9", "100.125.0.4"])
def test_a_load_balancers_own_address_is_a_target(ip: str) -> None:
    """Private, public, IPv6, and the shared range of the vendor."""
    assert safe_target(ip, snapshot())


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
    assert not safe_target(ip, snapshot())


@pytest.mark.parametrize(
    "ip",
    [
        "192.168.0.4",
        "80.1.1.1",
        "10.1.0.77",
        "10.2.0.9",
        "fd00::9",
        "10.247.0.1",
        "172.16.0.7",
        "10.8.3.4",
        "fd10::3",
    ],
)
def test_nothing_of_the_cluster_itself_is_a_target(ip: str) -> None:
    """Nodes, Pods, endpoints, cluster addresses and the ranges that Pods get theirs from."""
    assert not safe_target(ip, snapshot())


@pytest.mark.parametrize(
    "name", ["", "elb.example.com", "10.0.0", "10.0.0.9/32", "010.0.0.9", "10.0.0.9:443"]
)
def test_what_is_no_address_is_no_target(name: str) -> None:
    """Host names are resolved and pinned elsewhere, or not probed."""
    assert not safe_target(name, snapshot())
