"""What a change's card says in each phase; the template only shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.change import Change, Phase, Step, Verb
from bot.domain.owner import Outlook
from bot.domain.rules_finding import GITOPS
from bot.domain.words import counted, ended, listed
from bot.operations.by_hand import git, kubectl, kubectl_back
from bot.operations.impact import brought_back, impact, of_other, undone
from bot.operations.jobs import AT_ONCE
from bot.operations.leftover import left_of
from bot.operations.path_table import before_and_after
from bot.operations.plan_words import plan_words

STATES = {
    Phase.PROPOSED: ("🟡", "Proposed"),
    Phase.APPROVED: ("🔵", "Approved"),
    Phase.APPLYING: ("🔵", "Applying"),
    Phase.VERIFYING: ("🔵", "Verifying"),
    Phase.SUCCEEDED: ("✅", "Succeeded"),
    Phase.FAILED: ("❌", "Failed"),
    Phase.INCONCLUSIVE: ("❔", "Inconclusive"),
    Phase.NOT_APPLIED: ("❌", "Not applied"),
    Phase.HALF_APPLIED: ("🔴", "Half applied"),
    Phase.REJECTED: ("⚪", "Rejected"),
    Phase.WITHDRAWN: ("⚪", "Withdrawn"),
    Phase.EXPIRED: ("⚪", "Expired"),
    Phase.SUPERSEDED: ("⚪", "Superseded"),
    Phase.REVERTED: ("🟠", "Reverted"),
}
PUTTING_BACK = ("🔴", "Putting back")
"""What a change says of itself while what is left of it cannot be put back: in the table it is applying."""
MOST_FINDINGS = 5
MOST_OTHERS = 5
MOST_DIFF = 2300
"""Characters of the diff that a card, or a message of the list in its thread, shows; a Service is never cut in two."""
MOST_BY_HAND = 1700
"""Characters of what to run by hand; a line is never cut in two."""
MOST_CONFIRMED = 1
"""Services that a dialog names: it holds 300 characters, and a name 250 of them at worst."""


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
    paused: str
    """By whom and since when nothing goes on; empty where it does."""
    frozen: str
    """How long changes are frozen, and who may break the glass; empty while it can be approved."""
    diff: str
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[tuple[str, str], ...]
    by_hand: tuple[tuple[str, str], ...]
    """Where the bot may not write: what to run, and what to put into Git, each under its heading."""
    waits_for: int
    """How many more people must approve; 0 where nobody can."""
    history: tuple[Past, ...]
    undone: str
    """How far the change is that undoes this one; its label goes before. Empty where there is none."""
    buttons: tuple[Button, ...]
    in_a_hurry: tuple[Button, ...] = ()
    """Beside them: the same approval without a measurement before the patch."""
    may_undo: tuple[str, ...] = ()
    """Who may roll it back, while there is a button for that; the card is the same for everybody."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Where the cards of the changes are that it names, by their labels."""
    console: str = ""
    """Where the cluster's load balancers are in the cloud's console; empty where that is not known."""


