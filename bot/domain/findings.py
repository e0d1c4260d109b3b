"""Every configuration trap that applies to a Service."""

from bot.domain.explanation import Finding, PassThrough, Path
from bot.domain.hypothetical import Stage


def findings(stages: list[Stage], paths: tuple[Path, ...], through: PassThrough) -> tuple[Finding, ...]:
    """All findings about a Service, the worst first."""
    return ()
