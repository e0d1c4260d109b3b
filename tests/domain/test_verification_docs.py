from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.domain.verification_rule import ROW_RULES, RUN_RULES, RowRule, RunRule

PAGE = (Path(__file__).parents[2] / "docs" / "verification.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("rules", [ROW_RULES, RUN_RULES], ids=["classes", "runs"])
def test_the_page_shows_the_rules_that_decide(rules: Sequence[RowRule | RunRule]) -> None:
    """Word for word, in the order in which they are tried."""
    lines = ["| rule | when | then |", "|---|---|---|"]
    lines += [f"| `{rule.code}` | {rule.when} | {rule.then} |" for rule in rules]
    assert "\n".join(lines) + "\n\n" in PAGE


@pytest.mark.parametrize("rules", [ROW_RULES, RUN_RULES], ids=["classes", "runs"])
def test_each_rule_has_a_code_of_its_own(rules: Sequence[RowRule | RunRule]) -> None:
    """A verdict names the rule that decided it."""
    assert len({rule.code for rule in rules}) == len(rules)
