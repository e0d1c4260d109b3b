import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.verification import Burst, Outcome, Part, ProbePhase, Run
from bot.domain.verification_pattern import at_most, duration
from bot.operations import measure
from bot.ports import Forbidden, NotFound, ProbePod, ProbeState, Stale, Unavailable
from tests.operations.measuring import (
    START,
    Metering,
    Scene,
    StoppedEarly,
    client,
    node,
    plan,
    slices,
)

SHORT = plan(
    client("pod-with-backend", "node-a", "node-b"),
    client("pod-without-backend", "node-c"),
    period=1.0,
    baseline=2.0,
    window=10.0,
)


def rules(done: measure.Complete) -> dict[str, str]:
    """Class → the rule that decided."""
    return {row.client: row.rule for row in done.verdict.rows}


@pytest.mark.parametrize("measurement", [None, SHORT, replace(SHORT, period=2.0, baseline=4.0, window=20.0)])
async def test_the_whole_story_succeeds_at_any_period(measurement: object) -> None:
    """A minute as the real cloud has it, a second or two as a stub may."""
    scene = Scene(SHORT) if measurement is SHORT else Scene(measurement)  # type: ignore[arg-type]  # None is the default
    done = await scene.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
    assert [b.part for b in done.run.bursts] == [Part.BEFORE, Part.BEFORE, Part.AFTER, Part.AFTER]
    assert done.run.finished_at is not None
    assert not done.run.open
    assert scene.cluster.started == {}
    assert done.verdict.calls > 0


async def test_the_estimate_on_the_card_is_about_right() -> None:
    """People decide by it whether to wait."""
    scene = Scene(metering=Metering(delay=60.0))
    await scene.play()
    took = (scene.clock() - START).total_seconds()
    assert took == pytest.approx(duration(scene.plan), abs=180.0)


async def test_nothing_is_sent_but_the_planned_bursts() -> None:
    """Two classes, two sides, at most the approved number each."""
    scene = Scene()
    await scene.play()
    assert {target for pod in scene.cluster.created for target in pod.targets} == set(
        scene.plan.clients[0].targets
    )
    assert sum(pod.connections for pod in scene.cluster.created) <= 4 * scene.plan.connections
    assert {pod.node for pod in scene.cluster.created} == {"node-a", "node-b", "node-c"}


async def test_what_is_not_sent_because_enough_was_is_said() -> None:
    """Every Pod is evicted: no class is tried again without end, and the verdict names why."""
    scene = Scene(plan(*(client("", "node-a", name=f"class {n}", kind="") for n in range(5)), connections=20))
    scene.cluster.fate = lambda _: ProbeState(phase="gone", why="evicted")
    done = await scene.play()
    assert sum(p.connections for b in done.run.bursts for p in b.probes) == at_most(done.run.plan)
    assert (
        "another run: this one has opened as many connections as were approved" in done.verdict.would_settle
    )


@settings(max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    targets=st.integers(1, 8),
    connections=st.sampled_from([1, 7, 20, 50, 120]),
    compare=st.booleans(),
    seed=st.integers(0, 999),
)
def test_no_more_is_ever_sent_than_the_card_says(
    sizes: list[int],
    targets: int,
    connections: int,
    compare: bool,  # noqa: FBT001  a case
    seed: int,
) -> None:
    """Whatever becomes of the Pods, and however often is looked again: in all, and class by class in each burst."""
    dice = Random(seed)  # noqa: S311  a seed, not a secret
    where = tuple(f"tcp://10.9.0.9:{443 + n}" for n in range(targets))
    clients = [
        client("", *(f"n{n}" for n in range(size)), name=f"class {index}", kind="", targets=where)
        for index, size in enumerate(sizes)
    ]
    scene = Scene(plan(*clients, connections=connections, compare=compare))
    for n in range(max(sizes)):
        scene.cluster.put(node(f"n{n}"))
    scene.through = {f"n{n}": dice.random() < 0.5 for n in range(max(sizes))}
    gone = ProbeState(phase="gone", why="evicted")
    pending = ProbeState(phase="pending", why="ImagePullBackOff")
    fates: dict[str, ProbeState | None] = {}
    asked: dict[str, int] = {}

    def fate(pod: ProbePod) -> ProbeState | None:
        asked[pod.name] = pod.connections * len(pod.targets)
        return fates.setdefault(pod.name, dice.choice([None, None, None, gone, pending]))

    scene.cluster.fate = fate
    done = asyncio.run(scene.play())
    for burst in done.run.bursts:
        assert sum(asked.get(probe.name, 0) for probe in burst.probes) <= connections
    assert sum(asked.values()) <= at_most(scene.plan)
    assert bool(asked) == (targets <= connections)


