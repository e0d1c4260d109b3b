"""What Slack gets instead of a message whose blocks it refuses: on the wire, and by a law over every message."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from bot.adapters.slack import SlackMessenger
from bot.adapters.slack.ladder import ladder
from bot.demo.slack import Workspace, limits
from bot.ports import Message
from bot.render import escape_mrkdwn, escaped
from tests.adapters.slack.test_whispers import ALICE, OPS, hook
from tests.render.extremes import EXTREMES
from tests.render.samples import MESSAGES
from tests.render.validators import faults
from tests.render.wire import Json, of

LONGEST = [(kind, name) for kind, makers in EXTREMES.items() for name in makers if name in MESSAGES]


def message(rendered: Json) -> Message:
    """As the messenger gets it."""
    return Message(text=rendered["text"], blocks=rendered["blocks"])


def within(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in a piece of Block Kit."""
    if isinstance(value, Mapping):
        yield value
        for each in value.values():
            yield from within(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from within(each)


def pressed(blocks: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """What can be pressed or chosen, in its order, and what that sends."""
    return [
        (each["action_id"], each.get("value") or [option["value"] for option in each["options"]])
        for each in within(blocks)
        if "action_id" in each
    ]


def said(blocks: Sequence[Mapping[str, Any]]) -> str:
    """Everything that a person reads in them."""
    texts = (each["text"] for each in within(blocks) if isinstance(each.get("text"), str))
    return "\n".join(texts)


def told(blocks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each text that must not be lost: cells and copied lines as they are shown in a section."""
    for block in blocks:
        for each in within(block):
            text = each.get("text")
            if not isinstance(text, str):
                continue
            if block["type"] == "rich_text":
                yield escape_mrkdwn(text)
            elif each["type"] == "mrkdwn":
                yield text
            elif block["type"] == "table":
                yield escaped(text)


@pytest.mark.parametrize("name", MESSAGES)
async def test_no_button_and_no_word_is_lost_on_the_way_down(name: str) -> None:
    """Of every message: what can be pressed, and each name and number of a table, on each rung but the last."""
    rendered = await MESSAGES[name]()
    full, *plainer, last = ladder(message(rendered))
    assert list(full.blocks) == rendered["blocks"]
    assert (last.text, list(last.blocks)) == (rendered["text"], [])
    for form in plainer:
        assert faults(of(form)) == []
        assert limits.of_blocks(list(form.blocks)) == []
        assert pressed(form.blocks) == pressed(full.blocks)
        assert [text for text in told(full.blocks) if text not in said(form.blocks)] == []
    kinds = [{block["type"] for block in form.blocks} for form in plainer]
    assert not kinds[:1] or not kinds[0] & {"table", "rich_text"}
    assert not kinds or kinds[-1] <= {"section", "actions", "context", "divider"}


@pytest.mark.parametrize(("kind", "name"), LONGEST)
async def test_slack_takes_every_rung_whatever_it_holds(kind: str, name: str) -> None:
    """The longest names and the worst signs; every button is there still."""
    full, *plainer = ladder(message(await EXTREMES[kind][name]()))
    for form in plainer:
        assert faults(of(form)) == []
        assert limits.of_blocks(list(form.blocks)) == []
    for form in plainer[:-1]:
        assert pressed(form.blocks) == pressed(full.blocks)


async def test_the_rungs_of_a_card() -> None:
    """The same without tables; then sections and buttons alone; then the sentence."""
    rungs = ladder(message(await MESSAGES["card-proposed"]()))
    kinds = [{block["type"] for block in form.blocks} for form in rungs]
    assert kinds == [
        {"section", "rich_text", "table", "context", "actions"},
        {"section", "context", "actions"},
        {"section", "actions"},
        set(),
    ]


async def _card(name: str = "card-proposed") -> Message:
    return message(await MESSAGES[name]())


@pytest.mark.parametrize("refused", [1, 2])
async def test_a_card_that_slack_refuses_can_be_decided_nevertheless(
    workspace: Workspace, messenger: SlackMessenger, refused: int
) -> None:
    """Refused once or twice: it has its buttons, its digest and its diff; edited later, it is whole again."""
    card = await _card()
    workspace.faults.add("chat.postMessage", "error", error="invalid_blocks", count=refused)
    place = await messenger.post(OPS, card, key="card:1")
    (posted,) = workspace.messages(OPS)
    assert pressed(posted.blocks) == pressed(card.blocks) != []
    assert "digest" in said(posted.blocks)
    assert 'kubernetes.io/elb.pass-through   (absent)  →  "true"' in said(posted.blocks)
    await messenger.edit(place, card)
    (edited,) = workspace.messages(OPS)
    assert [b["type"] for b in edited.blocks] == [b["type"] for b in card.blocks]


async def test_a_card_that_slack_refuses_three_times_is_its_sentence(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Rather than nothing."""
    card = await _card()
    workspace.faults.add("chat.postMessage", "error", error="invalid_blocks", count=3)
    await messenger.post(OPS, card, key="card:1")
    (posted,) = workspace.messages(OPS)
    assert (posted.text, list(posted.blocks)) == (card.text, [])


async def test_an_edit_that_slack_refuses_keeps_the_buttons(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """As a post does."""
    card = await _card()
    place = await messenger.post(OPS, Message(text="before"), key="card:1")
    workspace.faults.add("chat.update", "error", error="invalid_blocks")
    await messenger.edit(place, card)
    (posted,) = workspace.messages(OPS)
    assert pressed(posted.blocks) == pressed(card.blocks)


async def test_an_explanation_that_a_response_url_refuses_keeps_its_table(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """In words: who gets there, and by which way."""
    status = await _card("status")
    table = next(block for block in status.blocks if block["type"] == "table")
    broken = [*status.blocks, {**table, "rows": [[{"type": "no such cell"}]]}]
    await messenger.answer(hook(workspace), Message(text=status.text, blocks=broken))
    (seen,) = workspace.ephemerals(ALICE)
    assert pressed(seen.blocks) == pressed(status.blocks) != []
    assert [cell for cell in told([table]) if cell not in said(seen.blocks)] == []
