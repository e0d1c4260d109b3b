"""The store's twin in memory: held to the same contract tests as SQLite and PostgreSQL.

Its clock stands still where a test wants it to: `MemoryStore(clock=lambda: 0.0)`, then `store.advance(60)`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from time import monotonic
from typing import TypeVar

from bot.adapters.store import codec
from bot.domain.change import OPEN, Change, Event, Place, ServiceRef
from bot.domain.incident import Incident
from bot.domain.incident_act import Known
from bot.domain.objects import Ref
from bot.domain.verification import Run
from bot.ports import AlreadyOpen, Job, Leased, NotFound, Pause, Stale, Unavailable

Value = TypeVar("Value")
Clock = Callable[[], float]


@dataclass(slots=True)
class JobRow:
    """A job and where it stands; times in seconds of the store's clock."""

    job: Job
    due_at: float | None
    again_at: float | None = None
    attempt: int = 0
    generation: int = 1
    lease: str = ""
    error: str = ""


class Switch:
    """Whether the database answers."""

    def __init__(self) -> None:
        self.down = False

    def answer(self) -> None:
        """Answer, or say that nobody does."""
        if self.down:
            raise Unavailable("the database does not answer")


class MemoryJobs:
    """Leased jobs in a dict."""

    def __init__(self, clock: Clock, switch: Switch | None = None) -> None:
        self._clock = clock
        self.switch = switch or Switch()
        self._leases = count(1)
        self._pokes: list[Callable[[], None]] = []
        self.rows: dict[str, JobRow] = {}

    def waiting(self, kind: str | None = None) -> list[Job]:
        """Return the jobs that are not done, those due first first; what a test asserts on."""
        rows = [r for r in self.rows.values() if r.due_at is not None and kind in {None, r.job.kind}]
        return [row.job for row in sorted(rows, key=_due)]

    def subscribe(self, poke: Callable[[], None]) -> None:
        """Call `poke` after each submission."""
        self._pokes.append(poke)

    async def submit(self, *jobs: Job) -> None:
        """Store jobs."""
        self.switch.answer()
        self.put(jobs)

    def put(self, jobs: Sequence[Job]) -> None:
        """Store jobs in somebody's transaction."""
        for job in jobs:
            self._put(replace(job, payload=codec.load(dict, codec.dump(job.payload))))
        for poke in self._pokes if jobs else ():
            poke()

    def _put(self, job: Job) -> None:
        wanted = self._clock() + job.delay
        row = self.rows.get(job.key)
        if row is None:
            self.rows[job.key] = JobRow(job, wanted)
        elif job.again:
            row.job, row.generation = job, row.generation + 1
            if row.lease:
                row.again_at = wanted if row.again_at is None else min(row.again_at, wanted)
            else:
                row.attempt = 0 if row.due_at is None else row.attempt
                row.due_at = wanted if row.due_at is None else min(row.due_at, wanted)

    async def claim(
        self, *, limit: int, lease: float, kinds: Collection[str] | None = None
    ) -> Sequence[Leased]:
        """Lease due jobs, those that waited longest first."""
        self.switch.answer()
        now = self._clock()
        due = [r for r in self._of(kinds) if r.due_at is not None and r.due_at <= now]
        return [self._lease(row, now, lease) for row in sorted(due, key=_due)[:limit]]

    def _lease(self, row: JobRow, now: float, lease: float) -> Leased:
        row.lease, row.due_at, row.attempt = f"lease-{next(self._leases)}", now + lease, row.attempt + 1
        if row.again_at is not None and row.again_at <= now:
            row.again_at = None
        return Leased(job=row.job, lease=row.lease, attempt=row.attempt, generation=row.generation)

    async def renew(self, leased: Leased, *, lease: float) -> bool:
        """Extend a lease; False when it was lost."""
        self.switch.answer()
        row = self._held(leased)
        if row is None:
            return False
        row.due_at = self._clock() + lease
        return True

    async def finish(self, leased: Leased, *, then: Sequence[Job] = ()) -> None:
        """Mark done and store what follows; due again when it was submitted meanwhile."""
        self.switch.answer()
        row = self._held(leased)
        if row is None:
            return
        row.attempt = row.attempt if row.again_at is None else 0
        row.lease, row.due_at, row.again_at, row.error = "", row.again_at, None, ""
        self.put(then)

    async def retry(self, leased: Leased, *, delay: float, error: str = "") -> None:
        """Give the lease back."""
        self.switch.answer()
        row = self._held(leased)
        if row is None:
            return
        due = self._clock() + delay
        row.lease, row.due_at, row.error = "", due if row.again_at is None else min(due, row.again_at), error
        row.attempt = row.attempt if error else 0

    async def next_due(self, *, kinds: Collection[str] | None = None) -> float | None:
        """Seconds until a job is due or its lease ends; None: no job waits."""
        self.switch.answer()
        due = [row.due_at for row in self._of(kinds) if row.due_at is not None]
        return max(0.0, min(due) - self._clock()) if due else None

    def _of(self, kinds: Collection[str] | None) -> list[JobRow]:
        return [row for row in self.rows.values() if kinds is None or row.job.kind in kinds]

    def _held(self, leased: Leased) -> JobRow | None:
        row = self.rows.get(leased.job.key)
        return row if row is not None and row.lease == leased.lease else None


