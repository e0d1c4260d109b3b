"""What every `bot.ports.Cluster` does with single Services: the real adapter and its twin in memory."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import pytest

from bot.adapters.cluster.live import LiveCluster
from bot.demo.kubernetes import ApiServer
from bot.domain.change import ServiceRef
from bot.domain.objects import PASS_THROUGH, Ref
from bot.domain.owner import Application, Kustomization, Mark, Tool
from bot.ports import Cluster, Conflict, Forbidden, NotFound, ProbePod, Unavailable
from tests.adapters.cluster.conftest import CHECKOUT, CHECKOUT_REF, PATIENCE, Make, service
from tests.fakes.cluster import MemoryCluster

MANAGER = "elb-passthrough-bot"
POD = ProbePod(
    name="elb-passthrough-1",
    run="run-1",
    node="node-a",
    host_network=False,
    targets=("tcp://10.0.0.9:80",),
    connections=20,
    duration=1.0,
    timeout=1.0,
)


class Stage(ABC):
    """A cluster, and what its test does behind its back."""

    cluster: Cluster

    @abstractmethod
    def put(self, body: dict[str, Any]) -> None:
        """Create or change a Service as somebody else would."""

    @abstractmethod
    def lose_patch_reply(self) -> None:
        """Let the next patch happen and its reply be lost."""

    @abstractmethod
    def annotations(self) -> dict[str, str]:
        """Read what shop/checkout carries in truth."""

    @abstractmethod
    def events(self) -> list[str]:
        """Read the messages of our Events on shop/checkout."""

    @abstractmethod
    def pods(self) -> set[str]:
        """Name the Pods in the probes' namespace."""

    @abstractmethod
    def own(self, namespace: str, name: str) -> None:
        """Let an Application of Argo CD's and a Kustomization of Flux's look after shop/checkout."""

    @abstractmethod
    async def seen(self) -> None:
        """Wait until shop/checkout is in the cache."""


@dataclass
class Wire(Stage):
    """The adapter, on the wire."""

    cluster: LiveCluster
    api: ApiServer

    def put(self, body: dict[str, Any]) -> None:
        """Create, or replace the annotations."""
        name = body["metadata"]["name"]
        if self.api.objects.get("services", "shop", name) is None:
            self.api.objects.create("services", body, manager="kubectl")
        else:
            self.api.objects.merge("services", "shop", name, body, manager="kubectl")

    def lose_patch_reply(self) -> None:
        """Break the connection behind the work."""
        self.api.faults.drop_reply(verb="patch")

    def annotations(self) -> dict[str, str]:
        """Read them from the store."""
        found = self.api.objects.get("services", "shop", "checkout") or {}
        return dict(found["metadata"].get("annotations") or {})

    def events(self) -> list[str]:
        """Read them from the store."""
        found = self.api.objects.list("events", "shop")
        return [each["message"] for each in found if each["reason"] == "PassThroughChanged"]

    def pods(self) -> set[str]:
        """Read them from the store."""
        return {each["metadata"]["name"] for each in self.api.objects.list("pods", "elb-passthrough")}

    def own(self, namespace: str, name: str) -> None:
        """Create them as the tools keep them."""
        if self.api.objects.get("namespaces", "", namespace) is None:
            self.api.objects.create("namespaces", {"metadata": {"name": namespace}}, manager="test")
        at = {"name": name, "namespace": namespace}
        resources = [{"kind": "Service", "namespace": "shop", "name": "checkout", "status": "Synced"}]
        here = {"destination": {"server": "https://kubernetes.default.svc"}}
        application = {"metadata": at, "spec": here, "status": {"resources": resources}}
        self.api.objects.create("applications", application, manager="argocd")
        self.api.objects.create("kustomizations", {"metadata": at, "spec": {}}, manager="flux")

    async def seen(self) -> None:
        """Wait for the watch."""
        async with asyncio.timeout(PATIENCE):
            await self.cluster.until(lambda s: s.service(CHECKOUT_REF) is not None)


@dataclass
class Memory(Stage):
    """The twin."""

    cluster: MemoryCluster

    def put(self, body: dict[str, Any]) -> None:
        """Put it in."""
        self.cluster.put({"kind": "Service", **body})

    def lose_patch_reply(self) -> None:
        """Let it happen and fail."""
        self.cluster.lose_reply("patch")

    def annotations(self) -> dict[str, str]:
        """Read them."""
        return self.cluster.annotations(CHECKOUT_REF)

    def events(self) -> list[str]:
        """Read them."""
        return [each.message for each in self.cluster.told.values()]

    def pods(self) -> set[str]:
        """Read them."""
        return set(self.cluster.started)

    def own(self, namespace: str, name: str) -> None:
        """Hold them as values."""
        application = Application(namespace=namespace, name=name, services={"shop/checkout": "Synced"})
        self.cluster.owned.setdefault(Tool.APPLICATION, []).append(application)
        self.cluster.owned.setdefault(Tool.KUSTOMIZATION, []).append(
            Kustomization(namespace=namespace, name=name)
        )

    async def seen(self) -> None:
        """It is there at once."""


