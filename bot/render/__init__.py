"""Jinja, and nobody else knows it: patches, messages and views from templates.

A template shows; it never escapes. Every `{{ }}` is made safe for the JSON string it stands in, and in
messages for Slack's mrkdwn too, by the environment's `finalize`; so a name such as `<!channel>` is text, and
`*loud*` is shown with its asterisks and `:tada:` with its colons. A message that is longer than Slack takes is
shortened where it is longest.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from json import dumps, loads
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, TemplateError, TemplateRuntimeError
from markupsafe import Markup

from bot.domain.words import CLOSE, OPEN, duration, moment, people, person, unmarked
from bot.render.sandbox import BROKEN, Sandbox

log = logging.getLogger(__name__)

TEXT_LIMIT = 2900
"""Characters of one section; Slack's limit is 3,000, the rest is for what the template adds."""
LINE_LIMIT = 700
"""Characters of one labelled line."""
MESSAGE_LIMIT = 12_800
"""Characters of all blocks of a message; from about 13,200 on Slack refuses it (slackapi/bolt-js issue 2509)."""


LONGEST_REASON = 300
"""Characters of what Jinja says about a template."""


class RenderError(Exception):
    """A template is wrong; the message names it and says why, in one sentence."""


def shipped_templates() -> Path:
    """Return the directory of our own templates: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).parent.parent
    packed = package / "_templates"
    return packed if packed.is_dir() else package.parent / "templates"


class Renderer:
    """Renders templates; a team's own directory is searched before ours."""

    def __init__(self, own: Path | None = None) -> None:
        paths = [path for path in (own, shipped_templates()) if path is not None]
        self._own = own
        self._messages = _environment(paths, _mrkdwn)
        self._shipped = _environment([shipped_templates()], _mrkdwn)
        self._patches = _environment(paths, _json, alone=True)

    def patch(self, name: str, context: Mapping[str, Any]) -> Any:
        """Render `patches/NAME.json.j2` twice and return it parsed.

        Raises:
            RenderError: it is no template, no JSON, or two renderings differ.
        """
        path = f"patches/{name}.json.j2"
        first, second = (_render(self._patches, path, context) for _ in range(2))
        if first != second:
            raise RenderError(f"the template {path} does not render the same bytes twice")
        return _exactly(first, path)

    def patch_digest(self, name: str) -> str:
        """Return the SHA-256, in hex, of a patch template's source."""
        return sha256(self._source(f"patches/{name}.json.j2").encode()).hexdigest()

    def message(self, name: str, **context: Any) -> dict[str, Any]:
        """Render `messages/NAME.json.j2`: an object with `text` and `blocks`.

        Raises:
            RenderError: as patch.
        """
        rendered = self._parsed_message(f"messages/{name}.json.j2", context)
        fit(rendered.get("blocks"))
        return rendered

    def view(self, name: str, **context: Any) -> dict[str, Any]:
        """Render `views/NAME.json.j2`: a modal or the Home tab; raises as message."""
        return self._parsed_message(f"views/{name}.json.j2", context)

    def _parsed_message(self, path: str, context: Mapping[str, Any]) -> dict[str, Any]:
        """Render a team's own template; where that is broken, the shipped one: a card must never be missing."""
        try:
            return _message(self._messages, path, context)
        except RenderError as error:
            if self._own is None or not (shipped_templates() / path).is_file():
                raise
            log.warning("%s; the shipped one is shown instead", error)
            return _message(self._shipped, path, context)

    def own_faults(self) -> list[str]:
        """Say what is wrong with each of a team's own templates, as far as that is seen without rendering it."""
        found = []
        for path in sorted(self._own.rglob("*.j2")) if self._own else ():
            name = path.relative_to(self._own).as_posix() if self._own else ""
            environment = self._patches if name.startswith("patches/") else self._messages
            if not (shipped_templates() / name).is_file():
                found.append(f"{name} has the name of no template, so it is never used")
                continue
            try:
                environment.get_template(name)
            except (TemplateError, *BROKEN) as error:
                found.append(f"{name}: {_why(error)}")
        return found

    def _source(self, path: str) -> str:
        loader = self._patches.loader
        if loader is None:
            raise RenderError("no template directory")
        try:
            return loader.get_source(self._patches, path)[0]
        except (TemplateError, *BROKEN) as error:
            raise RenderError(f"the template {path} cannot be read: {_why(error)}") from error


