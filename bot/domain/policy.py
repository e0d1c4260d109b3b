"""Who may do what, where: decisions as values, made from a policy and from who is in which group.

No answer here looks anything up. A user group whose members are not known never gives a right, and where it
stands on a deny list it takes every right away: an unknown membership can only refuse.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Protocol

from bot.domain.freeze import Window
from bot.domain.words import person as named

EVERYONE = "*"
"""Every full member of the team."""

Groups = Mapping[str, frozenset[str] | None]
"""User group id → its members; None, or no entry: the look-up failed."""


class Right(StrEnum):
    """What a policy gives, in the words of the configuration file."""

    VIEW = "view"
    VERIFY = "verify"
    PROPOSE = "propose"
    APPROVE = "approve"
    ROLLBACK = "rollback"
    BREAK_GLASS = "breakGlass"


NOBODY_MAY = "The policy here lets nobody; whoever runs me can change that."
_DOING: Mapping[Right, str] = {
    Right.VIEW: "look at Services",
    Right.VERIFY: "verify Services",
    Right.PROPOSE: "propose changes",
    Right.APPROVE: "approve changes",
    Right.ROLLBACK: "roll changes back",
    Right.BREAK_GLASS: "break the glass",
}


class Member(Protocol):
    """A person, as far as rights depend on it."""

    @property
    def id(self) -> str:
        """The Slack user id."""
        ...

    @property
    def full_member(self) -> bool:
        """Neither guest, bot, deactivated nor of another workspace."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One entry of `policies`. As it stands without arguments it gives nothing but `view`."""

    cluster: str = "*"
    """A glob, as fnmatch reads it, upper and lower case apart."""
    namespace: str = "*"
    view: tuple[str, ...] = (EVERYONE,)
    verify: tuple[str, ...] | None = None
    """None: as propose."""
    propose: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    rollback: tuple[str, ...] | None = None
    """None: as approve."""
    deny: tuple[str, ...] = ()
    approvals: int = 1
    self_approval: bool = False
    break_glass: tuple[str, ...] = ()
    expires_after: float = 86400.0
    """Seconds from the proposal."""
    reminder: float = 1800.0
    """Seconds before the expiry."""
    require_reason: bool = False
    freeze: tuple[Window, ...] = ()
    block_on: frozenset[str] = frozenset()
    accept_risk: frozenset[str] = frozenset()

    def entitled(self, right: Right) -> tuple[str, ...]:
        """Return the user and group ids, or "*", that have a right, before `deny` is considered."""
        match right:
            case Right.VIEW:
                return self.view
            case Right.VERIFY:
                return self.propose if self.verify is None else self.verify
            case Right.PROPOSE:
                return self.propose
            case Right.APPROVE:
                return self.approve
            case Right.ROLLBACK:
                return self.approve if self.rollback is None else self.rollback
            case Right.BREAK_GLASS:
                return self.break_glass

    def groups(self, *rights: Right) -> frozenset[str]:
        """Return the user groups whose members decide about these rights (all rights, if none is given)."""
        listed = [id_ for right in rights or Right for id_ in self.entitled(right)]
        return frozenset(id_ for id_ in (*listed, *self.deny) if id_.startswith("S"))

    def matches(self, cluster: str, namespace: str) -> bool:
        """Whether this policy is about a namespace of a cluster."""
        return fnmatchcase(cluster, self.cluster) and fnmatchcase(namespace, self.namespace)


NOTHING_BUT_VIEW = Policy()


def policy_for(policies: Iterable[Policy], cluster: str, namespace: str) -> Policy:
    """Return the first policy that matches, as the file orders them; without one, nothing but `view`."""
    return next((p for p in policies if p.matches(cluster, namespace)), NOTHING_BUT_VIEW)


