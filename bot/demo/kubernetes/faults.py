"""What can be made to go wrong with the server, in process or by the control endpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.demo.kubernetes.history import History
from bot.demo.kubernetes.status import ApiError

Effect = Literal["status", "hang", "drop"]
REASONS = {
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
    403: "Forbidden",
}
MESSAGES = {
    429: "the server has received too many requests and has asked us to try again later",
    500: "Internal error occurred: etcdserver: request timed out",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong for the next `count` matching requests (None: until cleared).

    `status` answers with a code before anything is done; `hang` never answers; `drop` does the work and then
    breaks the connection, so that the reply is lost. `verb` is RBAC's (`patch`, `list`, `watch`), `resource`
    RBAC's too (`services`, `services/status`); None matches all.
    """

    effect: Effect
    count: int | None = 1
    verb: str | None = None
    resource: str | None = None
    code: int = 500
    message: str | None = None
    retry_after: int | None = None

    def matches(self, verb: str, resource: str) -> bool:
        """Tell whether a request is hit."""
        return self.count != 0 and self.verb in {None, verb} and self.resource in {None, resource}

    @property
    def error(self) -> ApiError:
        """Return the answer of a `status` fault."""
        after = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else {}
        details = {"retryAfterSeconds": self.retry_after} if self.retry_after is not None else None
        message = self.message or MESSAGES.get(self.code, "the server refused the request")
        return ApiError(self.code, REASONS.get(self.code, ""), message, details, headers=after)


class Faults:
    """The faults in force. `latency` is in seconds and delays every request; `refusing` breaks every connection."""

    def __init__(self, history: History) -> None:
        self.latency = 0.0
        self.refusing = False
        self._planned: list[Fault] = []
        self._history = history
        self._cleared: list[Callable[[], None]] = []

    def plan(self, fault: Fault) -> None:
        """Let something go wrong."""
        self._planned.append(fault)

    def fail(
        self,
        count: int | None = 1,
        *,
        code: int = 500,
        verb: str | None = None,
        resource: str | None = None,
        retry_after: int | None = None,
        message: str | None = None,
    ) -> None:
        """Answer the next `count` matching requests with a code; nothing is done."""
        self.plan(
            Fault(
                effect="status",
                count=count,
                verb=verb,
                resource=resource,
                code=code,
                retry_after=retry_after,
                message=message,
            )
        )

    def throttle(self, count: int = 1, *, retry_after: int = 1, verb: str | None = None) -> None:
        """Answer 429 with Retry-After, in seconds."""
        self.fail(count, code=429, retry_after=retry_after, verb=verb)

    def hang(self, count: int | None = 1, *, verb: str | None = None, resource: str | None = None) -> None:
        """Accept matching requests and never answer them."""
        self.plan(Fault(effect="hang", count=count, verb=verb, resource=resource))

    def drop_reply(self, count: int = 1, *, verb: str | None = None, resource: str | None = None) -> None:
        """Do what is asked, then break the connection instead of answering."""
        self.plan(Fault(effect="drop", count=count, verb=verb, resource=resource))

    def take(self, verb: str, resource: str) -> Fault | None:
        """Return the fault that hits a request, and count it."""
        for fault in self._planned:
            if fault.matches(verb, resource):
                if fault.count is not None:
                    fault.count -= 1
                return fault
        return None

    def cut_watches(self, resource: str | None = None, *, abort: bool = False) -> None:
        """Close every open watch, or those of one resource; `abort` breaks the stream instead of ending it."""
        self._history.cut(resource, abort=abort)

    def expire(self) -> None:
        """Forget old versions: later watches and pages from them are answered with 410."""
        self._history.compact()

    def on_clear(self, action: Callable[[], None]) -> None:
        """Call `action` when the faults are cleared."""
        self._cleared.append(action)

    def pending(self) -> list[Fault]:
        """Return the faults that are still to come."""
        return [fault for fault in self._planned if fault.count != 0]

    def clear(self) -> None:
        """Let everything work again; hanging requests are let go."""
        self._planned.clear()
        self.latency = 0.0
        self.refusing = False
        for action in self._cleared:
            action()
