from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.config.settings import IncidentSettings, Quiet
from bot.demo.slack import limits
from bot.domain.explanation import Severity
from bot.domain.freeze import Window
from bot.domain.incident import Incident, Phase
from bot.domain.policy import Policy
from bot.operations.incident import about, open_incidents
from bot.ports import Freshness, Job
from tests.fakes.store import MemoryIncidents
from tests.fakes.world import (
    ALICE,
    BOB,
    CHECKOUT,
    INCIDENTS,
    IPVS,
    LEAD,
    MALLORY,
    PLATFORM,
    SRE,
    service,
    shop,
    slices,
)
from tests.watch.scene import Scene

ACKNOWLEDGE, SNOOZE, PROPOSE = "incident:acknowledge", "incident:snooze", "incident:propose"


async def cut_off(**given: object) -> Scene:
    """Nobody reaches the Service, and that is told."""
    scene = await Scene(clusters=[shop(given=IPVS)], **given).begun()  # type: ignore[arg-type]  # a scene's own
    scene.cluster.put(slices("checkout"))
    await scene.wait(200)
    return scene


async def changed() -> Scene:
    """Pass-through was set behind the bot's back, and that is told."""
    scene = await Scene(clusters=[shop(given=IPVS)]).begun()
    scene.cluster.annotate(CHECKOUT, "true")
    await scene.wait(200)
    return scene


class TestAcknowledge:
    """Somebody has it in hand."""

    async def test_an_acknowledged_incident_says_by_whom(self) -> None:
        """And stays until it is over."""
        scene = await cut_off()
        said = await scene.town.click(BOB, ACKNOWLEDGE, scene.row.id)
        assert said == "Acknowledged. I say when it is over."
        (told,) = scene.told
        assert f"acknowledged by <@{BOB}>" in told
        assert "[Acknowledge]" not in told
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(200)
        (told,) = scene.told
        assert told.startswith("⚪ *Over*")

    async def test_a_change_that_was_meant_is_over(self) -> None:
        """Nothing will ever put it back, so the incident ends."""
        scene = await changed()
        said = await scene.town.click(BOB, ACKNOWLEDGE, scene.row.id)
        assert said == "Acknowledged: it was meant, and stays."
        (told,) = scene.told
        assert "It was meant, and stays." in told
        await scene.wait(600)
        assert scene.phases == [Phase.CLOSED]

    async def test_the_second_person_learns_who_was_first(self) -> None:
        """Every click gets an answer; the same person's second click gets the same."""
        scene = await cut_off()
        first = await scene.town.click(BOB, ACKNOWLEDGE, scene.row.id)
        assert await scene.town.click(BOB, ACKNOWLEDGE, scene.row.id) == first
        assert f"<@{BOB}> acknowledged it" in await scene.town.click(ALICE, ACKNOWLEDGE, scene.row.id)

    async def test_what_is_over_needs_nobody(self) -> None:
        """An old button says so."""
        scene = await cut_off()
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(200)
        assert "It is over already" in await scene.town.click(BOB, ACKNOWLEDGE, scene.row.id)
        assert "older than what I remember" in await scene.town.click(BOB, ACKNOWLEDGE, "0" * 32)


class Racing(MemoryIncidents):
    """A store in which somebody else saves first, so often."""

    rivals = 0

    async def save(self, before: Incident, after: Incident, *, jobs: Sequence[Job] = ()) -> Incident:
        """Let a rival save the row in between."""
        if self.rivals:
            self.rivals -= 1
            await super().save(before, replace(before, flips=before.flips + 1))
        return await super().save(before, after, jobs=jobs)


class TestRaces:
    """The watch may save the row that somebody clicks on."""

    async def race(self, rivals: int) -> tuple[Scene, str]:
        """Acknowledge while others save."""
        scene = Scene(clusters=[shop(given=IPVS)])
        store = scene.town.store
        store.incidents = Racing(store.jobs, store.now)
        await scene.begun()
        scene.cluster.put(slices("checkout"))
        await scene.wait(200)
        store.incidents.rivals = rivals
        return scene, await scene.town.click(BOB, ACKNOWLEDGE, scene.row.id)

    async def test_a_click_is_done_on_the_row_as_it_is_then(self) -> None:
        """Nothing of either is lost."""
        scene, said = await self.race(3)
        assert said == "Acknowledged. I say when it is over."
        assert (scene.row.acknowledged_by, scene.row.flips) == (BOB, 3)

    async def test_a_row_that_never_rests_is_said_to_be_so(self) -> None:
        """Instead of trying for ever."""
        scene, said = await self.race(99)
        assert said == "The incident keeps changing; try again in a moment."
        assert scene.row.acknowledged_by == ""


