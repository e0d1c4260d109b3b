"""Values to store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.change import (
    Change,
    ClientClass,
    Event,
    EventKind,
    FindingNote,
    MeasuredClient,
    MeasurementPlan,
    ServiceRef,
    Step,
    Verb,
)
from bot.domain.verification import Burst, Part, Probe, ProbePhase, Reading, Run

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
CHECKOUT = ServiceRef(cluster="prod", namespace="shop", name="checkout")
KEY = "kubernetes.io/elb.pass-through"


def a_step(service: ServiceRef = CHECKOUT, load_balancer: str = "elb-1") -> Step:
    """The patch of one Service."""
    return Step(
        service=service,
        uid=f"uid-{service}",
        before={KEY: None},
        after={KEY: "true"},
        read_hash="5e1f",
        resource_version="41",
        load_balancer=load_balancer,
    )


def a_plan() -> MeasurementPlan:
    """What a verification sends."""
    client = MeasuredClient(
        name="pods, node without a backend",
        node="node-a",
        host_network=False,
        targets=("tcp://192.168.0.133:80",),
        expect_before="reachable",
        through_before=None,
        expect_after="reachable",
        through_after=True,
    )
    return MeasurementPlan(
        service=CHECKOUT,
        how="probe",
        clients=(client,),
        connections=120,
        period=60,
        baseline=300.0,
        window=600.0,
        watch=1800.0,
        ports=(80, 443),
    )


def a_change(change_id: str = "c-1", *services: ServiceRef, at: datetime = AT) -> Change:
    """A proposal with something in every kind of field."""
    row = ClientClass(
        client="pods",
        count=3,
        destination="192.168.0.133:80/TCP",
        before="reachable",
        after="reachable",
        through_before=False,
        through_after=None,
    )
    return Change(
        id=change_id,
        number=0,
        cluster="prod",
        verb=Verb.ENABLE,
        service=(services or (CHECKOUT,))[0],
        steps=tuple(a_step(service) for service in services or (CHECKOUT,)),
        requested_by="U0ALICE1",
        requested_at=at,
        reason='because "access lists" — \x00 and 😀 count',
        channel="C01OPS",
        template_digest="77aa",
        plan=a_plan(),
        table=(row,),
        findings=(FindingNote(code="ipvs-sibling-mismatch", severity="warning", message="they disagree"),),
        approvers=("S0SRE", "U0BOB002"),
        approvals_needed=1,
        expires_at=at + timedelta(hours=4),
        remind_at=at + timedelta(hours=3),
    )


def an_event(kind: EventKind = EventKind.PROPOSED, by: str = "U0ALICE1", *, at: datetime = AT) -> Event:
    """Something that somebody did."""
    return Event(kind=kind, at=at, by=by, detail={"digest": "1f2e 3d4c"})


def a_run(run_id: str = "r-1", service: ServiceRef = CHECKOUT) -> Run:
    """A verification that is under way, with evidence of every kind."""
    probe = Probe(name="probe-1", node="node-a", connections=120, phase=ProbePhase.DONE, attempts=120)
    burst = Burst(part=Part.BEFORE, client="pods", at=AT, probes=(probe,), skipped={"node-b": "no room"})
    return Run(
        id=run_id,
        service=service,
        plan=replace(a_plan(), service=service),
        requested_by="U0ALICE1",
        channel="C01OPS",
        started_at=AT,
        bursts=(burst,),
        readings=(Reading(at=AT, value=2.5),),
    )
