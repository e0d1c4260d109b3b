"""One Kubernetes cluster, as `bot.ports.Cluster` asks for it."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from bot.adapters.cluster import facts
from bot.adapters.cluster.balancers import Balancers
from bot.adapters.cluster.cache import Cache, Subscriber
from bot.adapters.cluster.calls import Calls
from bot.adapters.cluster.connection import Connection
from bot.adapters.cluster.failure import Unauthorized
from bot.adapters.cluster.informer import Informer, State
from bot.adapters.cluster.inside import Inside
from bot.adapters.cluster.kind import WATCHED, Kind
from bot.adapters.cluster.owners import Owners
from bot.adapters.cluster.pace import Pace, Timing
from bot.adapters.cluster.probes import Probes
from bot.adapters.cluster.services import Services
from bot.config.settings import Clients, ClusterSettings
from bot.domain.change import ServiceRef
from bot.domain.cluster_facts import ClusterFacts, Platform
from bot.domain.objects import Node
from bot.domain.owner import Mark, Owner
from bot.domain.snapshot import Snapshot
from bot.ports import Cloud, Forbidden, FoundProbe, Freshness, LiveService, ProbePod, ProbeState, WorldError

log = logging.getLogger(__name__)

_TROUBLE = 3.0
"""Seconds for which a watch may be down before people are told; API servers restart."""
_OUTAGE = 2
"""Signs of life missed in a row after which open watches are taken for dead."""


class LiveCluster:
    """A cache that answers questions, and few, narrow writes."""

    def __init__(
        self,
        settings: ClusterSettings,
        *,
        cloud: Cloud | None = None,
        timing: Timing | None = None,
        connection: Connection | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = settings.name
        self.read_only = settings.read_only
        self.settings = settings
        self._timing = timing or Timing()
        self._clock = clock
        self._cloud = cloud
        self._balancers = Balancers(cloud, self._timing, clock) if cloud else None
        self._connection = connection or Connection(settings)
        self._calls = Calls(self._connection, seconds=self._timing.call, heard=self._hear)
        self._services = Services(self._calls, seconds=self._timing.answer)
        self._owners = Owners(self._calls, seconds=self._timing.answer)
        self._probes = Probes(self._calls, settings.verification)
        self._inside = Inside(self._calls, self._connection)
        self._cache = Cache()
        self._informers = [self._informer(kind, space) for kind in WATCHED for space in self._spaces(kind)]
        self._heard: float | None = None
        self._down = ""
        self._git_version = ""
        self._configured = facts.configured(settings)
        self._from_cloud = ClusterFacts()
        self._hinted = ClusterFacts()

    @property
    def api_server(self) -> Collection[str]:
        """Addresses at which the API is served, as far as they are known."""
        return self._connection.addresses

    # -- what is known

    def snapshot(self) -> Snapshot:
        """Return what the cache holds now; take it, answer, and drop it before awaiting anything.

        A kind that may not be listed, or that has not been heard of for too long, counts as unknown.
        """
        stale = (self._age() or 0.0) > self._timing.stale
        known = () if stale else (kind.type for kind in WATCHED if self._known(kind))
        self._cache.inventory.complete.clear()
        self._cache.inventory.complete.update(known)
        return self._cache.inventory.snapshot(self.facts())

    def facts(self) -> ClusterFacts:
        """Merge what configuration, cloud and API tell."""
        told = self._balancers.known() if self._balancers else {}
        return replace(self._merged(), balancers=told)

    def _merged(self) -> ClusterFacts:
        nodes_known = any(each.kind.type is Node and each.lists for each in self._informers)
        told = facts.of_version(self._git_version, nodes_known=nodes_known)
        above = facts.merged(self._configured, self._from_cloud, self._hinted, told)
        if above.category.known:
            return above
        cce = above.platform.value is Platform.CCE or self._cache.inventory.cce_nodes > 0
        ranges = any(node.pod_cidrs for node in self._cache.inventory.nodes.values())
        return facts.merged(above, facts.of_pod_ranges(any_node_has_one=ranges, cce=cce))

    def freshness(self) -> Freshness:
        """Say how far the snapshot can be trusted. A kind that may not be listed does not count as missing."""
        synced = all(each.lists or each.state is State.DENIED for each in self._informers)
        return Freshness(synced=synced, age=self._age(), problem=self._problem())

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` for every later change of an object; the returned function ends it."""
        return self._cache.subscribe(subscriber)

    async def synced(self) -> None:
        """Wait until every kind was listed, or refused."""
        await self._cache.until(lambda: self.freshness().synced)

    async def until(self, reached: Callable[[Snapshot], bool]) -> None:
        """Wait until the cache has got somewhere."""
        await self._cache.until(lambda: reached(self.snapshot()))

    def lists_all(self, type_: type) -> bool:
        """Whether every object of a kind is known that the configuration asks for."""
        return all(each.knows() and not each.narrowed for each in self._informers if each.kind.type is type_)

    # -- straight at the API server

    async def read(self, service: ServiceRef) -> LiveService:
        """Read one Service from the API server; see the port."""
        return await self._services.read(service)

    async def owners(self, mark: Mark) -> Sequence[Owner]:
        """Read the objects by which a GitOps tool looks after a Service; see the port."""
        return await self._owners.find(mark)

    async def patch(
        self,
        service: ServiceRef,
        annotations: Mapping[str, str | None],
        *,
        resource_version: str,
        dry_run: bool,
    ) -> LiveService:
        """Merge-patch annotations under a resourceVersion precondition; see the port."""
        if not dry_run:
            self._refuse_writes()
        return await self._services.patch(
            service, annotations, resource_version=resource_version, dry_run=dry_run
        )

    async def tell(self, service: ServiceRef, uid: str, *, key: str, message: str) -> None:
        """Record the Event PassThroughChanged on a Service, once per key; best effort."""
        if not self.read_only:
            await self._services.tell(service, uid, key=key, message=message)

    async def start_probe(self, pod: ProbePod) -> None:
        """Create a probe Pod; see the port."""
        self._refuse_writes()
        await (self._probes.start(pod) if pod.inside is None else self._inside.start(pod, pod.inside))

    async def probe_state(self, name: str) -> ProbeState:
        """Look at a probe Pod; see the port."""
        if self.settings.verification.clients is Clients.EXEC:
            return self._inside.state(name)
        return await self._probes.state(name)

    async def probes(self) -> Sequence[FoundProbe]:
        """List the probe Pods of ours; see the port. Where none are made, the right to list them may be missing."""
        return await self._probes.every() if self.settings.verification.clients is Clients.PROBE else ()

    async def sweep_probes(self, run: str) -> int:
        """Delete the probe Pods of one run; return how many."""
        ended = await self._inside.sweep(run)
        pods = self.settings.verification.clients is Clients.PROBE and not self.read_only
        return ended + (await self._probes.sweep(run) if pods else 0)

    async def may(
        self, verb: str, resource: str, *, group: str = "", namespace: str = "", subresource: str = ""
    ) -> bool:
        """Ask the API server whether the bot may do something: a SelfSubjectAccessReview.

        Raises:
            Forbidden, Unavailable: The review itself failed.
        """
        asked = {"verb": verb, "resource": resource, "group": group, "namespace": namespace}
        if subresource:
            asked["subresource"] = subresource
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        answer = await self._calls.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        return (answer.get("status") or {}).get("allowed") is True

    async def version(self) -> str:
        """Ask the API server for its version.

        Raises:
            Forbidden, Unavailable: As named.
        """
        answer = await self._calls.get("/version", seconds=self._timing.answer)
        return str(answer.get("gitVersion", ""))

    # -- life

    async def run(self) -> None:
        """Watch until cancelled; a cluster that does not answer is tried again and again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beat(), name=f"{self.name}: heartbeat")
            group.create_task(self._learn(), name=f"{self.name}: facts")
            if self._balancers is not None:
                group.create_task(self._ask(self._balancers), name=f"{self.name}: load balancers")
            for each in self._informers:
                group.create_task(each.run(), name=f"{self.name}: {each.kind.plural}")

    async def close(self) -> None:
        """Close the connections."""
        await self._inside.close()
        await self._connection.close()

    def broke(self) -> None:
        """Forget what informers that were stopped in the middle of something may have got wrong."""
        self._down = f"the watch of {self.name} broke off and is started anew"
        for each in self._informers:
            each.forget()

    async def _beat(self) -> None:
        """Ask for a sign of life, over and over; after an outage, have every watch opened anew."""
        missed = 0
        while True:
            self._down = await self._sign_of_life()
            if missed >= _OUTAGE and not self._down:
                for each in self._informers:
                    each.kick()
            missed = missed + 1 if self._down else 0
            self._cache.moved()
            await asyncio.sleep(self._timing.heartbeat)

    async def _sign_of_life(self) -> str:
        """Say in one sentence why the API server is of no use now; nothing if it is."""
        try:
            self._git_version = await self.version()
        except Unauthorized as error:
            return f"{self.name} refuses the bot's credentials: {error}"
        except Forbidden:
            return ""  # a hardened cluster: it answers, and keeps its version to itself
        except WorldError as error:
            return str(error)
        return ""

    async def _learn(self) -> None:
        pace = Pace(self._timing)
        while True:
            rest = self._timing.facts
            try:
                self._hinted = await facts.hinted(self._calls)
                if self._cloud is not None:
                    self._from_cloud = facts.of_cloud(await self._cloud.cluster())
                pace.tries = 0
            except WorldError as error:
                log.info("%s: facts: %s", self.name, error)
                rest = min(rest, pace.after(0))
            self._cache.moved()
            await asyncio.sleep(rest)

    async def _ask(self, balancers: Balancers) -> None:
        """Ask the cloud about the Services' load balancers, one after the other and over and over."""
        while True:
            if await balancers.ask(self._cache.inventory.balancers):
                self._cache.moved()
            await asyncio.sleep(self._timing.balancer)

    def _hear(self) -> None:
        self._heard = self._clock()

    # -- parts

    def _informer(self, kind: Kind, namespace: str | None) -> Informer:
        return Informer(
            calls=self._calls,
            kind=kind,
            sink=self._cache,
            timing=self._timing,
            namespace=namespace,
            fallback=lambda: self._connection.namespace,
            clock=self._clock,
        )

    def _spaces(self, kind: Kind) -> tuple[str | None, ...]:
        return (kind.namespaced and self.settings.namespaces) or (None,)

    def _known(self, kind: Kind) -> bool:
        return all(each.knows() for each in self._informers if each.kind is kind)

    def _age(self) -> float | None:
        return None if self._heard is None else max(0.0, self._clock() - self._heard)

    def _refuse_writes(self) -> None:
        if self.read_only:
            raise Forbidden(f"{self.name} is configured read-only")

    def _problem(self) -> str:
        if self._down or self._heard is None:
            return self._down or f"{self.name} has not answered yet"
        told: dict[str, tuple[list[str], str]] = {}
        for each in self._informers:
            what, why = self._trouble(each)
            if what:
                told.setdefault(what, ([], why))[0].append(each.kind.named)
        return "; ".join(
            f"{', '.join(dict.fromkeys(kinds))} {what} ({why})" for what, (kinds, why) in told.items()
        )

    def _trouble(self, informer: Informer) -> tuple[str, str]:
        """Say what is wrong with an informer, and why; several kinds often have the same trouble."""
        if informer.state is State.DENIED:
            return "may not be listed", informer.why
        if informer.state is State.FAILING and self._clock() - informer.since >= _TROUBLE:
            return "are not watched", informer.why
        if informer.narrowed:
            return f"are seen in namespace {informer.namespace} only", informer.narrowed
        return ("are not all seen", "some cannot be read") if informer.unreadable else ("", "")
