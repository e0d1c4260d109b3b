"""Tells what became wrong in a cluster, by whoever holds it: rows are opened, brought up to date and closed.

Every replica sees the same and tries the same; the store lets one row be live for each key and one save of each
version through, and the messages are jobs. So it does no harm when two believe to be the one that tells.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.change import Change, ServiceRef
from bot.domain.explanation import Severity
from bot.domain.incident import CLUSTER, Incident, Key, Member, Phase
from bot.domain.incident_act import Act, collapsed, joined, judge, member_of, opened, progressed
from bot.domain.incident_rule import RULES
from bot.domain.incident_sighting import Sighting, mending, over_sentence, why_over
from bot.domain.incident_step import Look, Open, Save, standing, step
from bot.domain.incident_track import Track
from bot.domain.objects import PASS_THROUGH, Ref, Service
from bot.operations.incident_jobs import BECAUSE, CAUSE, PART_OF, UNHEARD, digest_job, notice_job, say_job
from bot.operations.world import World
from bot.ports import Job, Later, NotFound, Stale, Unreadable

Tracks = Mapping[Key, Sequence[Track]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a replica knows of a cluster at one moment."""

    cluster: str
    tracks: Tracks
    acts: Sequence[Act]
    look: Look
    services: bool = True
    """Whether the cache may be believed about Services; if not, only what needs none is told."""
    pending: Callable[[ServiceRef], bool] = lambda _: False
    """Whether something happened to a Service that is not among the acts yet."""
    answered: frozenset[str] = frozenset()
    """Load balancers of which the cloud told something."""
    unsure: Callable[[str, ServiceRef], bool] = lambda _, __: False
    """Whether nothing can be said now about a rule, of a Service: what was told of it stays as it is."""


async def begin(world: World, seen: Seen) -> bool:
    """Record what is so at the very first look; one digest tells of it. False: that was done before."""
    if await world.store.incidents.begun(seen.cluster) is not None:
        return False
    rows = [standing(key, tracks, seen.look) for key, tracks in seen.tracks.items() if _holds(tracks)]
    jobs = [digest_job(seen.cluster)] if rows else []
    return await world.store.incidents.begin(seen.cluster, rows, at=seen.look.now, jobs=jobs)


