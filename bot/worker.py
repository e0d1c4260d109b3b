"""The worker: performs leased jobs until they are done, on as many replicas as there are."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from bot.ports import Jobs, Later, Leased, Unavailable, WorldError

Performer = Callable[[Leased], Awaitable[None]]
"""Does what a job says: None when it is done, `Later` to be called again, a `WorldError` to try again."""

_LONGEST_DELAY = 30.0
"""Seconds: people who look at a card should not wait for minutes once the other side answers again."""
_OFTEN = 10
"""From this attempt on, a failure is an error of ours and no longer the world's mood."""
_STOPPED = "the replica was stopped"
_COURTESY = 0.02
"""Seconds between two looks whether requests are still coming in."""
_PATIENCE = 0.25
"""Seconds that a due job waits at most for requests to stop coming in: people wait for an acknowledgement, nobody
for a job to the millisecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The job is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The job is due again after `delay` seconds; without an error it was planned so."""

    delay: float
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The lease ended while the job was performed: somebody else has it now."""


Outcome = Done | Again | Lost
Observe = Callable[[str, str, float], None]
"""Told of each attempt: kind, outcome (done, later, failed, lost, stopped), seconds."""


def backoff(attempt: int, *, share: float = 1.0, first: float = 1.0) -> float:
    """Return the seconds to wait after a failed attempt: doubling, at most half a minute.

    `share`, from 0 to 1, spreads the upper half, so that replicas which failed together do not return together.
    """
    longest = min(_LONGEST_DELAY, first * 2.0 ** min(attempt - 1, 16))
    return longest / 2 + longest / 2 * share


class Worker:
    """Claims due jobs of the kinds it has performers for; other kinds wait for a replica that knows them.

    Performing is at least once: a performer makes its effect idempotent, and looks first when
    `leased.attempt` is above 1. A job is never dropped: it is tried again, at most half a minute later, for ever.
    """

    def __init__(
        self,
        jobs: Jobs,
        performers: Mapping[str, Performer],
        *,
        lease: float = 30.0,
        heartbeat: float = 10.0,
        poll: float = 1.0,
        concurrency: int = 8,
        log: logging.Logger | None = None,
        observe: Observe | None = None,
        jitter: Callable[[], float] = random.random,
        yields_to: Callable[[], bool] = lambda: False,
    ) -> None:
        self._jobs = jobs
        self._performers = dict(performers)
        self._lease = lease
        self._heartbeat = heartbeat
        self._poll = poll
        self._concurrency = concurrency
        self._log = log or logging.getLogger("bot.worker")
        self._observe = observe
        self._jitter = jitter
        self._yields_to = yields_to
        self._wake = asyncio.Event()
        self._busy: set[asyncio.Task[None]] = set()
        self._failures = 0
        jobs.subscribe(self.poke)

    def poke(self) -> None:
        """Look for due jobs at once."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; what is under way then is stopped, and its leases are given back."""
        looking: asyncio.Future[float] | None = None
        try:
            while True:
                self._wake.clear()
                await self._give_way()
                looking = asyncio.ensure_future(self._round())
                await self._rest(await asyncio.shield(looking))
        finally:
            if looking is not None:
                # A claim under way is in the database already: it must be known here to be given back.
                await asyncio.gather(looking, return_exceptions=True)
            await self._stop()

    async def _stop(self) -> None:
        # What was started a moment ago must have begun: a task cancelled before gives nothing back.
        await asyncio.sleep(0)
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)

    async def _round(self) -> float:
        """Start what is due, as far as there is room; return the seconds until the next look."""
        # While requests come in, one job at a time is enough.
        room = (1 if self._yields_to() else self._concurrency) - len(self._busy)
        if room <= 0:
            return self._poll
        try:
            claimed = await self._jobs.claim(limit=room, lease=self._lease, kinds=self._performers)
            for leased in claimed:
                self._start(leased)
            due = await self._jobs.next_due(kinds=self._performers)
        except Unavailable as error:
            return self._store_is_down(error)
        self._failures = 0
        return self._poll if due is None else min(self._poll, due)

    def _store_is_down(self, error: Unavailable) -> float:
        self._failures += 1
        if self._failures == 1:
            self._log.warning("no jobs can be claimed: %s", error)
        return min(5.0, backoff(self._failures, share=self._jitter(), first=self._poll))

    async def _give_way(self) -> None:
        """Let requests be acknowledged first, for a while."""
        patience = _PATIENCE
        while patience > 0 and self._yields_to():
            await asyncio.sleep(_COURTESY)
            patience -= _COURTESY

    async def _rest(self, seconds: float) -> None:
        try:
            # Another replica may hold the very row that is due: never spin on it.
            async with asyncio.timeout(max(seconds, 0.01)):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _start(self, leased: Leased) -> None:
        task = asyncio.create_task(self._perform(leased), name=f"job {leased.job.key}")
        self._busy.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._busy.discard(task)
        self.poke()

    async def _perform(self, leased: Leased) -> None:
        """Perform one job under its lease, and record what came of it."""
        started = monotonic()
        performing = asyncio.ensure_future(self._performers[leased.job.kind](leased))
        beating = asyncio.create_task(self._beat(leased, performing))
        try:
            outcome = await self._outcome(leased, performing)
        except asyncio.CancelledError:
            self._told(leased, "stopped", started)
            await self._record(leased, Again(delay=0.0, error=_STOPPED))
            raise
        finally:
            beating.cancel()
        self._told(leased, _word(outcome), started)
        await self._record(leased, outcome)

    async def _outcome(self, leased: Leased, performing: asyncio.Future[None]) -> Outcome:
        """Wait for the performer; the one place where whatever it raises ends."""
        try:
            await performing
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return Lost()
        except Later as later:
            return Again(delay=later.delay)
        except WorldError as error:
            asked = getattr(error, "retry_after", None) or 0.0
            return self._failed(leased, f"{type(error).__name__}: {error}", at_least=asked)
        except Exception as error:  # noqa: BLE001 - the one error handler at this edge
            return self._failed(leased, type(error).__name__, trace=error)
        return Done()

    def _failed(
        self, leased: Leased, error: str, *, trace: Exception | None = None, at_least: float = 0.0
    ) -> Again:
        delay = max(backoff(leased.attempt, share=self._jitter()), at_least)
        bad = trace is not None or leased.attempt >= _OFTEN
        self._log.log(
            logging.ERROR if bad else logging.WARNING,
            "job %s (%s) failed at attempt %d, again in %.1f s: %s",
            leased.job.key,
            leased.job.kind,
            leased.attempt,
            delay,
            error,
            exc_info=trace,
        )
        return Again(delay=delay, error=error)

    async def _record(self, leased: Leased, outcome: Outcome) -> None:
        """Tell the store; when it does not answer, the lease runs out and somebody performs the job again."""
        try:
            match outcome:
                case Done():
                    await self._jobs.finish(leased)
                case Again(delay=delay, error=error):
                    await self._jobs.retry(leased, delay=delay, error=error)
                case Lost():
                    self._log.warning("job %s (%s) lost its lease", leased.job.key, leased.job.kind)
        except Unavailable as error:
            self._log.warning("job %s (%s) was not recorded: %s", leased.job.key, leased.job.kind, error)

    async def _beat(self, leased: Leased, performing: asyncio.Future[None]) -> None:
        """Renew the lease while the job is performed; stop performing when the lease is lost."""
        held_until = monotonic() + self._lease
        while monotonic() < held_until:
            await asyncio.sleep(min(self._heartbeat, held_until - monotonic()))
            asked = monotonic()
            try:
                if not await self._jobs.renew(leased, lease=self._lease):
                    break
                held_until = asked + self._lease
            except Unavailable as error:
                self._log.warning("the lease of job %s was not renewed: %s", leased.job.key, error)
        performing.cancel()

    def _told(self, leased: Leased, word: str, started: float) -> None:
        if self._observe is not None:
            self._observe(leased.job.kind, word, monotonic() - started)


def _word(outcome: Outcome) -> str:
    match outcome:
        case Done():
            return "done"
        case Again(error=""):
            return "later"
        case Again():
            return "failed"
        case Lost():
            return "lost"
