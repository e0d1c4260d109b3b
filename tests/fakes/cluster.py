"""The cluster's twin in memory, held to the same contract tests as a real API server."""

import copy
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.adapters import objects
from bot.adapters.cluster.read_hash import read_hash
from bot.adapters.objects.ownership import last_applied, writers
from bot.adapters.objects.reader import Reader
from bot.domain.change import ServiceRef
from bot.domain.cluster_facts import ClusterFacts
from bot.domain.objects import (
    EndpointSlice,
    Ingress,
    NetworkPolicy,
    Node,
    Pod,
    Ref,
    Service,
    Value,
)
from bot.domain.owner import Mark, Owner, Tool
from bot.domain.snapshot import Inventory, Snapshot
from bot.ports import (
    Conflict,
    Forbidden,
    FoundProbe,
    Freshness,
    LiveService,
    NotFound,
    ProbePod,
    ProbeState,
    Unavailable,
    WorldError,
)

KINDS = (Service, EndpointSlice, Node, Pod, Ingress, NetworkPolicy)
MANAGER = "elb-passthrough-bot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patched:
    """One patch that arrived, whatever became of it."""

    service: ServiceRef
    annotations: Mapping[str, str | None]
    resource_version: str
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One object is not what it was."""

    ref: Ref
    before: Value | None
    after: Value | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One Kubernetes Event."""

    service: ServiceRef
    uid: str
    message: str


