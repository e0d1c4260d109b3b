"""Numbers and moments in the words that people read."""

import re
from collections.abc import Sequence
from datetime import datetime

OPEN, CLOSE = "\ue000", "\ue001"
"""Two private-use characters around an id of Slack's, so that a sentence of ours can name a person, or around an
address and a label; the renderer turns them into a mention, or a link. Text from outside goes through `unmarked` before it joins a sentence."""
_ID = re.compile(r"[UWS][A-Z0-9]{1,20}")

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


def listed(things: Sequence[object], most: int = 8) -> str:
    """Name several: "a, b and c"; past the first few, how many more."""
    left = len(things) - most
    names = [*map(str, things[:most]), *([f"{left} more"] if left > 0 else [])]
    *first, last = names or [""]
    return f"{', '.join(first)} and {last}" if first else last


def person(slack_id: str) -> str:
    """Name a user or a group in a sentence."""
    if slack_id == "*":
        return "everybody"
    if slack_id == "bot":
        return "elb-passthrough"
    return f"{OPEN}{slack_id}{CLOSE}" if _ID.fullmatch(slack_id) else slack_id


def linked(url: str, label: str) -> str:
    """Name a page in a sentence, so that its name leads there; without an address, its name alone."""
    return f"{OPEN}{url}|{label}{CLOSE}" if url.startswith(("https://", "http://")) else label


def unmarked(text: object) -> str:
    """Return text from outside without the two characters that would make a mention of it."""
    return str(text).replace(OPEN, "").replace(CLOSE, "")


def people(slack_ids: Sequence[str]) -> str:
    """Name several: "@a, @b or @c"; nobody is an empty text."""
    *first, last = map(person, slack_ids or ("",))
    return f"{', '.join(first)} or {last}" if first else last


def who_may(slack_ids: Sequence[str], but: Sequence[str] = (), *, most: int = 10) -> str:
    """Say who may do something, as a sentence's subject: "@a or @b"; "Everybody but @a"."""
    left = len(slack_ids) - most
    if "*" in slack_ids:
        return f"Everybody but {people(but[:most])}" if but else "Everybody"
    if left > 0:
        return f"{', '.join(map(person, slack_ids[:most]))} or {counted(left, 'other')}"
    return people(slack_ids)


def ended(text: object) -> str:
    """Return text from outside as a sentence that another one may follow."""
    said = unmarked(text).rstrip()
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."


def visible(text: str) -> str:
    """Give text from outside with what would steer a terminal, or turn a reader's eye around, as an escape."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(each if each == "\n" or each.isprintable() else repr(each)[1:-1] for each in text)
