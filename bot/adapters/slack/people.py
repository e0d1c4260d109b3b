"""Slack's user objects, read as far as rights depend on them; every doubt is a no."""

from collections.abc import Mapping
from typing import Any

from bot.ports import Person

_OUTSIDE = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")


def person_of(user: str, found: Any, *, home: str) -> Person:
    """Read users.info's answer; a full member is no guest and no bot, and belongs to the workspace `home`."""
    told = found if isinstance(found, Mapping) else {}
    profile = told.get("profile")
    shown = profile.get("display_name") if isinstance(profile, Mapping) else ""
    outside = any(told.get(flag) for flag in _OUTSIDE)
    teams = _teams(told)
    return Person(
        id=user,
        team=str(told.get("team_id") or ""),
        name=str(shown or told.get("real_name") or told.get("name") or user),
        full_member=not outside and bool(home) and home in teams,
        zone=str(told.get("tz") or "UTC"),
        teams=teams,
    )


def _teams(told: Mapping[str, Any]) -> frozenset[str]:
    """The workspaces that a person belongs to; on Enterprise Grid there are several."""
    enterprise = told.get("enterprise_user")
    teams = enterprise.get("teams") if isinstance(enterprise, Mapping) else None
    return frozenset({str(told.get("team_id") or ""), *(map(str, teams) if isinstance(teams, list) else ())})
