"""Who somebody is, who is in a group, and where the bot may post."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.slack import SlackMessenger
from bot.adapters.slack.people import person_of
from bot.demo.slack import Workspace
from bot.demo.slack.people import Person, UserGroup
from bot.ports import Forbidden, NotFound, Unavailable
from tests.adapters.slack.conftest import Make


@pytest.mark.parametrize(
    ("user", "full"),
    [
        ("U01ALICE", True),
        ("U04GUEST", False),
        ("U05PAGER", False),
        ("U09GONE", False),
        ("U10FAR", False),
        ("U00ELBBOT", False),
    ],
)
async def test_guests_bots_leavers_and_strangers_are_no_full_members(
    workspace: Workspace, messenger: SlackMessenger, user: str, *, full: bool
) -> None:
    """Only members of the workspace have rights."""
    workspace.state.directory.add(Person(id="U10FAR", name="far", real_name="Far", team="T99OTHER"))
    assert (await messenger.person(user)).full_member is full


async def test_a_person_has_a_name_and_a_time_zone(messenger: SlackMessenger) -> None:
    """As the workspace shows them."""
    alice = await messenger.person("U01ALICE")
    assert (alice.id, alice.name, alice.team, alice.zone) == ("U01ALICE", "Alice", "T01TEAM", "UTC")


async def test_nobody_is_a_full_member_of_a_workspace_that_is_not_known(make: Make) -> None:
    """An empty id matches nobody's."""
    assert (await make(team="").person("U01ALICE")).full_member is False


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_user_object_makes_the_reading_fail_or_a_stranger_a_member(found: Any) -> None:
    """Whatever a server answers."""
    assert person_of("U1", found, home="T01TEAM").full_member is False


FULL: dict[str, Any] = {"id": "U1", "team_id": "T01TEAM", "deleted": False, "is_bot": False}


@pytest.mark.parametrize(
    "outside",
    [
        {"deleted": True},
        {"is_bot": True},
        {"is_restricted": True},
        {"is_restricted": True, "is_ultra_restricted": True},
        {"is_ultra_restricted": True},
        {"is_stranger": True},
        {"team_id": "T02OTHER"},
        {"team_id": None},
        {"team_id": "E1", "enterprise_user": {"teams": ["T02OTHER"]}},
        {"team_id": "E1", "enterprise_user": {"teams": "T01TEAM"}},
        {"deleted": "false"},
        {"enterprise_user": {"teams": ["T01TEAM"]}, "is_restricted": True},
    ],
)
def test_each_mark_of_an_outsider_is_enough(outside: dict[str, Any]) -> None:
    """By itself, and a mark that is nonsense too: every doubt is a no."""
    assert person_of("U1", FULL, home="T01TEAM").full_member is True
    assert person_of("U1", {**FULL, **outside}, home="T01TEAM").full_member is False


async def test_who_left_a_group_is_in_it_for_a_minute_at_most(workspace: Workspace, make: Make) -> None:
    """And who came to it waits as long."""
    now = 100.0
    messenger = make(clock=lambda: now)
    assert "U02BOB" in await messenger.members("S0PLATFORM")
    workspace.state.directory.add(
        UserGroup(id="S0PLATFORM", handle="platform", name="Platform", users=("U01ALICE",))
    )
    now = 159.9
    assert "U02BOB" in await messenger.members("S0PLATFORM")
    now = 160.0
    assert await messenger.members("S0PLATFORM") == {"U01ALICE"}


def test_on_enterprise_grid_a_person_belongs_to_several_workspaces() -> None:
    """By `enterprise_user.teams`."""
    told = {"id": "W1", "team_id": "E1", "enterprise_user": {"teams": ["T01TEAM"]}}
    assert person_of("W1", told, home="T01TEAM").full_member is True
    assert person_of("W1", told, home="T02OTHER").full_member is False


async def test_a_group_has_members_and_an_unknown_one_is_not_found(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """A group that was disabled is none."""
    workspace.state.directory.add(
        UserGroup(id="S0OLD", handle="old", name="Old", users=("U01ALICE",), disabled=True)
    )
    assert await messenger.members("S0PLATFORM") == {"U01ALICE", "U02BOB"}
    for group in ("S0NOSUCH", "S0OLD"):
        with pytest.raises(NotFound):
            await messenger.members(group)


async def test_without_the_scope_nobody_is_known_to_be_in_a_group(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """So that callers refuse."""
    workspace.faults.add("usergroups.users.list", "error", error="missing_scope")
    with pytest.raises(Forbidden):
        await messenger.members("S0SRE")


@pytest.mark.parametrize(
    ("channel", "member"), [("C01OPS", True), ("C04RANDOM", False), ("C0NOSUCH", False), ("D01ALICE", False)]
)
async def test_the_bot_may_post_where_it_is_a_member(
    messenger: SlackMessenger, channel: str, *, member: bool
) -> None:
    """Direct messages are no place for a change, though it could."""
    assert await messenger.member_of(channel) is member


async def test_nobody_may_post_in_an_archived_channel(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Though the bot is still said to be a member."""
    ops = workspace.state.directory.channels["C01OPS"]
    workspace.state.directory.add(replace(ops, archived=True))
    assert await messenger.member_of("C01OPS") is False


@pytest.mark.parametrize("error", ["missing_scope", "unknown_method"])
async def test_where_membership_cannot_be_asked_the_bot_tries(
    workspace: Workspace, messenger: SlackMessenger, error: str
) -> None:
    """Posting shows it."""
    workspace.faults.add("conversations.info", "error", error=error)
    assert await messenger.member_of("C04RANDOM") is True


async def test_what_was_looked_up_is_remembered_for_a_minute(workspace: Workspace, make: Make) -> None:
    """And a failure is not."""
    now = 100.0
    messenger = make(clock=lambda: now)
    workspace.faults.add("users.info", "500")
    with pytest.raises(Unavailable):
        await messenger.person("U01ALICE")
    for moment in (100.0, 159.0, 161.0):
        now = moment
        await messenger.person("U01ALICE")
    assert [entry.result for entry in workspace.log(name="users.info")] == ["internal_error", "ok", "ok"]


async def test_a_broken_connection_is_tried_once_more_for_reading(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """A second one in a row is told."""
    workspace.faults.add("users.info", "lost")
    assert (await messenger.person("U01ALICE")).name == "Alice"
    workspace.faults.add("users.info", "lost", count=2)
    with pytest.raises(Unavailable):
        await messenger.person("U02BOB")
    assert len(workspace.log(name="users.info")) == 4


async def test_who_is_in_a_channel_is_read_page_by_page(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """However many they are."""
    ops = workspace.state.directory.channels["C01OPS"]
    crowd = frozenset(f"U9{number:04}" for number in range(2500))
    workspace.state.directory.add(replace(ops, members=ops.members | crowd))
    assert await messenger.inside("C01OPS") == ops.members | crowd
    assert len(workspace.log(name="conversations.members")) == 3


async def test_who_is_in_a_channel_without_the_right_to_look_is_not_known(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Nor of a channel that is not there."""
    workspace.faults.add("conversations.members", "error", error="missing_scope")
    with pytest.raises(Forbidden):
        await messenger.inside("C01OPS")
    with pytest.raises(NotFound):
        await messenger.inside("C0NOSUCH")
