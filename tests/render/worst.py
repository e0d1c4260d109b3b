"""Changes at their worst: the longest names that Kubernetes allows, and text that means something to Slack."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.config.settings import CloudSettings, Provider
from bot.domain.change import Approval, Change, ClientClass, FindingNote, Phase, ServiceRef, Step
from bot.operations.card import card_of, title_of
from bot.operations.console import console
from tests.domain.test_change import PROPOSED
from tests.fakes.world import BOB, RENDERER, START
from tests.render.wire import Json

LONG = "n" * 63
"""A namespace's or a Service's longest name."""
CLUSTER = "c" * 40
FAR = CloudSettings(provider=Provider.HUAWEICLOUD, region="r" * 64, project_id="0123abc")
"""The longest name of a region that is taken."""
PERMALINK = "https://slack.test/" + "x" * 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What stands wherever somebody else's words stand."""

    words: str
    lines: str
    """The same where several lines are possible."""


TEXTS: Mapping[str, Text] = {
    "marks": Text(
        words="<!channel> <@U0MALLORY> *bold* _slanted_ ~gone~ `code` &amp; & <https://x.test|y>",
        lines="```\n<!here>\n```\n> quoted\n*bold*",
    ),
    "long": Text(words="w" * 4000, lines="line\n" * 900),
    "escaped": Text(words="<&>" * 1400, lines="&\n" * 2000),
    "letters": Text(
        words="👩‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿 مرحبا \u202edrowssap ﷽ e\u0301\u0301\u0301 \x00\x1b[31m\ud7ff\ufeff",
        lines="שלום\r\n\u2028عالم\x85\t👍🏿",
    ),
    "empty": Text(words="", lines=""),
}


# --- changes ---------------------------------------------------------------------------------------------


def change_of(text: Text, phase: Phase) -> Change:
    """A change of thirty Services in which everything is as long as it may be."""
    key = "kubernetes.io/elb.pass-through"
    ref = ServiceRef(cluster=CLUSTER, namespace=LONG, name=LONG)
    step = Step(
        service=ref,
        uid="u",
        before={key: text.words},
        after={key: None, "my.org/" + "k" * 63: text.words},
        read_hash="",
        resource_version="9" * 20,
    )
    row = ClientClass(
        client=text.words,
        count=99_999,
        destination="[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
        before="reachable",
        after="unreachable",
        through_before=False,
        through_after=None,
    )
    note = FindingNote(code="c" * 60, severity="error", message=text.words, fix=text.words)
    return replace(
        PROPOSED,
        cluster=CLUSTER,
        service=ref,
        number=10**9,
        steps=(step, *(replace(step, service=replace(ref, name=f"{n:02}{'n' * 61}")) for n in range(29))),
        reason=text.lines,
        table=tuple(replace(row, client=f"{n} {text.words}") for n in range(40)),
        findings=(note,) * 9,
        approvers=("S0SRE", *(f"U0APPROVER{n}" for n in range(40))),
        approvals=tuple(
            Approval(by=f"U0APPROVER{n}", at=START, break_glass=n == 0, reason=text.lines) for n in range(5)
        ),
        phase=phase,
        decided_by=BOB,
        decided_at=START,
        note=text.lines,
        applied_at=START,
        ended_at=START,
        rolled_back_by="" if phase in {Phase.FAILED, Phase.PROPOSED} else "CHG-1000000001",
        superseded_by="CHG-1000000002" if phase in {Phase.SUPERSEDED, Phase.EXPIRED} else "",
        approvals_needed=9,
        git_note=text.words,
        dry_run=text.words,
        progress=text.words,
        expires_at=START + timedelta(days=1),
    )


async def card(text: Text, phase: Phase, *, read_only: bool = False, glass: bool = True) -> Json:
    """The card of a change in a phase, on hold, and with links to others."""
    change = change_of(text, phase)
    paused = f"paused by {text.words}" if change.open else ""
    frozen = text.words if phase is Phase.PROPOSED and not glass else ""
    shown = card_of(change, read_only=read_only, break_glass=glass, paused=paused, frozen=frozen)
    links = {label: PERMALINK for label in (change.superseded_by, change.rolled_back_by) if label}
    undo = change.approvers if any(b.action == "change:rollback" for b in shown.buttons) else ()
    return RENDERER.message(
        "card", change=change, card=replace(shown, links=links, may_undo=undo, console=console(FAR))
    )


async def notice(text: Text, phase: Phase) -> Json:
    """What the incident channel is told about a change."""
    change = change_of(text, phase)
    return RENDERER.message(
        "notice",
        change=change,
        card=card_of(change),
        title=title_of(change),
        link=PERMALINK,
        glass=change.approvals[0],
    )


async def said(text: Text, template: str) -> Json:
    """One of the short messages about a change."""
    change = change_of(text, Phase.FAILED)
    return RENDERER.message(
        template,
        change=change,
        card=card_of(change),
        title=title_of(change),
        channel="C0OPS",
        link=PERMALINK,
        again=True,
        frozen=text.words,
        approval=change.approvals[0],
    )


async def history(text: Text) -> Json:
    """A full page of changes."""
    change = replace(change_of(text, Phase.SUPERSEDED), rolled_back_by="CHG-1000000001")
    return RENDERER.message("history", entries=[(change, card_of(change))] * 15, more=9_999, where=text.words)


async def sentence(text: Text) -> Json:
    """One sentence of ours with somebody else's words in it."""
    return RENDERER.message("sentence", sentence=f"There is no Service “{text.lines}”.")
