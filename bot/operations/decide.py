"""A click on a change: checked against the policy as it is now, decided by compare-and-set, answered."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from bot.domain.approval import (
    approving,
    concerned,
    decide_approval,
    decide_rejection,
    freeze_of,
    those_awaited,
)
from bot.domain.change import Approval, Change, Event, EventKind, IllegalMoveError, Phase
from bot.domain.entitled import PERSONAL
from bot.domain.policy import NOBODY_MAY, Cause, Decision, Member, Policy, Right
from bot.domain.words import counted, people, person, unmarked
from bot.operations.caller import Caller
from bot.operations.card import undoes
from bot.operations.difference import difference
from bot.operations.harm import harm
from bot.operations.jobs import advance_job, card_job, say_job
from bot.operations.leftover import given_up
from bot.operations.look import ask_git, redraw
from bot.operations.move import annotate, follow_ups, supersede
from bot.operations.orphan import known
from bot.operations.refusal import Refused, refused
from bot.operations.rights import ANYTHING, Rights, rights_of, ruled, without_rights
from bot.operations.rollback import roll_back
from bot.operations.world import World
from bot.ports import Job, NotFound, Stale

REJECT = "change:reject"
GLASS = "change:breakglass"
TRIES = 8
"""How often a click reads the row again when others decide at the same time; each loss means one of them won."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """One person's decision about one change."""

    id: str
    """The same click delivered twice is the same decision."""
    action: str
    change: str
    caller: Caller
    reason: str = ""
    at_once: bool = False
    """An approval in a hurry: nothing is measured before the patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """What a click comes to, if nobody else was faster."""

    after: Change
    event: Event
    jobs: tuple[Job, ...]
    sentence: str


async def decide(world: World, click: Click) -> str:
    """Perform a click, and return the sentence for the person.

    Raises:
        Refused: it comes to nothing; the sentence says why, and who may.
    """
    for _ in range(TRIES):
        change = await _change(world, click.change)
        rights = (await rights_of(world, click.caller)).known()
        _may_look(change, rights, click.action)
        if already := await _done_before(world, change, click):
            return already
        if click.action == "change:rollback":
            return await roll_back(world, change, rights, click.caller, click.id)
        if click.action not in _ACTIONS:
            raise Refused("This button is not known here. Ask for status once more.")
        move = await _ACTIONS[click.action](world, change, rights, click)
        try:
            if click.action in _YES:
                await _stands(world, change)
            await world.store.changes.move(change, move.after, move.event, jobs=move.jobs)
        except Stale:
            continue
        return move.sentence
    raise Refused(
        "Too many people clicked at the same time; look at the card and click again if it still has the button."
    )


async def askable(world: World, change_id: str, action: str, caller: Caller) -> None:
    """Let nobody be asked why who may not break the glass, or reject, anyway.

    Raises:
        Refused: with the sentence for the person.
    """
    change, rights = await _change(world, change_id), (await rights_of(world, caller)).known()
    _may_look(change, rights, action)
    if action == REJECT and change.phase is Phase.REJECTED and change.decided_by == caller.user:
        return
    await _decided(world, change, rights, action, reason=ANYTHING)


async def _stands(world: World, change: Change) -> None:
    """Let nobody approve what is no longer what it was, or what would do harm by now."""
    known(world, change, "approved")
    if world.clusters.get(change.cluster).read_only:
        raise Refused(
            f"The cluster {change.cluster} is read-only here, so {change.label} cannot be approved. Its card shows how to apply it yourself."
        )
    if why := await difference(world, change):
        await supersede(world, change, why)
        raise Refused(
            f"{change.label} is superseded: {unmarked(why)} Nothing is patched; a new proposal follows, decide that one."
        )
    if why := await ask_git(world, change):
        raise Refused(
            f"{change.label} was not approved, for its card said otherwise until now: {unmarked(why)} Click again if it is still wanted."
        )
    if why := harm(world, change):
        await redraw(world, change)
        raise Refused(f"{change.label} cannot be approved now, because {why}")


async def _change(world: World, change_id: str) -> Change:
    try:
        return await world.store.changes.get(change_id)
    except NotFound as error:
        raise Refused(
            "This button belongs to a change that is not known here any more. Ask for status, and propose again."
        ) from error


def _may_look(change: Change, rights: Rights, action: str) -> None:
    """Tell nothing of a change to somebody who may neither look at its Service nor do anything about it."""
    if change.phase is Phase.PROPOSED and action in {*_YES, REJECT}:
        # The decision itself is the answer, and names who may.
        return
    place = change.cluster, change.service.namespace
    look = rights.decide(Right.VIEW, *place)
    if not look.allowed and not any(rights.decide(right, *place).allowed for right in Right):
        raise Refused(look.why, passing=look.cause is Cause.UNKNOWN)


async def _done_before(world: World, change: Change, click: Click) -> str:
    """The sentence for a click whose effect is there already: delivered twice, clicked twice, or explained now."""
    user = click.caller.user
    if click.action == REJECT and change.phase is Phase.REJECTED and change.decided_by == user:
        if click.reason and not change.note:
            jobs = [_told_why(change, click)]
            await annotate(world, change, note=click.reason, jobs=jobs)
            return f"Your reason is on the card of {change.label}."
        return f"You rejected {change.label}. Nothing is patched."
    if (
        click.action in _YES
        and change.phase is Phase.APPROVED
        and any(a.by == user for a in change.approvals)
    ):
        return f"You approved {change.label}. It is being applied."
    return ""


async def _approve(world: World, change: Change, rights: Rights, click: Click) -> _Move:
    broken = click.action == GLASS
    now = world.clock()
    decision = await _decided(world, change, rights, click.action, reason=click.reason)
    approval = Approval(
        by=click.caller.user, at=now, break_glass=broken, reason=click.reason, at_once=click.at_once
    )
    given = replace(change, approvals=(*change.approvals, approval))
    event = _event(world, click, EventKind.APPROVED if decision.enough else EventKind.APPROVAL_GIVEN, change)
    if not decision.enough:
        missing = max(1, change.approvals_needed - len(given.approvals))
        given = replace(given, approvers=await _awaited(world, given, rights))
        return _Move(
            after=_moved(given, event),
            event=event,
            jobs=(card_job(change.id),),
            sentence=f"You approved {change.label}. It needs {counted(missing, 'other person', 'other people')} too.",
        )
    after = _moved(given, event, decided_by=click.caller.user, decided_at=now, incident=broken)
    loud = (say_job(change.id, "breakglass"),) if broken else ()
    return _Move(
        after=after,
        event=event,
        jobs=(*follow_ups(change, after), *loud),
        sentence=f"You approved {change.label}. The thread of its card shows what happens.",
    )


async def _reject(world: World, change: Change, rights: Rights, click: Click) -> _Move:
    now = world.clock()
    await _decided(world, change, rights, click.action)
    event = _event(world, click, EventKind.REJECTED, change)
    after = _moved(change, event, decided_by=click.caller.user, decided_at=now, note=click.reason)
    return _Move(
        after=after,
        event=event,
        jobs=(*follow_ups(change, after), *([_told_why(change, click)] if click.reason else ())),
        sentence=f"You rejected {change.label}. Nothing is patched.",
    )


def _told_why(change: Change, click: Click) -> Job:
    """Tell the requester why; an edited card notifies nobody."""
    sentence = f"{person(change.requested_by)}: {change.label} was rejected by {person(click.caller.user)}: “{unmarked(click.reason)}”"
    return say_job(change.id, "rejected", sentence)


async def _withdraw(world: World, change: Change, rights: Rights, click: Click) -> _Move:
    del rights
    if change.phase not in (Phase.PROPOSED, Phase.APPROVED, Phase.APPLYING):
        raise Refused(_too_late(change))
    if change.requested_by != click.caller.user:
        raise Refused(
            f"Only {person(change.requested_by)}, who asked for {change.label}, can withdraw it. {_HOW_TO_STOP[change.phase]}"
        )
    if change.phase is Phase.APPLYING:
        return _stop(world, change, click)
    event = _event(world, click, EventKind.WITHDRAWN, change)
    after = _moved(change, event, decided_by=click.caller.user, decided_at=world.clock())
    return _Move(
        after=after,
        event=event,
        jobs=tuple(follow_ups(change, after)),
        sentence=f"You withdrew {change.label}. Nothing is patched.",
    )


def _stop(world: World, change: Change, click: Click) -> _Move:
    """Let nothing more of a change be sent, and what is there be put back: a patch may be on its way."""
    if change.still:
        return _left(world, change, click)
    if change.undoing:
        raise Refused(f"{change.label} is being put back already: {unmarked(change.undoing)}")
    user = click.caller.user
    event = _event(world, click, EventKind.STOP_ASKED, change)
    after = _moved(change, event, undoing=_STOPPED, stopped_by=user)
    return _Move(
        after=after,
        event=event,
        jobs=(*follow_ups(change, after), advance_job(change.id)),
        sentence=f"You stopped {change.label}. Nothing more of it is sent, and what has arrived is put back; the thread of its card says how it ended.",
    )


def _left(world: World, change: Change, click: Click) -> _Move:
    """Stop putting back what cannot be put back: who asked for the change sees to it."""
    event = _event(world, click, EventKind.HALF_APPLIED, change)
    note = given_up(change, "Who asked for it")
    after = _moved(change, event, note=note, incident=True)
    return _Move(
        after=after,
        event=event,
        jobs=(
            *follow_ups(change, after),
            say_job(change.id, "half-applied"),
            say_job(change.id, "alarm:half-applied"),
        ),
        sentence=f"The bot does not try any more to put {change.label} back. Its card says what is left, and has a button to undo that.",
    )


_STOPPED = "Who asked for it withdrew it while it was being applied."
_HOW_TO_STOP = {
    Phase.APPLYING: "To stop it, ask an operator to pause the cluster.",
    Phase.PROPOSED: "To stop it, reject it.",
    Phase.APPROVED: "To stop it, ask an operator to pause the cluster.",
}

_ACTIONS: Mapping[str, Callable[[World, Change, Rights, Click], Awaitable[_Move]]] = {
    "change:approve": _approve,
    GLASS: _approve,
    REJECT: _reject,
    "change:withdraw": _withdraw,
}
_YES = frozenset({"change:approve", GLASS})
ACTIONS = frozenset({*_ACTIONS, "change:rollback"})


async def _decided(
    world: World, change: Change, rights: Rights, action: str, *, reason: str = ""
) -> Decision:
    """Ask every namespace's policy; a change of several Services needs all of them."""
    if change.phase is not Phase.PROPOSED:
        raise Refused(_too_late(change))
    now, glass = world.clock(), action == GLASS

    def decide(policy: Policy, somebody: Member) -> Decision:
        if action == REJECT:
            return decide_rejection(policy, change, somebody, rights.groups, now)
        # Who may is asked of everybody as if they said why.
        why = reason if somebody is rights.person else ANYTHING
        return decide_approval(policy, change, somebody, rights.groups, now, break_glass=glass, reason=why)

    by = (Right.BREAK_GLASS,) if glass else approving(change.verb)
    result = await ruled(world, rights, _policies(change, rights), by, decide, concerned=concerned(change))
    if result.allowed:
        return result
    if action == REJECT and result.cause is Cause.OWN_PROPOSAL:
        raise Refused(result.why)
    if (
        freeze := freeze_of(_policies(change, rights), change.verb, now)
        if result.cause is Cause.FROZEN
        else None
    ):
        then = "" if freeze.endless else " Approve it then."
        raise Refused(f"Changes are frozen here {freeze}.{then}{await _instead(world, change, rights)}")
    if result.cause in PERSONAL and not result.who_may:
        instead = "" if glass else await _instead(world, change, rights)
        raise Refused(f"{result.why.removesuffix(f' {NOBODY_MAY}')} Nobody may now.{instead}")
    raise refused(result)


