"""The verification plan of a Service, with what the cloud says of its load balancer where it can be asked."""

import asyncio

from bot.domain.change import MeasurementPlan, ServiceRef
from bot.domain.explanation import Explanation
from bot.domain.objects import ELB_ID, Ref
from bot.domain.snapshot import Snapshot
from bot.operations.measure_plan import build_plan
from bot.operations.world import World
from bot.ports import LoadBalancerFacts, WorldError

PATIENCE = 1.5
"""Seconds that a plan waits for the cloud; without it the plan knows the annotations only."""


async def plan_for(
    world: World, ref: ServiceRef, snapshot: Snapshot, *, before: Explanation | None, after: Explanation
) -> MeasurementPlan:
    """Plan what a verification of a Service sends."""
    return build_plan(
        ref,
        snapshot=snapshot,
        before=before,
        after=after,
        settings=world.cluster_settings(ref.cluster).verification,
        load_balancer=await _load_balancer(world, ref, snapshot),
    )


async def _load_balancer(world: World, ref: ServiceRef, snapshot: Snapshot) -> LoadBalancerFacts | None:
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
