"""How each refusal comes about: by what somebody types or clicks, told as they are told it.

`REFUSALS` is a list of stories, each with the sentence that it ends in.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bot.config.settings import Clients, VerificationSettings
from bot.domain.approval import still_stands
from bot.domain.change import Phase
from bot.domain.freeze import Window
from bot.domain.incident import Incident
from bot.domain.incident import Phase as IncidentPhase
from bot.domain.objects import Node, Ref, Service
from bot.domain.policy import Policy, all_agree
from bot.listeners import desk, tasks
from bot.listeners.grammar import Mistake, parse
from bot.listeners.questions import Questions
from bot.operations import ask
from bot.operations.between import MOST_AT_ALL
from bot.operations.diagram import diagram
from bot.operations.form import must_say_why
from bot.operations.refusal import Refused
from bot.ports import Forbidden, Freshness, Job, NotFound, Stale, Unavailable
from bot.render import Renderer
from tests.domain.situation import facts
from tests.fakes.store import MemoryIncidents
from tests.fakes.world import (
    ALICE,
    BOB,
    CAROL,
    CHECKOUT,
    IPVS,
    LEAD,
    MALLORY,
    PLATFORM,
    SRE,
    START,
    Cluster,
    Town,
    caller,
    service,
    shop,
    slices,
)
from tests.operations.test_decide import Contested
from tests.operations.test_owner import WEB, applied, declare, marked
from tests.operations.test_propose import crowd, ingress
from tests.operations.test_template import MORE, restart
from tests.operations.test_template import town as templated
from tests.watch.scene import Scene

Story = Callable[[], Awaitable[str]]
APPROVE, REJECT, WITHDRAW = "change:approve", "change:reject", "change:withdraw"
GLASS, ROLLBACK, STOP = "change:breakglass", "change:rollback", "verification:stop"
ACKNOWLEDGE, SNOOZE, PROPOSE = "incident:acknowledge", "incident:snooze", "incident:propose"
PROBING = VerificationSettings(clients=Clients.PROBE)
MONDAY = Window(days=frozenset({"mon"}), start=0, end=1440, zone="Europe/Berlin")
TURBO = facts(mode="iptables", platform="cce", category="turbo", delivery=None, version="v1.29.2")
FOREIGN = '{"metadata": {"annotations": {"kubernetes.io/elb.id": "x"}}}'
OLD = facts(mode="iptables", platform="cce", category="standard", delivery=None, version="v1.13.10")


def policy(**given: Any) -> tuple[Policy, ...]:
    """The usual policy, and what is different about it."""
    return (Policy(**{"propose": (PLATFORM,), "approve": (SRE,), **given}),)


# --- what people do --------------------------------------------------------------------------------------


async def ordered(
    town: Town, verb: str = "enable", user: str = ALICE, target: str = "shop/checkout", **more: str
) -> str:
    """What somebody is told for a command."""
    await town.order(user, verb, target, **more)
    return town.messenger.said_to(user)[-1]


async def order(verb: str = "enable", user: str = ALICE, target: str = "shop/checkout", **given: Any) -> str:
    """The same, in a town of which something is different."""
    return await ordered(Town(**given), verb, user, target)


async def of_shop(verb: str = "enable", target: str = "shop/checkout", **changed: Any) -> str:
    """The same, where something is different about the Service."""
    return await order(verb, target=target, clusters=[shop(**changed)])


async def failing(verb: str, error: Exception, **where: str) -> str:
    """A command while something does not answer."""
    town = Town()
    (town.messenger if where else town.cluster).fail(verb, error)  # type: ignore[arg-type]  # of the world's errors
    return await ordered(town)


async def asked(town: Town, question: Awaitable[object]) -> str:
    """What somebody is told for a question that comes to nothing."""
    try:
        await question
    except Refused as refused:
        return town.world.message("sentence", sentence=str(refused)).text
    raise AssertionError("it is no refusal")


async def typed(text: str) -> str:
    """What is said at once about text that is no command."""
    found = parse(text)
    assert isinstance(found, Mistake)
    return found.sentence


async def as_it_is(sentence: str) -> str:
    """A sentence into which nothing is filled."""
    return Town().world.message("sentence", sentence=sentence).text


async def clicked(action: str, user: str, *, reason: str = "", **given: Any) -> str:
    """A click on a proposal."""
    town = Town(**given)
    return await town.click(user, action, await town.propose(), reason)


async def late(phase: Phase, action: str = APPROVE, user: str = CAROL) -> str:
    """A click on a change that is something else by now."""
    town = Town()
    change = await town.propose()
    town.store.changes.rows[change.id] = replace(
        change,
        phase=phase,
        decided_by=BOB,
        decided_at=START,
        note="Somebody changed the Service since.",
        superseded_by="CHG-2" if phase is Phase.SUPERSEDED else "",
        undoing="shop/basket was deleted." if phase is Phase.APPLYING and action == WITHDRAW else "",
    )
    return await town.click(user, action, change)


# --- names -----------------------------------------------------------------------------------------------


async def named(target: str) -> str:
    """A command whose target is not quite right."""
    cluster = shop()
    cluster.put(service("shop", "other", kind="ClusterIP", ip=None))
    cluster.put(service("shop", "fresh", ip=None))
    for number, space in enumerate(["shop", "blog", "web", "pay", "crm", "erp", "lab"]):
        cluster.put(service(space, "twice", ip=f"10.9.0.{20 + number}", elb=f"elb-2{number}"))
    return await order(target=target, clusters=[cluster])


async def unread(problem: str) -> str:
    """A name that may be there: the cluster was never read."""
    town = Town(clusters=[Cluster("prod")])
    town.cluster.fresh = Freshness(synced=False, age=None, problem=problem)
    return await ordered(town)


# --- rights ----------------------------------------------------------------------------------------------


async def outsider() -> str:
    """Somebody of another workspace, or a guest."""
    town = Town()
    town.messenger.add("ALICE", full=False)
    return await ordered(town)


async def hidden(question: Callable[[Town, str], Awaitable[object]]) -> str:
    """A button of a message that was shared with somebody who may not look."""
    town = Town(policies=policy(view=(ALICE,)))
    known = town.cluster.snapshot().service(CHECKOUT)
    assert known is not None
    return await asked(town, question(town, f"prod/{known.uid}"))


async def lost_rights(after: tuple[Policy, ...], *, gone: str = "") -> str:
    """A late click on a change whose people lost their rights, or cannot be looked up, before it was applied."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    if gone:
        town.messenger.add(gone, full=False)
    town.policies = after
    town.world = town.replica()
    await town.order(LEAD, "resume", "")
    return await town.click(CAROL, APPROVE, change)