class MemoryCluster:
    """One cluster. Objects are put in as Kubernetes JSON; everything that was asked for is written down.

    `fail(verb, error)` lets the next call of a verb fail before it does anything; `lose_reply(verb)` lets it
    happen and then fail. Verbs are the port's: read, patch, tell, start_probe, probe_state, probes, sweep_probes.
    """

    def __init__(
        self,
        name: str = "prod",
        *,
        read_only: bool = False,
        facts: ClusterFacts | None = None,
        inventory: Inventory | None = None,
    ) -> None:
        self.name = name
        self.read_only = read_only
        self.facts = facts or ClusterFacts()
        self.api_server: tuple[str, ...] = ()
        self.fresh = Freshness(synced=True, age=0.0)
        self.patches: list[Patched] = []
        self.told: dict[str, Told] = {}
        self.started: dict[str, ProbePod] = {}
        self.born: datetime | None = None
        self.play: Callable[[ProbePod], ProbeState] = lambda _: ProbeState(phase="pending", why="not played")
        """What becomes of a probe Pod."""
        self.owned: dict[Tool, list[Owner]] = {}
        """The GitOps tools' objects that live here."""
        self.calls: list[str] = []
        self._inventory = inventory or Inventory(live=True)
        self._subscribers: list[Callable[[Changed], None]] = []
        self._raw: dict[Ref, dict[str, Any]] = {}
        self._version = 1000
        self._errors: defaultdict[str, deque[WorldError]] = defaultdict(deque)
        self._lost: defaultdict[str, int] = defaultdict(int)

    # -- the test's side

    def put(self, raw: Mapping[str, Any]) -> None:
        """Create or change an object, as somebody else would; a Service gets a new resourceVersion."""
        body = copy.deepcopy(dict(raw))
        if body["kind"] == "Service":
            self._store(body)
            return
        value = objects.PARSERS[body["kind"]](body)
        assert value is not None
        self._keep(value)

    def remove(self, kind: type, ref: Ref) -> None:
        """Delete an object."""
        before = self._look(kind, ref)
        self._inventory.remove(kind, ref)
        self._tell(Changed(ref=ref, before=before, after=None))
        if kind is Service:
            self._raw.pop(ref, None)

    def fail(self, verb: str, error: WorldError) -> None:
        """Let the next call of a verb fail; nothing happens then."""
        self._errors[verb].append(error)

    def lose_reply(self, verb: str) -> None:
        """Let the next call of a verb do its work and then fail."""
        self._lost[verb] += 1

    def annotations(self, ref: Ref) -> dict[str, str]:
        """What a Service carries now."""
        return dict(self._raw[ref]["metadata"].get("annotations") or {})

    # -- the port

    def snapshot(self) -> Snapshot:
        """Everything that was put in; every kind is complete."""
        self._inventory.complete.clear()
        self._inventory.complete.update(KINDS)
        return self._inventory.snapshot(self.facts)

    def freshness(self) -> Freshness:
        """Whatever `fresh` is."""
        return self.fresh

    def subscribe(self, subscriber: Callable[[Changed], None]) -> Callable[[], None]:
        """Call `subscriber` for every later change."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    async def read(self, service: ServiceRef) -> LiveService:
        """Read one Service."""
        self._called("read")
        return self._live(service, self._get(service))

    async def owners(self, mark: Mark) -> Sequence[Owner]:
        """Find what was put into `owned` under that name."""
        self._called("owners")
        return [
            each
            for each in self.owned.get(mark.tool, ())
            if each.name == mark.name and mark.namespace in ("", each.namespace)
        ]

    async def patch(
        self,
        service: ServiceRef,
        annotations: Mapping[str, str | None],
        *,
        resource_version: str,
        dry_run: bool,
    ) -> LiveService:
        """Merge annotations under a precondition."""
        self.patches.append(
            Patched(
                service=service,
                annotations=dict(annotations),
                resource_version=resource_version,
                dry_run=dry_run,
            )
        )
        self._called("patch")
        if self.read_only and not dry_run:
            raise Forbidden(f"{self.name} is configured read-only")
        raw = self._get(service)
        if raw["metadata"]["resourceVersion"] != resource_version:
            raise Conflict(f"{service.name} was changed meanwhile")
        changed = _merged(raw, annotations)
        if not dry_run and changed != raw:
            self._store(changed)
            changed = self._get(service)
        self._reply("patch")
        return self._live(service, changed)

    async def tell(self, service: ServiceRef, uid: str, *, key: str, message: str) -> None:
        """Write an Event down, once per key; best effort, as the port says."""
        if self._errors["tell"]:
            self._errors["tell"].popleft()
            return
        self.told.setdefault(key, Told(service=service, uid=uid, message=message))

    async def start_probe(self, pod: ProbePod) -> None:
        """Take a probe Pod; one that is there already stays."""
        self._called("start_probe")
        if self.read_only:
            raise Forbidden(f"{self.name} is configured read-only")
        self.started.setdefault(pod.name, pod)
        self._reply("start_probe")

    async def probe_state(self, name: str) -> ProbeState:
        """Play the Pod."""
        self._called("probe_state")
        pod = self.started.get(name)
        return ProbeState(phase="gone", why="the Pod is no longer there") if pod is None else self.play(pod)

    async def probes(self) -> Sequence[FoundProbe]:
        """Every Pod of ours that was started; how old they are is what the test says."""
        self._called("probes")
        own = [pod for pod in self.started.values() if pod.inside is None]
        return [FoundProbe(name=pod.name, run=pod.run, created_at=self.born) for pod in own]

    async def sweep_probes(self, run: str) -> int:
        """Forget the Pods of one run."""
        self._called("sweep_probes")
        swept = [name for name, pod in self.started.items() if run == pod.run]
        for name in swept:
            del self.started[name]
        return len(swept)

    # -- inside

    def _called(self, verb: str) -> None:
        self.calls.append(verb)
        if self._errors[verb]:
            raise self._errors[verb].popleft()

    def _reply(self, verb: str) -> None:
        if self._lost[verb]:
            self._lost[verb] -= 1
            raise Unavailable(f"{self.name} does not answer: the connection broke off")

    def _get(self, service: ServiceRef) -> dict[str, Any]:
        raw = self._raw.get(Ref(service.namespace, service.name))
        if raw is None:
            raise NotFound(f'services "{service.name}" not found')
        return raw

    def _store(self, body: dict[str, Any]) -> None:
        self._version += 1
        metadata = body.setdefault("metadata", {})
        metadata["resourceVersion"] = str(self._version)
        service = objects.service(body)
        metadata.setdefault("uid", f"uid-{service.ref.namespace}-{service.ref.name}")
        self._raw[service.ref] = body
        self._keep(objects.service(body))

    def _keep(self, value: Value) -> None:
        ref = Ref("", value.name) if isinstance(value, Node) else value.ref
        before = self._look(type(value), ref)
        self._inventory.put(value)
        self._tell(Changed(ref=ref, before=before, after=value))

    def _look(self, kind: type, ref: Ref) -> Value | None:
        return self._inventory.nodes.get(ref.name) if kind is Node else self._inventory.find(kind, ref)

    def _tell(self, changed: Changed) -> None:
        for subscriber in tuple(self._subscribers if changed.before != changed.after else ()):
            subscriber(changed)

    def _live(self, ref: ServiceRef, raw: Mapping[str, Any]) -> LiveService:
        service = objects.service(raw)
        return LiveService(
            ref=ref,
            uid=service.uid,
            resource_version=service.resource_version,
            annotations=service.annotations,
            read_hash=read_hash(raw),
            touched_by={key: manager for manager, keys in service.managers for key in keys},
            labels=service.labels,
            writers=writers(Reader(raw["metadata"], str(ref))),
            last_applied=last_applied(service.annotations),
        )


def _merged(raw: Mapping[str, Any], annotations: Mapping[str, str | None]) -> dict[str, Any]:
    body = copy.deepcopy(dict(raw))
    before = body["metadata"].get("annotations") or {}
    merged = {key: value for key, value in {**before, **annotations}.items() if value is not None}
    if merged == before:
        return body
    body["metadata"]["annotations"] = merged
    owned: dict[str, Any] = {f"f:{key}": {} for key in annotations if key in merged}
    entry = {"manager": MANAGER, "fieldsV1": {"f:metadata": {"f:annotations": owned}}}
    others = [each for each in body["metadata"].get("managedFields") or [] if each["manager"] != MANAGER]
    body["metadata"]["managedFields"] = [*others, entry]
    return body


class MemoryClusters:
    """Several clusters."""

    def __init__(self, *clusters: MemoryCluster) -> None:
        self._clusters = {cluster.name: cluster for cluster in clusters}

    def names(self) -> Sequence[str]:
        """The names, in the given order."""
        return tuple(self._clusters)

    def get(self, name: str) -> MemoryCluster:
        """One cluster, or NotFound."""
        if name not in self._clusters:
            raise NotFound(f"no cluster is called {name}")
        return self._clusters[name]
