import re
from pathlib import Path

from bot.domain.incident_rule import RULES

PAGE = Path(__file__).parents[2] / "docs" / "incidents.md"


def test_every_rule_is_on_the_page() -> None:
    """With its severity, and when it is noticed; and no other."""
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(rule.code, str(rule.severity), rule.noticed) for rule in RULES.values()]
