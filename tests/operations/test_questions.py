"""status, list, help and history: what each person reads, with half of the world away too."""

import re
from typing import Any

import pytest

from bot.config.settings import Clients, VerificationSettings
from bot.domain.explanation import Severity, Verdict
from bot.domain.objects import Ref
from bot.domain.policy import Policy
from bot.operations import ask
from bot.operations.refusal import Refused
from bot.ports import Freshness, Message
from tests.domain.situation import facts
from tests.fakes.messenger import buttons, read
from tests.fakes.world import (
    ALICE,
    BOB,
    FACTS,
    LEAD,
    MALLORY,
    PLATFORM,
    POLICY,
    SRE,
    Cluster,
    Town,
    caller,
    service,
    shop,
)

PROPOSE, VERIFY = "status:propose", "status:verify"
EVERYBODY = {"status:diagram", "status:share"}
"""What everybody may press who may look."""


async def status(town: Town, user: str = ALICE, target: str = "shop/checkout") -> Message:
    """Ask for a status."""
    return await ask.status(town.world, caller(user), target)


async def test_a_status_leads_with_the_verdict_and_says_how_it_is_known() -> None:
    """One line for the notification, then classes of client, then where each fact is from."""
    town = Town()
    message = await status(town)
    assert message.text.startswith("shop/checkout on prod: in-cluster clients bypass the load balancer")
    text = read(message)
    assert "10.9.0.9:443" in text
    assert "pods on nodes with a backend" in text
    assert "Known: Service and endpoints 0 s ago" in text


async def test_a_status_says_what_is_taken_for_granted() -> None:
    """Of a shared ELB that it speaks from its own address; what that decides is not called unknown."""
    known = read(await status(Town())).partition("Known: ")[2]
    assert "taken for granted: a shared load balancer speaks to nodes from its own address; " in known
    assert "unknown: " in known
    assert "whether it keeps client addresses" not in known.partition("unknown: ")[2]


async def test_who_is_past_the_elb_is_not_seen_as_the_elb() -> None:
    """A node's process speaks from its address under IPVS and policy Local."""
    given = facts(platform="cce", category="standard", version="v1.29.2", mode="ipvs")
    text = read(await status(Town(clusters=[shop(given=given, policy="Local")])))
    assert "processes on nodes with a backend\n2\n10.9.0.9:443\n✅ direct\nthe ELB's address\n" in text
    assert "outside the cluster\n–\n10.9.0.9:443\n✅ through the ELB\nthe ELB\n" in text


async def test_a_status_has_the_buttons_that_this_person_may_press() -> None:
    """Alice may propose and verify; Mallory may only show it to others."""
    town = Town()
    assert set(buttons(await status(town))) == {PROPOSE, VERIFY, *EVERYBODY}
    assert set(buttons(await status(town, MALLORY))) == EVERYBODY


async def test_what_is_on_cannot_be_proposed_from_the_status() -> None:
    """No button for what would come to nothing; a read-only cluster has none for probes."""
    town = Town(clusters=[shop(value="true")])
    assert set(buttons(await status(town))) == {VERIFY, *EVERYBODY}
    closed = Town(clusters=[shop(read_only=True)])
    assert VERIFY not in buttons(await status(closed))


async def test_the_way_out_of_a_lock_out_is_offered() -> None:
    """Pass-through on a dedicated load balancer locks the backends' own nodes out: off mends that, and says so."""
    town = Town(clusters=[shop(value="true", elb_class="performance")])
    message = await status(town)
    value = buttons(message)[PROPOSE]
    assert value.endswith("/off")
    text = read(message)
    assert "Propose pass-through off" in text
    assert "1. Propose pass-through off: who does not always get there will then" in text
    assert ask.by_button(town.world, value) == ask.by_button(town.world, value.removesuffix("/off"))
    assert PROPOSE not in buttons(await status(town, MALLORY))


