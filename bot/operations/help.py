"""The answer to `help`: what this person may do here, and where."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.domain.policy import Right
from bot.operations.caller import Caller
from bot.operations.resolve import seen
from bot.operations.rights import Rights, operator, rights_of
from bot.operations.world import World
from bot.ports import Message

Space = tuple[str, str]
"""A cluster's name, and a namespace of it."""
MOST_NAMED = 6
"""Places that one line names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Able:
    """One thing that a person may do."""

    what: str
    command: str = ""
    """How it is typed; empty where it is a button."""
    where: str = ""
    """Where it may be done; empty: everywhere."""


async def help_for(world: World, caller: Caller) -> Message:
    """Say what this person may do here, and where.

    Raises:
        Refused: nothing, and why.
    """
    rights = (await rights_of(world, caller)).known()
    places = _Places(world, rights)
    commands = [Able(command="help", what="this list"), *places.able(_COMMANDS)]
    if await operator(world, caller):
        commands.append(Able(command="pause / resume [CLUSTER]", what="stop and allow every write and probe"))
    buttons = [*places.approving(), *places.able(_BUTTONS)]
    return world.message("help", commands=commands, buttons=buttons, clusters=_clusters(world, rights))


def _clusters(world: World, rights: Rights) -> list[str]:
    """Every cluster in which the person may look at anything, and which of them is only looked at."""
    names = seen(world.clusters, rights.visible)
    return [f"{name} (read-only)" if world.clusters.get(name).read_only else name for name in names]


_Line = tuple[Collection[Right], str, str]
"""Rights, one of which is enough; what is typed; what it does."""

_COMMANDS: Sequence[_Line] = (
    (
        {Right.VIEW},
        "status [CLUSTER/]NAMESPACE/SERVICE",
        "who reaches the Service's load balancer, how, and why",
    ),
    (
        {Right.VIEW},
        "list [CLUSTER/][NAMESPACE]",
        "every LoadBalancer Service: pass-through, worst verdict, findings",
    ),
    (
        {Right.PROPOSE},
        "enable / disable [CLUSTER/]NAMESPACE/SERVICE [reason]",
        "propose to switch pass-through",
    ),
    ({Right.VERIFY}, "verify [CLUSTER/]NAMESPACE/SERVICE", "measure with real connections, now"),
    ({Right.VIEW}, "history [CLUSTER/][NAMESPACE/SERVICE]", "who asked, approved and applied what"),
)
_BUTTONS: Sequence[_Line] = (
    ({Right.PROPOSE}, "", "withdraw what you proposed, and propose to roll back what was applied"),
    ({Right.ROLLBACK}, "", "roll back what was applied, without anybody's approval"),
    (
        {Right.BREAK_GLASS},
        "",
        "break the glass: approve alone, what you proposed too, with a reason that the incident channel is told",
    ),
    ({Right.PROPOSE, Right.APPROVE}, "", "acknowledge and snooze incidents"),
)


class _Places:
    """Where a person may do what, among the namespaces that have a LoadBalancer Service."""

    def __init__(self, world: World, rights: Rights) -> None:
        self._rights = rights
        self._known = _spaces(world)
        # Where nothing is known yet, policies are asked about a namespace that is made up, and none is named.
        self._asked = self._known or {(name, "default") for name in world.clusters.names()}
        self._allowed = {right: self._where(right) for right in Right}

    def able(self, lines: Sequence[_Line]) -> list[Able]:
        """Keep those lines that the person has a right to anywhere."""
        found = [(line, set().union(*(self._allowed[right] for right in line[0]))) for line in lines]
        return [
            Able(command=command, what=what, where=self._named(spaces))
            for (_, command, what), spaces in found
            if spaces
        ]

    def approving(self) -> list[Able]:
        """What the person may approve: what others proposed, or their own too."""
        spaces = self._allowed[Right.APPROVE]
        own = {space for space in spaces if self._rights.policy(*space).self_approval}
        lines = (
            ("approve or reject what others proposed", spaces - own),
            ("approve what was proposed, by you too, and reject what others proposed", own),
        )
        return [Able(what=what, where=self._named(some)) for what, some in lines if some]

    def _where(self, right: Right) -> set[Space]:
        return {space for space in self._asked if self._rights.decide(right, *space).allowed}

    def _named(self, allowed: set[Space]) -> str:
        """Name the places: a cluster where all of it is meant, else its namespaces, if they may be seen."""
        if allowed == self._asked or not self._known:
            return ""
        whole = {name for name, _ in allowed if self._of(name, self._asked) <= allowed}
        spaces = {f"{name}/{space}" for name, space in allowed if self._shown(name, space, whole)}
        names = sorted(whole) + sorted(spaces)
        left = len(names) - MOST_NAMED
        return ", ".join(names[:MOST_NAMED]) + (f" and {left} more" if left > 0 else "")

    def _shown(self, name: str, space: str, whole: set[str]) -> bool:
        return name not in whole and self._rights.visible(name, space)

    @staticmethod
    def _of(cluster: str, spaces: set[Space]) -> set[Space]:
        return {space for space in spaces if space[0] == cluster}


def _spaces(world: World) -> set[Space]:
    return {
        (name, ref.namespace)
        for name in world.clusters.names()
        for ref in world.clusters.get(name).snapshot().inventory.load_balancers()
    }
