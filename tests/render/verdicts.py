"""How a verification goes, and how it ends."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from bot.domain.verification import (
    Beside,
    Connectivity,
    Count,
    Crossing,
    Judgement,
    Outcome,
    Row,
    Run,
    Verdict,
)
from bot.domain.words import linked
from bot.operations.behind import Behind
from bot.operations.card import Button
from bot.operations.jobs import progress_job
from bot.operations.verdict import verdict_message
from tests.domain.verification_runs import measured
from tests.fakes.world import ALICE, START, Town
from tests.render.cards import PROBING
from tests.render.wire import Json, Make, of

BESIDE = (
    Beside(name="open connections", quiet=12.0, before=13.0, after=131.0),
    Beside(name="packets in", quiet=None, before=None, after=None),
)


async def _run() -> tuple[Town, Run]:
    town = Town(verification=PROBING)
    await town.order(ALICE, "verify")
    (run,) = town.store.runs.rows.values()
    return town, run


async def _progress() -> Json:
    town, _ = await _run()
    return of(town.messenger.posts[0])


async def _progress_of_a_change() -> Json:
    return await _progressed(change_id="c1")


async def _progress_stopped() -> Json:
    return await _progressed(stopped_by=ALICE, stopped_at=START, finished_at=START)


async def _progress_measured() -> Json:
    return await _progressed(finished_at=START + timedelta(minutes=14))


async def _progressed(**changed: Any) -> Json:
    town, run = await _run()
    town.store.runs.rows[run.id] = replace(run, **changed)
    town.store.messages.places["card:c1"] = town.messenger.posts[0].place
    await town.store.jobs.submit(progress_job(run.id))
    await town.work()
    return of(town.messenger.posts[0])


async def _verdict() -> Json:
    town, run = await _run()
    return of(verdict_message(town.world, failed(run)))


async def _progress_failed() -> Json:
    """Above its verdict, with the reason."""
    _, run = await _run()
    return await _progressed(finished_at=START + timedelta(minutes=14), verdict=failed(run).verdict)


async def _progress_of_a_change_failed() -> Json:
    """The change's own card says why."""
    _, run = await _run()
    ended = START + timedelta(minutes=14)
    return await _progressed(change_id="c1", finished_at=ended, verdict=failed(run).verdict)


CARD = linked("https://slack.test/archives/C0OPS/p1000", "CHG-1")
TOLD = f"as {CARD} left it (pass-through on for shop/checkout)."
UNDO = Button(
    action="change:rollback",
    label="Roll back…",
    value="c1",
    style="danger",
    confirm="6 of 6 in-cluster clients: through the ELB → direct. Nobody loses access.",
    yes="Roll back",
)


async def _verdict_behind(*buttons: Button) -> Json:
    """Of a verification that somebody asked for later: the change that made it so."""
    town, run = await _run()
    return of(verdict_message(town.world, failed(run), behind=Behind(sentence=TOLD, buttons=buttons)))


async def _notice(way_back: Behind | None, link: str = "") -> Json:
    """The same for the incident channel."""
    town, run = await _run()
    found = failed(run).verdict
    assert found is not None
    context = {"run": run, "headline": found.headline, "behind": way_back, "link": link}
    return of(town.world.message("verdict-notice", **context))


async def _verdict_undone() -> Json:
    """Somebody undid the patch while it was measured: no cause is guessed, and nothing advised."""
    town, run = await _run()
    undone = "Undone on shop/checkout: kubernetes.io/elb.pass-through was removed by kubectl-edit."
    return of(verdict_message(town.world, failed(run), undone))


async def _verdict_succeeded() -> Json:
    """Everything as expected; nothing more to say of it but the counters."""
    return await _verdict_of(noise=3.0, spread=None, counted=True, good=True)


async def _verdict_steady() -> Json:
    return await _verdict_of(noise=3.2, spread=2.0, counted=True, good=True, sure_because="")


async def _verdict_beside(*, ahead: float = 75.0, beside: tuple[Beside, ...] = BESIDE) -> Json:
    """With what else the load balancer counted, and two clocks that differ; nobody knows what to make of it."""
    town, _ = await _run()
    ended = failed(replace(measured(), ahead=ahead))
    assert ended.verdict is not None
    bare: dict[str, Any] = {"sure_because": "", "would_settle": (), "not_looked_at": (), "confidence": None}
    verdict = replace(ended.verdict, beside=beside, **bare)
    return of(verdict_message(town.world, replace(ended, verdict=verdict)))


async def _verdict_of_clocks() -> Json:
    return await _verdict_beside(ahead=-300.0, beside=())


