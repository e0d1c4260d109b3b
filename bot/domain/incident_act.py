"""An act: somebody changed pass-through behind the bot's back, and it is remembered until it is put back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.change import Change, Phase, ServiceRef
from bot.domain.incident import Incident, Key, Member, What, incident_id, worst
from bot.domain.incident import Phase as Standing
from bot.domain.incident_rule import CHANGED, REVERTED, RULES, IncidentRule, Severities, severity_of
from bot.domain.incident_sighting import over_sentence, why_over
from bot.domain.objects import PASS_THROUGH, Service, TrafficPolicy
from bot.domain.patch import FIELD_MANAGER

ABSENT = "(absent)"
_LONGEST = 60
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a Service's annotation was when it was looked at last."""

    uid: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """The annotation of a Service became another one."""

    service: ServiceRef
    uid: str
    group: str
    before: str | None
    after: str | None
    by: str
    """The field manager, as far as Kubernetes tells; empty where it does not."""
    at: datetime
    lost: str = ""
    """What that did to the paths, in one sentence."""
    verb: str = ""
    """enable | disable: what puts it back, where a proposal can."""
    unwatched_from: datetime | None = None
    """Set where nobody watched: it happened after this and before `at`."""


def known(service: Service) -> Known | None:
    """Return what is to be remembered of a Service; nothing of one without a load balancer."""
    if not service.is_load_balancer:
        return None
    return Known(uid=service.uid, value=service.annotations.get(PASS_THROUGH))


def as_it_was(service: Service, was: Known) -> Service | None:
    """Return the Service with the value that is remembered of it; None: it was another Service, or has it still."""
    if was.uid != service.uid or was.value == service.annotations.get(PASS_THROUGH):
        return None
    kept = {key: value for key, value in service.annotations.items() if key != PASS_THROUGH}
    return replace(service, annotations=kept if was.value is None else {**kept, PASS_THROUGH: was.value})


def changed(before: Service, after: Service, *, turned: bool = False) -> bool:
    """Whether somebody who is not CCE changed the annotation of this very Service; a change of ours shows in the store.

    `turned` says that its policy was Local a while ago, or may have been.
    """
    was, is_ = before.annotations.get(PASS_THROUGH), after.annotations.get(PASS_THROUGH)
    if was == is_ or before.uid != after.uid or not after.is_load_balancer:
        return False
    return not _is_of_cce(before, after, turned=turned)


def _is_of_cce(before: Service, after: Service, *, turned: bool) -> bool:
    """Whether CCE does so itself: it writes onlyLocal for policy Local (cce_10_0355), and takes it away with it.

    As which field manager it does so is documented nowhere; what a person's tool writes is a person's.
    """
    was, is_ = before.annotations.get(PASS_THROUGH), after.annotations.get(PASS_THROUGH)
    by = manager(before, after)
    if any(by.lower().startswith(tool) for tool in _TOOLS):
        return False
    if after.external_policy is TrafficPolicy.LOCAL:
        return is_ == "onlyLocal"
    # Kubernetes does not tell who removes a key; CCE has a reason to only where the policy was Local.
    turned = turned or before.external_policy is TrafficPolicy.LOCAL
    return was == "onlyLocal" and is_ is None and (turned or bool(by))


_TOOLS = (
    "kubectl",
    "helm",
    "argocd",
    "kustomize-controller",
    "flux",
    "terraform",
    "hashicorp",
    "pulumi",
    "k9s",
    "mozilla",
    "node-fetch",
    "dashboard",
    "lens",
    "openlens",
    "openapi-generator",
    "python",
    "curl",
    "rancher",
    FIELD_MANAGER,
)
"""How the field managers of tools begin that people write with, or that write what people keep in Git."""


def manager(before: Service, after: Service) -> str:
    """Return who made the change, by field manager.

    Whoever sets a key owns it from then on. Nobody owns a key that is gone: then it is the manager whose entry
    appeared or grew with the same write, if there is just one; Kubernetes tells no more than that.
    """
    if PASS_THROUGH in after.annotations:
        return _owner(after)
    then = dict(before.managers)
    grown = [name for name, keys in after.managers if set(keys) - set(then.get(name, ())) or name not in then]
    return grown[0] if len(grown) == 1 else ""


def _owner(service: Service) -> str:
    return next((name for name, keys in service.managers if PASS_THROUGH in keys), "")


def puts_back(service: Service, was: str | None) -> str:
    """Return the verb of a proposal that gives a Service its value back; empty where none does."""
    if was is None:
        return "" if service.external_policy is TrafficPolicy.LOCAL else "disable"
    return "enable" if was == "true" else ""


