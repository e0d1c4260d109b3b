import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.config.settings import IncidentSettings, Route
from bot.demo.slack import limits
from bot.domain.explanation import Severity
from bot.domain.freeze import Weekly
from bot.domain.incident import Phase
from bot.domain.objects import EndpointSlice, Node, Pod, Ref, Service
from bot.domain.snapshot import Snapshot
from bot.operations.incident import open_incidents
from bot.operations.incident_jobs import notice_job
from bot.ports import Freshness, LoadBalancerFacts, NotFound, Unavailable
from bot.watch.watch import ClusterWatch
from tests.domain.situation import facts
from tests.fakes.world import CHECKOUT, INCIDENTS, IPVS, Cluster, machine, service, shop, slices
from tests.watch.scene import Scene


def many(count: int, *, value: str | None = "true") -> Cluster:
    """A cluster with so many Services on one load balancer."""
    cluster = shop(given=IPVS, value=value)
    for number in range(1, count):
        name = f"web-{number:02d}"
        cluster.put(service(name=name, value=value, port=1000 + number))
        cluster.put(slices(name, "node-a", "node-b"))
    return cluster


class Hidden(Cluster):
    """A cluster of which some kinds may not be listed."""

    hidden: set[type] = set()  # noqa: RUF012 - each test sets its own

    def snapshot(self) -> Snapshot:
        """Everything else is known."""
        snapshot = super().snapshot()
        snapshot.inventory.complete.difference_update(self.hidden)
        return snapshot


QUIET_SIBLINGS: dict[str, Severity | None] = {"ipvs-sibling-mismatch": None, "clients-cut-off": None}


async def plain() -> Scene:
    """A scene in which pass-through may come and go, and nobody is cut off by it."""
    return await Scene(clusters=[shop(given=IPVS)]).begun()


class TestActs:
    """Pass-through, changed behind the bot's back."""

    async def test_it_is_told_once_with_who_and_what_the_path_lost(self) -> None:
        """After it has lasted; not a word before."""
        scene = await plain()
        scene.cluster.annotate(CHECKOUT, "true", by="kubectl-edit")
        await scene.wait(110)
        assert scene.told == []
        await scene.wait(600)
        (told,) = scene.told
        assert told.startswith("🟠 *shop/checkout · prod*: pass-through was set")
        assert '(absent) → "true" by kubectl-edit' in told
        assert "6 of 6 in-cluster clients: direct → through the ELB. Nobody loses access." in told

    async def test_put_back_it_is_over(self) -> None:
        """In the same message, with how long it lasted."""
        scene = await plain()
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(300)
        scene.cluster.annotate(CHECKOUT, None)
        await scene.wait(300)
        (notice,) = scene.notices
        assert notice.text.startswith("⚪ *Over*: shop/checkout · prod")
        assert "(5 min)" in notice.text
        assert "Pass-through is off again." in notice.text
        assert scene.phases == [Phase.CLOSED]

    async def test_what_is_put_back_before_it_settled_is_never_told(self) -> None:
        """Two minutes, unless configured."""
        scene = await plain()
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(60)
        scene.cluster.annotate(CHECKOUT, None)
        await scene.wait(600)
        assert scene.told == []
        assert scene.row.opened_at is None

    async def test_there_and_back_between_two_looks_is_nothing(self) -> None:
        """Several writes at once count from the first value to the last."""
        scene = await plain()
        scene.cluster.annotate(CHECKOUT, "true")
        scene.cluster.annotate(CHECKOUT, None)
        await scene.wait(300)
        assert scene.rows == []

    async def test_several_services_on_one_load_balancer_are_one_incident(self) -> None:
        """Each is put back by itself; the last one ends it."""
        scene = await Scene(
            clusters=[many(3, value=None)], incidents=IncidentSettings(rules=QUIET_SIBLINGS)
        ).begun()
        web = Ref("shop", "web-01")
        scene.cluster.annotate(CHECKOUT, "true", by="kubectl-edit")
        await scene.wait(60)
        scene.cluster.annotate(web, "true", by="kubectl-label")
        await scene.wait(200)
        (told,) = scene.told
        assert told.startswith(
            "🟠 *2 Services on load balancer elb-1 · prod*: pass-through was changed behind"
        )
        assert '• shop/web-01: pass-through was set to "true"' in told
        scene.cluster.annotate(CHECKOUT, None)
        await scene.wait(60)
        (told,) = scene.told
        assert told.startswith("🟠 *shop/web-01 · prod*")
        scene.cluster.annotate(web, "onlyLocal")
        await scene.wait(60)
        assert scene.row.members[0].text == 'pass-through is now "onlyLocal"'
        scene.cluster.annotate(web, None)
        await scene.wait(60)
        assert scene.phases == [Phase.CLOSED]
        assert len(scene.told) == 1

    async def test_what_happens_while_it_is_told_is_told_next(self) -> None:
        """Put back and changed again between a look and the telling: the first incident goes on."""
        scene = await plain()
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(200)
        watched = scene.watches[0].clusters["prod"]
        await watched.lookout.look(scene.town.clock.now)
        scene.cluster.annotate(CHECKOUT, None)
        await watched._tell(scene.town.clock.now)
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(200)
        assert scene.phases == [Phase.OPEN]
        assert len(scene.told) == 1

    async def test_what_cce_writes_itself_is_no_act(self) -> None:
        """OnlyLocal for policy Local, by its controller (cce_10_0355)."""
        scene = await Scene(clusters=[shop(given=IPVS, policy="Local")]).begun()
        scene.cluster.annotate(CHECKOUT, "onlyLocal", by="cce-controller")
        await scene.wait(300)
        assert not [row for row in scene.rows if row.rule == "pass-through-changed"]

    async def test_the_bots_own_change_is_no_act(self) -> None:
        """Neither set nor, by a change that removes it, taken away."""
        scene = await plain()
        await scene.town.done()
        await scene.wait(600)
        assert scene.cluster.annotations(CHECKOUT).get("kubernetes.io/elb.pass-through") == "true"
        await scene.town.done(verb="disable")
        await scene.wait(600)
        assert "kubernetes.io/elb.pass-through" not in scene.cluster.annotations(CHECKOUT)
        assert scene.rows == []

    async def test_a_change_that_was_undone_long_after_is_a_reverted_one(self) -> None:
        """While the change itself still looks, it tells of it, and nobody else."""
        scene = await plain()
        change = await scene.town.done()
        assert change.plan is not None
        await scene.wait(change.plan.watch + 60, step=60)
        scene.cluster.annotate(CHECKOUT, None)
        await scene.wait(300)
        told = [text for text in scene.told if "That undoes CHG-1" in text]
        assert len(told) == 1
        assert told[0].startswith("🔴")
        assert "`change-reverted`" in told[0]

    async def test_a_change_that_is_still_watched_tells_by_itself(self) -> None:
        """One message for one thing that happened."""
        scene = await plain()
        await scene.town.done()
        scene.cluster.annotate(CHECKOUT, None)
        await scene.wait(300)
        assert scene.rows == []
        assert [text for text in scene.told if "Reverted" in text]

    async def test_a_change_of_ours_that_puts_it_back_is_named(self) -> None:
        """The incident ends with the change that ended it."""
        scene = await plain()
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(300)
        await scene.town.done(verb="disable")
        await scene.wait(60)
        assert scene.row.ended_by == "Pass-through is off again (CHG-1)."

    async def test_a_deleted_service_ends_it(self) -> None:
        """Made again under the same name it is another Service."""
        scene = await plain()
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(300)
        scene.cluster.remove(Service, CHECKOUT)
        again = service(value="true")
        again["metadata"]["uid"] = "another"
        scene.cluster.put(again)
        await scene.wait(300)
        assert [row.ended_by for row in scene.rows] == ["The Service was deleted."]

    async def test_an_act_and_what_it_brought_about_are_one_message(self) -> None:
        """Under policy Local and IPVS, taking it away cuts processes off."""
        scene = await Scene().begun()
        scene.cluster.annotate(CHECKOUT, None)
        await scene.wait(300)
        (told,) = scene.told
        assert told.startswith(
            "🔴 *shop/checkout · prod*: processes on node node-c cannot reach 10.9.0.9:443"
        )
        assert '"true" → (absent)' in told
        assert "`ipvs-host-no-local-endpoint`" in told
        assert "Everybody else still gets through." in told
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(300)
        (told,) = scene.told
        assert told.startswith("⚪ *Over*")
        assert "Pass-through is back." in told
        assert not [row for row in scene.rows if row.live]


