"""Descriptions of simulated worlds: values only; `bot.demo.world` builds what they say."""

import json
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.demo.cloud import AccessKey, Login, Metering
from bot.demo.dataplane.balancer import Kind, made_id
from bot.demo.kubernetes import Rule, User
from bot.demo.seam import Json

BOT = "system:serviceaccount:elb-passthrough:elb-passthrough"
BOT_TOKEN = "demo-bot-token"
PROBES = "elb-passthrough"
ARGO = "argocd"
_KEY = AccessKey(access="DEMOACCESSKEY", secret="demo-secret-key")
_LOGIN = Login(domain="OTC-EU-DE-00000000001000012345", name="elb-passthrough", password="demo")
_READ = ("get", "list", "watch")
_SEEN = (
    "services",
    "endpointslices",
    "nodes",
    "pods",
    "namespaces",
    "events",
    "ingresses",
    "networkpolicies",
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
)

_DECLARING = ("applications", "kustomizations", "helmreleases")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """A node, by its name, its address in the VPC and the range of its Pods, where they have one of their own."""

    name: str
    address: str
    pod_cidr: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancerSpec:
    """A load balancer that was there before the cluster's Services."""

    name: str
    kind: Kind
    vip: str
    eip: str | None = None

    @property
    def id(self) -> str:
        """What `kubernetes.io/elb.id` has to say."""
        return made_id("elb", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseSpec:
    """Connections per second from the Internet to one address and port."""

    address: str
    port: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A whole world: cluster, load balancers, objects, and how late and how wrong everything is.

    On platform "generic" nothing reads or writes CCE's annotations. Times are in seconds. `manifests` are created in their order. `cluster_cidr` None is a kube-proxy without
    a local-traffic detector. From the start, `frozen` nodes never resynchronise, and `unhealthy` members (load
    balancer's name, address) fail their health checks.
    """

    name: str = "prod"
    platform: Literal["cce", "generic"] = "cce"
    version: str = "v1.29.2-r5"
    mode: Literal["iptables", "ipvs", "nftables"] = "ipvs"
    category: Literal["standard", "turbo"] = "standard"
    cluster_cidr: str | None = "10.0.0.0/16"
    nodes: tuple[NodeSpec, ...] = ()
    namespaces: tuple[str, ...] = (PROBES,)
    balancers: tuple[BalancerSpec, ...] = ()
    manifests: tuple[Json, ...] = ()
    noise: tuple[NoiseSpec, ...] = ()
    frozen: tuple[str, ...] = ()
    unhealthy: tuple[tuple[str, str], ...] = ()
    sync_delay: float = 0.3
    metering: Metering = field(default_factory=Metering)
    project: str = "4f2d0c1f8e5b4d0e9a6c7b1d2e3f4a5b"
    access_key: AccessKey = _KEY
    login: Login = _LOGIN
    seed: int = 0

    @property
    def cluster_id(self) -> str:
        """The cluster's id in the CCE API."""
        return made_id("cluster", self.name)


def nodes(count: int, *, network: str = "192.168.0", pods: str | None = "10.0") -> tuple[NodeSpec, ...]:
    """Nodes 192.168.0.11 and up, named by their address as CCE does, with Pods in 10.0.1.0/24 and up.

    Without `pods` no node has a range for them: in a Turbo cluster they have addresses of the VPC.
    """
    return tuple(
        NodeSpec(
            name=f"{network}.{10 + n}",
            address=f"{network}.{10 + n}",
            pod_cidr=f"{pods}.{n}.0/24" if pods else None,
        )
        for n in range(1, count + 1)
    )


def deployment(namespace: str, name: str, *, replicas: int, image: str, port: int | None = None) -> Json:
    """A Deployment of one container; without `port` its image decides where it listens."""
    container: Json = {
        "name": "container-0",
        "image": image,
        "resources": {
            "limits": {"cpu": "100m", "memory": "200Mi"},
            "requests": {"cpu": "100m", "memory": "200Mi"},
        },
    }
    if port is not None:
        container["ports"] = [{"containerPort": port, "protocol": "TCP"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container], "imagePullSecrets": [{"name": "default-secret"}]},
            },
        },
    }


