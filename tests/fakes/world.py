"""A complete world in memory: clusters, store, messenger and a clock that moves only when a test says so.

Jobs are performed as the worker performs them, one after the other, and what is not due waits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.config.secret import Secret
from bot.config.settings import (
    Clients,
    CloudSettings,
    ClusterSettings,
    Settings,
    SlackSettings,
    VerificationSettings,
)
from bot.domain.change import Change, ServiceRef
from bot.domain.cluster_facts import ClusterFacts
from bot.domain.objects import Ref
from bot.domain.policy import Policy
from bot.domain.verification import Outcome, Run, Verdict
from bot.operations.caller import Caller
from bot.operations.jobs import advance_job, click_job, order_job
from bot.operations.perform import performers
from bot.operations.world import World
from bot.ports import AlreadyOpen, Cloud, Job, Later, Leased, LiveService, WorldError
from tests.domain.situation import facts
from tests.fakes.cluster import MemoryCluster, MemoryClusters
from tests.fakes.messenger import TEAM, MemoryMessenger, Posted
from tests.fakes.renderer import Witness
from tests.fakes.store import MemoryJobs, MemoryRuns, MemoryStore

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
"""A Monday."""
KEY = "kubernetes.io/elb.pass-through"
CHECKOUT = Ref("shop", "checkout")
OPS, INCIDENTS = "C0OPS", "C0INC"
ALICE, BOB, CAROL, MALLORY, LEAD = "U0ALICE", "U0BOB", "U0CAROL", "U0MALLORY", "U0LEAD"
PLATFORM, SRE = "S0PLATFORM", "S0SRE"
POLICY = Policy(propose=(PLATFORM,), approve=(SRE,))
FACTS = facts(mode="iptables", platform="cce", category="standard", delivery=None, version="v1.29.2")
IPVS = facts(mode="ipvs", platform="cce", category="standard", delivery=None, version="v1.29.2")
LEASE = 30.0
ROUNDS = 400


class Cluster(MemoryCluster):
    """A cluster that says how old a Service is, too."""

    async def read(self, service: ServiceRef) -> LiveService:
        """Read one Service."""
        live = await super().read(service)
        told = self._raw[Ref(service.namespace, service.name)]["metadata"].get("creationTimestamp")
        return replace(live, created_at=datetime.fromisoformat(told) if told else None)

    def annotate(self, ref: Ref, value: str | None, *, by: str = "kubectl-edit", key: str = KEY) -> None:
        """Set or remove an annotation, as somebody else."""
        raw = dict(self._raw[ref])
        metadata = dict(raw["metadata"])
        kept = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != key}
        metadata["annotations"] = kept if value is None else {**kept, key: value}
        owned: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{key}": {}}}}
        metadata["managedFields"] = [] if value is None else [{"manager": by, "fieldsV1": owned}]
        self.put({**raw, "metadata": metadata})

    def change_spec(self, ref: Ref, **changed: Any) -> None:
        """Change a Service's spec, as somebody else."""
        raw = dict(self._raw[ref])
        self.put({**raw, "spec": {**raw["spec"], **changed}})

    @property
    def landed(self) -> list[tuple[ServiceRef, Mapping[str, str | None]]]:
        """Patches that were sent for good, dry runs aside."""
        return [(p.service, p.annotations) for p in self.patches if not p.dry_run]


class Runs(MemoryRuns):
    """Verification runs of changes that end as the test says; until it does, they do not begin."""

    def __init__(self, jobs: MemoryJobs) -> None:
        super().__init__(jobs)
        self.outcomes: dict[str, Outcome] = {}
        """By change; a defaultdict answers for all of them."""
        self.verdicts: dict[str, Verdict] = {}
        """By change, where it is to be another than the plain one."""

    async def open(self, run: Run, *, jobs: Sequence[Job] = ()) -> Run:
        """Store a run with its verdict."""
        if not run.change_id:
            return await super().open(run, jobs=jobs)
        try:
            outcome = self.outcomes[run.change_id]
        except KeyError:
            raise AlreadyOpen("held", 0) from None
        plain = Verdict(outcome=outcome, rule="test", headline=f"It {outcome}, says the test.")
        verdict = self.verdicts.get(run.change_id, plain)
        over = replace(run, verdict=verdict, finished_at=run.started_at)
        return await super().open(over, jobs=jobs)