def collapsed(acts: Sequence[Act]) -> list[Act]:
    """Take several acts on one Service for one, from the first value to the last; none if that is the same."""
    found: dict[tuple[ServiceRef, str], Act] = {}
    for act in acts:
        first = found.get((act.service, act.uid))
        found[act.service, act.uid] = replace(act, before=first.before, verb=first.verb) if first else act
    return [act for act in found.values() if act.before != act.after]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What an act is: the rule, and the change that it undid."""

    rule: IncidentRule
    undid: Change | None = None


def judge(act: Act, newest: Change | None, now: datetime) -> Judged | None:
    """Say what an act is, by the Service's newest change that was sent; None: nothing to tell.

    A change that is under way made it itself, and one whose time of watching is not over tells of it itself.
    """
    step = None if newest is None else next((s for s in newest.steps if s.service == act.service), None)
    if newest is None or step is None or PASS_THROUGH not in step.after:
        return Judged(rule=CHANGED)
    if newest.open or step.after[PASS_THROUGH] == act.after:
        return None
    if newest.phase not in {Phase.SUCCEEDED, Phase.REVERTED} or step.after[PASS_THROUGH] != act.before:
        return Judged(rule=CHANGED)
    watch = timedelta(seconds=newest.plan.watch if newest.plan else 0.0)
    watched = newest.ended_at is not None and now - newest.ended_at <= watch
    return None if watched or newest.phase is Phase.REVERTED else Judged(rule=REVERTED, undid=newest)


def member_of(act: Act, judged: Judged, severities: Severities) -> Member | None:
    """Return an act as an incident's member; None: the configuration does not want it."""
    severity = severity_of(judged.rule, severities)
    if severity is None:
        return None
    undid = f" That undoes {judged.undid.label}." if judged.undid else ""
    return Member(
        service=act.service,
        uid=act.uid,
        text=_text(act),
        why=f"{_how(act)}{undid}",
        still=act.lost,
        severity=severity,
        code=judged.rule.code,
        source="metadata.managedFields",
        fix="Put it back, or acknowledge it: then it was meant, and nothing more is said.",
        verb=act.verb,
        was=act.before,
    )


def _text(act: Act) -> str:
    if act.after is None:
        return "pass-through was removed"
    value = _cut(act.after)
    return f"pass-through {'was set to' if act.before is None else 'is now'} {value}"


def _cut(value: str) -> str:
    """Quote a value, which may be as long as all annotations together."""
    return f'"{value}"' if len(value) <= _LONGEST else f'"{value[:_LONGEST]}…" ({len(value)} characters)'


def _how(act: Act) -> str:
    was, is_ = (ABSENT if value is None else _cut(value) for value in (act.before, act.after))
    if act.by == FIELD_MANAGER:
        return (
            f"{was} → {is_} {_when(act)}, in this bot's name ({act.by}), but by no change that it knows of."
        )
    if act.by:
        return f"{was} → {is_} by {act.by} {_when(act)}."
    return f"{was} → {is_} {_when(act)}; Kubernetes does not record who removes a key."


def _when(act: Act) -> str:
    if act.unwatched_from is None:
        return f"at {act.at:%H:%M} UTC"
    same_day = act.unwatched_from.date() == act.at.date()
    begin = f"{act.unwatched_from:%H:%M}" if same_day else f"{act.unwatched_from:%d %b %H:%M}"
    end = f"{act.at:%H:%M}" if same_day else f"{act.at:%d %b %H:%M}"
    return f"between {begin} and {end} UTC, while nobody watched"


# --- what is remembered of it ----------------------------------------------------------------------------


def opened(key: Key, member: Member, at: datetime) -> Incident:
    """Return the incident of a first act: it is told once it has lasted."""
    return Incident(
        id=incident_id(key, at),
        cluster=key.cluster,
        group=key.group,
        rule=key.rule,
        title=RULES[key.rule].title,
        severity=member.severity,
        since=at,
        members=(member,),
    )


def joined(row: Incident, member: Member) -> Incident:
    """Add an act to an incident; of a Service that is in it already, the first value is the one to go back to."""
    same = next(
        (each for each in row.members if each.service == member.service and each.uid == member.uid), None
    )
    member = replace(member, was=same.was) if same else member
    members = (*(each for each in row.members if each.service != member.service), member)
    return replace(row, members=members, severity=worst(members))


Now = Callable[[ServiceRef], Service | None]
"""The Service as the cache has it."""


def progressed(row: Incident, service: Now, now: datetime, settle: timedelta) -> Incident | None:
    """Return the incident as it is to be stored now; None: nothing changed."""
    left = tuple(member for member in row.members if _lasts(member, service))
    if not left:
        return row.after(What.ENDED, over_at=now, closed_at=now, ended_by=_ending(row.members, service))
    settled = row.phase is Standing.SETTLING and now - row.since >= settle
    if settled:
        return row.after(What.SETTLED, opened_at=now, members=left, severity=worst(left))
    return replace(row, members=left, severity=worst(left)) if left != row.members else None


def _lasts(member: Member, service: Now) -> bool:
    now = service(member.service) if member.service else None
    if now is None or why_over(now, member.uid):
        return False
    return now.annotations.get(PASS_THROUGH) != member.was


def _ending(members: Sequence[Member], service: Now) -> str:
    gone = [why_over(service(member.service), member.uid) for member in members if member.service]
    if any(gone):
        return over_sentence([why for why in gone if why])
    back = {
        "Pass-through is back." if member.was is not None else "Pass-through is off again."
        for member in members
        if member.service
    }
    return " ".join(sorted(back))