async def test_no_way_out_is_offered_where_it_would_be_none() -> None:
    """Under policy Local CCE writes the value back; where nobody is cut off, nothing needs mending."""
    local = shop(value="true", elb_class="performance", policy="Local")
    for cluster in (local, shop(value="true", elb_class="union")):
        message = await status(Town(clusters=[cluster]))
        assert PROPOSE not in buttons(message)
        assert "pass-through off:" not in read(message)


async def test_a_status_works_while_the_database_is_down() -> None:
    """Status, list and help ask the caches only; history says what is missing."""
    town = Town()
    town.store.down = True
    assert read(await status(town))
    assert read(await ask.listing(town.world, caller(ALICE), ""))
    assert read(await ask.help_for(town.world, caller(ALICE)))
    with pytest.raises(Refused, match="The database does not answer"):
        await ask.history(town.world, caller(ALICE), "")


@pytest.mark.parametrize(
    ("fresh", "said"),
    [
        (Freshness(synced=True, age=3600.0), "last heard of 1 h ago"),
        (Freshness(synced=True, age=1.0, problem="Pods may not be listed"), "Pods may not be listed"),
        (Freshness(synced=False, age=1.0), "has not been read completely yet"),
    ],
)
async def test_a_stale_answer_says_so(fresh: Freshness, said: str) -> None:
    """The answer is given, with what is wrong about it."""
    town = Town()
    town.cluster.fresh = fresh
    assert said in read(await status(town))
    assert said in read(await ask.listing(town.world, caller(ALICE), ""))


async def test_names_of_hidden_namespaces_are_not_given_away() -> None:
    """Who may not look gets no hint that the Service is there."""
    hidden = Policy(namespace="shop", view=(BOB,))
    town = Town(policies=(hidden,))
    with pytest.raises(Refused, match=r"There is no Service “checkout” on any cluster\.$"):
        await status(town)
    with pytest.raises(Refused, match="that you may look at"):
        await ask.listing(town.world, caller(ALICE), "")


async def test_a_button_finds_its_service_by_its_uid() -> None:
    """Made again under the same name, it is another one."""
    town = Town()
    value = buttons(await status(town))["status:share"]
    shared = await ask.share(town.world, caller(ALICE), value)
    assert "shared by <@U0ALICE>" in read(shared)
    assert buttons(shared) == {}
    raw = service()
    town.cluster.put({**raw, "metadata": {**raw["metadata"], "uid": "another"}})
    with pytest.raises(Refused, match="is gone"):
        await ask.share(town.world, caller(ALICE), value)


async def test_sharing_takes_the_right_to_look() -> None:
    """A forged button shows nobody what they may not see."""
    town = Town()
    value = buttons(await status(town))["status:share"]
    town.policies = (Policy(view=(BOB,)),)
    town.world = town.replica()
    with pytest.raises(Refused, match="You may not look at Services"):
        await ask.share(town.world, caller(ALICE), value)


async def test_a_status_weighs_what_is_not_known_instead_of_guessing() -> None:
    """An unknown proxy mode is named as what would decide."""
    given = facts(mode=None, platform="cce", category="standard", delivery=None, version="v1.29.2")
    town = Town(clusters=[shop(given=given)])
    assert "proxy mode" in read(await status(town))


async def test_a_list_has_a_line_for_every_service() -> None:
    """Pass-through, worst verdict and findings."""
    cluster = shop(value="true")
    cluster.put(service("blog", "web", ip="10.9.0.30", elb="elb-30"))
    text = read(await ask.listing(Town(clusters=[cluster]).world, caller(ALICE), ""))
    assert "prod/blog/web\noff" in text
    assert "prod/shop/checkout\non" in text


@pytest.mark.parametrize(
    ("target", "there", "absent"),
    [
        ("prod", "prod/shop/checkout", "test/shop/checkout"),
        ("test/shop", "test/shop/checkout", "prod/shop/checkout"),
        ("blog", "prod/blog/web", "prod/shop/checkout"),
        ("prod/", "prod/blog/web", "test/shop/checkout"),
    ],
)
async def test_a_list_takes_a_cluster_before_a_namespace(target: str, there: str, absent: str) -> None:
    """`list X` is a cluster's name first."""
    cluster = shop()
    cluster.put(service("blog", "web", ip="10.9.0.30", elb="elb-30"))
    town = Town(clusters=[cluster, shop("test")])
    text = read(await ask.listing(town.world, caller(ALICE), target))
    assert there in text
    assert absent not in text


