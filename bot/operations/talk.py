"""What the bot says by itself about a change: its card, what is said once, and where."""

from bot.domain.change import Change
from bot.domain.policy import policy_for
from bot.operations.card import card_of
from bot.operations.notice import alarm
from bot.operations.thread import say_in_thread
from bot.operations.view import draw
from bot.operations.world import World
from bot.ports import Leased

ALARM = "alarm"


async def draw_card(world: World, leased: Leased) -> None:
    """Post the change's card, or bring it up to date; always from the row as it is now."""
    change = await world.store.changes.get(str(leased.job.payload["change"]))
    card = card_of(
        change,
        read_only=world.clusters.get(change.cluster).read_only,
        break_glass=_can_be_broken(world, change),
    )
    await draw(world, leased, change.channel, world.message("card", change=change, card=card))


def _can_be_broken(world: World, change: Change) -> bool:
    """Whether every namespace's policy names somebody who may break the glass."""
    spaces = {step.service.namespace for step in change.steps}
    policies = world.settings.policies
    return all(policy_for(policies, change.cluster, space).break_glass for space in spaces)


async def say(world: World, leased: Leased) -> None:
    """Say one thing about a change, once: in its thread, or as an alarm in the incident channel."""
    change = await world.store.changes.get(str(leased.job.payload["change"]))
    what = str(leased.job.payload["what"])
    await (alarm(world, leased, change) if what == ALARM else say_in_thread(world, leased, change, what))
