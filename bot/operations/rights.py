"""Who is asking, looked up: the person and the user groups that a policy needs; every doubt is a no."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from bot.domain.entitled import PERSONAL, candidates, decided
from bot.domain.policy import EVERYONE, Decision, Groups, Member, Policy, Right, may, policy_for
from bot.operations.caller import Caller
from bot.operations.refusal import Refused
from bot.operations.world import World
from bot.ports import Forbidden, NotFound, Person, WorldError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """One person, with what is known of every user group that the policies name."""

    person: Person
    groups: Groups
    policies: tuple[Policy, ...]
    doubt: str = ""
    """Why nothing is known of the person, in a sentence; empty where it is."""
    _seen: dict[tuple[str, str], bool] = field(default_factory=dict, repr=False, compare=False)
    """Namespaces that were asked about: ten thousand Services are in a hundred of them."""

    def known(self) -> "Rights":
        """Return the same, of somebody who has any rights at all.

        Raises:
            Refused: the person is no full member, or could not be looked up; what is there is not given away.
        """
        if self.person.full_member:
            return self
        raise Refused(
            self.doubt or "Guests, bots and people of other workspaces have no rights here.",
            passing=bool(self.doubt),
        )

    def policy(self, cluster: str, namespace: str) -> Policy:
        """Return the policy of a namespace."""
        return policy_for(self.policies, cluster, namespace)

    def of(self, cluster: str, namespaces: Iterable[str]) -> list[Policy]:
        """Return the policies of several namespaces, each once."""
        return [self.policy(cluster, space) for space in dict.fromkeys(namespaces)]

    def decide(self, right: Right, cluster: str, namespace: str) -> Decision:
        """Decide about one right in one namespace."""
        return may(self.policy(cluster, namespace), right, self.person, self.groups)

    def visible(self, cluster: str, namespace: str) -> bool:
        """Whether this person may look at a namespace."""
        known = self._seen.get((cluster, namespace))
        if known is None:
            known = self._seen[cluster, namespace] = self.decide(Right.VIEW, cluster, namespace).allowed
        return known


async def ruled(
    world: World,
    rights: Rights,
    policies: Sequence[Policy],
    by: Sequence[Right],
    decide: Callable[[Policy, Member], Decision],
    *,
    concerned: Sequence[str] = (),
) -> Decision:
    """Ask the policies of every namespace; a refusal names those who may in all of them, as far as Slack tells now."""
    found = decided(policies, by, rights.person, rights.groups, decide, concerned=concerned)
    if found.allowed or found.cause not in PERSONAL:
        return found
    outside = await without_rights(world, policies, rights.groups)
    return decided(
        policies, by, rights.person, rights.groups, decide, concerned=concerned, without_rights=outside
    )


async def rights_of(world: World, caller: Caller, *rights: Right) -> Rights:
    """Look a caller up, and the groups that decide about these rights (all of them, if none is given)."""
    policies = world.settings.policies
    wanted = {group for policy in policies for group in policy.groups(*rights)}
    (person, doubt), groups = await asyncio.gather(_looked_up(world, caller), groups_of(world, wanted))
    return Rights(person=person, groups=groups, policies=policies, doubt=doubt)


async def person_of(world: World, caller: Caller) -> Person:
    """Return the caller; one who cannot be looked up, or comes from another workspace, has no rights."""
    person, _ = await _looked_up(world, caller)
    return person


_SILENT = "Who you are could not be looked up at Slack, so nothing is allowed; try again in a minute."
_LACKING = (
    "Who you are could not be looked up: Slack does not let me (scope users:read), so nothing is allowed until the app "
    "is installed again from app-manifest.yml."
)
_NO_TEAM = "Slack has not said which workspace this is, so nobody has rights; whoever runs me sets team: in the configuration."


async def _looked_up(world: World, caller: Caller) -> tuple[Person, str]:
    """Return the caller, and the sentence that says why nothing is known of them, if so."""
    try:
        found = await world.messenger.person(caller.user)
    except Forbidden:
        return nobody(caller), _LACKING
    except WorldError:
        return nobody(caller), _SILENT
    team = world.settings.team
    if not team:
        return replace(found, full_member=False), _NO_TEAM
    # On Enterprise Grid somebody may act from another workspace than the bot's, and belong to both.
    stranger = caller.team and caller.team not in {team, found.team, *found.teams}
    return (replace(found, team=caller.team, full_member=False) if stranger else found), ""


def nobody(caller: Caller) -> Person:
    """Somebody of whom nothing is known, not even the workspace: a person without rights."""
    return Person(id=caller.user, team="", name=caller.user, full_member=False)


async def groups_of(world: World, groups: Iterable[str]) -> Groups:
    """Look user groups up at the same time; None for each that cannot be."""
    names = sorted(groups)
    return dict(zip(names, await asyncio.gather(*(_members(world, name) for name in names)), strict=True))


async def _members(world: World, group: str) -> frozenset[str] | None:
    try:
        return await world.messenger.members(group)
    except WorldError:
        return None


ANYTHING = "asked for next"
"""A reason, where only whether one would count is asked."""
MOST_LOOKED_UP = 40
"""People who are looked up to see whether they are still members."""


async def without_rights(world: World, policies: Sequence[Policy], groups: Groups) -> frozenset[str]:
    """Those whom the policies name although they have no rights: deactivated, guests, bots, strangers."""
    users = [user for user in candidates(policies, groups) if user != EVERYONE][:MOST_LOOKED_UP]
    without = await asyncio.gather(*(_without_rights(world, user) for user in users))
    return frozenset(user for user, outside in zip(users, without, strict=True) if outside)


async def _without_rights(world: World, user: str) -> bool:
    """Whether somebody is known to have no rights; who cannot be looked up now is looked up again at the click."""
    try:
        return not (await world.messenger.person(user)).full_member
    except NotFound:
        return True
    except WorldError:
        return False


async def operator(world: World, caller: Caller) -> bool:
    """Whether the caller may pause and resume."""
    person = await person_of(world, caller)
    ids = world.settings.operators
    groups = await groups_of(world, [id_ for id_ in ids if id_.startswith("S")])
    listed = caller.user in ids or any(caller.user in (members or ()) for members in groups.values())
    return person.full_member and listed
