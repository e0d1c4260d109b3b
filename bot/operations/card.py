"""What a change's card says in each phase; the template only shows it."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.change import Change, Phase, Verb
from bot.domain.verification_pattern import duration as measuring
from bot.domain.words import counted, duration
from bot.operations.by_hand import git, kubectl
from bot.operations.path_table import affected, before_and_after

STATES = {
    Phase.PROPOSED: ("🟡", "Proposed"),
    Phase.APPROVED: ("🔵", "Approved"),
    Phase.APPLYING: ("🔵", "Applying"),
    Phase.VERIFYING: ("🔵", "Verifying"),
    Phase.SUCCEEDED: ("✅", "Succeeded"),
    Phase.FAILED: ("❌", "Failed"),
    Phase.INCONCLUSIVE: ("❔", "Inconclusive"),
    Phase.NOT_APPLIED: ("❌", "Not applied"),
    Phase.REJECTED: ("⚪", "Rejected"),
    Phase.WITHDRAWN: ("⚪", "Withdrawn"),
    Phase.EXPIRED: ("⚪", "Expired"),
    Phase.SUPERSEDED: ("⚪", "Superseded"),
    Phase.REVERTED: ("🟠", "Reverted"),
}
MOST_FINDINGS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """One button; its value is an opaque id."""

    action: str
    label: str
    value: str
    style: str = ""
    confirm: str = ""
    """What the confirm dialog says: the blast radius."""
    yes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One thing that happened."""

    what: str
    at: datetime
    by: str = ""
    """A Slack user id; empty where nobody did it."""
    dated: bool = False
    """Whether the day is shown beside the hour: of the first, and where the day changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything the template shows beside the change itself."""

    emoji: str
    state: str
    title: str
    sentence: str
    open: bool
    diff: str
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[tuple[str, str], ...]
    by_hand: tuple[tuple[str, str], ...]
    """Where the bot may not write: what to run, and what to put into Git, each under its heading."""
    waits_for: int
    """How many more people must approve; 0 where nobody can."""
    history: tuple[Past, ...]
    buttons: tuple[Button, ...]


def card_of(change: Change, *, read_only: bool = False, break_glass: bool = False) -> Card:
    """Compose a change's card as its row is now."""
    emoji, state = STATES[change.phase]
    return Card(
        emoji=emoji,
        state=state,
        title=title_of(change),
        sentence=f"{change.label} {state.lower()}: {title_of(change)} on {change.cluster}",
        open=change.open,
        diff=diff_of(change),
        rows=before_and_after(change.table),
        lines=tuple(_lines(change, read_only=read_only)),
        by_hand=_by_hand(change) if read_only else (),
        waits_for=0 if read_only else max(1, change.approvals_needed - len(change.approvals)),
        history=tuple(_history(change)),
        buttons=tuple(_buttons(change, read_only=read_only, break_glass=break_glass)),
    )


def title_of(change: Change) -> str:
    """Say what a change does, in a few words."""
    what = {
        Verb.ENABLE: "pass-through on",
        Verb.DISABLE: "pass-through off",
        Verb.ROLLBACK: "roll back pass-through",
    }
    others = len(change.steps) - 1
    more = f" and {counted(others, 'other Service')} on its load balancer" if others else ""
    return f"{what[change.verb]} for {change.service}{more}"


def diff_of(change: Change) -> str:
    """Show each annotation before and after; absent is not the empty string."""
    lines = []
    for step in change.steps:
        if len(change.steps) > 1:
            lines.append(str(step.service))
        lines += [
            f"{key}   {_value(step.before.get(key))}  →  {_value(value)}" for key, value in step.after.items()
        ]
    return "\n".join(lines)


def _value(value: str | None) -> str:
    return "(absent)" if value is None else f'"{value}"'


