from dataclasses import replace
from datetime import timedelta

from bot.operations.edits import PER_MINUTE, EditBudget
from bot.operations.jobs import QUIET, news_job, progress_job
from tests.domain.verification_runs import START, fresh, measured
from tests.fakes.store import MemoryRuns
from tests.fakes.world import OPS, Town


def test_a_progress_message_is_drawn_at_once_where_a_step_ends() -> None:
    """From listening to the end of everything."""
    assert news_job(fresh(), measured(), START).delay == 0


def test_while_a_step_lasts_a_progress_message_is_drawn_every_15_seconds() -> None:
    """All edits of the app share one budget at Slack."""
    assert news_job(fresh(), fresh(calls=3), START).delay == QUIET == 15


def test_a_run_that_ended_is_drawn_at_once() -> None:
    """Its button must go."""
    over = fresh(finished_at=START + timedelta(seconds=1))
    assert news_job(fresh(), over, START).delay == 0


async def test_however_many_verifications_run_their_edits_share_one_budget() -> None:
    """Forty at once: each is posted at once, edited less often, and its end is shown without waiting."""
    town = Town()
    town.store.runs = MemoryRuns(town.store.jobs)
    runs = [replace(fresh(), id=f"run-{n}", change_id="", channel=OPS) for n in range(40)]
    for run in runs:
        town.store.runs.rows[run.id] = run
        await town.store.jobs.submit(progress_job(run.id))
    await town.work()
    assert len(town.messenger.posts) == 40
    edits = town.messenger.calls.count("edit")
    for second in range(60):
        for run in runs:
            await town.store.jobs.submit(progress_job(run.id))
        await town.later(1)
        assert town.messenger.calls.count("edit") - edits <= PER_MINUTE, second
    assert town.messenger.calls.count("edit") - edits == PER_MINUTE
    for run in runs:
        town.store.runs.rows[run.id] = replace(run, finished_at=town.clock())
        await town.store.jobs.submit(progress_job(run.id))
    await town.work()
    assert town.messenger.calls.count("edit") - edits == PER_MINUTE + 40


def test_the_budget_is_that_of_the_last_minute() -> None:
    """Nothing is saved up, and nothing is lost."""
    budget = EditBudget(most=2)
    assert [budget.take(START + timedelta(seconds=s)) for s in (0, 10, 20, 60, 61)] == [0, 0, 40, 0, 9]
