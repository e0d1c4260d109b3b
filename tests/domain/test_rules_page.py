"""The catalogue and its page."""

from pathlib import Path

import pytest

from bot.domain import rules_balancer, rules_finding, rules_kube_proxy
from bot.domain.catalogue import RULES
from bot.domain.rule import Rule
from bot.domain.rules_page import page

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_page_is_what_the_catalogue_says() -> None:
    """`python -m bot.domain.rules_page > docs/rules.md` was run after the last change of a rule."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_rule_has_an_id_of_its_own() -> None:
    """No rule hides another."""
    every = [*rules_balancer.RULES, *rules_finding.RULES, *rules_kube_proxy.RULES]
    assert len(every) == len(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_says_what_and_whence(rule: Rule) -> None:
    """Text and source are there, versions are in order, and what it conflicts with exists."""
    known = RULES[rule.id]
    assert known.text
    assert known.source
    assert known.since is None or known.until is None or known.since < known.until
    assert all(each in RULES for each in known.conflicts_with)
    assert "|" not in known.text + known.source + known.fix
