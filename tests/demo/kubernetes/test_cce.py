"""CCE's own parts: the webhook that guards `elb.*`, and the load balancer controller."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.demo.kubernetes import ApiServer, Cluster
from bot.demo.kubernetes.status import bad_request
from bot.demo.seam import Json
from tests.demo.kubernetes.wire import STEPS, Api, connected

ELB = "2f6f7f0e-0000-4000-8000-000000000001"
CLASS, ID = "kubernetes.io/elb.class", "kubernetes.io/elb.id"
AUTOCREATE, PASS_THROUGH = "kubernetes.io/elb.autocreate", "kubernetes.io/elb.pass-through"


class FakeCloud:
    """Hands out one ELB and remembers what it was asked."""

    def __init__(self) -> None:
        self.released: list[str] = []
        self.full = False

    def provision(self, _service: Json) -> tuple[str, list[str]]:
        """Return the ELB, public address first."""
        if self.full:
            raise bad_request("quota of load balancers exceeded")
        return ELB, ["80.158.1.2", "192.168.0.133"]

    def release(self, service: Json) -> None:
        """Take an ELB back."""
        self.released.append(service["metadata"]["name"])


@pytest.fixture
def cloud() -> FakeCloud:
    """Return the cloud behind the cluster."""
    return FakeCloud()


@pytest.fixture
async def cluster(cloud: FakeCloud) -> AsyncIterator[Cluster]:
    """Run a CCE cluster."""
    running = Cluster(ApiServer(), provision=cloud.provision, release=cloud.release)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[Api]:
    """Return a client of the cluster's API."""
    async with connected(cluster.server.kubeconfig()) as session:
        yield Api(session, "default")


def service(policy: str = "Cluster", annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a LoadBalancer Service that asks for an ELB of its own."""
    asked = {CLASS: "union", AUTOCREATE: '{"type":"public"}'} if annotations is None else annotations
    return {
        "metadata": {"name": "web", "annotations": asked},
        "spec": {"type": "LoadBalancer", "externalTrafficPolicy": policy, "ports": [{"port": 80}]},
    }


async def _made(cluster: Cluster, api: Api, body: dict[str, Any]) -> Json:
    await api.create("services", body)
    await cluster.settled()
    return dict((await api.get("services", "web")).body)


async def test_a_service_gets_its_elb_and_addresses(cluster: Cluster, api: Api) -> None:
    """The id is written, the public address comes first, a finalizer guards the clean-up, an Event tells."""
    found = await _made(cluster, api, service())
    assert found["metadata"]["annotations"][ID] == ELB
    assert [entry["ip"] for entry in found["status"]["loadBalancer"]["ingress"]] == [
        "80.158.1.2",
        "192.168.0.133",
    ]
    assert found["metadata"]["finalizers"] == ["service.kubernetes.io/load-balancer-cleanup"]
    assert PASS_THROUGH not in found["metadata"]["annotations"]
    assert [event["reason"] for event in cluster.objects.list("events")] == ["EnsuredLoadBalancer"]


async def test_the_policy_local_gets_only_local_again_and_again(cluster: Cluster, api: Api) -> None:
    """CCE writes `onlyLocal` where the annotation is absent, and writes it back when it is removed."""
    found = await _made(cluster, api, service("Local"))
    assert found["metadata"]["annotations"][PASS_THROUGH] == "onlyLocal"
    await api.patch("services", "web", {"metadata": {"annotations": {PASS_THROUGH: None}}})
    await cluster.settled()
    again = (await api.get("services", "web")).body
    assert again["metadata"]["annotations"][PASS_THROUGH] == "onlyLocal"
    own = service("Local") | {"metadata": {"name": "own", "annotations": {ID: ELB, PASS_THROUGH: "true"}}}
    await api.create("services", own)
    await cluster.settled()
    assert (await api.get("services", "own")).body["metadata"]["annotations"][PASS_THROUGH] == "true"


@pytest.mark.parametrize("key", [CLASS, ID])
@pytest.mark.parametrize("value", ["other", None])
async def test_class_and_id_of_an_elb_cannot_be_changed(
    cluster: Cluster, api: Api, key: str, value: str | None
) -> None:
    """A patch that changes or drops them answers 403 with the webhook's sentence."""
    await _made(cluster, api, service())
    answer = await api.patch("services", "web", {"metadata": {"annotations": {key: value}}}, dryRun="All")
    assert answer.status == 403
    assert answer.body["message"] == (
        f'services "web" is forbidden: can\'t modify service elb [{key}] annotation'
    )


async def test_an_update_from_a_template_is_refused(cluster: Cluster, api: Api) -> None:
    """A PUT that lost what CCE wrote is refused, a patch of one key is not."""
    await _made(cluster, api, service())
    answer = await api.call("PUT", api.path("services", "web"), service())
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    toggled = await api.patch("services", "web", {"metadata": {"annotations": {PASS_THROUGH: "true"}}})
    assert toggled.status == 200
    path = "/metadata/annotations/" + PASS_THROUGH.replace("/", "~1")
    removed = await api.patch("services", "web", [{"op": "remove", "path": path}], STEPS)
    assert removed.status == 200


async def test_a_service_without_an_elb_is_skipped(cluster: Cluster, api: Api) -> None:
    """Neither id nor autocreate: no address, and a warning."""
    found = await _made(cluster, api, service(annotations={}))
    assert found["status"] == {"loadBalancer": {}}
    (event,) = cluster.objects.list("events")
    assert (event["type"], event["reason"]) == ("Warning", "GetLoadBalancerFailed")


async def test_another_controllers_service_is_left_alone(cluster: Cluster, api: Api) -> None:
    """LoadBalancerClass names another controller."""
    body = service()
    body["spec"]["loadBalancerClass"] = "example.org/other"
    assert (await _made(cluster, api, body))["status"] == {"loadBalancer": {}}


async def test_a_deleted_service_gives_its_elb_back(cluster: Cluster, api: Api, cloud: FakeCloud) -> None:
    """The finalizer holds the Service until the ELB is released."""
    await _made(cluster, api, service())
    answer = await api.call("DELETE", api.path("services", "web"))
    assert "deletionTimestamp" in answer.body["metadata"]
    await cluster.settled()
    assert cloud.released == ["web"]
    assert (await api.get("services", "web")).status == 404


async def test_a_resync_tries_again_what_failed(cluster: Cluster, api: Api, cloud: FakeCloud) -> None:
    """A cloud that refused once is asked again."""
    cloud.full = True
    assert (await _made(cluster, api, service()))["status"] == {"loadBalancer": {}}
    cloud.full = False
    assert cluster.load_balancers
    cluster.load_balancers.resync()
    await cluster.settled()
    assert (await api.get("services", "web")).body["status"]["loadBalancer"]["ingress"]
