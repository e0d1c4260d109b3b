"""The app's manifest is what Slack's own schema of manifests takes."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifest.draft07 import Schema

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT.parent / "shared" / "schema"


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The manifest as it is shipped."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "app-manifest.yml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def schema() -> Schema:
    """Slack's schema, which refers to its two versions by their addresses."""
    if not SCHEMAS.is_dir():
        pytest.skip("Slack's manifest schema is not there: ../shared/schema")
    main = json.loads((SCHEMAS / "manifest.schema.json").read_text(encoding="utf-8"))
    base = "https://raw.githubusercontent.com/slackapi/manifest-schema/v0.5.0/schemas/"
    names = ("manifest.schema.1.0.0.json", "manifest.schema.2.0.0.json")
    return Schema(main, {base + n: json.loads((SCHEMAS / n).read_text(encoding="utf-8")) for n in names})


def test_slacks_schema_takes_the_manifest(schema: Schema, manifest: dict[str, Any]) -> None:
    """As it is, over HTTP."""
    assert schema.faults(manifest) == []


def test_slacks_schema_takes_the_manifest_in_socket_mode(schema: Schema, manifest: dict[str, Any]) -> None:
    """With the one line changed that the manifest's own comment names, and without any address."""
    manifest["settings"]["socket_mode_enabled"] = True
    for holder, key in (
        (manifest["settings"]["event_subscriptions"], "request_url"),
        (manifest["settings"]["interactivity"], "request_url"),
        (manifest["settings"]["interactivity"], "message_menu_options_url"),
        (manifest["features"]["slash_commands"][0], "url"),
    ):
        del holder[key]
    assert schema.faults(manifest) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("display_information", "name"), "x" * 36),
        (("display_information", "description"), None),
        (("features", "slash_commands", 0, "command"), "elb-passthrough"),
        (("features", "slash_commands", 0, "description"), ""),
        (("features", "shortcuts", 0, "type"), "menu"),
        (("settings", "socket_mode_enabled"), "yes"),
        (("settings", "surprise"), True),
        (("oauth_config", "scopes", "bot"), "chat:write"),
    ],
)
def test_the_check_would_find_a_fault(
    schema: Schema, manifest: dict[str, Any], path: tuple[Any, ...], value: Any
) -> None:
    """Each of these manifests is refused, so that the two tests above mean something."""
    broken = copy.deepcopy(manifest)
    place: Any = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert schema.faults(broken)
