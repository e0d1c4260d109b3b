from datetime import timedelta

from bot.operations.jobs import QUIET, news_job
from tests.domain.verification_runs import START, fresh, measured


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
