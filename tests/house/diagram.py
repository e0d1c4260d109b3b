"""The lifecycle as a Mermaid state diagram, drawn from the table; `python -m tests.house.diagram` writes it."""

import re
from pathlib import Path

from bot.domain.change import TRANSITIONS, Phase

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- lifecycle: drawn from bot/domain/change.py by `make pictures` -->", "<!-- /lifecycle -->"


def diagram() -> str:
    """Draw every phase and every move of the table."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {_name(Phase.PROPOSED)}"]
    for phase, moves in TRANSITIONS.items():
        lines += [f"    {_name(phase)} --> {_name(to)}: {event}" for event, to in moves.items()]
        if not moves:
            lines.append(f"    {_name(phase)} --> [*]")
    return "\n".join([*lines, "```"])


def _name(phase: Phase) -> str:
    return phase.value.replace(" ", "_")


def between(text: str) -> str:
    """Return what stands between the marks in the README."""
    found = re.search(f"{re.escape(BEGIN)}\n(.*)\n{re.escape(END)}", text, re.DOTALL)
    return found[1] if found else ""


if __name__ == "__main__":
    old = README.read_text(encoding="utf-8")
    marked = f"{BEGIN}\n{between(old)}\n{END}"
    README.write_text(old.replace(marked, f"{BEGIN}\n{diagram()}\n{END}"), encoding="utf-8")
