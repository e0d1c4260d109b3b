"""What every proposal is made of, whether it switches, or undoes: live values, paths, approvers, plan."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from bot.domain.approval import Approvers, who_can_approve
from bot.domain.change import Change, Event, EventKind, ServiceRef, Step, Verb
from bot.domain.explanation import Explanation
from bot.domain.objects import Ref, Service
from bot.domain.policy import Policy
from bot.domain.snapshot import Snapshot
from bot.domain.summary import headline
from bot.operations import preview
from bot.operations.caller import Caller
from bot.operations.jobs import card_job, expire_job, remind_job
from bot.operations.plans import plan_for
from bot.operations.refusal import Refused
from bot.operations.rights import Rights
from bot.operations.world import World
from bot.ports import AlreadyOpen, Cluster, Conflict, Forbidden, Invalid, LiveService, NotFound, Unavailable


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
    channel: str


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
) -> Change:
    """Compose a proposal that is not stored yet.

    Raises:
        Refused: nobody could approve it.
    """
    now = world.clock()
    policies = [rights.policy(step.service.cluster, step.service.namespace) for step in steps]
    lifetime = min(policy.expires_after for policy in policies)
    reminder = min(policy.reminder for policy in policies)
    return Change(
        id=sha256(b"change:" + asked.id.encode()).hexdigest()[:32],
        number=0,
        cluster=ref.cluster,
        verb=asked.verb,
        service=ref,
        steps=steps,
        requested_by=asked.caller.user,
        requested_at=now,
        reason=asked.reason,
        channel=asked.channel,
        template_digest=world.renderer.patch_digest("pass-through"),
        # Undoing is urgent: it is applied at once, and measured afterwards.
        plan=await plan_for(
            world,
            ref,
            shown.snapshot,
            before=None if asked.verb is Verb.ROLLBACK else shown.before,
            after=shown.after,
        ),
        table=preview.rows(shown.before, shown.after),
        findings=preview.notes(shown.after),
        approvers=_approvers(policies, asked, rights),
        approvals_needed=max(policy.approvals for policy in policies),
        expires_at=now + timedelta(seconds=lifetime),
        remind_at=now + timedelta(seconds=lifetime - reminder) if 0 < reminder < lifetime else None,
        headline=headline(shown.before),
        note=remark,
        rolls_back=rolls_back,
    )


def _approvers(policies: Sequence[Policy], asked: Asked, rights: Rights) -> tuple[str, ...]:
    found: list[Approvers] = [
        who_can_approve(policy, asked.verb, asked.caller.user, rights.groups) for policy in policies
    ]
    if impossible := next((one for one in found if not one.possible), None):
        raise Refused(f"{impossible.why} Nothing was proposed.")
    return tuple(dict.fromkeys(id_ for one in found for id_ in one.ids))


async def read_live(cluster: Cluster, ref: ServiceRef) -> LiveService:
    """Read a Service from the API server, not from the cache.

    Raises:
        Refused: it could not be read; the sentence says that nothing was done.
    """
    try:
        return await cluster.read(ref)
    except Unavailable as error:
        raise Refused(silent(ref.cluster, error)) from error
    except NotFound as error:
        raise Refused(f"{ref} is not on {ref.cluster} any more. Nothing was done.") from error
    except (Forbidden, Invalid) as error:
        raise Refused(f"{ref} on {ref.cluster} could not be read: {error} Nothing was done.") from error


def silent(cluster: str, error: Exception) -> str:
    """Say that a cluster does not answer, and that nothing was done."""
    return f"The cluster {cluster} does not answer ({error}). Nothing was done; try again when it does."


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
        raise Refused(f"The API server refuses this patch: {error} Nothing was proposed.") from error
    except Unavailable as error:
        raise Refused(silent(draft.cluster, error)) from error
    return replace(draft, dry_run="accepted by the API server")


async def store(world: World, draft: Change) -> Change:
    """Store a change as proposed, with the jobs that show it, remind of it and let it expire.

    Raises:
        Refused: one of its Services has an open change; the sentence names it.
    """
    detail = {"digest": draft.digest} | ({"reason": draft.reason} if draft.reason else {})
    event = Event(kind=EventKind.PROPOSED, at=draft.requested_at, by=draft.requested_by, detail=detail)
    jobs = [card_job(draft.id), expire_job(draft), *([remind_job(draft)] if draft.remind_at else [])]
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
