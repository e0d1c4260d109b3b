"""Slack's mrkdwn: written by people, and read by them.

Source: docs.slack.dev/messaging/formatting-message-text.
"""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.demo.slack.emoji import EMOJI
from bot.demo.slack.people import Directory

_ENTITY = re.compile(r"<([^<>\n]+)>")
_DATE = re.compile(r"!date\^(-?\d+)\^([^^|]*)(?:\^([^|]*))?(?:\|(.*))?", re.DOTALL)
_MENTION = re.compile(r"(?<![\w<])@([\w.\-]+)")
_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_MARKS = tuple(re.compile(rf"(?<![\w{m}])\{m}(?=\S)([^{m}\n]+?)(?<=\S)\{m}(?![\w{m}])") for m in "*_~")
_SHORTCODE = re.compile(r":([a-z0-9_+\-]+):")


def encoded(text: str, directory: Directory) -> str:
    """Return what a person typed as Slack stores it: escaped, with mentions of people and groups resolved."""
    kept = [part if part.startswith("<@") else _escaped(part) for part in re.split(r"(<@[UW]\w+>)", text)]
    return _MENTION.sub(lambda match: _mentioned(match, directory), "".join(kept))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mentioned(match: re.Match[str], directory: Directory) -> str:
    name = match[1]
    person = directory.person_named(name)
    if person is not None:
        return f"<@{person.id}>"
    group = next((g for g in directory.groups.values() if g.handle == name), None)
    return f"<!subteam^{group.id}>" if group else match[0]


def plain(text: str, directory: Directory, zone: str = "UTC") -> str:
    """Return mrkdwn as a person reads it: mentions by name, dates in their zone, no marks of emphasis."""
    parts = _CODE.split(text)
    shown = [_code(part) if index % 2 else _prose(part) for index, part in enumerate(parts)]
    resolved = _ENTITY.sub(lambda match: _entity(match[1], directory, zone), "".join(shown))
    return resolved.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def emojis(text: str) -> str:
    """Return the text with the common emoji names as emoji."""
    return _SHORTCODE.sub(lambda match: EMOJI.get(match[1], match[0]), text)


def _code(text: str) -> str:
    return text.strip("`").strip("\n") if text.startswith("```") else text


def _prose(text: str) -> str:
    for mark in _MARKS:
        text = mark.sub(r"\1", text)
    return emojis(text)


def _entity(body: str, directory: Directory, zone: str) -> str:
    target, _, label = body.partition("|")
    if body.startswith("!date^"):
        return _date(body, zone)
    if target.startswith("@"):
        person = directory.people.get(target[1:])
        return f"@{person.name}" if person else f"@{label or target[1:]}"
    if target.startswith("#"):
        channel = directory.channels.get(target[1:])
        return f"#{channel.name}" if channel else f"#{label or target[1:]}"
    if target.startswith("!subteam^"):
        group = directory.groups.get(target.removeprefix("!subteam^"))
        return f"@{group.handle}" if group else label or "@unknown-group"
    if target.startswith("!"):
        return f"@{target[1:]}"
    return f"{label} ({target})" if label and label != target else target.removeprefix("mailto:")


def _date(body: str, zone: str) -> str:
    match = _DATE.fullmatch(body)
    if match is None:
        return body
    return date(int(match[1]), match[2], zone)


def date(epoch: int, form: str, zone: str = "UTC") -> str:
    """Return a time by Slack's date tokens, in an IANA zone."""
    try:
        at = datetime.fromtimestamp(epoch, tz=UTC).astimezone(ZoneInfo(zone))
    except (ValueError, OverflowError, OSError):  # no calendar reaches that far
        return str(epoch)
    tokens = {
        "date_num": f"{at:%Y-%m-%d}",
        "date_slash": f"{at:%m/%d/%Y}",
        "date_long": f"{at:%A, %B} {at.day}, {at.year}",
        "date_long_full": f"{at:%A, %B} {at.day}, {at.year}",
        "date_long_pretty": f"{at:%A, %B} {at.day}, {at.year}",
        "date": f"{at:%B} {at.day}, {at.year}",
        "date_pretty": f"{at:%B} {at.day}, {at.year}",
        "date_short": f"{at:%b} {at.day}, {at.year}",
        "date_short_pretty": f"{at:%b} {at.day}, {at.year}",
        "time": f"{at:%H:%M}",
        "time_secs": f"{at:%H:%M:%S}",
        "ago": f"{at:%Y-%m-%d %H:%M}",
    }
    return re.sub(r"\{(\w+)\}", lambda m: tokens.get(m[1], m[0]), form)
