"""At most so many messages a minute to an incident channel, whatever they are about.

Every post takes a place of its minute in the database, so all replicas together keep the limit. The last place is kept
for the one message that tells the rest together, and for what is urgent; edits notify nobody and take none.
"""

from bot.operations.world import World
from bot.ports import Later, Leased

_MINUTE = 60.0


async def take_place(world: World, leased: Leased, channel: str, *, urgent: bool = False) -> None:
    """Take a place in this minute; a try after one that failed has it already.

    Raises:
        Later: there is none left in this minute.
    """
    if leased.attempt > 1:
        return
    most = world.settings.incidents.per_minute
    minute, number = await world.store.incidents.admit(channel)
    if number >= most and not ((urgent or most == 1) and await _last(world, channel)):
        raise Later(_left(world, minute))


async def take_last_place(world: World, leased: Leased, channel: str) -> None:
    """Take the place of the message that tells the rest together; raises as take_place."""
    if leased.attempt > 1:
        return
    minute, number = await world.store.incidents.admit(_name(channel))
    if number > 1:
        raise Later(_left(world, minute))


async def _last(world: World, channel: str) -> bool:
    _, number = await world.store.incidents.admit(_name(channel))
    return number == 1


def _name(channel: str) -> str:
    return f"{channel}:last"


def _left(world: World, minute: int) -> float:
    """Seconds until the next minute; the database's clock counts, and is about as late as this one."""
    return min(_MINUTE, max(1.0, (minute + 1) * _MINUTE - world.clock().timestamp()))
