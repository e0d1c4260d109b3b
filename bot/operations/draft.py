"""What every proposal is made of, whether it switches, or undoes: live values, paths, approvers, plan."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from bot.domain.approval import BOT, Approvers, who_can_approve
from bot.domain.change import Change, Event, EventKind, ServiceRef, Step, Verb
from bot.domain.explanation import Explanation
from bot.domain.objects import Ref, Service
from bot.domain.policy import Policy, Right
from bot.domain.snapshot import Snapshot
from bot.domain.summary import headline
from bot.domain.words import unmarked
from bot.operations import preview
from bot.operations.caller import Caller
from bot.operations.channel import card_channel
from bot.operations.jobs import card_job, expire_job, look_job, remind_job
from bot.operations.plans import health_note, load_balancer, plan_for
from bot.operations.refusal import Refused
from bot.operations.rights import Rights, person_of
from bot.operations.world import World
from bot.ports import AlreadyOpen, Cluster, Conflict, Forbidden, Invalid, LiveService, NotFound, Unavailable

MOST_LOOKED_UP = 40
"""People whom a proposal looks up to see whether they are still members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The subject's paths as they are and as they would be, over one snapshot."""

    snapshot: Snapshot
    before: Explanation
    after: Explanation


def paths(snapshot: Snapshot, parts: Sequence[tuple[Service, str | None]], ref: Ref) -> Paths:
    """Explain one Service before and after the values of `parts` are set."""
    before, after = preview.before_and_after(snapshot, preview.supposed(snapshot, parts), ref)
    return Paths(snapshot=snapshot, before=before, after=after)


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
    now = world.clock()
    balancer = await load_balancer(world, ref, shown.snapshot)
    health = health_note(balancer) if asked.verb is Verb.ENABLE else None
    policies = [rights.policy(step.service.cluster, step.service.namespace) for step in steps]
    lifetime = min(policy.expires_after for policy in policies)
    reminder = min(policy.reminder for policy in policies)
    return Change(
        id=change_id(asked),
        number=0,
        cluster=ref.cluster,
        verb=asked.verb,
        service=ref,
        steps=steps,
        requested_by=asked.caller.user,
        requested_at=now,
        reason=asked.reason,
        channel=asked.channel or await card_channel(world, asked.caller),
        template_digest=world.renderer.patch_digest("pass-through"),
        # Undoing is urgent: it is applied at once, and measured afterwards.
        plan=await plan_for(
            world,
            ref,
            shown.snapshot,
            before=None if asked.verb is Verb.ROLLBACK else shown.before,
            after=shown.after,
            balancer=balancer,
        ),
        table=preview.rows(shown.before, shown.after),
        findings=(*([health] if health else []), *preview.notes(shown.after)),
        approvers=await _approvers(world, policies, asked, rights, ref.cluster),
        approvals_needed=max(policy.approvals for policy in policies),
        expires_at=now + timedelta(seconds=lifetime),
        remind_at=now + timedelta(seconds=lifetime - reminder) if 0 < reminder < lifetime else None,
        headline=headline(shown.before),
        note=" ".join(text for text in (asked.remark, remark) if text),
        rolls_back=rolls_back,
        git_note=owner,
    )


async def _approvers(
    world: World, policies: Sequence[Policy], asked: Asked, rights: Rights, cluster: str
) -> tuple[str, ...]:
    """Who can approve it, in every namespace; what the bot itself undoes needs nobody."""
    outside = await _outside(world, policies, rights)
    found: list[Approvers] = [
        who_can_approve(policy, asked.verb, asked.caller.user, rights.groups, without_rights=outside)
        for policy in policies
    ]
    impossible = next((one for one in found if not one.possible), None)
    if impossible and asked.caller.user != BOT and not world.clusters.get(cluster).read_only:
        raise Refused(f"{impossible.why} Nothing was proposed.")
    return tuple(dict.fromkeys(id_ for one in found for id_ in one.ids))


async def _outside(world: World, policies: Sequence[Policy], rights: Rights) -> frozenset[str]:
    """Those whom the policies name although they have no rights: deactivated, guests, bots, strangers."""
    named = {id_ for policy in policies for right in Right for id_ in policy.entitled(right)}
    members = {user for id_ in named for user in rights.groups.get(id_) or ()}
    users = sorted({id_ for id_ in named if not id_.startswith(("S", "*"))} | members)[:MOST_LOOKED_UP]
    found = await asyncio.gather(
        *(person_of(world, Caller(user=user, team="", channel="")) for user in users)
    )
    return frozenset(person.id for person in found if not person.full_member)


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
            f"{ref} on {ref.cluster} could not be read: {unmarked(error)} Nothing was done."
        ) from error


def silent(cluster: str, error: Exception) -> str:
    """Say that a cluster does not answer, and that nothing was done."""
    return f"The cluster {cluster} does not answer ({unmarked(error)}). Nothing was done; try again when it does."


async def rehearsed(cluster: Cluster, draft: Change) -> Change:
    """Let the API server try the very patches without persisting them, and note what it answered.

    Raises:
        Refused: the API server, its access control or a webhook says no.
    """
    try:
        for step in draft.steps:
            await cluster.patch(
                step.service, step.after, resource_version=step.resource_version, dry_run=True
            )
    except Conflict:
        return replace(draft, dry_run="not rehearsed: the Service changed while it was being read")
    except (Forbidden, Invalid, NotFound) as error:
        raise Refused(
            f"The API server refuses this patch: {unmarked(error)} Nothing was proposed."
        ) from error
    except Unavailable as error:
        raise Refused(silent(draft.cluster, error), passing=True) from error
    return replace(draft, dry_run="accepted by the API server")


async def store(world: World, draft: Change) -> Change:
    """Store a change as proposed, with the jobs that show it, remind of it and let it expire.

    Raises:
        Refused: one of its Services has an open change; the sentence names it.
    """
    detail = {"digest": draft.digest} | ({"reason": draft.reason} if draft.reason else {})
    event = Event(kind=EventKind.PROPOSED, at=draft.requested_at, by=draft.requested_by, detail=detail)
    reminder = [remind_job(draft)] if draft.remind_at else []
    jobs = [card_job(draft.id), look_job(draft.id), expire_job(draft), *reminder]
    try:
        return await world.store.changes.open(draft, event, jobs=jobs)
    except AlreadyOpen as error:
        link = await _link(world, error.change_id)
        raise Refused(
            f"CHG-{error.number} is open for {draft.service} already{link}. Decide that one first."
        ) from error


async def _link(world: World, change: str) -> str:
    place = await world.store.messages.place(card_job(change).key)
    permalink = await world.messenger.permalink(place) if place else ""
    return f" ({permalink})" if permalink else ""
