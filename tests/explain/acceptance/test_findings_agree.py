"""Findings say no more than the paths they are about: told flatly only where a path shows it, else as possible.

Random situations, most of them with facts that nobody knows; every finding about traffic is held against the paths of
all classes of clients, and every flat one needs a path on which it surely comes about.
"""

from collections.abc import Callable
from random import Random

import pytest

from .asking import Document, contradictions, explain
from .world import (
    CLASS,
    EIP,
    LEAVING,
    NOT_READY,
    PASS,
    READY,
    VIP,
    cluster,
    endpoint,
    facts,
    service,
    slice_of,
)

SIBLING = {"port": 443, "nodePort": 31443, "targetPort": 8443, "protocol": "TCP"}
MINORS = (15, 17, 19, 22, 23, 24, 25, 27, 28, 29, 30, 31, 33, 34, 36)


def told(random: Random, *, cce: bool) -> Document:
    """Facts, each of them perhaps not there."""
    mode = random.choice(["iptables", "ipvs", "nftables"])
    minor = random.choice([m for m in MINORS if mode != "nftables" or m >= 29])
    proxy = {
        "mode": mode if random.random() < 0.7 else None,
        "localDetector": random.choice([True, False, None]),
    }
    return facts(
        platform=random.choice(["cce", "cce", None]) if cce else random.choice(["generic", "generic", None]),
        category=random.choice(["standard", "standard", "turbo", None]) if cce else None,
        kubernetesVersion=f"v1.{minor}.0" if random.random() < 0.7 else None,
        kubeProxy={name: value for name, value in proxy.items() if value is not None},
        loadBalancer={} if cce else {"delivery": random.choice(["nodeport", "pod", "vip"])},
    )


def annotations(random: Random) -> dict[str, str]:
    """What a CCE Service may say."""
    every = {
        PASS: random.choice(["true", "onlyLocal", "false", "TRUE", None]),
        CLASS: random.choice(["union", "performance", "performance", None]),
        "kubernetes.io/elb.protocol-port": random.choice(["https:80", None, None]),
        "kubernetes.io/elb.acl-id": random.choice(["list", None, None]),
    }
    return {key: value for key, value in every.items() if value is not None}


def situation(random: Random) -> list[Document]:
    """A cluster with one Service, perhaps a sibling, and facts with gaps."""
    cce = random.random() < 0.7
    ingress: list[Document] = [{"ip": VIP}]
    if mode := random.choice([None, None, "Proxy"]):
        ingress[0]["ipMode"] = mode
    ingress += random.choice([[], [], [{"ip": EIP}]])
    more: Document = {}
    if ranges := random.choice([None, None, ["10.0.0.0/16"], ["192.168.1.0/24"], ["203.0.113.0/24"]]):
        more["loadBalancerSourceRanges"] = ranges
    port: Document = {"port": 80, "targetPort": 8080, "protocol": "TCP"}
    if random.random() < 0.85:
        port["nodePort"] = 31080
    else:
        more["allocateLoadBalancerNodePorts"] = False
    states = [random.choice([READY, READY, LEAVING, NOT_READY]) for _ in range(2)]
    endpoints = [
        endpoint("10.0.1.10", "node-a", "web-a", conditions=states[0]),
        endpoint("10.0.2.10", "node-b", "web-b", conditions=states[1]),
    ][: random.choice([1, 2])]
    sibling = service("other", ports=[SIBLING], annotations={PASS: "true"} if random.random() < 0.5 else {})
    return [
        told(random, cce=cce),
        service(
            policy=random.choice(["Cluster", "Local"]),
            ingress=random.choice([ingress, ingress, ingress, [{"hostname": "lb.example"}]]),
            annotations=annotations(random) if cce else {},
            ports=[port],
            **more,
        ),
        slice_of("web", endpoints),
        *cluster(),
        *([sibling] if random.random() < 0.3 else []),
    ]


Law = Callable[[list[Document]], bool]


def ends(*kinds: str) -> Law:
    """Some client inside surely does not get there, or only sometimes, with such an end."""
    return lambda paths: any(
        path["verdict"] in {"unreachable", "ambiguous"} and kinds_of(path) & set(kinds) for path in paths
    )


