"""Who exactly may do something: named as their policies name them, or one by one where not all of a group may."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bot.domain.policy import EVERYONE, Cause, Decision, Groups, Member, Policy, Right, all_agree, may

PERSONAL = frozenset({Cause.NOT_ENTITLED, Cause.DENIED, Cause.OWN_PROPOSAL, Cause.TWICE, Cause.LATE})
"""Why somebody is refused for who they are: somebody else may."""


class Who(NamedTuple):
    """Those who may."""

    ids: tuple[str, ...]
    """User and group ids, every member of each group; or "*"."""
    but: tuple[str, ...] = ()
    """Of "*": user ids of those who may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody who may exist: of a crowd, or named in a policy or in a user group."""

    id: str
    full_member: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Electorate:
    """Who had which right when a change was proposed: a click counts only of those who had it then, and still have."""

    policies: tuple[Policy, ...]
    """Of every namespace that the change is about: of each its lists, and nothing else."""
    groups: Mapping[str, frozenset[str] | None]
    """The members of every group on them; None: they could not be looked up."""

    def may(self, person: Member, *rights: Right) -> Decision:
        """Decide whether a person had one of these rights, in every namespace."""
        return all_agree(
            _best(may(policy, right, person, self.groups) for right in rights) for policy in self.policies
        )


def electorate(policies: Iterable[Policy], groups: Groups) -> Electorate:
    """Capture who may decide a change, by every right that lets somebody do so."""
    lists = tuple(
        Policy(
            view=(),
            approve=policy.approve,
            rollback=policy.entitled(Right.ROLLBACK),
            break_glass=policy.break_glass,
            deny=policy.deny,
        )
        for policy in policies
    )
    listed = sorted({group for policy in lists for group in policy.groups()})
    return Electorate(policies=lists, groups={group: groups.get(group) for group in listed})


def decided(
    policies: Sequence[Policy],
    rights: Sequence[Right],
    person: Member,
    groups: Groups,
    decide: Callable[[Policy, Member], Decision],
    *,
    concerned: Iterable[str] = (),
    without_rights: frozenset[str] = frozenset(),
) -> Decision:
    """Ask the policy of every namespace; who is refused for who they are is told who may in all of them.

    Args:
        policies: of every namespace.
        rights: by which it may be done; their lists give the names.
        person: who asks.
        groups: see `Groups`.
        decide: the decision of one policy, about anybody.
        concerned: user ids of whom it decides otherwise, whether a list names them or not.
        without_rights: user ids known to be no full members.
    """
    found = all_agree(decide(policy, person) for policy in policies)
    if found.allowed or found.cause not in PERSONAL:
        return found

    def able(user: str) -> bool:
        # A freeze is nobody's own: who may is who may when it is over.
        somebody = Candidate(id=user)
        return (
            user not in without_rights
            and all_agree(decide(replace(policy, freeze=()), somebody) for policy in policies).allowed
        )

    who = those_able(policies, rights, groups, able, concerned=(*concerned, person.id))
    return replace(found, who_may=who.ids, but=who.but)


def those_able(
    policies: Sequence[Policy],
    rights: Sequence[Right],
    groups: Groups,
    able: Callable[[str], bool],
    *,
    concerned: Iterable[str] = (),
) -> Who:
    """Name everybody who is able, and nobody else: a group only where all of it is.

    Args:
        policies: of every namespace.
        rights: whose lists give the names.
        groups: see `Groups`.
        able: whether a user is; "*" stands for somebody whom no list names.
        concerned: users who may not be able although no list names them.
    """
    listed = dict.fromkeys(id_ for right in rights for policy in policies for id_ in policy.entitled(right))
    if able(EVERYONE):
        known = sorted({*candidates(policies, groups), *concerned})
        return Who((EVERYONE,), tuple(user for user in known if user != EVERYONE and not able(user)))
    whole = [id_ for id_ in listed if id_.startswith("S") and _nonempty_all(members(id_, groups), able)]
    inside = {user for group in whole for user in members(group, groups)}
    named = []
    for id_ in listed:
        one_by_one = (user for user in sorted(members(id_, groups)) if user not in inside and able(user))
        named += [id_] if id_ in whole else list(one_by_one)
    return Who(tuple(dict.fromkeys(named)))


def candidates(policies: Iterable[Policy], groups: Groups) -> list[str]:
    """Everybody whom a policy names, by themselves or in a group, and "*" for everybody else."""
    return sorted(
        {user for policy in policies for id_ in _all_of(policy) for user in members(id_, groups)} | {EVERYONE}
    )


def members(id_: str, groups: Groups) -> frozenset[str]:
    """Return the users whom an id of a policy stands for, as far as they are known."""
    return (groups.get(id_) or frozenset()) if id_.startswith("S") else frozenset({id_})


def _all_of(policy: Policy) -> list[str]:
    return [id_ for right in Right for id_ in policy.entitled(right)] + list(policy.deny)


def _nonempty_all(users: frozenset[str], able: Callable[[str], bool]) -> bool:
    return bool(users) and all(map(able, users))


def _best(decisions: Iterable[Decision]) -> Decision:
    """Return the first that allows, else the one that only a failed look-up refuses, else the first."""
    several = list(decisions)
    unknown = (decision for decision in several if decision.cause is Cause.UNKNOWN)
    return next((d for d in several if d.allowed), next(unknown, several[0]))
