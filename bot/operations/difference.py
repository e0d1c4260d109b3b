"""What is different from what was proposed, as far as people approve it: nothing, or one sentence."""

from bot.domain.change import Change, Step, Verb
from bot.domain.cluster_facts import Mode
from bot.domain.objects import PASS_THROUGH, Ref
from bot.domain.request import ON
from bot.operations.apply import differs
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
    return _stranger(cluster, change)


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


def _stranger(cluster: Cluster, change: Change) -> str:
    """Name a Service that came to the load balancer since and would be at odds with the change under IPVS."""
    snapshot = cluster.snapshot()
    if change.verb is Verb.ROLLBACK or snapshot.facts.mode.value is not Mode.IPVS:
        return ""
    known = {Ref(step.service.namespace, step.service.name) for step in change.steps}
    wanted = change.verb is Verb.ENABLE
    own = snapshot.service(Ref(change.service.namespace, change.service.name))
    for other in snapshot.sharing(own) if own else ():
        if other.ref not in known and (other.annotations.get(PASS_THROUGH) in ON) is not wanted:
            return f"{other.ref} shares the load balancer since, and needs the same setting."
    return ""
