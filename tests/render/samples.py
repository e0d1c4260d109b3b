"""One of each message and view that people get, made by the operations themselves."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.config.settings import Clients, VerificationSettings
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
from bot.domain.verification import (
    Connectivity,
    Count,
    Crossing,
    Judgement,
    Outcome,
    Row,
    Run,
    Verdict,
)
from bot.listeners.views import ask_view, reason_view
from bot.operations import ask
from bot.operations.home import home_view
from bot.operations.rights import rights_of
from bot.operations.status import status_message
from bot.operations.verdict import verdict_message
from bot.ports import Message
from tests.fakes.messenger import Posted
from tests.fakes.world import (
    ALICE,
    BOB,
    CHECKOUT,
    IPVS,
    LEAD,
    PLATFORM,
    SRE,
    START,
    Town,
    caller,
    service,
    shop,
    slices,
)

Json = dict[str, Any]
GLASS = Policy(propose=(PLATFORM,), approve=(SRE,), break_glass=(ALICE,))
PROBING = VerificationSettings(clients=Clients.PROBE)


def of(message: Message | Posted) -> Json:
    """A message as it goes over the wire."""
    told = message.message if isinstance(message, Posted) else message
    return {"text": told.text, "blocks": list(told.blocks)}


async def _proposed() -> Json:
    town = Town()
    return of(town.card(await town.propose()))


async def _proposed_set() -> Json:
    cluster = shop(given=IPVS)
    cluster.put(service("shop", "basket", port=8000))
    cluster.put(slices("basket", "node-a"))
    town = Town(clusters=[cluster], policies=(GLASS,))
    return of(town.card(await town.propose()))


async def _proposed_read_only() -> Json:
    town = Town(clusters=[shop(read_only=True)])
    return of(town.card(await town.propose()))


async def _verifying() -> Json:
    town = Town()
    return of(town.card(await town.approved()))


async def _succeeded() -> Json:
    town = Town()
    return of(town.card(await town.done()))


async def _rejected() -> Json:
    town = Town()
    change = await town.propose()
    await town.click(BOB, "change:reject", change)
    return of(town.card(change))


async def _superseded() -> Json:
    town = Town()
    change = await town.propose()
    town.cluster.annotate(CHECKOUT, "false")
    await town.pass_time(31)
    return of(town.card(change))


async def _notice() -> Json:
    town = Town(policies=(GLASS,))
    change = await town.propose()
    await town.click(ALICE, "change:breakglass", change, reason="the shop is down")
    return of(town.incidents()[0])


async def _notice_failed() -> Json:
    town = Town()
    await town.done(Outcome.FAILED)
    return of(town.incidents()[0])


async def _alarm() -> Json:
    town = Town()
    await town.done(Outcome.FAILED)
    return of(town.incidents()[1])


async def _breakglass() -> Json:
    town = Town(policies=(GLASS,))
    change = await town.propose()
    await town.click(ALICE, "change:breakglass", change, reason="the shop is down")
    return of(town.messenger.keyed(f"say:{change.id}:breakglass")[0])


async def _reminder() -> Json:
    town = Town(policies=(replace(GLASS, expires_after=60, reminder=30),))
    change = await town.propose()
    await town.pass_time(40)
    return of(town.messenger.keyed(f"say:{change.id}:reminder")[0])


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


async def _progress() -> Json:
    town = Town(verification=PROBING)
    await town.order(ALICE, "verify")
    return of(town.messenger.posts[0])


async def _verdict() -> Json:
    town = Town(verification=PROBING)
    await town.order(ALICE, "verify")
    (run,) = town.store.runs.rows.values()
    return of(verdict_message(town.world, failed(run)))


def failed(run: Run) -> Run:
    """A run that found something wrong, in numbers."""
    good = Count(
        attempts=120,
        connected=120,
        seen=118,
        connectivity=Connectivity.REACHABLE,
        crossing=Crossing.CROSSED,
    )
    bad = replace(good, seen=0, crossing=Crossing.BYPASSED)
    row = Row(
        client="pod on a node with a backend",
        expected="through the load balancer",
        before=bad,
        after=good,
        judgement=Judgement.AS_EXPECTED,
        rule="R1",
        explanation="120 connected, the load balancer saw 118",
    )
    late = replace(
        row,
        client="pod on a node without one",
        after=bad,
        judgement=Judgement.CONTRADICTED,
        explanation="120 connected, the load balancer saw none: kube-proxy on node-c still answers",
    )
    verdict = Verdict(
        outcome=Outcome.FAILED,
        rule="R2",
        headline="pods on node-c still bypass the load balancer",
        rows=(row, late),
        confidence=0.993,
        sure_because="the counter follows each burst",
        not_looked_at=tuple(f"thing {number}" for number in range(8)),
        would_settle=("another look at node-c",),
        noise=3.2,
        spread=2.0,
    )
    plan = replace(run.plan, compare=True)
    return replace(run, plan=plan, verdict=verdict, finished_at=START)


async def _status() -> Json:
    town = Town()
    cached = town.cluster.snapshot().service(CHECKOUT)
    assert cached is not None
    ref = ServiceRef(cluster="prod", namespace="shop", name="checkout")
    rights = await rights_of(town.world, caller(ALICE))
    return of(status_message(town.world, rights, ref, cached, bypassed(), shared_by=""))


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


async def _list() -> Json:
    cluster = shop()
    for number in range(20):
        cluster.put(service("blog", f"web-{number}", ip=f"10.9.1.{number}", elb=f"elb-{number}x"))
    return of(await ask.listing(Town(clusters=[cluster]).world, caller(ALICE), ""))


async def _history() -> Json:
    town = Town()
    await town.click(BOB, "change:rollback", await town.done(Outcome.FAILED))
    return of(await ask.history(town.world, caller(ALICE), ""))


async def _help() -> Json:
    town = Town()
    return of(await ask.help_for(town.world, caller(LEAD)))


async def _ask_view() -> Json:
    town = Town(clusters=[shop(), shop("test")])
    return ask_view(town.world, caller(ALICE), "enable")


async def _reason_view() -> Json:
    return reason_view(Town().world, caller(ALICE), "c1")


async def _home_view() -> Json:
    town = Town()
    await town.done()
    await town.propose("disable")
    return await home_view(town.world, caller(BOB))


MESSAGES: Mapping[str, Callable[[], Awaitable[Json]]] = {
    "card-proposed": _proposed,
    "card-proposed-set": _proposed_set,
    "card-proposed-read-only": _proposed_read_only,
    "card-verifying": _verifying,
    "card-succeeded": _succeeded,
    "card-rejected": _rejected,
    "card-superseded": _superseded,
    "notice-break-glass": _notice,
    "notice-failed": _notice_failed,
    "alarm": _alarm,
    "breakglass": _breakglass,
    "reminder": _reminder,
    "sentence": _sentence,
    "elsewhere": _elsewhere,
    "verifying-elsewhere": _verifying_elsewhere,
    "progress": _progress,
    "verdict": _verdict,
    "status": _status,
    "list": _list,
    "history": _history,
    "help": _help,
}


async def _silent_home() -> Json:
    return Town().world.renderer.view("home-silent", sentence="The database does not answer.")


VIEWS: Mapping[str, Callable[[], Awaitable[Json]]] = {
    "ask": _ask_view,
    "reason": _reason_view,
    "home": _home_view,
    "home-silent": _silent_home,
}


def pretty(rendered: Json) -> str:
    """As a golden file holds it."""
    return json.dumps(rendered, ensure_ascii=False, indent=1) + "\n"
