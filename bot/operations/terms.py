"""What the policies of a change's namespaces ask for: who may approve it, how many, and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.approval import freeze_of, who_can_approve
from bot.domain.change import Verb
from bot.domain.entitled import Electorate, electorate
from bot.domain.freeze import Freeze
from bot.domain.policy import Policy
from bot.domain.words import duration
from bot.operations.refusal import Refused
from bot.operations.rights import Rights, without_rights
from bot.operations.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which a proposal is made."""

    approvers: tuple[str, ...]
    """User and group ids who may approve, as shown on the card."""
    approvals_needed: int
    expires_at: datetime
    remind_at: datetime | None
    electorate: Electorate
    frozen: str
    """How long changes are frozen; empty while they are not."""


async def terms(
    world: World, policies: Sequence[Policy], verb: Verb, rights: Rights, *, unapproved: bool
) -> Terms:
    """Find out under which terms a person's proposal can be made; the strictest policy counts.

    Args:
        world: see `World`.
        policies: of every namespace.
        verb: what the change does.
        rights: the requester's.
        unapproved: whether it needs nobody's approval: it is only shown, or the configuration asks for it.

    Raises:
        Refused: nobody could approve it, or not before it expires.
    """
    requester = rights.person.id
    outside = await without_rights(world, policies, rights.groups)
    found = who_can_approve(policies, verb, requester, rights.groups, without_rights=outside)
    if not (found.possible or unapproved):
        raise Refused(f"{found.why} Nothing was proposed.", passing=found.unknown)
    now = world.clock()
    lifetime = min(policy.expires_after for policy in policies)
    reminder = min(policy.reminder for policy in policies)
    freeze = freeze_of(policies, verb, now)
    if freeze and freeze.lasts(now + timedelta(seconds=lifetime)) and not (found.break_glass or unapproved):
        raise Refused(_in_vain(freeze, lifetime))
    return Terms(
        approvers=found.ids,
        approvals_needed=max(policy.approvals for policy in policies),
        expires_at=now + timedelta(seconds=lifetime),
        remind_at=now + timedelta(seconds=lifetime - reminder) if 0 < reminder < lifetime else None,
        electorate=electorate(policies, rights.groups),
        frozen=str(freeze or ""),
    )


def _in_vain(freeze: Freeze, lifetime: float) -> str:
    """Say that a proposal would expire before anybody could approve it."""
    frozen = f"Changes are frozen here {freeze}, and nobody may break the glass."
    if freeze.endless:
        return f"{frozen} Nothing was proposed; whoever runs me can change that."
    return f"{frozen} A proposal expires after {duration(lifetime)}, so nobody could approve it. Nothing was proposed; propose it when the freeze is over."
