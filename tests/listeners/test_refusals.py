"""Each method of Slack's that the bot calls, refused by itself: it costs what it is for, and never the answer."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.listeners.foreign import Refuse, abroad, refusing, unknown
from tests.listeners.foreign_day import EVERY, GROUPED, TOLD, story

Json = dict[str, Any]
REFUSALS: Mapping[str, Refuse] = {
    "unknown_method": unknown,
    "missing_scope": refusing("missing_scope"),
}


def without(directory: Path, method: str, code: str) -> Any:
    """A server that knows every method but one."""
    return abroad(
        directory,
        known=frozenset(EVERY - {method}),
        refuse=REFUSALS[code],
        told=TOLD,
        policies=(GROUPED,),
        forgetful=True,
    )


def called() -> set[str]:
    """The methods that the adapter names."""
    sources = (Path(__file__).parents[2] / "bot").glob("adapters/slack/*.py")
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    return set(re.findall(r'"((?:auth|chat|conversations|files|usergroups|users|views)\.[A-Za-z.]+)"', text))


def test_every_method_that_is_called_is_refused_here() -> None:
    """`auth.test` is the start's."""
    assert called() == EVERY - {"auth.test"}


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("method", sorted(EVERY - {"chat.postMessage", "users.info"}))
async def test_without_one_method_everything_is_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, method: str, code: str
) -> None:
    """Questions, a form or what to do instead of it, and a change to its end; no traceback."""
    async with without(tmp_path, method, code) as place:
        await story(place)
        await place.foreign.until(lambda: method in place.foreign.refused)
    assert not any(record.exc_info and record.levelno >= logging.ERROR for record in caplog.records)
    lacking = [r.getMessage() for r in caplog.records if f"Slack refuses {method} ({code})" in r.getMessage()]
    assert len(lacking) == (method != "auth.test")


async def test_the_story_calls_every_method(tmp_path: Path) -> None:
    """Else what is refused above would never have been asked for."""
    async with abroad(
        tmp_path, known=frozenset(EVERY), told=TOLD, policies=(GROUPED,), forgetful=True
    ) as place:
        await story(place)
        await place.foreign.until(lambda: {method for method, _ in place.foreign.calls} == EVERY)
        assert place.foreign.refused == []


@pytest.mark.parametrize("code", REFUSALS)
async def test_where_nothing_may_be_posted_who_asked_is_told_so(tmp_path: Path, code: str) -> None:
    """Questions are answered all the same; what was asked for is stored."""
    async with without(tmp_path, "chat.postMessage", code) as place:
        await place.command("status shop/checkout")
        await place.foreign.text("bypass")
        await place.command("enable shop/checkout TLS errors")
        assert code in await place.foreign.text("I cannot post here what you asked for")
        await place.command("history")
        await place.foreign.text("CHG-1")
