"""Whatever a name, an annotation, a reason or an error says, it is text in Slack: no ping, no broken message."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.slack import limits
from bot.domain.change import (
    Approval,
    Change,
    ClientClass,
    FindingNote,
    Phase,
    ServiceRef,
    Step,
    Verb,
)
from bot.domain.words import CLOSE, OPEN, linked, people, unmarked
from bot.operations.card import Button, card_of, title_of
from bot.operations.incident_roster import Line as Wrong
from bot.operations.listing import MOST_INCIDENTS, Line
from bot.ports import Message
from bot.render import TEXT_LIMIT, Renderer, RenderError, clip, escape_mrkdwn, squeeze
from tests.domain.test_change import PROPOSED
from tests.fakes.messenger import read
from tests.fakes.world import RENDERER, START
from tests.render.validators import faults

NASTY = (
    "<!channel>",
    "<!here|x>",
    "<@U0MALLORY>",
    "<!subteam^S0SRE>",
    f"{OPEN}U0MALLORY{CLOSE}",
    f"{OPEN}S0SRE{CLOSE}",
    '"}], "blocks": [{"type": "divider"}], "x": "',
    "{{ 7 * 7 }}{% raw %}",
    "\\u003c!channel\\u003e",
    "a\\",
    "line\nline\r\n\ttab",
    "\x00\x1b[31m",
    "مرحبا \u202e drowssap",
    "👩‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "&amp;&lt;!channel&gt;",
    "`*_~>",
    "https://evil.example/<script>",
    "x" * 4000,
    "<" * 4000,
    "& " * 3000,
    "",
)
texts = (
    st.sampled_from(NASTY)
    | st.text(max_size=60)
    | st.lists(st.sampled_from(NASTY[:17]), max_size=4).map(" ".join)
)
LONGEST = 63
"""Characters of a namespace's or a Service's name."""
names = st.sampled_from([each[:LONGEST] for each in NASTY]) | st.text(
    "abcdefghij0123456789-.", max_size=LONGEST
)
ids = st.sampled_from(["U0ALICE", "S0SRE", "W0BOB", "*", "bot", "<!channel>", "no id", ""])
refs = st.builds(ServiceRef, cluster=names, namespace=names, name=names)
values = st.none() | texts
keys = st.just("kubernetes.io/elb.pass-through") | texts
steps = st.builds(
    Step,
    service=refs,
    uid=st.just("u"),
    before=st.dictionaries(keys, values, max_size=2),
    after=st.dictionaries(keys, values, min_size=1, max_size=2),
    read_hash=st.just(""),
    resource_version=names,
)
verdicts = st.sampled_from(["reachable", "unreachable", "ambiguous", "undetermined"])
sides = st.sampled_from([True, False, None])
rows = st.builds(
    ClientClass,
    client=texts,
    count=st.integers(0, 99999),
    destination=texts,
    before=verdicts,
    after=verdicts,
    through_before=sides,
    through_after=sides,
)
notes = st.builds(
    FindingNote, code=texts, severity=st.sampled_from(["error", "info"]), message=texts, fix=texts
)
approvals = st.builds(Approval, by=ids, at=st.just(START), break_glass=st.booleans(), reason=texts)
changes = st.builds(
    Change,
    id=st.just("c" * 32),
    number=st.integers(1, 10**9),
    cluster=names,
    verb=st.sampled_from(Verb),
    service=refs,
    steps=st.lists(steps, min_size=1, max_size=4).map(tuple),
    requested_by=ids,
    requested_at=st.just(START),
    reason=texts,
    channel=st.just("C0OPS"),
    template_digest=st.just(""),
    plan=st.none() | st.just(PROPOSED.plan),
    table=st.lists(rows, max_size=8).map(tuple),
    findings=st.lists(notes, max_size=7).map(tuple),
    approvers=st.lists(ids, max_size=25).map(tuple),
    approvals_needed=st.integers(1, 3),
    expires_at=st.just(START + timedelta(days=1)),
    phase=st.sampled_from(Phase),
    approvals=st.lists(approvals, max_size=4).map(tuple),
    decided_by=ids,
    decided_at=st.none() | st.just(START),
    note=texts,
    applied_at=st.none() | st.just(START),
    ended_at=st.none() | st.just(START),
    rolled_back_by=st.sampled_from(["", "CHG-9"]),
    superseded_by=st.sampled_from(["", "CHG-9"]),
    git_note=texts,
    dry_run=texts,
    progress=texts,
)
ENTITY = re.compile(
    r"<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>|<!date\^\d+\^[^|<>]*\|[^<>]*>|<#C0OPS>|<https://slack\.test/[^|<>]*\|[^<>]*>"
    r"|<https://console\.huaweicloud\.com/vpc/\?region=[\w-]+#/elb/list\|cloud console>"
)


def mrkdwn(value: Any) -> Iterator[str]:
    """Every text that Slack reads as mrkdwn."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        for each in value.values():
            yield from mrkdwn(each)
    elif isinstance(value, list):
        for each in value:
            yield from mrkdwn(each)


