"""What people are answered: status, list, history, help, diagram, and how a verification goes and ends."""

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.change import ServiceRef
from bot.domain.explanation import (
    Client,
    ClientKind,
    Destination,
    Explanation,
    Finding,
    PassThrough,
    PassThroughState,
    Path,
    Reason,
    Remedy,
    Severity,
    SourceIP,
)
from bot.domain.explanation import Verdict as PathVerdict
from bot.domain.fact import Fact, Origin
from bot.domain.policy import Policy
from bot.domain.verification import Outcome
from bot.operations import ask
from bot.operations.contradiction import Contradiction
from bot.operations.diagram import diagram
from bot.operations.incident_roster import Line as Wrong
from bot.operations.listing import Line
from bot.operations.rights import rights_of
from bot.operations.status import status_message
from bot.ports import Forbidden, Freshness
from tests.fakes.world import (
    ALICE,
    BOB,
    CHECKOUT,
    LEAD,
    SRE,
    START,
    Cluster,
    Town,
    caller,
    service,
    shop,
)
from tests.render.cards import HUAWEI, PROBING
from tests.render.wire import Json, Make, of

REF = ServiceRef(cluster="prod", namespace="shop", name="checkout")


async def _sentence() -> Json:
    town = Town()
    await town.order(BOB, "enable")
    return of(town.messenger.told[0].message)


async def _elsewhere() -> Json:
    town = Town(changed={"change_channel": "C0OPS"})
    await town.order(ALICE, "enable", channel="D0ALICE")
    return of(town.messenger.told[0].message)


async def _verifying_elsewhere() -> Json:
    town = Town(changed={"change_channel": "C0OPS"}, verification=PROBING)
    await town.order(ALICE, "verify", channel="D0ALICE")
    return of(town.messenger.told[0].message)


# --- status ----------------------------------------------------------------------------------------------


async def _status() -> Json:
    return await _explained(bypassed())


async def _status_of_trouble() -> Json:
    """What is known is old, and the last verification saw something else."""
    cluster = shop()
    cluster.fresh = Freshness(synced=True, age=600.0, problem="")
    told = "The last verification, 2026-03-02 13:00 UTC, saw something else than is explained here."
    seen = Contradiction(sentence=told, client="pod on a node with a backend", kind="pod-with-backend")
    return await _explained(bypassed(), town=Town(clusters=[cluster]), measured=seen)


async def _status_in_cloud() -> Json:
    """Of a cluster whose cloud is known."""
    return await _explained(bypassed(), town=Town(cloud=HUAWEI))


async def _status_shared() -> Json:
    return await _explained(bypassed(), shared_by=ALICE)


async def _status_of_nothing() -> Json:
    """Nothing to explain, to advise or to be warned of; one reason, that no document gives."""
    bare = replace(bypassed(), paths=(), findings=(), remedies=())
    return await _explained(bare, user=LEAD)


async def _status_without_source() -> Json:
    known = bypassed()
    why = replace(known.paths[1].reasons[0], source="")
    return await _explained(replace(known, paths=(replace(known.paths[1], reasons=(why,)),)))


async def _explained(
    explanation: Explanation,
    *,
    town: Town | None = None,
    user: str = ALICE,
    shared_by: str = "",
    measured: Contradiction | None = None,
) -> Json:
    town = town or Town()
    cached = town.cluster.snapshot().service(CHECKOUT)
    assert cached is not None
    rights = None if shared_by else await rights_of(town.world, caller(user))
    return of(
        status_message(town.world, rights, REF, cached, explanation, shared_by=shared_by, measured=measured)
    )


def bypassed() -> Explanation:
    """What the engine may say of a Service, in words that are not the engine's: those may change."""
    outside = Client(kind=ClientKind.EXTERNAL, group="external")
    inside = Client(kind=ClientKind.POD, group="pod-with-backend", stands_for=31)
    to = Destination(ip="10.9.0.9", port=443, protocol="TCP", scope="private")
    why = Reason(code="lb-address-captured", message="kube-proxy answers for it.", source="cce_10_0355")
    path = Path(
        client=inside,
        destination=to,
        verdict=PathVerdict.REACHABLE,
        via_load_balancer=False,
        endpoints=("shop/checkout-a",),
        source_ip=SourceIP.NODE,
        traces=(),
        reasons=(why,),
        missing=("kubeProxy.mode",),
    )
    return Explanation(
        service=CHECKOUT,
        pass_through=PassThrough(state=PassThroughState.OFF),
        facts=(
            Fact(name="platform", value="cce", origin=Origin.API),
            Fact(name="category", value="standard", origin=Origin.CONFIG),
            Fact(name="kubeProxy.mode"),
        ),
        paths=(replace(path, client=outside, via_load_balancer=True, reasons=()), path),
        findings=(
            Finding(code="a-finding", severity=Severity.WARNING, message="Mind this.", fix="Do that."),
            Finding(code="another", severity=Severity.INFO, message="Know this."),
        ),
        remedies=(Remedy(code="name", message="Use the name."),),
    )


