"""What a change's card says in each phase; the template only shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.change import Change, ClientClass, Phase, Verb
from bot.domain.verification_pattern import duration as measuring
from bot.domain.words import counted, duration

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
MOST_ROWS = 20


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
    history: tuple[tuple[str, str, datetime], ...]
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
        rows=_rows(change.table),
        lines=tuple(_lines(change, read_only=read_only)),
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


_HEAD = ("Client", "Count", "Load balancer", "Now", "Afterwards")


def _rows(table: Sequence[ClientClass]) -> tuple[tuple[str, ...], ...]:
    """One row per class and way it fares; addresses on which it fares alike share a row."""
    if not table:
        return ()
    alike: dict[tuple[str, ...], list[str]] = {}
    for row in table:
        ways = (path_words(row.before, row.through_before), path_words(row.after, row.through_after))
        alike.setdefault((row.client, str(row.count or "–"), *ways), []).append(row.destination)
    shown = [(key[0], key[1], addresses(to), key[2], key[3]) for key, to in alike.items()]
    return (_HEAD, *shown[:MOST_ROWS])


def addresses(destinations: Sequence[str]) -> str:
    """Name one destination, or how many."""
    distinct = dict.fromkeys(destinations)
    return next(iter(distinct)) if len(distinct) == 1 else f"{len(distinct)} addresses"


def path_words(verdict: str, through: bool | None) -> str:  # noqa: FBT001 - a fact of the row, as the table holds it
    """Say one path in a few words, by sign and word."""
    how = {True: "through the ELB", False: "direct", None: "path varies"}[through]
    return {
        "reachable": f"✅ {how}",
        "unreachable": "❌ cut off",
        "ambiguous": f"⚠️ sometimes, {how}",
    }.get(verdict, "❔ not known")


def _lines(change: Change, *, read_only: bool) -> list[tuple[str, str]]:
    lines = [("Who is affected", affected(change.table))] if change.table else []
    lines += [("Mind", f"{note.message} ({note.code})") for note in change.findings[:5]]
    lines.append(("Mind", "open connections keep the old path until they close"))
    if change.note and change.phase is Phase.PROPOSED:
        lines.append(("Note", change.note))
    if change.git_note:
        lines.append(("Git", change.git_note))
    lines.append(("Afterwards", _plan_words(change)))
    if change.dry_run:
        lines.append(("Rehearsal", change.dry_run))
    if change.progress:
        lines.append(("Now", change.progress))
    if read_only:
        lines.append(
            ("Read-only", f"{change.cluster} is read-only here; apply it yourself: {kubectl(change)}")
        )
    return lines


def affected(table: Sequence[ClientClass]) -> str:
    """Say whose path changes, who loses and who gains, by count; a client with several addresses counts once."""
    total = sum(_clients(table).values())
    moved = [row for row in table if row.through_before != row.through_after and row.after == "reachable"]
    lost = [row for row in table if row.before == "reachable" and row.after == "unreachable"]
    won = [row for row in table if row.before == "unreachable" and row.after == "reachable"]
    words = []
    if moved and total:
        way = "direct → through the ELB" if moved[0].through_after else "through the ELB → direct"
        words.append(f"{sum(_clients(moved).values())} of {total} in-cluster clients: {way}")
    words.append("loses access: " + ", ".join(_named(lost)) if lost else "nobody loses access")
    if won:
        words.append("gains access: " + ", ".join(_named(won)))
    return ". ".join(word[0].upper() + word[1:] for word in words) + "."


def _clients(rows: Sequence[ClientClass]) -> dict[str, int]:
    return {row.client: row.count for row in rows}


def _named(rows: Sequence[ClientClass]) -> list[str]:
    return list(dict.fromkeys(row.client for row in rows))


def _plan_words(change: Change) -> str:
    plan = change.plan
    if plan is None or not plan.clients:
        return "nothing is measured; the verdict will be inconclusive"
    when = ", before and after" if plan.compare else ""
    return f"{counted(len(plan.clients), 'client class', 'client classes')} × {plan.connections} connections{when}, about {duration(measuring(plan))}"


def kubectl(change: Change) -> str:
    """Return the command that would do the same, to copy."""
    commands = []
    for step in change.steps:
        words = " ".join(
            f"{key}-" if value is None else f"{key}={value}" for key, value in step.after.items()
        )
        commands.append(
            f"kubectl -n {step.service.namespace} annotate --overwrite service {step.service.name} {words}"
        )
    return " && ".join(commands)


def _history(change: Change) -> list[tuple[str, str, datetime]]:
    told: list[tuple[str, str, datetime]] = [("asked", change.requested_by, change.requested_at)]
    told += [
        ("approved with broken glass" if a.break_glass else "approved", a.by, a.at) for a in change.approvals
    ]
    if change.decided_at and not change.approvals:
        told.append((str(change.phase), change.decided_by, change.decided_at))
    if change.applied_at:
        told.append(("applied", "", change.applied_at))
    if change.ended_at and not (change.decided_at and not change.approvals):
        told.append((str(change.phase), "", change.ended_at))
    return told


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
    radius = f"{counted(len(change.steps), 'annotation')} on {change.service} ({change.cluster}). {affected(change.table)} No Pod restarts."
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
