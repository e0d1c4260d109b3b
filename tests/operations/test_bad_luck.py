"""Whatever may go wrong while something is measured, by name: what the verdict then is, and what it says.

Never *succeeded* for what was not seen, never *failed* for what was not shown. That the bot may die at any step is
`test_measure_crash.py`; what the API server, the cloud and the container really answer is in `tests/adapters`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import pytest

from bot.domain.objects import Node, Ref
from bot.domain.verification import Outcome
from bot.ports import Forbidden, Invalid, NotFound, ProbePod, ProbeState, Unavailable
from tests.operations.measuring import Metering, Scene, client, plan, slices

INCONCLUSIVE, SUCCEEDED = Outcome.INCONCLUSIVE, Outcome.SUCCEEDED
ALL = ("pod-with-backend", "pod-without-backend")


@dataclass(frozen=True, slots=True, kw_only=True)
class Luck:
    """One piece of bad luck."""

    scene: Callable[[], Scene]
    outcomes: tuple[Outcome, ...] = (INCONCLUSIVE,)
    said: str = ""
    """What somebody can read of it in the verdict."""


def usual(bad: Callable[[Scene], None], **metering: object) -> Callable[[], Scene]:
    """The usual scene, and something that is wrong with it."""

    def made() -> Scene:
        scene = Scene(metering=Metering(**metering) if metering else None)  # type: ignore[arg-type]  # Metering's fields
        bad(scene)
        return scene

    return made


def nothing(_: Scene) -> None:
    """It is the metering that is wrong."""


def blind(scene: Scene) -> None:
    """There are no cloud credentials."""
    scene.seeing = False


def refused(scene: Scene) -> None:
    """The credentials lack the right to see load balancers."""
    scene.cloud.fail("load_balancer", Forbidden("ELB answered 403: no permission elb:loadbalancers:get"))


def no_metrics(scene: Scene) -> None:
    """They may see the load balancer and not its metrics."""
    for _ in range(2):
        scene.cloud.fail("metrics", Forbidden("CES answered 403: no permission ces:metricData:list"))


def silent(scene: Scene) -> None:
    """The cloud never answers when it is asked for metrics."""
    for _ in range(1000):
        scene.cloud.fail("metrics", Unavailable("CES answered 503"))


def skewed(scene: Scene) -> None:
    """Signatures are refused because this machine's clock is off."""
    sentence = "ELB does not accept the credentials; this machine's clock is 1200 s ahead of the cloud's"
    scene.cloud.fail("load_balancer", Forbidden(sentence))


def gone_balancer(scene: Scene) -> None:
    """Somebody deletes the load balancer while it is measured."""
    scene.on_patch = lambda: scene.cloud.fail("metrics", NotFound("ELB answered 404: no such listener"))


def never_was(scene: Scene) -> None:
    """The annotation names a load balancer that the cloud does not know."""
    scene.cloud.balancers.clear()


def outside(scene: Scene) -> None:
    """The Internet connects far more often than the probes."""
    scene.noise(5.0, 3600, Random(1))  # noqa: S311  a seed, not a secret


def few(scene: Scene) -> None:
    """Twenty connections a minute, of which a rate without decimals shows nothing."""
    scene.plan = replace(scene.plan, connections=20)
    scene.run = replace(scene.run, plan=scene.plan)


def pending(why: str) -> Callable[[Scene], None]:
    """No Pod ever starts."""

    def bad(scene: Scene) -> None:
        scene.cluster.fate = lambda _: ProbeState(phase="pending", why=why)

    return bad


def refusing(error: Exception) -> Callable[[Scene], None]:
    """The API server refuses every Pod."""

    def bad(scene: Scene) -> None:
        for _ in range(100):
            scene.cluster.fail("start_probe", error)  # type: ignore[arg-type]  # errors of the world

    return bad


def full(scene: Scene) -> None:
    """One node has no room; the others of its class have."""
    why = "Unschedulable: 0/3 nodes are available: Insufficient cpu"
    scene.cluster.fate = lambda pod: ProbeState(phase="pending", why=why) if pod.node == "node-b" else None


def cordoned(scene: Scene) -> None:
    """A cordoned node is a client like any other: the probe tolerates it."""
    scene.cluster.put({**dict(node_body("node-b")), "spec": {"unschedulable": True}})


