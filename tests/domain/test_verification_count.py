import pytest

from bot.domain.verification import Connectivity, Probe
from bot.domain.verification_count import connectivity


@pytest.mark.parametrize(
    ("attempts", "connected", "words"),
    [
        (0, 0, "no connection was tried"),
        (1, 0, "none of 1 attempt connected, and fewer than 10 prove nothing"),
        (7, 0, "none of 7 attempts connected, and fewer than 10 prove nothing"),
        (7, 6, "6 of 7 attempts connected, and fewer than 10 prove nothing"),
    ],
)
def test_what_is_too_little_to_judge_says_what_was_seen(attempts: int, connected: int, words: str) -> None:
    """A node that is cut off has few attempts, for each waits in vain: that nobody got through comes first."""
    failed = attempts - connected
    probe = Probe(
        name="p",
        node="node-a",
        connections=120,
        attempts=attempts,
        connected=connected,
        errors={"timeout": failed} if failed else {},
    )
    assert connectivity([probe]) == (Connectivity.UNKNOWN, words)