async def requester_unknown() -> str:
    """What is found out right before the patch, where Slack does not know the requester."""
    town = Town()
    change = await town.propose()
    return await as_it_is(still_stands(policy()[0], change, {}, {}, START).why)


async def form_refused() -> str:
    """The command without a Service, of somebody who may propose nowhere."""
    town = Town()
    return await asked(town, must_say_why(town.world, caller(MALLORY), "enable"))


# --- proposals -------------------------------------------------------------------------------------------


async def foreign_channel() -> str:
    """A command where the bot is no member."""
    return await ordered(Town(), channel="C0FOREIGN")


async def direct_message() -> str:
    """A command to the bot alone."""
    return await ordered(Town(), channel="D0ALICE")


async def too_large_a_set() -> str:
    """More Services on one load balancer than anybody could follow."""
    return await order(clusters=[crowd(*(f"shop/s-{number}" for number in range(MOST_AT_ALL)))])


async def second_proposal(*, other: bool = False) -> str:
    """One change at a time: of the Service, or of those on its load balancer."""
    town = Town(clusters=[crowd("shop/basket")])
    await town.propose()
    if other:
        town.cluster.put(service("shop", "late", port=9000))
        town.cluster.put(slices("late", "node-a"))
    return await ordered(town, target="shop/late" if other else "shop/checkout")