class TestRights:
    """Silence takes other people's notices away."""

    async def test_who_may_only_look_may_not_silence(self) -> None:
        """The refusal names who may."""
        scene = await cut_off()
        for action in (ACKNOWLEDGE, f"{SNOOZE}"):
            said = await scene.town.click(MALLORY, action, f"{scene.row.id}:1h")
            assert said.startswith(
                f"You may not silence incidents of shop. <!subteam^{PLATFORM}> or <!subteam^{SRE}> may. "
            )
        assert scene.row.acknowledged_by == ""
        assert scene.row.snooze is None

    async def test_every_namespace_of_an_incident_must_agree(self) -> None:
        """One load balancer may serve several."""
        policies = (
            Policy(namespace="shop", propose=(PLATFORM,), approve=(SRE,)),
            Policy(namespace="web", propose=(MALLORY,)),
        )
        cluster = shop(given=IPVS)
        cluster.put(service("web", "front", port=8000))
        cluster.put(slices("front", "node-a", namespace="web"))
        scene = Scene(clusters=[cluster])
        scene.town.policies = policies
        scene.town.world = scene.town.replica()
        scene.watches = [scene.watch()]
        await scene.begun()
        cluster.put(slices("front", namespace="web"))
        cluster.put(slices("checkout"))
        await scene.wait(200)
        assert "You may not silence incidents of shop" in await scene.town.click(
            MALLORY, ACKNOWLEDGE, scene.row.id
        )
        assert "You may not silence incidents of web" in await scene.town.click(
            BOB, ACKNOWLEDGE, scene.row.id
        )

    async def test_an_incident_of_the_cluster_is_the_operators(self) -> None:
        """It is about no namespace."""
        scene = await Scene().begun()
        scene.cluster.fresh = Freshness(synced=True, age=400.0)
        await scene.wait(200)
        said = await scene.town.click(BOB, ACKNOWLEDGE, scene.row.id)
        assert said.endswith(f"only operators may acknowledge and snooze it. <@{LEAD}> may.")
        assert (
            await scene.town.click(LEAD, ACKNOWLEDGE, scene.row.id) == "Acknowledged. I say when it is over."
        )


class TestSnooze:
    """Silence for a while."""

    async def test_after_an_hour_it_says_that_it_is_still_so(self) -> None:
        """Once, in the thread, so that the channel sees it."""
        scene = await cut_off()
        assert await scene.town.click(BOB, SNOOZE, f"{scene.row.id}:1h") == "Snoozed: 1 hour."
        (told,) = scene.told
        assert f"snoozed by <@{BOB}> until" in told
        await scene.wait(3500, step=100)
        assert len(scene.told) == 1
        await scene.wait(7200, step=100)
        _, still = scene.notices
        assert still.text.startswith("🔴 Still so: shop/checkout")
        assert still.broadcast

    async def test_what_is_over_by_then_is_not_mentioned(self) -> None:
        """Nobody needs that."""
        scene = await cut_off()
        await scene.town.click(BOB, SNOOZE, f"{scene.row.id}:8h")
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(9 * 3600, step=600)
        assert len(scene.told) == 1

    async def test_a_second_snooze_takes_the_firsts_place(self) -> None:
        """The end of the first one is no end."""
        scene = await cut_off()
        await scene.town.click(BOB, SNOOZE, f"{scene.row.id}:1h")
        await scene.wait(60)
        await scene.town.click(BOB, SNOOZE, f"{scene.row.id}:8h")
        await scene.wait(7200, step=100)
        assert len(scene.told) == 1

    async def test_silence_outlasts_a_coming_and_going(self) -> None:
        """What is told anew within it is told after it."""
        scene = await cut_off()
        await scene.town.click(BOB, SNOOZE, f"{scene.row.id}:1h")
        scene.cluster.put(slices("checkout", "node-a"))
        await scene.wait(1500, step=60)
        scene.cluster.put(slices("checkout"))
        await scene.wait(300)
        assert len(scene.rows) == 2
        assert len(scene.told) == 1
        await scene.wait(3600, step=60)
        assert len(scene.told) == 2

    async def test_until_it_changes_is_until_it_changes(self) -> None:
        """The same silence for the same thing; another Service is another thing."""
        cluster = shop(given=IPVS)
        cluster.put(service(name="web", port=8000))
        cluster.put(slices("web", "node-a"))
        scene = await Scene(clusters=[cluster]).begun()
        cluster.put(slices("checkout"))
        await scene.wait(200)
        assert await scene.town.click(BOB, SNOOZE, f"{scene.row.id}:change") == "Snoozed: until it changes."
        assert scene.row.snoozed(scene.town.clock.now + timedelta(days=9))
        cluster.put(slices("web"))
        await scene.wait(200)
        assert not scene.row.snoozed(scene.town.clock.now)

    async def test_an_unknown_choice_is_answered(self) -> None:
        """A menu from before the last deployment."""
        scene = await cut_off()
        assert "older than I am" in await scene.town.click(BOB, SNOOZE, f"{scene.row.id}:7y")


