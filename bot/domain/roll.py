"""Names in order, each once, whatever order they came and went in."""

from bisect import bisect_left
from collections.abc import Iterator


class Roll:
    """A sorted set of names; one change costs a search and a move in memory."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: list[str] = []

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: str) -> bool:
        at = bisect_left(self._names, name)
        return at < len(self._names) and self._names[at] == name

    def add(self, name: str) -> None:
        """Enter a name; one that is there stays."""
        at = bisect_left(self._names, name)
        if at == len(self._names) or self._names[at] != name:
            self._names.insert(at, name)

    def discard(self, name: str) -> None:
        """Strike a name; one that is not there is no error."""
        if name in self:
            del self._names[bisect_left(self._names, name)]