@pytest.fixture(params=["wire", "memory"])
async def stage(request: pytest.FixtureRequest, make: Make, api: ApiServer) -> Stage:
    """Each test runs against both."""
    return Memory(MemoryCluster()) if request.param == "memory" else Wire(make(), api)


async def test_a_service_is_read_as_it_is_now(stage: Stage) -> None:
    """Annotations, UID and version come from the API server, not from the cache."""
    stage.put(service(**{"class": "union"}))
    live = await stage.cluster.read(CHECKOUT)
    assert live.annotations == {"kubernetes.io/elb.class": "union"}
    assert live.uid
    assert live.labels == {"app": "checkout"}
    assert len(live.read_hash) == 64


async def test_a_service_that_is_not_there_is_not_found(stage: Stage) -> None:
    """404."""
    with pytest.raises(NotFound, match="not found"):
        await stage.cluster.read(CHECKOUT)


async def test_a_patch_lands_as_our_field_manager(stage: Stage) -> None:
    """One annotation is set, in our name, and the cache hears of it."""
    stage.put(service())
    live = await stage.cluster.read(CHECKOUT)
    after = await stage.cluster.patch(
        CHECKOUT, {PASS_THROUGH: "true"}, resource_version=live.resource_version, dry_run=False
    )
    assert after.annotations[PASS_THROUGH] == "true"
    assert after.touched_by[PASS_THROUGH] == MANAGER
    assert after.resource_version != live.resource_version
    assert stage.annotations() == {PASS_THROUGH: "true"}


async def test_null_removes_the_key(stage: Stage) -> None:
    """Disabling is removal, not a value."""
    stage.put(service(pass_through="true"))
    live = await stage.cluster.read(CHECKOUT)
    after = await stage.cluster.patch(
        CHECKOUT, {PASS_THROUGH: None}, resource_version=live.resource_version, dry_run=False
    )
    assert PASS_THROUGH not in after.annotations
    assert stage.annotations() == {}


async def test_a_dry_run_changes_nothing(stage: Stage) -> None:
    """It says what would be, and nothing is."""
    stage.put(service())
    live = await stage.cluster.read(CHECKOUT)
    after = await stage.cluster.patch(
        CHECKOUT, {PASS_THROUGH: "true"}, resource_version=live.resource_version, dry_run=True
    )
    assert after.annotations[PASS_THROUGH] == "true"
    assert after.read_hash == live.read_hash
    assert stage.annotations() == {}


async def test_a_service_that_was_changed_since_is_a_conflict(stage: Stage) -> None:
    """The resourceVersion is a precondition."""
    stage.put(service())
    live = await stage.cluster.read(CHECKOUT)
    stage.put(service(owner="somebody"))
    with pytest.raises(Conflict):
        await stage.cluster.patch(
            CHECKOUT, {PASS_THROUGH: "true"}, resource_version=live.resource_version, dry_run=False
        )
    assert PASS_THROUGH not in stage.annotations()


async def test_a_patch_that_changes_nothing_keeps_the_version(stage: Stage) -> None:
    """A no-op is no new version, as on a real server."""
    stage.put(service(pass_through="true"))
    live = await stage.cluster.read(CHECKOUT)
    after = await stage.cluster.patch(
        CHECKOUT, {PASS_THROUGH: "true"}, resource_version=live.resource_version, dry_run=False
    )
    assert after.resource_version == live.resource_version


async def test_a_lost_reply_leaves_it_open_whether_the_patch_landed(stage: Stage) -> None:
    """Unavailable, though the patch is there: whoever asks again finds it."""
    stage.put(service())
    live = await stage.cluster.read(CHECKOUT)
    stage.lose_patch_reply()
    with pytest.raises(Unavailable, match="does not answer"):
        await stage.cluster.patch(
            CHECKOUT, {PASS_THROUGH: "true"}, resource_version=live.resource_version, dry_run=False
        )
    assert stage.annotations()[PASS_THROUGH] == "true"


async def test_the_fingerprint_ignores_pass_through_and_nothing_that_matters(stage: Stage) -> None:
    """It stays when the annotation changes, and changes with the traffic policy."""
    stage.put(service())
    before = (await stage.cluster.read(CHECKOUT)).read_hash
    stage.put(service(pass_through="true"))
    assert (await stage.cluster.read(CHECKOUT)).read_hash == before
    local = service(pass_through="true")
    local["spec"]["externalTrafficPolicy"] = "Local"
    stage.put(local)
    assert (await stage.cluster.read(CHECKOUT)).read_hash != before


async def test_an_event_is_told_once_per_key(stage: Stage) -> None:
    """A repeated job leaves one Event."""
    stage.put(service())
    live = await stage.cluster.read(CHECKOUT)
    for _ in range(2):
        await stage.cluster.tell(CHECKOUT, live.uid, key="CHG-1", message="Alice asked, Bob approved")
    assert stage.events() == ["Alice asked, Bob approved"]


