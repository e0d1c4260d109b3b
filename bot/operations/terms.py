"""What the policies of a change's namespaces ask for: who may approve it, how many, and until when."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.approval import who_can_approve
from bot.domain.change import Verb
from bot.domain.policy import Policy, Right
from bot.operations.refusal import Refused
from bot.operations.rights import Rights
from bot.operations.world import World
from bot.ports import NotFound, WorldError

MOST_LOOKED_UP = 40
"""People whom a proposal looks up to see whether they are still members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which a proposal is made."""

    approvers: tuple[str, ...]
    """User and group ids who may approve, as shown on the card."""
    approvals_needed: int
    expires_at: datetime
    remind_at: datetime | None


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
        Refused: nobody could approve it.
    """
    requester = rights.person.id
    outside = await _outside(world, policies, rights)
    found = who_can_approve(policies, verb, requester, rights.groups, without_rights=outside)
    if not (found.possible or unapproved):
        raise Refused(f"{found.why} Nothing was proposed.", passing=found.unknown)
    now = world.clock()
    lifetime = min(policy.expires_after for policy in policies)
    reminder = min(policy.reminder for policy in policies)
    return Terms(
        approvers=found.ids,
        approvals_needed=max(policy.approvals for policy in policies),
        expires_at=now + timedelta(seconds=lifetime),
        remind_at=now + timedelta(seconds=lifetime - reminder) if 0 < reminder < lifetime else None,
    )


async def _outside(world: World, policies: Sequence[Policy], rights: Rights) -> frozenset[str]:
    """Those whom the policies name although they have no rights: deactivated, guests, bots, strangers."""
    named = {id_ for policy in policies for right in Right for id_ in policy.entitled(right)}
    members = {user for id_ in named for user in rights.groups.get(id_) or ()}
    users = sorted({id_ for id_ in named if not id_.startswith(("S", "*"))} | members)[:MOST_LOOKED_UP]
    without = await asyncio.gather(*(_without_rights(world, user) for user in users))
    return frozenset(user for user, outside in zip(users, without, strict=True) if outside)


async def _without_rights(world: World, user: str) -> bool:
    """Whether somebody is known to have no rights; who cannot be looked up now is looked up again at the click."""
    try:
        return not (await world.messenger.person(user)).full_member
    except NotFound:
        return True
    except WorldError:
        return False