def node_body(name: str) -> dict[str, object]:
    """A ready node."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def gone_node(scene: Scene) -> None:
    """The only node of a class leaves the cluster before the second burst."""
    scene.on_patch = lambda: scene.cluster.remove(Node, Ref("", "node-c"))


def no_backend(scene: Scene) -> None:
    """The workload has no endpoint: every node is one without, and the path is expected to fail."""
    apart = client(
        "pod-without-backend",
        "node-a",
        "node-c",
        expect_before="unreachable",
        through_before=None,
        expect_after="unreachable",
        through_after=None,
    )
    scene.plan = plan(apart)
    scene.run = replace(scene.run, plan=scene.plan)
    scene.cluster.put(slices())
    scene.refusing.update(dict.fromkeys(("node-a", "node-b", "node-c"), "refused"))


def nobody(scene: Scene) -> None:
    """No node of any class can be played at all."""
    scene.plan = plan(clients=())
    scene.run = replace(scene.run, plan=scene.plan)


def evicted(times: int) -> Callable[[Scene], None]:
    """The kubelet evicts the probes of one node, so many times."""

    def bad(scene: Scene) -> None:
        seen: set[str] = set()

        def fate(pod: ProbePod) -> ProbeState | None:
            if pod.node != "node-c" or (pod.name not in seen and len(seen) >= times):
                return None
            seen.add(pod.name)
            started = scene.clock() - timedelta(seconds=5)
            return ProbeState(phase="failed", why="Evicted: low on memory", started_at=started)

        scene.cluster.fate = fate

    return bad


def inside(why: str) -> Callable[[Scene], None]:
    """Commands in the backends, which end without a result."""

    def bad(scene: Scene) -> None:
        scene.plan = plan(client("backend", "node-a", "node-b"), how="exec")
        scene.run = replace(scene.run, plan=scene.plan)
        scene.cluster.put(backends())
        scene.cluster.fate = lambda _: ProbeState(phase="failed", why=why)

    return bad


def backends() -> dict[str, object]:
    """The Service's endpoints, with the Pods that they are."""
    body = dict(slices("node-a", "node-b"))
    each = body["endpoints"]
    assert isinstance(each, list)
    body["endpoints"] = [
        {**endpoint, "targetRef": {"kind": "Pod", "namespace": "shop", "name": f"checkout-{number}"}}
        for number, endpoint in enumerate(each)
    ]
    return body


TABLE = {
    "no cloud credentials": Luck(scene=usual(blind), said="no cloud credentials are configured"),
    "credentials without the right to load balancers": Luck(
        scene=usual(refused), said="elb:loadbalancers:get"
    ),
    "credentials without the right to metrics": Luck(scene=usual(no_metrics), said="ces:metricData:list"),
    "metrics ten minutes late": Luck(scene=usual(nothing, delay=600.0), outcomes=(SUCCEEDED,)),
    "metrics later than the window": Luck(
        scene=usual(nothing, delay=7200.0), said="the counter of its period did not come"
    ),
    "metrics missing": Luck(
        scene=usual(nothing, dropped=lambda _: True), said="the counter of its period did not come"
    ),
    "a cloud that never answers": Luck(scene=usual(silent), said="CES answered 503"),
    "metrics zero because of rounding": Luck(
        scene=usual(few, decimals=0), said="nothing shows that it counts"
    ),
    "metrics huge from outside": Luck(scene=usual(outside), said="not seen on the other way"),
    "an image that cannot be pulled": Luck(
        scene=usual(pending("ImagePullBackOff: no such image")), said="ImagePullBackOff: no such image"
    ),
    "a quota": Luck(scene=usual(refusing(Forbidden("exceeded quota: pods=0"))), said="exceeded quota"),
    "an admission policy": Luck(
        scene=usual(refusing(Forbidden('admission webhook "policy" denied the request'))),
        said="admission webhook",
    ),
    "Pod security": Luck(
        scene=usual(refusing(Forbidden('violates PodSecurity "restricted:latest"'))),
        said="violates PodSecurity",
    ),
    "a manifest that is refused": Luck(scene=usual(refusing(Invalid("spec is invalid"))), said="invalid"),
    "a node that is cordoned": Luck(scene=usual(cordoned), outcomes=(SUCCEEDED,)),
    "a node that is full": Luck(scene=usual(full), outcomes=(SUCCEEDED,), said="Insufficient cpu"),
    "a node that is gone": Luck(scene=usual(gone_node), said="no node of this class is there now"),
    "no node of any class": Luck(scene=usual(nobody), said="no client could be placed"),
    "evicted half way": Luck(scene=usual(evicted(1)), outcomes=(SUCCEEDED,)),
    "evicted again and again": Luck(scene=usual(evicted(99)), said="Evicted: low on memory"),
    "a workload without an endpoint": Luck(scene=usual(no_backend), said="no client connected"),
    "exec forbidden": Luck(
        scene=usual(inside("the bot may not exec into Pods there (pods/exec)")), said="may not exec into Pods"
    ),
    "a container without a shell": Luck(
        scene=usual(inside("the container has no shell")), said="the container has no shell"
    ),
    "a load balancer that is not there": Luck(
        scene=usual(never_was), said="there is no load balancer of that id"
    ),
    "a load balancer that is deleted meanwhile": Luck(scene=usual(gone_balancer), said="no such listener"),
    "a clock that is off at the bot": Luck(scene=usual(skewed), said="clock is 1200 s ahead"),
    "a clock that is off at the cloud": Luck(
        scene=usual(nothing, skew=40.0), outcomes=(INCONCLUSIVE, SUCCEEDED)
    ),
}


@pytest.mark.parametrize("name", TABLE)
async def test_bad_luck_is_survived_and_said(name: str) -> None:
    """The run ends, its outcome is honest, the reason can be read, and nothing is left in the cluster."""
    luck = TABLE[name]
    scene = luck.scene()
    done = await scene.play()
    told = " ".join(
        [done.verdict.headline, *done.verdict.not_looked_at, *(row.explanation for row in done.verdict.rows)]
    )
    assert done.verdict.outcome in luck.outcomes, told
    assert luck.said in told
    assert scene.cluster.started == {}