async def local_sibling() -> str:
    """What CCE would write back next door."""
    town = Town(clusters=[crowd("shop/basket", value="true")])
    town.cluster.change_spec(Ref("shop", "basket"), externalTrafficPolicy="Local")
    return await ordered(town, "disable")


async def shared_ingress() -> str:
    """An Ingress on the load balancer."""
    cluster = crowd()
    cluster.put(ingress())
    return await order(clusters=[cluster])


async def shared_cluster() -> str:
    """Another cluster on the load balancer."""
    return await order(target="prod/shop/checkout", clusters=[crowd(), shop("test", given=IPVS)])


async def does_nothing(platform: str | None) -> str:
    """The annotation is there, in a cluster that is not CCE's, or may not be."""
    given = facts(mode="ipvs", platform=platform, version="v1.33.3")
    return await of_shop(given=given, value="true", elb=None, elb_class="")


class Going(Cluster):
    """A cluster from whose cache a Service goes while it is read."""

    async def read(self, service: Any) -> Any:
        """Read it, and let it go."""
        live = await super().read(service)
        self._inventory.remove(Service, CHECKOUT)
        return live


async def gone_meanwhile() -> str:
    """It was there when it was read."""
    cluster = Going("prod", facts=shop().facts)
    cluster.put(service())
    cluster.put(slices("checkout", "node-a"))
    return await order(clusters=[cluster])


async def broken_template(folder: Path, source: str) -> str:
    """A patch template that may not render what it renders."""
    (folder / "patches").mkdir(parents=True, exist_ok=True)
    (folder / "patches" / "pass-through.json.j2").write_text(source, encoding="utf-8")
    town = Town()
    town.world = town.replica(renderer=Renderer(folder))
    return await ordered(town)


# --- approvals -------------------------------------------------------------------------------------------


async def late_member(*, known: bool = True) -> str:
    """Somebody came to the group after the proposal; or who was in it then could not be looked up."""
    town = Town(policies=policy(break_glass=(LEAD,)))
    town.messenger.groups[SRE] = frozenset({BOB})
    if not known:
        del town.messenger.groups[SRE]
    change = await town.propose()
    town.messenger.groups[SRE] = frozenset({BOB, CAROL})
    return await town.click(CAROL, APPROVE, change)


async def nobody_left() -> str:
    """The only approvers left their group."""
    town = Town()
    change = await town.propose()
    town.messenger.groups[SRE] = frozenset()
    return await town.click(BOB, APPROVE, change)


async def rolled_back_by_a_lost_change() -> str:
    """The change that undoes it is not to be found among the recent ones."""
    town = Town()
    change = await town.done()
    town.store.changes.rows[change.id] = replace(change, rolled_back_by="CHG-900")
    return await town.click(BOB, ROLLBACK, change)


async def undone_by_a_proposal() -> str:
    """Somebody asked for it who may not do it alone."""
    town = Town()
    change = await town.done()
    await town.click(ALICE, ROLLBACK, change)
    return await town.click(BOB, ROLLBACK, change)


async def hidden_change() -> str:
    """A button of a change that somebody may not look at."""
    town = Town(policies=policy(view=(ALICE,)))
    return await town.click(MALLORY, WITHDRAW, await town.propose())


async def second_while_it_runs() -> str:
    """The one that is open is decided already."""
    town = Town()
    await town.order(LEAD, "pause", "")
    await town.approved()
    return await ordered(town)


async def twice() -> str:
    """One person is not two."""
    town = Town(policies=policy(approvals=2))
    change = await town.propose()
    await town.click(BOB, APPROVE, change)
    return await town.click(BOB, APPROVE, change, reason="again")


async def superseded() -> str:
    """It is not what was shown any more."""
    town = Town()
    change = await town.propose()
    town.cluster.change_spec(CHECKOUT, sessionAffinity="ClientIP")
    return await town.click(BOB, APPROVE, change)


