"""The cache that watches fill, against the simulated API server, over the wire."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bot.adapters.cluster.cache import Changed
from bot.adapters.cluster.informer import Informer, State
from bot.adapters.cluster.live import LiveCluster
from bot.demo.kubernetes import ApiServer, Rule, User
from bot.demo.seam import Json
from bot.domain.cluster_facts import Category, Mode, Platform
from bot.domain.fact import Origin
from bot.domain.objects import PASS_THROUGH, Node, Pod, Ref, Service
from bot.domain.snapshot import Snapshot
from bot.ports import ClusterKind, Unavailable
from tests.adapters.cluster.conftest import CHECKOUT_REF, PATIENCE, QUICK, Make, kubeconfig, service
from tests.fakes.cloud import MemoryCloud

READER = Rule(subject="reader", verbs=("get", "list", "watch"), resources=("*",))


def informer(cluster: LiveCluster, plural: str) -> Informer:
    """Look inside: one of the cluster's informers."""
    return next(each for each in cluster._informers if each.kind.plural == plural)


Condition = Callable[[Snapshot], bool]


def has(name: str) -> Condition:
    """Give a condition: the Service is in the cache."""
    return lambda snapshot: snapshot.service(Ref("shop", name)) is not None


def lacks(name: str) -> Condition:
    """Give a condition: the Service is not in the cache."""
    return lambda snapshot: snapshot.service(Ref("shop", name)) is None


def pass_through(snapshot: Snapshot) -> str | None:
    """Read the annotation of shop/checkout from the cache."""
    found = snapshot.service(CHECKOUT_REF)
    return None if found is None else found.annotations.get(PASS_THROUGH)


def uid(snapshot: Snapshot) -> str | None:
    """Read the UID of shop/checkout from the cache."""
    found = snapshot.service(CHECKOUT_REF)
    return None if found is None else found.uid


async def reached(cluster: LiveCluster, condition: Condition) -> None:
    """Wait until the cache has got somewhere."""
    async with asyncio.timeout(PATIENCE):
        await cluster.until(condition)


async def synced(cluster: LiveCluster) -> LiveCluster:
    """Wait until everything is listed."""
    async with asyncio.timeout(PATIENCE):
        await cluster.synced()
    return cluster


def put(api: ApiServer, body: Json) -> Json:
    """Create a Service as somebody else would."""
    return api.objects.create("services", body, manager="kubectl")


def annotate(api: ApiServer, name: str, value: str) -> Json:
    """Change a Service as somebody else would."""
    patch = {"metadata": {"annotations": {"kubernetes.io/elb.pass-through": value}}}
    return api.objects.merge("services", "shop", name, patch, manager="kubectl")


async def test_what_was_there_before_is_listed(api: ApiServer, make: Make) -> None:
    """A LIST fills the cache, and every kind is then complete."""
    put(api, service())
    cluster = await synced(make())
    snapshot = cluster.snapshot()
    assert snapshot.service(CHECKOUT_REF) is not None
    assert snapshot.knows(Service)
    assert snapshot.knows(Pod)
    assert snapshot.knows(Node)
    assert cluster.freshness().problem == ""


async def test_changes_arrive_without_another_list(api: ApiServer, make: Make) -> None:
    """Creation, change and deletion come through the watch."""
    cluster = await synced(make())
    put(api, service())
    await reached(cluster, has("checkout"))
    annotate(api, "checkout", "true")
    await reached(cluster, lambda s: pass_through(s) == "true")
    api.objects.delete("services", "shop", "checkout")
    await reached(cluster, lacks("checkout"))
    assert informer(cluster, "services").lists == 1


async def test_a_list_is_read_in_pages(api: ApiServer, make: Make) -> None:
    """More objects than a page holds are all there, at one resourceVersion."""
    for number in range(1201):
        body = {"metadata": {"name": f"node-{number}", "labels": {}}, "spec": {}}
        api.objects.create("nodes", body, manager="test")
    cluster = await synced(make())
    assert len(cluster.snapshot().inventory.nodes) == 1201
    assert len(api.requests.of("list", "nodes")) == 3


