"""The verification plan of a Service, with what the cloud says of its load balancer where it can be asked."""

import asyncio

from bot.domain.change import FindingNote, MeasurementPlan, ServiceRef
from bot.domain.explanation import Explanation
from bot.domain.objects import ELB_ID, Ref
from bot.domain.snapshot import Snapshot
from bot.operations.measure_plan import build_plan
from bot.operations.world import World
from bot.ports import LoadBalancerFacts, WorldError

UNHEALTHY = "members-unhealthy"
"""The same code as the incident's: members of the load balancer fail its health check."""
PATIENCE = 1.5
"""Seconds that a plan waits for the cloud; without it the plan knows the annotations only."""


async def plan_for(
    world: World,
    ref: ServiceRef,
    snapshot: Snapshot,
    *,
    before: Explanation | None,
    after: Explanation,
    balancer: LoadBalancerFacts | None,
) -> MeasurementPlan:
    """Plan what a verification of a Service sends."""
    return build_plan(
        ref,
        snapshot=snapshot,
        before=before,
        after=after,
        settings=world.cluster_settings(ref.cluster).verification,
        load_balancer=balancer,
    )


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