def _due(row: JobRow) -> float:
    return float("inf") if row.due_at is None else row.due_at


class MemoryChanges:
    """Changes and their events, in dicts."""

    def __init__(self, jobs: MemoryJobs) -> None:
        self._jobs = jobs
        self._locks: dict[tuple[str, str], str] = {}
        self.rows: dict[str, Change] = {}
        self.log: dict[str, list[Event]] = {}

    async def open(self, change: Change, event: Event, *, jobs: Sequence[Job]) -> Change:
        """Store a proposal, number it, and lock what it is about; the same id twice returns the first."""
        self._jobs.switch.answer()
        if change.id in self.rows:
            return self.rows[change.id]
        subjects = _subjects(change) if change.open else set()
        for subject in sorted(subjects & self._locks.keys()):
            holder = self.rows[self._locks[subject]]
            raise AlreadyOpen(holder.id, holder.number)
        stored = _copy(replace(change, number=len(self.rows) + 1))
        self._locks.update(dict.fromkeys(subjects, stored.id))
        self.rows[stored.id] = stored
        self.log[stored.id] = [_copy(event)]
        self._jobs.put(jobs)
        return stored

    async def get(self, change_id: str) -> Change:
        """Read one change."""
        self._jobs.switch.answer()
        if change_id not in self.rows:
            raise NotFound("there is no such change")
        return self.rows[change_id]

    async def move(self, before: Change, after: Change, event: Event, *, jobs: Sequence[Job] = ()) -> None:
        """Compare the version, set, append, submit."""
        self._jobs.switch.answer()
        if after.version <= before.version:
            raise ValueError("a move counts the version up")
        stored, recorded = _copy(after), _copy(event)
        await self._compare(before)
        self.rows[before.id] = stored
        self.log[before.id].append(recorded)
        if stored.phase not in OPEN:
            self._locks = {subject: by for subject, by in self._locks.items() if by != stored.id}
        self._jobs.put(jobs)

    async def note(self, before: Change, after: Change, *, jobs: Sequence[Job] = ()) -> Change:
        """As move, for what is no event."""
        self._jobs.switch.answer()
        if before.phase is not after.phase:
            raise ValueError(f"a note cannot move a change from {before.phase} to {after.phase}")
        noted = _copy(replace(after, version=max(after.version, before.version + 1)))
        await self._compare(before)
        self.rows[before.id] = noted
        self._jobs.put(jobs)
        return noted

    async def find(
        self,
        *,
        cluster: str | None = None,
        namespace: str | None = None,
        name: str | None = None,
        open_only: bool = False,
        limit: int = 20,
    ) -> Sequence[Change]:
        """Return changes, newest first."""
        self._jobs.switch.answer()
        found = [
            change
            for change in reversed(self.rows.values())
            if cluster in {None, change.cluster}
            and (change.open or not open_only)
            and any(
                namespace in {None, service.namespace} and name in {None, service.name}
                for service in _services(change)
            )
        ]
        return found[:limit]

    async def events(self, change_id: str) -> Sequence[Event]:
        """Return a change's events, oldest first."""
        self._jobs.switch.answer()
        return list(self.log.get(change_id, ()))

    async def _compare(self, before: Change) -> None:
        current = await self.get(before.id)
        if current.version != before.version:
            raise Stale(f"{current.label} moved on: it is {current.phase} now")


