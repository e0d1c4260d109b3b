"""How a missing fact can be supplied."""

_HOW = {
    "platform": "ClusterFacts platform, or --set platform=cce|generic",
    "category": "ClusterFacts category, or --set category=standard|turbo; the bot: `category` of the cluster",
    "kubernetesVersion": "ClusterFacts kubernetesVersion, or --set kubernetesVersion=v1.29.2; Node objects tell it too",
    "kubeProxy.mode": "ClusterFacts kubeProxy.mode, or --set kubeProxy.mode=ipvs; the bot: `kubeProxyMode` of the "
    "cluster. On a node: curl 127.0.0.1:10249/proxyMode",
    "kubeProxy.localDetector": "ClusterFacts kubeProxy.localDetector or kubeProxy.clusterCIDR: kube-proxy's "
    "--cluster-cidr and --detect-local-mode",
    "loadBalancer.delivery": "ClusterFacts loadBalancer.delivery: the load balancer's members are nodes with their "
    "node port, Pods, or it leaves the address as it is",
    "loadBalancer.preservesClientIP": "ClusterFacts loadBalancer.preservesClientIP",
    "loadBalancer.listener": "nothing that is read here: the rules of the Ingress on the same load balancer",
    "client.ip": "--from external:ADDRESS, or the address in the Pod's or node's status",
    "nodes": "Node objects: kubectl get nodes -o yaml",
    "endpoints": "EndpointSlice objects: kubectl get endpointslices -A -o yaml",
    "networkPolicy": "nothing that Kubernetes tells: whether the container network enforces NetworkPolicies, and as "
    "which address the client arrives",
    "passThrough": "a cluster of v1.19 or newer, and a documented value; the documents disagree about older ones",
    "passThrough.turboNode": "an observation: the documents disagree about a Turbo cluster's own nodes",
    "elb.class": "the documented values union or performance",
}


def how_to_supply(name: str) -> str:
    """Say where a fact comes from."""
    return _HOW.get(name, f"ClusterFacts {name}, or --set {name}=…")