async def _instead(world: World, change: Change, rights: Rights) -> str:
    """Say who may break the glass, where nobody can approve."""
    alone = await _awaited(world, change, rights, break_glass=True)
    return f" {people(alone)} may break the glass." if alone else ""


def _policies(change: Change, rights: Rights) -> list[Policy]:
    return rights.of(change.cluster, (step.service.namespace for step in change.steps))


async def _awaited(
    world: World, change: Change, rights: Rights, *, break_glass: bool = False
) -> tuple[str, ...]:
    """Whose yes would count now, or who may break the glass."""
    policies = _policies(change, rights)
    outside = await without_rights(world, policies, rights.groups)
    return those_awaited(
        policies,
        change,
        rights.groups,
        world.clock(),
        break_glass=break_glass,
        without_rights=outside,
    ).ids


def _too_late(change: Change) -> str:
    """Say what became of a change that can no longer be decided, by whom and when."""
    by = f" by {person(change.decided_by)}" if change.decided_by else ""
    when = f"{by} at {change.decided_at:%H:%M} UTC" if change.decided_at else by
    successor = f" Decide {change.superseded_by} instead." if change.superseded_by else ""
    undo = (
        f" {change.rolled_back_by} {undoes(change)}." if change.rolled_back_by else " It can be rolled back."
    )
    words = {
        Phase.APPROVED: f"{change.label} was approved{when} and is about to be applied. Nothing to do.",
        Phase.APPLYING: f"{change.label} was approved{when} and is being applied. Nothing to do; afterwards it can be rolled back.",
        Phase.VERIFYING: f"{change.label} was approved{when} and applied, and is being verified. Nothing to do; afterwards it can be rolled back.",
        Phase.REJECTED: f"{change.label} was rejected{when}. Nothing was patched.",
        Phase.WITHDRAWN: f"{change.label} was withdrawn{when}. Nothing was patched.",
        Phase.EXPIRED: f"{change.label} has expired. Propose it again if it is still wanted.",
        Phase.SUPERSEDED: f"{change.label} was superseded: {unmarked(change.note)}{successor}",
        Phase.NOT_APPLIED: f"{change.label} was approved{when} and not applied: {unmarked(change.note)}",
        Phase.HALF_APPLIED: f"{change.label} is half applied: {unmarked(change.note)}{undo}",
        Phase.SUCCEEDED: f"{change.label} was approved{when}, applied and verified. Nothing to do.",
        Phase.FAILED: f"{change.label} was approved{when} and applied, and its verification failed: its thread says where.{undo}",
        Phase.INCONCLUSIVE: f"{change.label} was approved{when} and applied, and its verification is inconclusive: its thread says why.{undo}",
        Phase.REVERTED: f"{change.label} was approved{when} and applied, and {change.rolled_back_by or 'somebody'} undid it since. Propose it again if it is still wanted.",
    }
    return words[change.phase]


def _moved(change: Change, event: Event, **changed: object) -> Change:
    try:
        return change.after(event, **changed)
    except IllegalMoveError as error:
        raise Refused(_too_late(change)) from error


def _event(world: World, click: Click, kind: EventKind, change: Change) -> Event:
    detail = {"digest": change.digest, "click": click.id} | ({"reason": click.reason} if click.reason else {})
    detail |= {"atOnce": "true"} if click.at_once else {}
    return Event(kind=kind, at=world.clock(), by=click.caller.user, detail=detail)