async def new_sibling() -> str:
    """Another Service came to the load balancer."""
    town = Town(clusters=[crowd()])
    change = await town.propose()
    town.cluster.put(service("shop", "late", port=9000))
    town.cluster.put(slices("late", "node-a"))
    return await town.click(BOB, APPROVE, change)


async def other_template(folder: Path) -> str:
    """The patch template is another one since."""
    town = templated()
    change = await town.propose()
    restart(town, MORE, folder)
    return await town.click(BOB, APPROVE, change)


async def in_git() -> str:
    """Git took the key up since."""
    town = marked(applied(team="shop"), owned=[WEB])
    change = await town.propose()
    declare(town, "false")
    said = await town.click(BOB, APPROVE, change)
    return said.replace(town.now(change).git_note, "(what Git will do)")


async def harmful(*, accepted: bool = False) -> str:
    """It would do harm by now, or carries a risk that its card did not show."""
    risks = frozenset({"unsupported-version"}) if accepted else frozenset()
    town = Town(policies=policy(accept_risk=risks))
    change = await town.propose()
    town.cluster.facts = OLD
    return await town.click(BOB, APPROVE, change)


async def read_only_since() -> str:
    """Configured so after it was proposed."""
    town = Town()
    change = await town.propose()
    town.cluster.read_only = True
    return await town.click(BOB, APPROVE, change)


async def unconfigured() -> str:
    """Its cluster is configured no more."""
    town = Town(clusters=[shop(), shop("other")])
    change = await town.propose(target="prod/shop/checkout")
    town.clusters = [town.clusters[1]]
    town.world = town.replica()
    return await town.click(BOB, APPROVE, change)


async def expired() -> str:
    """The clock decides, not the job."""
    town = Town()
    change = await town.propose()
    town.clock.now = change.expires_at
    for row in town.store.jobs.rows.values():
        row.due_at = None
    return await town.click(BOB, APPROVE, change)


async def restless() -> str:
    """Others are faster, again and again."""
    town = Town()
    contested = Contested(town.store.jobs)
    town.store.changes = contested
    change = await town.propose()

    async def steal() -> None:
        raise Stale("somebody else")

    contested.losses, contested.rival = 99, steal
    return await town.click(BOB, APPROVE, change)


# --- rollbacks -------------------------------------------------------------------------------------------


async def undone(user: str = BOB, *, first: str = "") -> str:
    """A rollback of what is undone already, or by somebody who may not."""
    town = Town()
    change = await town.done()
    if first:
        await town.click(BOB, first, change)
    return await town.click(user, ROLLBACK, change)


async def undone_after(then: Callable[[Town], None], **given: Any) -> str:
    """A rollback of a Service that something happened to since."""
    town = Town(**given)
    change = await town.done()
    then(town)
    return await town.click(BOB, ROLLBACK, change)


def made_again(town: Town) -> None:
    """Another Service of the same name."""
    town.cluster.remove(Service, CHECKOUT)
    raw = service(value="true")
    town.cluster.put({**raw, "metadata": {**raw["metadata"], "uid": "another"}})


def put_back(town: Town) -> None:
    """Both Services as they were before."""
    for ref in (CHECKOUT, Ref("shop", "basket")):
        town.cluster.annotate(ref, None)


def joined(town: Town) -> None:
    """Another Service on the load balancer, with pass-through."""
    town.cluster.put(service("shop", "late", port=9000, value="true"))
    town.cluster.put(slices("late", "node-a"))


async def never_seen() -> str:
    """The watch has not come to it yet."""
    return await undone_after(lambda town: town.cluster._inventory.remove(Service, CHECKOUT))


async def restless_service() -> str:
    """Superseded again and again: what the requester is told in the end."""
    town = Town()
    await town.propose()
    for number in range(20):
        town.cluster.change_spec(CHECKOUT, sessionAffinity="ClientIP" if number % 2 else "None")
        await town.pass_time(31)
    return next(text for text in town.thread(town.changes()[-1]) if "times in a row" in text)