def _message(environment: Sandbox, path: str, context: Mapping[str, Any]) -> dict[str, Any]:
    rendered = _parsed(_render(environment, path, context), path)
    if not isinstance(rendered, dict):
        raise RenderError(f"the template {path} does not render an object")
    if isinstance(rendered.get("blocks"), list):
        rendered["blocks"] = [block for block in rendered["blocks"] if not _says_nothing(block)]
    return rendered


def _render(environment: Sandbox, path: str, context: Mapping[str, Any]) -> str:
    try:
        return environment.rendered(path, context)
    except (TemplateError, *BROKEN) as error:
        raise RenderError(f"the template {path} does not render: {_why(error)}") from error


def _why(error: BaseException) -> str:
    """One line for a person: what Jinja or Python said, and where."""
    line = getattr(error, "lineno", None)
    said = "it calls itself without end" if isinstance(error, RecursionError) else str(error).strip()
    where = f"line {line}: " if line else ""
    return f"{where}{' '.join(said.split())[:LONGEST_REASON] or type(error).__name__}"


def _environment(paths: list[Path], finalize: Any, *, alone: bool = False) -> Sandbox:
    loader = ChoiceLoader([FileSystemLoader(path) for path in paths])
    environment = Sandbox(loader, finalize, alone=alone)
    for name, function in _FILTERS.items():
        environment.filters[name] = function
    return environment


def _mrkdwn(value: Any) -> Markup:
    return value if isinstance(value, Markup) else _json(escaped(unmarked(_plain(value))))


_NAMED = re.compile(f"{OPEN}([UWS][A-Z0-9]{{1,20}}){CLOSE}")
_LINKED = re.compile(f"{OPEN}(https?://[^\\s|<>{OPEN}{CLOSE}]+)\\|([^|<>{OPEN}{CLOSE}]+){CLOSE}")


def _named(value: Any) -> Markup:
    """Render a sentence of ours: ids and addresses that it marks become mentions and links, the rest is escaped."""
    text = escaped(_plain(value))
    mentioned = _NAMED.sub(lambda m: f"<!subteam^{m[1]}>" if m[1][0] == "S" else f"<@{m[1]}>", text)
    return _json(unmarked(_LINKED.sub(r"<\1|\2>", mentioned)))


def _json(value: Any) -> Markup:
    return value if isinstance(value, Markup) else Markup(dumps(_plain(value), ensure_ascii=False)[1:-1])  # noqa: S704 - escaped for JSON just here


def _plain(value: Any) -> str:
    if value is None:
        raise TemplateRuntimeError("it shows a value that is none")
    return str(value)


def escape_mrkdwn(text: str) -> str:
    """Escape the three characters that Slack's mrkdwn gives a meaning (docs: "Escaping text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_LOOK_ALIKES = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_SLANTING = re.compile(r"(?<!\w)_|_(?!\w)")
_QUOTING = re.compile(r"^>", re.MULTILINE)
_EMOJI = re.compile(r":(?=([\w+'’-]+):)")
_HEX = re.compile(r"[0-9a-f]{1,4}")
_HEX_EMOJI = frozenset({"100", "1234", "a", "ab", "abc", "abcd", "b", "bed", "bee", "cd"})
"""Names of Slack's emoji that a part of an IPv6 address may look like; any other part of one is left alone."""


def escaped(text: str) -> str:
    """Escape, and put look-alikes in place of the signs that format text: Slack has no escape for those."""
    unquoted = _EMOJI.sub(_no_emoji, _QUOTING.sub("›", text))
    return escape_mrkdwn(_SLANTING.sub("ˍ", unquoted.translate(_LOOK_ALIKES)))


def _no_emoji(colon: re.Match[str]) -> str:
    """Keep the colons of times and addresses, so that they can be copied; others would begin an emoji."""
    address = _HEX.fullmatch(colon[1]) and colon[1] not in _HEX_EMOJI
    return ":" if address else "꞉"


def clip(value: object, limit: int = TEXT_LIMIT) -> str:
    """Shorten text so that it has at most `limit` characters once escaped; the cut is marked by "…"."""
    text = str(value)
    if len(escape_mrkdwn(text)) <= limit:
        return text
    kept, room = [], limit - 1
    for character in text:
        room -= len(escape_mrkdwn(character))
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + "…"


