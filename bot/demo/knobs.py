"""What the page's panel lets a person do to the simulated world."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus

from bot.demo.cloud import Fault
from bot.demo.dataplane.balancer import Balancer
from bot.demo.seam import Json
from bot.demo.slack import Workspace
from bot.demo.world import World

KEY = "kubernetes.io/elb.pass-through"
SHOP = "shop/checkout"
_RETRY_AFTER = 5.0
_CLOUD = ("elb", "ces", "cce")


def register(slack: Workspace, *worlds: World) -> None:
    """Put the knobs of all worlds beside the messages; the first world's are the usual ones."""
    for knobs in (_Nodes, _Balancers, _Clouds, _Clusters):
        knobs(slack, worlds).register()
    _Slack(slack).register()


class _Knobs:
    """Targets are named CLUSTER/REST; the page shows the rest, under the cluster's name."""

    def __init__(self, slack: Workspace, worlds: Sequence[World]) -> None:
        self._worlds = {world.scenario.name: world for world in worlds}
        self._first = worlds[0]
        self._cloudy = {n: w for n, w in self._worlds.items() if w.scenario.platform == "cce"}
        self._slack = slack
        self._add = slack.knobs.register

    def _at(self, target: str) -> tuple[World, str]:
        cluster, _, rest = target.partition("/")
        return self._worlds[cluster], rest


def _shown(targets: list[str]) -> list[tuple[str, str]]:
    return [(each, each.partition("/")[2]) for each in targets]


def _nodes(worlds: Mapping[str, World]) -> list[str]:
    return [f"{name}/{node.name}" for name, world in worlds.items() for node in world.scenario.nodes]


