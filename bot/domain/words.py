"""Numbers and moments in the words that people read."""

from datetime import datetime

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def duration(seconds: float) -> str:
    """Return a length of time in its one or two largest units: "45 s", "6 min", "1 h 20 min"."""
    left = round(seconds)
    words = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}")
    if left and len(words) < 1:
        words.append(f"{left} s")
    return " ".join(words[:2]) or "0 s"


def moment(at: datetime) -> str:
    """Return hours and minutes; the caller says in which zone."""
    return at.strftime("%H:%M")


def counted(count: int, one: str, many: str = "") -> str:
    """Return "1 Service", "2 Services"."""
    return f"{count} {one if count == 1 else many or one + 's'}"
