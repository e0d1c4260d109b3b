"""What `list`, the Home tab and `/metrics` say of open incidents and findings."""

from bot.commands.metrics import Metrics
from bot.config.settings import Redact
from bot.domain.objects import Ref, Service
from bot.domain.policy import Policy
from bot.operations import ask
from bot.operations.home import MOST, home_view
from bot.operations.listing import MOST_INCIDENTS
from bot.ports import Freshness
from tests.fakes.messenger import _texts, read
from tests.fakes.world import (
    ALICE,
    BOB,
    CHECKOUT,
    IPVS,
    MALLORY,
    PLATFORM,
    SRE,
    caller,
    service,
    shop,
    slices,
)
from tests.watch.scene import Scene

CUT = "🔴 shop/checkout · prod: clients outside the cluster"


async def cut_off(**changed: object) -> Scene:
    """Nobody reaches shop/checkout; two other Services are well."""
    cluster = shop(given=IPVS)
    for name, ip in (("aaa", "10.9.0.10"), ("zzz", "10.9.0.11")):
        cluster.put(service("blog", name, ip=ip, elb=f"elb-{name}"))
        cluster.put(slices(name, "node-a", namespace="blog"))
    scene = await Scene(clusters=[cluster], changed=dict(changed)).begun()
    cluster.put(slices("checkout"))
    await scene.wait(300)
    return scene


async def listed(scene: Scene, target: str = "", user: str = ALICE) -> str:
    """Ask for the list."""
    return read(await ask.listing(scene.town.world, caller(user), target))


async def home(scene: Scene, user: str = BOB) -> str:
    """Open the Home tab."""
    return "\n".join(_texts((await home_view(scene.town.world, caller(user)))["blocks"]))


async def test_a_list_begins_with_what_is_wrong() -> None:
    """The incident leads, and its Service is the first line of the table."""
    scene = await cut_off()
    text = await listed(scene)
    assert CUT in text
    assert text.index("prod/shop/checkout") < text.index("prod/blog/aaa")


async def test_a_list_of_one_namespace_has_its_own_incidents_only() -> None:
    """A cluster's own incident belongs to the whole list."""
    scene = await cut_off()
    scene.cluster.fresh = Freshness(synced=True, age=400.0)
    await scene.wait(300)
    assert CUT in await listed(scene, "prod/shop")
    assert "🔴" not in await listed(scene, "prod/blog")
    assert "🔴 prod: the bot does not see the cluster" in await listed(scene)
    assert "does not see the cluster" not in await listed(scene, "prod/shop")


async def test_what_was_done_about_it_is_said() -> None:
    """Nobody should begin with what somebody else has in hand."""
    scene = await cut_off()
    await scene.town.click(BOB, "incident:snooze", f"{scene.row.id}:1h")
    assert "· snoozed" in await listed(scene)
    await scene.town.click(BOB, "incident:acknowledge", scene.row.id)
    assert "· acknowledged" in await listed(scene)
    assert "· acknowledged" in await home(scene)


async def test_what_only_stands_is_listed_though_it_was_never_told() -> None:
    """Incidents are told on transitions; the list shows what is."""
    cluster = shop(given=IPVS)
    cluster.put(slices("checkout"))
    scene = await Scene(clusters=[cluster]).begun()
    assert CUT in await listed(scene)
    assert CUT in await home(scene)


async def test_what_has_not_settled_is_not_listed() -> None:
    """It may be nothing."""
    scene = await Scene(clusters=[shop(given=IPVS)]).begun()
    scene.cluster.annotate(CHECKOUT, "true")
    await scene.wait(30)
    assert "pass-through was set" not in await listed(scene)
    await scene.wait(200)
    assert "pass-through was set" in await listed(scene)


async def test_without_the_database_a_list_says_what_it_does_not_know() -> None:
    """Instead of saying that nothing is wrong."""
    scene = await cut_off()
    scene.town.store.down = True
    text = await listed(scene)
    assert "prod/shop/checkout" in text
    assert "open incidents are not known" in text