async def test_a_cut_watch_is_resumed_where_it_stood(api: ApiServer, make: Make) -> None:
    """After an abort nothing is missed and nothing is listed again."""
    cluster = await synced(make())
    put(api, service("one"))
    await reached(cluster, has("one"))
    api.faults.cut_watches(abort=True)
    put(api, service("two"))
    await reached(cluster, has("two"))
    api.faults.cut_watches()
    put(api, service("three"))
    await reached(cluster, has("three"))
    assert informer(cluster, "services").lists == 1


async def test_bookmarks_let_a_quiet_watch_resume_after_others_have_been_forgotten(
    api: ApiServer, make: Make
) -> None:
    """A watch that saw no change of its own advances all the same."""
    cluster = await synced(make())
    for number in range(5):
        api.objects.create("nodes", {"metadata": {"name": f"node-{number}"}}, manager="test")
    now = api.objects.history.version
    await reached(cluster, lambda _: int(informer(cluster, "services").version) >= now)
    api.faults.expire()
    api.faults.cut_watches()
    put(api, service())
    await reached(cluster, has("checkout"))
    assert informer(cluster, "services").lists == 1


async def test_a_forgotten_version_is_listed_again_and_compared(api: ApiServer, make: Make) -> None:
    """410: what vanished meanwhile is removed, what came is added, what stayed is not told again."""
    put(api, service("stays"))
    put(api, service("goes"))
    cluster = await synced(make(timing=replace(QUICK, heartbeat=3600.0)))
    heard: list[Changed] = []
    cluster.subscribe(heard.append)
    api.faults.fail(None, code=503, verb="watch")
    api.faults.cut_watches(abort=True)
    await reached(cluster, lambda _: informer(cluster, "services").state is State.FAILING)
    api.objects.delete("services", "shop", "goes")
    put(api, service("comes"))
    api.faults.expire()
    api.faults.clear()
    await reached(cluster, has("comes"))
    assert [each.ref.name for each in heard] == ["goes", "comes"]
    assert informer(cluster, "services").lists == 2


async def test_an_outage_is_said_in_one_sentence_and_ends_by_itself(api: ApiServer, make: Make) -> None:
    """Refused connections show in the freshness; after them the watch goes on."""
    cluster = await synced(make())
    api.faults.refusing = True
    api.faults.cut_watches(abort=True)
    await reached(cluster, lambda _: cluster.freshness().problem != "")
    assert cluster.freshness().problem == "prod does not answer: the connection broke off"
    put(api, service())
    api.faults.refusing = False
    await reached(cluster, has("checkout"))
    await reached(cluster, lambda _: not cluster.freshness().problem)


async def test_a_cluster_that_never_answers_does_not_block_and_is_named(api: ApiServer, make: Make) -> None:
    """An API server that accepts and stays silent."""
    api.faults.hang(None)
    cluster = make(timing=replace(QUICK, call=0.05, answer=0.05))
    await reached(cluster, lambda _: "nothing came" in cluster.freshness().problem)
    freshness = cluster.freshness()
    assert freshness.problem == "prod does not answer: nothing came within 0.05 s"
    assert not freshness.synced
    assert freshness.age is None
    assert not cluster.snapshot().knows(Service)


async def test_a_watch_that_died_unnoticed_is_left_after_an_outage(api: ApiServer, make: Make) -> None:
    """When the heartbeat comes back, every watch is opened anew, for it may be dead without knowing."""
    cluster = await synced(make())
    before = len(api.requests.of("watch", "services"))
    api.faults.fail(2, code=503, verb="get", resource="")
    await reached(cluster, lambda _: len(api.requests.of("watch", "services")) > before)


async def test_a_kind_that_may_not_be_listed_is_unknown_and_named(api: ApiServer, make: Make) -> None:
    """403 on Nodes: the others are known, and the freshness says which is not."""
    api.access.tokens["limited"] = User(name="limited")
    api.access.rules.append(
        Rule(
            subject="limited",
            verbs=("get", "list", "watch"),
            resources=("services", "endpointslices", "pods", "ingresses", "networkpolicies"),
        )
    )
    put(api, service())
    cluster = await synced(make(token="limited", namespaces=("shop",)))
    snapshot = cluster.snapshot()
    assert snapshot.knows(Service)
    assert not snapshot.knows(Node)
    assert cluster.freshness().problem == (
        'Nodes may not be listed (nodes is forbidden: User "limited" cannot list resource "nodes" in API group '
        '"" at the cluster scope)'
    )


