"""A proposal: what would be patched, what it does to whom, who may approve it; stored before it is shown."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.approval import decide_proposal
from bot.domain.change import Change, ServiceRef, Step
from bot.domain.objects import PASS_THROUGH, Service
from bot.domain.policy import Decision, Member, Policy, Right
from bot.operations import preview
from bot.operations.between import MOST_AT_ALL, in_between, too_many
from bot.operations.draft import Asked, already, compose, read_live, rehearsed, store
from bot.operations.harm import against, sentence
from bot.operations.owner import ownership
from bot.operations.preview import Paths
from bot.operations.refusal import Refused, refused
from bot.operations.resolve import resolve
from bot.operations.rights import ANYTHING, Rights, rights_of, ruled
from bot.operations.subject import load_balancer_of, ref_of, settled, subject
from bot.operations.template import patch_for
from bot.operations.world import World
from bot.ports import Cluster, LiveService


async def propose(world: World, asked: Asked, target: str) -> Change:
    """Make a proposal for the Service that `target` names, and store it.

    Raises:
        Refused: with the sentence for the person; nothing was stored.
    """
    if stored := await already(world, asked):
        return stored
    rights = (await rights_of(world, asked.caller)).known()
    ref, service = resolve(target, world.clusters, rights.visible)
    cluster = world.clusters.get(ref.cluster)
    await _may_propose(world, rights, [ref], asked)
    live = await read_live(cluster, ref)
    service = preview.with_value(service, live.annotations.get(PASS_THROUGH))
    snapshot = cluster.snapshot().with_service(service)
    found = subject(world, snapshot, ref, service, asked.verb, settled=settled(live, world.clock()))
    await _may_propose(world, rights, [ref_of(ref.cluster, part.ref) for part, _ in found.parts], asked)
    if len(found.parts) > MOST_AT_ALL:
        raise Refused(
            f"Not proposed, because nobody could know what is approved: {too_many(len(found.parts))}. "
            "Give some of them a load balancer of their own first."
        )
    lives = await asyncio.gather(*(_live(cluster, part, live) for part, _ in found.parts))
    steps = tuple(
        _step(world, part, value, each) for (part, value), each in zip(found.parts, lives, strict=True)
    )
    shown = _paths(cluster, steps, ref)
    now = cluster.snapshot().with_service(service)
    # For many Services it takes a second: clicks are acknowledged meanwhile.
    between = await asyncio.to_thread(in_between, now, found.parts)
    remark = " ".join(text for text in (found.remark, between.sentence) if text)
    owned = await ownership(world, [(each, step.after) for each, step in zip(lives, steps, strict=True)])
    bare = await compose(world, asked, rights, ref=ref, steps=steps, shown=shown, remark=remark)
    draft = owned.told_on(replace(bare, between=between.lost))
    _acceptable(rights, draft, shown)
    return await store(world, await rehearsed(cluster, draft))


async def _may_propose(world: World, rights: Rights, refs: Sequence[ServiceRef], asked: Asked) -> None:
    def decide(policy: Policy, somebody: Member) -> Decision:
        reason = asked.reason if somebody is rights.person else ANYTHING
        return decide_proposal(policy, asked.verb, somebody, rights.groups, reason=reason)

    policies = rights.of(refs[0].cluster, (ref.namespace for ref in refs))
    decision = await ruled(world, rights, policies, (Right.PROPOSE,), decide)
    if not decision.allowed:
        raise refused(decision)


async def _live(cluster: Cluster, service: Service, own: LiveService) -> LiveService:
    ref = ref_of(cluster.name, service.ref)
    return own if ref == own.ref else await read_live(cluster, ref)


def _step(world: World, service: Service, value: str | None, live: LiveService) -> Step:
    after = patch_for(world, service, value)
    return Step(
        service=live.ref,
        uid=live.uid,
        before={key: live.annotations.get(key) for key in after},
        after=after,
        read_hash=live.read_hash,
        resource_version=live.resource_version,
        load_balancer=load_balancer_of(service),
    )


def _paths(cluster: Cluster, steps: tuple[Step, ...], ref: ServiceRef) -> Paths:
    shown = preview.paths(cluster.snapshot(), steps, ref)
    if shown is None:
        raise Refused(
            f"A Service on the load balancer of {ref} went while it was looked at. Nothing was proposed; try again.",
            passing=True,
        )
    return shown


def _acceptable(rights: Rights, draft: Change, shown: Paths) -> None:
    """Refuse what would do harm, unless the policies accept that risk and a reason is given."""
    policies = [rights.policy(draft.cluster, step.service.namespace) for step in draft.steps]
    found = against(policies, draft.verb, shown, more=draft.findings, fated=True)
    if found.blocking:
        raise Refused(f"Not proposed, because {sentence(found.blocking)}")
    if found.risks and not draft.reason.strip():
        codes = ", ".join(dict.fromkeys(note.code for note in found.risks))
        raise Refused(
            f"This change carries a risk ({codes}) that the policy lets you take with a reason. "
            "Give the command again with the reason behind the Service's name."
        )
