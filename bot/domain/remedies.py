"""What to do about it, in the vendor's order."""

from bot.domain.explanation import PassThrough, Path, Remedy
from bot.domain.hypothetical import Stage


def remedies(stages: list[Stage], paths: tuple[Path, ...], through: PassThrough) -> tuple[Remedy, ...]:
    """What helps, the vendor's first choice first."""
    return ()
