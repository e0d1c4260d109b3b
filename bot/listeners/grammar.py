"""What people type after `/elb-passthrough`, or after the bot's name in a thread: text in, an intent out."""

import re
from dataclasses import dataclass
from difflib import get_close_matches

QUESTIONS = ("help", "status", "list", "history")
"""Answered from what is known; nothing is stored before the answer."""
ORDERS = ("enable", "disable", "verify", "pause", "resume")
"""Stored before they are acknowledged, so that they outlive the process."""
SUBCOMMANDS = (*QUESTIONS, *ORDERS)
NEEDS_SERVICE = frozenset({"status", "enable", "disable", "verify"})
LONGEST = 3000
"""Characters read of a command; Slack sends no more than its message limit, and a reason needs less."""
_QUOTES = "\"'`“”‘’«»"
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ue000-\uf8ff\ufeff\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One command: what is wanted, of what, and why."""

    verb: str
    """One of SUBCOMMANDS, or "ask" where something must be asked first."""
    target: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Text that is no command; the sentence says what to type instead."""

    sentence: str


def parse(text: str, command: str = "/elb-passthrough") -> Intent | Mistake:
    """Read a command; white space, quotes around names and invisible characters do not matter."""
    words = _INVISIBLE.sub("", text[:LONGEST]).split()
    if not words:
        return Intent(verb="ask")
    verb, rest = words[0].strip(_QUOTES).casefold(), words[1:]
    if verb not in SUBCOMMANDS:
        return Mistake(sentence=_no_such(words[0], command))
    target = _bare(rest[0]) if rest else ""
    if verb in NEEDS_SERVICE and not target:
        return Intent(verb="ask", target=verb)
    return Intent(verb=verb, target=target, reason=" ".join(rest[1:]).strip(_QUOTES))


def without_mention(text: str) -> str:
    """Drop the bot's own name from the front of a mention's text."""
    return re.sub(r"^\s*(?:<@[UW][A-Z0-9]+(?:\|[^>]*)?>[\s,:]*)+", "", text)


def _bare(word: str) -> str:
    """A name without quotes, or the link that Slack made of it."""
    linked = re.fullmatch(r"<https?://[^|>]*\|([^>]+)>", word)
    return (linked[1] if linked else word).strip(_QUOTES + ",;")


def _no_such(word: str, command: str) -> str:
    shown = word[:40] + ("…" if len(word) > 40 else "")  # noqa: PLR2004 - enough to recognise it
    close = get_close_matches(word.casefold(), SUBCOMMANDS, 2, 0.5)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"{command} help lists what you can do."
    return f"There is no subcommand “{shown}”. {hint}"