async def test_a_class_with_a_number_of_its_own_opens_no_more_and_is_as_sure() -> None:
    """Bare TCP beside HTTP: few connections for the one, as many as ever for the other."""
    first, second = (plan := Scene().plan).clients
    scene = Scene(replace(plan, connections=120, clients=(first, replace(second, connections=20))))
    done = await scene.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
    sent = {row.client: row.after.attempts for row in done.verdict.rows}
    assert sent[first.name] in {119, 120}
    assert sent[second.name] == 20


async def test_a_verification_alone_sends_one_burst_a_class() -> None:
    """Pass-through is on already; nothing is compared."""
    scene = Scene(replace(Scene().plan, compare=False), change="")
    scene.patched = True
    done = await scene.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
    assert [b.part for b in done.run.bursts] == [Part.AFTER, Part.AFTER]
    assert "no measurement before" in done.verdict.sure_because


async def test_a_node_that_never_resynchronises_is_named() -> None:
    """Failed says which client, which node, what was expected and what was seen."""
    scene = Scene()
    scene.through["node-b"] = False
    done = await scene.play()
    assert done.verdict.outcome is Outcome.FAILED
    assert "from node-b, expected through the load balancer" in done.verdict.headline
    assert "node-a" not in done.verdict.headline


async def test_a_node_that_is_late_is_waited_for() -> None:
    """It is looked at once more after the counters came."""
    scene = Scene()
    scene.through["node-c"] = False
    scene.on_patch = lambda: scene.clock.at(scene.clock() + timedelta(minutes=6), scene.through.clear)
    done = await scene.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
    assert [b.node for b in done.run.bursts if b.part is Part.RECHECK] == ["node-c"]


async def test_a_client_that_is_cut_off_by_the_patch_fails_the_run() -> None:
    """The dedicated load balancer's same-node trap."""
    scene = Scene()
    scene.on_patch = lambda: scene.refusing.update({"node-a": "timeout", "node-b": "timeout"})
    done = await scene.play()
    assert done.verdict.outcome is Outcome.FAILED
    assert rules(done)["pod-with-backend"] == "cut-off"


async def test_no_cloud_means_reachable_and_inconclusive() -> None:
    """And no time is spent on quiet that nobody counts."""
    scene = Scene()
    scene.seeing = False
    done = await scene.play()
    assert done.verdict.outcome is Outcome.INCONCLUSIVE
    assert rules(done) == {"pod-with-backend": "no-counter", "pod-without-backend": "no-counter"}
    assert all(row.after.connected == row.after.attempts for row in done.verdict.rows)
    assert scene.clock() - START < timedelta(minutes=6)


@pytest.mark.parametrize(
    "error", [Forbidden("the credentials may not see it"), NotFound("the load balancer is gone")]
)
async def test_a_cloud_that_refuses_is_named_in_the_verdict(error: Exception) -> None:
    """The sentence is the cloud's own."""
    scene = Scene()
    scene.cloud.fail("load_balancer", error)  # type: ignore[arg-type]  # both are errors of the world
    done = await scene.play()
    assert done.verdict.outcome is Outcome.INCONCLUSIVE
    assert str(error) in done.verdict.headline


async def test_a_right_that_is_withdrawn_while_reading_ends_the_waiting() -> None:
    """Forbidden will not pass by itself."""
    scene = Scene()
    scene.cloud.fail("metrics", Forbidden("metrics are not yours to read"))
    done = await scene.play()
    assert "metrics are not yours to read" in done.verdict.headline


