"""Answers that hold only by today's placement of Pods."""

from collections.abc import Callable
from dataclasses import replace

from bot.domain.backends import sorted_out
from bot.domain.explanation import Verdict
from bot.domain.hypothetical import Stage
from bot.domain.objects import Endpoint, TrafficPolicy
from bot.domain.packet import Sender
from bot.domain.scene import Scene
from bot.domain.traveller import Traveller
from bot.domain.weigh import Outcome

ELSEWHERE = "elsewhere"
Weighing = Callable[[Scene], Outcome]


def fragility(stage: Stage, traveller: Traveller, outcome: Outcome, again: Weighing) -> str:
    """Say how a move of Pods alone would change the answer; empty where it would not.

    `again` weighs the same question in another scene. Whether the client's node has an endpoint is all that
    placement can change, so one made-up placement of each kind is enough.
    """
    scene = stage.scene
    if not _may_depend(stage, traveller, outcome):
        return ""
    example = scene.backends.ready[0]
    away = replace(example, node=ELSEWHERE)
    if traveller.node in scene.backends.ready_on:
        if again(_placed(scene, away)).verdict is not outcome.verdict:
            return "works now; fails when no replica runs on the client's node"
        return ""
    here = replace(example, node=traveller.node)
    if again(_placed(scene, here)).verdict is not outcome.verdict:
        return "works now; fails when the only replicas run on the client's node"
    return ""


def _may_depend(stage: Stage, traveller: Traveller, outcome: Outcome) -> bool:
    """Whether it works, and placement can matter: only policy Local looks at where endpoints run."""
    return (
        outcome.verdict is Verdict.REACHABLE
        and traveller.sender is not Sender.STRANGER
        and not stage.placed
        and stage.scene.service.external_policy is TrafficPolicy.LOCAL
        and bool(stage.scene.backends.ready)
    )


def _placed(scene: Scene, endpoint: Endpoint) -> Scene:
    backends = sorted_out(scene.service, [endpoint])
    return replace(scene, backends=backends, members=(endpoint.node,))
