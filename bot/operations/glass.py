"""What keeps a proposal from being approved for now, and who may break the glass."""

from bot.domain.approval import those_awaited
from bot.domain.change import Change, Phase
from bot.domain.policy import Policy, policy_for
from bot.domain.words import who_may
from bot.operations.world import World


def policies_of(world: World, change: Change) -> list[Policy]:
    """Return the policies of the namespaces that a change is about, each once."""
    spaces = dict.fromkeys(step.service.namespace for step in change.steps)
    return [policy_for(world.settings.policies, change.cluster, space) for space in spaces]


def glass_breakers(world: World, change: Change) -> tuple[str, ...]:
    """Name those who may break the glass, by the members that the groups had when it was proposed."""
    groups = change.electorate.groups if change.electorate else {}
    return those_awaited(
        policies_of(world, change), change, groups, change.requested_at, break_glass=True
    ).ids


def frozen_words(world: World, change: Change) -> str:
    """Say that nobody can approve a proposal now, how long, and who may all the same; empty where somebody can."""
    if not change.frozen or change.phase is not Phase.PROPOSED:
        return ""
    able = glass_breakers(world, change)
    alone = f"{who_may(able)} may break the glass" if able else "nobody may break the glass"
    return f"Changes are frozen here {change.frozen}, so nobody can approve this now; {alone}."
