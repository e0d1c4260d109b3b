"""One check of an installation: how it came out, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    """It works, but less well, or not for everybody."""
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the answer."""

    state: State
    what: str
    """Of what: "Slack token", "prod: reading"."""
    told: str
    """What was seen; never a secret."""
    remedy: str = ""
    """What to do."""

    def __str__(self) -> str:
        """Return the line as it is printed."""
        return f"{self.state:<4}  {self.what}: {self.told}" + (f" → {self.remedy}" if self.remedy else "")


def ok(what: str, told: str) -> Check:
    """Return a check that came out well."""
    return Check(state=State.OK, what=what, told=told)


def warn(what: str, told: str, remedy: str = "") -> Check:
    """Return a check that works, but less well."""
    return Check(state=State.WARN, what=what, told=told, remedy=remedy)


def fail(what: str, told: str, remedy: str = "") -> Check:
    """Return a check that failed."""
    return Check(state=State.FAIL, what=what, told=told, remedy=remedy)
