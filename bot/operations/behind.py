"""The change behind a Service's pass-through: where its card is, and how to undo it from where its failure is read."""

from dataclasses import dataclass

from bot.domain.approval import decide_proposal
from bot.domain.change import Change, ServiceRef, Step, Verb
from bot.domain.objects import PASS_THROUGH, Ref
from bot.domain.policy import Right, policy_for, those_who_may
from bot.domain.words import linked, people
from bot.operations.caller import Caller
from bot.operations.card import Button, card_of, title_of
from bot.operations.jobs import card_job
from bot.operations.rights import rights_of
from bot.operations.world import World

LOOKED_AT = 20
"""Changes of a Service, newest first, among which the last that was applied is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What a failure says of it; the people that the sentence marks are named."""

    sentence: str
    buttons: tuple[Button, ...] = ()


async def behind(world: World, ref: ServiceRef, caller: Caller) -> Behind | None:
    """Return the change that set what pass-through is now; None where none of ours did.

    There is a button where its own card has one, and where `caller`, who reads this first, may use it.
    """
    change = await _last(world, ref) if world.knows(ref.cluster) else None
    if change is None or not _in_force(world, change, ref):
        return None
    place = await world.store.messages.place(card_job(change.id).key)
    label = linked(await world.messenger.permalink(place) if place else "", change.label)
    told = f"as {label} left it ({title_of(change)})."
    undo = tuple(b for b in card_of(change).buttons if b.action == "change:rollback")
    if not undo:
        return Behind(sentence=told)
    if await _may_undo(world, change, caller):
        return Behind(sentence=told, buttons=undo)
    return Behind(sentence=f"{told} {_others(world, change)}".strip())


async def _last(world: World, ref: ServiceRef) -> Change | None:
    """The change that was applied last."""
    found = await world.store.changes.find(
        cluster=ref.cluster, namespace=ref.namespace, name=ref.name, limit=LOOKED_AT
    )
    return next((change for change in found if change.applied_at is not None), None)


def _in_force(world: World, change: Change, ref: ServiceRef) -> bool:
    """Whether the Service still has the value that the change gave it."""
    service = world.clusters.get(ref.cluster).snapshot().service(Ref(ref.namespace, ref.name))
    step = next((each for each in change.steps if each.service == ref), None)
    if service is None or step is None or PASS_THROUGH not in step.after:
        return False
    return service.annotations.get(PASS_THROUGH) == step.after[PASS_THROUGH]


async def _may_undo(world: World, change: Change, caller: Caller) -> bool:
    rights = await rights_of(world, caller)
    return all(
        decide_proposal(
            rights.policy(change.cluster, step.service.namespace),
            Verb.ROLLBACK,
            rights.person,
            rights.groups,
            reason=f"rolls back {change.label}",
        ).allowed
        for step in change.steps
    )


def _others(world: World, change: Change) -> str:
    """Who may roll it back, by the policies of all its namespaces."""

    def listed(step: Step) -> tuple[str, ...]:
        policy = policy_for(world.settings.policies, change.cluster, step.service.namespace)
        return those_who_may(policy, Right.ROLLBACK)

    lists = [listed(step) for step in change.steps]
    common = [each for each in lists[0] if all(each in others for others in lists)]
    return f"{people(common)} may roll it back." if common else ""
