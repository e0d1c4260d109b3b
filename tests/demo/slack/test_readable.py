"""Messages as plain text: what a person would read."""

from typing import Any

import pytest

from bot.demo.slack import App, Message, Person, View
from bot.demo.slack.mrkdwn import encoded, plain
from bot.demo.slack.people import Directory, default_channels, default_groups, default_people
from bot.demo.slack.readable import Reader, width
from tests.demo.slack.sample import HOME, ask, button, card
from tests.demo.slack.sample import plain as plain_text


@pytest.fixture
def directory() -> Directory:
    """The demo's people, and one who lives in Tokyo."""
    tokyo = Person(id="U06KEN", name="Ken", real_name="Ken", zone="Asia/Tokyo")
    app = App()
    return Directory(
        team="T01TEAM",
        app=app,
        people=(*default_people(), tokyo),
        channels=default_channels(app),
        groups=default_groups(),
    )


def read(directory: Directory, *blocks: dict[str, Any], viewer: str = "U01ALICE") -> str:
    """Return the blocks as the viewer reads them."""
    return Reader(directory, viewer).message(
        Message(channel="C01OPS", ts="1.000001", user="U1", blocks=blocks)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@U01ALICE> and <@U77NONE>", "@Alice and @U77NONE"),
        ("<!subteam^S0SRE> <!here> <!channel>", "@sre @here @channel"),
        ("<#C01OPS> <#C99GONE|gone>", "#ops #gone"),
        (
            "<https://x.example/a|the docs>, <https://x.example>",
            "the docs (https://x.example/a), https://x.example",
        ),
        ("*bold* _italic_ ~gone~ `code *kept*`", "bold italic gone `code *kept*`"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("&lt;b&gt; &amp;amp;", "<b> &amp;"),
        (":white_check_mark: :not_an_emoji: 10:30:15", "✅ :not_an_emoji: 10:30:15"),
        ("```\nline 1\n  *line 2*\n```", "line 1\n  *line 2*"),
        ("<!date^1790000000^{date_num} {time}|never>", "2026-09-21 14:13"),
        ("<!date^broken|never>", "!date^broken|never"),
        ("<!date^99999999999999999^{time}|never>", "99999999999999999"),
    ],
)
def test_mrkdwn_reads_as_a_person_reads_it(directory: Directory, text: str, expected: str) -> None:
    """Mentions by name, dates as times, no marks of emphasis, nothing of what stands in code."""
    assert plain(text, directory) == expected


def test_times_are_the_readers_own(directory: Directory) -> None:
    """The same message shows another time in Tokyo."""
    block = {"type": "context", "elements": [{"type": "mrkdwn", "text": "<!date^1790000000^until {time}|x>"}]}
    assert read(directory, block, viewer="U01ALICE") == "until 14:13"
    assert read(directory, block, viewer="U06KEN") == "until 23:13"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("@alice see <b> & @sre", "<@U01ALICE> see &lt;b&gt; &amp; <!subteam^S0SRE>"),
        ("mail me@alice.example", "mail me@alice.example"),
        ("<@U00ELBBOT> help", "<@U00ELBBOT> help"),
        ("@nobody", "@nobody"),
    ],
)
def test_what_people_type_is_stored_escaped(directory: Directory, typed: str, stored: str) -> None:
    """Mentions are resolved, everything else cannot become markup."""
    assert encoded(typed, directory) == stored


def test_a_whole_card_reads_from_top_to_bottom(directory: Directory) -> None:
    """Header, text, diff, list, table, fields, context and buttons, in their order."""
    assert read(directory, *card()).splitlines() == [
        "🟡 Proposed: pass-through on for shop/checkout",
        "─" * 46,
        "Asked by @Alice: “TLS errors” · needs 1 of @sre · until Sep 21, 2026 14:13  [⋯ History / Diagram]",
        '    kubernetes.io/elb.pass-through   (absent)  →  "true"',
        "• 52 of 52 clients change their path",
        "• nobody loses access",
        "  Client                      Count   Through the ELB",
        "  ─────────────────────────   ─────   ───────────────",
        "  pods, node with a backend   31      ✅ yes",
        "  pods, node without one      14      ❌ no",
        "  Mind",
        "  open connections keep the old path",
        "  Afterwards",
        "  3 client classes × 120",
        "digest `3f9a 1c22` · resourceVersion 48211",
        "─" * 40,
        "[Approve…] [Reject…] [Snooze ▾] [Service ▾]",
    ]


