"""What the Web API refuses, in Slack's own words."""

from collections.abc import Sequence
from typing import Any

from bot.demo.slack.schema import Fault

Json = dict[str, Any]


class SlackProblem(Exception):  # noqa: N818 - Slack calls it an error in a body that came with status 200; it is an answer
    """An answer with `"ok": false`; `status` is 429 with `retry_after` seconds where the bot is too fast."""

    def __init__(
        self,
        error: str,
        *,
        messages: Sequence[str] = (),
        status: int = 200,
        retry_after: int | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.messages = tuple(messages)
        self.status = status
        self.retry_after = retry_after
        self.extra = extra

    def body(self) -> Json:
        """Return the JSON body of the answer."""
        body: Json = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            body["errors"] = list(self.messages)
            body["response_metadata"] = {"messages": [f"[ERROR] {m}" for m in self.messages]}
        return body


def refused(error: str, faults: Sequence[Fault]) -> SlackProblem:
    """Return the problem that names each fault by its JSON pointer."""
    return SlackProblem(error, messages=[str(fault) for fault in faults])