class TestStates:
    """What the path engine finds after a change in the cluster."""

    async def test_the_last_local_endpoint_gone_is_told(self) -> None:
        """And that it is over, when one is back."""
        cluster = shop(given=IPVS, policy="Local")
        cluster.put(slices("checkout", "node-a", "node-b", "node-c"))
        scene = await Scene(clusters=[cluster]).begun()
        assert scene.told == []
        cluster.put(slices("checkout", "node-a", "node-b"))
        await scene.wait(300)
        (told,) = scene.told
        assert "processes on node node-c cannot reach 10.9.0.9:443" in told
        cluster.put(slices("checkout", "node-a", "node-b", "node-c"))
        await scene.wait(300)
        (notice,) = scene.notices
        assert notice.text.startswith("⚪ *Over*")
        assert "(5 min)" in notice.text

    async def test_no_endpoint_at_all_cuts_everybody_off(self) -> None:
        """Whatever the policy."""
        scene = await plain()
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        (told,) = scene.told
        assert "clients outside the cluster" in told
        assert "`no-ready-endpoint`" in told

    async def test_a_rollout_that_is_over_in_time_is_not_told(self) -> None:
        """Endpoints come and go; a state must last."""
        scene = await plain()
        for _ in range(2):
            scene.cluster.put(slices("checkout"))
            await scene.wait(50)
            scene.cluster.put(slices("checkout", "node-a"))
            await scene.wait(300)
        assert scene.told == []

    async def test_what_never_settles_is_told_once_as_flapping(self) -> None:
        """Six comings and goings within five settling times are news by themselves."""
        scene = await plain()
        for _ in range(8):
            scene.cluster.put(slices("checkout"))
            await scene.wait(30)
            scene.cluster.put(slices("checkout", "node-a"))
            await scene.wait(30)
        (notice,) = scene.notices
        assert "it came and went 6 times" in notice.text
        assert scene.phases == [Phase.OPEN]
        await scene.wait(1200)
        assert scene.phases == [Phase.CLOSED]
        assert len(scene.notices) == 1

    async def test_what_comes_back_soon_goes_on_in_the_same_message(self) -> None:
        """Nobody needs a second one."""
        scene = await plain()
        for _ in range(2):
            scene.cluster.put(slices("checkout"))
            await scene.wait(200)
            scene.cluster.put(slices("checkout", "node-a"))
            await scene.wait(200)
        (notice,) = scene.notices
        assert "it came back 1 time" in notice.text
        assert scene.row.times == 2

    async def test_siblings_that_disagree_are_one_incident(self) -> None:
        """Grouped by their load balancer, with the Services in a list."""
        scene = await Scene(clusters=[many(3)]).begun()
        scene.cluster.put(service(name="late", port=2000))
        scene.cluster.put(slices("late", "node-a"))
        await scene.wait(300)
        (told,) = scene.told
        assert told.startswith(
            "🔴 *4 Services on load balancer elb-1 · prod*: Services on one load balancer disagree"
        )
        assert "• shop/late: pass-through is off" in told
        assert "`ipvs-sibling-mismatch`" in told

    async def test_a_graver_turn_is_said_in_the_thread(self) -> None:
        """An edit notifies nobody: under an unknown proxy mode a mismatch is a warning, under IPVS an error."""
        cluster = many(3)
        cluster.facts = facts(
            mode=None, platform="cce", category="standard", delivery=None, version="v1.29.2"
        )
        scene = await Scene(clusters=[cluster]).begun()
        scene.cluster.put(service(name="late", port=2000))
        scene.cluster.put(slices("late", "node-a"))
        await scene.wait(200)
        assert [text[:1] for text in scene.told] == ["🟠"]
        cluster.facts = IPVS
        await scene.wait(200)
        notice, worse = scene.notices
        assert notice.text.startswith("🔴")
        assert worse.text.startswith("🔴 Worse than before: 4 Services on load balancer elb-1 · prod")
        assert (worse.thread, worse.broadcast) == (notice.place.ts, True)

    async def test_forty_services_on_one_load_balancer_are_one_incident(self) -> None:
        """A list that stays short."""
        scene = await Scene(clusters=[many(40)]).begun()
        for ref in list(scene.cluster.snapshot().inventory.services):
            scene.cluster.put(slices(ref.name))
        await scene.wait(300)
        (told,) = scene.told
        assert told.startswith("🔴 *40 Services on load balancer elb-1 · prod*: clients are cut off")
        assert "and 28 more" in told

    async def test_a_dedicated_load_balancer_that_locks_its_node_out_is_told(self) -> None:
        """As the finding that it is."""
        cluster = shop(given=IPVS)
        dedicated = service()
        dedicated["metadata"]["annotations"]["kubernetes.io/elb.class"] = "performance"
        cluster.put(dedicated)
        scene = await Scene(clusters=[cluster]).begun()
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(300)
        (told,) = scene.told
        assert "`same-node-lockout`" in told
        assert '(absent) → "true"' in told

    async def test_a_service_born_without_endpoints_is_no_news(self) -> None:
        """Nothing became wrong; it is listed."""
        scene = await plain()
        scene.cluster.put(service(name="new", elb="elb-2", ip="10.9.0.10"))
        await scene.wait(600)
        assert scene.told == []
        assert scene.phases == [Phase.STANDING]
        scene.cluster.put(slices("new", "node-a"))
        await scene.wait(600)
        scene.cluster.put(slices("new"))
        await scene.wait(600)
        assert len(scene.told) == 1

    async def test_a_service_made_again_has_no_past(self) -> None:
        """What was wrong with the one before is over."""
        scene = await plain()
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        again = service()
        again["metadata"]["uid"] = "another"
        scene.cluster.put(again)
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(300)
        assert scene.phases == [Phase.CLOSED]
        assert 290 <= scene.row.seconds <= 310

    async def test_a_service_made_again_unreachable_ends_what_was_told_of_the_one_before(self) -> None:
        """The new one never had an endpoint: it is listed. What becomes wrong with it later is a message of its own."""
        scene = await plain()
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        scene.cluster.remove(Service, CHECKOUT)
        again = service()
        again["metadata"]["uid"] = "another"
        scene.cluster.put(again)
        await scene.wait(600)
        (told,) = scene.told
        assert told.startswith("⚪ *Over*")
        assert told.endswith("The Service was deleted.")
        assert scene.phases == [Phase.CLOSED, Phase.STANDING]
        assert [row.members[0].uid for row in scene.rows] == ["uid-shop-checkout", "another"]
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(900)
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        assert [text[:1] for text in scene.told] == ["⚪", "🔴"]

    async def test_a_deleted_service_is_said_to_be_the_end(self) -> None:
        """Nobody mended it; but if the load balancer's other Services are still cut off, it goes on without it."""
        scene = await Scene(clusters=[many(2, value=None)]).begun()
        for name in ("checkout", "web-01"):
            scene.cluster.put(slices(name))
        await scene.wait(300)
        scene.cluster.remove(Service, CHECKOUT)
        await scene.wait(300)
        assert [member.name for member in scene.row.members] == ["shop/web-01"]
        scene.cluster.remove(Service, Ref("shop", "web-01"))
        await scene.wait(300)
        (told,) = scene.told
        assert told.endswith("The Service was deleted.")

    async def test_a_node_that_joins_may_cut_its_processes_off(self) -> None:
        """Under policy Local: nodes are looked at too, now and then."""
        cluster = shop(given=IPVS, policy="Local")
        cluster.put(slices("checkout", "node-a", "node-b", "node-c"))
        scene = await Scene(clusters=[cluster]).begun()
        cluster.put(machine("node-d", 4))
        await scene.wait(300)
        (told,) = scene.told
        assert "processes on node node-d" in told


