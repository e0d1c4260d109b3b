"""Whether switching pass-through off would mend what `status` shows: asked of the path engine, not looked up."""

from bot.domain.change import ServiceRef, Verb
from bot.domain.explanation import Explanation, PassThroughState, Path, Verdict
from bot.domain.objects import Service
from bot.domain.path import explain
from bot.operations.preview import supposed
from bot.operations.refusal import Refused
from bot.operations.subject import subject
from bot.operations.world import World

OFF = "/off"
"""Behind the id that a button carries: it proposes pass-through off, and not on."""


def off_mends(world: World, ref: ServiceRef, service: Service, explanation: Explanation) -> bool:
    """Whether somebody who is cut off, if only at times, would get there with pass-through off, and nobody would lose by it."""
    if explanation.pass_through.state is not PassThroughState.ON or not _of(explanation, *_TROUBLE):
        return False
    snapshot = world.clusters.get(ref.cluster).snapshot()
    try:
        parts = subject(world, snapshot, ref, service, Verb.DISABLE, settled=True).parts
    except Refused:
        return False
    then = supposed(snapshot, parts)
    won = False
    for part, _ in parts:
        now, after = explain(snapshot, part.ref), explain(then, part.ref)
        if not _of(now, Verdict.REACHABLE) <= _of(after, Verdict.REACHABLE):
            return False
        won = won or bool(_of(now, *_TROUBLE) & _of(after, Verdict.REACHABLE))
    return won


_TROUBLE = (Verdict.UNREACHABLE, Verdict.AMBIGUOUS)


def _of(explanation: Explanation, *verdicts: Verdict) -> set[tuple[str, str, str]]:
    return {_key(path) for path in explanation.paths if path.verdict in verdicts}


def _key(path: Path) -> tuple[str, str, str]:
    return str(path.client.kind), path.client.group, str(path.destination)