def check(rendered: dict[str, Any]) -> None:
    """Within the limits by every table, and with no entity but those of our own making."""
    assert limits.of_blocks(rendered["blocks"]) == []
    assert faults(rendered) == []
    check_marks(rendered)


def check_marks(rendered: dict[str, Any]) -> None:
    """No entity but those of our own making."""
    for text in (rendered.get("text", ""), *mrkdwn(rendered["blocks"])):
        left = ENTITY.sub("", text)
        assert "<" not in left
        assert ">" not in left
        assert "<@U0MALLORY>" not in text
        assert OPEN not in text
        assert CLOSE not in text
    assert "<!channel" not in json.dumps(list(mrkdwn(rendered["blocks"])))


@settings(max_examples=50)
@given(change=changes, read_only=st.booleans(), break_glass=st.booleans())
def test_a_card_of_anything_is_a_valid_message(change: Change, read_only: bool, break_glass: bool) -> None:  # noqa: FBT001 - drawn
    """Every phase, with whatever names, values, reasons and sentences."""
    card = card_of(change, read_only=read_only, break_glass=break_glass)
    check(RENDERER.message("card", change=change, card=card))


@settings(max_examples=30)
@given(change=changes, link=st.sampled_from(["", "https://slack.test/x"]))
def test_what_is_said_about_anything_is_a_valid_message(change: Change, link: str) -> None:
    """Notice, alarm, reminder, break-glass, history and where the card is."""
    card, title = card_of(change), title_of(change)
    glass = next((approval for approval in change.approvals if approval.break_glass), None)
    check(RENDERER.message("notice", change=change, card=card, title=title, link=link, glass=glass))
    check(RENDERER.message("alarm", change=change, card=card))
    check(RENDERER.message("reminder", change=change, title=title, frozen=""))
    check(RENDERER.message("elsewhere", change=change, channel="C0OPS"))
    check(RENDERER.message("history", entries=[(change, card)] * 15, more=3, where=change.note))
    if glass:
        check(RENDERER.message("breakglass", change=change, approval=glass))


PAGED = {
    "count": 99,
    "first": 16,
    "last": 30,
    "buttons": [Button(action="list:next", label="Next", value="2:" + "n" * 63)],
}


@settings(max_examples=30)
@given(words=st.lists(texts, min_size=15, max_size=15))
def test_a_list_of_anything_is_a_valid_message(words: list[str]) -> None:
    """A full page of the longest and worst names."""
    lines = [Line(service=word, pass_through=word, verdict=word, findings=word) for word in words]
    wrong = [Wrong(sign="🔴", text=word, since=START, note="acknowledged") for word in words[:MOST_INCIDENTS]]
    given = {"incidents": wrong, "incidents_left": 9, "notes": words}
    check(RENDERER.message("list", lines=lines, more=words[0], where=words[1], **PAGED, **given))


