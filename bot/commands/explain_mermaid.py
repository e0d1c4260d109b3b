"""An explanation as a diagram."""

from bot.domain.explanation import Explanation


def mermaid(found: list[Explanation]) -> str:
    """Draw every explanation."""
    return "".join(f"{each.service}\n" for each in found)