def card_of(
    change: Change,
    *,
    read_only: bool = False,
    break_glass: bool = False,
    frozen: str = "",
    paused: str = "",
    gone: bool = False,
) -> Card:
    """Compose a change's card as its row is now; `gone`: its cluster is configured no more."""
    locked = read_only or gone
    emoji, state = PUTTING_BACK if change.still and change.open else STATES[change.phase]
    return Card(
        emoji=emoji,
        state=state,
        title=title_of(change),
        sentence=f"{change.label} {state.lower()}: {title_of(change)} on {change.cluster}",
        open=change.open,
        diff=diff_of(change, MOST_DIFF),
        rows=before_and_after(change.table),
        paused=paused,
        frozen="" if locked else frozen,
        lines=(*_lines(change, read_only=read_only), *_gone(change, gone=gone)),
        by_hand=tuple((heading, _lines_of(text)) for heading, text in _by_hand(change, read_only=read_only)),
        waits_for=0 if locked else max(1, change.approvals_needed - len(change.approvals)),
        history=tuple(_history(change)),
        undone=undoes(change) if change.rolled_back_by else "",
        buttons=tuple(_buttons(change, locked=locked, gone=gone, break_glass=break_glass)),
        in_a_hurry=tuple(_at_once(change, locked=locked)),
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


def diff_of(change: Change, most: int) -> str:
    """Show each annotation before and after; absent is not the empty string. Of too many Services, how many more."""
    each = [_diff_of_step(step, several=len(change.steps) > 1) for step in change.steps]
    shown, left = _whole(each, most)
    return shown + (f"\n… and {counted(left, 'more Service')}, each of them in the thread" if left else "")


def _diff_of_step(step: Step, *, several: bool) -> str:
    head = [str(step.service)] if several else []
    lines = [
        f"{key}   {_value(step.before.get(key))}  →  {_value(value)}" for key, value in step.after.items()
    ]
    return "\n".join([*head, *lines])


def _whole(pieces: Sequence[str], most: int) -> tuple[str, int]:
    """Join what fits into so many characters, the first in any case, and say how many pieces are left."""
    fit, used = 0, 0
    for piece in pieces:
        used += len(piece) + 1
        if fit and used > most:
            break
        fit += 1
    return "\n".join(pieces[:fit]), len(pieces) - fit


def whole_list(change: Change) -> list[str]:
    """Return every Service with what becomes of it, in as many messages as that takes; none where the card shows all."""
    each = [_diff_of_step(step, several=True) for step in change.steps]
    if not _whole(each, MOST_DIFF)[1]:
        return []
    messages = []
    while each:
        text, left = _whole(each, MOST_DIFF)
        messages.append(text)
        each = each[len(each) - left :]
    head = f"All {counted(len(change.steps), 'Service')}, in the order in which they are patched"
    return [f"{head} ({n} of {len(messages)}):\n{text}" for n, text in enumerate(messages, 1)]


def _value(value: str | None) -> str:
    return "(absent)" if value is None else f'"{value}"'


def _lines(change: Change, *, read_only: bool) -> list[tuple[str, str]]:
    proposed = change.phase is Phase.PROPOSED
    lines = [("Now", change.progress)] if change.progress else []
    back = brought_back(change.fate)
    lines += [("Half applied", f"{left_of(change)}. {ended(change.trouble)}")] if change.still else []
    lines += [("⚠️ Will be reverted", change.git_note)] if back else []
    lines += [("Who is affected", impact(change))] if change.table else []
    lines += [("Also", of_other(change, sentence)) for sentence in change.others[:MOST_OTHERS]]
    if (more := len(change.others) - MOST_OTHERS) > 0:
        lines.append(("Also", f"{counted(more, 'other Service')}: ask for the status of each"))
    # What becomes of the patch in Git has a line of its own.
    findings = [note for note in change.findings if change.fate is None or note.code != GITOPS.id]
    lines += [("Mind", f"{note.message} ({note.code})") for note in findings[:MOST_FINDINGS]]
    if (left := len(findings) - MOST_FINDINGS) > 0:
        lines.append(("Mind", f"{counted(left, 'finding')} more: ask for status"))
    lines.append(("Mind", "open connections keep the old path until they close"))
    if change.note and proposed:
        lines.append(("Note", change.note))
    if change.git_note and not back:
        lines.append(("Git", change.git_note))
    lines.append(("Afterwards", plan_words(change)))
    if change.dry_run:
        lines.append(("Rehearsal", change.dry_run))
    if read_only and proposed:
        lines.append(
            ("Read-only", f"{change.cluster} is read-only here: nobody can approve this. Apply it by hand.")
        )
    return lines


def _gone(change: Change, *, gone: bool) -> list[tuple[str, str]]:
    if not gone or not change.open:
        return []
    return [("Not configured", f"{change.cluster} is not configured here any more: nobody can approve this.")]


def _by_hand(change: Change, *, read_only: bool) -> tuple[tuple[str, str], ...]:
    """What to run where the bot may not write, or could not; and what to change where the Services are declared."""
    if change.still and change.phase in (Phase.APPLYING, Phase.HALF_APPLIED):
        return (("To put it back by hand", kubectl_back(change)),)
    if change.phase is not Phase.PROPOSED:
        return ()
    command = (("By hand", kubectl(change)),) if read_only else ()
    declared = change.fate is not None and change.fate.outlook not in _NO_SOURCE
    return (*command, ("In Git", git(change))) if read_only or declared else ()


def _lines_of(text: str) -> str:
    shown, left = _whole(text.split("\n"), MOST_BY_HAND)
    return shown + (f"\n# and {counted(left, 'more line')}: a message holds no more" if left else "")


_NO_SOURCE = frozenset({Outlook.FREE, Outlook.AGREES})


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


def _buttons(  # noqa: PLR0911 - one for each phase that has any
    change: Change, *, locked: bool, gone: bool, break_glass: bool
) -> list[Button]:
    match change.phase:
        case Phase.PROPOSED if locked:
            return [_withdraw(change)]
        case Phase.PROPOSED:
            return [*_approve(change, break_glass=break_glass), _reject(change), _withdraw(change)]
        case Phase.APPROVED:
            return [_withdraw(change)]
        case Phase.APPLYING if change.waits and not change.undoing:
            return [_withdraw(change)]
        case Phase.APPLYING if change.still and not gone:
            return [_leave(change)]
        case Phase.HALF_APPLIED if not gone and not change.rolled_back_by:
            return [_roll_back(change)]
        case Phase.SUCCEEDED | Phase.FAILED | Phase.INCONCLUSIVE if (
            not gone
            and not change.rolled_back_by
            and not change.put_back
            and change.verb is not Verb.ROLLBACK
        ):
            return [_roll_back(change)]
        case _:
            return []


def _approve(change: Change, *, break_glass: bool) -> list[Button]:
    yes = Button(
        action="change:approve",
        label="Approve",
        value=change.id,
        style="primary",
        confirm=_radius(change),
        yes="Approve",
    )
    glass = Button(action="change:breakglass", label="Break glass…", value=change.id)
    return [yes, glass] if break_glass else [yes]


def _at_once(change: Change, *, locked: bool) -> list[Button]:
    if change.phase is not Phase.PROPOSED or locked or not measures_before(change):
        return []
    return [
        Button(
            action="change:approve",
            label="Approve, apply at once",
            value=f"{change.id}{AT_ONCE}",
            confirm=f"No measurement before the patch. {_radius(change)}",
            yes="Approve",
        )
    ]


def _radius(change: Change) -> str:
    """What a click on Approve comes to: a dialog holds 300 characters, so the worst comes first."""
    subject = str(change.service) if len(change.steps) == 1 else counted(len(change.steps), "Service")
    keys = counted(sum(len(step.after) for step in change.steps), "annotation")
    back = brought_back(change.fate)
    said = (
        f"⚠️ {back}" if back else "",
        f"Patches {keys} on {subject} ({change.cluster}).",
        impact(change, brief=True),
    )
    return " ".join([*filter(None, said), "No Pod restarts."])


def measures_before(change: Change) -> bool:
    """Whether the approval is followed by a measurement, and not by the patch."""
    plan = change.plan
    return plan is not None and bool(plan.clients) and plan.compare and plan.how != "none"


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


def _leave(change: Change) -> Button:
    return Button(
        action="change:withdraw",
        label="Stop putting back",
        value=change.id,
        confirm=f"{counted(len(change.still), 'Service')} stay as they are, and the change ends half applied. You can roll back what is left at any time.",
        yes="Stop",
    )


def undoes(change: Change) -> str:
    """Say how far the change is that undoes this one; its label goes before."""
    match change.rollback:
        case Phase.PROPOSED:
            return "would undo it"
        case None | Phase.APPROVED | Phase.APPLYING:
            return "undoes it"
        case Phase.REVERTED:
            return "undid it, and was undone itself since"
        case _:
            return "undid it"


def _undoes_what(change: Change) -> str:
    """Whose path goes back: a dialog is cut off at its end, so people come first."""
    return undone(change) if change.table else "Everybody goes back to the path of before."


def _roll_back(change: Change) -> Button:
    steps = [step for step in change.steps if step.service in change.still] or change.steps
    back = "; ".join(
        dict.fromkeys(
            f"{key} back to {_value(value)}" for step in steps for key, value in step.before.items()
        )
    )
    return Button(
        action="change:rollback",
        label="Roll back…",
        value=change.id,
        style="danger",
        confirm=f"{_undoes_what(change)} On {listed([step.service for step in steps], MOST_CONFIRMED)} ({change.cluster}): {back}. It is verified too.",
        yes="Roll back",
    )