async def test_a_cloud_that_does_not_answer_at_first_is_asked_again() -> None:
    """For the listeners and for the counters."""
    scene = Scene()
    scene.cloud.fail("load_balancer", Unavailable("503"))
    for _ in range(3):
        scene.cloud.fail("metrics", Unavailable("503"))
    assert (await scene.play()).verdict.outcome is Outcome.SUCCEEDED


async def test_a_listener_that_is_not_there_leaves_the_run_blind() -> None:
    """Another port's counter is no evidence."""
    scene = Scene(replace(Scene().plan, ports=(8443,)))
    done = await scene.play()
    assert "no listener for port 8443" in done.verdict.headline


async def test_metrics_ten_minutes_late_are_still_in_time() -> None:
    """The vendor's pages say five to ten."""
    scene = Scene(metering=Metering(delay=540.0))
    assert (await scene.play()).verdict.outcome is Outcome.SUCCEEDED


async def test_metrics_that_never_come_are_not_zero() -> None:
    """The window ends, and nothing is claimed."""
    scene = Scene(metering=Metering(dropped=lambda _: True))
    scene.through = {"node-a": False, "node-b": False, "node-c": False}
    done = await scene.play()
    assert done.verdict.outcome is Outcome.INCONCLUSIVE
    assert set(rules(done).values()) == {"no-counter"}


async def test_a_listener_that_has_no_points_while_idle_stays_open() -> None:
    """Silence between bursts may be quiet, or lost data; nobody can tell."""
    scene = Scene(metering=Metering(idle=False))
    assert (await scene.play()).verdict.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("at_the_end", [False, True])
async def test_either_end_of_a_period_may_be_on_its_stamp(at_the_end: bool) -> None:  # noqa: FBT001  a case, no switch
    """No page says which."""
    scene = Scene(metering=Metering(at_the_end=at_the_end))
    assert (await scene.play()).verdict.outcome is Outcome.SUCCEEDED


async def test_a_refused_pod_makes_its_class_open_and_no_success() -> None:
    """Quota, admission, Pod security: the sentence is the API server's."""
    scene = Scene()
    for _ in range(2):
        scene.cluster.fail("start_probe", Forbidden('exceeded quota: "tiny"'))
    done = await scene.play()
    assert done.verdict.outcome is Outcome.INCONCLUSIVE
    assert rules(done) == {"pod-with-backend": "nothing-to-compare", "pod-without-backend": "as-expected"}
    row = next(r for r in done.verdict.rows if r.client == "pod-with-backend")
    assert row.before is not None
    assert "exceeded quota" in row.before.why


async def test_an_image_that_cannot_be_pulled_is_given_up_in_time() -> None:
    """No node of the class can start it, and the run does not hang."""
    scene = Scene()
    scene.cluster.fate = lambda _: ProbeState(phase="pending", why="ImagePullBackOff: no such image")
    done = await scene.play()
    assert done.verdict.outcome is Outcome.INCONCLUSIVE
    assert all("ImagePullBackOff" in row.after.why for row in done.verdict.rows)
    assert scene.cluster.started == {}
    assert scene.clock() - START < timedelta(hours=1)


async def test_a_node_where_pods_cannot_start_is_left_out_and_named() -> None:
    """The rest of the class is measured all the same."""
    scene = Scene()
    full = ProbeState(phase="pending", why="Unschedulable: 0/4 nodes are available")
    scene.cluster.fate = lambda pod: full if pod.node == "node-b" else None
    done = await scene.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
    assert any("node-b" in each and "Unschedulable" in each for each in done.verdict.not_looked_at)


async def test_a_pod_that_is_evicted_half_way_is_repeated() -> None:
    """Under another name, in a later period; the spoilt periods are not used."""
    scene = Scene()
    evicted: list[str] = []

    def fate(pod: ProbePod) -> ProbeState | None:
        if not evicted or pod.name in evicted:
            evicted.append(pod.name)
            return ProbeState(phase="failed", why="Evicted", started_at=scene.clock())
        return None

    scene.cluster.fate = fate
    done = await scene.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
    assert [b.attempt for b in done.run.bursts if b.part is Part.BEFORE] == [1, 2, 1]


