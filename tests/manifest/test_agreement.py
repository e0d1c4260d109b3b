"""Manifest, templates, listeners and the demo's app agree with each other, both ways."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.demo.slack.people import App
from bot.listeners.app import EVENTS
from bot.listeners.desk import BREAK_GLASS, DIAGRAM, ORDERED, PAGES, SHARE, STORED
from bot.listeners.grammar import SUBCOMMANDS
from bot.listeners.typeahead import _FIELDS
from bot.listeners.views import ask_view, reason_view
from bot.operations.caller import Caller
from tests.fakes.world import Town, shop
from tests.render.samples import MESSAGES, VIEWS

ROOT = Path(__file__).parents[2]
PUBLIC = {
    "change:approve",
    "change:reject",
    "change:withdraw",
    "change:rollback",
    "change:breakglass",
    "verification:stop",
    "status:diagram",
    "status:share",
    "status:propose",
    "status:verify",
    "incident:acknowledge",
    "incident:snooze",
    "incident:propose",
    "list:next",
    "list:previous",
}
"""The action ids that other programs may rely on."""
_WRITTEN = re.compile(r'"action_id": "([^"]+)"')


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The manifest as it is shipped."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "app-manifest.yml").read_text(encoding="utf-8"))
    return loaded


def answered() -> set[str]:
    """The action ids that the desk does something about."""
    return {*STORED, *ORDERED, *PAGES, BREAK_GLASS, SHARE, DIAGRAM}


async def shown() -> set[str]:
    """The action ids of every element of every message and view that people get."""
    rendered = [await make() for make in {**MESSAGES, **VIEWS}.values()]
    return set(action_ids(rendered))


def action_ids(value: Any) -> Iterator[str]:
    """Those in a rendered message or view, at any depth."""
    if isinstance(value, dict):
        if isinstance(value.get("action_id"), str):
            yield value["action_id"]
        for each in value.values():
            yield from action_ids(each)
    elif isinstance(value, list):
        for each in value:
            yield from action_ids(each)


def fields() -> set[str]:
    """The inputs of modals that the listeners read when they are submitted, or offer something for."""
    return {*(f"ask:{field}" for field in _FIELDS), "ask:reason", "reason"}


async def test_every_button_that_is_shown_is_answered_and_every_answer_has_its_button() -> None:
    """By the ids that are public; what is shown is what the renderer rendered, not what a source file names."""
    assert await shown() - fields() == answered()
    assert await shown() - answered() == fields()
    assert answered() == PUBLIC


async def test_a_button_that_nobody_answers_is_found() -> None:
    """And an answer without its button; a message that is not sampled would show it too."""
    assert set(
        action_ids({"blocks": [{"elements": [{"action_id": "a"}]}, {"accessory": {"action_id": "b"}}]})
    ) == {"a", "b"}
    rendered = [await make() for name, make in MESSAGES.items() if not name.startswith("status")]
    assert answered() - set(action_ids(rendered)) == {SHARE, DIAGRAM, *ORDERED}


async def test_every_button_of_the_templates_is_shown_in_some_sample() -> None:
    """The ids that a template itself writes."""
    sources = [source.read_text(encoding="utf-8") for source in (ROOT / "templates").rglob("*.j2")]
    written = {found for text in sources for found in _WRITTEN.findall(text) if "{" not in found}
    assert "incident:snooze" in written
    assert written <= await shown()


def test_the_manifests_events_are_those_that_are_taken(manifest: dict[str, Any]) -> None:
    """No event is subscribed to in vain, none is waited for in vain."""
    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == set(EVENTS)


def test_the_manifests_command_names_every_subcommand(manifest: dict[str, Any]) -> None:
    """In its usage hint."""
    (command,) = manifest["features"]["slash_commands"]
    assert command["command"] == "/elb-passthrough"
    assert {word.strip() for word in command["usage_hint"].split("|")} == set(SUBCOMMANDS)


def test_the_shortcut_opens_the_view_of_its_own_name(manifest: dict[str, Any]) -> None:
    """callback_ids are `ask` and `reason`, and the views' fields are those that the listeners read."""
    world = Town(clusters=(shop("prod"), shop("test"))).world
    caller = Caller(user="U1", team="T1", channel="C1")
    asking, reasoning = (
        ask_view(world, caller, "enable"),
        reason_view(world, caller, "x", "change:breakglass"),
    )
    (shortcut,) = manifest["features"]["shortcuts"]
    assert shortcut["callback_id"] == asking["callback_id"] == "ask"
    assert reasoning["callback_id"] == "reason"
    selects = {
        block["element"]["action_id"]
        for block in asking["blocks"]
        if block.get("element", {}).get("type") == "external_select"
    }
    assert selects == {f"ask:{field}" for field in _FIELDS}
    assert '"ask:reason"' in json.dumps(asking)


def test_all_addresses_of_the_manifest_are_one(manifest: dict[str, Any]) -> None:
    """The one that the web server has."""
    settings = manifest["settings"]
    addresses = {
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
        settings["interactivity"]["message_menu_options_url"],
        manifest["features"]["slash_commands"][0]["url"],
    }
    (address,) = addresses
    assert address.endswith("/slack/events")


def test_the_demos_app_is_the_manifests(manifest: dict[str, Any]) -> None:
    """What works there is installed by the manifest too."""
    app = App()
    assert app.name == manifest["display_information"]["name"]
    assert {c.name for c in app.commands} == {c["command"] for c in manifest["features"]["slash_commands"]}
    assert {s.callback_id for s in app.shortcuts} == {
        s["callback_id"] for s in manifest["features"]["shortcuts"]
    }
    assert app.events == set(manifest["settings"]["event_subscriptions"]["bot_events"])
