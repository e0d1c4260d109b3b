"""Jinja, and nobody else knows it: patches, messages and views from templates.

A template shows; it never escapes. Every `{{ }}` is made safe for the JSON string it stands in, and in
messages for Slack's mrkdwn too, by the environment's `finalize`; so a name such as `<!channel>` is text.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from json import JSONDecodeError, dumps, loads
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError, TemplateRuntimeError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from bot.domain.words import CLOSE, OPEN, duration, moment, people, person, unmarked

TEXT_LIMIT = 2900
"""Characters of one section; Slack's limit is 3,000, the rest is for what the template adds."""
LINE_LIMIT = 700
"""Characters of one labelled line."""


class RenderError(Exception):
    """A template is wrong; the message names it and says why, in one sentence."""


def shipped_templates() -> Path:
    """Return the directory of our own templates: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).parent
    packed = package / "_templates"
    return packed if packed.is_dir() else package.parent / "templates"


class Renderer:
    """Renders templates; a team's own directory is searched before ours."""

    def __init__(self, own: Path | None = None) -> None:
        paths = [path for path in (own, shipped_templates()) if path is not None]
        self._messages = _environment(paths, _mrkdwn)
        self._patches = _environment(paths, _json)

    def patch(self, name: str, context: Mapping[str, Any]) -> Any:
        """Render `patches/NAME.json.j2` twice and return it parsed.

        Raises:
            RenderError: it is no template, no JSON, or two renderings differ.
        """
        first, second = (self._render(self._patches, f"patches/{name}.json.j2", context) for _ in range(2))
        if first != second:
            raise RenderError(f"patches/{name}.json.j2 does not render the same bytes twice")
        return _parsed(first, f"patches/{name}.json.j2")

    def patch_digest(self, name: str) -> str:
        """Return the SHA-256, in hex, of a patch template's source."""
        return sha256(self._source(f"patches/{name}.json.j2").encode()).hexdigest()

    def message(self, name: str, **context: Any) -> dict[str, Any]:
        """Render `messages/NAME.json.j2`: an object with `text` and `blocks`.

        Raises:
            RenderError: as patch.
        """
        return self._parsed_message(f"messages/{name}.json.j2", context)

    def view(self, name: str, **context: Any) -> dict[str, Any]:
        """Render `views/NAME.json.j2`: a modal or the Home tab; raises as message."""
        return self._parsed_message(f"views/{name}.json.j2", context)

    def _parsed_message(self, path: str, context: Mapping[str, Any]) -> dict[str, Any]:
        rendered = _parsed(self._render(self._messages, path, context), path)
        if not isinstance(rendered, dict):
            raise RenderError(f"{path} does not render an object")
        if isinstance(rendered.get("blocks"), list):
            rendered["blocks"] = [block for block in rendered["blocks"] if not _says_nothing(block)]
        return rendered

    def _render(
        self, environment: ImmutableSandboxedEnvironment, path: str, context: Mapping[str, Any]
    ) -> str:
        try:
            return environment.get_template(path).render(context)
        except TemplateError as error:
            raise RenderError(f"the template {path} does not render: {error}") from error

    def _source(self, path: str) -> str:
        loader = self._patches.loader
        if loader is None:
            raise RenderError("no template directory")
        try:
            return loader.get_source(self._patches, path)[0]
        except TemplateError as error:
            raise RenderError(f"there is no template {path}") from error


def _environment(paths: list[Path], finalize: Any) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(path) for path in paths]),
        undefined=StrictUndefined,
        # With autoescape a macro's output is Markup, which finalize then leaves alone.
        autoescape=True,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
    )
    environment.filters["clip"] = clip
    environment.filters["moment"] = moment
    environment.filters["duration"] = duration
    environment.filters["stamp"] = _stamp
    environment.filters["mention"] = _mention
    environment.filters["when"] = _when
    environment.filters["sections"] = _sections
    environment.filters["named"] = _named
    environment.filters["raw"] = _raw
    environment.filters["mentions"] = _mentions
    return environment


def _mrkdwn(value: Any) -> Markup:
    return value if isinstance(value, Markup) else _json(escape_mrkdwn(unmarked(_plain(value))))


_NAMED = re.compile(f"{OPEN}([UWS][A-Z0-9]{{2,20}}){CLOSE}")


def _named(value: Any) -> Markup:
    """Render a sentence of ours: ids that it marks become Slack's mentions, everything else is escaped."""
    text = escape_mrkdwn(_plain(value))
    mentioned = _NAMED.sub(lambda m: f"<!subteam^{m[1]}>" if m[1][0] == "S" else f"<@{m[1]}>", text)
    return _json(unmarked(mentioned))


def _json(value: Any) -> Markup:
    return value if isinstance(value, Markup) else Markup(dumps(_plain(value), ensure_ascii=False)[1:-1])  # noqa: S704 - escaped for JSON just here


def _plain(value: Any) -> str:
    if value is None:
        raise TemplateRuntimeError("it shows a value that is none")
    return str(value)


def escape_mrkdwn(text: str) -> str:
    """Escape the three characters that Slack's mrkdwn gives a meaning (docs: "Escaping text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


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
    except JSONDecodeError as error:
        raise RenderError(f"{path} renders no JSON: {error}") from error