async def test_a_snapshot_answers_from_the_cache(stage: Stage) -> None:
    """The Service is there with its annotations."""
    stage.put(service(pass_through="true"))
    await stage.seen()
    found = stage.cluster.snapshot().service(CHECKOUT_REF)
    assert found is not None
    assert found.annotations[PASS_THROUGH] == "true"
    assert stage.cluster.snapshot().service(Ref("shop", "nobody")) is None


async def test_a_probe_created_twice_is_there_once(stage: Stage) -> None:
    """The name is deterministic, so a repeated job starts nothing new."""
    await stage.cluster.start_probe(POD)
    await stage.cluster.start_probe(POD)
    assert stage.pods() == {"elb-passthrough-1"}
    assert (await stage.cluster.probe_state(POD.name)).phase == "pending"


async def test_a_probe_that_was_never_started_is_gone(stage: Stage) -> None:
    """Gone, with a sentence."""
    state = await stage.cluster.probe_state("nobody")
    assert (state.phase, state.why) == ("gone", "the Pod is no longer there")


async def test_a_sweep_takes_one_run_and_leaves_the_others(stage: Stage) -> None:
    """Every Pod of ours is found with its run; nobody asks for all of them to be deleted."""
    for number in (1, 2, 3):
        run = "run-1" if number < 3 else "run-2"
        await stage.cluster.start_probe(
            ProbePod(
                name=f"probe-{number}",
                run=run,
                node="node-a",
                host_network=False,
                targets=POD.targets,
                connections=1,
                duration=1.0,
                timeout=1.0,
            )
        )
    assert await stage.cluster.sweep_probes("run-1") == 2
    assert stage.pods() == {"probe-3"}
    (left,) = await stage.cluster.probes()
    assert (left.name, left.run) == ("probe-3", "run-2")


async def test_a_read_only_cluster_refuses_every_write_but_a_rehearsal(make: Make, api: ApiServer) -> None:
    """Dry runs are allowed; patches and probes are not sent, Events and sweeps are left out."""
    api.objects.create("services", service(), manager="kubectl")
    memory = MemoryCluster(read_only=True)
    memory.put({"kind": "Service", **service()})
    clusters: list[Cluster] = [make(read_only=True), memory]
    for cluster in clusters:
        live = await cluster.read(CHECKOUT)
        version = live.resource_version
        await cluster.patch(CHECKOUT, {PASS_THROUGH: "true"}, resource_version=version, dry_run=True)
        with pytest.raises(Forbidden, match="read-only"):
            await cluster.patch(CHECKOUT, {PASS_THROUGH: "true"}, resource_version=version, dry_run=False)
        with pytest.raises(Forbidden, match="read-only"):
            await cluster.start_probe(POD)
        await cluster.tell(CHECKOUT, live.uid, key="k", message="m")
        assert await cluster.sweep_probes("run-1") == 0
    assert api.requests.of("create", "events") == []
    assert ServiceRef(cluster="prod", namespace="shop", name="checkout") == CHECKOUT


async def test_owners_are_found_by_tool_and_name_wherever_they_live(stage: Stage) -> None:
    """A tracking id names the Application, not its namespace: two of one name are both found."""
    stage.own("argocd", "web")
    stage.own("team-a", "web")
    stage.own("argocd", "other")
    found = await stage.cluster.owners(Mark(tool=Tool.APPLICATION, name="web"))
    assert {(each.namespace, each.name) for each in found} == {("argocd", "web"), ("team-a", "web")}
    assert all(isinstance(each, Application) and each.here for each in found)
    assert all(each.services == {"shop/checkout": "Synced"} for each in found)


async def test_owners_of_a_namespace_are_found_there_alone(stage: Stage) -> None:
    """Flux' labels name both."""
    stage.own("flux-system", "web")
    stage.own("team-a", "web")
    mark = Mark(tool=Tool.KUSTOMIZATION, name="web", namespace="team-a")
    (found,) = await stage.cluster.owners(mark)
    assert isinstance(found, Kustomization)
    assert (found.namespace, found.services) == ("team-a", None)


@pytest.mark.parametrize(
    "mark",
    [
        Mark(tool=Tool.APPLICATION, name="nobody"),
        Mark(tool=Tool.KUSTOMIZATION, name="web", namespace="elsewhere"),
        Mark(tool=Tool.HELM_RELEASE, name="web"),
        Mark(tool=Tool.HELM, name="web"),
        Mark(tool=Tool.TERRAFORM),
    ],
)
async def test_no_owner_is_no_error(stage: Stage, mark: Mark) -> None:
    """Nothing of that name, or nothing of that kind, or a tool that keeps no object."""
    stage.own("argocd", "web")
    assert list(await stage.cluster.owners(mark)) == []
