import asyncio
from dataclasses import replace

import pytest

from bot.config.settings import IncidentSettings
from bot.domain.explanation import Severity
from bot.domain.incident import Phase
from bot.domain.objects import EndpointSlice, Node, Pod, Ref, Service
from bot.domain.snapshot import Snapshot
from bot.operations.incident import open_incidents
from bot.operations.incident_jobs import notice_job
from bot.ports import Freshness, LoadBalancerFacts, NotFound, Unavailable
from bot.watch.watch import ClusterWatch
from tests.domain.situation import facts
from tests.fakes.world import CHECKOUT, IPVS, Cluster, machine, service, shop, slices
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


class TestTrust:
    """What is concluded from a cache that may be old."""

    async def test_a_cluster_that_is_not_seen_is_told_once(self) -> None:
        """And that it is seen again."""
        scene = await plain()
        scene.cluster.fresh = Freshness(synced=True, age=400.0, problem="prod does not answer: timeout")
        await scene.wait(300)
        (told,) = scene.told
        assert told.startswith("🔴 *the cluster · prod*: the bot does not see the cluster")
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
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
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
