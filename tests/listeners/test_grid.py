"""Enterprise Grid and Slack Connect: people with ids of another kind, from workspaces beside the bot's."""

from pathlib import Path
from typing import Any

import pytest

from tests.listeners.foreign import CHANNEL, FEW, TEAM, abroad

Json = dict[str, Any]
ME: Json = {"team_id": TEAM, "user_id": "U9BOT"}
LAB, PERSON = "T8LAB", "W9GRID"
NOBODY = "no rights here"


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"team_id": "E9", "enterprise_user": {"teams": [TEAM, LAB]}}, "LoadBalancer Services"),
        ({"team_id": TEAM, "enterprise_user": {"teams": [TEAM, LAB]}}, "LoadBalancer Services"),
        ({"team_id": LAB, "enterprise_user": {"teams": [TEAM, LAB]}}, "LoadBalancer Services"),
        ({"team_id": "E9", "enterprise_user": {"teams": [LAB]}}, NOBODY),
        ({"team_id": TEAM}, NOBODY),
        ({"team_id": LAB}, NOBODY),
        ({"team_id": LAB, "is_stranger": True, "enterprise_user": {"teams": [TEAM]}}, NOBODY),
        ({"team_id": "E9", "is_restricted": True, "enterprise_user": {"teams": [TEAM, LAB]}}, NOBODY),
    ],
)
async def test_a_person_may_act_from_another_workspace_of_theirs(
    tmp_path: Path, user: Json, said: str
) -> None:
    """Who belongs to the bot's workspace too has rights; whoever does not has none, whatever the payload says."""
    told = {"auth.test": ME, "users.info": {"user": {"id": PERSON, "name": "grid", **user}}}
    async with abroad(tmp_path, known=FEW | told.keys(), told=told) as place:
        await place.command("list", user_id=PERSON, team_id=LAB, enterprise_id="E9")
        await place.foreign.text(said)


async def test_a_mention_from_a_shared_channel_names_the_organisation(tmp_path: Path) -> None:
    """`user_team` may be an organisation's id there."""
    person = {"id": PERSON, "name": "grid", "team_id": "E9", "enterprise_user": {"teams": [TEAM]}}
    told = {"auth.test": ME, "users.info": {"user": person}}
    async with abroad(tmp_path, known=FEW | told.keys(), told=told) as place:
        said = {"type": "app_mention", "user": PERSON, "user_team": "E9", "text": "<@U9BOT> list"}
        await place.event({**said, "channel": CHANNEL, "ts": "17.1"})
        await place.foreign.text("LoadBalancer Services")