class TestTelling:
    """What is told, when, and by whom."""

    async def test_the_first_look_is_a_digest(self) -> None:
        """What is so already is told together, once, and never again by itself."""
        cluster = many(40)
        for ref in list(cluster.snapshot().inventory.services):
            cluster.put(slices(ref.name))
        cluster.put(service(namespace="other", name="alone", elb="elb-2", ip="10.9.0.10"))
        scene = await Scene(clusters=[cluster]).begun()
        (told,) = scene.told
        assert told.startswith("*prod is watched now.* Already so: 2 incidents.")
        assert "clients are cut off, 2 times: other/alone, shop/checkout" in told
        assert "and 35 more" in told
        await scene.wait(600)
        await scene.restart()
        await scene.wait(600)
        assert scene.told == [told]
        assert {row.phase for row in scene.rows} == {Phase.STANDING}

    async def test_nothing_wrong_at_first_needs_no_digest(self) -> None:
        """Silence."""
        scene = await plain()
        assert scene.told == []

    async def test_what_joins_something_that_stands_is_news(self) -> None:
        """The incident is told then."""
        cluster = many(3)
        cluster.put(slices("checkout"))
        scene = await Scene(clusters=[cluster]).begun()
        cluster.put(slices("web-01"))
        await scene.wait(300)
        _, told = scene.told
        assert "2 Services on load balancer elb-1" in told

    async def test_a_restart_goes_on_with_the_same_message(self) -> None:
        """Open incidents are rows; their messages' places are kept."""
        scene = await plain()
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        await scene.restart()
        await scene.wait(600)
        assert len(scene.told) == 1
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(300)
        (told,) = scene.told
        assert told.startswith("⚪ *Over*")

    async def test_what_ended_while_nobody_looked_is_over_after_a_restart(self) -> None:
        """The same message says so."""
        scene = await plain()
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        scene.watches = []
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.restart()
        await scene.wait(300)
        (told,) = scene.told
        assert told.startswith("⚪ *Over*")

    async def test_what_began_while_nobody_looked_is_told_after_a_restart(self) -> None:
        """It is none of what stood at the first look."""
        scene = await plain()
        scene.watches = []
        scene.cluster.put(slices("checkout"))
        await scene.restart()
        await scene.wait(300)
        assert len(scene.told) == 1

    async def test_an_act_outlives_the_replica_that_saw_it(self) -> None:
        """It is stored at once, and told when it has lasted."""
        scene = await plain()
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(20)
        await scene.restart()
        await scene.wait(300)
        assert len(scene.told) == 1

    async def test_of_two_replicas_one_tells(self) -> None:
        """And the other takes over when it is gone."""
        scene = await plain()
        scene.watches.append(scene.watch())
        await scene.look()
        scene.cluster.put(slices("checkout"))
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(300)
        assert len(scene.told) == 1
        assert [w.clusters["prod"].held for w in scene.watches] == [True, False]
        del scene.watches[0]
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(300)
        assert scene.watches[0].clusters["prod"].held
        assert [text[:1] for text in scene.told] == ["⚪"]

    async def test_two_that_both_believe_to_tell_tell_once(self) -> None:
        """One row is live for each key, whoever opens it."""
        scene = await plain()
        scene.watches.append(scene.watch())
        await scene.look()
        for watch in scene.watches:
            watch.clusters["prod"].held = True
            watch.clusters["prod"]._renewed = scene.town.clock.now.replace(year=2999)
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        assert len(scene.notices) == 1
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(300)
        assert len(scene.notices) == 1
        assert len(scene.rows) == 1

    async def test_while_slack_is_down_nothing_piles_up(self) -> None:
        """What opened and closed meanwhile is never told."""
        scene = await plain()
        for _ in range(200):
            scene.town.messenger.fail("post", Unavailable("Slack does not answer"))
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(300)
        scene.town.messenger._errors.clear()
        await scene.wait(600)
        assert scene.told == []
        assert scene.phases == [Phase.CLOSED]

    async def test_a_channel_without_the_bot_is_tried_again(self) -> None:
        """What is still so is told when the bot is let in."""
        scene = await plain()
        scene.town.messenger.channels.clear()
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        scene.town.messenger.channels.add("C0INC")
        await scene.wait(400)
        assert len(scene.told) == 1

    async def test_what_a_channel_cannot_be_told_is_told_in_the_change_channel(self) -> None:
        """In one message, for as long as it is so; nothing of it is lost."""
        scene = await Scene(clusters=[many(2, value=None)], changed={"change_channel": "C0OPS"}).begun()
        messenger = scene.town.messenger
        messenger.channels.discard("C0INC")
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        (told,) = messenger.posts
        assert told.place.channel == "C0OPS"
        assert told.text.startswith("🟠 *I cannot post incidents to <#C0INC>*")
        assert "🔴 shop/checkout · prod: clients outside the cluster" in told.text
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(300)
        (told,) = messenger.posts
        assert "disagree about pass-through" in told.text
        messenger.channels.add("C0INC")
        await scene.wait(600)
        assert len(scene.told) == 2
        (told,) = [post for post in messenger.posts if post.place.channel == "C0OPS"]
        assert told.text.startswith("⚪ No incident is left that I could not post to <#C0INC>")

    async def test_what_was_over_before_its_channel_was_back_is_told_nowhere_any_more(self) -> None:
        """The change channel's message says so."""
        scene = await Scene(clusters=[shop(given=IPVS)], changed={"change_channel": "C0OPS"}).begun()
        scene.town.messenger.channels.discard("C0INC")
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(300)
        (told,) = scene.town.messenger.posts
        assert told.text.startswith("⚪ No incident is left that I could not post to <#C0INC>")
        assert scene.told == []

    async def test_a_message_in_an_archived_channel_is_taken_back_once_that_is_open_again(self) -> None:
        """An edit that is refused meanwhile is made up for, for a day."""
        scene = await plain()
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        (kept,), messenger = scene.town.messenger.posts, scene.town.messenger
        messenger.channels.clear()
        messenger.posts.clear()
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(300)
        assert scene.phases == [Phase.CLOSED]
        messenger.channels.add("C0INC")
        messenger.posts.append(kept)
        await scene.wait(400)
        (told,) = scene.told
        assert told.startswith("⚪ *Over*")

    async def test_a_deleted_message_is_posted_again_while_it_is_so(self) -> None:
        """The row is the truth; once it is over, nobody needs it."""
        scene = await plain()
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        scene.town.messenger.delete(scene.notices[0])
        await scene.town.click("U0BOB", "incident:acknowledge", scene.row.id)
        (notice,) = scene.notices
        scene.town.messenger.delete(notice)
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(300)
        assert scene.told == []
        assert scene.phases == [Phase.CLOSED]

    async def test_a_digest_waits_for_its_channel(self) -> None:
        """And says what is still so when it is let in."""
        cluster = shop(given=IPVS)
        cluster.put(slices("checkout"))
        scene = Scene(clusters=[cluster])
        scene.town.messenger.channels.clear()
        await scene.begun()
        scene.town.messenger.channels.add("C0INC")
        await scene.wait(400)
        (told,) = scene.told
        assert told.startswith("*prod is watched now.*")

    async def test_a_lost_answer_makes_no_second_message(self) -> None:
        """The next attempt looks first."""
        scene = await plain()
        scene.town.messenger.lose_reply("post")
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        assert len(scene.told) == 1

    async def test_a_database_that_is_away_loses_nothing(self) -> None:
        """What was seen is told when it is back."""
        scene = await plain()
        scene.town.store.down = True
        scene.cluster.annotate(CHECKOUT, "true")
        for watch in scene.watches:
            with pytest.raises(Unavailable):
                await watch.clusters["prod"].once()
            scene.town.clock.now = scene.town.clock.now.replace(minute=20)
            with pytest.raises(Unavailable):
                await watch.clusters["prod"].once()
        scene.town.store.down = False
        await scene.wait(300)
        assert len(scene.told) == 1

    async def test_a_cluster_that_is_configured_no_more_is_left_alone(self) -> None:
        """Its rows stay, its jobs end, and no list shows them."""
        one, other = shop("one", given=IPVS), shop("other", given=IPVS)
        scene = await Scene(clusters=[one, other]).begun()
        other.put(slices("checkout"))
        await scene.wait(300)
        scene.town.clusters = [one]
        scene.town.world = scene.town.replica()
        scene.watches = [scene.watch()]
        await scene.town.store.jobs.submit(notice_job(scene.row.id))
        await scene.wait(300)
        assert scene.town.store.jobs.waiting("incident") == []
        assert await open_incidents(scene.town.world) == []

    async def test_a_cluster_without_a_channel_is_told_to_nobody(self) -> None:
        """But listed."""
        scene = await plain()
        settings = scene.town.world.settings
        alone = replace(settings.clusters["prod"], incident_channel=None)
        scene.town.changed = {**scene.town.changed, "clusters": {"prod": alone}}
        scene.town.world = scene.town.replica()
        scene.watches = [scene.watch()]
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        assert scene.told == []
        assert scene.phases == [Phase.OPEN]