async def test_a_misspelt_namespace_or_cluster_gets_the_nearest_one() -> None:
    """Of those that the person may look at."""
    hidden = Policy(namespace="secret", view=(BOB,))
    cluster = shop()
    cluster.put(service("secret", "vault", ip="10.9.1.1", elb="elb-9"))
    locked = Policy(cluster="locked", view=(BOB,))
    town = Town(clusters=[cluster, shop("test"), shop("locked")], policies=(hidden, locked, POLICY))
    for typed, offered in (
        ("shpo", " Did you mean list shop?"),
        ("tset", " Did you mean list test?"),
        ("SHOP", " Did you mean list shop?"),
        ("prod/shpo", " Did you mean list prod/shop?"),
        ("secrt", ""),
        ("lockd", ""),
    ):
        with pytest.raises(Refused) as refused:
            await ask.listing(town.world, caller(ALICE), typed)
        assert (
            str(refused.value)
            == f"There is no LoadBalancer Service in {typed} that you may look at.{offered}"
        )


async def test_a_list_has_the_worst_first() -> None:
    """As the watch saw them last: cut off, sometimes, not known, not seen yet, fine; alike ones by their findings."""
    cluster = Cluster("prod")
    for number, name in enumerate("abcdefgh"):
        cluster.put(service("web", name, ip=f"10.9.1.{number}", elb=f"elb-{number}"))
    town = Town(clusters=[cluster])
    seen = {
        "a": Verdict.REACHABLE,
        "b": Verdict.UNDETERMINED,
        "d": Verdict.AMBIGUOUS,
        "e": Verdict.REACHABLE,
        "f": Verdict.UNREACHABLE,
        "g": Verdict.REACHABLE,
        "h": Verdict.REACHABLE,
    }
    traps = {"g": {Severity.WARNING, Severity.INFO}, "h": {Severity.ERROR}, "e": {Severity.INFO}}
    town.world.traps["prod"] = {
        Ref("web", name): frozenset((f"a-{each}", each) for each in severities)
        for name, severities in traps.items()
    }
    town.world.standings["prod"] = {Ref("web", name): verdict for name, verdict in seen.items()}
    text = read(await ask.listing(town.world, caller(ALICE), ""))
    assert re.findall(r"prod/web/(\w)", text) == ["f", "d", "b", "c", "h", "g", "e", "a"]


async def test_a_long_list_says_what_it_leaves_out_and_how_to_see_it() -> None:
    """Fifteen lines, and the namespaces of the others with their counts."""
    cluster = Cluster("prod")
    for number in range(40):
        raw = service(f"space-{number % 3}", f"web-{number:02}", ip=f"10.9.1.{number}", elb=f"elb-{number}")
        cluster.put(raw)
    text = read(await ask.listing(Town(clusters=[cluster]).world, caller(ALICE), ""))
    assert text.count("prod/space-0/web") == 14
    assert "25 more: prod/space-2 (13), prod/space-1 (12)" in text
    assert "[Next]" in text


async def test_a_guest_is_told_why_there_is_no_help() -> None:
    """Rather than a list of one command."""
    town = Town()
    town.messenger.add("GUEST", full=False)
    with pytest.raises(Refused, match="Guests, bots and people of other workspaces have no rights here"):
        await ask.help_for(town.world, caller("U0GUEST"))


