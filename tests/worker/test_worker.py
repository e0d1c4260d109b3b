"""The worker over the store's twin: what becomes of a job, whatever its performer does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import pytest

from bot.ports import Forbidden, Job, Later, Leased, Unavailable
from bot.worker import Performer, Worker, backoff
from tests.fakes.store import JobRow, MemoryJobs, MemoryStore

SOON = 60.0
"""Seconds after which a test has failed; none of them takes a tenth of it."""


class WatchedJobs(MemoryJobs):
    """Jobs that tell what is asked of them, and can be away."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.recorded: asyncio.Queue[str] = asyncio.Queue()
        self.asked = asyncio.Event()
        self.renewed = asyncio.Event()
        self.unanswered: set[str] = set()
        """The verbs that nobody answers now."""
        self.failing_claims = 0
        self.gate = asyncio.Event()
        """What an answer to a claim waits for, when it is clear."""
        self.gate.set()

    async def claim(
        self, *, limit: int, lease: float, kinds: Collection[str] | None = None
    ) -> Sequence[Leased]:
        """Claim, or fail as often as told."""
        self.asked.set()
        if self.failing_claims:
            self.failing_claims -= 1
            raise Unavailable("the database does not answer")
        claimed = await super().claim(limit=limit, lease=lease, kinds=kinds)
        await self.gate.wait()
        return claimed

    async def renew(self, leased: Leased, *, lease: float) -> bool:
        """Renew, and tell."""
        self._answer("renew")
        held = await super().renew(leased, lease=lease)
        self.renewed.set()
        return held

    async def finish(self, leased: Leased, *, then: Sequence[Job] = ()) -> None:
        """Finish, and tell."""
        self.recorded.put_nowait(f"finished {leased.job.key}")
        self._answer("finish")
        await super().finish(leased, then=then)

    async def retry(self, leased: Leased, *, delay: float, error: str = "") -> None:
        """Give back, and tell."""
        await super().retry(leased, delay=delay, error=error)
        self.recorded.put_nowait(f"given back {leased.job.key}")

    def _answer(self, verb: str) -> None:
        if verb in self.unanswered:
            raise Unavailable("no answer")

    async def told(self) -> str:
        """Wait for the next record."""
        async with asyncio.timeout(SOON):
            return await self.recorded.get()

    def row(self, key: str) -> JobRow:
        """Look at a job."""
        return self.rows[key]


