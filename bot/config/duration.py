"""Lengths of time as the configuration writes them: 500ms, 2s, 5m, 4h, 400d."""

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PATTERN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)\Z")
_LONGEST = 100 * 366 * 86400.0


def seconds(text: str) -> float:
    """Return a written duration in seconds.

    Raises:
        ValueError: it is not written like one, or is longer than a hundred years.
    """
    match = _PATTERN.match(text)
    if match is None:
        raise ValueError("is no duration such as 500ms, 2s, 5m, 4h or 400d")
    length = float(match[1]) * _UNITS[match[2]]
    if length > _LONGEST:
        raise ValueError("is longer than a hundred years")
    return length