@pytest.mark.parametrize(
    ("user", "able", "unable"),
    [
        (
            ALICE,
            ["enable / disable", "verify", "withdraw", "propose to roll back", "snooze incidents"],
            ["pause / resume", "approve or reject", "without anybody's", "break the glass"],
        ),
        (
            BOB,
            ["approve or reject", "roll back what was applied, without anybody's approval"],
            ["enable / disable", "verify", "withdraw", "break the glass"],
        ),
        (MALLORY, ["status", "list", "history"], ["enable", "pause", "buttons", "roll back"]),
        (LEAD, ["pause / resume", "break the glass: approve alone"], ["enable", "approve or reject"]),
    ],
)
async def test_help_shows_what_this_person_may_do(user: str, able: list[str], unable: list[str]) -> None:
    """And nothing else."""
    policy = Policy(propose=(PLATFORM,), approve=(SRE,), break_glass=(LEAD,))
    text = read(await ask.help_for(Town(policies=(policy,)).world, caller(user)))
    assert all(word in text for word in able)
    assert not any(word in text for word in unable)
    assert " · in " not in text.replace(" · in a thread", "")


async def test_help_says_where_this_person_may_do_it() -> None:
    """A cluster where it is all of it, else its namespaces; never one that the person may not look at."""
    prod, test = shop("prod"), shop("test", read_only=True)
    prod.put(service("blog", "web", ip="10.9.1.1", elb="elb-2"))
    prod.put(service("vault", "seal", ip="10.9.1.2", elb="elb-3"))
    policies = (
        Policy(cluster="prod", namespace="vault", view=(LEAD,), propose=(ALICE,)),
        Policy(cluster="prod", namespace="shop", propose=(ALICE,), verify=(LEAD,), break_glass=(ALICE,)),
        Policy(cluster="test", propose=(ALICE,)),
    )
    town = Town(clusters=[prod, test], policies=policies)
    lines = read(await ask.help_for(town.world, caller(ALICE))).splitlines()

    def of(words: str) -> str:
        return next(line for line in lines if words in line).partition(" · in ")[2]

    assert of("`status ") == "test, prod/blog, prod/shop"
    assert of("`enable ") == of("withdraw what") == "test, prod/shop"
    assert of("`verify ") == "test"
    assert of("break the glass") == "prod/shop"
    assert "Clusters: prod, test (read-only)" in lines[-1]


async def test_help_names_a_few_places_and_counts_the_rest() -> None:
    """And none while no Service is known."""
    cluster = shop()
    for number in range(9):
        cluster.put(service(f"team-{number}", "web", ip=f"10.9.1.{number}", elb=f"elb-{number}x"))
    policies = (Policy(namespace="team-*", approve=(BOB,)),)
    text = read(await ask.help_for(Town(clusters=[cluster], policies=policies).world, caller(BOB)))
    assert (
        "proposed · in prod/team-0, prod/team-1, prod/team-2, prod/team-3, prod/team-4, prod/team-5 and 3 more"
        in text
    )
    empty = Town(clusters=[Cluster("prod", facts=FACTS)], policies=(Policy(approve=(BOB,)),))
    assert "default" not in read(await ask.help_for(empty.world, caller(BOB)))


async def test_a_history_says_who_asked_approved_and_applied() -> None:
    """Newest first, with what became of each."""
    town = Town()
    first = await town.done()
    await town.click(BOB, "change:rollback", first)
    text = read(await ask.history(town.world, caller(ALICE), "shop/checkout"))
    assert text.index("CHG-2") < text.index("CHG-1* Reverted")
    assert "asked by <@U0ALICE>" in text
    assert "approved by <@U0BOB>" in text
    assert "CHG-2 undid it" in text


async def test_a_history_of_a_bare_name_is_a_service_s() -> None:
    """A namespace of that name goes before it."""
    town = Town()
    await town.done()
    for target in ("shop", "checkout", "prod/checkout"):
        assert "CHG-1" in read(await ask.history(town.world, caller(ALICE), target))


async def test_a_history_of_nothing_says_so() -> None:
    """No change, or none that this person may see."""
    town = Town()
    with pytest.raises(Refused, match="No change of shop/checkout is known"):
        await ask.history(town.world, caller(ALICE), "shop/checkout")


