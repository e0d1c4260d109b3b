"""Whether an approved change may still be applied: its people's rights, looked up once more."""

from collections.abc import Mapping

from bot.domain.approval import BOT, still_stands
from bot.domain.change import Change
from bot.domain.policy import Cause, Decision, all_agree, policy_for
from bot.operations.caller import Caller
from bot.operations.rights import groups_of, nobody
from bot.operations.world import World
from bot.ports import NotFound, Person


async def still_allowed(world: World, change: Change) -> Decision:
    """Ask the policies of every namespace once more, just before the patch.

    Raises:
        Unavailable: a person could not be looked up; nothing is decided, and nothing applied.
    """
    spaces = dict.fromkeys(step.service.namespace for step in change.steps)
    policies = [policy_for(world.settings.policies, change.cluster, space) for space in spaces]
    groups = await groups_of(world, {group for policy in policies for group in policy.groups()})
    people = await _people(world, change)
    return all_agree(still_stands(policy, change, people, groups, world.clock()) for policy in policies)


def undecided(decision: Decision) -> bool:
    """Whether a look-up failed that might have decided otherwise: ask again rather than give up."""
    return not decision.allowed and decision.cause is Cause.UNKNOWN


async def _people(world: World, change: Change) -> Mapping[str, Person]:
    """Requester and approvers; who is not known to the workspace any more has no rights."""
    ids = {change.requested_by, *(approval.by for approval in change.approvals)} - {BOT}
    found = {}
    for id_ in sorted(ids):
        try:
            found[id_] = await world.messenger.person(id_)
        except NotFound:
            found[id_] = nobody(Caller(user=id_, team="", channel=""))
    return found
