"""The verification plan of a Service, with what the cloud says of its load balancer where it can be asked."""

import asyncio
from collections.abc import Iterable, Sequence

from bot.domain.change import FindingNote, MeasurementPlan, ServiceRef
from bot.domain.explanation import Explanation
from bot.domain.objects import ELB_ID, Ref
from bot.domain.snapshot import Snapshot
from bot.domain.verification_target import is_address
from bot.operations.measure_plan import Explained, build_plan
from bot.operations.measure_target import Named
from bot.operations.world import World
from bot.ports import LoadBalancerFacts, WorldError

UNHEALTHY = "members-unhealthy"
"""The same code as the incident's: members of the load balancer fail its health check."""
PATIENCE = 1.5
"""Seconds that a plan waits for the cloud, or a name server; without it the plan knows the annotations only."""
NAMES_AT_MOST = 4
"""Host names of one load balancer that are resolved."""


async def plan_for(
    world: World,
    ref: ServiceRef,
    snapshot: Snapshot,
    *,
    before: Explanation | None,
    after: Explanation,
    balancer: LoadBalancerFacts | None,
    then: Snapshot | None = None,
    others: Sequence[tuple[Explanation, Explanation]] = (),
) -> MeasurementPlan:
    """Plan what a verification of a Service sends.

    `then` is the cluster after the change, where there is one; `others` are the paths of the Services that are
    patched with it, before and after.
    """
    return build_plan(
        ref,
        snapshot=snapshot,
        before=before,
        after=after,
        then=then,
        settings=world.cluster_settings(ref.cluster).verification,
        load_balancer=balancer,
        api_server=world.clusters.get(ref.cluster).api_server,
        names=await _names(world, [after, *(each for _, each in others)]),
        others=[
            Explained(
                service=ServiceRef(
                    cluster=ref.cluster, namespace=own.service.namespace, name=own.service.name
                ),
                before=was if before else None,
                after=own,
            )
            for was, own in others
        ],
    )


async def _names(world: World, each: Iterable[Explanation]) -> dict[str, Named]:
    """Resolve the load balancer's host names, once: what they say now is what people approve."""
    hosts = dict.fromkeys(path.destination.ip for explanation in each for path in explanation.paths)
    names = [host for host in hosts if not is_address(host)][:NAMES_AT_MOST]
    found = await asyncio.gather(*(_named(world, name) for name in names))
    return dict(zip(names, found, strict=True))


async def _named(world: World, name: str) -> Named:
    if world.resolver is None:
        return Named(why="host names are not resolved here")
    try:
        async with asyncio.timeout(PATIENCE):
            return Named(addresses=tuple(await world.resolver.addresses(name)))
    except WorldError as error:
        return Named(why=f"it cannot be resolved: {error}")
    except TimeoutError:
        return Named(why=f"it cannot be resolved: no name server answers within {PATIENCE:g} s")


def health_note(balancer: LoadBalancerFacts | None) -> FindingNote | None:
    """Say what the load balancer's own health checks mean for clients that would be sent through it."""
    if balancer is None or not balancer.unhealthy:
        return None
    every = len(balancer.unhealthy) >= balancer.members
    which = "Every member" if every else f"{len(balancer.unhealthy)} of {balancer.members} members"
    return FindingNote(
        code=UNHEALTHY,
        severity="error" if every else "warning",
        message=f"{which} of the load balancer fail{'s' if every else ''} the health check, so clients that are sent "
        f"through it reach {'nobody' if every else 'fewer backends'}.",
        fix="Mend the members first: ELB console, backend server groups; security groups must let the ELB in.",
    )


async def load_balancer(world: World, ref: ServiceRef, snapshot: Snapshot) -> LoadBalancerFacts | None:
    """Ask the cloud about a Service's load balancer; None where it cannot be asked, or does not answer soon."""
    cloud = world.clouds.get(ref.cluster)
    service = snapshot.service(Ref(ref.namespace, ref.name))
    elb = service.annotations.get(ELB_ID) if service else None
    if cloud is None or not elb:
        return None
    try:
        async with asyncio.timeout(PATIENCE):
            return await cloud.load_balancer(elb)
    except (WorldError, TimeoutError):
        return None