async def test_a_long_history_shows_a_page_of_what_may_be_seen() -> None:
    """Fifteen, although hidden ones are among the newest; the rest is counted."""
    town = Town()
    for _ in range(17):
        change = await town.propose()
        await town.click(BOB, "change:reject", change)
    text = read(await ask.history(town.world, caller(ALICE), "prod"))
    assert text.count("*CHG-") == 15
    assert "and 2 more" in text


async def test_pausing_is_for_operators() -> None:
    """Everybody else is told who may."""
    town = Town()
    await town.order(ALICE, "pause", "")
    assert "Only operators may pause and resume. <@U0LEAD> may." in town.messenger.said_to(ALICE)[0]
    assert await town.store.pauses.paused("prod") is None


async def test_pausing_an_unknown_cluster_names_those_there_are() -> None:
    """A slip of the pen pauses nothing."""
    town = Town()
    await town.order(LEAD, "pause", "prd")
    assert "There is no cluster “prd”. Did you mean prod? There are: prod." in town.messenger.said_to(LEAD)[0]


async def test_a_name_without_a_history_gets_the_nearest_one() -> None:
    """A Service or a place that the person may look at; none where it is spelt as one is."""
    town = Town(clusters=[shop(), shop("test")])
    for typed, offered in (
        ("shop/chekout", " Did you mean history shop/checkout?"),
        ("SHOP/CHECKOUT", " Did you mean history shop/checkout?"),
        ("chekout", " Did you mean history shop/checkout?"),
        ("prdo", " Did you mean history prod?"),
        ("shop/checkout", ""),
    ):
        with pytest.raises(Refused) as refused:
            await ask.history(town.world, caller(ALICE), typed)
        assert str(refused.value) == f"No change of {typed} is known.{offered}"


async def test_what_may_not_be_looked_at_is_answered_as_what_is_not_there() -> None:
    """To the letter: a Service, its namespace, its cluster; by whatever part it is named."""
    locked = Policy(cluster="locked", view=(BOB,))
    secret = Policy(namespace="secret", view=(BOB,))
    cluster = shop()
    cluster.put(service("secret", "vault", ip="10.9.1.1", elb="elb-9"))
    town = Town(clusters=[cluster, shop("locked")], policies=(locked, secret, POLICY))
    hidden = ("secret/vault", "vault", "locked/shop/checkout", "locked/checkout")
    absent = ("nought/zzzzz", "zzzzz", "qqqqqq/shop/checkout", "qqqqqq/checkout")
    for there, not_there in zip(hidden, absent, strict=True):
        answers = []
        for name in (there, not_there):
            with pytest.raises(Refused) as refused:
                await ask.status(town.world, caller(ALICE), name)
            words = str(refused.value).replace(name.split("/")[0], "…").replace(name.split("/")[-1], "…")
            answers.append(words)
        assert answers[0] == answers[1]
    nothing = Town(policies=(Policy(view=(BOB,)),))
    with pytest.raises(Refused, match=r"^There is no Service “checkout” on any cluster\.$"):
        await ask.status(nothing.world, caller(ALICE), "shop/checkout")


@pytest.mark.parametrize("user", [ALICE, BOB])
async def test_help_says_whether_the_own_proposal_may_be_approved(user: str) -> None:
    """Where self-approval is allowed it is not said to be for what others proposed alone."""
    policies = (Policy(propose=(ALICE, BOB), approve=(ALICE, BOB), self_approval=user == ALICE),)
    text = read(await ask.help_for(Town(policies=policies).world, caller(user)))
    assert ("by you too" in text) == (user == ALICE)
    assert ("approve or reject what others proposed" in text) == (user == BOB)


async def test_help_names_no_cluster_in_which_there_is_nothing_to_see() -> None:
    """For this person."""
    town = Town(clusters=[shop(), shop("locked")], policies=(Policy(cluster="locked", view=(BOB,)), POLICY))
    assert "locked" not in read(await ask.help_for(town.world, caller(ALICE)))
    assert "locked" in read(await ask.help_for(town.world, caller(BOB)))


