"""A secret: a value that does not print itself, and that may change in the file it comes from."""

from collections.abc import Callable
from pathlib import Path


class Secret:
    """A token, key or password; `reveal` is the only way to its value.

    One that comes from a file is read again when the file changes, so that a rotated secret is used without
    a restart. While the file is away or empty (between the two halves of a rotation) the last value stays.
    """

    __slots__ = ("_file", "_seen", "_shape", "_value", "name")

    def __init__(
        self, name: str, value: str, *, file: Path | None = None, shape: Callable[[str], str] = str
    ) -> None:
        self.name = name
        """The environment variable that gave it."""
        self._value = value
        self._file = file
        self._shape = shape
        self._seen = _mark(file) if file else None

    @classmethod
    def from_file(cls, name: str, file: Path) -> "Secret":
        """Read a secret from a file; white space around it does not count.

        Raises:
            ValueError: the file cannot be read or is empty; the message says which.
        """
        return cls(name, _text(file), file=file)

    def reveal(self) -> str:
        """Return the value as it is now."""
        if self._file and (mark := _mark(self._file)) not in {None, self._seen}:
            self._read_again(mark)
        return self._shape(self._value)

    def shaped(self, shape: Callable[[str], str]) -> "Secret":
        """Return the same secret, whose value is given another form whenever it is revealed."""
        return Secret(self.name, self._value, file=self._file, shape=shape)

    def _read_again(self, mark: tuple[int, int, int] | None) -> None:
        try:
            self._value = _text(self._file) if self._file else self._value
        except ValueError:
            return
        self._seen = mark

    def __repr__(self) -> str:
        return f"Secret({self.name}: ****)"


def _mark(file: Path) -> tuple[int, int, int] | None:
    """What changes with a file: also when a symbolic link is swapped, as Kubernetes does for mounted Secrets."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _text(file: Path) -> str:
    try:
        value = file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"names {file}, which is not UTF-8 text") from error
    except OSError as error:
        raise ValueError(f"names {file}, which cannot be read: {error.strerror}") from error
    if not value:
        raise ValueError(f"names {file}, which is empty")
    return value
