"""What is left in the cluster of a change that could not be completed, and not be put back: in words, and by hand."""

from bot.domain.change import Change, Step
from bot.domain.words import ended, listed

MOST_NAMED = 5


def left_of(change: Change) -> str:
    """Say which Services are in which state."""
    steps = [step for step in change.steps if step.service in change.still]
    return listed([_state(step) for step in steps], MOST_NAMED)


def stuck(change: Change) -> str:
    """Say what is there and should not be, why, and that the bot goes on with it."""
    return (
        f"{change.label} is half applied: {left_of(change)}. It is to be put back, because: {ended(change.undoing)} "
        f"That is not possible now: {ended(change.trouble)} Clients of its load balancer may be cut off meanwhile. The "
        f"bot tries again every five minutes, for about a day; the card has a button to stop that, and the command to "
        f"do it by hand."
    )


def given_up(change: Change, by: str = "") -> str:
    """Say what is left to people, and why; `by` names who stopped the bot."""
    why = f"{by} stopped putting it back." if by else "The bot has tried to put it back for a day."
    return (
        f"{ended(change.undoing)} It is half applied: {left_of(change)}. {why} What came last was: {ended(change.trouble)} "
        f"Clients of its load balancer may be cut off. Roll back puts back what is left."
    )


def _state(step: Step) -> str:
    keys = [
        f"{_value(key, value)} (before: {_value('', step.before.get(key))})"
        for key, value in step.after.items()
    ]
    return f"{step.service} has {listed(keys, len(keys))}"


def _value(key: str, value: str | None) -> str:
    said = "absent" if value is None else f"“{value}”"
    return f"{key} {said}".lstrip()