@pytest.mark.parametrize(
    ("paused", "resumed", "said"),
    [
        (["prod"], "prod", "prod is resumed. Changes that waited go on."),
        ([""], "", "Every cluster is resumed. Changes that waited go on."),
        ([], "prod", "prod is not paused. Nothing waits for that."),
        ([], "", "No cluster is paused. Nothing waits for that."),
        (["", "prod"], "prod", "But all clusters are paused, by <@U0LEAD>: resume them too."),
        (["", "prod"], "", "But prod was paused by itself: resume it too."),
    ],
)
async def test_resuming_says_what_stays_paused(paused: list[str], resumed: str, said: str) -> None:
    """A pause of one cluster and one of all of them are two."""
    town = Town()
    for target in paused:
        await town.order(LEAD, "pause", target)
    await town.order(LEAD, "resume", resumed)
    assert said in town.messenger.said_to(LEAD)[-1]


async def test_a_verification_has_a_message_of_its_own_and_can_be_stopped() -> None:
    """Progress, its stop, and the verdict in its thread."""
    town = Town(verification=VerificationSettings(clients=Clients.PROBE))
    await town.order(ALICE, "verify")
    (run,) = town.store.runs.rows.values()
    (progress,) = town.messenger.keyed(f"progress:{run.id}")
    assert "asked by <@U0ALICE>" in progress.text
    assert buttons(progress.message) == {"verification:stop": run.id}
    assert "You may not verify Services here" in await town.click(MALLORY, "verification:stop", run.id)
    assert "The verification stops" in await town.click(ALICE, "verification:stop", run.id)
    await town.pass_time(60)
    (progress,) = town.messenger.keyed(f"progress:{run.id}")
    assert "was stopped by <@U0ALICE>" in progress.text
    assert buttons(progress.message) == {}
    (verdict,) = town.messenger.keyed(f"verdict:{run.id}")
    assert verdict.thread == progress.place.ts
    assert "over already" in await town.click(ALICE, "verification:stop", run.id)


async def test_a_second_verification_links_to_the_first() -> None:
    """One at a time for a Service."""
    town = Town(verification=VerificationSettings(clients=Clients.PROBE))
    await town.order(ALICE, "verify")
    await town.order(ALICE, "verify")
    said = town.messenger.said_to(ALICE)[0]
    assert "is under way already: <https://slack.test/archives/" in said
    assert "|how far it is>" in said
    assert len(town.store.runs.rows) == 1


async def test_a_verification_can_be_stopped_while_the_cluster_is_paused() -> None:
    """A pause holds probes, not their end."""
    town = Town(verification=VerificationSettings(clients=Clients.PROBE))
    await town.order(ALICE, "verify")
    await town.order(LEAD, "pause", "")
    (run,) = town.store.runs.rows.values()
    await town.click(ALICE, "verification:stop", run.id)
    await town.pass_time(60)
    assert not town.store.runs.rows[run.id].open


async def test_a_stop_of_what_is_not_known_is_answered() -> None:
    """A button older than the database's memory."""
    town = Town()
    assert "not known here any more" in await town.click(ALICE, "verification:stop", "gone")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"user": MALLORY}, f"You may not verify Services here. <!subteam^{PLATFORM}> may."),
        ({"paused": True}, "prod is paused by <@U0LEAD>"),
        ({"read_only": True}, "read-only here, so no probe Pod may be created"),
        ({"target": "shop/chekout"}, "Did you mean shop/checkout?"),
        ({"channel": "C0FOREIGN"}, "Invite me"),
    ],
)
async def test_a_verification_that_cannot_be_is_refused_with_a_sentence(
    given: dict[str, Any], said: str
) -> None:
    """Rights, pause, read-only, names, channels."""
    town = Town(clusters=[shop(read_only=given.get("read_only", False))])
    if given.get("paused"):
        await town.order(LEAD, "pause", "")
    user = given.get("user", ALICE)
    await town.order(
        user, "verify", given.get("target", "shop/checkout"), channel=given.get("channel", "C0OPS")
    )
    assert said in town.messenger.said_to(user)[-1]
    assert town.store.runs.rows == {}
