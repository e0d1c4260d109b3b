"""The app's manifest asks for the scopes that the bot needs, and no more."""

from pathlib import Path

import yaml

from bot.commands.doctor.slack import SCOPES
from bot.demo.slack.api import METHODS

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "app-manifest.yml"


def test_the_doctor_knows_the_scopes_of_the_manifest() -> None:
    """Whoever installs the app from the manifest has nothing to hear from the doctor."""
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == set(SCOPES)


def test_every_method_that_is_called_has_its_scope_and_every_scope_its_use() -> None:
    """By the simulated workspace's table, which is Slack's."""
    sources = [
        f
        for folder in ("adapters/slack", "listeners", "commands")
        for f in (ROOT / "bot" / folder).rglob("*.py")
    ]
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    called = {name: method for name, method in METHODS.items() if f'"{name}"' in text}
    assert {"chat.postMessage", "chat.update", "users.info", "usergroups.users.list"} <= set(called)
    unscoped = [
        name for name, method in called.items() if method.scopes and not set(method.scopes) & set(SCOPES)
    ]
    assert unscoped == []
    used = {scope for method in called.values() for scope in method.scopes} | {
        "commands",
        "app_mentions:read",
    }
    assert set(SCOPES) <= used
