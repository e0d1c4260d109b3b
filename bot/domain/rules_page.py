"""The catalogue as a page for people: `python -m bot.domain.rules_page > docs/rules.md` writes it."""

import sys
from collections.abc import Iterator

from bot.domain.catalogue import RULES
from bot.domain.rule import GATES, Kind, Rule
from bot.domain.version import Version

_INTRODUCTION = """\
# Rules

What is known about traffic paths, one entry for each piece of knowledge. Every hop of an explanation, every reason and
every finding names one of them by its id; only a reason with the code `undetermined` names a missing fact
instead. This page is generated from `bot/domain/rules_*.py`; a test holds it to them.

A rule holds for every version unless *versions* says otherwise. Where documents disagree, *against* names the rule
that says something else, and both are weighed.

Numbers such as #97081 are kubernetes/kubernetes issues and pull requests; `pkg/proxy/…` is kube-proxy's source at
the version named; cce_10_0355 and the like are documents of the cloud vendor.
"""
_TITLES = {
    Kind.CLIENT: "Clients",
    Kind.KUBE_PROXY: "kube-proxy",
    Kind.LOAD_BALANCER: "Load balancer",
    Kind.ENDPOINT: "Endpoints",
    Kind.FINDING: "Findings",
}


def page() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *(line for kind in Kind for line in _section(kind)), *_gates()]) + "\n"


def _section(kind: Kind) -> Iterator[str]:
    yield f"## {_TITLES[kind]}\n"
    if kind is Kind.FINDING:
        yield "| code | severity | what | what to do | source |\n|---|---|---|---|---|"
    else:
        yield "| id | what | versions | source | against |\n|---|---|---|---|---|"
    for rule in RULES.values():
        if rule.kind is kind:
            yield _finding(rule) if kind is Kind.FINDING else _rule(rule)
    yield ""


def _rule(rule: Rule) -> str:
    against = ", ".join(f"`{each}`" for each in rule.conflicts_with)
    return f"| `{rule.id}` | {rule.text} | {_versions(rule)} | {_source(rule)} | {against} |"


def _finding(rule: Rule) -> str:
    against = "".join(f"; against `{each}`" for each in rule.conflicts_with)
    return f"| `{rule.id}` | {rule.severity} | {rule.text} | {rule.fix} | {_source(rule)}{against} |"


def _versions(rule: Rule) -> str:
    parts = [
        f"since {_short(rule.since)}" if rule.since else "",
        f"before {_short(rule.until)}" if rule.until else "",
    ]
    return ", ".join(part for part in parts if part)


def _short(version: Version) -> str:
    return f"v{version.major}.{version.minor}" + (f".{version.patch}" if version.patch else "")


def _source(rule: Rule) -> str:
    return f"{rule.source} ({rule.date})" if rule.date else rule.source


def _gates() -> Iterator[str]:
    yield "## Feature gates\n"
    yield "| gate | exists since | on by default since | cannot be turned off since |\n|---|---|---|---|"
    for gate in GATES.values():
        yield f"| `{gate.name}` | {_short(gate.exists)} | {_short(gate.on)} | {_short(gate.locked)} |"


if __name__ == "__main__":  # pragma: no cover
    sys.stdout.write(page())