def squeeze(value: object, limit: int = TEXT_LIMIT) -> str:
    """Shorten text as `clip` does, in its middle: a sentence begins with who and ends with the address."""
    text = str(value)
    if len(escape_mrkdwn(text)) <= limit:
        return text
    end = clip(text[::-1], max(1, limit // 3))[::-1]
    return clip(text, limit + 1 - len(escape_mrkdwn(end)))[:-1] + end


def _stamp(value: Any) -> Markup:
    """Render a moment so that Slack shows it in the reader's own time zone, with UTC as the fallback."""
    return _date(value, "{time}", f"{moment(value)} UTC")


def _when(value: Any) -> Markup:
    """Render a moment with its day."""
    return _date(value, "{date_short_pretty} {time}", f"{value:%d %b} {moment(value)} UTC")


def _date(value: Any, tokens: str, fallback: str) -> Markup:
    return Markup(f"<!date^{int(value.timestamp())}^{tokens}|{fallback}>")  # noqa: S704 - digits and our own words only


def _mention(value: Any) -> Markup:
    """Name one Slack id."""
    return _named(person(unmarked(value)))


def _mentions(values: Any) -> Markup:
    """Name several."""
    return _named(people([unmarked(value) for value in values]))


def _sections(lines: Any, limit: int = TEXT_LIMIT) -> list[list[Any]]:
    """Split lines of a label and a text (clipped to 700) into as many sections as they need."""
    groups: list[list[Any]] = [[]]
    room = limit
    for label, text in lines:
        size = len(escape_mrkdwn(clip(text, LINE_LIMIT))) + len(label) + 8
        if size > room and groups[-1]:
            groups.append([])
            room = limit
        groups[-1].append((label, text))
        room -= size
    return [group for group in groups if group]


def _raw(value: Any) -> Markup:
    """Render text where Slack reads no mrkdwn (`raw_text`, rich text), so that `&` is not shown as `&amp;`."""
    return _json(unmarked(_plain(value)))


def _says_nothing(block: Any) -> bool:
    """Whether a section's text came out empty, which Slack refuses together with the whole message."""
    text = block.get("text") if isinstance(block, dict) and block.get("type") == "section" else None
    return isinstance(text, dict) and not str(text.get("text", "")).strip()


_CLIPPED = frozenset({"mrkdwn", "raw_text", "text"})
_UNIT = re.compile(r"<[^<>]*>|&(?:amp|lt|gt);|.", re.DOTALL)
"""What may not be cut in two: a mention, a link, an escaped character."""


def fit(blocks: Any) -> None:
    """Shorten the longest texts of a message until Slack takes it as a whole."""
    texts = [holder for holder in _holders(blocks) if holder["type"] in _CLIPPED]
    room = MESSAGE_LIMIT - sum(len(h["text"]) for h in _holders(blocks) if h["type"] not in _CLIPPED)
    lengths = sorted(len(holder["text"]) for holder in texts)
    if sum(lengths) <= room:
        return
    most = room
    for shorter, length in enumerate(lengths):
        # Every text up to this one stays as it is; what is left is shared by this one and the longer.
        most = (room - sum(lengths[:shorter])) // (len(lengths) - shorter)
        if length > most:
            break
    for holder in texts:
        holder["text"] = _cut(holder["text"], max(2, most))


def _holders(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of Block Kit that holds a text."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str) and isinstance(value.get("type"), str):
            yield value
        for each in value.values():
            yield from _holders(each)
    elif isinstance(value, list):
        for each in value:
            yield from _holders(each)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    kept, room = [], most - 1
    for unit in _UNIT.findall(text):
        room -= len(unit)
        if room < 0:
            break
        kept.append(unit)
    return "".join(kept) + "…"


def _trimmed(value: Any) -> Any:
    """Drop the line breaks around a text: a template may put them there to be readable."""
    if isinstance(value, dict):
        return {key: _trimmed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_trimmed(item) for item in value]
    return value.strip("\n") if isinstance(value, str) else value


def _parsed(text: str, path: str) -> Any:
    try:
        return _trimmed(loads(text, strict=False))
    except (ValueError, RecursionError) as error:
        raise RenderError(f"the template {path} renders no JSON: {_why(error)}") from error


def _exactly(text: str, path: str) -> Any:
    """Read a patch: JSON to the letter, with no key twice, for the second would hide the first."""
    try:
        return loads(text, object_pairs_hook=_each_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RenderError(f"the template {path} renders no JSON: {_why(error)}") from error


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if doubled := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
        raise ValueError(f"the key {doubled[0]} is there twice")
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no value")


_FILTERS = {
    "clip": clip,
    "squeeze": squeeze,
    "moment": moment,
    "duration": duration,
    "stamp": _stamp,
    "mention": _mention,
    "when": _when,
    "sections": _sections,
    "named": _named,
    "raw": _raw,
    "mentions": _mentions,
}
"""Filters of ours, beside those of the sandbox."""
