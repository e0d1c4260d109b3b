from typing import Any

from bot.domain.policy import Policy
from bot.operations.home import MOST, home_view
from tests.fakes.messenger import _texts
from tests.fakes.world import ALICE, BOB, MALLORY, PLATFORM, SRE, Town, caller


async def home(town: Town, user: str) -> str:
    """A person's Home tab, as they read it."""
    view: dict[str, Any] = await home_view(town.world, caller(user))
    return "\n".join(_texts(view["blocks"]))


def part(text: str, heading: str, until: str | None = None) -> str:
    """What stands under a heading."""
    rest = text.partition(heading)[2]
    return rest.partition(until)[0] if until else rest


async def test_what_waits_is_shown_to_those_who_may_approve() -> None:
    """To Bob, not to Alice, who asked, nor to Mallory."""
    town = Town()
    await town.propose()
    waiting = ("Waiting for you", "Yours, still open")
    assert "CHG-1" in part(await home(town, BOB), *waiting)
    assert "CHG-1" not in part(await home(town, ALICE), *waiting)
    assert "CHG-1" not in part(await home(town, MALLORY), *waiting)
    assert "CHG-1" in part(await home(town, ALICE), "Yours, still open", "Lately")


async def test_what_is_over_is_told_with_its_link() -> None:
    """Lately, by its card."""
    town = Town()
    change = await town.propose()
    await town.click(BOB, "change:reject", change)
    text = part(await home(town, MALLORY), "Lately")
    assert "CHG-1* Rejected" in text
    assert "|open>" in text


async def test_a_hidden_namespace_is_not_on_the_home_tab() -> None:
    """Who may not look at it does not hear of its changes."""
    town = Town(policies=(Policy(view=(ALICE, BOB), propose=(PLATFORM,), approve=(SRE,)),))
    await town.propose()
    assert "CHG-1" not in await home(town, MALLORY)


async def test_the_home_tab_is_not_endless() -> None:
    """The newest few under each heading."""
    town = Town()
    for _ in range(MOST + 3):
        await town.click(BOB, "change:reject", await town.propose())
    assert (await home(town, MALLORY)).count("*CHG-") == MOST
