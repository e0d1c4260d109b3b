"""The defaults that the schema names are the defaults that the settings have."""

from pathlib import Path
from typing import Any

import pytest

from bot.config import schema
from bot.config.document import Place, open_document
from bot.config.reader import Key, Section
from bot.config.settings import ClusterSettings, IncidentSettings, VerificationSettings
from bot.domain.freeze import Window
from bot.domain.policy import Policy

WRITTEN_OUT = {
    "120, bare TCP 20",
    "all",
    "as approve",
    "as propose",
    "as kubectl finds it",
    "detected",
    "every day",
}
"""Defaults that are no value of the file."""

CASES = [
    (section, key, made)
    for section, made in (
        (schema.POLICY, Policy()),
        (schema.VERIFICATION, VerificationSettings()),
        (schema.CLUSTER, ClusterSettings(name="a")),
        (schema.INCIDENTS, IncidentSettings()),
        (schema.WINDOW, Window(start=0, end=1)),
    )
    for key in section.keys
    if key.default not in {"", "required", "the current one", "the one above", "unknown"} | WRITTEN_OUT
]


@pytest.mark.parametrize(("section", "key", "made"), CASES, ids=[f"{key.name}" for _, key, _ in CASES])
def test_a_default_that_is_named_is_the_default_that_holds(
    section: Section[Any], key: Key, made: object, tmp_path: Path
) -> None:
    """Reading the default's own text gives what leaving the key out gives."""
    assert key in section.keys
    file = tmp_path / "x.yaml"
    file.write_text(f"value: {key.default}\n")
    document = open_document(file, "x.yaml")
    assert isinstance(document, Place)
    assert key.read(document.entries()["value"]) == getattr(made, key.argument)