def test_columns_stand_under_each_other_with_emoji_too(directory: Directory) -> None:
    """An emoji takes two columns of a terminal."""
    assert (width("✅"), width("ab"), width("↩️")) == (2, 2, 1)
    rows = [[{"type": "raw_text", "text": t} for t in row] for row in (("✅ a", "x"), ("abc", "y"))]
    first, _, second = read(directory, {"type": "table", "rows": rows}).splitlines()
    assert width(first) == width(second)


def test_a_modal_reads_with_its_errors_and_buttons(directory: Directory) -> None:
    """Labels, choices, the complaint beside its input."""
    body = ask()
    view = View(
        id="V1",
        user="U01ALICE",
        body=body,
        hash="h",
        root="V1",
        errors={"reason": "Say why", "": "Try again"},
    )
    assert Reader(directory, "U01ALICE").view(view).splitlines() == [
        "┌ Ask about a Service",
        "Service: [Type a name ▾]",
        "How: ( ) now  ( ) later",
        "Parts (optional): [ ] path  [ ] findings",
        "Reason: […]",
        "  One sentence",
        "  ⚠ Say why",
        "⚠ Try again",
        "[Cancel] [Ask]",
    ]


def test_a_home_tab_has_neither_title_nor_end(directory: Directory) -> None:
    """Only its blocks."""
    body = {**HOME, "blocks": [{**block, "block_id": str(n)} for n, block in enumerate(HOME["blocks"])]}
    view = View(id="V1", user="U01ALICE", body=body, hash="h", root="V1")
    assert (
        Reader(directory, "U01ALICE").view(view).splitlines()[-1]
        == "CHG-7 pass-through on for `shop/checkout`  [Open]"
    )


def test_files_reactions_and_attachments_are_read_too(directory: Directory) -> None:
    """What hangs below a message."""
    message = Message(
        channel="C01OPS",
        ts="1.000001",
        user="U1",
        text="hi",
        files=({"title": "The path", "name": "path.svg"},),
        attachments=(
            {"text": "*old* style", "fallback": "no"},
            {"blocks": [{"type": "actions", "elements": [button("a", "Go")]}]},
        ),
        reactions=(("eyes", ("U1", "U2")),),
    )
    assert Reader(directory, "").message(message).splitlines() == [
        "hi",
        "│ old style",
        "│ [Go]",
        "[file: The path]",
        "👀 2",
    ]


def test_pictures_quotes_and_unknown_blocks_are_named(directory: Directory) -> None:
    """Nothing disappears in silence."""
    quote = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_quote",
                "elements": [
                    {"type": "user", "user_id": "U02BOB"},
                    {"type": "text", "text": ": "},
                    {"type": "link", "url": "https://x.example", "text": "why"},
                    {"type": "emoji", "name": "eyes"},
                    {"type": "broadcast", "range": "here"},
                    {"type": "date", "timestamp": 1790000000, "format": "{date_num}"},
                ],
            }
        ],
    }
    blocks = (
        {"type": "image", "image_url": "https://x.example/a.png", "alt_text": "the path"},
        quote,
        {"type": "hero"},
        {"type": "markdown", "text": "# Title"},
        {"type": "alert", "text": plain_text("mind")},
    )
    assert read(directory, *blocks).splitlines() == [
        "[image: the path]",
        "│ @Bob: why👀@here2026-09-21",
        "[hero]",
        "# Title",
        "mind",
    ]