@dataclass(slots=True)
class Clock:
    """A clock that stands still."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def seconds(self) -> float:
        """The time, as the store counts it."""
        return (self.now - START).total_seconds()


@dataclass(slots=True, kw_only=True)
class Town:
    """The world and everybody in it; without arguments, one cluster with shop/checkout that can be enabled."""

    clusters: Sequence[Cluster] = ()
    policies: tuple[Policy, ...] = (POLICY,)
    verification: VerificationSettings = field(
        default_factory=lambda: VerificationSettings(clients=Clients.NONE)
    )
    clouds: Mapping[str, Cloud] = field(default_factory=dict)
    cloud: CloudSettings | None = None
    """What is configured of every cluster's cloud; nothing asks it."""
    changed: Mapping[str, Any] = field(default_factory=dict)
    """Settings that are different."""
    clock: Clock = field(default_factory=Clock)
    messenger: MemoryMessenger = field(default_factory=MemoryMessenger)
    store: MemoryStore = field(init=False)
    runs: Runs = field(init=False)
    world: World = field(init=False)
    _deliveries: int = 0

    def __post_init__(self) -> None:
        """Build it."""
        self.clusters = self.clusters or (shop(),)
        self.store = MemoryStore(clock=self.clock.seconds)
        self.runs = Runs(self.store.jobs)
        self.store.runs = self.runs
        self.messenger.add("ALICE", "BOB", "CAROL", "MALLORY", "LEAD")
        self.messenger.groups |= {PLATFORM: frozenset({ALICE}), SRE: frozenset({BOB, CAROL})}
        self.messenger.channels |= {OPS, INCIDENTS}
        self.world = self.replica()

    def replica(self, **ports: Any) -> World:
        """Another process over the same world, some of its ports replaced."""
        given: dict[str, Any] = {
            "settings": self.settings(),
            "clusters": MemoryClusters(*self.clusters),
            "clouds": self.clouds,
            "store": self.store,
            "messenger": self.messenger,
            "renderer": RENDERER,
            "clock": self.clock,
        }
        return World(**{**given, **ports})

    def settings(self) -> Settings:
        """What is configured."""
        clusters = {
            each.name: ClusterSettings(
                name=each.name,
                read_only=each.read_only,
                incident_channel=INCIDENTS,
                verification=self.verification,
                cloud=self.cloud,
            )
            for each in self.clusters
        }
        given: dict[str, Any] = {
            "slack": SlackSettings(),
            "database_url": Secret("DATABASE_URL", "sqlite://"),
            "clusters": clusters,
            "team": TEAM,
            "operators": (LEAD,),
            "policies": self.policies,
        }
        return Settings(**{**given, **self.changed})

    # -- what people do

    @property
    def cluster(self) -> Cluster:
        """The only cluster, or the first."""
        return self.clusters[0]

    async def order(
        self, user: str, verb: str, target: str = "shop/checkout", reason: str = "", channel: str = OPS
    ) -> None:
        """Give a command, and let the bot do what is due."""
        self._deliveries += 1
        job = order_job(f"d{self._deliveries}", verb, target, reason, caller(user, channel))
        await self.store.jobs.submit(job)
        await self.work()

    async def click(self, user: str, action: str, change: Change | str, reason: str = "") -> str:
        """Click a button, let the bot do what is due, and return what the person was told."""
        self._deliveries += 1
        subject = change if isinstance(change, str) else change.id
        await self.store.jobs.submit(click_job(f"d{self._deliveries}", action, subject, reason, caller(user)))
        before = len(self.messenger.said_to(user))
        await self.work()
        return self.messenger.said_to(user)[before]

    async def propose(self, verb: str = "enable", target: str = "shop/checkout", user: str = ALICE) -> Change:
        """Propose, and return the change."""
        known = set(self.store.changes.rows)
        await self.order(user, verb, target, "TLS errors")
        (new,) = set(self.store.changes.rows) - known
        return self.store.changes.rows[new]

    async def approved(self, verb: str = "enable", target: str = "shop/checkout") -> Change:
        """Propose as Alice and approve as Bob; return the change as it is then."""
        change = await self.propose(verb, target)
        await self.click(BOB, "change:approve", change)
        return self.now(change)

    async def concluded(self, change: Change, outcome: Outcome = Outcome.SUCCEEDED) -> Change:
        """Let the verification of a change end like that."""
        self.runs.outcomes[change.id] = outcome
        await self.store.jobs.submit(advance_job(change.id))
        await self.work()
        return self.now(change)

    async def done(self, outcome: Outcome = Outcome.SUCCEEDED, verb: str = "enable") -> Change:
        """Propose, approve, apply and verify."""
        return await self.concluded(await self.approved(verb), outcome)

    # -- what time does

    async def work(self, world: World | None = None) -> None:
        """Perform every job that is due now; what wants to be called later waits."""
        doing = performers(world or self.world)
        for _ in range(ROUNDS):
            claimed = await self.store.jobs.claim(limit=1, lease=LEASE)
            if not claimed:
                return
            await self._perform(doing, claimed[0])
        raise AssertionError(f"there is always something due: {claimed[0].job.key}")

    async def _perform(self, doing: Mapping[str, Any], leased: Leased) -> None:
        try:
            await doing[leased.job.kind](leased)
        except Later as later:
            await self.store.jobs.retry(leased, delay=max(later.delay, 0.001))
        except WorldError as error:
            await self.store.jobs.retry(leased, delay=1.0, error=f"{type(error).__name__}: {error}")
        else:
            await self.store.jobs.finish(leased)

    async def later(self, seconds: float) -> None:
        """Let time pass, all of it at once, and do what is due then."""
        self.clock.now += timedelta(seconds=seconds)
        await self.work()

    async def pass_time(self, seconds: float) -> None:
        """Let time pass from one due job to the next."""
        end = self.clock.now + timedelta(seconds=seconds)
        while (due := await self.store.jobs.next_due()) is not None:
            at = self.clock.now + timedelta(seconds=due)
            if at > end:
                break
            self.clock.now = max(at, self.clock.now + timedelta(milliseconds=1))
            await self.work()
        self.clock.now = end
        await self.work()

    # -- what is to be seen

    def now(self, change: Change) -> Change:
        """The row as it is now."""
        return self.store.changes.rows[change.id]

    def changes(self) -> list[Change]:
        """Every change, oldest first."""
        return list(self.store.changes.rows.values())

    def card(self, change: Change) -> Posted:
        """The one card of a change."""
        (card,) = self.messenger.keyed(f"card:{change.id}")
        return card

    def thread(self, change: Change) -> list[str]:
        """What is said in the thread of a change's card."""
        ts = self.card(change).place.ts
        return [posted.text for posted in self.messenger.posts if posted.thread == ts]

    def incidents(self) -> list[Posted]:
        """What the incident channel has."""
        return [posted for posted in self.messenger.posts if posted.place.channel == INCIDENTS]