def _subjects(change: Change) -> set[tuple[str, str]]:
    services = {(change.cluster, f"change:{service}") for service in _services(change)}
    services |= {(change.cluster, name) for name in change.balancers}
    shared = {(change.cluster, f"elb:{step.load_balancer}") for step in change.steps if step.load_balancer}
    return services | shared if len(change.steps) > 1 else services


def _services(change: Change) -> set[ServiceRef]:
    return {change.service, *(step.service for step in change.steps)}


class MemoryRuns:
    """Verification runs in a dict."""

    def __init__(self, jobs: MemoryJobs) -> None:
        self._jobs = jobs
        self.rows: dict[str, Run] = {}

    async def open(self, run: Run, *, jobs: Sequence[Job] = ()) -> Run:
        """Store a run; the same id twice returns the first."""
        self._jobs.switch.answer()
        if run.id in self.rows:
            return self.rows[run.id]
        for other in self.rows.values():
            if run.open and other.open and not {*other.services}.isdisjoint(run.services):
                raise AlreadyOpen(other.id, 0)
        self.rows[run.id] = _copy(run)
        self._jobs.put(jobs)
        return run

    async def get(self, run_id: str) -> Run:
        """Read one run."""
        self._jobs.switch.answer()
        if run_id not in self.rows:
            raise NotFound("there is no such verification")
        return self.rows[run_id]

    async def save(self, before: Run, after: Run, *, jobs: Sequence[Job] = ()) -> Run:
        """Compare the version, set."""
        self._jobs.switch.answer()
        saved = _copy(replace(after, version=max(after.version, before.version + 1)))
        if (await self.get(before.id)).version != before.version:
            raise Stale("the verification moved on meanwhile")
        self.rows[before.id] = saved
        self._jobs.put(jobs)
        return saved

    async def last(self, service: ServiceRef) -> Run | None:
        """Return the run of a Service that was stored last of those that ended."""
        self._jobs.switch.answer()
        ended = [run for run in self.rows.values() if run.service == service and run.finished_at is not None]
        return max(ended, key=lambda run: run.finished_at or run.started_at, default=None)


class MemoryMessages:
    """Places in a dict."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self.places: dict[str, Place] = {}

    async def place(self, key: str) -> Place | None:
        """Return where the message of this key is."""
        self._switch.answer()
        return self.places.get(key)

    async def remember(self, key: str, place: Place) -> None:
        """Note where the message is; the last word wins."""
        self._switch.answer()
        self.places[key] = place


class MemoryPauses:
    """Pauses in a dict."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self.by: dict[str, tuple[datetime, str]] = {}

    async def pause(self, cluster: str, by: str, at: datetime) -> None:
        """Pause a cluster; paused already: the first person stays named."""
        self._switch.answer()
        self.by.setdefault(cluster, (at, by))

    async def resume(self, cluster: str) -> None:
        """Take the pause of this name back."""
        self._switch.answer()
        self.by.pop(cluster, None)

    async def paused(self, cluster: str) -> Pause | None:
        """Return the first pause of the cluster, or of all of them."""
        self._switch.answer()
        found = [self.by[name] for name in (cluster, "*") if name in self.by]
        return Pause(at=min(found)[0], by=min(found)[1]) if found else None


