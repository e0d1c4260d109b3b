"""What is recorded on a Service itself: who reads its Events learns who did this, and who said yes."""

from bot.domain.approval import BOT
from bot.domain.change import Change, Step
from bot.operations.world import World
from bot.ports import WorldError


async def record(world: World, change: Change) -> None:
    """Record the Kubernetes Event on each Service, once; best effort."""
    if not world.knows(change.cluster):
        return
    cluster = world.clusters.get(change.cluster)
    requester = await _named(world, change.requested_by)
    approvers = ", ".join([await _named(world, approval.by) for approval in change.approvals])
    for step in change.steps:
        message = f"{change.label}: {_patch(step)}; requested by {requester}, approved by {approvers}"
        await cluster.tell(step.service, step.uid, key=f"{change.id}:{step.uid}", message=message)


def _patch(step: Step) -> str:
    return ", ".join(
        f"{key} removed" if value is None else f"{key}={value}" for key, value in step.after.items()
    )


async def _named(world: World, user: str) -> str:
    """Name a person for somebody who reads no Slack ids, and by the id, which is the identity."""
    if user == BOT:
        return "elb-passthrough itself"
    try:
        return f"{(await world.messenger.person(user)).name} ({user})"
    except WorldError:
        return user
