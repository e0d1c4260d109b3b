"""What every proposal is made of, whether it switches, or undoes: live values, paths, approvers, plan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from json import dumps

from bot.domain.approval import BOT
from bot.domain.change import (
    Change,
    Event,
    EventKind,
    FindingNote,
    MeasurementPlan,
    Phase,
    ServiceRef,
    Step,
    Verb,
)
from bot.domain.summary import headline
from bot.domain.words import ended, linked, person, unmarked
from bot.operations import preview
from bot.operations.caller import Caller
from bot.operations.card import whole_list
from bot.operations.channel import card_channel
from bot.operations.jobs import card_job, expire_job, invite_job, look_job, remind_job, say_job
from bot.operations.plans import health_note, load_balancer, plan_for
from bot.operations.preview import Paths
from bot.operations.refusal import Refused
from bot.operations.rehearsal import rehearse
from bot.operations.rights import Rights
from bot.operations.subject import held
from bot.operations.template import TEMPLATE
from bot.operations.terms import terms
from bot.operations.world import World
from bot.ports import (
    AlreadyOpen,
    Cluster,
    Conflict,
    Forbidden,
    Invalid,
    Later,
    LiveService,
    LoadBalancerFacts,
    NotFound,
    Unavailable,
)

MOST_NAMED = 5
CARD_SOON = 0.5
"""Seconds until the card of a change that was proposed this moment is looked for again."""
CARD_WITHIN = timedelta(seconds=30)
"""How long after that change was proposed it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who wants what, and where its card belongs."""

    id: str
    """The same request delivered twice is the same change."""
    verb: Verb
    reason: str
    caller: Caller
    channel: str = ""
    """Empty: where the caller is, or the change channel."""
    remark: str = ""
    """What the reader of the card should know of how it came about."""
    renewals: int = 0
    """How many proposals of the same wish were superseded before, one after the other."""


def change_id(asked: Asked) -> str:
    """Return the id that a request's change has, however often it is delivered."""
    return sha256(b"change:" + asked.id.encode()).hexdigest()[:32]


async def already(world: World, asked: Asked) -> Change | None:
    """Return the change that an earlier delivery of the same request made."""
    try:
        return await world.store.changes.get(change_id(asked))
    except NotFound:
        return None


async def compose(
    world: World,
    asked: Asked,
    rights: Rights,
    *,
    ref: ServiceRef,
    steps: tuple[Step, ...],
    shown: Paths,
    remark: str = "",
    rolls_back: str = "",
    owner: str = "",
) -> Change:
    """Compose a proposal that is not stored yet.

    Raises:
        Refused: nobody could approve it.
    """
    balancer = await load_balancer(world, ref, shown.snapshot)
    health = health_note(balancer) if asked.verb is Verb.ENABLE else None
    policies = [rights.policy(ref.cluster, step.service.namespace) for step in steps]
    alone = asked.caller.user == BOT and not asked.renewals
    unapproved = alone or world.clusters.get(ref.cluster).read_only
    agreed = await terms(world, policies, asked.verb, rights, unapproved=unapproved)
    return Change(
        id=change_id(asked),
        number=0,
        cluster=ref.cluster,
        verb=asked.verb,
        service=ref,
        steps=steps,
        requested_by=asked.caller.user,
        requested_at=world.clock(),
        reason=asked.reason,
        channel=asked.channel or await card_channel(world, asked.caller),
        template_digest="" if asked.verb is Verb.ROLLBACK else world.renderer.patch_digest(TEMPLATE),
        plan=await _plan(world, asked.verb, ref, shown, balancer),
        table=preview.rows(shown.before, shown.after),
        findings=tuple(_with_health(preview.notes(shown), health)),
        others=preview.also(shown),
        balancers=held(shown.snapshot, ref),
        approvers=agreed.approvers,
        approvals_needed=agreed.approvals_needed,
        electorate=agreed.electorate,
        frozen=agreed.frozen,
        expires_at=agreed.expires_at,
        remind_at=agreed.remind_at,
        headline=headline(shown.before),
        note=" ".join(text for text in (asked.remark, remark) if text),
        rolls_back=rolls_back,
        git_note=owner,
        renewals=asked.renewals,
    )


async def _plan(
    world: World, verb: Verb, ref: ServiceRef, shown: Paths, balancer: LoadBalancerFacts | None
) -> MeasurementPlan:
    """Plan what the verification sends. Undoing is urgent: it is applied at once, and measured afterwards."""
    before = None if verb is Verb.ROLLBACK else shown.before
    return await plan_for(
        world,
        ref,
        shown.snapshot,
        before=before,
        after=shown.after,
        then=shown.then,
        balancer=balancer,
        others=shown.others,
    )


def _with_health(notes: Iterable[FindingNote], health: FindingNote | None) -> list[FindingNote]:
    """The notes, with what the cloud says now in place of what it said when it was last asked."""
    return [
        *([health] if health else []),
        *(note for note in notes if not health or note.code != health.code),
    ]