# --- list, history, help, diagram ------------------------------------------------------------------------


def _many() -> Cluster:
    cluster = shop()
    for number in range(20):
        cluster.put(service("blog", f"web-{number}", ip=f"10.9.1.{number}", elb=f"elb-{number}x"))
    return cluster


async def _list() -> Json:
    return of(await ask.listing(Town(clusters=[_many()]).world, caller(ALICE), ""))


async def _list_last_page() -> Json:
    return of(await ask.listing(Town(clusters=[_many()]).world, caller(ALICE), "", page=1))


async def _list_short() -> Json:
    return of(await ask.listing(Town().world, caller(ALICE), "shop"))


async def _list_of_trouble() -> Json:
    """Incidents first, and a cluster that is not heard of is named; no Service is left of a page that shrank."""
    wrong = [
        Wrong(sign="🔴", text="web/api · prod: nobody gets there", since=START, note="acknowledged"),
        Wrong(sign="🟠", text="web/shop · prod: pods cannot get there", since=START, note=""),
    ]
    line = Line(service="prod/shop/checkout", pass_through="off", verdict="reachable", findings="")
    return of(
        Town().world.message(
            "list",
            incidents=wrong,
            incidents_left=3,
            lines=[line],
            count=1,
            first=1,
            last=1,
            more="",
            buttons=(),
            where="all clusters",
            notes=["prod does not answer as it should: connection refused"],
        )
    )


async def _list_few_incidents() -> Json:
    """All of them fit."""
    wrong = [Wrong(sign="🔴", text="web/api · prod: nobody gets there", since=START, note="")]
    given = {"more": "", "buttons": (), "where": "prod", "notes": [], "count": 0, "first": 0, "last": 0}
    return of(Town().world.message("list", incidents=wrong, incidents_left=0, lines=[], **given))


async def _history() -> Json:
    town = Town()
    await town.click(BOB, "change:rollback", await town.done(Outcome.FAILED))
    return of(await ask.history(town.world, caller(ALICE), ""))


async def _history_long() -> Json:
    """More than a page, of changes that nobody gave a reason for."""
    town = Town()
    for _ in range(17):
        await town.order(ALICE, "enable")
        await town.click(ALICE, "change:withdraw", town.changes()[-1])
    town.store.changes.rows[town.changes()[-1].id] = replace(town.changes()[-1], superseded_by="CHG-99")
    return of(await ask.history(town.world, caller(ALICE), "shop/checkout"))


async def _help() -> Json:
    return of(await ask.help_for(Town().world, caller(LEAD)))


async def _help_for_all() -> Json:
    """Somebody who may do everything, in places."""
    test = shop("test", read_only=True)
    cluster = shop()
    cluster.put(service("blog", "web", ip="10.9.1.1", elb="elb-2"))
    everything = Policy(
        namespace="shop", propose=(ALICE,), approve=(ALICE, SRE), verify=(ALICE,), break_glass=(ALICE,)
    )
    town = Town(
        clusters=[cluster, test],
        policies=(everything, Policy(approve=(ALICE, SRE))),
        changed={"operators": (ALICE,)},
    )
    return of(await ask.help_for(town.world, caller(ALICE)))


async def _diagram() -> Json:
    town = Town()
    town.messenger.fail("show", Forbidden("no right"))
    service_ = town.cluster.snapshot().service(CHECKOUT)
    assert service_ is not None
    await diagram(town.world, caller(ALICE), f"prod/{service_.uid}")
    rendered = of(town.messenger.told[0].message)
    # The engine's own words may change; that they stand here is what is held.
    assert "pods on nodes" in str(rendered["blocks"].pop())
    return rendered


ANSWERS: Mapping[str, Make] = {
    "sentence": _sentence,
    "elsewhere": _elsewhere,
    "verifying-elsewhere": _verifying_elsewhere,
    "status": _status,
    "status-of-trouble": _status_of_trouble,
    "status-in-cloud": _status_in_cloud,
    "status-shared": _status_shared,
    "status-of-nothing": _status_of_nothing,
    "status-without-source": _status_without_source,
    "list": _list,
    "list-last-page": _list_last_page,
    "list-short": _list_short,
    "list-of-trouble": _list_of_trouble,
    "list-few-incidents": _list_few_incidents,
    "history": _history,
    "history-long": _history_long,
    "help": _help,
    "help-for-all": _help_for_all,
    "diagram": _diagram,
}
