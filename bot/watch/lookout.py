"""What one replica sees of one cluster: which Services are to be looked at, and how long things have been so."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import perf_counter

from bot.domain.change import ServiceRef
from bot.domain.cluster_facts import ClusterFacts
from bot.domain.explanation import PassThroughState, Severity, Verdict
from bot.domain.incident import CLUSTER, Key, Member
from bot.domain.incident_act import Act, Known, as_it_was, changed, known, manager, puts_back
from bot.domain.incident_rule import CUT_OFF, STALE, Severities, severity_of
from bot.domain.incident_sighting import Assessment, Sighting, assess, group_of
from bot.domain.incident_track import Track
from bot.domain.objects import PASS_THROUGH, NetworkPolicy, Ref, Service, TrafficPolicy, Value
from bot.domain.snapshot import Snapshot
from bot.domain.words import duration
from bot.operations import path_table, preview
from bot.operations.freshness import STALE_AFTER
from bot.ports import Changed, Cluster
from bot.watch.dirty import concerned, depends_on_placement, moves_clients, presses

SLICE = 0.005
"""Seconds for which looking at Services holds the event loop at most, give or take one Service."""
DUE = timedelta(seconds=1.5)
"""Before something is to be told, what does not press waits."""
PRESSED = 1.0
"""Seconds for which a look goes on with what presses."""
LOOK = 0.25
"""Seconds that one look takes at most; what is left waits for the next one, for what was seen is to be told too."""
SWEEP = timedelta(seconds=5)
SWEEP_EACH = timedelta(milliseconds=20)
"""Time between two looks for each Service whose clients may have moved: a twentieth of a core at most."""
MOST_ACTS = 1000
ACTS_KEPT = timedelta(minutes=1)
"""How long a replica that does not tell remembers an act, in case the one that does is gone."""
TURNING = timedelta(minutes=10)
"""How long after a Service's policy is no longer Local a removal may be CCE's."""
_OF_CLUSTER = Ref("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """The annotation was written; what that means is looked at later."""

    before: Service
    after: Service
    at: datetime
    unwatched_from: datetime | None = None
    """Set where nobody saw it happen: when somebody looked last."""


class Lookout:
    """Hears of every change of one cluster; cheap to tell, and looks when asked to."""

    def __init__(
        self, cluster: Cluster, severities: Severities, *, settle: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self.cluster = cluster
        self._clock = clock
        self.synced_at: datetime | None = None
        """When every Service had been looked at for the first time."""
        self.acts: list[Act] = []
        # One for the cluster's whole life; a snapshot for each event would cost more than the event.
        self._inventory = cluster.snapshot().inventory
        self._severities = severities
        self._settle = settle
        self._tracks: dict[tuple[str, str, str], Track] = {}
        self._of: dict[object, set[tuple[str, str, str]]] = {}
        self._pressing: dict[Ref, datetime] = {}
        self._dirty: dict[Ref, datetime] = {}
        """Services to be looked at, each with when it changed last: since then it is as it will be seen."""
        self._spaces: set[str] = set()
        """Namespaces whose NetworkPolicies changed."""
        self._writes: list[_Write] = []
        self._marked: set[Ref] = set()
        """Services whose annotation is not what was noted of it, or that come or went."""
        self._born: set[object] = set()
        self._gone: dict[Ref, tuple[Service, datetime]] = {}
        """Services that went lately: a cache that was emptied and filled again makes nothing new."""
        self._turned: dict[Ref, datetime] = {}
        """Services whose policy is no longer Local, and since when: CCE takes its annotation away then."""
        self._lost: dict[Ref, str] = {}
        """Services that were seen with an address and have none now, each with the address."""
        self._unsure: dict[object, frozenset[str]] = {}
        """Rules about which nothing can be said now, by what was looked at."""
        self._due = False
        self._moved = False
        self._touched = False
        self._swept: datetime | None = None
        self.found: dict[Ref, frozenset[tuple[str, Severity]]] = {}
        """Services with findings; equal sets are one, for most Services have the same."""
        self._same: dict[frozenset[tuple[str, Severity]], frozenset[tuple[str, Severity]]] = {}
        self.verdicts: dict[Ref, Verdict] = {}
        """The worst verdict of each Service that has paths, as of when it was looked at last."""
        self._known: frozenset[type] = frozenset()
        self._facts: ClusterFacts | None = None
        self.believed = False
        """Whether the cache could be believed at the last look."""

    # -- hearing

    def hear(self, change: Changed) -> None:
        """Note what a change concerns; called by the cache, inside the event loop."""
        at = self._clock()
        pressing = self.synced_at is not None and presses(self._inventory, change)
        queue = self._pressing if pressing else self._dirty
        queue.update(dict.fromkeys(concerned(self._inventory, change), at))
        self._moved = self._moved or moves_clients(change)
        if isinstance(change.after or change.before, NetworkPolicy):
            self._spaces.add(change.ref.namespace)
        if self.synced_at is None:
            return
        before, after = change.before, change.after
        if isinstance(after or before, Service) and _known(before) != _known(after):
            self._marked.add(change.ref)
        if isinstance(before, Service) and after is None:
            self._gone[before.ref] = before, at
            self._lost.pop(before.ref, None)
        if isinstance(after, Service):
            self._hear_service(before, after, at)

    def _hear_service(self, before: Value | None, after: Service, at: datetime) -> None:
        was, left = (before, None) if before is not None else self._gone.pop(after.ref, (None, None))
        self._hear_address(was, after)
        if not isinstance(was, Service) or was.uid != after.uid:
            self._begin_anew(after.ref, at)
            return
        if was.external_policy is TrafficPolicy.LOCAL and after.external_policy is not TrafficPolicy.LOCAL:
            self._turned[after.ref] = at
        if changed(was, after, turned=after.ref in self._turned) and len(self._writes) < MOST_ACTS:
            self._writes.append(_Write(before=was, after=after, at=at, unwatched_from=left))

    def _hear_address(self, was: Value | None, after: Service) -> None:
        """Note that a Service has no address any more, or has one again."""
        same = isinstance(was, Service) and was.uid == after.uid and was.is_load_balancer
        if after.ingress or not same or not after.is_load_balancer:
            self._lost.pop(after.ref, None)
        elif isinstance(was, Service) and was.ingress:
            self._lost[after.ref] = ", ".join(point.ip or point.hostname for point in was.ingress)

    def _begin_anew(self, ref: Ref, at: datetime) -> None:
        """A Service that was made just now has no past, also where another one had its name."""
        self._born.add(ref)
        for key in self._of.get(ref, ()):
            self._tracks[key] = self._tracks[key].ended(at)

    def shift(self, by: timedelta) -> None:
        """The clock was put forward or back: how long things have been so is what it was before."""
        self._tracks = {key: track.shifted(by) for key, track in self._tracks.items()}
        self._pressing = {ref: at + by for ref, at in self._pressing.items()}
        self._dirty = {ref: at + by for ref, at in self._dirty.items()}
        self._writes = [replace(write, at=write.at + by) for write in self._writes]
        self.acts = [replace(act, at=act.at + by) for act in self.acts]
        self._gone = {ref: (was, at + by) for ref, (was, at) in self._gone.items()}
        self._turned = {ref: at + by for ref, at in self._turned.items()}
        self._swept = self._swept and self._swept + by
        self.synced_at = self.synced_at and self.synced_at + by

    # -- remembering

    def recall(self, remembered: Mapping[Ref, Known], looked_at: datetime, now: datetime) -> None:
        """Compare with what was noted last: what was written since then is an act, though nobody saw it."""
        snapshot = self.cluster.snapshot()
        seen = {act.service for act in self.acts}
        there = {service.ref: service for service in snapshot.load_balancers()}
        for ref, service in there.items():
            ours = ServiceRef(cluster=self.cluster.name, namespace=ref.namespace, name=ref.name)
            was = remembered.get(ref)
            before = as_it_was(service, was) if was and ours not in seen and not self.pending(ours) else None
            # Its policy may have been Local in between.
            if before is not None and changed(before, service, turned=True):
                write = _Write(before=before, after=service, at=now, unwatched_from=looked_at)
                self._writes.append(write)
            if was != known(service):
                self._marked.add(ref)
        self._marked |= remembered.keys() - there.keys()
        self._understand()

    def to_note(self) -> Mapping[Ref, Known | None]:
        """What is to be noted now: not what an act that is still to be told is about."""
        untold = {Ref(act.service.namespace, act.service.name) for act in self.acts}
        untold |= {write.after.ref for write in self._writes}
        snapshot = self.cluster.snapshot()
        return {ref: _known(snapshot.service(ref)) for ref in self._marked - untold}

    def noted(self, known: Mapping[Ref, Known | None]) -> None:
        """Forget what is noted, unless it is another one by now."""
        snapshot = self.cluster.snapshot()
        self._marked -= {ref for ref, each in known.items() if _known(snapshot.service(ref)) == each}

    # -- looking

    async def look(self, now: datetime) -> None:
        """Look at what changed; as long as the cache cannot be believed, nothing new is concluded from it."""
        self.believed = self._believe(now)
        if not self.believed:
            return
        snapshot = self.cluster.snapshot()
        if snapshot.facts != self._facts or self.synced_at is None:
            self._facts = snapshot.facts
            self._dirty.update(dict.fromkeys((each.ref for each in snapshot.load_balancers()), now))
        self._let_in(snapshot, now)
        self._sweep(snapshot, now)
        await self._look_at()
        if self.synced_at is None:
            self.synced_at = now
        self._understand()
        self._forget(now)

    def _believe(self, now: datetime) -> bool:
        """Whether the cache is whole and fresh; if not, that itself is a sighting."""
        freshness = self.cluster.freshness()
        known = frozenset(self.cluster.snapshot().inventory.complete)
        lost = self._known - known
        old = freshness.age is None or freshness.age > STALE_AFTER
        fine = freshness.synced and not old and not lost
        if fine:
            self._known = known
        why = freshness.problem or _lost(lost) or _silence(freshness.age)
        # Nothing was seen since it was heard of last, not only since that was too long ago.
        since = now - timedelta(seconds=freshness.age) if old and freshness.age is not None else now
        self.take(_OF_CLUSTER, Assessment(sightings=() if fine else tuple(self._unseen(why))), since)
        return fine

    def _unseen(self, why: str) -> Iterable[Sighting]:
        severity = severity_of(STALE, self._severities)
        if severity is not None:
            member = Member(
                service=None,
                text="the bot does not see the cluster",
                why=why,
                severity=severity,
                code=STALE.code,
                fix="Until it is seen again nothing new is told of it; elb-passthrough doctor says what is in the way.",
            )
            yield Sighting(rule=STALE.code, group=CLUSTER, member=member)

    def _let_in(self, snapshot: Snapshot, now: datetime) -> None:
        """After a NetworkPolicy changed, look at the Services of its namespace: somebody else may be let in."""
        if self._spaces:
            services = (each.ref for each in snapshot.load_balancers())
            self._dirty.update({ref: now for ref in services if ref.namespace in self._spaces})
            self._spaces.clear()

    def _sweep(self, snapshot: Snapshot, now: datetime) -> None:
        """After nodes or Pods came or went, look at the Services for which that matters, now and then."""
        if not self._moved:
            return
        services = [each.ref for each in snapshot.load_balancers() if depends_on_placement(each)]
        pause = max(min(SWEEP, self._settle / 4), SWEEP_EACH * len(services))
        if self._swept is None or now - self._swept >= pause:
            self._dirty.update(dict.fromkeys(services, now))
            self._moved, self._swept = False, now

    async def _look_at(self) -> None:
        """Look at what waits, what presses first; for the first time at everything, else for a while."""
        self._touched = self._touched or bool(self._dirty or self._pressing)
        first = len(self._dirty) if self.synced_at is None else 0
        until = perf_counter() + (LOOK / 5 if self._due else LOOK)
        while self._dirty or self._pressing:
            first -= self._look_for(SLICE)
            await asyncio.sleep(0)
            if first <= 0 and perf_counter() > until + (PRESSED if self._pressing else 0):
                break

    def _look_for(self, seconds: float) -> int:
        """Look at as many Services as that time allows, at least one; a snapshot is dropped before anything may change."""
        snapshot, until = self.cluster.snapshot(), perf_counter() + seconds
        looked = 0
        while queue := self._pressing or self._dirty:
            ref = next(iter(queue))
            at = queue.pop(ref)
            at = max(at, self._dirty.pop(ref, at))
            seen = assess(self.cluster.name, snapshot, ref, self._severities, lost=self._lost.get(ref))
            self._note(ref, seen)
            self.take(ref, seen, at)
            looked += 1
            if perf_counter() > until:
                break
        return looked

    def take(self, of: object, assessment: Assessment, now: datetime, *, first: bool = False) -> None:
        """Take what was seen of a Service, or of something else that is looked at by itself.

        What is seen at the `first` look is no news.
        """
        seen = {sighting.key: sighting for sighting in assessment.sightings}
        known = self._of.setdefault(of, set())
        for key, sighting in seen.items():
            track = self._tracks.get(key)
            newborn = first or (of in self._born and sighting.rule == CUT_OFF.code)
            self._tracks[key] = (
                Track.begun(sighting.member, now, newborn=newborn)
                if track is None or (newborn and not track.holds)
                else track.seen(sighting.member, now)
            )
        for key in known - seen.keys():
            if key[0] not in assessment.unsure and key in self._tracks:
                self._tracks[key] = self._tracks[key].gone(now)
        known.update(seen)
        if not known:
            del self._of[of]
        if assessment.unsure:
            self._unsure[of] = assessment.unsure
        else:
            self._unsure.pop(of, None)
        if CUT_OFF.code not in assessment.unsure and not any(key[0] == CUT_OFF.code for key in seen):
            self._born.discard(of)

    def _note(self, ref: Ref, seen: Assessment) -> None:
        if seen.verdict is None:
            self.verdicts.pop(ref, None)
        else:
            self.verdicts[ref] = seen.verdict
        if found := seen.findings:
            self.found[ref] = self._same.setdefault(found, found)
        else:
            self.found.pop(ref, None)

    def turns(self, now: datetime) -> float:
        """Seconds until the next thing will have lasted long enough to be told; infinite if nothing is to come."""
        times = [at for track in self._tracks.values() if (at := track.turns(now, self._settle))]
        self._due = bool(times) and min(times) - now < DUE
        return (min(times) - now).total_seconds() if times else math.inf

    def findings(self) -> Mapping[tuple[str, Severity], int]:
        """How many Services have each finding, by code and severity, as of when each was looked at last."""
        counted: Counter[tuple[str, Severity]] = Counter()
        for codes, services in Counter(self.found.values()).items():
            counted.update(dict.fromkeys(codes, services))
        return counted

    def _understand(self) -> None:
        """Turn what was written into acts, each with what it did to the paths."""
        snapshot = self.cluster.snapshot()
        writes, self._writes = self._writes, []
        self.acts += [self._act(snapshot, write) for write in writes]
        del self.acts[:-MOST_ACTS]

    def _act(self, snapshot: Snapshot, write: _Write) -> Act:
        before, after = write.before, write.after
        ref = after.ref
        was, is_ = (service.annotations.get(PASS_THROUGH) for service in (before, after))
        then, now = preview.before_and_after(snapshot.with_service(before), snapshot.with_service(after), ref)
        return Act(
            service=ServiceRef(cluster=self.cluster.name, namespace=ref.namespace, name=ref.name),
            uid=after.uid,
            group=group_of(after),
            before=was,
            after=is_,
            by=manager(before, after),
            at=write.at,
            unwatched_from=write.unwatched_from,
            lost=_UNHEARD_OF
            if now.pass_through.state is PassThroughState.UNKNOWN
            else path_table.affected(preview.rows(then, now)),
            verb=puts_back(after, was),
        )

    def _forget(self, now: datetime) -> None:
        self._gone = {ref: each for ref, each in self._gone.items() if now - each[1] <= ACTS_KEPT}
        self._turned = {ref: at for ref, at in self._turned.items() if now - at <= TURNING}
        gone = [key for key, track in self._tracks.items() if track.forgotten(now, self._settle)]
        for key in gone:
            del self._tracks[key]
        if gone:
            self._of = {of: left for of, keys in self._of.items() if (left := keys & self._tracks.keys())}

    # -- telling

    def cut_off(self, ref: Ref) -> bool:
        """Whether a Service is cut off anyway, from some of its clients."""
        known = (self._tracks.get(key) for key in self._of.get(ref, ()) if key[0] == CUT_OFF.code)
        return any(track is not None and track.holds for track in known)

    def tracks(self) -> Mapping[Key, Sequence[Track]]:
        """Everything that is or was wrong lately, by what there is one incident of."""
        found: dict[Key, list[Track]] = {}
        for (rule, group, _), track in self._tracks.items():
            found.setdefault(Key(self.cluster.name, group, rule), []).append(track)
        return found

    def restless(self, now: datetime) -> bool:
        """Whether anything was looked at since it was told, or time alone may change what is to be told."""
        tracks = self._tracks.values()
        waiting = bool(self._dirty or self._pressing)
        return (
            self._touched
            or waiting
            or bool(self.acts)
            or any(track.restless(now, self._settle) for track in tracks)
        )

    def unsure(self, rule: str, service: ServiceRef) -> bool:
        """Whether nothing can be said now about a rule, of a Service."""
        return rule in self._unsure.get(Ref(service.namespace, service.name), ())

    def pending(self, service: ServiceRef) -> bool:
        """Whether a Service's annotation was written since the last look."""
        ref = Ref(service.namespace, service.name)
        return any(write.after.ref == ref for write in self._writes)

    def told(self, acts: Sequence[Act]) -> None:
        """Forget acts that are stored now, and that there was something to tell."""
        self._touched = False
        self.acts = [act for act in self.acts if act not in acts]

    def age_acts(self, now: datetime) -> None:
        """Forget acts that another replica has told by now."""
        self.acts = [act for act in self.acts if now - act.at <= ACTS_KEPT]


_UNHEARD_OF = "What CCE makes of that value here is documented nowhere: who reaches the Service, and by which way, is not known."


def _known(value: Value | None) -> Known | None:
    return known(value) if isinstance(value, Service) else None


def _lost(kinds: Iterable[type]) -> str:
    names = sorted(kind.__name__ for kind in kinds)
    return f"What could be listed no longer can: {', '.join(names)}." if names else ""


def _silence(age: float | None) -> str:
    return (
        "The API server has not answered yet."
        if age is None
        else f"It was last heard of {duration(age)} ago."
    )