# --- verifications ---------------------------------------------------------------------------------------


async def verified(town: Town, user: str = ALICE) -> str:
    """The command."""
    return await ordered(town, "verify", user)


async def verified_paused() -> str:
    """While an operator holds everything."""
    town = Town(verification=PROBING)
    await town.order(LEAD, "pause", "")
    return await verified(town)


async def verified_twice() -> str:
    """One at a time."""
    town = Town(verification=PROBING)
    await town.order(ALICE, "verify")
    return await verified(town)


async def nothing_to_verify() -> str:
    """No node takes a probe."""
    cluster = shop()
    for node in list(cluster.snapshot().inventory.nodes):
        cluster.remove(Node, Ref("", node))
    return await order("verify", clusters=[cluster], verification=PROBING)


async def stopped(user: str = ALICE, *, times: int = 1) -> str:
    """A stop by somebody who may not, or of what is over."""
    town = Town(verification=PROBING)
    await town.order(ALICE, "verify")
    (run,) = town.store.runs.rows.values()
    said = ""
    for _ in range(times):
        said = await town.click(user, STOP, run.id)
        await town.pass_time(60)
    return said


# --- incidents -------------------------------------------------------------------------------------------


async def cut_off() -> Scene:
    """Nobody reaches the Service, and that is told."""
    scene = await Scene(clusters=[shop(given=IPVS)]).begun()
    scene.cluster.put(slices("checkout"))
    await scene.wait(200)
    return scene


async def silenced(user: str = BOB, action: str = ACKNOWLEDGE, choice: str = "", *, first: str = "") -> str:
    """A click on an incident."""
    scene = await cut_off()
    if first:
        await scene.town.click(first, action, scene.row.id)
    return await scene.town.click(user, action, f"{scene.row.id}{choice}")


async def nobody_silences() -> str:
    """Nobody may propose or approve there."""
    scene = await cut_off()
    scene.town.policies = (Policy(),)
    scene.town.world = scene.town.replica()
    return await scene.town.click(BOB, ACKNOWLEDGE, scene.row.id)


async def over(action: str = ACKNOWLEDGE) -> str:
    """A click on what is over."""
    scene = await cut_off()
    scene.cluster.put(slices("checkout", "node-a"))
    await scene.wait(200)
    return await scene.town.click(BOB, action, scene.row.id)


async def of_the_cluster() -> str:
    """An incident of no namespace."""
    scene = await Scene().begun()
    scene.cluster.fresh = Freshness(synced=True, age=400.0)
    await scene.wait(200)
    return await scene.town.click(BOB, ACKNOWLEDGE, scene.row.id)


class Racing(MemoryIncidents):
    """Incidents that somebody else saves first, and perhaps ends."""

    rivals = 0
    ends = False

    async def save(self, before: Incident, after: Incident, *, jobs: Sequence[Job] = ()) -> Incident:
        """Let a rival save the row in between."""
        if self.rivals:
            self.rivals -= 1
            change: dict[str, Any] = {"phase": IncidentPhase.CLOSED, "closed_at": START} if self.ends else {}
            await super().save(before, replace(before, flips=before.flips + 1, **change))
        return await super().save(before, after, jobs=jobs)


async def raced(*, rivals: int, ends: bool = False) -> str:
    """A click while the watch saves the row."""
    scene = Scene(clusters=[shop(given=IPVS)])
    store = scene.town.store
    store.incidents = racing = Racing(store.jobs, store.now)
    await scene.begun()
    scene.cluster.put(slices("checkout"))
    await scene.wait(200)
    racing.rivals, racing.ends = rivals, ends
    return await scene.town.click(BOB, ACKNOWLEDGE, scene.row.id)


# --- questions -------------------------------------------------------------------------------------------