def service(
    namespace: str,
    name: str,
    *,
    port: int,
    target: int,
    policy: Literal["Cluster", "Local"] = "Cluster",
    port_name: str = "service0",
    **elb: str,
) -> Json:
    """A LoadBalancer Service in front of the Deployment of its name; keywords are `elb.` annotations."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in elb.items()}
    annotations = {f"kubernetes.io/elb.{key}": value for key, value in given.items()}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "labels": {"app": name},
            "annotations": annotations,
        },
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": policy,
            "selector": {"app": name},
            "ports": [{"name": port_name, "port": port, "protocol": "TCP", "targetPort": target}],
        },
    }


def argo_owned(declared: Json, *, application: str, repository: str, path: str) -> tuple[Json, Json]:
    """An Application that heals itself, and a Service as Argo CD applies it from that place in Git."""
    metadata = declared["metadata"]
    applied = {
        "argocd.argoproj.io/tracking-id": f"{application}:/Service:{metadata['namespace']}/{metadata['name']}",
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps(declared, separators=(",", ":")),
    }
    annotations = metadata.get("annotations", {}) | applied
    entry = {
        "version": "v1",
        "kind": "Service",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "status": "Synced",
    }
    owner: Json = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"namespace": ARGO, "name": application},
        "spec": {
            "project": "default",
            "destination": {"server": "https://kubernetes.default.svc", "namespace": metadata["namespace"]},
            "source": {"repoURL": repository, "path": path, "targetRevision": "main"},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
        "status": {"sync": {"status": "Synced"}, "resources": [entry]},
    }
    return owner, {**declared, "metadata": {**metadata, "annotations": annotations}}


def bot_user() -> User:
    """The ServiceAccount that the bot runs as."""
    return User(name=BOT, groups=("system:serviceaccounts", "system:authenticated"))


def bot_rules() -> tuple[Rule, ...]:
    """What the bot may do in a cluster, and no more."""
    return (
        Rule(subject=BOT, verbs=_READ, resources=_SEEN),
        Rule(subject=BOT, verbs=("get", "list"), resources=_DECLARING),
        Rule(subject=BOT, verbs=("patch",), resources=("services",)),
        Rule(subject=BOT, verbs=("create", "patch"), resources=("events",)),
        Rule(subject=BOT, verbs=("create", "delete"), resources=("pods",), namespaces=(PROBES,)),
    )


def prod() -> Scenario:
    """The demo's cluster: the vendor's own example, and a shop behind TLS that bypasses its load balancer.

    nginx is the example of cce_10_0355 to the letter: a shared load balancer named james, policy Local,
    pass-through on. checkout's HTTPS ends at a shared load balancer, which clients inside never meet.
    """
    shop = BalancerSpec(name="shop-elb", kind="shared", vip="192.168.10.9", eip="80.158.1.9")
    james = {
        "type": "public",
        "bandwidth_name": "cce-bandwidth",
        "bandwidth_chargemode": "traffic",
        "bandwidth_size": 5,
        "bandwidth_sharetype": "PER",
        "eip_type": "5_bgp",
        "name": "james",
    }
    nginx = service(
        "default",
        "nginx",
        port=80,
        target=80,
        policy="Local",
        class_="union",
        pass_through="true",
        autocreate=json.dumps(james, separators=(",", ":")),
    )
    checkout = service(
        "shop",
        "checkout",
        port=443,
        target=8080,
        port_name="https",
        class_="union",
        id=shop.id,
        protocol_port="https:443",
        cert_id=made_id("certificate", "shop"),
    )
    return Scenario(
        nodes=nodes(4),
        namespaces=("shop", PROBES),
        balancers=(shop,),
        manifests=(
            deployment("default", "nginx", replicas=2, image="nginx:latest"),
            nginx,
            deployment("shop", "checkout", replicas=3, image="registry.example/shop/checkout:3.4", port=8080),
            checkout,
        ),
        metering=Metering(period=1, delay=0.5),
    )


def with_argo(scenario: Scenario) -> Scenario:
    """The same, and shop/cart beside it: declared in Git with pass-through on, so Argo CD undoes what anybody changes."""
    balancer = BalancerSpec(name="cart-elb", kind="shared", vip="192.168.10.10")
    owner, cart = argo_owned(
        service("shop", "cart", port=80, target=8080, class_="union", id=balancer.id, pass_through="true"),
        application="shop",
        repository="https://git.example/shop.git",
        path="deploy/prod",
    )
    backend = deployment("shop", "cart", replicas=2, image="registry.example/shop/cart:1.0", port=8080)
    return replace(
        scenario,
        namespaces=(*scenario.namespaces, ARGO),
        balancers=(*scenario.balancers, balancer),
        manifests=(*scenario.manifests, backend, owner, cart),
    )