async def _verdict_of_times() -> Json:
    """Nothing is sure, but how long a connection took."""
    _, run = await _run()
    ended = failed(run)
    assert ended.verdict is not None
    row = ended.verdict.rows[0]
    timed = replace(row, after=replace(row.after, p50_ms=1.24, p99_ms=14.6))
    return await _verdict_of(noise=None, sure_because="", would_settle=(), not_looked_at=(), rows=(timed,))


async def _verdict_in_one_line() -> Json:
    """What happened to a class is in the headline already."""
    town, run = await _run()
    ended = failed(run)
    assert ended.verdict is not None
    verdict = replace(ended.verdict, headline=ended.verdict.rows[1].explanation)
    return of(verdict_message(town.world, replace(ended, verdict=verdict)))


async def _verdict_unsettled() -> Json:
    """Nothing is sure; one thing would settle it."""
    more: dict[str, Any] = {"not_looked_at": (), "outcome": Outcome.INCONCLUSIVE, "confidence": None}
    return await _verdict_of(noise=None, counted=True, sure_because="", **more)


async def _verdict_unsure() -> Json:
    """Why it is sure, but not how much."""
    return await _verdict_of(noise=None, confidence=None, would_settle=(), not_looked_at=(), rows=())


async def _verdict_of_little() -> Json:
    """Nobody could be looked at."""
    return await _verdict_of(
        noise=None, sure_because="", would_settle=(), not_looked_at=("host processes",), rows=()
    )


async def _verdict_of_nothing() -> Json:
    return await _verdict_of(noise=None, sure_because="", would_settle=(), not_looked_at=(), rows=())


async def _verdict_of(*, counted: bool = False, good: bool = False, **changed: Any) -> Json:
    """A verdict as it may be, of a run whose counters came or did not."""
    town, run = await _run()
    ended = failed(measured() if counted else run)
    assert ended.verdict is not None
    if good:
        changed |= {"outcome": Outcome.SUCCEEDED, "rows": ended.verdict.rows[:1]}
        changed |= {"would_settle": (), "not_looked_at": (), "headline": "all cross the load balancer"}
    verdict = replace(ended.verdict, **changed)
    return of(verdict_message(town.world, replace(ended, verdict=verdict)))


def failed(run: Run) -> Run:
    """A run that found something wrong, in numbers."""
    good = Count(
        attempts=120,
        connected=120,
        seen=118,
        connectivity=Connectivity.REACHABLE,
        crossing=Crossing.CROSSED,
    )
    bad = replace(good, seen=0, crossing=Crossing.BYPASSED, nodes=("node-c",))
    row = Row(
        client="pod on a node with a backend",
        expected="through the load balancer",
        before=bad,
        after=good,
        judgement=Judgement.AS_EXPECTED,
        rule="R1",
        explanation="120 connected, the load balancer saw 118",
    )
    late = replace(
        row,
        client="pod on a node without one",
        after=bad,
        judgement=Judgement.CONTRADICTED,
        rule="wrong-way",
        explanation="120 connected, the load balancer saw none: kube-proxy on node-c still answers",
    )
    verdict = Verdict(
        outcome=Outcome.FAILED,
        rule="R2",
        headline="pods on node-c still bypass the load balancer",
        rows=(row, late),
        confidence=0.993,
        sure_because="the counter follows each burst",
        not_looked_at=tuple(f"thing {number}" for number in range(8)),
        would_settle=("another look at node-c",),
        noise=3.2,
        spread=2.0,
    )
    plan = replace(run.plan, compare=True)
    return replace(run, plan=plan, verdict=verdict, finished_at=START)


VERDICTS: Mapping[str, Make] = {
    "progress": _progress,
    "progress-of-a-change": _progress_of_a_change,
    "progress-stopped": _progress_stopped,
    "progress-measured": _progress_measured,
    "progress-failed": _progress_failed,
    "progress-of-a-change-failed": _progress_of_a_change_failed,
    "verdict": _verdict,
    "verdict-undone": _verdict_undone,
    "verdict-with-its-change": partial(_verdict_behind, UNDO),
    "verdict-with-its-change-for-others": _verdict_behind,
    "verdict-notice": partial(
        _notice, Behind(sentence=TOLD, buttons=(UNDO,)), "https://slack.test/archives/C0OPS/p2000"
    ),
    "verdict-notice-for-others": partial(_notice, Behind(sentence=TOLD)),
    "verdict-notice-of-nothing": partial(_notice, None),
    "verdict-succeeded": _verdict_succeeded,
    "verdict-steady": _verdict_steady,
    "verdict-beside": _verdict_beside,
    "verdict-of-clocks": _verdict_of_clocks,
    "verdict-of-times": _verdict_of_times,
    "verdict-in-one-line": _verdict_in_one_line,
    "verdict-unsettled": _verdict_unsettled,
    "verdict-unsure": _verdict_unsure,
    "verdict-of-little": _verdict_of_little,
    "verdict-of-nothing": _verdict_of_nothing,
}