RENDERER = Witness()


def caller(user: str, channel: str = OPS) -> Caller:
    """Somebody in a channel."""
    return Caller(user=user, team=TEAM, channel=channel, response_url=f"https://hooks.slack.com/{user}")


def shop(
    name: str = "prod", *, given: ClusterFacts = FACTS, read_only: bool = False, **changed: Any
) -> Cluster:
    """A cluster with shop/checkout on a shared load balancer, two nodes with a backend and one without."""
    cluster = Cluster(name, facts=given, read_only=read_only)
    cluster.put(service(**changed))
    cluster.put(slices("checkout", "node-a", "node-b"))
    for index, node in enumerate(("node-a", "node-b", "node-c"), 1):
        cluster.put(machine(node, index))
        cluster.put(pod(f"client-{node}", node, index))
    return cluster


def service(
    namespace: str = "shop",
    name: str = "checkout",
    *,
    policy: str = "Cluster",
    value: str | None = None,
    elb: str | None = "elb-1",
    kind: str = "LoadBalancer",
    ip: str | None = "10.9.0.9",
    born: datetime | None = None,
    port: int = 443,
    elb_class: str = "union",
) -> dict[str, Any]:
    """A Service as Kubernetes has it."""
    marks = {"kubernetes.io/elb.class": elb_class}
    if elb:
        marks["kubernetes.io/elb.id"] = elb
    if value is not None:
        marks[KEY] = value
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": f"uid-{namespace}-{name}",
            "annotations": marks,
            "creationTimestamp": (born or START - timedelta(days=9)).isoformat(),
        },
        "spec": {
            "type": kind,
            "clusterIP": "10.96.0.7",
            "clusterIPs": ["10.96.0.7"],
            "externalTrafficPolicy": policy,
            "selector": {"app": name},
            "ports": [{"port": port, "targetPort": 8443, "nodePort": 30443, "protocol": "TCP"}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": ip}] if ip else []}},
    }


def slices(name: str, *nodes: str, namespace: str = "shop") -> dict[str, Any]:
    """A Service's endpoints: one on each of these nodes."""
    endpoints = [
        {"addresses": [f"10.1.0.{10 + index}"], "nodeName": node, "conditions": {"ready": True}}
        for index, node in enumerate(nodes)
    ]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-1",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "ports": [{"port": 8443, "protocol": "TCP"}],
        "endpoints": endpoints,
    }


def machine(name: str, index: int) -> dict[str, Any]:
    """A ready node."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {
            "addresses": [{"type": "InternalIP", "address": f"172.16.0.{index}"}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.29.2"},
        },
    }


def pod(name: str, node: str, index: int, namespace: str = "shop") -> dict[str, Any]:
    """A running Pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "uid": f"uid-{name}"},
        "spec": {"nodeName": node},
        "status": {"phase": "Running", "podIPs": [{"ip": f"10.1.0.{20 + index}"}]},
    }