class TestConfiguration:
    """What a team asked for."""

    async def test_a_rule_that_is_off_is_not_told(self) -> None:
        """By its own code or by that of the finding behind it."""
        for code in ("clients-cut-off", "no-ready-endpoint"):
            settings = IncidentSettings(rules={code: None})
            scene = await Scene(clusters=[shop(given=IPVS)], incidents=settings).begun()
            scene.cluster.put(slices("checkout"))
            await scene.wait(300)
            assert scene.rows == []

    async def test_a_severity_is_what_the_team_says(self) -> None:
        """A warning here, an error there."""
        settings = IncidentSettings(rules={"clients-cut-off": Severity.WARNING})
        scene = await Scene(clusters=[shop(given=IPVS)], incidents=settings).begun()
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        (told,) = scene.told
        assert told.startswith("🟠")

    async def test_more_than_a_few_a_minute_are_told_together(self) -> None:
        """Never more messages than allowed; what is folded ends in the same message."""
        cluster = shop(given=IPVS)
        for number in range(10):
            cluster.put(service(name=f"web-{number}", elb=f"elb-{number + 2}", ip=f"10.9.1.{number}"))
            cluster.put(slices(f"web-{number}", "node-a"))
        scene = await Scene(clusters=[cluster], incidents=IncidentSettings(per_minute=3)).begun()
        for number in range(10):
            cluster.put(slices(f"web-{number}"))
        await scene.wait(300)
        assert len(scene.told) == 3
        folded = next(text for text in scene.told if "at once" in text)
        assert folded.startswith("*8 incidents at once*")
        for number in range(10):
            cluster.put(slices(f"web-{number}", "node-a"))
        await scene.wait(300)
        assert len(scene.told) == 3
        assert "8 of them over" in next(text for text in scene.told if "at once" in text)

    async def test_a_folded_incident_is_acted_on_by_its_menu(self) -> None:
        """As by the buttons of a message of its own; what was done is said there."""
        cluster = shop(given=IPVS)
        cluster.put(service(name="web", elb="elb-2", ip="10.9.1.1"))
        cluster.put(slices("web", "node-a"))
        scene = await Scene(clusters=[cluster], incidents=IncidentSettings(per_minute=1)).begun()
        cluster.put(slices("web"))
        cluster.annotate(CHECKOUT, "true")
        await scene.wait(300)
        (notice,) = scene.notices
        menus = [block["accessory"]["options"] for block in notice.message.blocks if "accessory" in block]
        labels = [[option["text"]["text"] for option in menu] for menu in menus]
        assert labels == [
            ["Acknowledge", "Snooze: 1 hour", "Snooze: 8 hours", "Snooze: until it changes"],
            [
                "Propose the fix",
                "Acknowledge",
                "Snooze: 1 hour",
                "Snooze: 8 hours",
                "Snooze: until it changes",
            ],
        ]
        assert limits.of_blocks(list(notice.message.blocks)) == []
        acknowledge, fix = menus[0][0]["value"], menus[1][0]["value"]
        said = await scene.town.click("U0BOB", "incident:snooze", acknowledge)
        assert said == "Acknowledged. I say when it is over."
        assert "acknowledged by <@U0BOB>" in scene.told[0]
        assert "CHG-1 is proposed" in await scene.town.click("U0ALICE", "incident:snooze", fix)
        assert "Snoozed: 1 hour." in await scene.town.click("U0BOB", "incident:snooze", menus[0][1]["value"])
        cluster.put(slices("web", "node-a"))
        await scene.wait(300)
        (notice,) = scene.notices
        assert len([block for block in notice.message.blocks if "accessory" in block]) == 1

    async def test_folded_incidents_wait_for_their_channel_too(self) -> None:
        """A single one looks as if it were alone; what was over by then is not told."""
        scene = await Scene(clusters=[shop(given=IPVS)], incidents=IncidentSettings(per_minute=1)).begun()
        scene.town.messenger.channels.clear()
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        scene.town.messenger.channels.add("C0INC")
        await scene.wait(400)
        (notice,) = scene.notices
        assert notice.text.startswith("🔴 *shop/checkout · prod*")
        scene.town.messenger.delete(notice)
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(900)
        assert scene.told == []


