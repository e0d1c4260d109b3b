"""How a missing fact can be supplied."""

_HOW = {
    "platform": "ClusterFacts platform, or --set platform=cce|generic",
    "category": "ClusterFacts category, or --set category=standard|turbo",
    "kubernetesVersion": "ClusterFacts kubernetesVersion, or --set kubernetesVersion=v1.29.2; Node objects tell it too",
    "kubeProxy.mode": "ClusterFacts kubeProxy.mode, or --set kubeProxy.mode=ipvs; on a node: curl "
    "127.0.0.1:10249/proxyMode",
    "kubeProxy.localDetector": "ClusterFacts kubeProxy.localDetector or kubeProxy.clusterCIDR: kube-proxy's "
    "--cluster-cidr and --detect-local-mode",
    "kubeProxy.ruleOrder": "nothing that Kubernetes tells: several Services claim the same address and port, and which "
    "one kube-proxy puts first is left to chance; remove the address from spec.externalIPs",
    "loadBalancer.delivery": "ClusterFacts loadBalancer.delivery: the load balancer's members are nodes with their "
    "node port, Pods, or it leaves the address as it is",
    "loadBalancer.preservesClientIP": "ClusterFacts loadBalancer.preservesClientIP",
    "loadBalancer.address": "the address that the host name stands for, which is never looked up here: put it into "
    "status.loadBalancer.ingress[].ip beside the name",
    "loadBalancer.translation": "an observation: whether the load balancer hands connections to the Service's address "
    "family",
    "loadBalancer.listener": "nothing that is read here: the rules of the Ingress on the same load balancer",
    "client.ip": "--from external:ADDRESS, or the address in the Pod's or node's status",
    "nodes": "Node objects: kubectl get nodes -o yaml",
    "endpoints": "EndpointSlice objects: kubectl get endpointslices -A -o yaml",
    "networkPolicy": "nothing that Kubernetes tells: whether the container network enforces NetworkPolicies, and as "
    "which address the client arrives",
    "networkPolicy.egress": "nothing that Kubernetes tells: whether the container network enforces the client's egress "
    "rules, and whether before or after kube-proxy",
    "passThrough": "a cluster of v1.19 or newer, and a documented value; the documents disagree about older ones",
    "passThrough.turboNode": "an observation: the documents disagree about a Turbo cluster's own nodes",
    "elb.class": "the documented values union or performance",
}

_UNSEEN = {
    "endpoints": "EndpointSlices and Services",
    "loadBalancer.members": "Nodes",
    "networkPolicy": "NetworkPolicies and Pods",
    "networkPolicy.egress": "NetworkPolicies",
    "loadBalancer.listener": "Ingresses",
}
"""What the bot must be able to see of a running cluster, so that a fact need not be weighed."""
_KEYS = {"category": "category", "kubeProxy.mode": "kubeProxyMode"}


def configuration_key(name: str) -> str:
    """The key of a cluster in the bot's configuration that supplies a fact; empty where there is none."""
    return _KEYS.get(name, "")


def how_to_supply(name: str, value: object = None, *, seen: bool = True) -> str:
    """Say where a fact comes from; `value` is what is stated of it, if anything is.

    `seen` is false for a running cluster of which the bot does not see everything, or not any more.
    """
    if not seen and name in _UNSEEN:
        return f"a cluster that answers the bot, and lets it list and watch {_UNSEEN[name]}"
    if value == "other":
        return "an observation: something other than kube-proxy handles Services, and its rules are not read"
    key = configuration_key(name)
    bot = f"; in the bot's configuration: `{key}` of the cluster" if key else ""
    return _HOW.get(name, f"ClusterFacts {name}, or --set {name}=…") + bot
