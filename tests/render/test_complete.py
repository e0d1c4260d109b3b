"""Nothing is left out: every template, and everything that changes its shape, is rendered where it is looked at.

A template is made of conditions and loops. The renderer of the tests notes which way each went; what no sample comes
to is read by nobody and checked by nothing.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bot.render import shipped_templates
from tests.fakes.renderer import Choice, Kind
from tests.fakes.world import RENDERER
from tests.render.extremes import EXTREMES
from tests.render.samples import MESSAGES, VIEWS

Make = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a set of samples came to."""

    templates: frozenset[str]
    seen: dict[Choice, frozenset[bool]]


async def sight(makers: Iterable[Make]) -> Sight:
    """Render, and note."""
    with RENDERER.watching() as choices:
        for make in makers:
            await make()
        seen = {choice: frozenset(choices.seen[place]) for place, choice in choices.places.items()}
        return Sight(templates=frozenset(RENDERER.rendered), seen=seen)


async def ordinary() -> Sight:
    """What the golden files show."""
    return await sight([*MESSAGES.values(), *VIEWS.values()])


async def extreme() -> Sight:
    """The same at its worst."""
    return await sight(make for some in EXTREMES.values() for make in some.values())


def templates() -> set[str]:
    """Every message and view, the pieces that they are made of aside."""
    root = shipped_templates()
    found = [*(root / "messages").iterdir(), *(root / "views").iterdir()]
    return {file.relative_to(root).as_posix() for file in found if not file.name.startswith("_")}


@pytest.mark.parametrize("render", [ordinary, extreme])
async def test_every_template_is_rendered(render: Callable[[], Awaitable[Sight]]) -> None:
    """Ordinary and at its worst."""
    assert (await render()).templates == templates()


async def test_whatever_changes_the_shape_of_a_message_has_a_golden_file() -> None:
    """Each condition and each part of one both ways, and each loop with something to go through."""
    seen = (await ordinary()).seen
    assert len(seen) > 100
    assert [*_one_way(seen)] == []


def _one_way(seen: dict[Choice, frozenset[bool]]) -> Iterator[Choice]:
    for choice, ways in seen.items():
        wanted = {True} if choice.kind is Kind.LOOP else {True, False}
        if not wanted <= ways:
            yield choice


async def test_whatever_may_be_shown_is_shown_at_its_worst_too() -> None:
    """A condition that never holds there would hide what stands behind it from the validators."""
    seen = (await extreme()).seen
    never = [choice for choice, ways in seen.items() if choice.kind is not Kind.PART and True not in ways]
    assert never == []


async def test_a_choice_that_nobody_comes_to_is_found() -> None:
    """One sample alone leaves a lot out, which both of the tests above would say."""
    seen = (await sight([MESSAGES["card-proposed"]])).seen
    assert any(choice.words.startswith("Getattr .paused") for choice in _one_way(seen))