class _Nodes(_Knobs):
    def register(self) -> None:
        """Kube-proxies that forget or lag, nodes that are drained or cut off."""
        last = self._first.scenario.nodes[-1].name
        usual: Json = {"group": "Break a node", "default": f"{self._first.scenario.name}/{last}"}
        every, own = _shown(_nodes(self._worlds)), _shown(_nodes(self._cloudy))
        self._add(
            "forget",
            "kube-proxy forgets pass-through",
            self._forget,
            on=self._forgets,
            hint=_FORGET,
            targets=own,
            **usual,
        )
        self._add(
            "node", "kube-proxy lags behind", self._lag, on=self._lags, hint=_LAG, targets=every, **usual
        )
        self._add("drain", "drained", self._drain, on=self._drained, hint=_DRAIN, targets=every, **usual)
        self._add("cut", "cut off", self._cut, on=self._is_cut, hint=_CUT, targets=every, **usual)

    def _forgets(self, target: str) -> bool:
        world, node = self._at(target)
        return node in world.dataplane.forgetful

    def _forget(self, target: str) -> str:
        world, node = self._at(target)
        forgotten = not self._forgets(target)
        world.dataplane.forget(node, forgotten=forgotten)
        if not forgotten:
            return f"{node} runs CCE's own kube-proxy again."
        return f"{node} runs a kube-proxy that does not know pass-through, as after an upgrade gone wrong."

    def _lags(self, target: str) -> bool:
        world, node = self._at(target)
        return node in world.dataplane.nodes and world.dataplane.nodes[node].frozen

    def _lag(self, target: str) -> str:
        world, node = self._at(target)
        if self._lags(target):
            world.dataplane.thaw(node)
            return f"The kube-proxy of {node} follows the API server again."
        world.dataplane.freeze(node)
        return f"The kube-proxy of {node} has stopped following the API server."

    def _drained(self, target: str) -> bool:
        world, node = self._at(target)
        return bool((world.objects.get("nodes", None, node) or {"spec": {}})["spec"].get("unschedulable"))

    def _drain(self, target: str) -> str:
        world, node = self._at(target)
        drained = self._drained(target)
        world.cluster.cordon(node, unschedulable=not drained)
        if drained:
            return f"{node} takes Pods again; those that left stay where they are."
        pods = [pod for pod in world.objects.list("pods") if pod["spec"].get("nodeName") == node]
        for pod in pods:
            world.objects.delete("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])
        return f"{node} is drained: {len(pods)} Pods went elsewhere."

    def _is_cut(self, target: str) -> bool:
        world, node = self._at(target)
        return node in world.dataplane.nodes and world.dataplane.nodes[node].failed

    def _cut(self, target: str) -> str:
        world, node = self._at(target)
        failed = not self._is_cut(target)
        world.dataplane.fail_node(node, failed=failed)
        return f"Nothing reaches {node} any more." if failed else f"{node} is reached again."


_FORGET = (
    "its kube-proxy does not know pass-through any more, and answers for the load balancer's address again"
)
_LAG = "its kube-proxy stops following the API server, so a patch does not reach it"
_DRAIN = "kubectl drain: its Pods move to other nodes"
_CUT = "nothing reaches it or its Pods; Kubernetes has not noticed yet"


class _Balancers(_Knobs):
    def __init__(self, slack: Workspace, worlds: Sequence[World]) -> None:
        super().__init__(slack, worlds)
        self._gone: dict[str, Balancer] = {}

    def register(self) -> None:
        """Load balancers whose members fail, or which are gone."""
        names = [f"{c}/{each.name}" for c, world in self._worlds.items() for each in world.scenario.balancers]
        if not names:
            return
        shown = _shown(names)
        self._add(
            "members",
            "members fail",
            self._fail,
            group="Break a load balancer",
            on=self._fails,
            targets=shown,
            hint=_FAIL,
        )
        self._add(
            "gone",
            "deleted in the cloud",
            self._delete,
            group="Break a load balancer",
            on=self._is_gone,
            targets=shown,
            hint=_GONE,
        )

    def _balancer(self, target: str) -> Balancer | None:
        world, name = self._at(target)
        found = (each for each in world.dataplane.elb.balancers.values() if each.name == name)
        return next(found, self._gone.get(target))

    def _fails(self, target: str) -> bool:
        balancer = self._balancer(target)
        return balancer is not None and bool(balancer.unhealthy)

    def _fail(self, target: str) -> str:
        world, name = self._at(target)
        balancer = self._balancer(target)
        if balancer is None:
            return f"{name} is not there yet."
        if balancer.unhealthy:
            balancer.unhealthy.clear()
            return f"The members of {name} pass their health checks again."
        members = {m.address for listener in balancer.listeners.values() for m in listener.members}
        balancer.unhealthy |= members | {node.address for node in world.scenario.nodes}
        return f"Every member of {name} fails its health checks."

    def _is_gone(self, target: str) -> bool:
        return target in self._gone

    def _delete(self, target: str) -> str:
        world, name = self._at(target)
        if target in self._gone:
            world.dataplane.elb.restore(self._gone.pop(target))
            return f"{name} is there again, as it was."
        balancer = self._balancer(target)
        if balancer is None:
            return f"{name} is not there yet."
        world.dataplane.delete_balancer(balancer.id)
        self._gone[target] = balancer
        return f"{name} was deleted in the cloud; its Services do not know."


_FAIL = "their health checks fail, so nobody gets through it"
_GONE = "somebody deletes it in the cloud's console"


class _Clouds(_Knobs):
    def __init__(self, slack: Workspace, worlds: Sequence[World]) -> None:
        super().__init__(slack, worlds)
        self._down: set[str] = set()

    def register(self) -> None:
        """Metrics that do not come, and a cloud that does not answer."""
        clusters = [(name, name) for name in self._cloudy]
        self._add(
            "metrics",
            "no metrics",
            self._silence,
            group="Break a cluster",
            on=self._silent,
            targets=clusters,
            hint=_METRICS,
        )
        self._add(
            "cloud",
            "the cloud's API fails",
            self._break,
            group="Break a cluster",
            on=self._down.__contains__,
            targets=clusters,
            hint=_CLOUD_API,
        )

    def _silent(self, target: str) -> bool:
        return self._worlds[target].cloud.meter.default.drop > 0

    def _silence(self, target: str) -> str:
        world = self._worlds[target]
        silent = self._silent(target)
        metering = world.scenario.metering
        world.cloud.set_metering(metering if silent else replace(metering, drop=1.0))
        return "Cloud Eye has data again." if silent else "Cloud Eye has no data any more, not even old."

    def _break(self, target: str) -> str:
        broken = target in self._down
        fault = None if broken else Fault(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        for service in _CLOUD:
            self._worlds[target].cloud.set_fault(service, fault)
        (self._down.discard if broken else self._down.add)(target)
        return f"The cloud's API {'answers again' if broken else 'answers 500 to everything'}."


_METRICS = "Cloud Eye has no data for any load balancer of the cluster"
_CLOUD_API = "ELB, Cloud Eye and CCE answer with errors"


class _Clusters(_Knobs):
    def register(self) -> None:
        """What others do in the clusters, and API servers that are gone."""
        services = [f"{c}/{name}" for c, world in self._worlds.items() for name in _services(world)]
        usual = f"{self._first.scenario.name}/{SHOP}"
        self._add(
            "annotation",
            "annotation set",
            self._annotate,
            group="Behind the bot's back",
            on=self._annotated,
            targets=_shown(services),
            default=usual,
            hint="kubectl annotate sets pass-through on a Service, or removes it",
            fault=False,
        )
        self._add(
            "rollout",
            "Roll out anew",
            self._roll_out,
            group="Behind the bot's back",
            targets=_shown(services),
            default=usual,
            hint="kubectl rollout restart: other Pods, perhaps on other nodes",
        )
        self._add(
            "api",
            "API server down",
            self._stop,
            group="Break a cluster",
            on=self._stopped,
            targets=[(name, name) for name in self._worlds],
            hint="it breaks every connection; the network goes on as it was",
        )
        for world in self._worlds.values():
            for resource in ("services", "nodes"):
                world.objects.subscribe(resource, lambda _event, _body: self._slack.knobs.refresh())

    def _annotated(self, target: str) -> bool:
        world, name = self._at(target)
        service: Json = world.objects.get("services", *name.split("/")) or {"metadata": {}}
        return KEY in service["metadata"].get("annotations", {})

    def _annotate(self, target: str) -> str:
        world, name = self._at(target)
        there = self._annotated(target)
        namespace, _, service = name.partition("/")
        world.annotate(namespace, service, KEY, None if there else "true")
        return f"kubectl {'removed' if there else 'set'} {KEY} on {name}."

    def _roll_out(self, target: str) -> str:
        world, name = self._at(target)
        namespace, _, deployment = name.partition("/")
        world.cluster.deployments.restart(namespace, deployment)
        return f"{name} rolls out anew."

    def _stopped(self, target: str) -> bool:
        return self._worlds[target].api.faults.refusing

    def _stop(self, target: str) -> str:
        faults = self._worlds[target].api.faults
        faults.refusing = not faults.refusing
        if not faults.refusing:
            return f"The API server of {target} answers again."
        faults.cut_watches(abort=True)
        return f"The API server of {target} is down."


def _services(world: World) -> list[str]:
    """The Services that the scenario names; each has a Deployment of its own name."""
    found = (each["metadata"] for each in world.scenario.manifests if each["kind"] == "Service")
    return [f"{each['namespace']}/{each['name']}" for each in found]


class _Slack:
    def __init__(self, slack: Workspace) -> None:
        self._faults = slack.faults
        self._add = slack.knobs.register

    def register(self) -> None:
        """What Slack itself does wrong."""
        self._add(
            "ratelimit",
            "rate limit reached",
            self._limit,
            group="Break Slack",
            on=self._limits,
            hint="429 to every call; what the bot has to say waits",
        )
        self._add(
            "slack",
            "Web API down",
            self._fall,
            group="Break Slack",
            on=lambda _target: self._faults.is_down,
            hint="Slack drops every call of the bot; what people press still arrives",
        )

    def _limits(self, _target: str) -> bool:
        return any(trouble.kind == "429" for trouble in self._faults.pending())

    def _limit(self, target: str) -> str:
        if self._limits(target):
            self._faults.drop("429")
            return "Slack takes calls again."
        self._faults.add("*", "429", count=1_000_000, seconds=_RETRY_AFTER)
        return f"Slack answers 429 to every call, Retry-After {_RETRY_AFTER:.0f}."

    def _fall(self, _target: str) -> str:
        if self._faults.is_down:
            self._faults.up()
            return "Slack's Web API is back."
        self._faults.down()
        return "Slack's Web API is down."