@given(text=texts)
def test_a_sentence_names_only_those_whom_it_marks(text: str) -> None:
    """People whom our own sentence names are mentioned; text beside them is text."""
    plain = text.replace(OPEN, "").replace(CLOSE, "")
    rendered = RENDERER.message("sentence", sentence=f"{people(['U0BOB', 'S0SRE'])} may. {plain}")
    assert rendered["text"].startswith("<@U0BOB> or <!subteam^S0SRE> may.")
    check(rendered)


def test_a_link_is_made_of_what_is_marked_as_one_and_of_nothing_else() -> None:
    """And what would end it early makes none."""
    for url, label, sent in (
        (
            "https://slack.test/a?thread_ts=1&cid=C1",
            "CHG-1",
            "<https://slack.test/a?thread_ts=1&amp;cid=C1|CHG-1>",
        ),
        ("https://slack.test/a>|<!channel", "x", "https://slack.test/a&gt;|&lt;!channel|x"),
        ("https://slack.test/a", "<!here>", "<https://slack.test/a|&lt;!here&gt;>"),
    ):
        assert RENDERER.message("sentence", sentence=linked(url, label))["text"] == sent
    assert (
        "<http" not in RENDERER.message("sentence", sentence=unmarked(linked("https://x.test", "x")))["text"]
    )


@given(text=st.text(), limit=st.integers(1, 50))
def test_a_clipped_text_fits_once_escaped(text: str, limit: int) -> None:
    """Nothing is cut in the middle of an escape, and what fits is left alone."""
    clipped = clip(text, limit)
    assert len(escape_mrkdwn(clipped)) <= limit
    assert clipped == text or clipped.endswith("…")
    assert text.startswith(clipped.removesuffix("…"))


@given(text=st.text(), limit=st.integers(6, 50))
def test_a_squeezed_text_fits_and_keeps_both_ends(text: str, limit: int) -> None:
    """What is left out is left out in the middle, once, where the sign stands."""
    squeezed = squeeze(text, limit)
    assert len(escape_mrkdwn(squeezed)) <= limit
    assert squeezed == text or any(
        text.startswith(squeezed[:at]) and text.endswith(squeezed[at + 1 :])
        for at, sign in enumerate(squeezed)
        if sign == "…"
    )


def test_a_long_sentence_keeps_its_address() -> None:
    """The end says what cannot be reached."""
    text = f"processes on node {'n' * 253} cannot reach [2001:db8::1]:443"
    assert squeeze(text, 95).startswith("processes on node nnn")
    assert squeeze(text, 95).endswith("reach [2001:db8::1]:443")


@given(lines=st.lists(st.tuples(st.sampled_from(["Mind", "Who is affected"]), texts), max_size=30))
def test_lines_are_split_into_sections_that_fit(lines: list[tuple[str, str]]) -> None:
    """Each section is within the limit, and no line is lost."""
    groups = RENDERER._messages.filters["sections"](lines)
    assert [line for group in groups for line in group] == lines
    for group in groups:
        size = sum(len(escape_mrkdwn(clip(text, 700))) + len(label) + 6 for label, text in group)
        assert size <= TEXT_LIMIT


@given(value=texts)
def test_a_patch_holds_any_value_as_json(value: str) -> None:
    """A template's output is JSON whatever it shows."""
    rendered = RENDERER.patch("pass-through", {"service": {}, "value": value})
    shown = rendered["metadata"]["annotations"]["kubernetes.io/elb.pass-through"]
    assert shown == value


def test_a_message_without_its_value_is_an_error_that_names_the_template(tmp_path: Any) -> None:
    """Strict: what is not there is not shown as nothing."""
    (tmp_path / "messages").mkdir()
    for name, source, said in (
        ("undefined", '{"text": "{{ nobody }}", "blocks": []}', "'nobody' is undefined"),
        ("none", '{"text": "{{ nothing }}", "blocks": []}', "a value that is none"),
        ("broken", "{% if %}", "does not render"),
        ("notjson", '{"text": "x", ', "renders no JSON"),
        ("array", "[]", "does not render an object"),
    ):
        (tmp_path / "messages" / f"{name}.json.j2").write_text(source)
        with pytest.raises(RenderError, match=said) as refused:
            Renderer(tmp_path).message(name, nothing=None)
        assert f"messages/{name}.json.j2" in str(refused.value)