OTHER = "C0PAY"


class TestRoutes:
    """Who is told of what."""

    async def scene(self, *routes: Route, least: Severity = Severity.INFO) -> Scene:
        """Two namespaces, each with a Service."""
        cluster = shop(given=IPVS)
        cluster.put(service("payments", "api", elb="elb-2", ip="10.9.1.1"))
        cluster.put(slices("api", "node-a", namespace="payments"))
        scene = Scene(clusters=[cluster], incidents=IncidentSettings(routes=routes, least=least))
        scene.town.messenger.channels.add(OTHER)
        return await scene.begun()

    def told_to(self, scene: Scene, channel: str) -> list[str]:
        """What a channel has."""
        return [p.text for p in scene.town.messenger.posts if p.place.channel == channel and not p.thread]

    async def both(self, scene: Scene) -> None:
        """Cut everybody off from both Services."""
        scene.cluster.put(slices("checkout"))
        scene.cluster.put(slices("api", namespace="payments"))
        await scene.wait(300)

    async def test_a_namespace_may_have_its_own_channel(self) -> None:
        """By pattern; the first route that matches decides."""
        scene = await self.scene(
            Route(namespace="pay*", channel=OTHER), Route(namespace="payments", channel="C0NEVER")
        )
        await self.both(scene)
        assert ["payments/api" in text for text in self.told_to(scene, OTHER)] == [True]
        assert ["shop/checkout" in text for text in self.told_to(scene, INCIDENTS)] == [True]

    async def test_a_clusters_own_incident_is_no_namespaces(self) -> None:
        """It goes where the cluster's go."""
        scene = await self.scene(Route(namespace="payments", channel=OTHER))
        scene.cluster.fresh = Freshness(synced=True, age=400.0)
        await scene.wait(300)
        assert self.told_to(scene, OTHER) == []
        assert len(self.told_to(scene, INCIDENTS)) == 1

    async def test_what_several_namespaces_share_goes_where_all_of_them_go(self) -> None:
        """One message; a route of one of them does not take it from the other."""
        cluster = shop(given=IPVS)
        cluster.put(service("payments", "api", port=8000))
        cluster.put(slices("api", "node-a", namespace="payments"))
        routes = (Route(namespace="payments", channel=OTHER),)
        scene = Scene(clusters=[cluster], incidents=IncidentSettings(routes=routes))
        scene.town.messenger.channels.add(OTHER)
        await scene.begun()
        await self.both(scene)
        assert self.told_to(scene, OTHER) == []
        assert "2 Services on load balancer elb-1" in self.told_to(scene, INCIDENTS)[0]

    async def test_what_is_not_grave_enough_is_listed_only(self) -> None:
        """For all, or for a route; the list has it either way."""
        scene = await self.scene(Route(namespace="shop", least=Severity.WARNING), least=Severity.ERROR)
        scene.cluster.annotate(CHECKOUT, "true")
        scene.cluster.annotate(Ref("payments", "api"), "true")
        await scene.wait(300)
        assert ["shop/checkout" in text for text in scene.told] == [True]
        assert len(await open_incidents(scene.town.world)) == 2

    async def test_what_becomes_graver_is_told_then(self) -> None:
        """From listed to told."""
        cluster = many(3)
        cluster.facts = facts(
            mode=None, platform="cce", category="standard", delivery=None, version="v1.29.2"
        )
        scene = await Scene(clusters=[cluster], incidents=IncidentSettings(least=Severity.ERROR)).begun()
        cluster.put(service(name="late", port=2000))
        cluster.put(slices("late", "node-a"))
        await scene.wait(200)
        assert scene.told == []
        cluster.facts = IPVS
        await scene.wait(200)
        assert scene.told[0].startswith("🔴")

    async def test_each_channel_gets_its_own_digest(self) -> None:
        """Of what was so at the first look."""
        cluster = shop(given=IPVS)
        cluster.put(slices("checkout"))
        cluster.put(service("payments", "api", elb="elb-2", ip="10.9.1.1"))
        routes = (Route(namespace="payments", channel=OTHER),)
        scene = Scene(clusters=[cluster], incidents=IncidentSettings(routes=routes))
        await scene.begun()
        assert "shop/checkout" in self.told_to(scene, INCIDENTS)[0]
        assert "payments/api" not in self.told_to(scene, INCIDENTS)[0]
        scene.town.messenger.channels.add(OTHER)
        await scene.wait(400)
        assert ["payments/api" in text for text in self.told_to(scene, OTHER)] == [True]
        assert len(self.told_to(scene, INCIDENTS)) == 1