async def no_history(target: str = "shop/checkout", *, down: bool = False) -> str:
    """Nothing to tell, or nobody to ask."""
    town = Town()
    town.store.down = down
    return await asked(town, ask.history(town.world, caller(ALICE), target))


async def listed(target: str) -> str:
    """A list of nothing."""
    town = Town()
    return await asked(town, ask.listing(town.world, caller(ALICE), target))


async def shared_where_no_member() -> str:
    """Share in channel, where the bot may not post."""
    town = Town()
    known = town.cluster.snapshot().service(CHECKOUT)
    assert known is not None
    for verb in ("answer", "post"):
        town.messenger.fail(verb, Forbidden("Slack answered chat.postMessage with not_in_channel"))
    given = replace(caller(ALICE), response_url="")
    return await asked(town, Questions(town.world).share(f"prod/{known.uid}", given, "d1"))


def refusals(folder: Path) -> Mapping[str, Story]:
    """Every story, by what happened; `folder` is for templates of a team's own."""
    unavailable = Unavailable("Slack does not answer")
    return {
        # -- text that is no command
        "a misspelt subcommand": partial(typed, "stauts shop/checkout"),
        "a subcommand like none": partial(typed, "xyzzy"),
        "a subcommand in mid-sentence": partial(typed, "hey, what is the status shop/checkout"),
        "a Service where a subcommand is wanted": partial(typed, "shop/checkout"),
        "a mention that names no Service": partial(as_it_is, desk.NO_SERVICE),
        # -- names
        "a misspelt Service": partial(named, "shop/chekout"),
        "a Service that is nowhere": partial(named, "shop/zzz"),
        "a Service in no namespace": partial(named, "zzz"),
        "a Service in none of two clusters": partial(
            order, target="shop/zzz", clusters=[shop(), shop("test")]
        ),
        "a name where nothing may be looked at": partial(order, policies=policy(view=(BOB,))),
        "a form of who may propose nowhere": form_refused,
        "a bare name in none of two clusters": partial(order, target="zzz", clusters=[shop(), shop("test")]),
        "a misspelt cluster": partial(named, "prd/shop/checkout"),
        "a name with too many parts": partial(named, "a/b/c/d"),
        "a name that several have": partial(named, "twice"),
        "a Service of another type": partial(named, "shop/other"),
        "a Service without an address": partial(named, "shop/fresh"),
        "a cluster that was never read": partial(unread, "connection refused"),
        "a cluster that is being read": partial(unread, ""),
        "a cluster that does not answer": partial(
            failing, "read", Unavailable("prod does not answer: timeout")
        ),
        "a Service that may not be read": partial(failing, "read", Forbidden("services is forbidden")),
        "a Service that was deleted": partial(failing, "read", NotFound("not found")),
        # -- rights
        "somebody without the right": partial(order, user=MALLORY),
        "somebody on the deny list": partial(clicked, APPROVE, BOB, policies=policy(deny=(BOB,))),
        "a guest": outsider,
        "Slack does not say who that is": partial(failing, "person", unavailable, at="slack"),
        "Slack may not say who that is": partial(failing, "person", Forbidden("missing_scope"), at="slack"),
        "Slack does not say who is in a group": partial(failing, "members", unavailable, at="slack"),
        "the workspace is not known": partial(order, changed={"team": None}),
        "no policy at all": partial(as_it_is, all_agree(()).why),
        "a shared status is not for everybody": partial(
            hidden, lambda town, value: ask.share(town.world, caller(MALLORY), value)
        ),
        "a diagram is not for everybody": partial(
            hidden, lambda town, value: diagram(town.world, caller(MALLORY), value)
        ),
        # -- proposals
        "on already": partial(of_shop, value="true"),
        "on already, by CCE": partial(of_shop, value="onlyLocal", policy="Local"),
        "on already, by CCE in the past": partial(of_shop, value="onlyLocal"),
        "on in a moment, by CCE": partial(of_shop, policy="Local", born=START),
        "off already": partial(of_shop, "disable"),
        "off cannot be": partial(of_shop, "disable", policy="Local", value="onlyLocal"),
        "the annotation does nothing here": partial(does_nothing, "generic"),
        "the annotation may do nothing here": partial(does_nothing, None),
        "no reason, where one is required": partial(order, policies=policy(require_reason=True)),
        "nobody could approve it": partial(order, policies=policy(approve=())),
        "too few could approve it": partial(order, policies=policy(approve=(BOB,), approvals=2)),
        "it would do harm": partial(of_shop, elb_class="performance"),
        "it would do nothing": partial(of_shop, given=TURBO),
        "it carries a risk": partial(
            order,
            clusters=[shop(elb_class="performance")],
            policies=policy(accept_risk=frozenset({"same-node-lockout"})),
        ),
        "the API server refuses the patch": partial(
            failing, "patch", Forbidden("forbidden: can't modify service elb")
        ),
        "a webhook is down": partial(failing, "patch", Unavailable("prod does not answer: timeout")),
        "a set that is too large": too_large_a_set,
        "another change is open": second_proposal,
        "another change is open, and decided": second_while_it_runs,
        "another change is open on the load balancer": partial(second_proposal, other=True),
        "a Service on the load balancer cannot be switched": local_sibling,
        "an Ingress is on the load balancer": shared_ingress,
        "another cluster is on the load balancer": shared_cluster,
        "a Service goes meanwhile": gone_meanwhile,
        "the template is broken": partial(broken_template, folder / "1", "{% if %}"),
        "the template sets what it may not": partial(broken_template, folder / "2", FOREIGN),
        "the bot is not in the channel": foreign_channel,
        "proposed in a direct message": direct_message,
        # -- decisions
        "approved by who may not": partial(clicked, APPROVE, MALLORY),
        "approved by who asked": partial(clicked, APPROVE, ALICE, policies=policy(approve=(SRE, ALICE))),
        "approved twice by one": twice,
        "approved in a freeze": partial(clicked, APPROVE, BOB, policies=policy(freeze=(MONDAY,))),
        "proposed in a freeze that outlasts it": partial(
            order, policies=policy(freeze=(MONDAY,), expires_after=3600.0)
        ),
        "proposed where changes are frozen for good": partial(
            order, policies=policy(freeze=(Window(start=0, end=1440),))
        ),
        "approved after it expired": expired,
        "approved by a new member of the group": late_member,
        "approved by a member of a group that was not known": partial(late_member, known=False),
        "approved where nobody is left": nobody_left,
        "withdrawn by who may not look": hidden_change,
        "approved where nothing may be written": read_only_since,
        "approved where nothing is configured": unconfigured,
        "approved when it is not what it was": superseded,
        "approved when somebody else is on the load balancer": new_sibling,
        "approved when the template is another one": partial(other_template, folder / "3"),
        "approved when Git says otherwise by now": in_git,
        "approved when it would do harm by now": harmful,
        "approved when there is a new risk": partial(harmful, accepted=True),
        "approved while everybody else decides": restless,
        "rejected by who may not": partial(clicked, REJECT, MALLORY),
        "rejected by who asked": partial(clicked, REJECT, ALICE, policies=policy(approve=(SRE, ALICE))),
        "withdrawn by who did not ask": partial(clicked, WITHDRAW, BOB),
        "withdrawn by who did not ask, when approved": partial(late, Phase.APPROVED, WITHDRAW),
        "withdrawn again": partial(late, Phase.APPLYING, WITHDRAW, ALICE),
        "glass broken by who may not": partial(
            clicked, GLASS, BOB, reason="now", policies=policy(break_glass=(LEAD,))
        ),
        "glass broken without a reason": partial(clicked, GLASS, LEAD, policies=policy(break_glass=(LEAD,))),
        **{
            f"approved when it is {phase}": partial(late, phase)
            for phase in Phase
            if phase is not Phase.PROPOSED
        },
        "not applied: who approved it lost the right": partial(lost_rights, policy(approve=(LEAD,))),
        "not applied: who proposed it cannot be looked up": requester_unknown,
        "not applied: who proposed it lost the right": partial(lost_rights, policy(propose=(LEAD,))),
        # -- old buttons
        "a button of a change that is not known": lambda: Town().click(BOB, APPROVE, "0" * 32),
        "a button that no change has": partial(clicked, "change:unheard-of", BOB),
        "a button of a Service that is gone": lambda: asked(
            town := Town(), ask.share(town.world, caller(ALICE), "prod/gone")
        ),
        "a button of before": partial(as_it_is, desk.OLD_BUTTON),
        "a form of before": partial(as_it_is, desk.OLD_FORM),
        "a form that did not open": partial(as_it_is, desk.NO_FORM),
        # -- rollbacks
        "rolled back by who may not": partial(undone, MALLORY),
        "rolled back twice": partial(undone, first=ROLLBACK),
        "rolled back when somebody proposed it": undone_by_a_proposal,
        "rolled back by a change that is not found": rolled_back_by_a_lost_change,
        "rolled back when nothing was applied": partial(late, Phase.REJECTED, ROLLBACK, BOB),
        **{
            f"rolled back when it is {phase}": partial(late, phase, ROLLBACK, BOB)
            for phase in (Phase.APPROVED, Phase.APPLYING, Phase.VERIFYING)
        },
        "rolled back when all of it was put back by hand": partial(
            undone_after, put_back, clusters=[crowd("shop/basket")]
        ),
        "rolled back over somebody's change": partial(
            undone_after, lambda town: town.cluster.annotate(CHECKOUT, "onlyLocal", by="cce-controller")
        ),
        "rolled back when it was made again": partial(undone_after, made_again),
        "rolled back beside a newcomer": partial(undone_after, joined, clusters=[crowd()]),
        "rolled back before it was seen": never_seen,
        "proposed anew too often": restless_service,
        # -- verifications
        "verified by who may not": partial(order, "verify", MALLORY),
        "verified where no Pod may be made": partial(order, "verify", clusters=[shop(read_only=True)]),
        "verified while it is paused": verified_paused,
        "verified twice": verified_twice,
        "verified without a client": nothing_to_verify,
        "stopped by who may not": partial(stopped, MALLORY),
        "stopped twice": partial(stopped, times=2),
        "stopped when it is not known": lambda: Town().click(ALICE, STOP, "gone"),
        # -- incidents
        "silenced by who may not": partial(silenced, MALLORY),
        "silenced where nobody may": nobody_silences,
        "acknowledged by a second person": partial(silenced, ALICE, first=BOB),
        "acknowledged when it is over": over,
        "acknowledged when it is over that moment": partial(raced, rivals=1, ends=True),
        "acknowledged while it keeps changing": partial(raced, rivals=99),
        "acknowledged for a whole cluster": of_the_cluster,
        "acknowledged when it is not known": lambda: Town().click(BOB, ACKNOWLEDGE, "0" * 32),
        "snoozed for a time that is not offered": partial(silenced, BOB, SNOOZE, ":3y"),
        "mended when it is over": partial(over, PROPOSE),
        # -- questions, and what holds for all
        "no history": no_history,
        "no history of a misspelt Service": partial(no_history, "shop/chekout"),
        "no history without the database": partial(no_history, down=True),
        "nothing to list": partial(listed, "zzz"),
        "nothing to list of a misspelt namespace": partial(listed, "SHPO"),
        "shared where the bot is not": shared_where_no_member,
        "paused by who may not": partial(order, "pause", MALLORY, ""),
        "paused where nothing is": partial(order, "pause", LEAD, "prdo"),
        "the database does not answer": partial(as_it_is, desk.NOT_STORED),
        "the database answers too slowly": partial(as_it_is, desk.NOT_KNOWN),
        "something that nobody has thought of": partial(as_it_is, tasks.APOLOGY),
    }
