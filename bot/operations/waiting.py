"""Whose yes a proposal waits for."""

from datetime import datetime

from bot.domain.approval import decide_approval
from bot.domain.change import Change, Phase
from bot.domain.policy import Cause
from bot.operations.rights import Rights


def waits_for(rights: Rights, change: Change, now: datetime) -> bool:
    """Whether this person's yes would count, now or when a freeze is over."""
    if change.phase is not Phase.PROPOSED:
        return False
    policies = [rights.policy(change.cluster, step.service.namespace) for step in change.steps]
    found = [decide_approval(policy, change, rights.person, rights.groups, now) for policy in policies]
    return all(decision.allowed or decision.cause is Cause.FROZEN for decision in found)