class TestWeekly:
    """What merely stays as it is."""

    async def standing(self, weekly: Weekly | None) -> Scene:
        """Cut off before anybody looked."""
        cluster = shop(given=IPVS)
        cluster.put(slices("checkout"))
        return await Scene(clusters=[cluster], incidents=IncidentSettings(weekly=weekly)).begun()

    async def test_it_is_told_once_a_week_while_it_stays(self) -> None:
        """Not in the first hours, and by one of several replicas, restarts or not."""
        scene = await self.standing(Weekly(day="tue", minute=9 * 60))
        assert len(scene.told) == 1
        await scene.wait(20 * 3600, step=600)
        assert len(scene.told) == 2
        assert scene.told[1].startswith("*prod, as every week*: 1 incident still not over, nothing new.")
        assert "shop/checkout" in scene.told[1]
        scene.watches.append(scene.watch())
        await scene.restart()
        await scene.wait(5 * 86400, step=3600)
        assert len(scene.told) == 2
        await scene.wait(2 * 86400, step=3600)
        assert len(scene.told) == 3

    @pytest.mark.parametrize(("hours", "told"), [(2, 2), (11, 2), (13, 1)])
    async def test_a_bot_that_was_away_then_makes_up_for_it(self, hours: int, told: int) -> None:
        """On the same day; what was due last night is nobody's Tuesday."""
        scene = await self.standing(Weekly(day="mon", minute=9 * 60))
        scene.town.clock.now = datetime(2026, 3, 9, 9, tzinfo=UTC) + timedelta(hours=hours)
        await scene.restart()
        await scene.wait(600)
        assert len(scene.told) == told
        await scene.wait(7 * 86400, step=3600)
        assert len(scene.told) == told + 1

    async def test_a_week_in_which_the_clocks_change_is_a_week(self) -> None:
        """Nine in the morning is where people are, before and after."""
        scene = await self.standing(Weekly(day="mon", minute=9 * 60, zone="Europe/Berlin"))
        winter, summer = datetime(2026, 3, 23, 8, tzinfo=UTC), datetime(2026, 3, 30, 7, tzinfo=UTC)
        for told, nine in enumerate((winter, summer), 1):
            scene.town.clock.now = nine - timedelta(minutes=5)
            await scene.wait(240, step=60)
            assert len(scene.told) == told
            await scene.wait(120, step=60)
            assert len(scene.told) == told + 1

    async def test_nothing_that_stays_is_nothing_to_tell(self) -> None:
        """Silence; and nothing at all where nobody wants it."""
        scene = await plain()
        await scene.wait(8 * 86400, step=3600)
        assert scene.told == []
        scene = await self.standing(None)
        await scene.wait(8 * 86400, step=3600)
        assert len(scene.told) == 1

    async def test_what_is_new_is_no_part_of_it(self) -> None:
        """It was told by itself, today."""
        scene = await Scene(
            clusters=[shop(given=IPVS)], incidents=IncidentSettings(weekly=Weekly(day="mon", minute=15 * 60))
        ).begun()
        scene.cluster.put(slices("checkout"))
        await scene.wait(2 * 3600, step=60)
        assert len(scene.told) == 1
        await scene.wait(7 * 86400, step=3600)
        assert len(scene.told) == 2


