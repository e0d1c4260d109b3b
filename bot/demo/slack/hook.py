"""Response URLs: a few late answers to one action.

Source: docs.slack.dev/interactivity/handling-user-interaction: five uses within 30 minutes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.stamp import Stamps

USES = 5
LIFETIME = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where an answer goes: the channel, thread and person of the action, and the message acted on."""

    name: str
    channel: str
    user: str
    at: float
    source: str | None = None
    thread: str | None = None
    uses: int = 0


class Hooks:
    """Issues response URLs and counts their uses."""

    def __init__(self, *, clock: Callable[[], float], stamps: Stamps) -> None:
        self._clock = clock
        self._stamps = stamps
        self._issued: dict[str, Hook] = {}

    def issue(
        self,
        kind: str,
        team: str,
        *,
        channel: str,
        user: str,
        source: str | None = None,
        thread: str | None = None,
    ) -> str:
        """Return the path of a new response URL; `kind` is "commands" or "actions"."""
        name = f"{self._stamps.id('', 13)}/{self._stamps.id('', 24)}"
        hook = Hook(name=name, channel=channel, user=user, at=self._clock(), source=source, thread=thread)
        self._issued[name] = hook
        return f"/{kind}/{team}/{name}"

    def use(self, name: str) -> Hook:
        """Count one use.

        Raises:
            SlackProblem: it is not ours, older than 30 minutes, or was used five times.
        """
        hook = self._issued.get(name)
        if hook is None:
            raise SlackProblem("no_service", status=404)
        if self._clock() - hook.at > LIFETIME:
            raise SlackProblem("expired_url", status=404)
        if hook.uses >= USES:
            raise SlackProblem("used_url", status=404)
        self._issued[name] = replace(hook, uses=hook.uses + 1)
        return hook
