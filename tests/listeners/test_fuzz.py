"""Every payload of Slack's with each of its fields missing, one at a time, and of another type: answered, never a crash."""

import copy
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from bot.demo.slack import payload as payloads
from bot.demo.slack.courier import ParcelKind
from tests.listeners.office import ALICE, OPS, Office
from tests.listeners.test_deliveries import BUTTON, posted

Json = dict[str, Any]
Path = tuple[str | int, ...]
GONE = object()
INSTEAD: Mapping[str, Any] = {"missing": GONE, "a number": 7, "nothing": None, "a list": ["x"], "empty": {}}
NGINX = "default/nginx on prod"
DEEPEST = 5
"""Levels below which nobody reads: labels of a view's own blocks."""


@pytest.fixture(params=[False, True], ids=["http", "socket"])
def options(request: pytest.FixtureRequest) -> Json:
    """Both transports."""
    return {"socket_mode": request.param}


async def each_kind(office: Office) -> AsyncIterator[tuple[ParcelKind, Json]]:
    """One of each payload that Slack sends, as it should be."""
    state = office.slack.state
    message = posted(office, {**BUTTON, "action_id": "change:approve"})
    button = {**BUTTON, "action_id": "change:approve", "block_id": "b", "value": "nosuch", "action_ts": "1.1"}
    place = state.directory.channels[OPS]
    yield "slash_commands", payloads.command(state, ALICE, place, "/elb-passthrough", "status shop/checkout")
    yield "interactive", payloads.message_actions(state, ALICE, message, button, {})
    await office.slack.command(ALICE, OPS, "enable")
    view = await office.modal(ALICE)
    submission = payloads.view_submission(state, view)
    chosen = {"type": "external_select", "selected_option": {"value": "shop/none"}}
    why = {"type": "plain_text_input", "value": "why"}
    values = {"service": {"ask:service": chosen}, "reason": {"ask:reason": why}}
    submission["view"]["state"]["values"] = values
    yield "interactive", submission
    yield "interactive", payloads.view_closed(state, view, cleared=False)
    typed = {"typed": "ch", "action_id": "ask:service", "block_id": "service"}
    yield "interactive", payloads.suggestion(state, ALICE, view, **typed)
    yield "interactive", payloads.shortcut(state, ALICE, "ask", message)
    yield "interactive", payloads.shortcut(state, ALICE, "ask", None)
    said = {"type": "app_mention", "user": ALICE, "text": "<@U00ELBBOT> help", "ts": "5.5", "channel": OPS}
    yield "events_api", payloads.event(state, said, "T01TEAM")
    opened = {"type": "app_home_opened", "user": ALICE, "channel": "D01ALICE", "tab": "home"}
    yield "events_api", payloads.event(state, opened, "T01TEAM")


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Where every field of a payload is."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*at, key)
        if len(at) < DEEPEST:
            yield from paths(each, (*at, key))


def changed(payload: Json, path: Path, new: Any) -> Json:
    """The same payload, but for one field."""
    made = copy.deepcopy(payload)
    holder: Any = made
    for key in path[:-1]:
        holder = holder[key]
    if new is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return made


@pytest.mark.parametrize("instead", INSTEAD)
async def test_a_field_that_is_not_as_it_should_be_breaks_nothing(
    office: Office, caplog: pytest.LogCaptureFixture, instead: str
) -> None:
    """Acknowledged, or refused with a status of its own; each line of the log is one line; then all goes on."""
    caplog.set_level(logging.INFO)
    count = 0
    async for kind, payload in each_kind(office):
        for path in paths(payload):
            sent = changed(payload, path, INSTEAD[instead])
            ack = await office.slack.deliveries.send(kind, "fuzz", sent)
            assert ack.ok or ack.status in (400, 404), (kind, payload.get("type"), path, ack)
            count += 1
    assert count > 200
    ours = [record for record in caplog.records if record.name.startswith(("bot.listeners", "bot.commands"))]
    assert [
        record.getMessage() for record in ours if record.exc_info or record.levelno >= logging.ERROR
    ] == []
    assert all("\n" not in record.getMessage() for record in ours)
    # Answers to what went before may still come.
    assert (await office.slack.command(ALICE, OPS, "status default/nginx")).ok
    await office.slack.wait_for(lambda: [m for m in office.slack.ephemerals(ALICE) if NGINX in m.text])


async def test_what_is_not_known_is_said_in_one_line(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Its kind, and nothing of its content."""
    for body in ({"type": "surprise", "user": {"id": ALICE}}, {"type": "block_actions", "user": 7}):
        await office.slack.deliveries.send("interactive", "fuzz", body)
    await office.answer(ALICE, "help")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("bot.")]
    assert lines[0] == "a request of a kind that is not known here: surprise"
    assert lines[1].startswith("a request is none that Slack sends: ")
    assert len(lines) == 2
