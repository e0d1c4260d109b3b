"""The app's manifest asks for the scopes that the bot needs, and no more."""

from pathlib import Path

import yaml

from bot.commands.doctor.slack import SCOPES

MANIFEST = Path(__file__).parents[2] / "app-manifest.yml"


def test_the_doctor_knows_the_scopes_of_the_manifest() -> None:
    """Whoever installs the app from the manifest has nothing to hear from the doctor."""
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == set(SCOPES)
