"""A small cluster of network namespaces: three nodes, their Pods, a load balancer, and hosts outside.

Everything lies in namespaces that this module makes and removes; nothing leaves the machine. It needs root,
iproute2 and nftables. Addresses: nodes 192.168.0.0/24, Pods 10.0.0.0/16 (and 10.200.0.0/16, outside the cluster
CIDR), load balancer addresses 10.1.0.0/24, hosts outside 172.16.0.0/24.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

PREFIX = "elbpt-"
NODES = {"node-a": "192.168.0.11", "node-b": "192.168.0.12", "node-c": "192.168.0.13"}
PODS = {
    "web-a1": ("node-a", "10.0.1.11"),
    "web-a2": ("node-a", "10.0.1.12"),
    "web-b1": ("node-b", "10.0.2.11"),
    "client-a": ("node-a", "10.0.1.99"),
    "client-c": ("node-c", "10.0.3.99"),
    "strange-c": ("node-c", "10.200.3.98"),
    "strange-a": ("node-a", "10.200.1.98"),
}
"""Pod → its node and address. The strange ones lie outside the cluster CIDR."""
HOST_POD = ("web-host-b", "node-b")
BALANCER = "192.168.0.250"
OUTSIDE = {"node-a": "172.16.0.11", "node-b": "172.16.0.12", "node-c": "172.16.0.13"}
"""The host outside whose packets the load balancer hands to this node."""
POD_PORT, HOST_PORT = 8080, 9090


def run(*command: str, stdin: str | None = None) -> str:
    """Run a command; raises CalledProcessError with what it said."""
    return subprocess.run(command, input=stdin, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own ip and iptables


def within(namespace: str, *command: str) -> list[str]:
    """Return the command line that runs a command in a namespace."""
    return ["ip", "netns", "exec", PREFIX + namespace, *command]


def inside(namespace: str, *command: str, stdin: str | None = None) -> str:
    """Run a command in a namespace."""
    return run(*within(namespace, *command), stdin=stdin)


@contextmanager
def network() -> Iterator[None]:
    """Make everything, and remove it again."""
    _remove()
    try:
        _make()
        yield
    finally:
        _remove()


def _remove() -> None:
    for line in run("ip", "netns", "list").splitlines():
        name = line.split()[0]
        if name.startswith(PREFIX):
            run("ip", "netns", "del", name)


def _make() -> None:
    names = ["fabric", "balancer", "outside", *NODES, *PODS]
    for name in names:
        run("ip", "netns", "add", PREFIX + name)
        inside(name, "ip", "link", "set", "lo", "up")
    inside("fabric", "ip", "link", "add", "br0", "type", "bridge")
    inside("fabric", "ip", "link", "set", "br0", "up")
    for name, address in [*NODES.items(), ("balancer", BALANCER)]:
        _plug(name, f"{address}/24")
        _route(name)
    for node in NODES:
        inside(node, "ip", "route", "add", "default", "via", BALANCER)
    for pod, (node, address) in PODS.items():
        _pod(pod, node, address)
    _outside()
    _pod_routes()
    _unchanged()


def _plug(name: str, address: str) -> None:
    port = f"p-{name}"
    inside(
        "fabric", "ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", PREFIX + name
    )
    inside("fabric", "ip", "link", "set", port, "master", "br0", "up")
    inside(name, "ip", "address", "add", address, "dev", "eth0")
    inside(name, "ip", "link", "set", "eth0", "up")


def _route(name: str) -> None:
    settings = ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"]
    # A real network does not ask whether a host has been refused often.
    settings += ["net.ipv4.icmp_ratelimit=0", "net.ipv4.icmp_ratemask=0", "net.ipv4.icmp_msgs_per_sec=100000"]
    inside(name, "sysctl", "-qw", *settings, "net.ipv4.conf.all.send_redirects=0")
    inside(name, "sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=0", "net.ipv4.conf.eth0.send_redirects=0")


def _pod(pod: str, node: str, address: str) -> None:
    port = f"v-{pod}"
    inside(node, "ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", PREFIX + pod)
    inside(node, "sysctl", "-qw", f"net.ipv4.conf.{port}.rp_filter=0", f"net.ipv4.conf.{port}.proxy_arp=1")
    inside(node, "ip", "link", "set", port, "up")
    inside(node, "ip", "address", "add", "169.254.1.1/32", "dev", port)
    inside(node, "ip", "route", "add", address, "dev", port)
    inside(pod, "ip", "address", "add", f"{address}/32", "dev", "eth0")
    inside(pod, "ip", "link", "set", "eth0", "up")
    inside(pod, "ip", "route", "add", "169.254.1.1", "dev", "eth0")
    inside(pod, "ip", "route", "add", "default", "via", "169.254.1.1")


def _outside() -> None:
    made = ["ip", "link", "add", "out0", "type", "veth", "peer", "name", "eth0", "netns", PREFIX + "outside"]
    inside("balancer", *made)
    inside("balancer", "sysctl", "-qw", "net.ipv4.conf.out0.rp_filter=0")
    inside("balancer", "ip", "address", "add", "172.16.0.1/24", "dev", "out0")
    inside("balancer", "ip", "link", "set", "out0", "up")
    for address in OUTSIDE.values():
        inside("outside", "ip", "address", "add", f"{address}/24", "dev", "eth0")
    inside("outside", "ip", "link", "set", "eth0", "up")
    inside("outside", "ip", "route", "add", "default", "via", "172.16.0.1")


def _pod_routes() -> None:
    for owner in [*NODES, "balancer"]:
        for node, address in PODS.values():
            if node != owner:
                inside(owner, "ip", "route", "add", address, "via", NODES[node])


def _unchanged() -> None:
    """Packets to 10.1.1.0/24 are handed on as they are, to the node that the host outside stands for."""
    for table, (node, address) in enumerate(OUTSIDE.items(), start=101):
        inside("balancer", "ip", "rule", "add", "from", address, "to", "10.1.1.0/24", "lookup", str(table))
        inside("balancer", "ip", "route", "add", "default", "via", NODES[node], "table", str(table))


def balance(*, count: Iterable[str], choose: Iterable[str]) -> None:
    """Replace what the load balancer does: rules that count new connections, and rules that choose a node."""
    text = "\n".join(
        [
            "table ip balancer",
            "delete table ip balancer",
            "table ip balancer {",
            "  chain counted { type filter hook prerouting priority -150;",
            *count,
            "  }",
            "  chain chosen { type nat hook prerouting priority -100;",
            *choose,
            "  }",
            "  chain sent { type nat hook postrouting priority 100; ct status dnat masquerade; }",
            "}",
        ]
    )
    inside("balancer", "nft", "-f", "-", stdin=text)


def crossed() -> dict[str, int]:
    """Return the load balancer's new connections since `balance`, by address."""
    counted: dict[str, int] = {}
    listed = json.loads(inside("balancer", "nft", "-j", "list", "chain", "ip", "balancer", "counted"))
    for entry in listed["nftables"]:
        if rule := entry.get("rule"):
            packets = next(each["counter"]["packets"] for each in rule["expr"] if "counter" in each)
            counted[rule["comment"]] = packets
    return counted