def _holds(tracks: Sequence[Track]) -> bool:
    return any(track.holds for track in tracks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is stored of a cluster after it was told."""

    settling: bool
    """Whether time alone will change something."""
    live: Mapping[Severity, int]
    """How many incidents are not over, told or listed."""
    unheard: int = 0
    """How many of them cannot be posted where they belong."""


async def tell(world: World, seen: Seen) -> Told:
    """Bring a cluster's incidents up to date; what a newer version knows more of is left to it.

    Raises:
        Unreadable: a row was left so, and everything else is told.
    """
    left: list[Unreadable] = []

    async def readable(telling: Awaitable[None]) -> None:
        try:
            await telling
        except Unreadable as error:
            left.append(error)

    for act in collapsed(seen.acts):
        await readable(_remember(world, act))
    found = await world.store.incidents.live(seen.cluster)
    rows = {row.key: row for row in found if row.rule in RULES}
    acts = [row for row in rows.values() if RULES[row.rule].by_row]
    seen = replace(seen, tracks=_at_home(seen, rows.values()))
    keys = {str(key): key for key in seen.tracks} | {
        row.key: Key(row.cluster, row.group, row.rule) for row in rows.values() if row not in acts
    }
    for name, key in keys.items():
        if _seen(key, seen):
            await readable(_step(world, key, seen, rows.get(name)))
    for row in acts if seen.services else ():
        await readable(_progress(world, row, seen))
    if left:
        raise left[0]
    live = Counter(row.severity for row in rows.values() if row.phase is not Phase.SETTLING)
    unheard = sum(UNHEARD in row.detail for row in rows.values())
    return Told(settling=any(row.phase is Phase.SETTLING for row in acts), live=live, unheard=unheard)


def _at_home(seen: Seen, rows: Iterable[Incident]) -> Tracks:
    """Put what is wrong with a Service where it is told already, though the Service may have another address now.

    Of what nothing can be said now, it is told on as it was.
    """
    homes: dict[tuple[str, str, str], Key] = {}
    found = {key: list(tracks) for key, tracks in seen.tracks.items()}
    for row in rows:
        key = Key(row.cluster, row.group, row.rule)
        for member in row.members if not RULES[row.rule].by_row else ():
            homes[row.rule, member.name, member.uid] = key
            here = found.setdefault(key, [])
            known = any(track.member.name == member.name for track in here)
            if member.service and not known and seen.unsure(row.rule, member.service):
                here.append(Track.begun(member, row.since))
    for key, tracks in seen.tracks.items():
        for track in tracks:
            home = homes.get((key.rule, track.member.name, track.member.uid), key)
            if home != key and track.holds and not RULES[key.rule].by_cloud:
                found[key].remove(track)
                there = [each for each in found[home] if each.member.name != track.member.name]
                found[home] = [*there, track]
    return {key: tracks for key, tracks in found.items() if tracks}


def _seen(key: Key, seen: Seen) -> bool:
    """Whether it can be told from what is seen that nothing is wrong."""
    if RULES[key.rule].by_cloud:
        return seen.services and key.group in seen.answered
    return seen.services or key.group == CLUSTER


async def _step(world: World, key: Key, seen: Seen, row: Incident | None) -> None:
    tracks = seen.tracks.get(key, ())
    told = any(track.told(seen.look.now, seen.look.settle) for track in tracks)
    last = row or (await world.store.incidents.last(str(key)) if told else None)
    match step(key, tracks, last, seen.look):
        case Open(incident=incident):
            incident = _mended(world, incident)
            await world.store.incidents.open(incident, jobs=[notice_job(incident.id)])
        case Save() as move:
            await _move(world, move, seen.look.now)
        case None:
            pass


async def _move(world: World, move: Save, now: datetime) -> None:
    after = _mended(world, move.after)
    jobs = [notice_job(after.id)]
    if not after.live:
        after = replace(after, ended_by=await _how_ended(world, after))
    elif move.worse and not after.snoozed(now):
        jobs.append(say_job(after, f"worse-{after.severity}"))
    await _save(world, move.before, after, jobs)


async def _save(world: World, before: Incident, after: Incident, jobs: Sequence[Job]) -> None:
    # Stale: somebody acknowledged it, or another replica was first. The next look decides anew.
    with suppress(Stale):
        await world.store.incidents.save(before, after, jobs=jobs)


def _mended(world: World, incident: Incident) -> Incident:
    """Say of the first Service what change of pass-through mends it, if any does."""
    if not incident.live or not incident.members or incident.members[0].service is None:
        return incident
    first, *others = incident.members
    sighting = Sighting(rule=incident.rule, group=incident.group, member=first)
    verb = mending(incident.cluster, world.clusters.get(incident.cluster).snapshot(), sighting)
    return replace(incident, members=(replace(first, verb=verb), *others))


# --- acts ------------------------------------------------------------------------------------------------


async def _remember(world: World, act: Act) -> None:
    """Store an act before it is told, so that it outlives this replica; acts of our own changes are none."""
    now = world.clock()
    judged = judge(act, await _newest(world, act.service), now)
    member = None if judged is None else member_of(act, judged, world.settings.incidents.rules)
    if judged is None or member is None or _put_back(world, act):
        return
    key = Key(act.service.cluster, act.group, judged.rule.code)
    if _returned(act, await world.store.incidents.last(str(key))):
        return
    row = await world.store.incidents.open(opened(key, member, act.at))
    if member not in row.members and row.live:
        await _save(world, row, joined(row, member), [notice_job(row.id)])


def _returned(act: Act, last: Incident | None) -> bool:
    """Whether the act puts back what an incident is about that is live, or was when the act was seen."""
    if last is None or (last.over_at is not None and last.over_at < act.at):
        return False
    return any(m.service == act.service and m.uid == act.uid and m.was == act.after for m in last.members)


def _put_back(world: World, act: Act) -> bool:
    service = _service(world, act.service)
    return service is None or service.uid != act.uid or service.annotations.get(PASS_THROUGH) == act.before


async def _newest(world: World, ref: ServiceRef) -> Change | None:
    """Return the newest change of a Service whose patch was sent, or may be on its way."""
    found = await world.store.changes.find(
        cluster=ref.cluster, namespace=ref.namespace, name=ref.name, limit=10
    )
    return next((change for change in found if change.applied_at or change.sent), None)


async def _progress(world: World, row: Incident, seen: Seen) -> None:
    if any(map(seen.pending, row.services)):
        return  # the cache is ahead of the acts: what it shows now is judged with them
    after = progressed(row, lambda ref: _service(world, ref), seen.look.now, seen.look.settle)
    if after is None:
        return
    if not after.live:
        after = replace(after, ended_by=await _credited(world, row, after.ended_by))
    elif row.phase is Phase.SETTLING:
        try:
            whole = await _consequence(world, row, seen)
        except Later:
            return
        if whole is not None:
            after = replace(after, detail={**after.detail, PART_OF: whole.id})
            told = replace(whole, detail={**whole.detail, CAUSE: row.id, BECAUSE: row.members[0].why})
            await _save(world, whole, told, [notice_job(whole.id)])
    await _save(world, row, after, [notice_job(row.id)])


async def _consequence(world: World, row: Incident, seen: Seen) -> Incident | None:
    """Return the incident that an act brought about: the two are told in one message.

    Raises:
        Later: something was brought about that is not told yet.
    """
    for key, tracks in seen.tracks.items():
        brought = [t for t in tracks if t.holds and t.since >= row.since and t.member.service in row.services]
        if RULES[key.rule].by_cloud or not brought:
            continue
        if not any(track.told(seen.look.now, seen.look.settle) for track in brought):
            raise Later(seen.look.settle.total_seconds())
        last = await world.store.incidents.last(str(key))
        if last is not None and last.phase is Phase.OPEN:
            return last
    return None


async def _how_ended(world: World, row: Incident) -> str:
    """Say how something ended: that its Services are gone, or that an act that brought it about was put back."""
    whys = [_why_over(world, member) for member in row.members if member.service]
    if whys and all(whys):
        return over_sentence(whys)
    if RULES[row.rule].by_cloud and _unused(world, row):
        return "No Service uses that load balancer any more."
    if CAUSE not in row.detail:
        return row.ended_by
    try:
        return (await world.store.incidents.get(row.detail[CAUSE])).ended_by
    except NotFound:
        return row.ended_by


def _why_over(world: World, member: Member) -> str:
    """Say why nothing can be wrong any more with a Service; empty where it still can."""
    return why_over(_service(world, member.service) if member.service else None, member.uid)


def _unused(world: World, row: Incident) -> bool:
    """Whether no Service uses the load balancer that an incident is about."""
    return not world.clusters.get(row.cluster).snapshot().inventory.balancers.get(row.group)


async def _credited(world: World, row: Incident, sentence: str) -> str:
    """Name the change that put it back, if one of ours did."""
    for ref in row.services:
        change = await _newest(world, ref)
        if change and change.applied_at and change.applied_at >= row.since:
            return f"{sentence.rstrip('.')} ({change.label})."
    return sentence


def _service(world: World, ref: ServiceRef) -> Service | None:
    return world.clusters.get(ref.cluster).snapshot().service(Ref(ref.namespace, ref.name))


def settle_of(world: World) -> timedelta:
    """Return how long a state must last before it is told."""
    return timedelta(seconds=world.settings.incidents.settle)


async def open_incidents(world: World, cluster: str | None = None) -> Sequence[Incident]:
    """Return what is wrong now, told or listed, the gravest and oldest first: for `list`, Home and `/metrics`."""
    order = ("error", "warning", "info")
    known = world.settings.clusters
    rows = [row for row in await world.store.incidents.live(cluster) if row.cluster in known]
    return sorted(rows, key=lambda row: (order.index(str(row.severity)), row.since))


def about(incidents: Sequence[Incident], ref: ServiceRef) -> Sequence[tuple[Incident, Member]]:
    """Return the incidents of one Service."""
    return [(row, member) for row in incidents for member in row.members if member.service == ref]