@pytest.fixture
def jobs() -> WatchedJobs:
    """Jobs on a clock of their own."""
    return WatchedJobs(MemoryStore().now)


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[asyncio.Task[None]]:
    """Let a worker work meanwhile."""
    task = asyncio.create_task(worker.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def a_worker(
    jobs: MemoryJobs,
    performer: Performer,
    *,
    poll: float = 600.0,
    lease: float = 30.0,
    heartbeat: float = 10.0,
    concurrency: int = 8,
    observe: Callable[[str, str, float], None] | None = None,
) -> Worker:
    """A worker for one kind, which looks only when it is poked."""
    return Worker(
        jobs,
        {"apply": performer},
        poll=poll,
        lease=lease,
        heartbeat=heartbeat,
        concurrency=concurrency,
        observe=observe,
        jitter=lambda: 1.0,
    )


def raising(error: Exception) -> Performer:
    """A performer that raises."""

    async def perform(_: Leased) -> None:
        raise error

    return perform


async def nothing(_: Leased) -> None:
    """A performer with nothing to do."""


async def endless(_: Leased) -> None:
    """A performer that does not end by itself."""
    await asyncio.Event().wait()


async def test_a_submitted_job_is_performed_at_once(jobs: WatchedJobs) -> None:
    """Without waiting for the next poll, ten minutes away."""
    async with working(a_worker(jobs, nothing)):
        async with asyncio.timeout(SOON):
            await jobs.asked.wait()
        await jobs.submit(Job(key="k", kind="apply"))
        assert await jobs.told() == "finished k"
    assert jobs.waiting() == []


async def test_a_job_that_falls_due_is_performed_without_a_poke(jobs: WatchedJobs) -> None:
    """The worker sleeps until the next due time, not for the whole poll."""
    async with working(a_worker(jobs, nothing)):
        await jobs.submit(Job(key="k", kind="apply", delay=0.05))
        assert await jobs.told() == "finished k"


async def test_unknown_kinds_are_left_alone(jobs: WatchedJobs) -> None:
    """A newer replica knows them."""
    await jobs.submit(Job(key="new", kind="brand-new"), Job(key="k", kind="apply"))
    async with working(a_worker(jobs, nothing)):
        assert await jobs.told() == "finished k"
    assert [job.key for job in jobs.waiting()] == ["new"]
    assert jobs.row("new").attempt == 0


async def test_a_performer_may_ask_to_be_called_again(jobs: WatchedJobs) -> None:
    """That is no failure."""
    await jobs.submit(Job(key="k", kind="apply"))
    async with working(a_worker(jobs, raising(Later(600)))):
        assert await jobs.told() == "given back k"
    assert (jobs.row("k").attempt, jobs.row("k").error) == (0, "")
    due = await jobs.next_due()
    assert due is not None
    assert 590 < due <= 600


@pytest.mark.parametrize("error", [Unavailable("no answer"), Forbidden("not you")])
async def test_the_worlds_refusals_are_tried_again(
    jobs: WatchedJobs, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """With a warning that names job and kind."""
    await jobs.submit(Job(key="k", kind="apply"))
    async with working(a_worker(jobs, raising(error))):
        assert await jobs.told() == "given back k"
    assert jobs.row("k").error == f"{type(error).__name__}: {error}"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "job k (apply) failed at attempt 1" in record.getMessage()


async def test_who_asks_for_time_gets_it(jobs: WatchedJobs) -> None:
    """Slack's Retry-After is longer than our own first wait."""
    await jobs.submit(Job(key="k", kind="apply"))
    async with working(a_worker(jobs, raising(Unavailable("slow down", retry_after=120.0)))):
        assert await jobs.told() == "given back k"
    due = await jobs.next_due()
    assert due is not None
    assert 110 < due <= 120


async def test_a_defect_of_ours_is_an_error_and_tried_again(
    jobs: WatchedJobs, caplog: pytest.LogCaptureFixture
) -> None:
    """With a traceback for us, and nothing of the payload in the record or the row."""
    await jobs.submit(Job(key="k", kind="apply", payload={"response_url": "https://hooks/secret"}))
    async with working(a_worker(jobs, raising(KeyError("oops")))):
        assert await jobs.told() == "given back k"
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert jobs.row("k").error == "KeyError"
    assert "secret" not in caplog.text


async def test_a_job_that_keeps_failing_becomes_an_error_and_is_never_dropped(
    jobs: WatchedJobs, caplog: pytest.LogCaptureFixture
) -> None:
    """Ten attempts are nobody's bad luck."""
    await jobs.submit(Job(key="k", kind="apply"))
    jobs.row("k").attempt = 9
    async with working(a_worker(jobs, raising(Unavailable("no answer")))):
        assert await jobs.told() == "given back k"
    assert caplog.records[-1].levelno == logging.ERROR
    assert jobs.waiting()


async def test_one_failing_job_does_not_stop_the_others(jobs: WatchedJobs) -> None:
    """Nor the worker."""

    async def perform(leased: Leased) -> None:
        if leased.job.key == "bad":
            raise ZeroDivisionError

    await jobs.submit(Job(key="bad", kind="apply"), Job(key="good", kind="apply"))
    async with working(a_worker(jobs, perform, concurrency=1)):
        assert {await jobs.told(), await jobs.told()} == {"given back bad", "finished good"}


async def test_no_more_jobs_run_at_once_than_allowed(jobs: WatchedJobs) -> None:
    """The next starts when one has ended."""
    running, most, gate = 0, 0, asyncio.Event()

    async def perform(_: Leased) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            gate.set()
        await gate.wait()
        running -= 1

    await jobs.submit(*(Job(key=f"k{n}", kind="apply") for n in range(10)))
    async with working(a_worker(jobs, perform, concurrency=3)):
        for _ in range(10):
            await jobs.told()
    assert most == 3


async def test_a_long_job_keeps_its_lease(jobs: WatchedJobs) -> None:
    """The heartbeat renews it for as long as it takes."""

    async def perform(_: Leased) -> None:
        await jobs.renewed.wait()

    await jobs.submit(Job(key="k", kind="apply"))
    async with working(a_worker(jobs, perform, heartbeat=0.01)):
        assert await jobs.told() == "finished k"


async def test_a_lost_lease_stops_the_performer(jobs: WatchedJobs, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody else has the job: it is neither finished nor given back by us."""
    stopped = asyncio.Event()

    async def perform(leased: Leased) -> None:
        jobs.row(leased.job.key).lease = "somebody else's"
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await jobs.submit(Job(key="k", kind="apply"))
    async with working(a_worker(jobs, perform, heartbeat=0.01)), asyncio.timeout(SOON):
        await stopped.wait()
    assert jobs.recorded.empty()
    assert jobs.row("k").lease == "somebody else's"
    assert "job k (apply) lost its lease" in caplog.text


async def test_a_lease_that_cannot_be_renewed_in_time_is_lost(
    jobs: WatchedJobs, caplog: pytest.LogCaptureFixture
) -> None:
    """When the database is away for longer than the lease, others may have the job by then."""
    stopped = asyncio.Event()

    jobs.unanswered = {"renew"}

    async def perform(_: Leased) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await jobs.submit(Job(key="k", kind="apply"))
    async with working(a_worker(jobs, perform, lease=0.05, heartbeat=0.01)), asyncio.timeout(SOON):
        await stopped.wait()
    assert "was not renewed" in caplog.text


async def test_a_stopped_worker_gives_its_leases_back(jobs: WatchedJobs) -> None:
    """Another replica takes over at once; the attempt says that half of it may be done."""
    started = asyncio.Event()

    async def perform(_: Leased) -> None:
        started.set()
        await asyncio.Event().wait()

    await jobs.submit(Job(key="k", kind="apply"))
    async with working(a_worker(jobs, perform)), asyncio.timeout(SOON):
        await started.wait()
    (leased,) = await jobs.claim(limit=1, lease=1)
    assert leased.attempt == 2


async def test_a_worker_stopped_while_it_claims_gives_back_what_it_got(jobs: WatchedJobs) -> None:
    """The leases are in the database before the answer is here."""
    await jobs.submit(Job(key="k", kind="apply"))
    jobs.gate.clear()
    task = asyncio.create_task(a_worker(jobs, endless).run())
    async with asyncio.timeout(SOON):
        await jobs.asked.wait()
    task.cancel()
    asyncio.get_running_loop().call_soon(jobs.gate.set)
    await asyncio.gather(task, return_exceptions=True)
    assert await jobs.told() == "given back k"
    assert await jobs.next_due() == 0


async def test_the_worker_outlives_a_database_that_is_away(
    jobs: WatchedJobs, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so once, and goes on when the database is back."""
    jobs.failing_claims = 3
    await jobs.submit(Job(key="k", kind="apply"))
    async with working(a_worker(jobs, nothing, poll=0.01)):
        assert await jobs.told() == "finished k"
    assert caplog.text.count("no jobs can be claimed") == 1


async def test_what_could_not_be_recorded_is_left_to_the_lease(
    jobs: WatchedJobs, caplog: pytest.LogCaptureFixture
) -> None:
    """The job is performed again; its effect is idempotent."""
    jobs.unanswered = {"finish"}
    await jobs.submit(Job(key="k", kind="apply"))
    async with working(a_worker(jobs, nothing)):
        assert await jobs.told() == "finished k"
    assert "was not recorded: no answer" in caplog.text
    assert jobs.waiting()


async def test_every_attempt_is_observed(jobs: WatchedJobs) -> None:
    """Metrics are counted by whoever listens: kind and outcome."""
    seen: list[tuple[str, str]] = []

    async def perform(leased: Leased) -> None:
        match leased.job.key:
            case "later":
                raise Later(600)
            case "failed":
                raise Unavailable("no answer")

    await jobs.submit(*(Job(key=key, kind="apply") for key in ("done", "later", "failed")))
    worker = a_worker(jobs, perform, observe=lambda kind, outcome, _: seen.append((kind, outcome)))
    async with working(worker):
        for _ in range(3):
            await jobs.told()
    assert sorted(seen) == [("apply", "done"), ("apply", "failed"), ("apply", "later")]


def test_the_wait_after_failures_doubles_up_to_half_a_minute() -> None:
    """And is spread over its upper half."""
    assert [backoff(attempt) for attempt in (1, 2, 3, 5, 6, 1000)] == [1, 2, 4, 16, 30, 30]
    assert backoff(3, share=0.0) == 2
