"""Randomised worlds over the simulated data plane: what is true is asked of its packets, not of our path engine.

`python -m tests.operations.worlds 1000` plays a thousand, and prints how often a verdict was against the truth, how
often it was open, and what one run costs the cluster and the cloud; a second number is that of the first world.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import floor
from random import Random

from bot.adapters import objects
from bot.config.settings import VerificationSettings
from bot.demo.dataplane.balancer import Balancer, Kind
from bot.demo.dataplane.rules import Mode
from bot.domain.change import MeasuredClient, MeasurementPlan, ServiceRef
from bot.domain.cluster_facts import Category, ClusterFacts, Platform
from bot.domain.cluster_facts import Mode as ProxyMode
from bot.domain.fact import Fact, Origin
from bot.domain.objects import Ref
from bot.domain.path import explain
from bot.domain.snapshot import Inventory, Snapshot
from bot.domain.verification import Outcome, Run, Verdict
from bot.domain.verification_pattern import LOOK_BACK
from bot.operations.measure_plan import build_plan
from bot.operations.preview import with_value
from bot.ports import Listener, LoadBalancerFacts
from tests.demo.dataplane.cluster import VIP, Cluster, Policy
from tests.operations.measuring import START, CountingCloud, Metering, Scene

COARSE = 5.0
OPEN_AT_MOST = 0.05
"""Part of the worlds in which the metrics arrive that may be inconclusive."""
SERVICE = ServiceRef(cluster="prod", namespace="shop", name="web")
REF = Ref("shop", "web")
PASS_THROUGH = "kubernetes.io/elb.pass-through"
STORIES = (
    "enable",
    "enable at once",
    "disable",
    "disable at once",
    "rollback",
    "verify on",
    "verify off",
    "disable",
)
"""What is done, world by world: before and after, after only, undone after one node had not followed, or nothing."""
FINE = 0.25
"""Part of one burst that the cloud's rounding may hide where its counter can tell anything."""
KINDS = {"services": "Service", "endpointslices": "EndpointSlice", "nodes": "Node", "pods": "Pod"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What one world is like."""

    seed: int
    story: str
    """One of `STORIES`, in turn."""
    mode: Mode
    kind: Kind
    policy: Policy
    backends: tuple[int, ...]
    period: float
    trouble: str
    """none | late | frozen | some frozen | all frozen | deaf | dropped."""
    victim: int
    dead: bool
    """Whether the load balancer's counter says 0 whatever crosses it."""
    busy: bool
    """Whether somebody connected in the hour before."""
    lateness: float
    delay: float
    noise: float
    """Strangers' connections per period, as a part of a burst."""
    at_the_end: bool
    decimals: int | None
    known: bool
    """Whether the proxy mode is known to the path engine."""
    layer: int
    """7: an HTTP listener; 4: bare TCP, few connections, the client's address kept by a dedicated one."""
    apart: float
    """Seconds by which everybody's clock is ahead of the bot's."""
    packets: int | None
    """How many a connection brings; None: the load balancer does not tell."""


def fate(seed: int) -> Fate:
    """Throw the dice for a world; the same number is the same world."""
    dice = Random(seed)  # noqa: S311  a seed, not a secret
    period = dice.choice([1.0, 2.0, 5.0, 60.0])
    return Fate(
        seed=seed,
        story=STORIES[seed % len(STORIES)],
        mode=dice.choice(["ipvs", "iptables", "nftables"]),
        kind=dice.choice(["shared", "shared", "dedicated"]),
        policy=dice.choice(["Cluster", "Cluster", "Local"]),
        backends=tuple(sorted(dice.sample([1, 2, 3, 4], dice.randint(1, 3)))),
        period=period,
        trouble=dice.choice(
            ["none", "none", "late", "frozen", "frozen", "some frozen", "all frozen", "deaf", "dropped"]
        ),
        victim=dice.randint(1, 4),
        dead=dice.random() < 0.05,
        busy=dice.random() < 0.7,
        lateness=dice.uniform(0.0, 8.0) * period,
        delay=dice.choice([0.0, 0.5, 1.0, 3.0]) * period,
        noise=dice.choice([0.0, 0.0, 0.01, 0.05, 0.2]),
        at_the_end=dice.random() < 0.5,
        decimals=dice.choice([2, 2, None, 1, 0]),
        known=dice.random() < 0.8,
        layer=dice.choice([7, 7, 4]),
        apart=dice.choice([0.0, 0.0, dice.uniform(-900.0, 900.0)]),
        packets=dice.choice([6, 6, 3, None]),
    )


class PlaneCloud(CountingCloud):
    """A cloud that reads the data plane's own counters."""

    def __init__(
        self, scene: Scene, balancer: Balancer, period: float, metering: Metering, *, dead: bool
    ) -> None:
        super().__init__(scene.clock, period, metering)
        self.balancer = balancer
        self.dead = dead
        self.balancers = {balancer.id: facts_of(balancer)}

    def opened(self, listener: Listener, number: int) -> int:
        """What the plane's listener counted in a period, by the cloud's clock."""
        if self.dead:
            return 0
        mine = next(each for each in self.balancer.listeners.values() if each.id == listener.id)
        start = number * self._period - self.metering.skew
        return mine.counter.between(start, start + self._period)


def facts_of(balancer: Balancer) -> LoadBalancerFacts:
    """What the ELB API would say."""
    return LoadBalancerFacts(
        id=balancer.id,
        name=balancer.name,
        kind="union" if balancer.kind == "shared" else "performance",
        private_ips=(balancer.vip,),
        public_ips=(),
        listeners=tuple(
            Listener(id=each.id, protocol=each.protocol, port=each.port)
            for each in balancer.listeners.values()
        ),
    )


class World:
    """One simulated cluster, the bot's view of it, and the truth about it."""

    def __init__(self, what: Fate) -> None:
        self.fate = what
        self.dice = Random(what.seed)  # noqa: S311  a seed, not a secret
        self.clock: Callable[[], datetime] = lambda: START
        self.cluster = Cluster(mode=what.mode, nodes=4, sync_delay=0, seed=what.seed, clock=self.now)
        self.balancer = self.cluster.plane.elb.add("web", what.kind, vip=VIP)
        annotations = {
            "kubernetes.io/elb.id": self.balancer.id,
            "kubernetes.io/elb.class": "union" if what.kind == "shared" else "performance",
        }
        if what.layer == 7:
            annotations["kubernetes.io/elb.protocol-port"] = "http:80"
        self.cluster.service(on=what.backends, policy=what.policy, annotations=annotations)
        self.value = "true" if what.story.startswith("enable") or what.story == "verify on" else None
        """What the annotation is in the end."""
        if what.story == "rollback":
            self.cluster.plane.freeze(f"node{what.victim % 4 + 1}")
        if what.story.startswith(("disable", "rollback")) or what.story == "verify off":
            self.annotate("true")
        self.scene = Scene(self.plan(), change="" if what.story.startswith("verify") else "change-1")
        self.scene.run = replace(self.scene.run, service=SERVICE)
        self.clock = self.scene.clock
        self.thaws: datetime | None = None
        """When a node that is late follows."""
        self._furnish()

    def now(self) -> float:
        """The scene's time, in seconds since the epoch."""
        return self.clock().timestamp()

    def snapshot(self) -> Snapshot:
        """What the bot's cache would hold."""
        inventory = Inventory()
        for resource, kind in KINDS.items():
            for body in self.cluster.objects.list(resource):
                value = objects.PARSERS[kind]({"kind": kind, **body})
                assert value is not None
                inventory.put(value)
        known = Fact(
            name="kubeProxy.mode",
            value=ProxyMode(self.fate.mode) if self.fate.known else None,
            origin=Origin.CONFIG if self.fate.known else Origin.UNKNOWN,
        )
        return inventory.snapshot(
            ClusterFacts(
                platform=Fact(name="platform", value=Platform.CCE, origin=Origin.CONFIG),
                category=Fact(name="category", value=Category.STANDARD, origin=Origin.CONFIG),
                mode=known,
                cluster_cidr=Fact(name="kubeProxy.clusterCIDR", value="10.0.0.0/16", origin=Origin.CONFIG),
            )
        )

    def plan(self) -> MeasurementPlan:
        """What the bot would propose to send."""
        view = self.snapshot()
        service = view.service(REF)
        assert service is not None
        period, story = self.fate.period, self.fate.story
        plan = build_plan(
            SERVICE,
            snapshot=view,
            before=None if story.startswith("verify") else explain(view, REF),
            after=explain(view.with_service(with_value(service, self.value)), REF),
            settings=VerificationSettings(period=period, baseline=5 * period, window=10 * period),
            load_balancer=facts_of(self.balancer),
        )
        return replace(plan, compare=story in {"enable", "disable"})

    def _furnish(self) -> None:
        scene, what = self.scene, self.fate
        dropped = {n for n in range(10**3) if self.dice.random() < 0.5}
        metering = Metering(
            delay=what.delay,
            decimals=what.decimals,
            at_the_end=what.at_the_end,
            dropped=lambda n: what.trouble == "dropped" and n % 1000 in dropped,
            skew=what.apart,
            # Whole seconds matter little where periods are as long as a real cloud's, or nearly.
            misread=self.dice.uniform(-0.5, 0.5) if what.apart and what.period >= COARSE else 0.0,
            packets=what.packets,
        )
        scene.cluster.skew = what.apart
        scene.cloud = PlaneCloud(scene, self.balancer, what.period, metering, dead=what.dead)
        scene.cluster.snapshot = self.snapshot  # type: ignore[method-assign]  # the plane's objects are the cluster's
        scene.cluster.connect = self.connect
        scene.cluster.latency = lambda _: self.dice.uniform(0.01, 0.3) * what.period
        scene.on_patch = self.patch
        at, end = START, START + timedelta(seconds=90 * what.period)
        if what.busy:
            scene.clock.now = START - timedelta(seconds=20 * what.period)
            for _ in range(scene.plan.connections):
                self.stranger()
            scene.clock.now = START
        rate = what.noise * scene.plan.connections / what.period
        while rate and at < end:
            at += timedelta(seconds=self.dice.expovariate(rate))
            scene.clock.at(at, self.stranger)
        if what.story.startswith("verify"):
            self.patch()

    def stranger(self) -> None:
        """Somebody outside connects."""
        self.cluster.plane.trace_external(VIP, 80)

    def connect(self, node: str, target: str) -> tuple[str, bool]:
        """One connection of a probe Pod, packet by packet; the plane counts for itself."""
        del target
        plane = self.cluster.plane
        journey = plane.trace(node=node, pod_ip=f"10.0.{node[4:]}.9", ip=VIP, port=80)
        return journey.result, False

    def annotate(self, value: str | None) -> None:
        """Set the annotation, or take it away."""
        self.cluster.objects.merge(
            "services", "shop", "web", {"metadata": {"annotations": {PASS_THROUGH: value}}}
        )

    def patch(self) -> None:
        """Apply the annotation, or take it away; some nodes hear of it late, or never."""
        what, plane = self.fate, self.cluster.plane
        everybody = [f"node{n}" for n in (1, 2, 3, 4)]
        one = f"node{what.victim}"
        victims = {
            "all frozen": everybody,
            "some frozen": [one, f"node{(what.victim + 1) % 4 + 1}"],
            "late": [one],
            "frozen": [one],
        }
        for name in victims.get(what.trouble, []):
            plane.freeze(name)
        if what.trouble == "late":
            later = self.scene.clock() + timedelta(seconds=what.lateness)
            self.scene.clock.at(later, lambda: plane.thaw(f"node{what.victim}"))
            self.thaws = later
        if what.trouble == "deaf":
            for number in what.backends:
                plane.deafen(f"shop/web{number}")
        self.annotate(self.value)

    def true_when_looked_at(self, run: Run) -> bool:
        """Whether it was so at the last look at the late node already, not only by the time of the verdict."""
        victim = f"node{self.fate.victim}"
        ahead = timedelta(seconds=run.ahead)
        looks = [burst.at + ahead for burst in run.bursts if victim in {probe.node for probe in burst.probes}]
        late = self.thaws is not None and bool(looks) and self.thaws > max(looks)
        return self.true_now() and not late

    def true_now(self) -> bool:
        """Whether every class takes the way that it should, where it has one, and gets there as far as is expected."""
        return all(self._true(each) for each in self.scene.plan.clients)

    def can_tell(self) -> bool:
        """Whether the cloud's counter tells anything: it comes, it moved lately, and is not rounded too coarsely."""
        what, cloud, plan = self.fate, self.scene.cloud, self.scene.plan
        if what.dead or what.trouble == "dropped":
            return False
        step = 0.0 if what.decimals is None else what.period / 10.0**what.decimals
        first = floor(START.timestamp() / what.period) - LOOK_BACK
        last = floor(self.scene.clock().timestamp() / what.period)
        (listener,) = cloud.balancers[self.balancer.id].listeners
        told = {
            round(cloud.opened(listener, n) / what.period, what.decimals or 9) for n in range(first, last)
        }
        return len(told) > 1 and step <= FINE * min(plan.sent_by(each) for each in plan.clients)

    def lacks(self, run: Run) -> bool:
        """Whether the counter of a burst never came."""
        dropped = self.scene.cloud.metering.dropped
        return any(dropped(floor(burst.at.timestamp() / self.fate.period + 1e-6)) for burst in run.bursts)

    def _true(self, each: MeasuredClient) -> bool:
        plane = self.cluster.plane
        journeys = [
            plane.trace(node=node, pod_ip=f"10.0.{node[4:]}.9", ip=VIP, port=80)
            for node in each.nodes
            for _ in range(30)
        ]
        made = [j for j in journeys if j.result == "connected"]
        if each.expect_after == "unreachable":
            return not made
        enough = len(made) == len(journeys) if each.expect_after == "reachable" else bool(made)
        ways = {j.balancer is not None for j in made}
        return enough and (each.through_after is None or ways <= {each.through_after})


async def story(seed: int) -> tuple[World, Run, Verdict]:
    """Play one world."""
    world = World(fate(seed))
    done = await world.scene.play()
    return world, done.run, done.verdict


@dataclass(slots=True)
class Tally:
    """What came of many worlds."""

    worlds: int = 0
    could_tell: int = 0
    """Worlds in which the metrics came within the window, and could tell."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    lies: list[str] = field(default_factory=list)
    """Verdicts against the truth: the world, and what was said."""
    open_though_it_could_tell: int = 0
    succeeded_without_data: int = 0
    open_because: Counter[str] = field(default_factory=Counter)
    kubernetes: Counter[str] = field(default_factory=Counter)
    cloud: Counter[str] = field(default_factory=Counter)

    async def play(self, seeds: Iterable[int]) -> "Tally":
        """Play worlds one after the other."""
        for seed in seeds:
            self.note(*await story(seed))
        return self

    def note(self, world: World, run: Run, found: Verdict) -> None:
        """Hold a verdict against the truth."""
        self.worlds += 1
        self.outcomes[found.outcome] += 1
        is_open, could = found.outcome is Outcome.INCONCLUSIVE, world.can_tell()
        self.could_tell += could
        self.open_though_it_could_tell += could and is_open
        if could and is_open:
            self.open_because[next((r.rule for r in found.rows if r.judgement == "open"), found.rule)] += 1
        self.succeeded_without_data += found.outcome is Outcome.SUCCEEDED and world.lacks(run)
        wrong = {Outcome.SUCCEEDED: not world.true_now(), Outcome.FAILED: world.true_when_looked_at(run)}
        if wrong.get(found.outcome):
            self.lies.append(f"{found.outcome} in {world.fate}: {found.headline}")
        self._cost(world)

    def _cost(self, world: World) -> None:
        cluster, created = world.scene.cluster.calls, len(world.scene.cluster.created)
        self.kubernetes["create Pod"] += cluster.count("start_probe")
        self.kubernetes["get Pod"] += cluster.count("probe_state")
        self.kubernetes["list Pods"] += cluster.count("sweep_probes")
        self.kubernetes["delete Pod"] += created
        self.cloud["ELB"] += world.scene.cloud.calls.count("load_balancer")
        self.cloud["Cloud Eye"] += world.scene.cloud.calls.count("metrics")

    def lines(self) -> list[str]:
        """What is printed."""
        share = 100 * self.open_though_it_could_tell / max(1, self.could_tell)
        because = ", ".join(f"{n} {rule}" for rule, n in self.open_because.most_common())
        false_successes = sum(lie.startswith("succeeded") for lie in self.lies)
        return [
            f"worlds                                  {self.worlds}",
            *(f"  {outcome:<37} {self.outcomes[outcome]}" for outcome in Outcome),
            f"succeeded when it was not so            {false_successes}",
            f"failed when it was fine                 {len(self.lies) - false_successes}",
            f"succeeded though a burst's was missing  {self.succeeded_without_data}",
            f"inconclusive though it could be told    {self.open_though_it_could_tell} of {self.could_tell} ({share:.1f} %)",
            f"                                        {because}",
            f"calls to Kubernetes for one run         {self._each(self.kubernetes)}",
            f"calls to the cloud for one run          {self._each(self.cloud)}",
            *self.lies,
        ]

    def _each(self, calls: Counter[str]) -> str:
        mean = sum(calls.values()) / max(1, self.worlds)
        return f"{mean:.1f}: " + ", ".join(
            f"{n / max(1, self.worlds):.1f} {what}" for what, n in calls.items()
        )


def main(arguments: Sequence[str]) -> int:
    """Play so many worlds; 1 if a verdict was against the truth, or too many were open."""
    some, first, *_ = (*map(int, arguments), *(200, 0)[len(arguments) :])
    tally = asyncio.run(Tally().play(range(first, first + some)))
    sys.stdout.write("".join(f"{line}\n" for line in tally.lines()))
    return int(bool(tally.lies) or tally.open_though_it_could_tell > OPEN_AT_MOST * tally.could_tell)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
