"""One thing that an answer depends on: its value or that it is unknown, and where that is known from."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Origin(StrEnum):
    """Where a fact comes from."""

    API = "api"
    """An object of the Kubernetes API."""
    CONFIG = "config"
    """The bot's configuration file."""
    CLOUD = "cloud"
    """The cloud's management API."""
    INPUT = "input"
    """A `ClusterFacts` document or an option of the command line."""
    ASSUMED = "assumed"
    """Nobody said so; a documented default, or the hypothetical mode."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Generic[T_co]):
    """A named value with its origin; `value` None means unknown.

    `ref` says where exactly to look: an object and field, a file, a configuration key.
    """

    name: str
    value: T_co | None = None
    origin: Origin = Origin.UNKNOWN
    ref: str = field(default="", compare=False)

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    @property
    def withheld(self) -> bool:
        """Whether somebody said that it is unknown: then nothing else may fill it in."""
        return self.value is None and self.origin is not Origin.UNKNOWN

    @property
    def shown(self) -> str:
        """The value as text; `not known` without one."""
        if not self.known:
            return "not known"
        # A Version is a tuple too, with a text of its own.
        return ", ".join(map(str, self.value)) if type(self.value) is tuple else str(self.value)

    def as_json(self) -> dict[str, Any]:
        """Give the contract's `facts[]` entry."""
        value: Any = self.value
        if type(value) is tuple:
            value = list(value)
        elif not isinstance(value, str | int | bool | type(None)):
            value = str(value)
        origin = self.origin if self.known else Origin.UNKNOWN
        return {"name": self.name, "value": value, "origin": str(origin), "ref": self.ref}
