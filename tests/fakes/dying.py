"""A process that can be killed between any effect and its record: the ports of a world, counted."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Death(BaseException):
    """The process is gone: nothing of it runs any more, not even an exception handler."""


class Heart:
    """Counts the calls through the ports, and stops at one of them."""

    def __init__(self, calls: int, *, after: bool) -> None:
        self.left = calls
        self.after = after
        """Whether the last call still has its effect, and only its answer is lost."""

    async def beat(self, call: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """Make a call, or die of it."""
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.after):
            raise Death
        answer = await call(*args, **kwargs)
        if self.left == 0:
            raise Death
        return answer


def mortal(port: T, heart: Heart) -> T:
    """Give a port whose every call may be the last one."""
    return cast("T", _Mortal(port, heart))


class _Mortal:
    def __init__(self, port: object, heart: Heart) -> None:
        self._port = port
        self._heart = heart

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name in _PARTS:
            return _Mortal(found, self._heart)
        if name not in _EFFECTS:
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self._heart.beat(found, *args, **kwargs)

        return call


_PARTS = frozenset({"jobs", "changes", "runs", "messages", "pauses"})
_EFFECTS = frozenset(
    {
        "open",
        "move",
        "note",
        "save",
        "submit",
        "remember",
        "pause",
        "post",
        "edit",
        "answer",
        "whisper",
        "patch",
    }
    | {"tell", "start_probe", "finish", "retry"}
)
"""What leaves something behind; a process that dies while it reads is the one that dies before its next effect."""
