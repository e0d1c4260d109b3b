"""The answer to a question: who gets to a Service's load balancer, how, and why."""

from dataclasses import dataclass

from bot.domain.explanation import Explanation
from bot.domain.objects import Ref
from bot.domain.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address or host name of a load balancer, with a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAsked:
    """A client by name: `kind` pod (with namespace), node or external (`name` is its address or empty)."""

    kind: str
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked; the defaults ask for every class of client and every address and port."""

    client: ClientAsked | None = None
    target: Target | None = None
    arrives_at: str | None = None
    """The node to which the load balancer hands every packet that crosses it."""


def explain(snapshot: Snapshot, service: Ref, question: Question = Question()) -> Explanation:
    """Explain the paths to one Service.

    Raises:
        LookupError: The Service, the Pod or the node that is asked about is not in the snapshot.
    """
    raise NotImplementedError
