"""Approvers who are not in the channel of a change's card: each is told directly, once, where it is.

Those who are in the channel are mentioned on the card.
"""

import logging

from bot.domain.change import Change, Phase
from bot.operations.caller import Caller
from bot.operations.card import title_of
from bot.operations.jobs import REMINDER, invitation_job
from bot.operations.rights import groups_of, rights_of
from bot.operations.thread import card_place
from bot.operations.waiting import waits_for
from bot.operations.world import World
from bot.ports import Forbidden, Invalid, Later, Leased, NotFound

log = logging.getLogger(__name__)

MOST = 20
"""People who are told directly of one change."""
LOOK_AGAIN = 30.0
"""Seconds after which people and groups are looked up again that could not be."""


async def invite(world: World, leased: Leased) -> None:
    """Find those whose yes a proposal waits for, and who do not see its card where it is.

    Raises:
        Later: the card is not posted yet, changes are frozen, or somebody could not be looked up.
    """
    change = await world.store.changes.get(str(leased.job.payload["change"]))
    what = str(leased.job.payload["what"])
    if not _decidable(world, change) or (change.frozen and what == REMINDER):
        return
    if change.frozen:
        # Nobody can approve it now; they are told when they can.
        raise Later(LOOK_AGAIN)
    card = await card_place(world, change.id)
    users, unknown = await _approvers(world, change)
    inside = await _inside(world, card.channel)
    found = []
    for user in users:
        rights = await rights_of(world, Caller(user=user, team="", channel=card.channel))
        unknown = unknown or bool(rights.doubt)
        if user not in inside and waits_for(rights, change, world.clock()):
            found.append(user)
    if len(found) > MOST:
        log.warning("%d approvers of %s are elsewhere; %d are told directly", len(found), change.label, MOST)
    await world.store.jobs.submit(*(invitation_job(change.id, what, user) for user in found[:MOST]))
    if unknown:
        raise Later(LOOK_AGAIN)


async def tell(world: World, leased: Leased) -> None:
    """Tell one approver of a proposal that still waits; who cannot be told is left alone."""
    payload = leased.job.payload
    change = await world.store.changes.get(str(payload["change"]))
    if not _decidable(world, change):
        return
    card = await card_place(world, change.id)
    message = world.message(
        "invitation",
        change=change,
        title=title_of(change),
        channel=card.channel,
        link=await world.messenger.permalink(card),
        again=payload["what"] == REMINDER,
    )
    user = str(payload["user"])
    try:
        await world.messenger.post(user, message, key=leased.job.key)
    except (Forbidden, Invalid, NotFound) as error:
        log.warning("%s could not be told directly of %s: %s", user, change.label, error)


def _decidable(world: World, change: Change) -> bool:
    if change.phase is not Phase.PROPOSED or not world.knows(change.cluster):
        return False
    return not world.clusters.get(change.cluster).read_only


async def _approvers(world: World, change: Change) -> tuple[list[str], bool]:
    """Return the people who are named on the card, one by one or by a group, and whether a group is not known."""
    named = [id_ for id_ in change.approvers if id_ != "*"]
    groups = await groups_of(world, [id_ for id_ in named if id_.startswith("S")])
    users = [user for id_ in named for user in sorted(groups.get(id_) or (() if id_ in groups else {id_}))]
    return list(dict.fromkeys(users)), None in groups.values()


async def _inside(world: World, channel: str) -> frozenset[str]:
    """Who is in a channel; where Slack does not let us look, nobody: better told twice than not at all."""
    try:
        return await world.messenger.inside(channel)
    except (Forbidden, NotFound) as error:
        log.info("who is in %s is not known: %s", channel, error)
        return frozenset()