def kinds_of(path: Document) -> set[str]:
    """How the path's traces end."""
    return {trace["end"] for trace in path["traces"]}


def past(paths: list[Document]) -> bool:
    """Some client inside surely goes past the load balancer."""
    return any(path["viaLoadBalancer"] is False for path in paths)


SURELY: dict[str, Law] = {
    "load-balancer-bypassed": past,
    "tls-bypassed": past,
    "access-list-bypassed": past,
    "source-ranges-fatal": ends("drop", "reject"),
    "ipvs-host-no-local-endpoint": ends("reply-lost", "drop"),
    "ipvs-no-local-endpoint": ends("reject", "drop"),
    "nftables-host-cut-off": ends("drop"),
    "iptables-host-cut-off": ends("drop"),
    "no-local-detector": ends("drop"),
}
"""What some path must show where the finding is told flatly."""
NOBODY_THERE = {"no-ready-endpoint", "only-terminating-endpoints", "no-node-port", "ipvs-sibling-mismatch"}
"""With these nobody is lost on a backend's own node, because nobody gets as far."""


def flaws(explanation: Document) -> list[str]:
    """Findings and remedies of one answer that its paths contradict."""
    inside = [path for path in explanation["paths"] if path["client"]["kind"] != "external"]
    findings = {finding["code"]: finding for finding in explanation["findings"]}
    flat = {code for code, finding in findings.items() if not finding["message"].startswith("Perhaps")}
    found = [code for code in sorted(flat & SURELY.keys()) if not SURELY[code](inside)]
    # What a Turbo node's own processes do has a finding of its own.
    pods = [path for path in inside if path["client"]["class"].startswith(("pod", "backend", "leaving"))]
    arriving = [path for path in pods if path["verdict"] == "reachable"]
    if past(arriving) and "load-balancer-bypassed" not in findings:
        found.append("Pods go past the load balancer, and nothing says so")
    if findings.keys() - flat and any(
        findings[code]["severity"] == "error" for code in findings.keys() - flat
    ):
        found.append("what is only possible is no error")
    return [*found, *_lockout(inside, findings, flat), *_remedies(explanation)]


def _lockout(inside: list[Document], findings: Document, flat: set[str]) -> list[str]:
    if NOBODY_THERE & findings.keys():
        return []
    lost = [path for path in inside if any(_lost(trace) for trace in path["traces"])]
    if not lost:
        return ["same-node-lockout, and nobody is lost"] * ("same-node-lockout" in flat)
    told = [] if "same-node-lockout" in findings else ["a reply is lost, and no finding says why"]
    unsure = all(path["verdict"] == "undetermined" for path in lost)
    return told + ["same-node-lockout told flatly"] * (unsure and "same-node-lockout" in flat)


def _lost(trace: Document) -> bool:
    return any(hop["rule"] == "elb-same-node-reply-lost" for hop in trace["hops"])


def _remedies(explanation: Document) -> list[str]:
    codes = {remedy["code"] for remedy in explanation["remedies"]}
    on = explanation["passThrough"]["state"] == "on"
    return ["pass-through recommended where it is on"] * (on and "pass-through" in codes)


def losers(documents: list[Document]) -> list[Document]:
    """Who would lose access by pass-through, whatever of the cluster is not known."""
    answer = explain(documents, "--service", "default/web", "--set", f"{PASS}=true")
    ((explanation),) = answer.explanations
    return [each for each in explanation["changes"] if each["effect"] == "loses"]


@pytest.mark.parametrize("seed", range(20))
def test_findings_and_remedies_agree_with_the_paths(seed: int) -> None:
    """Twelve random situations for each seed."""
    random = Random(seed)  # noqa: S311  situations, not secrets
    for number in range(12):
        documents = situation(random)
        answer = explain(documents, "--service", "default/web")
        assert answer.status == 0, answer.err
        (explanation,) = answer.explanations
        assert flaws(explanation) == [], (number, documents[0], documents[1])
        if any(remedy["code"] == "pass-through" for remedy in explanation["remedies"]):
            assert losers(documents) == [], (number, documents[0], documents[1])
        assert [law for path in explanation["paths"] for law in contradictions(path)] == []
