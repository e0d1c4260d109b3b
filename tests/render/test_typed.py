"""What somebody typed is read as it was typed: no sign of theirs formats a message of ours."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.demo.slack import mrkdwn
from bot.demo.slack.people import App, Directory, default_channels, default_groups, default_people
from bot.render import MESSAGE_LIMIT, Renderer
from tests.fakes.world import RENDERER
from tests.render.samples import MESSAGES, VIEWS

APP = App()
DIRECTORY = Directory(
    team="T01TEAM",
    app=APP,
    people=default_people(),
    channels=default_channels(APP),
    groups=default_groups(),
)
SIGNS = str.maketrans({"∗": "*", "∼": "~", "ˋ": "`", "ˍ": "_", "›": ">", "꞉": ":"})


def read(text: str) -> str:
    """A sentence as Slack's reader sees it, with the look-alikes taken for what they look like."""
    rendered = RENDERER.message("sentence", sentence=text)
    return mrkdwn.plain(rendered["text"], DIRECTORY).translate(SIGNS)


@given(
    text=st.text("ab _*~`<>&!@#|^U0:1\n", max_size=40)
    | st.lists(
        st.sampled_from(
            ["*bold*", "_slant_", "~gone~", "`code`", "```", "<@U01ALICE>", "a", ":tada:", ":100:", ":+1:"]
        )
    ).map(" ".join)
)
def test_what_is_typed_is_read_as_typed(text: str) -> None:
    """Whatever signs it holds."""
    assume(text.strip())
    assert read(f"x{text}x") == f"x{text}x"


@pytest.mark.parametrize("text", ["*loud*", "_slanted_", "~struck~", "`code`", "```\nblock\n```", "> quoted"])
def test_a_sign_at_the_very_beginning_formats_nothing(text: str) -> None:
    """Where Slack would take it for one."""
    sent = RENDERER.message("sentence", sentence=text)["text"]
    assert not any(sign in sent for sign in "*~`")
    assert not sent.startswith(("_", "&gt;"))
    assert read(text) == text


def test_names_keep_their_letters() -> None:
    """An underscore inside a word formats nothing, and is left for those who copy it."""
    assert RENDERER.message("sentence", sentence="cce_10_0355")["text"] == "cce_10_0355"


def test_a_name_between_colons_is_no_emoji() -> None:
    """Nor is a part of an address; what cannot be one keeps its colons, for those who copy it."""
    for text in (":tada:", "a:tada:b", ":wave::skin-tone-2:", "2001:db8:100:bee::1"):
        sent = RENDERER.message("sentence", sentence=text)["text"]
        assert mrkdwn.emojis(sent) == sent != text
        assert read(text) == text
    for text in ("12:30:45", "[2001:db8:0:1::5]:443", "https://x.test:8443/", "a: b: c"):
        assert RENDERER.message("sentence", sentence=text)["text"] == text


@pytest.mark.parametrize("name", [*MESSAGES, *VIEWS])
async def test_slack_looks_for_no_links_and_mentions_by_itself(name: str) -> None:
    """Every text with marks is taken to the letter: `@channel`, #ops and x.test are text in it."""
    rendered = await {**MESSAGES, **VIEWS}[name]()
    assert all(text.get("verbatim") is True for text in marked(rendered))


def marked(value: Any) -> Iterator[dict[str, Any]]:
    """Every text that Slack reads as mrkdwn."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value
        for each in value.values():
            yield from marked(each)
    elif isinstance(value, list):
        for each in value:
            yield from marked(each)


def message(tmp_path: Any, texts: list[str]) -> list[str]:
    """The texts of a message of that many sections, as they are sent."""
    (tmp_path / "messages").mkdir(exist_ok=True)
    (tmp_path / "messages" / "many.json.j2").write_text(
        '{"text": "x", "blocks": [{% for t in texts %}{% if not loop.first %},{% endif %}'
        '{"type": "section", "text": {"type": "mrkdwn", "text": "{{ t | mention }}{{ t }}"}}{% endfor %}]}'
    )
    rendered = Renderer(tmp_path).message("many", texts=texts)
    return [block["text"]["text"] for block in rendered["blocks"]]


def test_a_message_that_is_too_long_is_shortened_where_it_is_longest(tmp_path: Any) -> None:
    """What is short stays whole; nothing is cut in the middle of an escape."""
    sent = message(tmp_path, ["short", "&" * 2000, "y" * 300, "z" * 2500])
    assert sum(map(len, sent)) <= MESSAGE_LIMIT
    assert sent[0] == "shortshort"
    assert sent[2] == "y" * 600
    assert sent[1].removesuffix("…").replace("&amp;", "") == ""
    assert sent[1].endswith("…")


def test_a_message_that_fits_is_left_alone(tmp_path: Any) -> None:
    """To the last character."""
    (sent,) = message(tmp_path, ["x" * (MESSAGE_LIMIT // 2)])
    assert len(sent) == MESSAGE_LIMIT


def test_a_mention_is_not_cut_in_two(tmp_path: Any) -> None:
    """It is there or it is not."""
    texts = ["U01ALICE"] * 800
    for sent in message(tmp_path, texts):
        assert sent.startswith(("<@U01ALICE>", "…"))
