"""The load balancer's new connections as a picture: under the verdict, in its thread, with its numbers as text."""

from dataclasses import replace
from io import BytesIO

from PIL import Image

from bot.domain.change import Place
from bot.domain.verification import Run
from bot.domain.verification_verdict import verdict
from bot.operations.jobs import picture_job, progress_job, verdict_job
from bot.operations.verdict_picture import picture
from bot.ports import Forbidden, Unavailable
from tests.domain.verification_runs import measured
from tests.fakes.store import MemoryRuns
from tests.fakes.world import OPS, Town

VERDICT = verdict_job("run-1").key
THREAD = Place(channel=OPS, ts="1.000")


def over(**changed: object) -> Run:
    """A run that is over."""
    run = replace(measured(), change_id="", channel=OPS, **changed)  # type: ignore[arg-type]  # replace() checks
    return replace(run, verdict=verdict(run), finished_at=run.started_at)


async def town(run: Run) -> Town:
    """A town in which a verification has just ended, and its verdict is to be said."""
    here = Town()
    here.store.runs = MemoryRuns(here.store.jobs)
    here.store.runs.rows[run.id] = run
    await here.store.messages.remember(progress_job(run.id).key, THREAD)
    await here.store.jobs.submit(verdict_job(run.id))
    return here


async def test_the_picture_follows_the_verdict_in_its_thread() -> None:
    """Once, and with words for those who cannot see it."""
    here = await town(over())
    await here.work()
    (posted,) = here.messenger.keyed(VERDICT)
    (shown,) = here.messenger.shown
    assert (shown.channel, shown.thread) == (OPS, THREAD.ts)
    assert Image.open(BytesIO(shown.picture.data)).format == "PNG"
    assert shown.picture.alt == (
        "New connections per minute at the load balancer of shop/checkout on prod. Outside the bursts: always 0. "
        "In the bursts before the patch: 0 of 120, 0 of 120. In the bursts after it: 120 of 120, 120 of 120."
    )
    assert "▁" in posted.text


async def test_what_did_not_come_is_told() -> None:
    """In the picture's words too."""
    run = over()
    run = replace(run, readings=run.readings[:5] + run.readings[6:-2])
    drawn = picture((await town(run)).world, run)
    assert drawn is not None
    assert drawn.alt.endswith("In the bursts before the patch: no data of 120, 0 of 120. In the bursts after it: "
                              "120 of 120, 120 of 120. No data came of 2 periods.")  # fmt: skip


async def test_without_counters_there_is_no_picture() -> None:
    """The verdict says why."""
    here = await town(over(readings=()))
    await here.work()
    assert here.messenger.shown == []


async def test_a_workspace_that_takes_no_pictures_has_the_line_of_bars() -> None:
    """The app may lack the right to upload; nobody is bothered with it."""
    here = await town(over())
    here.messenger.fail("show", Forbidden("missing_scope"))
    await here.work()
    assert await here.store.jobs.next_due() is None


async def test_a_picture_is_shown_later_where_slack_does_not_answer() -> None:
    """The verdict does not wait for it, and is not said twice."""
    here = await town(over())
    here.messenger.fail("show", Unavailable("Slack does not answer"))
    await here.work()
    assert len(here.messenger.keyed(VERDICT)) == 1
    await here.pass_time(600)
    assert len(here.messenger.keyed(VERDICT)) == 1
    assert here.messenger.shown


async def test_a_change_whose_measurement_never_began_has_no_picture() -> None:
    """There is no run to draw; nothing is tried again because of it."""
    here = Town()
    await here.store.jobs.submit(picture_job("nobody"))
    await here.work()
    assert here.messenger.shown == []
    assert await here.store.jobs.next_due() is None