class TestTrust:
    """What is concluded from a cache that may be old."""

    async def test_a_cluster_that_is_not_seen_is_told_once(self) -> None:
        """And that it is seen again."""
        scene = await plain()
        scene.cluster.fresh = Freshness(synced=True, age=400.0, problem="prod does not answer: timeout")
        await scene.wait(300)
        (told,) = scene.told
        assert told.startswith("🔴 *prod*: the bot does not see the cluster")
        assert "prod does not answer: timeout" in told
        scene.cluster.fresh = Freshness(synced=True, age=0.0)
        await scene.wait(300)
        (told,) = scene.told
        assert told.startswith("⚪ *Over*")

    async def test_an_old_cache_ends_nothing_and_begins_nothing(self) -> None:
        """What was so is taken to be so until something better is known."""
        scene = await plain()
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        scene.cluster.fresh = Freshness(synced=True, age=400.0)
        scene.cluster.remove(EndpointSlice, Ref("shop", "checkout-1"))
        scene.cluster.put(service(name="web", elb="elb-2", ip="10.9.0.10"))
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(600)
        rules = sorted((row.rule, row.phase) for row in scene.rows)
        assert rules == [("clients-cut-off", Phase.OPEN), ("watch-stale", Phase.OPEN)]

    async def test_a_cluster_never_reached_is_told_too(self) -> None:
        """Before anything else is known of it."""
        cluster = shop(given=IPVS)
        cluster.fresh = Freshness(synced=False, age=None, problem="prod has not answered yet")
        scene = await Scene(clusters=[cluster]).begun()
        (told,) = scene.told
        assert "the bot does not see the cluster" in told

    async def test_without_the_right_to_list_nodes_it_watches_the_rest(self) -> None:
        """What it never could see is no reason to say that it sees nothing."""
        cluster = Hidden("prod", facts=IPVS)
        cluster.put(service())
        cluster.put(slices("checkout", "node-a"))
        cluster.hidden = {Node, Pod}
        cluster.fresh = Freshness(synced=True, age=0.0, problem="nodes may not be listed (forbidden)")
        scene = await Scene(clusters=[cluster]).begun()
        assert scene.told == []
        cluster.put(slices("checkout"))
        await scene.wait(300)
        (told,) = scene.told
        assert "`no-ready-endpoint`" in told

    async def test_a_right_that_is_lost_is_told(self) -> None:
        """From then on it would conclude from less."""
        cluster = Hidden("prod", facts=IPVS)
        cluster.put(service(policy="Local"))
        cluster.put(slices("checkout", "node-a"))
        cluster.put(machine("node-a", 1))
        scene = await Scene(clusters=[cluster]).begun()
        cluster.hidden = {Node}
        await scene.wait(300)
        (told,) = scene.told
        assert "What could be listed no longer can: Node." in told

    async def test_a_cache_that_was_emptied_and_filled_again_makes_nothing_new(self) -> None:
        """A right to list Services that went and came: what was told goes on, and what was written meanwhile is told."""
        cluster = many(2, value=None)
        scene = await Scene(clusters=[cluster]).begun()
        scene.cluster.put(slices("web-01"))
        await scene.wait(300)
        for ref in (CHECKOUT, Ref("shop", "web-01")):
            cluster.remove(Service, ref)
        cluster.put(service(value="true"))
        cluster.put(service(name="web-01", port=1001))
        await scene.wait(300)
        assert [(row.rule, row.phase) for row in scene.rows if row.live] == [
            ("clients-cut-off", Phase.OPEN),
            ("ipvs-sibling-mismatch", Phase.OPEN),
            ("pass-through-changed", Phase.OPEN),
        ]
        (mismatch,) = [text for text in scene.told if "while nobody watched" in text]
        assert "disagree about pass-through" in mismatch

    async def test_an_error_of_ours_about_one_service_costs_no_other(self) -> None:
        """It is logged, and the rest is looked at."""
        scene = await plain()
        watch = scene.watches[0]
        looked: list[str] = []

        async def fails() -> None:
            looked.append("failed")
            raise RuntimeError("an error of ours")

        async def works() -> None:
            looked.append("worked")
            done.set()

        done = asyncio.Event()
        one, other = watch.clusters["prod"], ClusterWatch(scene.town.world, "prod", "x")
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(watch._keep(one, fails, one.tick)),
                group.create_task(watch._keep(other, works, other.tick)),
            ]
            await done.wait()
            for task in tasks:
                task.cancel()
        assert set(looked) == {"failed", "worked"}

    async def test_a_watch_that_stops_gives_its_cluster_back(self) -> None:
        """So that another replica tells at once, and hears no more itself."""
        scene = await plain()
        second = scene.watch()
        running = asyncio.create_task(second.run())
        await asyncio.sleep(0)
        watched = scene.watches[0].clusters["prod"]
        assert watched.held
        await watched.stop()
        await second.clusters["prod"].once()
        assert second.clusters["prod"].held
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert scene.cluster._subscribers == []

    async def test_one_cluster_that_fails_disturbs_no_other(self) -> None:
        """Each has its own look."""
        down, fine = shop("down", given=IPVS), shop("fine", given=IPVS)
        down.fresh = Freshness(synced=False, age=None)
        scene = await Scene(clusters=[down, fine]).begun()
        fine.put(slices("checkout"))
        await scene.wait(300)
        assert sum("· fine" in text for text in scene.told) == 1