async def test_a_pod_that_somebody_deletes_is_repeated() -> None:
    """Three times at most; then the class stays open."""
    scene = Scene()
    scene.cluster.fate = lambda pod: (
        ProbeState(phase="gone", why="the Pod is gone") if pod.node == "node-c" else None
    )
    done = await scene.play()
    assert done.verdict.outcome is Outcome.INCONCLUSIVE
    tries = [b.attempt for b in done.run.bursts if b.client == "pod-without-backend" and b.part is Part.AFTER]
    assert tries == [1, 2, 3]


async def test_a_result_without_one_of_the_targets_is_no_result() -> None:
    """A count that is missing is not zero, for clients either."""
    scene = Scene()
    scene.cluster.fate = lambda _: ProbeState(phase="done", started_at=scene.clock(), counts={})
    done = await scene.play()
    assert done.verdict.outcome is Outcome.INCONCLUSIVE
    assert all("brought no count" in row.after.why for row in done.verdict.rows)


async def test_a_planned_node_that_is_gone_is_replaced_from_its_class() -> None:
    """A rollout or an autoscaler may have been faster."""
    scene = Scene(plan(client("pod-without-backend", "node-z")))
    done = await scene.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
    assert {pod.node for pod in scene.cluster.created} == {"node-c"}


async def test_a_class_that_has_no_node_any_more_stays_open() -> None:
    """Every node got a backend meanwhile."""
    scene = Scene()
    scene.cluster.put(slices("node-a", "node-b", "node-c"))
    done = await scene.play()
    assert done.verdict.outcome is Outcome.INCONCLUSIVE
    assert rules(done)["pod-without-backend"] == "not-measured"


async def test_pods_that_start_late_are_counted_where_they_were() -> None:
    """A kubelet takes its seconds; the period is found again."""
    scene = Scene()
    scene.cluster.latency = lambda pod: 25.0 if pod.node == "node-a" else 70.0
    assert (await scene.play()).verdict.outcome is Outcome.SUCCEEDED


async def test_a_paused_cluster_gets_no_new_pod() -> None:
    """Pause stops every probe at once; the run waits."""
    scene = Scene()
    await scene.store.pauses.pause("prod", "U09", START)
    await scene.open()
    for _ in range(40):
        progress = await scene.step()
        assert isinstance(progress, measure.Waiting)
        scene.clock.move(progress.until)
    assert scene.cluster.created == []
    await scene.store.pauses.resume("prod")
    assert (await scene.play()).verdict.outcome is Outcome.SUCCEEDED


async def test_a_pause_between_a_plan_and_its_pods_holds_the_pods() -> None:
    """The burst is stored, and another replica hears of a pause: nothing is created until it is over."""
    scene = Scene()
    real = scene.store.runs.save

    async def save(before: Run, after: Run, **more: Any) -> Run:
        saved = await real(before, after, **more)
        if after.bursts and not before.bursts:
            await scene.store.pauses.pause("prod", "U09", START)
        return saved

    scene.store.runs.save = save  # type: ignore[method-assign]  # right after the burst is stored
    with pytest.raises(StoppedEarly):
        await scene.play(until=lambda run: bool(run.bursts))
    for _ in range(3):
        progress = await scene.step()
        assert isinstance(progress, measure.Waiting)
        scene.clock.move(progress.until)
    assert scene.cluster.created == []
    await scene.store.pauses.resume("prod")
    assert isinstance(await scene.play(), measure.Complete)
    assert scene.cluster.created


async def test_a_stopped_run_leaves_nothing_behind_and_lets_the_change_go_on() -> None:
    """In the middle of the first burst."""
    scene = Scene()
    with pytest.raises(StoppedEarly):
        await scene.play(until=lambda run: bool(run.bursts))
    assert scene.cluster.started
    await measure.stop(scene.run.id, "U02", store=scene.store, clock=scene.clock)
    assert isinstance(await scene.step(), measure.BeforeComplete)
    assert scene.cluster.started == {}
    done = await scene.play()
    assert (done.verdict.outcome, done.verdict.rule) == (Outcome.INCONCLUSIVE, "stopped")


