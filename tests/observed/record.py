"""Record what a real kube-proxy does: `python -m tests.observed.record KUBE_PROXY KUBECONFIG MODE FILE`.

It needs root, iproute2, nftables, iptables, a kube-apiserver of one's own with nothing in it that matters (named
by a kubeconfig with a token), and kube-proxy's program. It writes the objects and every outcome to FILE.
"""

import argparse
import asyncio
import ctypes
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import yaml

from tests.observed import network
from tests.observed.situations import NAMESPACE, Situation, addresses, situations, zone

Document = dict[str, Any]
HERE = Path(__file__).parent
CLUSTER_CIDR = "10.0.0.0/16"
ATTEMPTS, PATIENCE = 16, 2.5
"""Connections per client and address, and seconds for each."""
CLONE_NEWNET = 0x40000000


class Api:
    """The API server, asked as plainly as possible."""

    def __init__(self, kubeconfig: Path) -> None:
        told = yaml.safe_load(kubeconfig.read_text())
        self.server: str = told["clusters"][0]["cluster"]["server"]
        self._token: str = told["users"][0]["user"]["token"]
        self._trust = ssl.create_default_context(
            cafile=told["clusters"][0]["cluster"]["certificate-authority"]
        )

    def call(self, method: str, path: str, body: Document | None = None) -> Document:
        """Return the answer; an object that is there already, or not there, is none."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        head = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.server + path, data=data, headers=head, method=method)  # noqa: S310 - https, ours
        try:
            with urlopen(request, context=self._trust, timeout=30) as answer:  # noqa: S310 - the same
                read: Document = json.loads(answer.read())
                return read
        except HTTPError as refused:
            if refused.code in {404, 409}:
                return {}
            raise RuntimeError(f"{method} {path}: {refused.read().decode()[:300]}") from refused


def populate(api: Api, tried: Sequence[Situation]) -> None:
    """Make nodes, Pods, Services and EndpointSlices anew."""
    core, slices = "/api/v1", "/apis/discovery.k8s.io/v1"
    here = f"{core}/namespaces/{NAMESPACE}"
    api.call("POST", f"{core}/namespaces", {"metadata": {"name": NAMESPACE}})
    for listed, each in (
        (f"{here}/services", None),
        (f"{slices}/namespaces/{NAMESPACE}/endpointslices", None),
    ):
        for old in api.call("GET", listed)["items"]:
            api.call("DELETE", f"{listed}/{old['metadata']['name']}", each)
    for node, address in network.NODES.items():
        labels = {"kubernetes.io/hostname": node, "topology.kubernetes.io/zone": zone(node)}
        api.call("DELETE", f"{core}/nodes/{node}")
        api.call("POST", f"{core}/nodes", {"metadata": {"name": node, "labels": labels}})
        status = {
            "addresses": [{"type": "InternalIP", "address": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.36.0"},
        }
        api.call("PATCH", f"{core}/nodes/{node}/status", {"status": status})
    for number, each in enumerate(tried, start=1):
        service = each.service(number)
        api.call("POST", f"{here}/services", service)
        api.call("PATCH", f"{here}/services/{each.name}/status", {"status": service["status"]})
        for made in each.slices():
            api.call("POST", f"{slices}/namespaces/{NAMESPACE}/endpointslices", made)


@contextmanager
def relayed(namespace: str, server: str) -> Iterator[None]:
    """Let the API server's loopback port be reached from within a namespace."""
    to = urlsplit(server)
    assert to.hostname
    assert to.port
    target = (to.hostname, to.port)
    libc, home = ctypes.CDLL(None, use_errno=True), os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{network.PREFIX}{namespace}", os.O_RDONLY)
    # A socket belongs to the namespace in which it was made, whichever its thread is in later.
    if libc.setns(there, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    try:
        listener = socket.create_server(target)
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(there)
        os.close(home)
    threading.Thread(target=_accept, args=(listener, target), daemon=True).start()
    try:
        yield
    finally:
        listener.close()


def _accept(listener: socket.socket, target: tuple[str, int]) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        far = socket.create_connection(target)
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@contextmanager
def process(*command: str, log: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a command until the block is left; its first line of output means that it is ready."""
    out = log.open("w") if log else subprocess.PIPE
    with subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, text=True) as started:  # noqa: S603 - the program that is observed
        try:
            if started.stdout is not None:
                started.stdout.readline()
            yield started
        finally:
            started.terminate()
            started.wait(10)


def proxy_config(mode: str, node: str, kubeconfig: Path, *, detector: bool) -> Document:
    """Return kube-proxy's configuration: everything at its default that has to do with forwarding."""
    local = {"detectLocalMode": "ClusterCIDR", "clusterCIDR": CLUSTER_CIDR} if detector else {}
    quick = {"syncPeriod": "30s", "minSyncPeriod": "100ms"}
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": mode,
        "hostnameOverride": node,
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpCloseWaitTimeout": "0s", "tcpEstablishedTimeout": "0s"},
        "iptables": quick,
        "nftables": quick,
        **local,
    }


def healthy(tried: Sequence[Situation], listed: dict[str, Document]) -> dict[str, list[str]]:
    """Ask every node's health check as a load balancer does; return the nodes that it would choose from."""
    chosen: dict[str, list[str]] = {}
    for each in tried:
        port = listed[each.name]["spec"].get("healthCheckNodePort")
        checked = [n for n in network.NODES if not port or _checked(n, port)]
        chosen[each.name] = checked
    return chosen


def _checked(node: str, port: int) -> bool:
    ask = f"import urllib.request as u; u.urlopen('http://{network.NODES[node]}:{port}', timeout=3)"
    try:
        network.inside("balancer", sys.executable, "-c", ask)
    except subprocess.CalledProcessError:
        return False
    return True


def rules(
    tried: Sequence[Situation], listed: dict[str, Document], up: dict[str, list[str]]
) -> tuple[list[str], list[str]]:
    """Return the load balancer's rules: what is counted, and which node gets what."""
    count, choose = [], []
    for number, each in enumerate(tried, start=1):
        nodeport_ip, vip = addresses(number)
        count += [
            f'ip daddr {ip} tcp flags syn / syn,ack counter comment "{ip}"' for ip in (nodeport_ip, vip)
        ]
        port = listed[each.name]["spec"]["ports"][0].get("nodePort")
        if port is None:
            choose.append(f"ip daddr {nodeport_ip} tcp dport 80 drop")
            continue
        for node, outside in network.OUTSIDE.items():
            choose.append(
                f"ip saddr {outside} ip daddr {nodeport_ip} tcp dport 80 dnat to {network.NODES[node]}:{port}"
            )
        if nodes := up[each.name]:
            pairs = ", ".join(f"{i} : {network.NODES[n]}" for i, n in enumerate(nodes))
            choose.append(
                f"ip daddr {nodeport_ip} tcp dport 80 dnat to numgen inc mod {len(nodes)} map {{ {pairs} }} : {port}"
            )
        else:
            choose.append(f"ip daddr {nodeport_ip} tcp dport 80 drop")
    return count, choose


def call(client: str, source: str | None, targets: Sequence[str]) -> Document:
    """Let a client open its connections; return the outcomes and what crossed the load balancer."""
    asked = {"source": source, "targets": targets, "attempts": ATTEMPTS, "timeout": PATIENCE}
    said = network.inside(client, sys.executable, str(HERE / "calling.py"), stdin=json.dumps(asked))
    heard: Document = json.loads(said)
    return heard


def observe(tried: Sequence[Situation], count: list[str], choose: list[str]) -> Iterator[Document]:
    """Let every client try every Service, and yield each outcome."""
    first = [addresses(n)[0] for n in range(1, len(tried) + 1)]
    inner = [*network.PODS, *network.NODES]
    for client in inner:
        yield from _tried(tried, first, client, None, count, choose)
    both = [ip for n in range(1, len(tried) + 1) for ip in addresses(n)]
    for node, outside in network.OUTSIDE.items():
        for seen in _tried(tried, both, "outside", outside, count, choose):
            yield {**seen, "arrivesAt": node}


def _tried(
    tried: Sequence[Situation],
    ips: Sequence[str],
    client: str,
    source: str | None,
    count: list[str],
    choose: list[str],
) -> Iterator[Document]:
    network.balance(count=count, choose=choose)
    heard = call(client, source, [f"{ip}:80" for ip in ips])
    crossed = network.crossed()
    for ip in ips:
        name = tried[int(ip.rpartition(".")[2]) - 1].name
        yield {
            "service": name,
            "client": client,
            **({"source": source} if source else {}),
            "ip": ip,
            "outcomes": heard[f"{ip}:80"],
            "crossed": crossed[ip] > 0,
        }


def main() -> None:
    """Record one mode."""
    parser = argparse.ArgumentParser(prog="python -m tests.observed.record", description=__doc__)
    parser.add_argument("kube_proxy", type=Path)
    parser.add_argument("kubeconfig", type=Path)
    parser.add_argument("mode", choices=["iptables", "nftables"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--no-detector", action="store_true")
    parser.add_argument("--drawn", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    api, tried = Api(args.kubeconfig), situations(args.drawn, args.seed)
    populate(api, tried)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory()))
        stack.enter_context(network.network())
        for pod in network.PODS:
            if pod.startswith("web"):
                stack.enter_context(_answering(pod, pod, network.POD_PORT))
        stack.enter_context(_answering(network.HOST_POD[1], network.HOST_POD[0], network.HOST_PORT))
        for node in network.NODES:
            stack.enter_context(relayed(node, api.server))
            config = scratch / f"{node}.json"
            config.write_text(
                json.dumps(
                    proxy_config(args.mode, node, args.kubeconfig.resolve(), detector=not args.no_detector)
                )
            )
            command = network.within(node, str(args.kube_proxy), f"--config={config}")
            stack.enter_context(process(*command, log=args.file.with_suffix(f".{node}.log")))
        listed = _settled(api, len(tried))
        up = healthy(tried, listed)
        count, choose = rules(tried, listed, up)
        seen = list(observe(tried, count, choose))
    args.file.write_text(written(api, listed, seen, mode=args.mode, detector=not args.no_detector))
    sys.stdout.write(f"{len(tried)} Services, {len(seen)} observations\n")


def written(
    api: Api, listed: dict[str, Document], seen: Sequence[Document], *, mode: str, detector: bool
) -> str:
    """Return the recording: one object and one observation a line, so that two recordings can be compared."""
    slices = api.call("GET", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices")["items"]
    nodes = api.call("GET", "/api/v1/nodes")["items"]
    kinds = (
        ("Service", "v1", listed.values()),
        ("EndpointSlice", "discovery.k8s.io/v1", slices),
        ("Node", "v1", nodes),
    )
    objects = [_trimmed(each, kind, version) for kind, version, items in kinds for each in items]
    parts = {
        "kubeProxy": json.dumps({"mode": mode, "localDetector": detector}),
        "items": _lines(objects),
        "observed": _lines(seen),
    }
    return "{\n" + ",\n".join(f'"{name}": {text}' for name, text in parts.items()) + "\n}\n"


def _lines(each: Iterable[Document]) -> str:
    return "[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in each) + "\n]"


def _trimmed(made: Document, kind: str, version: str) -> Document:
    kept = {k: v for k, v in made["metadata"].items() if k in {"name", "namespace", "labels", "annotations"}}
    rest = {k: v for k, v in made.items() if k not in {"metadata", "apiVersion", "kind"}}
    return {"apiVersion": version, "kind": kind, "metadata": kept, **rest}


def _answering(namespace: str, name: str, port: int) -> Any:
    return process(*network.within(namespace, sys.executable, str(HERE / "answering.py"), name, str(port)))


def _settled(api: Api, services: int) -> dict[str, Document]:
    """Wait until every node's kube-proxy has written its rules, and return the Services."""
    deadline = time.monotonic() + 60
    for node in network.NODES:
        while True:
            try:
                said = network.inside(node, sys.executable, "-c", _METRICS)
            except subprocess.CalledProcessError:
                said = ""
            if float(said or 0) > 0:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"kube-proxy on {node} wrote no rules")
            asyncio.run(asyncio.sleep(0.3))
    listed = {
        s["metadata"]["name"]: s for s in api.call("GET", f"/api/v1/namespaces/{NAMESPACE}/services")["items"]
    }
    assert len(listed) == services
    return listed


_METRICS = """
import re, urllib.request
text = urllib.request.urlopen("http://127.0.0.1:10249/metrics", timeout=3).read().decode()
print(re.search(r"^kubeproxy_sync_proxy_rules_duration_seconds_count(?:{[^}]*})? (\\S+)", text, re.M).group(1))
"""


if __name__ == "__main__":
    main()