class Cause(StrEnum):
    """Why a decision is as it is."""

    ALLOWED = "allowed"
    NOT_A_MEMBER = "not a member"
    """A guest, a bot, deactivated, or of another workspace."""
    DENIED = "denied"
    NOT_ENTITLED = "not entitled"
    UNKNOWN = "unknown"
    """A user group could not be looked up, and it might have decided otherwise."""
    OWN_PROPOSAL = "own proposal"
    TWICE = "twice"
    LATE = "late"
    """Entitled now, and not when the change was proposed."""
    CLOSED = "closed"
    EXPIRED = "expired"
    FROZEN = "frozen"
    REASON_MISSING = "reason missing"
    NOT_ENOUGH = "not enough"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An answer to "may this person do that?"."""

    allowed: bool
    cause: Cause
    why: str = ""
    """One sentence for the person; empty when allowed."""
    who_may: tuple[str, ...] = ()
    """When refused for who the person is: user and group ids, or "*", of those who may."""
    but: tuple[str, ...] = ()
    """Where everybody may: user ids of those who may not."""
    enough: bool = False
    """Of an approval: whether the change has all it needs with this one."""


ALLOWED = Decision(allowed=True, cause=Cause.ALLOWED)


def may(policy: Policy, right: Right, person: Member, groups: Groups) -> Decision:
    """Decide about one right of one person. `deny` wins over everything."""
    if not person.full_member:
        return refuse(Cause.NOT_A_MEMBER, "Guests, bots and people of other workspaces have no rights here.")
    denied = _listed(policy.deny, person.id, groups)
    if denied.yes:
        listed = refuse(Cause.DENIED, "You are on the deny list here.", those_who_may(policy, right))
        return replace(listed, but=policy.deny)
    if denied.unknown:
        return _unknown(denied)
    entitled = _listed(policy.entitled(right), person.id, groups)
    if entitled.yes:
        return ALLOWED
    if entitled.unknown:
        return _unknown(entitled)
    return not_entitled(_DOING[right], those_who_may(policy, right))


def not_entitled(doing: str, who_may: tuple[str, ...]) -> Decision:
    """Return the refusal of somebody who lacks a right; who has it is named, or that nobody has."""
    nobody = "" if who_may else f" {NOBODY_MAY}"
    return refuse(Cause.NOT_ENTITLED, f"You may not {doing} here.{nobody}", who_may)


def among(ids: Iterable[str], person: Member, groups: Groups) -> bool:
    """Whether a full member is surely on a list of user and group ids, or "*"."""
    return person.full_member and _listed(ids, person.id, groups).yes


def may_start_rollback(policy: Policy, person: Member, groups: Groups) -> Decision:
    """Decide who may propose to undo a change: who may roll back alone, and who may propose."""
    alone = may(policy, Right.ROLLBACK, person, groups)
    if alone.allowed:
        return alone
    asked = may(policy, Right.PROPOSE, person, groups)
    return asked if asked.allowed else alone


def all_agree(decisions: Iterable[Decision]) -> Decision:
    """Return the first refusal of several policies; all allow only together, and are enough only together."""
    several = list(decisions)
    refused = next((d for d in several if not d.allowed), None)
    if refused or not several:
        return refused or refuse(Cause.NOT_ENTITLED, "No policy speaks for this.")
    return next((d for d in several if not d.enough), several[0])


# --- the parts -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Listed:
    """Whether a person is on a list; neither yes nor unknown: no."""

    yes: bool
    unknown: str = ""
    """A group that may hold the person."""


def _listed(ids: Iterable[str], user: str, groups: Groups) -> _Listed:
    listed = tuple(ids)
    if EVERYONE in listed or user in listed or any(user in (groups.get(g) or ()) for g in listed):
        return _Listed(yes=True)
    unknown = [g for g in listed if g.startswith("S") and groups.get(g) is None]
    return _Listed(yes=False, unknown=unknown[0] if unknown else "")


def refuse(cause: Cause, why: str, who_may: tuple[str, ...] = ()) -> Decision:
    """Return a refusal."""
    return Decision(allowed=False, cause=cause, why=why, who_may=who_may)


def _unknown(listed: _Listed) -> Decision:
    return refuse(Cause.UNKNOWN, could_not_look_up(listed.unknown))


def could_not_look_up(group: str) -> str:
    """Return the sentence that tells why nothing is decided."""
    return f"Who is in the user group {named(group)} could not be looked up, so nothing is allowed; try again in a minute."


def those_who_may(policy: Policy, right: Right) -> tuple[str, ...]:
    """Return the ids that have a right and are not denied by name, as a refusal or a card names them."""
    return tuple(
        id_ for id_ in policy.entitled(right) if id_ not in policy.deny and EVERYONE not in policy.deny
    )
