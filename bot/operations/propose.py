"""A proposal: what would be patched, what it does to whom, who may approve it; stored before it is shown."""

import asyncio
from collections.abc import Sequence

from bot.domain.approval import decide_proposal, objections
from bot.domain.change import Change, ServiceRef, Step
from bot.domain.objects import PASS_THROUGH, Service, TrafficPolicy
from bot.domain.patch import PatchRefusedError, allowed_annotations
from bot.domain.policy import all_agree
from bot.domain.words import unmarked
from bot.operations import preview
from bot.operations.apply import MANAGER
from bot.operations.between import in_between
from bot.operations.draft import Asked, already, compose, paths, read_live, rehearsed, store
from bot.operations.owner import owner_note
from bot.operations.plans import UNHEALTHY
from bot.operations.refusal import Refused
from bot.operations.resolve import resolve
from bot.operations.rights import Rights, rights_of
from bot.operations.subject import load_balancer_of, ref_of, settled, subject
from bot.operations.world import World
from bot.ports import Cluster, LiveService
from bot.render import RenderError

TEMPLATE = "pass-through"


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
    _may_propose(rights, [ref], asked)
    live = await read_live(cluster, ref)
    service = preview.with_value(service, live.annotations.get(PASS_THROUGH))
    snapshot = cluster.snapshot().with_service(service)
    found = subject(world, snapshot, ref, service, asked.verb, settled=settled(live, world.clock()))
    _may_propose(rights, [ref_of(ref.cluster, part.ref) for part, _ in found.parts], asked)
    steps = await _steps(world, cluster, found.parts, live)
    now = cluster.snapshot().with_service(service)
    shown = paths(now, found.parts, service.ref)
    remark = " ".join(text for text in (found.remark, in_between(now, found.parts)) if text)
    draft = await compose(
        world,
        asked,
        rights,
        ref=ref,
        steps=steps,
        shown=shown,
        remark=remark,
        owner=_ownership(live),
    )
    _acceptable(rights, draft, [str(finding.code) for finding in shown.before.findings])
    return await store(world, await rehearsed(cluster, draft))


def _ownership(live: LiveService) -> str:
    """Who else has a hand in it: who declares the Service, and who wrote the annotation."""
    writer = live.touched_by.get(PASS_THROUGH, "")
    other = f"{unmarked(writer)} wrote the annotation." if writer not in ("", MANAGER) else ""
    return " ".join(text for text in (owner_note(live, PASS_THROUGH), other) if text)


def _may_propose(rights: Rights, refs: Sequence[ServiceRef], asked: Asked) -> None:
    decision = all_agree(
        decide_proposal(
            rights.policy(ref.cluster, ref.namespace),
            asked.verb,
            rights.person,
            rights.groups,
            reason=asked.reason,
        )
        for ref in refs
    )
    if not decision.allowed:
        raise Refused(decision.why, who_may=decision.who_may)


async def _steps(
    world: World, cluster: Cluster, parts: Sequence[tuple[Service, str | None]], own: LiveService
) -> tuple[Step, ...]:
    lives = await asyncio.gather(*(_live(cluster, part, own) for part, _ in parts))
    return tuple(_step(world, part, value, live) for (part, value), live in zip(parts, lives, strict=True))


async def _live(cluster: Cluster, service: Service, own: LiveService) -> LiveService:
    ref = ref_of(cluster.name, service.ref)
    return own if ref == own.ref else await read_live(cluster, ref)


def _step(world: World, service: Service, value: str | None, live: LiveService) -> Step:
    context = {"service": _template_view(service), "value": value}
    try:
        after = allowed_annotations(world.renderer.patch(TEMPLATE, context), world.settings.patches_allow)
    except (RenderError, PatchRefusedError) as error:
        raise Refused(f"The patch template is refused: {error}. Nothing was proposed.") from error
    return Step(
        service=live.ref,
        uid=live.uid,
        before={key: live.annotations.get(key) for key in after},
        after=after,
        read_hash=live.read_hash,
        resource_version=live.resource_version,
        load_balancer=load_balancer_of(service),
    )


def _template_view(service: Service) -> dict[str, object]:
    """What a patch template may see of a Service: no last-applied-configuration, nothing secret."""
    return {
        "namespace": service.ref.namespace,
        "name": service.ref.name,
        "labels": dict(service.labels),
        "local": service.external_policy is TrafficPolicy.LOCAL,
        "elb": {
            key: text for key, text in service.annotations.items() if key.startswith("kubernetes.io/elb.")
        },
    }


def _acceptable(rights: Rights, draft: Change, before: Sequence[str]) -> None:
    """Refuse what would do harm, unless the policy accepts that risk and a reason is given."""
    codes = [finding.code for finding in draft.findings]
    dead = [
        finding.code
        for finding in draft.findings
        if finding.code == UNHEALTHY and finding.severity == "error"
    ]
    if dead:
        raise Refused(_objection(draft, dead))
    for step in draft.steps:
        policy = rights.policy(step.service.cluster, step.service.namespace)
        found = objections(policy, codes, verb=draft.verb, before=before)
        if found.blocking:
            raise Refused(_objection(draft, found.blocking))
        if found.risks and not draft.reason.strip():
            raise Refused(
                f"This change carries a risk ({', '.join(found.risks)}) that the policy lets you take with a reason. "
                "Give the command again with the reason behind the Service's name."
            )


def _objection(draft: Change, codes: Sequence[str]) -> str:
    said = [f"{finding.message} ({finding.code})" for finding in draft.findings if finding.code in codes]
    fixes = [finding.fix for finding in draft.findings if finding.code in codes and finding.fix]
    what_now = f" What to do: {fixes[0]}" if fixes else ""
    return unmarked(f"Not proposed, because it would do harm: {' '.join(said)}{what_now}")
