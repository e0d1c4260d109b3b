import re
from pathlib import Path

from bot.commands.metrics import Metrics
from bot.domain.incident_rule import RULES
from tests.fakes.cluster import MemoryCluster, MemoryClusters

PAGE = Path(__file__).parents[2] / "docs" / "incidents.md"


def test_every_rule_is_on_the_page() -> None:
    """With its severity, and when it is noticed; and no other."""
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(rule.code, str(rule.severity), rule.noticed) for rule in RULES.values()]


def test_every_metric_is_on_the_page() -> None:
    """And no other one."""
    registry = Metrics(MemoryClusters(MemoryCluster("prod"))).registry
    found = {f"{family.name}{'_total' * (family.type == 'counter')}" for family in registry.collect()}
    assert set(re.findall(r"^\| `(elb_passthrough_\w+)`", PAGE.read_text("utf-8"), re.MULTILINE)) == found