async def test_incidents_of_a_hidden_namespace_are_hidden() -> None:
    """In the list and on the Home tab."""
    hidden = Policy(namespace="shop", view=(BOB,), propose=(PLATFORM,), approve=(SRE,))
    scene = await cut_off(policies=(hidden, Policy()))
    assert CUT in await listed(scene, user=BOB)
    assert CUT in await home(scene, BOB)
    assert "checkout" not in await listed(scene, user=MALLORY)
    assert "Wrong now" not in await home(scene, MALLORY)


async def test_the_home_tab_links_to_the_incidents_message() -> None:
    """From "wrong" to its message is one click; when it is over the heading goes."""
    scene = await cut_off()
    text = await home(scene)
    assert text.index("Wrong now") < text.index("Waiting for you")
    assert f"{await scene.town.messenger.permalink(scene.notices[0].place)}|what was told>" in text
    scene.cluster.put(slices("checkout", "node-a"))
    await scene.wait(300)
    assert "Wrong now" not in await home(scene)


async def test_somebody_without_rights_reads_no_incident() -> None:
    """A guest's Home tab is empty."""
    scene = await cut_off()
    scene.town.messenger.add("GUEST", full=False)
    assert "Wrong now" not in await home(scene, "U0GUEST")


async def test_addresses_that_a_team_keeps_to_itself_are_not_on_the_home_tab() -> None:
    """As in messages."""
    scene = await cut_off(redact=Redact.ADDRESSES)
    text = await home(scene)
    assert "cannot reach (address):443" in text
    assert "10.9.0.9" not in text


async def test_neither_is_endless() -> None:
    """The gravest and oldest few, and how many more there are."""
    cluster = shop(given=IPVS)
    for number in range(20):
        cluster.put(service(name=f"web-{number}", elb=f"elb-{number + 2}", ip=f"10.9.1.{number}"))
        cluster.put(slices(f"web-{number}"))
    scene = await Scene(clusters=[cluster]).begun()
    assert (await listed(scene)).count("🔴") == MOST_INCIDENTS
    assert "and 12 more open incidents" in await listed(scene)
    assert (await home(scene)).count("🔴") == MOST
    assert "and 12 more" in await home(scene)


async def test_metrics_count_the_services_that_have_a_finding() -> None:
    """By every replica, told or not; what is gone is counted no more."""
    scene = await cut_off()
    metrics = Metrics(scene.town.world.clusters)
    metrics.findings = scene.watches[0].findings
    line = 'elb_passthrough_findings{cluster="prod",code="no-ready-endpoint",severity="error"} '
    assert f"{line}1.0" in metrics.text().decode()
    scene.cluster.put(slices("aaa", namespace="blog"))
    await scene.wait(20)
    assert f"{line}2.0" in metrics.text().decode()
    for name, namespace in (("aaa", "blog"), ("checkout", "shop")):
        scene.cluster.remove(Service, Ref(namespace, name))
    await scene.wait(20)
    assert line not in metrics.text().decode()


async def test_metrics_count_what_cannot_be_posted() -> None:
    """By who tells, for as long as the channel is closed to the bot."""
    scene = await Scene(clusters=[shop(given=IPVS)]).begun()
    metrics = Metrics(scene.town.world.clusters)
    metrics.unheard = scene.watches[0].unheard
    line = 'elb_passthrough_incidents_unheard{cluster="prod"} '
    assert f"{line}0.0" in metrics.text().decode()
    scene.town.messenger.channels.discard("C0INC")
    scene.cluster.put(slices("checkout"))
    await scene.wait(300)
    assert f"{line}1.0" in metrics.text().decode()
    scene.town.messenger.channels.add("C0INC")
    await scene.wait(400)
    assert f"{line}0.0" in metrics.text().decode()
