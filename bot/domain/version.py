"""A Kubernetes version, as far as behaviour depends on it."""

import re
from typing import NamedTuple, Self

_PATTERN = re.compile(r"v?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,4}))?(?![\d.])([-+][0-9A-Za-z.+-]*)?\Z")


class Version(NamedTuple):
    """A version; `patch` None means that only the minor release is known.

    The `suffix`, `-r5` for one, changes no behaviour of Kubernetes, but tells whose release it is.
    """

    major: int
    minor: int
    patch: int | None = None
    suffix: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `v1.29.2-r5`, `1.24` or `v1.35.3-r0-35.0.8`.

        Raises:
            ValueError: The text is no Kubernetes version.
        """
        match = _PATTERN.match(text.strip())
        if match is None or match[1] != "1":
            raise ValueError(f"{text!r} is no Kubernetes version such as v1.29.2")
        patch = None if match[3] is None else int(match[3])
        return cls(int(match[1]), int(match[2]), patch, match[4] or "")

    def __str__(self) -> str:
        patch = "" if self.patch is None else f".{self.patch}"
        return f"v{self.major}.{self.minor}{patch}{self.suffix}"
