"""A verdict as people read it: what is said once, what is folded, and the message that stays above it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.verification import Beside, Part, Run
from bot.domain.verification_verdict import verdict
from bot.operations.jobs import progress_job
from bot.operations.verdict import verdict_message
from tests.domain.verification_runs import client, measured, plan
from tests.fakes.messenger import read
from tests.fakes.store import MemoryRuns
from tests.fakes.world import Town


def over(run: Run | None = None, **changed: object) -> Run:
    """A run that is over, and what it found, some of it changed."""
    run = run or measured()
    found = replace(verdict(run), **changed)  # type: ignore[arg-type]  # replace() checks the names itself
    return replace(run, verdict=found, finished_at=run.started_at + timedelta(seconds=100))


def said(run: Run) -> str:
    """Its message."""
    return read(verdict_message(Town().world, run))


def test_a_reason_is_said_once_for_all_that_it_concerns() -> None:
    """Five lines of small print are read by nobody."""
    off = "host-network probes are off for this cluster"
    run = over(
        not_looked_at=(
            f"process on a node with a backend: {off}",
            f"process on a node without one: {off}",
            *(f"[::{n}]:443: the API server has it" for n in range(5)),
            "something without a reason",
        )
    )
    assert (
        f"Not looked at: process on a node with a backend, process on a node without one ({off}) · "
        "[::0]:443, [::1]:443, [::2]:443, 2 more (the API server has it) · something without a reason"
    ) in said(run)


@pytest.mark.parametrize(
    ("beside", "text"),
    [
        (
            Beside(name="packets", quiet=3.25, before=3.0, after=15.5),
            "packets: 3.2 outside the bursts, 3 → 16 in them",
        ),
        (Beside(name="packets", quiet=None, before=None, after=None), "packets: no data came"),
        (
            Beside(name="packets", quiet=0.0, before=None, after=0.04),
            "packets: 0 outside the bursts, no data → 0.04 in them",
        ),
    ],
)
def test_other_metrics_are_said_with_what_is_missing_of_them(beside: Beside, text: str) -> None:
    """What did not come is not zero."""
    assert f"Also at the load balancer: {text}" in said(over(beside=(beside,)))


def test_without_a_patch_there_is_one_number_for_the_bursts() -> None:
    """There is nothing before."""
    run = measured(measurement=plan(client("beside"), compare=False), change_id="")
    told = said(over(run, beside=(Beside(name="packets", quiet=1.0, before=None, after=7.0),)))
    assert "packets: 1 outside the bursts, 7 in them" in told


@pytest.mark.parametrize(
    ("ahead", "text"),
    [(437.0, "7 min ahead of the cloud's"), (-437.0, "7 min behind the cloud's"), (59.0, ""), (0.0, "")],
)
def test_clocks_that_are_far_apart_are_said(ahead: float, text: str) -> None:
    """The bursts were timed by the cloud's."""
    told = said(over(measured(ahead=ahead)))
    assert ("Clocks: the bot's clock is" in told) == bool(text)
    assert text in told


@pytest.mark.parametrize(
    ("through", "compared", "why"),
    [
        (True, True, "the counter follows the on/off pattern of each client; before the patch it did not"),
        (
            False,
            True,
            "each client connected, and the counter stayed as it is outside the bursts; before the patch it followed",
        ),
        (
            True,
            False,
            "the counter follows the on/off pattern of each client; there is no measurement before",
        ),
        (
            False,
            False,
            "each client connected, and the counter stayed as it is outside the bursts; there is no measurement",
        ),
    ],
)
def test_a_success_says_what_the_counter_did(through: bool, compared: bool, why: str) -> None:  # noqa: FBT001  columns
    """It cannot follow connections that go past it."""
    moved = client("beside", through_before=not through, through_after=through)
    run = measured(
        lambda part, *_: (120, 120 if (part == "before") != through else 0),
        plan(moved, compare=compared),
        change_id="change-1" if compared else "",
        quiet=lambda n: n % 2,
    )
    assert f"Sure because {why}" in said(over(run))


@pytest.mark.parametrize("ahead", [0.0, 437.0])
async def test_what_stays_above_the_verdict_says_how_it_ended_and_how_long_it_took(ahead: float) -> None:
    """Whatever the clocks said."""
    town = Town()
    run = replace(over(measured(ahead=ahead)), change_id="", channel="C0OPS")
    run = replace(run, finished_at=run.started_at + timedelta(seconds=ahead + 100))
    town.store.runs = MemoryRuns(town.store.jobs)
    town.store.runs.rows[run.id] = run
    await town.store.jobs.submit(progress_job(run.id))
    await town.work()
    (posted,) = town.messenger.keyed(progress_job(run.id).key)
    text = (
        "✅ *Succeeded* in 1 min 40 s: the verification of shop/checkout · prod: "
        "in-cluster traffic to shop/checkout now crosses the load balancer. The table is in the thread."
    )
    assert text in posted.text
    assert posted.message.text.startswith(
        "Verification of shop/checkout on prod: succeeded in 1 min 40 s: in-c"
    )


def test_a_failed_row_is_marked_and_the_next_step_is_said() -> None:
    """Which of the rows it is, and on which node to do what."""
    run = measured(lambda part, name, _: (120, 0 if part is Part.BEFORE or name == "apart" else 120))
    text = said(over(run))
    assert "✅ beside" in text
    assert "❌ apart" in text
    assert "*Next*  Restart kube-proxy on apart-1, then verify again." in text


def test_a_node_that_is_cut_off_is_looked_at_by_hand() -> None:
    """No one cause is likely enough to name a remedy: it is said where to look."""
    text = said(over(measured(lambda part, *_: (120, 0) if part is Part.BEFORE else (0, 0))))
    assert "*Next*  Connect from beside-1 to https://10.9.0.9:443 by hand" in text


def test_a_rollback_that_does_not_take_effect_starts_with_the_annotation() -> None:
    """It may have been written again."""
    past = client("beside", through_before=True, through_after=False)
    text = said(over(measured(lambda *_: (120, 120), plan(past))))
    assert "*Next*  Look at the annotation once more" in text


def test_a_counter_that_counts_others_is_alive() -> None:
    """Then there is nothing to add."""
    past = client("beside", through_before=True, through_after=False)
    run = measured(lambda *_: (120, 0), plan(past, compare=False), quiet=lambda n: n % 2, change_id="")
    assert "0 throughout" not in said(over(run))
    assert "stayed as it is outside the bursts; there is no measurement before" in said(over(run))


@pytest.mark.parametrize("compared", [True, False])
def test_how_long_a_connection_took_is_said_where_probes_tell(compared: bool) -> None:  # noqa: FBT001  a column
    """Through the load balancer it takes longer; a class whose probes did not tell is left out."""
    run = over(measured(measurement=plan(client("beside"), client("apart"), compare=compared)))
    assert "Milliseconds" not in said(run)
    assert run.verdict is not None
    first, second = run.verdict.rows
    told = replace(
        first,
        before=replace(first.before, p50_ms=1.24, p99_ms=4.0) if first.before else None,
        after=replace(first.after, p50_ms=2.16, p99_ms=61.7),
    )
    text = said(over(run, rows=(told, second)))
    times = "1.2 / 4 → 2.2 / 62" if compared else "2.2 / 62"
    assert f"Milliseconds per connection, p50 / p99: beside {times}\n" in f"{text}\n"
