"""What is asked: which client, which address, and what the load balancer is supposed to pick."""

from dataclasses import dataclass

from bot.domain.explanation import ClientKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address or host name of a load balancer, with a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAsked:
    """A client by name; of an external one `name` is its address or empty."""

    kind: ClientKind
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The defaults ask for every class of client and for every address and port."""

    client: ClientAsked | None = None
    target: Target | None = None
    arrives_at: str | None = None
    """The node to which the load balancer hands every packet that crosses it."""


EVERYTHING = Question()
"""The question of `status` and `list`."""


class NotFound(LookupError):  # noqa: N818  it is an answer, and reads as one
    """What is asked about is not in the snapshot; the message is one sentence for a person."""