async def test_a_right_that_is_granted_later_is_used(api: ApiServer, make: Make) -> None:
    """A denied kind is asked for again after a while."""
    api.access.tokens["late"] = User(name="late")
    cluster = await synced(make(token="late"))
    assert not cluster.snapshot().knows(Service)
    api.access.rules.append(replace(READER, subject="late"))
    await reached(cluster, lambda _: cluster.freshness().problem == "")
    assert cluster.snapshot().knows(Service)
    assert cluster.snapshot().knows(Node)


async def test_a_right_that_is_taken_away_takes_the_knowledge_with_it(api: ApiServer, make: Make) -> None:
    """What may not be seen any more is forgotten, rather than believed for ever."""
    api.access.tokens["once"] = User(name="once")
    rule = replace(READER, subject="once")
    api.access.rules.append(rule)
    put(api, service())
    cluster = await synced(make(token="once"))
    assert cluster.snapshot().service(CHECKOUT_REF) is not None
    api.access.rules.remove(rule)
    api.faults.cut_watches()
    await reached(cluster, lambda s: not s.knows(Service))
    assert cluster.snapshot().service(CHECKOUT_REF) is None


async def test_without_the_right_to_the_cluster_its_own_namespace_is_watched(
    api: ApiServer, make: Make, tmp_path: Path
) -> None:
    """Where the whole cluster may not be listed, the context's namespace is."""
    api.access.tokens["narrow"] = User(name="narrow")
    api.access.rules.append(replace(READER, subject="narrow", namespaces=("shop",)))
    put(api, service())
    put(api, service("elsewhere", "default"))
    path = kubeconfig(tmp_path / "narrow", api.kubeconfig("narrow", namespace="shop"))
    cluster = await synced(make(kubeconfig=path))
    assert cluster.snapshot().service(CHECKOUT_REF) is not None
    assert cluster.snapshot().service(Ref("default", "elsewhere")) is None
    assert (
        "Services, EndpointSlices, Pods, Ingresses, NetworkPolicies are seen in namespace shop only"
        in cluster.freshness().problem
    )


async def test_configured_namespaces_are_the_only_ones_watched(api: ApiServer, make: Make) -> None:
    """With `namespaces`, each has a watch of its own and no other is seen."""
    put(api, service())
    put(api, service("elsewhere", "default"))
    put(api, service("third", "elb-passthrough"))
    cluster = await synced(make(namespaces=("shop", "default")))
    names = set(cluster.snapshot().inventory.services)
    assert names == {CHECKOUT_REF, Ref("default", "elsewhere")}


async def test_a_token_that_is_refused_half_way_is_read_again(
    api: ApiServer, make: Make, tmp_path: Path
) -> None:
    """A rotated kubeconfig is picked up at the first 401, without a restart."""
    api.access.tokens["old"] = User(name="bot")
    api.access.rules.append(replace(READER, subject="bot"))
    path = kubeconfig(tmp_path / "rotated", api.kubeconfig("old"))
    cluster = make(kubeconfig=path, running=False)
    ticks = itertools.count(step=60)
    cluster._connection._clock = lambda: float(next(ticks))
    await cluster.version()
    del api.access.tokens["old"]
    api.access.tokens["new"] = User(name="bot")
    kubeconfig(path, api.kubeconfig("new"))
    assert await cluster.version() == "v1.29.2-r5"


async def test_refused_credentials_are_said_and_not_taken_for_a_missing_right(
    api: ApiServer, make: Make
) -> None:
    """401 everywhere: the cache keeps what it has for a while, and the sentence names the cause."""
    put(api, service())
    api.access.tokens["gone"] = User(name="bot")
    api.access.rules.append(replace(READER, subject="bot"))
    cluster = await synced(make(token="gone"))
    del api.access.tokens["gone"]
    await reached(cluster, lambda _: cluster.freshness().problem != "")
    assert cluster.freshness().problem == "prod refuses the bot's credentials: Unauthorized"
    api.faults.cut_watches()
    await reached(cluster, lambda _: informer(cluster, "services").state is State.FAILING)
    assert cluster.snapshot().service(CHECKOUT_REF) is not None


