"""Whether a change may be proposed, approved and applied: decisions from its policy and its approvals."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.change import Approval, Change, Phase, Verb
from bot.domain.entitled import Candidate, Who, candidates, those_able
from bot.domain.freeze import Freeze, freeze_at
from bot.domain.policy import (
    ALLOWED,
    EVERYONE,
    Cause,
    Decision,
    Groups,
    Member,
    Policy,
    Right,
    could_not_look_up,
    may,
    may_start_rollback,
    not_entitled,
    refuse,
)

_WHENEVER = frozenset({"ipvs-sibling-mismatch"})
_ENABLING = frozenset(
    {
        "same-node-lockout",
        "unsupported-version",
        "meaningless-category",
        "meaningless-proxy",
        "pass-through-not-cce",
        "source-ranges-ineffective",
    }
)
"""Harm, or nothing at all, done by the annotation itself: taking it away is always right."""
_BROUGHT_ABOUT = frozenset({"source-ranges-fatal", "networkpolicy-source-changes"})
"""Harm only where the change brings it about; what was there before is no reason against it."""

REFUSED_BY_DEFAULT = _WHENEVER | _ENABLING | _BROUGHT_ABOUT
"""Finding codes that may refuse a proposal unless the policy accepts the risk: the change would do harm."""

BOT = "bot"
"""Who asks for a rollback when the configuration, not a person, does (`verification.onFailure`)."""


def frozen(policy: Policy, verb: Verb, now: datetime) -> Decision:
    """Decide whether a change freeze stands in the way. It never stops a rollback: undoing is no new risk."""
    found = freeze_of([policy], verb, now)
    return refuse(Cause.FROZEN, f"Changes are frozen here {found}.") if found else ALLOWED


def freeze_of(policies: Iterable[Policy], verb: Verb, now: datetime) -> Freeze | None:
    """Return the freeze that keeps a change from being approved now, of all namespaces that it is about together."""
    if verb is Verb.ROLLBACK:
        return None
    return freeze_at([window for policy in policies for window in policy.freeze], now)


def decide_proposal(policy: Policy, verb: Verb, person: Member, groups: Groups, *, reason: str) -> Decision:
    """Decide whether a person may propose a change, and has said why where that is required.

    A freeze does not stop a proposal: it can be approved once the freeze is over.
    """
    right = (
        may_start_rollback(policy, person, groups)
        if verb is Verb.ROLLBACK
        else may(policy, Right.PROPOSE, person, groups)
    )
    if right.allowed and policy.require_reason and not reason.strip():
        return refuse(Cause.REASON_MISSING, "A reason is required here: write it behind the Service's name.")
    return right


def decide_approval(
    policy: Policy,
    change: Change,
    person: Member,
    groups: Groups,
    now: datetime,
    *,
    break_glass: bool = False,
    reason: str = "",
) -> Decision:
    """Decide whether a person's yes counts for a change, and whether it is the last one needed.

    It counts of those who may now and could when it was proposed. Break-glass counts alone, for one's own
    proposal and in a freeze too, and needs a reason. The yes of a person who may roll back counts alone for a
    rollback, their own too.
    """
    timely = _timely(change, now)
    if not timely.allowed:
        return timely
    if break_glass:
        return _broken_glass(policy, change, person, groups, reason)
    if _undoes_alone(policy, change, person, groups):
        return _ENOUGH
    return _ordinary(policy, change, person, groups, now)


def decide_rejection(
    policy: Policy, change: Change, person: Member, groups: Groups, now: datetime
) -> Decision:
    """Decide whether a person's no counts: of those whose yes would, and of nobody's own proposal."""
    timely = _timely(change, now)
    if not timely.allowed:
        return timely
    if change.requested_by == person.id:
        return refuse(Cause.OWN_PROPOSAL, "This is your own proposal: withdraw it instead.")
    may_approve = _may_approve(policy, change, person, groups)
    if may_approve.cause is Cause.NOT_ENTITLED:
        return not_entitled("reject changes", may_approve.who_may)
    return may_approve


def those_awaited(
    policies: Sequence[Policy],
    change: Change,
    groups: Groups,
    now: datetime,
    *,
    break_glass: bool = False,
    without_rights: frozenset[str] = frozenset(),
) -> Who:
    """Name whose yes would count for a proposal as it is now, or who may break the glass; a freeze aside."""
    thawed = [replace(policy, freeze=()) for policy in policies]

    def able(user: str) -> bool:
        return user not in without_rights and all(
            decide_approval(
                policy, change, Candidate(id=user), groups, now, break_glass=break_glass, reason="asked"
            ).allowed
            for policy in thawed
        )

    rights = (Right.BREAK_GLASS,) if break_glass else approving(change.verb)
    return those_able(policies, rights, groups, able, concerned=concerned(change))


def concerned(change: Change) -> list[str]:
    """Return those whose yes may not count because of what they did."""
    return [change.requested_by, *(approval.by for approval in change.approvals)]


def by_itself(change: Change) -> bool:
    """Whether the configuration, and no person, asked for a change and approved it."""
    return (
        change.verb is Verb.ROLLBACK
        and change.requested_by == BOT
        and any(approval.by == BOT for approval in change.approvals)
    )


def still_stands(
    policy: Policy, change: Change, people: Mapping[str, Member], groups: Groups, now: datetime
) -> Decision:
    """Decide, just before a change is applied, whether what allowed it still holds.

    Args:
        policy: the one that is in force now.
        change: approved.
        people: requester and approvers, by id; one who is missing could not be looked up.
        groups: see `Groups`.
        now: with a zone.
    """
    if by_itself(change):
        return ALLOWED
    asked = _requester_stands(policy, change, people, groups)
    if not asked.allowed:
        return asked
    valid = [a for a in change.approvals if a.by in people]
    if any(_counts_alone(policy, change, a, people[a.by], groups) for a in valid):
        return ALLOWED
    by = {a.by for a in valid if may(policy, Right.APPROVE, people[a.by], groups).allowed}
    if len(by - _barred(policy, change.requested_by)) < _needed(policy, change):
        return refuse(Cause.NOT_ENOUGH, "Who approved it may not approve changes here any more.")
    return frozen(policy, change.verb, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvers:
    """Who can approve a proposal, told when it is made."""

    ids: tuple[str, ...]
    """User and group ids, or "*", as the card names them."""
    possible: bool
    """Whether as many people as are needed, or one who may break the glass, can be found."""
    break_glass: tuple[str, ...] = ()
    """Who may break the glass, likewise."""
    why: str = ""
    """One sentence, when not possible."""
    unknown: bool = False
    """Whether it may be possible after all, when who is in a user group can be looked up."""


def who_can_approve(
    policies: Sequence[Policy],
    verb: Verb,
    requester: str,
    groups: Groups,
    *,
    without_rights: frozenset[str] = frozenset(),
) -> Approvers:
    """Find out whether a proposal can be approved at all; one that nobody can approve is refused at once.

    Args:
        policies: of every namespace that it is about; who approves it needs the right in all of them.
        verb: what the change does.
        requester: a Slack user id.
        groups: see `Groups`.
        without_rights: user ids known to be no full members.
    """
    able = _Able(policies=policies, verb=verb, requester=requester, groups=groups)
    people = [user for user in candidates(policies, groups) if user not in without_rights]
    counting = [user for user in people if able.counts(user)]
    ids = those_able(policies, approving(verb), groups, counting.__contains__).ids
    needed = max(policy.approvals for policy in policies)
    glass = those_able(
        policies, (Right.BREAK_GLASS,), groups, lambda user: user in people and able.breaks_glass(user)
    ).ids
    if EVERYONE in counting or len(counting) >= needed or any(map(able.alone, people)):
        return Approvers(ids=ids, possible=True, break_glass=glass)
    rights = (*approving(verb), Right.BREAK_GLASS)
    consulted = sorted({group for policy in policies for group in policy.groups(*rights)})
    unknown = next((group for group in consulted if groups.get(group) is None), "")
    why = could_not_look_up(unknown) if unknown else _nobody(policies, needed)
    return Approvers(ids=ids, possible=False, why=why, unknown=bool(unknown))


@dataclass(frozen=True, slots=True, kw_only=True)
class Objections:
    """What findings mean for a proposal."""

    blocking: tuple[str, ...]
    """Codes that refuse it."""
    risks: tuple[str, ...]
    """Codes that this policy lets a person accept, with a reason."""


def objections(
    policy: Policy, codes: Iterable[str], *, verb: Verb = Verb.ENABLE, before: Collection[str] = ()
) -> Objections:
    """Sort finding codes into those that refuse a proposal and those that ask for a reason.

    Args:
        policy: where the change is.
        codes: of the findings as they would be after the change.
        verb: what the change does.
        before: codes of the findings as they are.
    """
    found = tuple(dict.fromkeys(codes))
    grave = [code for code in found if _grave(code, verb, before)]
    return Objections(
        blocking=tuple(
            c for c in found if c in policy.block_on or (c in grave and c not in policy.accept_risk)
        ),
        risks=tuple(c for c in grave if c in policy.accept_risk and c not in policy.block_on),
    )


# --- the parts -----------------------------------------------------------------------------------------


_ENOUGH = Decision(allowed=True, cause=Cause.ALLOWED, enough=True)


def _grave(code: str, verb: Verb, before: Collection[str]) -> bool:
    if code in _ENABLING:
        return verb is not Verb.DISABLE
    return code in _WHENEVER or (code in _BROUGHT_ABOUT and code not in before)


def _nobody(policies: Sequence[Policy], needed: int) -> str:
    people = "one person" if needed == 1 else f"{needed} different people"
    beside = "" if all(policy.self_approval for policy in policies) else " beside you"
    where = "here" if len(policies) == 1 else "in every namespace that it is about"
    return f"Nobody could approve this: it needs {people}{beside} who may approve changes {where}. Whoever runs me can add them to the policy."


def _timely(change: Change, now: datetime) -> Decision:
    if change.phase is not Phase.PROPOSED:
        return refuse(Cause.CLOSED, f"{change.label} is {change.phase} already.")
    if now >= change.expires_at:
        return refuse(Cause.EXPIRED, f"{change.label} has expired. Propose it again if it is still wanted.")
    return ALLOWED


def _needed(policy: Policy, change: Change) -> int:
    """The stricter of what was promised when it was proposed and what is in force now."""
    return max(policy.approvals, change.approvals_needed)


def _may_approve(policy: Policy, change: Change, person: Member, groups: Groups) -> Decision:
    """Decide whether a person is one of the approvers, now and when it was proposed."""
    if change.verb is Verb.ROLLBACK and may(policy, Right.ROLLBACK, person, groups).allowed:
        return _could(change, person, *approving(change.verb))
    right = may(policy, Right.APPROVE, person, groups)
    return _could(change, person, *approving(change.verb)) if right.allowed else right


def _could(change: Change, person: Member, *rights: Right) -> Decision:
    """Decide whether a person had the right already when a change was proposed."""
    if change.electorate is None:
        return ALLOWED
    then = change.electorate.may(person, *rights)
    if then.allowed:
        return ALLOWED
    if then.cause is Cause.UNKNOWN:
        why = f"Whether you could do that already when {change.label} was proposed is not known, for a user group could not be looked up then."
        return refuse(Cause.LATE, why)
    return refuse(Cause.LATE, f"You got the right to do that only after {change.label} was proposed.")


def _undoes_alone(policy: Policy, change: Change, person: Member, groups: Groups) -> bool:
    """Whether a person's yes to a rollback is enough."""
    return (
        change.verb is Verb.ROLLBACK
        and may(policy, Right.ROLLBACK, person, groups).allowed
        and _could(change, person, Right.ROLLBACK).allowed
    )


