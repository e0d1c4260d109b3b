"""Admission: what is asked about every write before it is stored."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.demo.kubernetes.resources import Resource
from bot.demo.seam import Json

Operation = Literal["CREATE", "UPDATE", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One write; `old` and `new` are read only, and None where there is none."""

    operation: Operation
    resource: Resource
    subresource: str
    namespace: str
    name: str
    old: Json | None
    new: Json | None
    user: str


Webhook = Callable[[Review], None]  # raises an ApiError to refuse
