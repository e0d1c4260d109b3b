import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.change import Change, Phase
from bot.domain.policy import Policy
from bot.operations import ask
from bot.operations.home import FRESH, HOME, LOOKED_AT, MOST, home_view, open_home
from bot.ports import Forbidden
from tests.fakes.messenger import _texts
from tests.fakes.world import ALICE, BOB, CAROL, MALLORY, PLATFORM, SRE, Town, caller


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
    assert "|CHG-1>* Rejected" in text


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
    assert (await home(town, MALLORY)).count("|CHG-") == MOST


def waiting(town: Town, count: int) -> list[Change]:
    """Proposals of as many Services, each of which expires an hour before the one that was made before it."""
    first = town.changes()[0]
    for number in range(1, count):
        ref = replace(first.service, name=f"web-{number}")
        row = replace(
            first,
            id=f"more-{number}",
            number=number + 1,
            service=ref,
            steps=tuple(replace(step, service=ref) for step in first.steps),
            expires_at=first.expires_at - timedelta(minutes=number),
        )
        town.store.changes.rows[row.id] = row
    return town.changes()


async def test_what_expires_first_is_shown_first_and_how_many_more_wait_is_said() -> None:
    """With the command that shows them, in the same order."""
    town = Town()
    await town.propose()
    rows = waiting(town, MOST + 3)
    soonest = [row.label for row in sorted(rows, key=lambda row: row.expires_at)]
    for user, headings in (
        (BOB, ("Waiting for you", "Yours, still open")),
        (ALICE, ("Yours, still open", "Lately")),
    ):
        text = part(await home(town, user), *headings)
        assert re.findall(r"CHG-\d+", text) == soonest[:MOST]
        assert "and 3 more: `/elb-passthrough history prod/shop` shows them" in text
    listed = _texts((await ask.history(town.world, caller(BOB), "prod/shop")).blocks)
    assert re.findall(r"CHG-\d+", "\n".join(listed)) == soonest


async def test_what_waits_is_seen_behind_hundreds_of_newer_changes() -> None:
    """Open ones are asked for, rather than the newest; by `history` too."""
    town = Town()
    first = await town.propose()
    over = replace(first, phase=Phase.REJECTED)
    for number in range(2, 400):
        town.store.changes.rows[f"over-{number}"] = replace(over, id=f"over-{number}", number=number)
    assert "CHG-1>" in part(await home(town, BOB), "Waiting for you", "Yours, still open")
    listed = "\n".join(_texts((await ask.history(town.world, caller(BOB), "")).blocks))
    assert re.findall(r"CHG-\d+", listed)[:2] == ["CHG-1", "CHG-399"]


async def test_the_rest_of_several_clusters_is_shown_by_history_alone() -> None:
    """The command names no more than what all of them are in."""
    town = Town()
    await town.propose()
    rows = waiting(town, MOST + 2)
    for row, cluster in zip(rows[:2], ("prod", "test"), strict=True):
        moved = replace(row, service=replace(row.service, cluster=cluster), cluster=cluster)
        late = replace(moved, expires_at=row.expires_at + timedelta(hours=1))
        town.store.changes.rows[row.id] = late
    assert "and 2 more: `/elb-passthrough history` shows them" in await home(town, BOB)


async def test_what_somebody_approved_already_waits_for_others() -> None:
    """And one's own proposal waits for oneself where that is allowed."""
    twice = Policy(propose=(PLATFORM,), approve=(SRE,), approvals=2)
    town = Town(policies=(twice,))
    await town.click(BOB, "change:approve", await town.propose())
    headings = ("Waiting for you", "Yours, still open")
    assert "CHG-1" not in part(await home(town, BOB), *headings)
    assert "CHG-1" in part(await home(town, CAROL), *headings)
    alone = Town(policies=(Policy(propose=(PLATFORM,), approve=(PLATFORM,), self_approval=True),))
    await alone.propose()
    assert "CHG-1" in part(await home(alone, ALICE), *headings)


async def test_a_home_tab_is_shown_again_when_it_changes() -> None:
    """To those who opened it lately, by a job; a Home tab that stays the same is left alone."""
    town = Town()
    await open_home(town.world, caller(BOB))
    await town.pass_time(5 * FRESH)
    assert len(town.messenger.homes[BOB]) == 1
    await town.propose()
    await town.pass_time(2 * FRESH)
    assert ["CHG-1" in str(view) for view in town.messenger.homes[BOB]] == [False, True]
    assert town.messenger.homes[ALICE] == []


async def test_a_home_tab_that_nobody_looks_at_is_left_alone() -> None:
    """Until it is opened again."""
    town = Town()
    await open_home(town.world, caller(BOB))
    await town.pass_time(LOOKED_AT + 2 * FRESH)
    await town.propose()
    await town.pass_time(10 * FRESH)
    assert len(town.messenger.homes[BOB]) == 1
    await open_home(town.world, caller(BOB))
    assert "CHG-1" in str(town.messenger.homes[BOB][-1])


async def test_opening_it_twice_is_one_look() -> None:
    """The job has its person's name."""
    town = Town()
    for _ in range(3):
        await open_home(town.world, caller(BOB))
    assert [job.key for job in town.store.jobs.waiting(HOME)] == [f"home:{BOB}"]


async def test_where_slack_knows_no_home_tab_it_is_not_tried_again() -> None:
    """One line in the log, not one every few seconds."""
    town = Town()
    await open_home(town.world, caller(BOB))
    town.messenger.fail("publish_home", Forbidden("Slack answered views.publish with unknown_method"))
    await town.propose()
    await town.pass_time(10 * FRESH)
    assert town.messenger.calls.count("publish_home") == 2
    assert town.store.jobs.waiting(HOME) == []


async def test_without_the_database_the_home_tab_says_so() -> None:
    """And is not kept up to date, for nothing can be stored."""
    town = Town()
    town.store.down = True
    await open_home(town.world, caller(BOB))
    assert "Nothing can be shown now" in str(town.messenger.homes[BOB])


async def test_a_guest_reads_why_nothing_is_shown() -> None:
    """Rather than three empty lists."""
    town = Town()
    town.messenger.add("GUEST", full=False)
    text = await home(town, "U0GUEST")
    assert "Guests, bots and people of other workspaces have no rights here." in text
    assert "Waiting" not in text
