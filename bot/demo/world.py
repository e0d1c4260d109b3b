"""A simulated world: cluster, data plane and cloud, assembled from a scenario in one event loop."""

import time
from collections.abc import Callable

from bot.demo.cloud import Accounts, CloudServer, ClusterRecord
from bot.demo.dataplane import DataPlane, Noise
from bot.demo.dataplane.elb import UnknownBalancerError
from bot.demo.kubernetes import ApiServer, Cluster
from bot.demo.kubernetes.argo import MANAGER, TRACKING
from bot.demo.kubernetes.resources import RESOURCES
from bot.demo.kubernetes.status import bad_request
from bot.demo.scenario import BOT_TOKEN, Scenario, bot_rules, bot_user, prod
from bot.demo.seam import Json, Objects

_PLURALS = {resource.kind: resource.plural for resource in RESOURCES}


class World:
    """Everything that the bot meets but Slack.

    `api` is the API server, `cluster` its controllers and kubelets, `dataplane` the network with its knobs,
    `cloud` the cloud's APIs with theirs.
    """

    def __init__(self, scenario: Scenario | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.scenario = scenario = scenario or prod()
        self.api = ApiServer(version=scenario.version, rules=bot_rules(), seed=scenario.seed)
        self.api.access.tokens[BOT_TOKEN] = bot_user()
        self.dataplane = DataPlane(
            self.api.objects,
            mode=scenario.mode,
            category=scenario.category,
            cluster_cidr=scenario.cluster_cidr,
            sync_delay=scenario.sync_delay,
            seed=scenario.seed,
            clock=clock,
            cce=self._cce,
        )
        self.cluster = Cluster(
            self.api,
            network=self.dataplane,
            provision=self._provision,
            release=self.dataplane.elb.release,
            cce=self._cce,
        )
        accounts = Accounts(clock, keys=(scenario.access_key,), logins=(scenario.login,))
        self.cloud = CloudServer(
            self.dataplane, project=scenario.project, accounts=accounts, metering=scenario.metering
        )
        self.cloud_url = ""
        self.noise = [
            Noise(self.dataplane, address=n.address, port=n.port, rate=n.rate, seed=scenario.seed)
            for n in scenario.noise
        ]

    @property
    def _cce(self) -> bool:
        return self.scenario.platform == "cce"

    @property
    def objects(self) -> Objects:
        """The cluster's objects, as its own controllers reach them."""
        return self.api.objects

    async def start(self, *, api_port: int = 0, cloud_port: int = 0) -> None:
        """Build what the scenario says, and wait until the cluster has come to rest.

        Nodes start with the rules for that state, and follow every later change with their delay.
        """
        self._furnish()
        url = await self.cluster.start(api_port)
        await self.cluster.settled()
        self.dataplane.start()
        self._misbehave()
        self.cloud.cce.clusters = {self.scenario.cluster_id: self._record(url)}
        self.cloud_url = await self.cloud.start(cloud_port)
        for noise in self.noise:
            noise.start()

    async def stop(self) -> None:
        """End everything and close every port."""
        for noise in self.noise:
            noise.stop()
        self.dataplane.stop()
        await self.cloud.stop()
        await self.cluster.stop()

    async def settled(self) -> None:
        """Wait until controllers and nodes have followed every change made so far."""
        await self.cluster.settled()
        await self.dataplane.settled()

    def kubeconfig(self) -> Json:
        """The bot's kubeconfig: one context, named as the cluster, with the bot's few rights."""
        return self.api.kubeconfig(BOT_TOKEN, context=self.scenario.name)

    def create(self, manifest: Json) -> Json:
        """Create an object as a person with kubectl would, or as Argo CD, where its mark is on it."""
        tracked = TRACKING in manifest["metadata"].get("annotations", {})
        manager = MANAGER if tracked else "kubectl-create"
        return self.objects.create(_PLURALS[manifest["kind"]], manifest, manager=manager)

    def annotate(self, namespace: str, name: str, key: str, value: str | None) -> None:
        """Set or (None) remove an annotation of a Service, as another person or a GitOps tool would."""
        patch = {"metadata": {"annotations": {key: value}}}
        self.objects.merge("services", namespace, name, patch, manager="kubectl-annotate")

    def add_noise(self, address: str, port: int, rate: float) -> Noise:
        """Let clients from the Internet open `rate` connections per second; the noise ends with the world."""
        noise = Noise(self.dataplane, address=address, port=port, rate=rate, seed=self.scenario.seed)
        self.noise.append(noise)
        noise.start()
        return noise

    def _furnish(self) -> None:
        for namespace in self.scenario.namespaces:
            self.cluster.add_namespace(namespace)
        for node in self.scenario.nodes:
            self.cluster.add_node(node.name, address=node.address, pod_cidr=node.pod_cidr)
        for balancer in self.scenario.balancers:
            self.dataplane.elb.add(balancer.name, balancer.kind, vip=balancer.vip, eip=balancer.eip)
        for manifest in self.scenario.manifests:
            self.create(manifest)

    def _misbehave(self) -> None:
        for node in self.scenario.frozen:
            self.dataplane.freeze(node)
        by_name = {balancer.name: balancer.id for balancer in self.dataplane.elb.balancers.values()}
        for name, address in self.scenario.unhealthy:
            self.dataplane.set_member_health(by_name[name], address, healthy=False)

    def _provision(self, service: Json) -> tuple[str, list[str]]:
        try:
            return self.dataplane.elb.provision(service, asked=self._cce)
        except UnknownBalancerError as error:
            raise bad_request(str(error)) from error

    def _record(self, url: str) -> ClusterRecord:
        scenario = self.scenario
        turbo = scenario.category == "turbo"
        return ClusterRecord(
            id=scenario.cluster_id,
            name=scenario.name,
            version=scenario.version,
            category="Turbo" if turbo else "CCE",
            proxy_mode=scenario.mode,
            network_mode="eni" if turbo else "vpc-router",
            container_cidr=scenario.cluster_cidr or "",
            endpoints=(("Internal", url),),
        )