class MemoryIncidents:
    """Incidents in a dict."""

    def __init__(self, jobs: MemoryJobs, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock
        self._begun: dict[str, datetime] = {}
        self._told: dict[tuple[str, int], int] = {}
        self.holders: dict[str, tuple[str, float]] = {}
        self.noted: dict[str, tuple[datetime, Mapping[Ref, Known]]] = {}
        self.rows: dict[str, Incident] = {}

    async def hold(self, cluster: str, holder: str, *, seconds: float) -> bool:
        """Take or renew the right to tell."""
        self._jobs.switch.answer()
        name, until = self.holders.get(cluster, ("", 0.0))
        if name not in {"", holder} and until > self._clock():
            return False
        self.holders[cluster] = (holder, self._clock() + seconds)
        return True

    async def release(self, cluster: str, holder: str) -> None:
        """Give it back."""
        self._jobs.switch.answer()
        if self.holders.get(cluster, ("", 0.0))[0] == holder:
            self.holders[cluster] = (holder, 0.0)

    async def begun(self, cluster: str) -> datetime | None:
        """Since when the cluster is watched."""
        self._jobs.switch.answer()
        return self._begun.get(cluster)

    async def begin(
        self, cluster: str, standing: Sequence[Incident], *, at: datetime, jobs: Sequence[Job] = ()
    ) -> bool:
        """Record the first look, once."""
        self._jobs.switch.answer()
        if cluster not in self.holders or cluster in self._begun:
            return False
        self._begun[cluster] = at
        for incident in standing:
            if self._live(incident.key) is None:
                self._keep(incident)
        self._jobs.put(jobs)
        return True

    async def recall(self, cluster: str) -> tuple[datetime, Mapping[Ref, Known]] | None:
        """When the cluster was looked at last, and what annotations were."""
        self._jobs.switch.answer()
        return self.noted.get(cluster)

    async def note(self, cluster: str, known: Mapping[Ref, Known | None], *, at: datetime) -> None:
        """Remember what annotations are."""
        self._jobs.switch.answer()
        if cluster not in self.holders:
            return
        _, before = self.noted.get(cluster, (at, {}))
        now = {**before, **known}
        self.noted[cluster] = at, {ref: each for ref, each in now.items() if each is not None}

    async def open(self, incident: Incident, *, jobs: Sequence[Job] = ()) -> Incident:
        """Store an incident, unless one with its key is live."""
        self._jobs.switch.answer()
        if found := self._live(incident.key) or self.rows.get(incident.id):
            return found
        self._jobs.put(jobs)
        return self._keep(incident)

    async def save(self, before: Incident, after: Incident, *, jobs: Sequence[Job] = ()) -> Incident:
        """Compare the version, set."""
        self._jobs.switch.answer()
        if after.live and not before.live and self._live(after.key):
            raise Stale("the incident began anew meanwhile")
        if (await self.get(before.id)).version != before.version:
            raise Stale("the incident moved on meanwhile")
        self._jobs.put(jobs)
        return self._keep(replace(after, version=before.version + 1))

    async def get(self, incident_id: str) -> Incident:
        """Read one incident."""
        self._jobs.switch.answer()
        if incident_id not in self.rows:
            raise NotFound("there is no such incident")
        return self.rows[incident_id]

    async def live(self, cluster: str | None = None) -> Sequence[Incident]:
        """What is not over."""
        self._jobs.switch.answer()
        found = [row for row in self.rows.values() if row.live and cluster in {None, row.cluster}]
        return sorted(found, key=lambda row: row.id)

    async def last(self, key: str) -> Incident | None:
        """The live one of a key, else the one that was saved last."""
        self._jobs.switch.answer()
        found = [row for row in self.rows.values() if row.key == key]
        return self._live(key) or (found[-1] if found else None)

    async def folded(self, key: str) -> Sequence[Incident]:
        """Those that one message tells together."""
        self._jobs.switch.answer()
        return sorted((row for row in self.rows.values() if row.folded == key), key=lambda row: row.id)

    async def admit(self, channel: str) -> tuple[int, int]:
        """Count one message to a channel."""
        self._jobs.switch.answer()
        minute = int(self._clock() // 60)
        self._told[channel, minute] = self._told.get((channel, minute), 0) + 1
        return minute, self._told[channel, minute]

    def _live(self, key: str) -> Incident | None:
        return next((row for row in self.rows.values() if row.live and row.key == key), None)

    def _keep(self, incident: Incident) -> Incident:
        self.rows.pop(incident.id, None)
        self.rows[incident.id] = _copy(incident)
        return self.rows[incident.id]


class MemoryStore:
    """Everything that `bot.ports.Store` promises, until the process ends."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._ahead = 0.0
        self._switch = Switch()
        self.jobs = MemoryJobs(self.now, self._switch)
        self.changes = MemoryChanges(self.jobs)
        self.runs = MemoryRuns(self.jobs)
        self.messages = MemoryMessages(self._switch)
        self.pauses = MemoryPauses(self._switch)
        self.incidents = MemoryIncidents(self.jobs, self.now)

    @property
    def down(self) -> bool:
        """Set it, and every verb says that the database does not answer."""
        return self._switch.down

    @down.setter
    def down(self, down: bool) -> None:
        self._switch.down = down

    def now(self) -> float:
        """The clock that leases and delays run on, in seconds."""
        return self._clock() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead += seconds

    async def ping(self) -> None:
        """Answer, unless told to be down."""
        self._switch.answer()

    async def close(self) -> None:
        """Nothing to close."""


def _copy(value: Value) -> Value:
    """Store and read back, so that what cannot be stored does not pass here either."""
    return codec.load(type(value), codec.dump(value))
