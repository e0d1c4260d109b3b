"""An explanation as text for somebody tired: verdict, table, why, what now, how that is known."""

from bot.domain.explanation import Explanation


def text(found: list[Explanation]) -> str:
    """Show every explanation."""
    lines = []
    for each in found:
        lines.append(f"{each.service}")
        lines += [f"  {path.destination} {path.client.group} {path.verdict}" for path in each.paths]
    return "\n".join(lines) + "\n"
