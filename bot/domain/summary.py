"""An explanation in few words: one line for a notification, one word for a list, the name of each class."""

from bot.domain.explanation import Client, ClientKind, Explanation, Path, Verdict

_WORST = (Verdict.UNREACHABLE, Verdict.AMBIGUOUS, Verdict.UNDETERMINED, Verdict.REACHABLE)


def worst(explanation: Explanation) -> Verdict | None:
    """Return the worst verdict of all paths; None where there is no path."""
    verdicts = {path.verdict for path in explanation.paths}
    return next((verdict for verdict in _WORST if verdict in verdicts), None)


_CLASSES = {
    "external": "outside the cluster",
    "pod-with-leaving-backend": "pods, node with a leaving backend",
    "pod-with-backend": "pods, node with a backend",
    "pod-without-backend": "pods, node without one",
    "node-with-leaving-backend": "processes on nodes with a leaving backend",
    "node-with-backend": "processes on nodes with a backend",
    "node-without-backend": "processes on nodes without one",
    "backend": "a backend pod calling itself",
}


def client_words(client: Client) -> str:
    """Name a client, or its class with what sets it apart, as people read it."""
    if client.group:
        return _class_words(client.group)
    name = f"{client.namespace}/{client.name}" if client.namespace else client.name
    return f"{client.kind} {name}"


def _class_words(group: str) -> str:
    for code, words in _CLASSES.items():
        if group == code:
            return words
        if group.startswith(f"{code}-"):
            return f"{words} ({group.removeprefix(f'{code}-')})"
    return group.replace("-", " ")


def headline(explanation: Explanation) -> str:
    """Say in one line how clients inside the cluster fare."""
    inside = [path for path in explanation.paths if path.client.kind is not ClientKind.EXTERNAL]
    through = {path.via_load_balancer for path in inside}
    return (
        f"{_through(through)}; {_cut_off(explanation.paths)}"
        if inside
        else "there is no client inside the cluster"
    )


def _through(through: set[bool | None]) -> str:
    if through == {False}:
        return "in-cluster clients bypass the load balancer"
    if through == {True}:
        return "in-cluster clients cross the load balancer"
    if None in through:
        return "whether every in-cluster client crosses the load balancer is not known"
    return "some in-cluster clients bypass the load balancer"


def _cut_off(paths: tuple[Path, ...]) -> str:
    lost = [path for path in paths if path.verdict is Verdict.UNREACHABLE]
    unsure = [path for path in paths if path.verdict in {Verdict.AMBIGUOUS, Verdict.UNDETERMINED}]
    if lost:
        names = dict.fromkeys(client_words(path.client) for path in lost)
        return f"cut off: {', '.join(names)}"
    return "whether all get there is not known" if unsure else "nobody is cut off"


_FACTS = {
    "passThrough": "pass-through",
    "externalTrafficPolicy": "traffic policy",
    "elb.class": "kind of ELB",
    "platform": "platform",
    "category": "category",
    "kubernetesVersion": "version",
    "kubeProxy.mode": "proxy mode",
    "kubeProxy.localDetector": "kube-proxy's local-traffic detector",
    "kubeProxy.clusterCIDR": "cluster CIDR",
    "loadBalancer.delivery": "how the load balancer delivers",
    "loadBalancer.preservesClientIP": "whether it keeps client addresses",
    "loadBalancer.publicIPs": "its public addresses",
    "loadBalancer.addresses": "its addresses",
    "loadBalancer.accessList": "its access list",
    "securityGroups": "security groups",
    "client.ip": "the client's address",
    "node.egress": "the nodes' egress",
}


def fact_words(name: str) -> str:
    """Name a fact as people read it; one without words of its own keeps its name."""
    return _FACTS.get(name, name)
