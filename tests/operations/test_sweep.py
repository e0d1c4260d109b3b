"""What a verification left behind is cleared away; what somebody still wants, or what is not ours, stays."""

from datetime import timedelta

from bot.config.settings import Clients, VerificationSettings
from bot.operations.jobs import sweep_job
from bot.operations.sweep import EVERY, FORGOTTEN, sweep_jobs
from bot.ports import ProbePod, Unavailable
from tests.fakes.store import MemoryRuns
from tests.fakes.world import ALICE, LEAD, Town
from tests.operations.measuring import Scene


def town() -> Town:
    """A town whose verifications are played step by step."""
    here = Town(verification=VerificationSettings(clients=Clients.PROBE))
    here.store.runs = MemoryRuns(here.store.jobs)
    return here


def leave(here: Town, run: str, name: str = "left") -> None:
    """Let a probe Pod of a run be in the cluster."""
    here.cluster.started[name] = ProbePod(
        name=name,
        run=run,
        node="n1",
        host_network=False,
        targets=("tcp://10.0.0.9:443",),
        connections=1,
        duration=1.0,
        timeout=1.0,
    )


async def swept(here: Town) -> set[str]:
    """Start as `serve` does; return what is left."""
    await here.store.jobs.submit(*sweep_jobs(["prod"]))
    await here.work()
    return set(here.cluster.started)


async def test_a_pod_of_a_run_that_is_over_is_deleted_at_the_start() -> None:
    """The bot died between the verdict and the sweep."""
    here = town()
    await here.order(ALICE, "verify")
    (run,) = here.store.runs.rows.values()
    await here.click(ALICE, "verification:stop", run.id)
    leave(here, run.id)
    assert await swept(here) == set()


async def test_a_run_that_another_replica_is_at_keeps_its_pods() -> None:
    """A replica that starts must not cut short what another one measures."""
    here = town()
    run = await here.store.runs.open(Scene().run)
    leave(here, run.id)
    assert await swept(here) == {"left"}


async def test_a_run_that_nobody_knows_is_forgotten_only_when_no_probe_lives_that_long() -> None:
    """It may be another installation's; its probes end by their own deadline."""
    here = town()
    leave(here, "run-of-another-bot")
    assert await swept(here) == {"left"}, "its age is not known"
    here.cluster.born = here.clock() - FORGOTTEN + timedelta(minutes=1)
    assert await swept(here) == {"left"}
    here.cluster.born = here.clock() - FORGOTTEN - timedelta(minutes=1)
    assert await swept(here) == set()


async def test_a_cluster_is_swept_again_and_one_that_does_not_answer_soon() -> None:
    """The job is never done."""
    here = town()
    here.cluster.fail("probes", Unavailable("no answer"))
    await here.store.jobs.submit(sweep_job("prod"))
    await here.work()
    assert here.cluster.calls.count("probes") == 1
    await here.later(61)
    assert here.cluster.calls.count("probes") == 2
    await here.later(EVERY + 1)
    assert here.cluster.calls.count("probes") == 3


async def test_a_cluster_that_is_not_configured_any_more_is_left_alone() -> None:
    """Its job ends."""
    here = town()
    await here.store.jobs.submit(sweep_job("gone"))
    await here.work()
    assert here.store.jobs.waiting("sweep") == []


async def test_a_read_only_cluster_is_not_even_looked_through() -> None:
    """Nothing of ours can be in it, and nothing may be deleted."""
    here = town()
    here.cluster.read_only = True
    leave(here, "run")
    assert await swept(here) == {"left"}
    assert "probes" not in here.cluster.calls


async def test_a_pause_stops_the_probes_that_run() -> None:
    """At once, whoever measures; the run goes on with another attempt when it is resumed."""
    here = town()
    run = await here.store.runs.open(Scene().run)
    leave(here, run.id)
    await here.order(LEAD, "pause", "prod")
    assert here.cluster.started == {}
    assert (await here.store.runs.get(run.id)).open
