"""The answer to `help`: what this very person may do here."""

from collections.abc import Sequence

from bot.domain.policy import Right
from bot.operations.caller import Caller
from bot.operations.rights import operator, rights_of
from bot.operations.world import World
from bot.ports import Message


async def help_for(world: World, caller: Caller) -> Message:
    """Say what this person may do here."""
    rights = await rights_of(world, caller)
    spaces = _spaces(world)
    able = {
        right for right in Right for cluster, space in spaces if rights.decide(right, cluster, space).allowed
    }
    commands = [(text, what) for right, text, what in _COMMANDS if right is None or right in able]
    if await operator(world, caller):
        commands.append(("pause / resume [CLUSTER]", "stop and allow every write and probe"))
    return world.message(
        "help", commands=commands, clusters=world.clusters.names(), may_approve=Right.APPROVE in able
    )


_COMMANDS: Sequence[tuple[Right | None, str, str]] = (
    (None, "help", "this list"),
    (
        Right.VIEW,
        "status [CLUSTER/]NAMESPACE/SERVICE",
        "who reaches the Service's load balancer, how, and why",
    ),
    (
        Right.VIEW,
        "list [CLUSTER/][NAMESPACE]",
        "every LoadBalancer Service: pass-through, worst verdict, findings",
    ),
    (
        Right.PROPOSE,
        "enable / disable [CLUSTER/]NAMESPACE/SERVICE [reason]",
        "propose to switch pass-through",
    ),
    (Right.VERIFY, "verify [CLUSTER/]NAMESPACE/SERVICE", "measure with real connections, now"),
    (Right.VIEW, "history [CLUSTER/][NAMESPACE/SERVICE]", "who asked, approved and applied what"),
)


def _spaces(world: World) -> set[tuple[str, str]]:
    """Every namespace that has a LoadBalancer Service; one made up per cluster where nothing is known yet."""
    known = {
        (name, s.ref.namespace)
        for name in world.clusters.names()
        for s in world.clusters.get(name).snapshot().load_balancers()
    }
    return known or {(name, "default") for name in world.clusters.names()}
