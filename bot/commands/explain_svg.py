"""An explanation as a diagram."""

from collections.abc import Sequence

from bot.operations.explain import Answer


def svg(found: Sequence[Answer]) -> str:
    """Draw every explanation."""
    return "".join(f"{each.explanation.service}\n" for each in found)