async def test_an_abandoned_run_is_over_and_swept() -> None:
    """Its change was withdrawn."""
    scene = Scene()
    with pytest.raises(StoppedEarly):
        await scene.play(until=lambda run: bool(run.bursts))
    done = await measure.abandon(scene.run.id, cluster=scene.cluster, store=scene.store, clock=scene.clock)
    assert not done.run.open
    assert scene.cluster.started == {}
    assert (await scene.step()) == measure.Complete(run=done.run, verdict=done.verdict)


async def test_a_cluster_that_does_not_answer_while_sweeping_does_not_hold_the_verdict_up() -> None:
    """Pods have a deadline of their own, and are swept at the next start."""
    scene = Scene()
    for _ in range(20):
        scene.cluster.fail("sweep_probes", Unavailable("no answer"))
    assert (await scene.play()).verdict.outcome is Outcome.SUCCEEDED


async def test_a_cluster_that_answers_every_other_time_is_enough() -> None:
    """A created Pod whose answer was lost is found again by its name."""
    scene = Scene()
    for _ in range(3):
        scene.cluster.lose_reply("start_probe")
        scene.cluster.fail("probe_state", Unavailable("no answer"))
    done = await scene.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
    assert len({pod.name for pod in scene.cluster.created}) == len(scene.cluster.created)


async def test_another_replica_that_was_faster_is_believed() -> None:
    """A stale run is read again, and nothing is done twice."""
    scene = Scene()
    await scene.open()
    old = scene.run
    await measure.patched(old.id, scene.clock(), store=scene.store)
    progress = await measure.advance(
        old, cluster=scene.cluster, cloud=scene.cloud, store=scene.store, clock=scene.clock
    )
    assert isinstance(progress, measure.Waiting)
    assert progress.run.applied_at is not None


async def test_news_of_the_patch_is_taken_once() -> None:
    """The first moment counts."""
    scene = Scene()
    await scene.open()
    first = await measure.patched(scene.run.id, START, store=scene.store)
    again = await measure.patched(scene.run.id, START + timedelta(hours=1), store=scene.store)
    assert first.applied_at == again.applied_at == START


async def test_a_run_that_keeps_moving_says_so() -> None:
    """Rather than trying for ever."""
    scene = Scene()
    await scene.open()

    async def never(*_: object, **__: object) -> None:
        raise Stale("moved on")

    scene.store.runs.save = never  # type: ignore[method-assign,assignment]  # the store that always loses the race
    with pytest.raises(Stale):
        await measure.stop(scene.run.id, "U02", store=scene.store, clock=scene.clock)


def labels(bursts: tuple[Burst, ...]) -> list[tuple[str, str, int]]:
    """Part, class and attempt of each burst."""
    return [(b.part.value, b.client, b.attempt) for b in bursts]


async def test_every_pod_name_is_a_valid_and_unique_dns_label() -> None:
    """Any id and any class name goes into it."""
    scene = Scene(plan(client("pod-with-backend", "node-a", name="a class with Ümlauts " * 9)))
    scene.run = replace(scene.run, id="Run_" + "x" * 200)
    done = await scene.play()
    names = [p.name for b in done.run.bursts for p in b.probes]
    assert len(set(names)) == len(names)
    assert all(len(n) <= 63 and n.replace("-", "").isalnum() and n == n.lower() for n in names)
    assert all(p.phase is ProbePhase.DONE for b in done.run.bursts for p in b.probes)
    assert len(labels(done.run.bursts)) == 2


async def test_a_node_that_joined_is_not_needed() -> None:
    """The plan says how many take part; the rest is named."""
    scene = Scene(plan(client("pod-without-backend", "node-c")))
    scene.cluster.put(node("node-d"))
    done = await scene.play()
    assert {pod.node for pod in scene.cluster.created} == {"node-c"}
    assert done.verdict.outcome is Outcome.SUCCEEDED