def _ordinary(policy: Policy, change: Change, person: Member, groups: Groups, now: datetime) -> Decision:
    right = _may_approve(policy, change, person, groups)
    if not right.allowed:
        return right
    if change.requested_by == person.id and not policy.self_approval:
        return refuse(Cause.OWN_PROPOSAL, "You may not approve your own proposal.")
    if any(a.by == person.id for a in change.approvals):
        return refuse(Cause.TWICE, f"You have approved {change.label} already; it needs another person too.")
    thaw = frozen(policy, change.verb, now)
    if not thaw.allowed:
        return thaw
    given = len({a.by for a in change.approvals} | {person.id})
    return _ENOUGH if given >= _needed(policy, change) else ALLOWED


def _broken_glass(policy: Policy, change: Change, person: Member, groups: Groups, reason: str) -> Decision:
    right = may(policy, Right.BREAK_GLASS, person, groups)
    if right.allowed:
        right = _could(change, person, Right.BREAK_GLASS)
    if not right.allowed:
        return right
    if not reason.strip():
        return refuse(Cause.REASON_MISSING, "Breaking the glass needs a reason.")
    return _ENOUGH


def _requester_stands(
    policy: Policy, change: Change, people: Mapping[str, Member], groups: Groups
) -> Decision:
    if change.requested_by == BOT and change.verb is Verb.ROLLBACK:
        return ALLOWED
    requester = people.get(change.requested_by)
    if requester is None:
        return refuse(Cause.UNKNOWN, "Who proposed it could not be looked up.")
    asked = decide_proposal(policy, change.verb, requester, groups, reason=change.reason)
    if asked.allowed:
        return asked
    return refuse(asked.cause, "Who proposed it may not propose changes here any more.")


