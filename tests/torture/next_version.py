"""The next version of the bot: this tree, copied, with what a next version may bring.

More fields in every stored document, at every depth; a phase, an event and something to say that this version does not
know; more columns, a table, an index and triggers. Both versions then run side by side on one database.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from bot.adapters.store.migration import SCRIPTS
from tests.adapters.store import next_revision

ROOT = Path(__file__).parents[2]
MARK = "next"
"""The field that every stored value of the next version has: the nanosecond in which that version wrote it."""

_EDITS: Mapping[str, Sequence[tuple[str, str]]] = {
    "bot/adapters/store/codec.py": (
        ("import json\n", "import json\nfrom time import time_ns\n"),
        (
            "return {field.name: _encode(getattr(value, field.name)) for field in fields(value)}",
            f'return {{"{MARK}": time_ns(), **{{f.name: _encode(getattr(value, f.name)) for f in fields(value)}}}}',
        ),
    ),
    "bot/domain/change.py": (
        ('    APPLYING = "applying"\n', '    QUEUED = "queued"\n    APPLYING = "applying"\n'),
        (
            '    APPLY_STARTED = "apply started"\n',
            '    QUEUED = "queued"\n    APPLY_STARTED = "apply started"\n',
        ),
        (
            "        EventKind.APPLY_STARTED: Phase.APPLYING,\n",
            "        EventKind.APPLY_STARTED: Phase.APPLYING,\n        EventKind.QUEUED: Phase.QUEUED,\n",
        ),
        (
            "    Phase.APPLYING: {\n",
            "    Phase.QUEUED: {EventKind.APPLY_STARTED: Phase.APPLYING},\n    Phase.APPLYING: {\n",
        ),
        (
            "OPEN = frozenset({Phase.PROPOSED,",
            "OPEN = frozenset({Phase.QUEUED, Phase.PROPOSED,",
        ),
    ),
    "bot/operations/card.py": (
        (
            '    Phase.APPLYING: ("🔵", "Applying"),\n',
            '    Phase.QUEUED: ("🔵", "Queued"),\n    Phase.APPLYING: ("🔵", "Applying"),\n',
        ),
    ),
    "bot/operations/decide.py": (
        (
            "    return words[change.phase]\n",
            '    return words.get(change.phase, f"{change.label} was approved{when} and is queued. Nothing to do.")\n',
        ),
    ),
    "bot/operations/advance.py": (
        (
            "    await move(world, change, EventKind.APPLY_STARTED)\n",
            """\
    await move(world, change, EventKind.QUEUED, jobs=[say_job(change.id, "queued")])


async def _queued(world, change):
    await move(world, change, EventKind.APPLY_STARTED)
""",
        ),
        ("    Phase.APPLYING: apply,\n", "    Phase.QUEUED: _queued,\n    Phase.APPLYING: apply,\n"),
    ),
    "bot/operations/thread.py": (
        (
            "_SAYINGS: Mapping",
            """\
async def _queued(world, change):
    return world.message("sentence", sentence=f"{change.label} is queued.")


_SAYINGS: Mapping""",
        ),
        ('    "applied": _applied,\n', '    "queued": _queued,\n    "applied": _applied,\n'),
    ),
}
"""File → what stands there once, and what the next version has in its place."""


def make(directory: Path) -> Path:
    """Write the next version's tree; return what is put before everything else on Python's path.

    Raises:
        ValueError: this version has changed, and what is to be edited is not there any more.
    """
    for name in ("bot", "templates"):
        shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, edits in _EDITS.items():
        _edit(directory / name, edits)
    revision = Path(next_revision.__file__)
    scripts = directory / SCRIPTS.relative_to(ROOT) / "versions" / "next.py"
    shutil.copy(revision, scripts)
    _edit(scripts, [('down_revision = "HEAD"', f'down_revision = "{_head()}"')])
    return directory


def _edit(path: Path, edits: Iterable[tuple[str, str]]) -> None:
    written = path.read_text(encoding="utf-8")
    for old, new in edits:
        if written.count(old) != 1:
            raise ValueError(
                f"{path.name} has {written.count(old)} times {old!r}: the next version is to be described anew"
            )
        written = written.replace(old, new)
    path.write_text(written, encoding="utf-8")


def _head() -> str:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return str(ScriptDirectory.from_config(config).get_current_head())


def written_over(connection: Connection) -> tuple[int, list[str]]:
    """Return how often this version wrote over what the next one had written, and what was lost by that."""
    if not inspect(connection).has_table("next_log"):
        return 0, []
    rows = connection.execute(text("SELECT kind, before, after FROM next_log ORDER BY seq")).all()
    pairs = [(row.kind, json.loads(row.before), json.loads(row.after)) for row in rows]
    # The next version marks what it writes anew, so that the same mark, or none, is this version's work.
    over = [each for each in pairs if MARK in each[1] and each[2].get(MARK) in {None, each[1][MARK]}]
    return len(over), [f"{kind}: {path}" for kind, before, after in pairs for path in lost(before, after)]


def lost(before: Any, after: Any, path: str = "") -> list[str]:
    """Return where the mark of the next version is gone, in what is still there."""
    if isinstance(before, dict) and isinstance(after, dict):
        here = [path or "the row"] if MARK in before and MARK not in after else []
        there = before.keys() & after.keys()
        return [
            *here,
            *(gone for name in sorted(there) for gone in lost(before[name], after[name], f"{path}.{name}")),
        ]
    if isinstance(before, list) and isinstance(after, list):
        found = []
        for number, item in enumerate(before):
            same = [other for other in after if _plain(other) == _plain(item)]
            if same and all(lost(item, other) for other in same):
                found.append(f"{path}.{number}")
        return found
    return []


def _plain(value: Any) -> Any:
    """A value without the marks."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name != MARK}
    return [_plain(each) for each in value] if isinstance(value, list) else value
