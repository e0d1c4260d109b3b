"""Whether a process is the only one on an SQLite file: then what a dead one held can be taken over at once."""

import fcntl
from pathlib import Path
from typing import IO


class Alone:
    """A lock on a file beside the database, held as long as the process lives; the kernel frees it at its death."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-serving")
        self._file: IO[bytes] | None = None

    def claim(self) -> bool:
        """Try to become the only one; True if nobody else holds the lock."""
        if self._file is not None:
            return True
        file = self._path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def close(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None