def test_a_template_cannot_reach_out_of_its_sandbox(tmp_path: Any) -> None:
    """No attributes of Python's, no changing of what it was given."""
    (tmp_path / "patches").mkdir()
    for name, source in (
        ("escape", "{{ ''.__class__.__mro__ }}"),
        ("change", "{{ given.append(1) }}"),
        ("random", "{{ range(9) | random }}"),
    ):
        (tmp_path / "patches" / f"{name}.json.j2").write_text(source)
        renderer = Renderer(tmp_path)
        with pytest.raises(RenderError, match=name):
            often(renderer, name)


def often(renderer: Renderer, name: str) -> None:
    """Two renderings that differ by chance agree by chance, but not for long."""
    for _ in range(200):
        renderer.patch(name, {"given": []})


def test_a_team_s_own_template_comes_first(tmp_path: Any) -> None:
    """And its digest is another one, so that nobody applies what another template rendered."""
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches" / "pass-through.json.j2").write_text('{"metadata": {"annotations": {}}}')
    own = Renderer(tmp_path)
    assert own.patch("pass-through", {}) == {"metadata": {"annotations": {}}}
    assert own.patch_digest("pass-through") != RENDERER.patch_digest("pass-through")


def test_the_largest_card_fits_as_a_whole() -> None:
    """Thirty Services, every class of client on many addresses, and findings of some length."""
    step = PROPOSED.steps[0]
    steps_ = [replace(step, service=replace(step.service, name=f"{n:02}" + "n" * 61)) for n in range(30)]
    row = ClientClass(
        client="x",
        count=99999,
        destination="x",
        before="reachable",
        after="unreachable",
        through_before=False,
        through_after=None,
    )
    table = [replace(row, client=f"{'c' * 80} {n}", destination=f"[fd00::{n}]:443") for n in range(60)]
    note = FindingNote(code="c" * 40, severity="error", message="m" * 300, fix="f" * 300)
    change = replace(
        PROPOSED, steps=tuple(steps_), table=tuple(table), findings=(note,) * 12, reason="r" * 1000
    )
    rendered = RENDERER.message("card", change=change, card=card_of(change, read_only=True))
    check(rendered)
    # Slack refuses a message whose texts have more than about 13,200 characters together (slackapi/bolt-js#2509).
    assert len(read(Message(text="", blocks=rendered["blocks"]))) < 13_000


def test_the_fullest_tables_fit() -> None:
    """Every cell as long as it may be."""
    lines = [Line(service="x" * 999, pass_through="x" * 999, verdict="x" * 999, findings="x" * 999)] * 15
    wrong = [Wrong(sign="🔴", text="&" * 999, since=START, note="acknowledged")] * MOST_INCIDENTS
    given = {"incidents": wrong, "incidents_left": 9, "notes": []}
    check(RENDERER.message("list", lines=lines, more="", where="", **PAGED, **given))
    row = ClientClass(
        client="x",
        count=0,
        destination="x" * 999,
        before="reachable",
        after="reachable",
        through_before=None,
        through_after=None,
    )
    table = [replace(row, client=f"{n}" + "x" * 999) for n in range(60)]
    change = replace(PROPOSED, table=tuple(table))
    check(RENDERER.message("card", change=change, card=card_of(change)))


def test_the_longest_confirm_fits() -> None:
    """The blast radius of thirty Services is still a question of at most 300 characters."""
    step = PROPOSED.steps[0]
    many = tuple(replace(step, service=replace(step.service, name="n" * 63)) for _ in range(30))
    change = replace(PROPOSED, steps=many, phase=Phase.SUCCEEDED)
    check(RENDERER.message("card", change=change, card=card_of(change)))
