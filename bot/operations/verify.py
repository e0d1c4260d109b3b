"""Verification at any time, with no change: who may, the plan, the run, and its end from the thread."""

from hashlib import sha256

from bot.domain.change import ServiceRef
from bot.domain.objects import Ref
from bot.domain.path import explain
from bot.domain.policy import Right
from bot.domain.verification import Run
from bot.domain.words import linked, person
from bot.operations import measure
from bot.operations.caller import Caller
from bot.operations.jobs import advance_job, measure_job, news_job, progress_job, verdict_job
from bot.operations.plans import load_balancer, plan_for
from bot.operations.refusal import Refused
from bot.operations.resolve import resolve
from bot.operations.rights import rights_of
from bot.operations.world import World
from bot.ports import AlreadyOpen, Later, NotFound, Stale


async def verify(world: World, request: str, caller: Caller, target: str, channel: str) -> Run:
    """Start a verification of a Service as it is now.

    Raises:
        Refused: with the sentence for the person.
    """
    rights = (await rights_of(world, caller, Right.VERIFY, Right.VIEW)).known()
    ref, _ = resolve(target, world.clusters, rights.visible)
    decision = rights.decide(Right.VERIFY, ref.cluster, ref.namespace)
    if not decision.allowed:
        raise Refused(decision.why, who_may=decision.who_may)
    await _probes_allowed(world, ref.cluster)
    run = await _run(world, request, caller, ref, channel)
    try:
        return await world.store.runs.open(run, jobs=[progress_job(run.id), measure_job(run.id)])
    except AlreadyOpen as error:
        link = await _link(world, error.change_id)
        raise Refused(f"A verification of {ref} is under way already{link}.") from error


async def _probes_allowed(world: World, cluster: str) -> None:
    if world.clusters.get(cluster).read_only:
        raise Refused(
            f"The cluster {cluster} is read-only here, so no probe Pod may be created in it. Status explains the paths without one."
        )
    if pause := await world.store.pauses.paused(cluster):
        raise Refused(
            f"{cluster} is paused by {person(pause.by)}, so no probe is sent until an operator resumes it."
        )


async def _run(world: World, request: str, caller: Caller, ref: ServiceRef, channel: str) -> Run:
    snapshot = world.clusters.get(ref.cluster).snapshot()
    now = explain(snapshot, Ref(ref.namespace, ref.name))
    balancer = await load_balancer(world, ref, snapshot)
    plan = await plan_for(world, ref, snapshot, before=None, after=now, balancer=balancer)
    if not plan.clients:
        why = f" ({'; '.join(plan.left_out[:3])})" if plan.left_out else ""
        raise Refused(f"There is nothing to verify {ref} with: no client can be placed{why}.")
    return Run(
        id=f"{sha256(b'verify:' + request.encode()).hexdigest()[:20]}-verify",
        service=ref,
        plan=plan,
        requested_by=caller.user,
        channel=channel,
        started_at=world.clock(),
    )


async def _link(world: World, run_id: str) -> str:
    """Where the progress of a run is shown."""
    place = await world.store.messages.place(progress_job(run_id).key)
    permalink = await world.messenger.permalink(place) if place else ""
    return f": {linked(permalink, 'how far it is')}" if permalink else ""


async def continue_run(world: World, run_id: str) -> None:
    """Take a verification without a change as far as it goes now.

    Raises:
        Later: there is more to do after some time.
    """
    run = await world.store.runs.get(run_id)
    cluster = world.clusters.get(run.service.cluster)
    if not run.stopped_by and await world.store.pauses.paused(run.service.cluster):
        await measure.halt(run, cluster)
        raise Later(measure.PAUSED)
    try:
        progress = await measure.advance(
            run,
            cluster=cluster,
            cloud=world.clouds.get(run.service.cluster),
            store=world.store,
            clock=world.clock,
        )
    except Stale as error:
        raise Later(0.0) from error
    await world.store.jobs.submit(news_job(run, progress.run, world.clock()))
    match progress:
        case measure.Waiting(until=until):
            raise Later(max(0.0, (until - world.clock()).total_seconds()))
        case measure.Complete():
            await world.store.jobs.submit(verdict_job(run_id))


async def stop(world: World, run_id: str, caller: Caller) -> str:
    """Stop a verification from its thread.

    Raises:
        Refused: it is over, or the person may not.
    """
    try:
        run = await world.store.runs.get(run_id)
    except NotFound as error:
        raise Refused("This verification is not known here any more. Give the command once more.") from error
    rights = (await rights_of(world, caller, Right.VERIFY)).known()
    decision = rights.decide(Right.VERIFY, run.service.cluster, run.service.namespace)
    if not decision.allowed:
        raise Refused(decision.why, who_may=decision.who_may)
    if not run.open:
        raise Refused("This verification is over already; what it found is in its thread.")
    wake = advance_job(run.change_id) if run.change_id else measure_job(run.id)
    await measure.stop(run_id, caller.user, store=world.store, clock=world.clock)
    await world.store.jobs.submit(wake)
    return "The verification stops; what it has seen so far is in the thread."