async def test_knowledge_that_is_too_old_is_unknown(api: ApiServer, make: Make) -> None:
    """Beyond its bound the cache claims nothing to be complete; what it holds is still there to look at."""
    put(api, service())
    now = [0.0]
    cluster = await synced(make(clock=lambda: now[0]))
    assert cluster.snapshot().knows(Service)
    api.faults.refusing = True
    api.faults.cut_watches(abort=True)
    await reached(cluster, lambda _: cluster.freshness().problem != "")
    now[0] = QUICK.stale + 1
    assert not cluster.snapshot().knows(Service)
    assert cluster.snapshot().service(CHECKOUT_REF) is not None
    assert cluster.freshness().age == QUICK.stale + 1


async def test_finished_pods_are_not_kept(api: ApiServer, make: Make) -> None:
    """A Job's Pods are neither client nor backend; one that finishes leaves the cache."""
    body = {
        "metadata": {"name": "job", "namespace": "shop"},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    api.objects.create("pods", body, manager="test")
    cluster = await synced(make())
    assert Ref("shop", "job") in cluster.snapshot().inventory.pods
    done = {"status": {"phase": "Succeeded"}}
    api.objects.merge("pods", "shop", "job", done, manager="kubelet", subresource="status")
    await reached(cluster, lambda s: Ref("shop", "job") not in s.inventory.pods)


async def test_changes_are_told_with_before_and_after(api: ApiServer, make: Make) -> None:
    """A subscriber hears of creation, change and deletion, once each."""
    cluster = await synced(make())
    heard: list[Changed] = []
    end = cluster.subscribe(heard.append)
    put(api, service())
    await reached(cluster, has("checkout"))
    annotate(api, "checkout", "true")
    await reached(cluster, lambda _: len(heard) == 2)
    api.objects.delete("services", "shop", "checkout")
    await reached(cluster, lacks("checkout"))
    end()
    put(api, service("unheard"))
    await reached(cluster, has("unheard"))
    assert [(each.before is None, each.after is None) for each in heard] == [
        (True, False),
        (False, False),
        (False, True),
    ]


async def test_a_service_made_again_under_its_name_is_the_new_one(api: ApiServer, make: Make) -> None:
    """Deleted and created: the cache has the new UID."""
    old = put(api, service())["metadata"]["uid"]
    cluster = await synced(make())
    api.objects.delete("services", "shop", "checkout")
    new = put(api, service())["metadata"]["uid"]
    assert old != new
    await reached(cluster, lambda s: uid(s) == new)


async def test_facts_say_where_they_are_known_from(make: Make) -> None:
    """Configuration before cloud, cloud before the API's own hints."""
    kind = ClusterKind(category="turbo", version="v1.29", proxy_mode="iptables")
    cluster = make(cloud=MemoryCloud(kind=kind), kube_proxy_mode=Mode.IPVS)
    await reached(cluster, lambda s: s.facts.category.known)
    facts = cluster.facts()
    assert (facts.mode.value, facts.mode.origin) == (Mode.IPVS, Origin.CONFIG)
    assert (facts.category.value, facts.category.origin) == (Category.TURBO, Origin.CLOUD)
    assert facts.platform.value is Platform.CCE


async def test_without_cloud_the_api_gives_the_hints(api: ApiServer, make: Make) -> None:
    """A CCE version, and Nodes with a Pod range of their own, which Turbo has not."""
    cluster = await synced(make())
    await reached(cluster, lambda s: s.facts.platform.known)
    assert cluster.facts().platform.value is Platform.CCE
    assert not cluster.facts().category.known
    body = {"metadata": {"name": "node"}, "spec": {"podCIDR": "10.0.1.0/24", "podCIDRs": ["10.0.1.0/24"]}}
    api.objects.create("nodes", body, manager="test")
    await reached(cluster, lambda s: s.facts.category.known)
    facts = cluster.facts()
    assert (facts.category.value, facts.category.origin) == (Category.STANDARD, Origin.API)


async def test_a_cloud_that_fails_leaves_the_facts_of_the_api(make: Make) -> None:
    """What the cloud cannot say stays unknown, and is asked for again."""
    cloud = MemoryCloud(kind=ClusterKind(category="standard", version=None, proxy_mode="ipvs"))
    cloud.fail("cluster", Unavailable("CCE did not answer"))
    cluster = make(cloud=cloud)
    await reached(cluster, lambda s: s.facts.mode.known)
    assert cloud.calls.count("cluster") >= 2
    assert cluster.facts().mode.origin is Origin.CLOUD
