"""What the page's panel lets a person do to the simulated world."""

from dataclasses import replace

from bot.demo.seam import Json
from bot.demo.slack import Workspace
from bot.demo.world import World

KEY = "kubernetes.io/elb.pass-through"
SHOP = ("shop", "checkout")


def register(slack: Workspace, world: World) -> None:
    """Put the world's knobs beside the messages."""
    _Knobs(slack, world).register()


class _Knobs:
    def __init__(self, slack: Workspace, world: World) -> None:
        self._slack = slack
        self._world = world
        self._node = world.scenario.nodes[-1].name
        self._broken = {"node": False, "members": False, "metrics": False}

    def register(self) -> None:
        add = self._slack.knobs.register
        add(
            "node",
            f"Let node {self._node} lag",
            self._lag,
            group="Nodes",
            hint="its kube-proxy stops following the API server, or goes on",
        )
        add(
            "members",
            "Fail the ELB's members",
            self._members,
            group="Load balancer",
            hint="health checks of shop-elb fail, or pass again",
        )
        add(
            "metrics",
            "Stop the ELB's metrics",
            self._metrics,
            group="Load balancer",
            hint="Cloud Eye has no data, or has it again",
        )
        add(
            "annotation",
            "Flip the annotation by kubectl",
            self._annotate,
            group="Cluster",
            hint="behind the bot's back, on shop/checkout",
        )
        add(
            "rollout",
            "Roll checkout out anew",
            self._roll_out,
            group="Cluster",
            hint="as kubectl rollout restart does",
        )

    def _lag(self) -> str:
        if self._toggle("node"):
            self._world.dataplane.freeze(self._node)
            return f"The kube-proxy of {self._node} has stopped following the API server."
        self._world.dataplane.thaw(self._node)
        return f"The kube-proxy of {self._node} follows the API server again."

    def _members(self) -> str:
        failing = self._toggle("members")
        balancer = self._world.scenario.balancers[0]
        for node in self._world.scenario.nodes:
            self._world.dataplane.set_member_health(balancer.id, node.address, healthy=not failing)
        return (
            f"Every member of {balancer.name} {'fails its health checks' if failing else 'is healthy again'}."
        )

    def _metrics(self) -> str:
        silent = self._toggle("metrics")
        metering = self._world.scenario.metering
        self._world.cloud.set_metering(replace(metering, drop=1.0) if silent else metering)
        return "Cloud Eye has no data any more." if silent else "Cloud Eye has data again."

    def _annotate(self) -> str:
        service: Json = self._world.objects.get("services", *SHOP) or {}
        there = KEY in service.get("metadata", {}).get("annotations", {})
        self._world.annotate(*SHOP, KEY, None if there else "true")
        return f"kubectl {'removed' if there else 'set'} {KEY} on {'/'.join(SHOP)}."

    def _roll_out(self) -> str:
        self._world.cluster.deployments.restart(*SHOP)
        return "shop/checkout rolls out anew."

    def _toggle(self, name: str) -> bool:
        self._broken[name] = not self._broken[name]
        return self._broken[name]
