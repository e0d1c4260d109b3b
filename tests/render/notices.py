"""What the incident channel is told, of every rule and in every state."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from bot.domain.change import ServiceRef
from bot.domain.explanation import Severity
from bot.domain.incident import Incident, Member, Snooze, What
from bot.domain.incident import Phase as IncidentPhase
from bot.domain.incident_rule import CHANGED, RULES, STALE
from bot.domain.words import person
from bot.operations.incident_notice import notice_message, notice_of
from tests.fakes.world import ALICE, BOB, START, Town
from tests.render.wire import Json, Make, of

ENDED = START + timedelta(minutes=8)


def sunk() -> Incident:
    """A Service that processes on one node cannot reach, in words that are not the engine's."""
    member = Member(
        service=ServiceRef(cluster="prod", namespace="web", name="api"),
        text="processes on node 192.168.0.17 cannot reach 10.0.0.12:80",
        why="Its last ready backend there left, and the policy is Local.",
        still="Pods on that node still get through, past the ELB.",
        code="ipvs-host-no-local-endpoint",
        fix="put pass-through back",
        verb="enable",
    )
    return Incident(
        id="i1",
        cluster="prod",
        group="service:web/api",
        rule="clients-cut-off",
        title="clients are cut off",
        severity=Severity.ERROR,
        since=START,
        members=(member,),
        phase=IncidentPhase.OPEN,
    )


async def _told(row: Incident) -> Json:
    return of(notice_message(Town().world, row))


async def _of_rule(code: str) -> Json:
    """An incident of one rule: an act has no state to be mended, the cluster itself no Service."""
    rule, row = RULES[code], sunk()
    member = replace(row.members[0], text=rule.title, code=code)
    if rule is CHANGED:
        member = replace(member, still="", why="kubectl-edit removed it at 14:00 UTC.")
    if rule is STALE:
        member = replace(
            member,
            service=None,
            still="",
            verb="",
            why="It was last heard of 2 min ago.",
            fix="Ask the doctor.",
        )
        row = replace(row, group="cluster")
    told = replace(row, rule=code, title=rule.title, severity=rule.severity, members=(member,))
    return await _told(told)


async def _of_several() -> Json:
    row = sunk()
    other = replace(row.members[0], service=ServiceRef(cluster="prod", namespace="web", name="shop"))
    snooze = Snooze(by=ALICE, at=START, until=START + timedelta(hours=1))
    grown = replace(row, group="elb:james-2", members=(*row.members, other), times=3, flips=2, snooze=snooze)
    return await _told(replace(grown, acknowledged_by=BOB, acknowledged_at=START))


async def _acknowledged() -> Json:
    return await _told(replace(sunk(), acknowledged_by=BOB, acknowledged_at=START))


async def _in_hand() -> Json:
    """Somebody has it in hand, and no change of pass-through mends it."""
    row = sunk()
    member = replace(row.members[0], fix="drain the node", verb="")
    return await _told(replace(row, members=(member,), acknowledged_by=BOB, acknowledged_at=START))


async def _snoozed() -> Json:
    """Until it changes; nothing mends it, and nobody knows why it is so."""
    row = sunk()
    member = replace(row.members[0], why="", still="", fix="", verb="", code="")
    return await _told(replace(row, members=(member,), snooze=Snooze(by=ALICE, at=START, until=None)))


async def _over() -> Json:
    row = sunk().after(What.ENDED, over_at=ENDED, closed_at=ENDED, ended_by="Pass-through is back (CHG-9).")
    return await _told(row)


async def _over_by_itself() -> Json:
    """It had been acknowledged and snoozed, which is no news any more."""
    row = replace(
        sunk(), acknowledged_by=BOB, acknowledged_at=START, snooze=Snooze(by=ALICE, at=START, until=None)
    )
    return await _told(row.after(What.ENDED, over_at=ENDED, closed_at=ENDED))


async def _folded() -> Json:
    over = sunk().after(What.ENDED, over_at=ENDED, closed_at=ENDED)
    notices = [
        (notice_of(sunk()), ""),
        (notice_of(replace(sunk(), severity=Severity.WARNING)), f"acknowledged by {person(BOB)}"),
        (notice_of(over), ""),
    ]
    return of(
        Town().world.message(
            "incidents", title="15 incidents at once", notices=notices, more="and 12 more: ask for the list"
        )
    )


async def _folded_few() -> Json:
    notices = [(notice_of(sunk()), ""), (notice_of(sunk()), "")]
    return of(Town().world.message("incidents", title="2 incidents at once", notices=notices, more=""))


async def _digest() -> Json:
    lines = [("🔴", "clients are cut off, 2 times: web/api, web/shop"), ("🟠", notice_of(sunk()).sentence)]
    return of(Town().world.message("incident-digest", cluster="prod", count="3 incidents", lines=lines))


async def _weekly() -> Json:
    lines = [("🔴", "clients are cut off, 2 times: web/api, web/shop; the first for 6 d 2 h")]
    return of(Town().world.message("incident-weekly", cluster="prod", count="2 incidents", lines=lines))


async def _unheard() -> Json:
    lines = [
        ("🔴", f"{notice_of(sunk()).sentence}, for 4 min"),
        ("🟠", "pass-through was changed, 2 times: web/api, web/shop"),
    ]
    return of(Town().world.message("incident-unheard", channel="C0INC", lines=lines))


async def _heard_again() -> Json:
    return of(Town().world.message("incident-unheard", channel="C0INC", lines=[]))


NOTICES: Mapping[str, Make] = {
    "incident": partial(_told, sunk()),
    **{f"incident-of-{code}": partial(_of_rule, code) for code in RULES},
    "incident-of-several": _of_several,
    "incident-acknowledged": _acknowledged,
    "incident-in-hand": _in_hand,
    "incident-snoozed": _snoozed,
    "incident-over": _over,
    "incident-over-by-itself": _over_by_itself,
    "incidents": _folded,
    "incidents-few": _folded_few,
    "incident-digest": _digest,
    "incident-weekly": _weekly,
    "incident-unheard": _unheard,
    "incident-unheard-no-more": _heard_again,
}