def _barred(policy: Policy, requester: str) -> frozenset[str]:
    return frozenset() if policy.self_approval else frozenset({requester})


def _counts_alone(policy: Policy, change: Change, approval: Approval, person: Member, groups: Groups) -> bool:
    if approval.break_glass:
        return may(policy, Right.BREAK_GLASS, person, groups).allowed
    return _undoes_alone(policy, change, person, groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Able:
    """Whose yes would count for a proposal, in all of its namespaces; what is not surely so is not so."""

    policies: Sequence[Policy]
    verb: Verb
    requester: str
    groups: Groups

    def alone(self, user: str) -> bool:
        """Whether a person's yes would be enough: by breaking the glass, or by the right to roll back."""
        return self.breaks_glass(user) or (
            self.verb is Verb.ROLLBACK and self._everywhere(Right.ROLLBACK, user)
        )

    def breaks_glass(self, user: str) -> bool:
        """Whether a person may break the glass."""
        return self._everywhere(Right.BREAK_GLASS, user)

    def counts(self, user: str) -> bool:
        """Whether a person's yes would be one of those that are needed."""
        return all(self._counts(policy, user) for policy in self.policies)

    def _counts(self, policy: Policy, user: str) -> bool:
        if self.verb is Verb.ROLLBACK and self._may(policy, Right.ROLLBACK, user):
            return True
        return user not in _barred(policy, self.requester) and self._may(policy, Right.APPROVE, user)

    def _everywhere(self, right: Right, user: str) -> bool:
        return all(self._may(policy, right, user) for policy in self.policies)

    def _may(self, policy: Policy, right: Right, user: str) -> bool:
        return may(policy, right, Candidate(id=user), self.groups).allowed


def approving(verb: Verb) -> tuple[Right, ...]:
    """The rights by which one approves."""
    return (Right.ROLLBACK, Right.APPROVE) if verb is Verb.ROLLBACK else (Right.APPROVE,)