async def read_live(cluster: Cluster, ref: ServiceRef) -> LiveService:
    """Read a Service from the API server, not from the cache.

    Raises:
        Refused: it could not be read; the sentence says that nothing was done.
    """
    try:
        return await cluster.read(ref)
    except Unavailable as error:
        raise Refused(silent(ref.cluster, error), passing=True) from error
    except NotFound as error:
        raise Refused(f"{ref} is not on {ref.cluster} any more. Nothing was done.") from error
    except (Forbidden, Invalid) as error:
        raise Refused(
            f"{ref} on {ref.cluster} could not be read: {ended(error)} Nothing was done."
        ) from error


def silent(cluster: str, error: Exception) -> str:
    """Say that a cluster does not answer, and that nothing was done."""
    why = unmarked(error).removeprefix(f"{cluster} does not answer: ")
    return f"The cluster {cluster} does not answer ({why}). Nothing was done; try again when it does."


async def rehearsed(cluster: Cluster, draft: Change) -> Change:
    """Let the API server try the very patches without keeping them, and note what it answered.

    Raises:
        Refused: the API server, its access control or a webhook says no.
    """
    steps = []
    try:
        for step in draft.steps:
            live = await cluster.read(step.service)
            if live.resource_version != step.resource_version:
                return replace(draft, dry_run=_RESTLESS)
            steps.append(replace(step, besides=await rehearse(cluster, step, live)))
    except Conflict:
        return replace(draft, dry_run=_RESTLESS)
    except (Forbidden, Invalid, NotFound) as error:
        raise Refused(f"The API server refuses this patch: {ended(error)} Nothing was proposed.") from error
    except Unavailable as error:
        raise Refused(silent(draft.cluster, error), passing=True) from error
    return replace(draft, steps=tuple(steps), dry_run=f"accepted by the API server; {_besides(steps)}")


_RESTLESS = "not rehearsed: the Service changed while it was being read"


def _besides(steps: Sequence[Step]) -> str:
    """Say what a webhook adds to the patch."""
    more = [f"{key} on {step.service}" for step in steps for key in step.besides]
    if not more:
        return "it changes nothing else"
    left = f" and {len(more) - MOST_NAMED} more" if more[MOST_NAMED:] else ""
    return f"a webhook of the cluster changes {', '.join(more[:MOST_NAMED])}{left} too"


async def store(world: World, draft: Change) -> Change:
    """Store a change as proposed, with the jobs that show it, remind of it and let it expire.

    Raises:
        Refused: one of its Services has an open change; the sentence names it.
    """
    detail = {"digest": draft.digest, "verb": draft.verb.value, "patch": _patch(draft)}
    detail |= {"reason": draft.reason} if draft.reason else {}
    event = Event(kind=EventKind.PROPOSED, at=draft.requested_at, by=draft.requested_by, detail=detail)
    reminder = [remind_job(draft)] if draft.remind_at else []
    told = [card_job(draft.id), invite_job(draft.id, "proposed")]
    # Nobody approves what nobody can read: what the card has no room for is in its thread from the beginning.
    rest = [say_job(draft.id, f"list:{n}", text) for n, text in enumerate(whole_list(draft), 1)]
    jobs = [*told, *rest, look_job(draft.id), expire_job(draft), *reminder]
    try:
        return await world.store.changes.open(draft, event, jobs=jobs)
    except AlreadyOpen as error:
        raise Refused(await _taken(world, draft, error)) from error


def _patch(draft: Change) -> str:
    """Each Service with what becomes of its annotations, as JSON: who reads the log has no card beside it."""
    steps = {
        str(step.service): {key: [step.before.get(key), value] for key, value in step.after.items()}
        for step in draft.steps
    }
    return dumps(steps, sort_keys=True)


async def _taken(world: World, draft: Change, error: AlreadyOpen) -> str:
    """Say which change is open for a Service of it, or for its load balancer, whose it is and where its card is."""
    other = await world.store.changes.get(error.change_id)
    named = await card_link(world, other)
    if draft.rolls_back and other.rolls_back == draft.rolls_back:
        first = await world.store.changes.get(draft.rolls_back)
        return undone_already(first, other, named)
    same = draft.service in {other.service, *(step.service for step in other.steps)}
    what = str(draft.service) if same else f"{other.service}, on the same load balancer,"
    if other.phase is Phase.PROPOSED:
        return f"{named} is open for {what} already. Decide that one first."
    return f"{named} is open for {what} already: {_how_far(other)}. Try again when it has ended."


def undone_already(first: Change, second: Change, named: str) -> str:
    """Say who undoes a change already, and how far that is."""
    return f"{named} undoes {first.label} already: {person(second.requested_by)} asked for it at {second.requested_at:%H:%M} UTC, and {_how_far(second)}."


def _how_far(change: Change) -> str:
    """Say where a change stands, and by whom."""
    if change.phase is Phase.PROPOSED:
        return "it waits for approval"
    other = change.decided_by not in ("", change.requested_by)
    by = f"{person(change.decided_by)} approved it, and " if other and change.open else ""
    return f"{by}it is {'about to be applied' if change.phase is Phase.APPROVED else f'{change.phase} now'}"


async def card_link(world: World, change: Change) -> str:
    """Name a change by a link to its card; by its label alone where that is not posted.

    Raises:
        Later: it was proposed this moment, and its card will be there in the next.
    """
    place = await world.store.messages.place(card_job(change.id).key)
    if place is None and world.clock() - change.requested_at < CARD_WITHIN:
        raise Later(CARD_SOON)
    return linked(await world.messenger.permalink(place) if place else "", change.label)
