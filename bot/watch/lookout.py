"""What one replica sees of one cluster: which Services are to be looked at, and how long things have been so."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter

from bot.domain.change import ServiceRef
from bot.domain.cluster_facts import ClusterFacts
from bot.domain.incident import Key, Member
from bot.domain.incident_act import Act, changed, manager, puts_back
from bot.domain.incident_rule import CUT_OFF, STALE, Severities, severity_of
from bot.domain.incident_sighting import Assessment, Sighting, assess, group_of
from bot.domain.incident_track import Track
from bot.domain.objects import PASS_THROUGH, Ref, Service
from bot.domain.snapshot import Snapshot
from bot.domain.words import duration
from bot.operations import path_table, preview
from bot.operations.freshness import STALE_AFTER
from bot.ports import Changed, Cluster
from bot.watch.dirty import concerned, depends_on_placement, moves_clients

SLICE = 0.01
"""Seconds for which looking at Services holds the event loop at most, give or take one Service."""
SWEEP = timedelta(seconds=5)
SWEEP_EACH = timedelta(milliseconds=20)
"""Time between two looks for each Service whose clients may have moved: a twentieth of a core at most."""
MOST_ACTS = 1000
ACTS_KEPT = timedelta(minutes=1)
"""How long a replica that does not tell remembers an act, in case the one that does is gone."""
CLUSTER = "cluster"
_OF_CLUSTER = Ref("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """The annotation was written; what that means is looked at later."""

    before: Service
    after: Service
    at: datetime


class Lookout:
    """Hears of every change of one cluster; cheap to tell, and looks when asked to."""

    def __init__(self, cluster: Cluster, severities: Severities, *, settle: timedelta) -> None:
        self.cluster = cluster
        self.synced_at: datetime | None = None
        """When every Service had been looked at for the first time."""
        self.acts: list[Act] = []
        self.now: datetime | None = None
        # One for the cluster's whole life; a snapshot for each event would cost more than the event.
        self._inventory = cluster.snapshot().inventory
        self._severities = severities
        self._settle = settle
        self._tracks: dict[tuple[str, str, str], Track] = {}
        self._of: dict[object, set[tuple[str, str, str]]] = {}
        self._dirty: dict[Ref, None] = {}
        self._writes: list[_Write] = []
        self._born: set[object] = set()
        self._moved = False
        self._touched = False
        self._swept: datetime | None = None
        self._known: frozenset[type] = frozenset()
        self._facts: ClusterFacts | None = None
        self.believed = False
        """Whether the cache could be believed at the last look."""

    # -- hearing

    def hear(self, change: Changed) -> None:
        """Note what a change concerns; called by the cache, inside the event loop."""
        self._dirty.update(dict.fromkeys(concerned(self._inventory, change)))
        self._moved = self._moved or moves_clients(change)
        if self.synced_at is None:
            return
        before, after = change.before, change.after
        if isinstance(after, Service):
            if not isinstance(before, Service) or before.uid != after.uid:
                self._begin_anew(after.ref)
            elif changed(before, after) and len(self._writes) < MOST_ACTS:
                self._writes.append(_Write(before=before, after=after, at=self.now or self.synced_at))

    def _begin_anew(self, ref: Ref) -> None:
        """A Service that was made just now has no past, also where another one had its name."""
        self._born.add(ref)
        for key in self._of.pop(ref, ()):
            self._tracks.pop(key, None)

    # -- looking

    async def look(self, now: datetime) -> None:
        """Look at what changed; as long as the cache cannot be believed, nothing new is concluded from it."""
        self.now = now
        self.believed = self._believe(now)
        if not self.believed:
            return
        snapshot = self.cluster.snapshot()
        if snapshot.facts != self._facts or self.synced_at is None:
            self._facts = snapshot.facts
            self._dirty.update(dict.fromkeys(service.ref for service in snapshot.load_balancers()))
        self._sweep(snapshot, now)
        await self._look_at(now)
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
        self.take(_OF_CLUSTER, Assessment(sightings=() if fine else tuple(self._unseen(why))), now)
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

    def _sweep(self, snapshot: Snapshot, now: datetime) -> None:
        """After nodes or Pods came or went, look at the Services for which that matters, now and then."""
        if not self._moved:
            return
        services = [each.ref for each in snapshot.load_balancers() if depends_on_placement(each)]
        pause = max(min(SWEEP, self._settle / 4), SWEEP_EACH * len(services))
        if self._swept is None or now - self._swept >= pause:
            self._dirty.update(dict.fromkeys(services))
            self._moved, self._swept = False, now

    async def _look_at(self, now: datetime) -> None:
        self._touched = self._touched or bool(self._dirty)
        while self._dirty:
            self._look_for(SLICE, now)
            await asyncio.sleep(0)

    def _look_for(self, seconds: float, now: datetime) -> None:
        """Look at as many Services as that time allows, at least one; a snapshot is dropped before anything may change."""
        snapshot, until = self.cluster.snapshot(), perf_counter() + seconds
        while self._dirty:
            ref = next(iter(self._dirty))
            del self._dirty[ref]
            self.take(ref, assess(self.cluster.name, snapshot, ref, self._severities), now)
            if perf_counter() > until:
                return

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
                track.seen(sighting.member, now)
                if track
                else Track.begun(sighting.member, now, newborn=newborn)
            )
        for key in known - seen.keys():
            if key[0] not in assessment.unsure and key in self._tracks:
                self._tracks[key] = self._tracks[key].gone(now)
        known.update(seen)
        if not known:
            del self._of[of]
        if CUT_OFF.code not in assessment.unsure and not any(key[0] == CUT_OFF.code for key in seen):
            self._born.discard(of)

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
            lost=path_table.affected(preview.rows(then, now)),
            verb=puts_back(after, was),
        )

    def _forget(self, now: datetime) -> None:
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
        return self._touched or bool(self.acts) or any(track.restless(now, self._settle) for track in tracks)

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


def _lost(kinds: Iterable[type]) -> str:
    names = sorted(kind.__name__ for kind in kinds)
    return f"What could be listed no longer can: {', '.join(names)}." if names else ""


def _silence(age: float | None) -> str:
    return (
        "The API server has not answered yet."
        if age is None
        else f"It was last heard of {duration(age)} ago."
    )
