"""The form that asks for a Service: to whom it opens, what it offers, and what is missing in it."""

from collections.abc import Mapping

from bot.domain.approval import decide_proposal
from bot.domain.change import Verb
from bot.domain.policy import Cause, Right, those_who_may
from bot.operations.caller import Caller
from bot.operations.refusal import Refused
from bot.operations.resolve import resolve
from bot.operations.rights import Rights, rights_of
from bot.operations.subject import subject
from bot.operations.world import World

RIGHTS: Mapping[str, Right] = {
    "status": Right.VIEW,
    "enable": Right.PROPOSE,
    "disable": Right.PROPOSE,
    "verify": Right.VERIFY,
}
"""What a form is for, and the right that takes."""
_DOING = {Right.PROPOSE: "propose changes", Right.VERIFY: "verify Services"}


def offered(rights: Rights, verb: str, cluster: str, namespace: str) -> bool:
    """Whether a person may do what a form is for in a namespace."""
    right = RIGHTS.get(verb, Right.VIEW)
    return rights.visible(cluster, namespace) and rights.decide(right, cluster, namespace).allowed


async def must_say_why(world: World, caller: Caller, verb: str) -> bool:
    """Whether a proposal of this person's needs a reason wherever they may make one.

    Raises:
        Refused: they may do that nowhere; the sentence says who may.
    """
    rights = (await rights_of(world, caller)).known()
    spaces = {
        (name, ref.namespace)
        for name in world.clusters.names()
        for ref in world.clusters.get(name).snapshot().inventory.load_balancers()
        if rights.visible(name, ref.namespace)
    }
    able = {space for space in spaces if offered(rights, verb, *space)}
    if spaces and not able and (doing := _DOING.get(RIGHTS[verb])):
        listed = (those_who_may(rights.policy(*space), RIGHTS[verb]) for space in sorted(spaces))
        who = dict.fromkeys(id_ for ids in listed for id_ in ids)
        raise Refused(f"You may not {doing} in any namespace.", who_may=tuple(who))
    return bool(able) and all(rights.policy(*space).require_reason for space in able)


async def reason_missing(world: World, caller: Caller, verb: str, target: str, reason: str) -> bool:
    """Whether only the reason is missing for a proposal; any other objection is the proposal's own.

    Raises:
        Refused: no one Service was meant.
    """
    rights = await rights_of(world, caller)
    ref, service = resolve(target, world.clusters, rights.visible)
    spaces = {ref.namespace}
    snapshot = world.clusters.get(ref.cluster).snapshot()
    try:
        found = subject(world, snapshot, ref, service, Verb(verb), settled=True)
    except Refused:
        return False
    spaces |= {part.ref.namespace for part, _ in found.parts}
    decisions = [
        decide_proposal(policy, Verb(verb), rights.person, rights.groups, reason=reason)
        for policy in rights.of(ref.cluster, sorted(spaces))
    ]
    return any(decision.cause is Cause.REASON_MISSING for decision in decisions) and all(
        decision.allowed or decision.cause is Cause.REASON_MISSING for decision in decisions
    )