def _lines(change: Change, *, read_only: bool) -> list[tuple[str, str]]:
    proposed = change.phase is Phase.PROPOSED
    lines = [("Now", change.progress)] if change.progress else []
    lines += [("Who is affected", affected(change.table))] if change.table else []
    lines += [("Mind", f"{note.message} ({note.code})") for note in change.findings[:MOST_FINDINGS]]
    if (left := len(change.findings) - MOST_FINDINGS) > 0:
        lines.append(("Mind", f"{counted(left, 'finding')} more: ask for status"))
    lines.append(("Mind", "open connections keep the old path until they close"))
    if change.note and proposed:
        lines.append(("Note", change.note))
    if change.git_note:
        lines.append(("Git", change.git_note))
    lines.append(("Afterwards", _plan_words(change)))
    if change.dry_run:
        lines.append(("Rehearsal", change.dry_run))
    if read_only and proposed:
        lines.append(
            ("Read-only", f"{change.cluster} is read-only here: nobody can approve this. Apply it by hand.")
        )
    return lines


def _by_hand(change: Change) -> tuple[tuple[str, str], ...]:
    return (("By hand", kubectl(change)), ("In Git", git(change)))


def _plan_words(change: Change) -> str:
    plan = change.plan
    if plan is None or not plan.clients:
        return "nothing is measured; the verdict will be inconclusive"
    if plan.how == "none":
        return "no connection is made (verification.clients: none); the verdict will be inconclusive"
    when = ", before and after" if plan.compare else ""
    return f"{counted(len(plan.clients), 'client class', 'client classes')} × {plan.connections} connections{when}, about {duration(measuring(plan))}"


def _history(change: Change) -> list[Past]:
    """Who did what, and when; a closed card says all of it."""
    told = [Past(what="asked", by=change.requested_by, at=change.requested_at)]
    told += [
        Past(what="approved with broken glass" if a.break_glass else "approved", by=a.by, at=a.at)
        for a in change.approvals
    ]
    if change.applied_at:
        told.append(Past(what="applied", at=change.applied_at))
    if change.phase in _DECIDED and change.decided_at:
        told.append(Past(what=str(change.phase), by=change.decided_by, at=change.decided_at))
    elif change.ended_at:
        told.append(Past(what=_ENDED.get(change.phase, str(change.phase)), at=change.ended_at))
    days = [None, *(past.at.date() for past in told)]
    return [replace(past, dated=day != past.at.date()) for past, day in zip(told, days, strict=False)]


_DECIDED = frozenset({Phase.REJECTED, Phase.WITHDRAWN})
_ENDED = {Phase.SUCCEEDED: "verified", Phase.FAILED: "failed", Phase.INCONCLUSIVE: "measured, inconclusive"}


def _buttons(change: Change, *, read_only: bool, break_glass: bool) -> list[Button]:
    match change.phase:
        case Phase.PROPOSED if read_only:
            return [_withdraw(change)]
        case Phase.PROPOSED:
            return [*_approve(change, break_glass=break_glass), _reject(change), _withdraw(change)]
        case Phase.APPROVED:
            return [_withdraw(change)]
        case Phase.SUCCEEDED | Phase.FAILED | Phase.INCONCLUSIVE if (
            not change.rolled_back_by and change.verb is not Verb.ROLLBACK
        ):
            return [_roll_back(change)]
        case _:
            return []


def _approve(change: Change, *, break_glass: bool) -> list[Button]:
    subject = str(change.service) if len(change.steps) == 1 else counted(len(change.steps), "Service")
    keys = sum(len(step.after) for step in change.steps)
    radius = f"{counted(keys, 'annotation')} on {subject} ({change.cluster}). {affected(change.table)} No Pod restarts."
    yes = Button(
        action="change:approve",
        label="Approve",
        value=change.id,
        style="primary",
        confirm=radius,
        yes="Approve",
    )
    glass = Button(action="change:breakglass", label="Break glass…", value=change.id)
    return [yes, glass] if break_glass else [yes]


def _reject(change: Change) -> Button:
    return Button(
        action="change:reject",
        label="Reject",
        value=change.id,
        style="danger",
        confirm="Nothing is patched, and the proposal is closed.",
        yes="Reject",
    )


def _withdraw(change: Change) -> Button:
    return Button(action="change:withdraw", label="Withdraw", value=change.id)


def _roll_back(change: Change) -> Button:
    back = "; ".join(
        f"{key} back to {_value(value)}" for step in change.steps for key, value in step.before.items()
    )
    return Button(
        action="change:rollback",
        label="Roll back…",
        value=change.id,
        style="danger",
        confirm=f"On {change.service} ({change.cluster}): {back}. It is verified too.",
        yes="Roll back",
    )