class TestPropose:
    """What mends it is an ordinary proposal."""

    async def test_the_fix_is_proposed_as_by_command(self) -> None:
        """By whoever may propose, with the incident as its reason; approved as ever."""
        scene = await Scene().begun()
        scene.cluster.annotate(CHECKOUT, None)
        await scene.wait(300)
        rows = await open_incidents(scene.town.world, "prod")
        told = next(each for each in rows if each.rule == "clients-cut-off")
        said = await scene.town.click(ALICE, PROPOSE, told.id)
        assert said.startswith("CHG-1 is proposed: enable pass-through for shop/checkout.")
        (change,) = scene.town.changes()
        assert change.reason == "Incident: clients are cut off"
        assert change.requested_by == ALICE
        await scene.town.click(BOB, "change:approve", change)
        await scene.town.concluded(scene.town.now(change))
        await scene.wait(300)
        (over,) = [text for text in scene.told if text.startswith("⚪ *Over*")]
        assert "(CHG-1)" in over

    async def test_who_may_not_propose_is_refused_as_ever(self) -> None:
        """The button is there for all; the right is looked up when it is pressed."""
        scene = await changed()
        assert "You may not propose changes here" in await scene.town.click(MALLORY, PROPOSE, scene.row.id)
        assert scene.town.changes() == []

    async def test_there_is_no_button_where_pass_through_mends_nothing(self) -> None:
        """No endpoint is no matter of annotations."""
        scene = await cut_off()
        (told,) = scene.told
        assert "[Propose the fix]" not in told
        assert "Nothing was proposed" in await scene.town.click(ALICE, PROPOSE, scene.row.id)


NIGHT = Window(start=0, end=16 * 60)
"""Until two hours after the clock's start."""


class TestQuiet:
    """Hours in which only what is grave is told."""

    async def test_a_warning_waits_until_the_morning(self) -> None:
        """If it is still so then."""
        settings = IncidentSettings(quiet=(Quiet(window=NIGHT, below=Severity.ERROR),))
        scene = await Scene(clusters=[shop(given=IPVS)], incidents=settings).begun()
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(3600, step=60)
        assert scene.told == []
        await scene.wait(4000, step=60)
        assert len(scene.told) == 1

    async def test_what_was_over_in_the_night_is_never_told(self) -> None:
        """Nobody was woken, nobody need be."""
        settings = IncidentSettings(quiet=(Quiet(window=NIGHT, below=Severity.ERROR),))
        scene = await Scene(clusters=[shop(given=IPVS)], incidents=settings).begun()
        scene.cluster.annotate(CHECKOUT, "true")
        await scene.wait(1800, step=60)
        scene.cluster.annotate(CHECKOUT, None)
        await scene.wait(9000, step=60)
        assert scene.told == []

    async def test_an_error_is_told_at_night(self) -> None:
        """It is not below."""
        settings = IncidentSettings(quiet=(Quiet(window=NIGHT, below=Severity.ERROR),))
        scene = await cut_off(incidents=settings)
        assert len(scene.told) == 1


async def test_incidents_that_are_not_over_are_counted_by_who_tells() -> None:
    """For `/metrics`; a replica that no longer tells counts none."""
    scene = Scene(clusters=[shop(given=IPVS)])
    seen: list[tuple[str, dict[Severity, int]]] = []
    scene.watches = [scene.watch(observe=lambda name, live: seen.append((name, dict(live))))]
    await scene.begun()
    scene.cluster.put(slices("checkout"))
    await scene.wait(300)
    assert seen[-1] == ("prod", {Severity.ERROR: 1})
    scene.watches[0].clusters["prod"]._renewed = None
    scene.town.store.incidents.holders["prod"] = ("another", scene.town.store.now() + 999)
    await scene.look()
    assert seen[-1] == ("prod", {})


async def test_open_incidents_are_there_for_lists() -> None:
    """The gravest first, and those of one Service."""
    scene = await cut_off()
    found = await open_incidents(scene.town.world)
    assert [row.rule for row in found] == ["clients-cut-off"]
    ref = scene.row.services[0]
    assert [row.id for row, _ in about(found, ref)] == [scene.row.id]


async def test_every_message_is_within_slacks_limits() -> None:
    """For the longest names that Kubernetes allows, many Services, open, acknowledged, snoozed and over."""
    cluster = shop(given=IPVS)
    for number in range(60):
        name = f"{number:02d}-{'x' * 60}"
        cluster.put(service("n" * 63, name, port=1000 + number, elb="e" * 200))
        cluster.put(slices(name, "node-a", namespace="n" * 63))
    scene = await Scene(clusters=[cluster]).begun()
    for number in range(60):
        cluster.put(slices(f"{number:02d}-{'x' * 60}", namespace="n" * 63))
    cluster.put(slices("checkout"))
    await scene.wait(200)
    for row in list(scene.rows):
        await scene.town.click(BOB, ACKNOWLEDGE, row.id)
        await scene.town.click(BOB, SNOOZE, f"{row.id}:1h")
    seen = list(scene.notices)
    await scene.restart()
    for number in range(60):
        cluster.put(slices(f"{number:02d}-{'x' * 60}", "node-a", namespace="n" * 63))
    await scene.wait(300)
    assert len(scene.notices) == 2
    for posted in (*seen, *scene.notices):
        assert posted.place.channel == INCIDENTS
        assert limits.of_blocks(list(posted.message.blocks)) == []
        assert len(posted.message.text) < 4000
