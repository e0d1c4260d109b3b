"""The path diagram of a Service: a picture where one can be drawn and shown, else the same rows as text."""

import asyncio
import logging
from collections.abc import Sequence

from bot.domain.explanation import Explanation
from bot.domain.objects import Ref
from bot.domain.path import explain
from bot.domain.policy import Right
from bot.domain.sketch import Row, sketch
from bot.domain.summary import headline
from bot.operations.answer import answer, say
from bot.operations.caller import Caller
from bot.operations.refusal import Refused
from bot.operations.rights import rights_of
from bot.operations.status import by_button
from bot.operations.world import World
from bot.ports import Forbidden, Invalid, NotFound, Picture
from bot.render.drawing import png

log = logging.getLogger(__name__)

MOST_LINES = 60
"""Lines of the diagram as text."""


async def diagram(world: World, caller: Caller, value: str) -> None:
    """Show the paths of the Service that a button is about: in the thread, or to its person alone.

    Raises:
        Refused: the Service is gone, or the person may not look at it.
    """
    rights = (await rights_of(world, caller, Right.VIEW)).known()
    ref, _ = by_button(world, value)
    if not rights.visible(ref.cluster, ref.namespace):
        raise Refused("You may not look at Services here.")
    explanation = explain(world.clusters.get(ref.cluster).snapshot(), Ref(ref.namespace, ref.name))
    rows = [_redacted(world, row) for row in sketch(explanation)]
    title = f"Traffic paths of {ref} on {ref.cluster}"
    # Drawing takes longer than anybody else who asks should wait.
    picture = await asyncio.to_thread(_picture, rows, title, _alt(world, title, explanation))
    if picture is None or not await _shown(world, caller, picture):
        text = "\n".join(_lines(rows))
        await answer(world, caller, world.message("diagram", title=title, text=text))


def _redacted(world: World, row: str | Row) -> str | Row:
    return world.redacted(row) if isinstance(row, str) else row.mapped(world.redacted)


def _picture(rows: Sequence[str | Row], title: str, alt: str) -> Picture | None:
    drawn = png(rows)
    return None if drawn is None else Picture(name="paths.png", data=drawn, title=title, alt=alt)


def _alt(world: World, title: str, explanation: Explanation) -> str:
    return world.redacted(f"{title}: {headline(explanation)}.")


async def _shown(world: World, caller: Caller, picture: Picture) -> bool:
    """Show a picture; False where Slack does not let us."""
    comment = world.message("sentence", sentence=picture.alt).text
    try:
        if caller.thread:
            await world.messenger.show(caller.channel, picture, comment=comment, thread=caller.thread)
        else:
            await world.messenger.show(caller.user, picture, comment=comment)
            await say(
                world,
                caller,
                "The diagram is in our direct messages: pictures cannot be shown to one person here.",
            )
    except (Forbidden, Invalid, NotFound) as error:
        log.info("a diagram is told in words: %s", error)
        return False
    return True


def _lines(rows: Sequence[str | Row]) -> list[str]:
    """The rows as text; an arrow for each step."""
    lines = [row if isinstance(row, str) else f"  {row.text}" for row in rows]
    left = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], *([f"and {left} more"] if left > 0 else [])]
