"""What people type after `/elb-passthrough`, or after the bot's name in a thread: text in, an intent out."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from unicodedata import normalize

QUESTIONS = ("help", "status", "list", "history")
"""Answered from what is known; nothing is stored before the answer."""
ORDERS = ("enable", "disable", "verify", "pause", "resume")
"""Stored before they are acknowledged, so that they outlive the process."""
SUBCOMMANDS = (*QUESTIONS, *ORDERS)
NEEDS_SERVICE = frozenset({"status", "enable", "disable", "verify"})
LONGEST = 3000
"""Characters read of a command; Slack sends no more than its message limit, and a reason needs less."""
_SHOWN = 40
"""Characters of a word that is no subcommand; enough to recognise it."""
_ALIKE, _AS_LIKELY = 0.5, 0.1
"""How alike a word must be to a subcommand, and how much less another one may be to be offered too."""
_SURE = 0.75
"""How alike it must be to be taken for one although another follows it in the sentence."""
_QUOTES = "\"'`´“”„‟‘’‚‛«»‹›"
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ue000-\uf8ff\ufeff]")
_JOINERS = "\u200c\u200d"
"""Invisible too, but a family of emoji or a Persian word is another one without them; names hold none."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LINK = re.compile(r"<https?://[^|>]*\|([^>]+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One command: what is wanted, of what, and why."""

    verb: str
    """One of SUBCOMMANDS, or "ask" where a Service must be asked for first; `target` is what for, then."""
    target: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Text that is no command; the sentence says what to type instead."""

    sentence: str


def parse(text: str, command: str = "/elb-passthrough") -> Intent | Mistake:
    """Read a command; white space, quotes around names, case and invisible characters do not matter."""
    words = [word for word in _readable(text).split() if word.strip(_JOINERS)]
    if not words:
        return Intent(verb="ask", target="status")
    verb, rest = _name(words[0]).casefold(), _joined(words[1:])
    if verb not in SUBCOMMANDS:
        return Mistake(sentence=_no_such(words[0], command, _later(words[1:])))
    target = _name(rest[0]) if rest else ""
    if verb in NEEDS_SERVICE and not target:
        return Intent(verb="ask", target=verb)
    return Intent(verb=verb, target=target, reason=" ".join(rest[1:]).strip(_QUOTES + " "))


def _readable(text: str) -> str:
    """The text as people see it: no control or direction characters, links by what they show."""
    return _LINK.sub(r"\1", _CONTROL.sub(" ", _INVISIBLE.sub("", text[:LONGEST])))


def _joined(words: list[str]) -> list[str]:
    """Close the gaps in `shop / checkout` and `shop/ checkout`: a name that ends in a slash goes on."""
    while len(words) > 1 and (words[0].endswith("/") or words[1] == "/"):
        words = [words[0] + words[1], *words[2:]]
    return words


def _name(word: str) -> str:
    """A name without what people put around it; names hold no full-width letters and no other slash."""
    whole = "".join(normalize("NFKC", word).translate(dict.fromkeys(map(ord, _JOINERS))).split())
    return whole.strip(_QUOTES + ",;").replace("\\", "/")


def _later(words: list[str]) -> str:
    """The command that begins in the middle of a sentence; empty where none does."""
    for index, word in enumerate(words):
        verb = _name(word).casefold()
        if verb in SUBCOMMANDS:
            target = [_name(each)[:150] for each in _joined(words[index + 1 :])[:1]]
            return " ".join([verb, *target])
    return ""


def _no_such(word: str, command: str, later: str) -> str:
    shown = word[:_SHOWN] + ("…" if len(word) > _SHOWN else "")
    if "/" in word.strip("/"):
        return f"Say what you want of “{shown}”: {command} status {_name(word)[:150]}"
    if later and _likeness(word.casefold()) < _SURE:
        return f"Begin with what you want: {command} {later}"
    close = _close(word.casefold())
    hint = f"Did you mean {' or '.join(close)}?" if close else f"{command} help lists what you can do."
    return f"There is no subcommand “{shown}”. {hint}"


def _likeness(word: str) -> float:
    return max(SequenceMatcher(None, word, each).ratio() for each in SUBCOMMANDS)


def _close(word: str) -> list[str]:
    """The nearest subcommand, and a second one only where it is as likely: "able" may be two."""
    ranked = sorted(((SequenceMatcher(None, word, each).ratio(), each) for each in SUBCOMMANDS), reverse=True)
    best = ranked[0][0]
    return [each for ratio, each in ranked[:2] if ratio >= max(_ALIKE, best - _AS_LIKELY)]
