"""Every message and view at its worst: the longest names that Kubernetes allows, and text that means something to Slack.

By kind of text, then by message: `EXTREMES["marks"]["card-proposed"]()`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from bot.domain.change import Phase, Place, ServiceRef
from bot.domain.explanation import (
    Client,
    ClientKind,
    Destination,
    Explanation,
    Finding,
    PassThrough,
    PassThroughState,
    Path,
    Reason,
    Remedy,
    Severity,
    SourceIP,
    Verdict,
)
from bot.domain.fact import Fact, Origin
from bot.domain.incident import Incident, Member, Snooze
from bot.domain.incident import Phase as IncidentPhase
from bot.domain.objects import Ref
from bot.domain.policy import Policy
from bot.domain.verification import Beside, Judgement, Outcome, Row
from bot.domain.verification import Verdict as RunVerdict
from bot.listeners.views import ask_view, reason_view
from bot.operations import ask
from bot.operations.behind import Behind
from bot.operations.card import Button
from bot.operations.contradiction import Contradiction
from bot.operations.home import home_view, silent_view
from bot.operations.incident_jobs import notice_job
from bot.operations.incident_notice import notice_message, notice_of
from bot.operations.incident_roster import Line as Wrong
from bot.operations.jobs import card_job
from bot.operations.listing import MOST_INCIDENTS, PAGE, Line
from bot.operations.rights import Rights
from bot.operations.status import status_message
from bot.operations.verdict import verdict_message
from bot.ports import Freshness, Person
from tests.domain.verification_runs import measured
from tests.fakes.world import (
    ALICE,
    BOB,
    RENDERER,
    START,
    Town,
    caller,
    service,
    shop,
    slices,
)
from tests.render.cards import PROBING
from tests.render.verdicts import failed
from tests.render.wire import Json, Make, of
from tests.render.worst import (
    CLUSTER,
    FAR,
    LONG,
    PERMALINK,
    TEXTS,
    Text,
    card,
    change_of,
    history,
    notice,
    said,
    sentence,
)

# --- questions -------------------------------------------------------------------------------------------


def explanation_of(text: Text) -> Explanation:
    """An explanation in which every part is there more often than there is room."""
    to = Destination(ip="2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", port=65535, protocol="TCP", scope="private")
    path = Path(
        client=Client(kind=ClientKind.POD, group="pod-with-backend", stands_for=99_999),
        destination=to,
        verdict=Verdict.UNREACHABLE,
        via_load_balancer=False,
        endpoints=(),
        source_ip=SourceIP.NODE,
        traces=(),
        reasons=(),
        missing=("kubeProxy.mode",),
    )
    reasons = [Reason(code=f"{n}-" + "c" * 60, message=text.words, source=text.words) for n in range(20)]
    return Explanation(
        service=Ref(LONG, LONG),
        pass_through=PassThrough(state=PassThroughState.OFF, value=text.words),
        facts=tuple(Fact(name=f"fact.{n}", value=text.words, origin=Origin.API) for n in range(30)),
        paths=tuple(
            replace(
                path,
                client=Client(kind=ClientKind.POD, group="", namespace=LONG, name=f"{n:03}" + "p" * 60),
                destination=replace(to, port=n + 1),
                reasons=(reason,),
            )
            for n, reason in enumerate(reasons * 3)
        ),
        findings=tuple(
            Finding(code="f" * 60, severity=Severity.ERROR, message=text.words, fix=text.lines)
            for _ in range(9)
        ),
        remedies=tuple(Remedy(code="r", message=text.lines) for _ in range(9)),
    )


def anybody() -> Rights:
    """Somebody who may do everything."""
    may = ("*",)
    return Rights(
        person=Person(id=ALICE, team="T01TEAM", name="Alice", full_member=True),
        groups={},
        policies=(Policy(view=may, propose=may, approve=may, verify=may, rollback=may),),
    )


async def status(text: Text, *, shared: bool = False) -> Json:
    """A status with everything in it."""
    cluster = shop(CLUSTER)
    cluster.fresh = Freshness(synced=True, age=None, problem=text.words or "connection refused")
    cluster.put(service(LONG, LONG))
    cached = cluster.snapshot().service(Ref(LONG, LONG))
    assert cached is not None
    return of(
        status_message(
            Town(clusters=[cluster], cloud=FAR).world,
            None if shared else anybody(),
            ServiceRef(cluster=CLUSTER, namespace=LONG, name=LONG),
            cached,
            explanation_of(text),
            shared_by=ALICE if shared else "",
            measured=Contradiction(sentence=text.lines, client=text.words, kind="pod-with-backend"),
        )
    )


def fleet() -> Town:
    """Twelve clusters of many Services with the longest names."""
    clusters = []
    for number in range(12):
        cluster = shop(f"{number:02}{CLUSTER}")
        for index in range(20):
            cluster.put(service(LONG, f"{index:02}{'n' * 61}", ip=f"10.9.{number}.{index}", elb=f"e{index}"))
            cluster.put(slices(f"{index:02}{'n' * 61}", "node-a", namespace=LONG))
        clusters.append(cluster)
    return Town(clusters=clusters)


async def listed(text: Text) -> Json:
    """A list of what is configured in several clusters."""
    del text
    return of(await ask.listing(fleet().world, caller(ALICE), ""))


async def troubled(text: Text) -> Json:
    """A page of a list with incidents, and a word about each of several clusters."""
    words = text.words or "something is wrong"
    wrong = [Wrong(sign="🔴", text=words, since=START, note="acknowledged")] * MOST_INCIDENTS
    line = Line(service=words, pass_through=words, verdict=words, findings=words)
    return RENDERER.message(
        "list",
        incidents=wrong,
        incidents_left=9_999,
        lines=[line] * PAGE,
        count=9_999,
        first=9_984,
        last=9_999,
        more=words,
        buttons=[Button(action="list:next", label="Next", value="2:" + "n" * 1000)],
        where=words,
        notes=[words] * 12,
    )


async def diagram(text: Text) -> Json:
    """A diagram in words."""
    lines = "\n".join([text.words or "shop/checkout", *["  a  →  b"] * 99])
    return RENDERER.message("diagram", title=f"Traffic paths of {LONG}/{LONG}", text=lines)


async def helped(text: Text) -> Json:
    """Help, with many clusters, for somebody who may do everything in some of them."""
    del text
    town, every = fleet(), (ALICE,)
    policy = Policy(namespace=LONG, propose=every, approve=every, verify=every, break_glass=every)
    settings = town.settings()
    town.world = town.replica(settings=replace(settings, policies=(policy,), operators=every))
    return of(await ask.help_for(town.world, caller(ALICE)))


# --- verifications ---------------------------------------------------------------------------------------


async def verdict(text: Text, outcome: Outcome, *, undone: bool = False) -> Json:
    """A verdict in which nothing went as expected."""
    town = Town(verification=PROBING)
    ended = failed(replace(measured(), ahead=-9_999.0))
    assert ended.verdict is not None
    row = ended.verdict.rows[0]
    row = replace(row, after=replace(row.after, p50_ms=1.0e7, p99_ms=1.0e9))
    late = replace(ended.verdict.rows[1], client=ended.plan.clients[1].name)
    rows = (late, *(_worst(row, text, number) for number in range(11)))
    worst = RunVerdict(
        outcome=outcome,
        rule="R9",
        headline=text.words or "nothing is known",
        rows=rows,
        confidence=0.99,
        sure_because=text.words,
        not_looked_at=(text.words,) * 9,
        would_settle=(text.lines,) * 9,
        noise=123456.7,
        spread=9999.0,
        beside=(Beside(name=text.words, quiet=1e9, before=1e9, after=1e9),) * 4,
    )
    way_back = worst_behind(text) if outcome is Outcome.FAILED else None
    undone_by = text.words if undone else ""
    return of(verdict_message(town.world, replace(ended, verdict=worst), undone_by, behind=way_back))


def worst_behind(text: Text) -> Behind:
    """The change behind a failure, and its dialog at its longest."""
    undo = Button(
        action="change:rollback",
        label="Roll back…",
        value="c" * 32,
        style="danger",
        confirm=text.lines,
        yes="Roll back",
    )
    return Behind(sentence=text.lines, buttons=(undo,))


async def verdict_notice(text: Text) -> Json:
    """What the incident channel is told of a verification that failed."""
    ref = ServiceRef(cluster=CLUSTER, namespace=LONG, name=LONG)
    run = replace(measured(), service=ref, requested_by=ALICE)
    context = {"run": run, "headline": text.lines, "behind": worst_behind(text), "link": PERMALINK}
    return RENDERER.message("verdict-notice", **context)


async def progress(text: Text, **changed: Any) -> Json:
    """How far a verification is, of a Service with the longest name."""
    ref = ServiceRef(cluster=CLUSTER, namespace=LONG, name=LONG)
    run = replace(measured(), service=ref, requested_by=ALICE, **{"change_id": "", **changed})
    bar = {"step": 99, "of": 99, "words": text.words or "a burst", "bar": "▓" * 8, "left": "23 h 59 min"}
    stop = Button(action="verification:stop", label="Stop measuring", value="r" * 64)
    return RENDERER.message(
        "progress",
        run=run,
        service=ref,
        progress=bar,
        ended={"emoji": "❔", "word": "Inconclusive", "took": "23 h 59 min", "why": text.words},
        buttons=() if changed else (stop,),
    )


async def verifying_elsewhere(text: Text) -> Json:
    """Where the results of such a one are."""
    del text
    ref = ServiceRef(cluster=CLUSTER, namespace=LONG, name=LONG)
    run = replace(measured(), service=ref)
    return RENDERER.message("verifying-elsewhere", run=run, channel="C0OPS")


def _worst(row: Row, text: Text, number: int) -> Row:
    return replace(
        row,
        client=f"{number} {text.words}",
        expected=text.words,
        judgement=Judgement.CONTRADICTED,
        explanation=text.lines or "it is not known why",
        after=replace(row.after, p50_ms=9_999_999.0, p99_ms=99_999_999.0),
    )


# --- incidents -------------------------------------------------------------------------------------------


def incident_of(text: Text, *, members: int = 20) -> Incident:
    """An incident of many Services, acknowledged and snoozed."""
    member = Member(
        service=ServiceRef(cluster=CLUSTER, namespace=LONG, name=LONG),
        text=text.words or "it is not known",
        why=text.lines,
        still=text.words,
        code="c" * 60,
        fix=text.lines,
        verb="enable",
    )
    return Incident(
        id="i" * 32,
        cluster=CLUSTER,
        group="elb:" + "e" * 36,
        rule="r" * 60,
        title=text.words or "something is wrong",
        severity=Severity.ERROR,
        since=START - timedelta(days=3),
        members=(member,) * members,
        phase=IncidentPhase.OPEN,
        times=99,
        flips=99,
        acknowledged_by="",
        snooze=Snooze(by=ALICE, at=START, until=START + timedelta(hours=8)),
    )


async def incident(text: Text, **changed: Any) -> Json:
    """The message of an incident."""
    row = incident_of(text, members=changed.pop("members", 20))
    if not changed.pop("fixable", True):
        row = replace(row, members=tuple(replace(each, verb="", fix="") for each in row.members))
    return of(notice_message(Town().world, replace(row, **changed)))


async def incidents(text: Text) -> Json:
    """The message of many at once."""
    notices = [(notice_of(incident_of(text)), "acknowledged by somebody")] * 12
    return RENDERER.message(
        "incidents", title="99 incidents at once", notices=notices, more="and 87 more: ask for the list"
    )


async def digest(text: Text, template: str = "incident-digest") -> Json:
    """The message of what was so at the first look, or stays so."""
    words = text.words or "something is wrong"
    return RENDERER.message(template, cluster=CLUSTER, count="99 incidents", lines=[("🔴", words)] * 30)


async def weekly(text: Text) -> Json:
    """The message of what merely stays as it is."""
    return await digest(text, "incident-weekly")


async def unheard(text: Text, count: int = 30) -> Json:
    """The message of what another channel cannot be told."""
    lines = [("🔴", text.words or "something is wrong")] * count
    return RENDERER.message("incident-unheard", channel="C0OPS", lines=lines)


# --- views -----------------------------------------------------------------------------------------------


async def home(text: Text) -> Json:
    """The Home tab of a busy day."""
    town = Town()
    for number, phase in enumerate((Phase.PROPOSED, Phase.FAILED, Phase.VERIFYING) * 10):
        change = change_of(text, phase)
        mine = ALICE if number % 2 else BOB
        row = replace(change, id=f"c{number}", cluster="prod", requested_by=mine)
        town.store.changes.rows[row.id] = row
        town.store.messages.places[card_job(row.id).key] = Place(channel="C0OPS", ts="1.1")
        wrong = replace(incident_of(text), id=f"i{number}", group=f"g{number}", cluster="prod")
        wrong = replace(wrong, acknowledged_by=BOB)
        town.store.incidents.rows[wrong.id] = wrong
        town.store.messages.places[notice_job(wrong.id).key] = Place(channel="C0INC", ts="1.1")
    return await home_view(town.world, caller(ALICE))


async def asked(text: Text) -> Json:
    """The modal, asked for in a place with the longest ids."""
    town = Town(clusters=[shop(CLUSTER), shop("test")])
    place = replace(caller(ALICE), response_url="https://hooks.slack.com/" + "u" * 500)
    del text
    return ask_view(town.world, place, "disable", must_say_why=True)


async def reasoned(text: Text, action: str = "change:breakglass") -> Json:
    """The modal that asks for a reason."""
    place = replace(caller(ALICE), response_url="https://hooks.slack.com/" + "u" * 500)
    del text
    return reason_view(Town().world, place, "c" * 32, action)


async def silent(text: Text) -> Json:
    """The Home tab of a bad day."""
    return silent_view(Town().world, f"Nothing can be shown now: {text.lines}.")


def _named(text: Text) -> Iterator[tuple[str, Make]]:
    for phase in Phase:
        yield f"card-{phase}", partial(card, text, phase)
        yield f"notice-{phase}", partial(notice, text, phase)
    yield "card-read-only", partial(card, text, Phase.PROPOSED, read_only=True)
    yield "card-frozen", partial(card, text, Phase.PROPOSED, glass=False)
    for template in ("alarm", "reminder", "invitation", "elsewhere", "breakglass"):
        yield template, partial(said, text, template)
    for outcome in Outcome:
        yield f"verdict-{outcome}", partial(verdict, text, outcome)
    yield "verdict-notice", partial(verdict_notice, text)
    yield "verdict-undone", partial(verdict, text, Outcome.FAILED, undone=True)
    yield "incident", partial(incident, text)
    yield "incident-one", partial(incident, text, members=1, acknowledged_by=BOB, acknowledged_at=START)
    mended = {"members": 1, "fixable": False, "acknowledged_by": BOB, "acknowledged_at": START}
    yield "incident-without-buttons", partial(incident, text, **mended)
    forever = Snooze(by=ALICE, at=START, until=None)
    yield "incident-snoozed", partial(incident, text, members=2, snooze=forever, times=1, flips=0)
    over = {"phase": IncidentPhase.CLOSED, "over_at": START, "ended_by": text.lines}
    yield "incident-over", partial(incident, text, **over)
    makers = (
        history, sentence, status, listed, troubled, progress, verifying_elsewhere, diagram, helped, incidents, digest, weekly, unheard, home, asked, reasoned, silent,
    )  # fmt: skip
    yield from ((maker.__name__, partial(maker, text)) for maker in makers)
    yield "unheard-no-more", partial(unheard, text, 0)
    yield "status-shared", partial(status, text, shared=True)
    yield "progress-stopped", partial(progress, text, stopped_by=ALICE, finished_at=START)
    over = {"finished_at": START, "change_id": "c" * 32}
    yield "progress-over", partial(progress, text, **over)
    yield "progress-over-alone", partial(progress, text, **{**over, "change_id": ""})
    yield "rejected", partial(reasoned, text, "change:reject")


EXTREMES: Mapping[str, Mapping[str, Make]] = {name: dict(_named(text)) for name, text in TEXTS.items()}