class Balancers:
    """A cloud whose one load balancer a test may take away."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.unhealthy: tuple[str, ...] = ()

    async def load_balancer(self, elb_id: str) -> LoadBalancerFacts:
        """Describe it."""
        if self.error:
            raise self.error
        return LoadBalancerFacts(
            id=elb_id,
            name="shop-elb",
            kind="union",
            private_ips=("10.9.0.9",),
            public_ips=(),
            listeners=(),
            unhealthy=self.unhealthy,
            members=2,
        )


class TestCloud:
    """What only the cloud can tell."""

    async def scene(self) -> tuple[Scene, Balancers]:
        """A cluster whose cloud is asked."""
        cloud = Balancers()
        scene = await Scene(clusters=[shop(given=IPVS)], clouds={"prod": cloud}).begun()
        await scene.watches[0].clusters["prod"].ask_cloud()
        return scene, cloud

    async def ask(self, scene: Scene) -> None:
        """Ask, and let time pass."""
        await scene.watches[0].clusters["prod"].ask_cloud()
        await scene.wait(200)

    async def test_a_load_balancer_that_is_gone_is_told(self) -> None:
        """And an answer that is none changes nothing."""
        scene, cloud = await self.scene()
        cloud.error = NotFound("no such load balancer")
        await self.ask(scene)
        (told,) = scene.told
        assert "`load-balancer-gone`" in told
        cloud.error = Unavailable("the cloud does not answer")
        await self.ask(scene)
        assert scene.phases == [Phase.OPEN]
        cloud.error = None
        await self.ask(scene)
        assert scene.phases == [Phase.CLOSED]

    async def test_unhealthy_members_are_told_when_all_of_them_are(self) -> None:
        """One of two is what load balancers are for."""
        scene, cloud = await self.scene()
        cloud.unhealthy = ("192.168.0.1:30443",)
        await self.ask(scene)
        assert scene.told == []
        cloud.unhealthy = ("192.168.0.1:30443", "192.168.0.2:30443")
        await self.ask(scene)
        (told,) = scene.told
        assert "all 2 members of shop-elb fail" in told

    async def test_a_replica_that_has_not_asked_yet_ends_nothing(self) -> None:
        """After a restart the cloud is asked first."""
        scene, cloud = await self.scene()
        cloud.error = NotFound("no such load balancer")
        await self.ask(scene)
        await scene.restart()
        await scene.wait(600)
        assert scene.phases == [Phase.OPEN]


class TestUnwatched:
    """What was changed while no replica ran: the last known state is in the store."""

    async def absent(self, scene: Scene, value: str | None, *, minutes: float = 30) -> None:
        """Change the annotation while nobody watches, and start anew."""
        for watch in scene.watches:
            await watch.clusters["prod"].stop()
        scene.watches = []
        scene.cluster.annotate(CHECKOUT, value, by="kubectl-edit")
        scene.town.clock.now += timedelta(minutes=minutes)
        await scene.restart()
        await scene.wait(300)

    async def test_a_change_that_nobody_saw_is_told_at_the_start(self) -> None:
        """With who, and between when and when; put back, it is over."""
        scene = await plain()
        await self.absent(scene, "true")
        (told,) = scene.told
        assert '(absent) → "true" by kubectl-edit between 14:02 and 14:32 UTC, while nobody watched.' in told
        assert "direct → through the ELB" in told
        scene.cluster.annotate(CHECKOUT, None)
        await scene.wait(300)
        assert scene.phases == [Phase.CLOSED]
        assert len(scene.told) == 1

    async def test_it_is_told_once_however_often_the_bot_is_started(self) -> None:
        """What was told is noted."""
        scene = await plain()
        await self.absent(scene, "true")
        for _ in range(3):
            await scene.restart()
            await scene.wait(300)
        assert len(scene.told) == 1
        await scene.town.click("U0BOB", "incident:acknowledge", scene.row.id)
        await scene.restart()
        await scene.wait(300)
        assert scene.phases == [Phase.CLOSED]

    async def test_a_removal_that_nobody_saw_names_nobody(self) -> None:
        """Kubernetes does not record who removes a key; after a day the day is named."""
        scene = await Scene(clusters=[shop(given=IPVS, value="true")]).begun()
        await self.absent(scene, None, minutes=26 * 60)
        (told,) = scene.told
        assert '"true" → (absent) between' in told
        assert "Kubernetes does not record who removes a key" in told
        assert "between 02 Mar 14:02 and 03 Mar 16:02 UTC" in told

    async def test_a_service_made_again_meanwhile_is_another_one(self) -> None:
        """Whoever made it gave it its annotation."""
        scene = await plain()
        await scene.watches[0].clusters["prod"].stop()
        scene.watches = []
        scene.cluster.remove(Service, CHECKOUT)
        again = service(value="true")
        again["metadata"]["uid"] = "another"
        scene.cluster.put(again)
        await scene.restart()
        await scene.wait(300)
        assert scene.rows == []

    async def test_a_change_of_ours_that_was_applied_meanwhile_is_no_act(self) -> None:
        """By a worker that runs where nobody watches."""
        scene = await plain()
        await scene.watches[0].clusters["prod"].stop()
        scene.watches = []
        await scene.town.done()
        await scene.restart()
        await scene.wait(300)
        assert scene.rows == []

    async def test_a_change_of_ours_that_was_undone_meanwhile_is_a_reverted_one(self) -> None:
        """Long after its own watch."""
        scene = await plain()
        change = await scene.town.done()
        assert change.plan is not None
        await scene.wait(change.plan.watch + 60, step=60)
        await self.absent(scene, None)
        (told,) = [text for text in scene.told if "`change-reverted`" in text]
        assert "That undoes CHG-1" in told

    async def test_a_replica_that_takes_over_tells_what_the_one_before_did_not(self) -> None:
        """Killed between hearing of it and storing it."""
        scene = await plain()
        second = scene.watch()
        await second.clusters["prod"].once()
        first = scene.watches[0].clusters["prod"]
        scene.cluster.annotate(CHECKOUT, "true")
        await first.lookout.look(scene.town.clock.now)
        scene.watches = [second]
        await scene.wait(400)
        assert len(scene.told) == 1
        assert len(scene.rows) == 1

    async def test_the_very_first_look_takes_everything_as_it_is(self) -> None:
        """Nobody knows what was before."""
        scene = await Scene(clusters=[shop(given=IPVS, value="true")]).begun()
        await scene.wait(300)
        assert scene.rows == []
