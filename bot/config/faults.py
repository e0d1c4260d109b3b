"""What is wrong with a configuration: every fault, not the first."""

from collections.abc import Sequence
from difflib import get_close_matches


class ConfigurationError(Exception):
    """The configuration cannot be used; `problems` says everything that is wrong with it.

    Each problem is one sentence that names the variable, or the file, its line and the key. No value of a
    secret is in any of them.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def nearest(word: str, known: Sequence[str]) -> str:
    """Return "; did you mean X?" for the known word that looks most like this one, else nothing."""
    alike = get_close_matches(word.lower(), [k.lower() for k in known], n=1, cutoff=0.6)
    meant = next((k for k in known if alike and k.lower() == alike[0]), "")
    return f"; did you mean {meant}?" if meant else ""


def either(words: Sequence[str]) -> str:
    """Return "a, b or c"."""
    return " or ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
