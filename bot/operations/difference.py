"""What is different from what was proposed, as far as people approve it: nothing, or one sentence."""

from bot.domain.change import Change, Step, Verb
from bot.domain.objects import PASS_THROUGH, Ref
from bot.domain.request import ON
from bot.operations.apply import differs
from bot.operations.subject import one_setting, stranger
from bot.operations.template import rewritten
from bot.operations.world import World
from bot.ports import Cluster, Forbidden, Invalid, NotFound, Unavailable


async def difference(world: World, change: Change, *, quick: bool = False) -> str:
    """Say what has changed since the proposal was made; nothing where that cannot be seen now.

    With `quick`, a Service whose cached resourceVersion is the proposal's is not read again.
    """
    cluster = world.clusters.get(change.cluster)
    for step in change.steps:
        if quick and _untouched(cluster, step):
            continue
        if found := await _of_step(cluster, step):
            return found
    return rewritten(world, change) or newcomer(world, change)


async def _of_step(cluster: Cluster, step: Step) -> str:
    try:
        return differs(await cluster.read(step.service), step) or ""
    except NotFound:
        return f"{step.service} was deleted since."
    except (Unavailable, Forbidden, Invalid):
        # Nothing is known: applying reads again, and never applies what it cannot read.
        return ""


def _untouched(cluster: Cluster, step: Step) -> bool:
    cached = cluster.snapshot().service(Ref(step.service.namespace, step.service.name))
    return cached is not None and cached.resource_version == step.resource_version


def newcomer(world: World, change: Change) -> str:
    """Name what shares the load balancer and would be at odds with the change under IPVS, which has one setting."""
    snapshot = world.clusters.get(change.cluster).snapshot()
    own = snapshot.service(Ref(change.service.namespace, change.service.name))
    if own is None or not one_setting(snapshot):
        return ""
    known = {Ref(step.service.namespace, step.service.name) for step in change.steps}
    values = {step.service: step.after.get(PASS_THROUGH) for step in change.steps}
    wanted = values.get(change.service) in ON
    for other in snapshot.sharing(own):
        if other.ref not in known and (other.annotations.get(PASS_THROUGH) in ON) is not wanted:
            return f"{other.ref} shares the load balancer and needs the same setting, but it is not part of {change.label}."
    return "" if change.verb is Verb.ROLLBACK else stranger(world, snapshot, change.service)
