"""The simulated API's objects as the simulated world itself uses them, and kinds that a plain server lacks."""

from typing import Any

import pytest

from bot.demo.kubernetes import ApiServer, Storage
from bot.demo.kubernetes.status import ApiError
from bot.demo.seam import EventType, Json, Objects
from tests.demo.kubernetes.wire import APPLY, MERGE, STRATEGIC, Api

FLUX = "kustomize.toolkit.fluxcd.io/v1/kustomizations"


@pytest.fixture
def objects() -> Objects:
    """Return objects without a server."""
    return Storage()


def service(name: str = "web") -> Json:
    """Return a Service."""
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {"ports": [{"port": 80}]}}


def test_copies_are_the_callers_own(objects: Objects) -> None:
    """Changing what was returned changes nothing that is stored."""
    objects.create("services", service(), manager="test")
    for found in (objects.get("services", "default", "web"), objects.list("services")[0]):
        assert found
        found["spec"]["type"] = "changed"
    assert (objects.get("services", "default", "web") or {})["spec"]["type"] == "ClusterIP"


def test_a_list_may_be_of_one_namespace(objects: Objects) -> None:
    """Namespaces whose name begins alike are told apart."""
    for namespace in ("shop", "shop-2"):
        objects.create("namespaces", {"metadata": {"name": namespace}}, manager="test")
        body = {"metadata": {"name": "a", "namespace": namespace}}
        objects.create("configmaps", body, manager="test")
    assert len(objects.list("configmaps")) == 2
    assert [each["metadata"]["namespace"] for each in objects.list("configmaps", "shop")] == ["shop"]


def test_listeners_hear_what_happens_after_they_came(objects: Objects) -> None:
    """Every change once and in order, until the listener leaves; no-ops and dry runs are none."""
    objects.create("services", service("before"), manager="test")
    heard: list[tuple[EventType, str]] = []
    leave = objects.subscribe("services", lambda event, body: heard.append((event, body["metadata"]["name"])))
    objects.create("services", service(), manager="test")
    patch = {"metadata": {"annotations": {"x": "1"}}}
    objects.merge("services", "default", "web", patch, manager="test")
    objects.merge("services", "default", "web", patch, manager="other")
    objects.delete("services", "default", "web")
    objects.delete("services", "default", "web")
    leave()
    objects.delete("services", "default", "before")
    assert heard == [("ADDED", "web"), ("MODIFIED", "web"), ("DELETED", "web")]


def test_a_merge_goes_to_the_subresource_that_is_named(objects: Objects) -> None:
    """Status is written through the status subresource only."""
    objects.create("services", service(), manager="test")
    patch = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    dropped = objects.merge("services", "default", "web", patch, manager="test")
    assert dropped["status"] == {"loadBalancer": {}}
    written = objects.merge("services", "default", "web", patch, manager="test", subresource="status")
    assert written["status"]["loadBalancer"]["ingress"][0]["ip"] == "192.0.2.1"


def test_the_api_s_refusals_are_raised(objects: Objects) -> None:
    """In-process writes obey the same rules."""
    with pytest.raises(ApiError, match='namespaces "nowhere" not found'):
        objects.create("services", {"metadata": {"name": "a", "namespace": "nowhere"}}, manager="test")
    with pytest.raises(ApiError, match='services "web" not found'):
        objects.merge("services", "default", "web", {}, manager="test")


def test_a_namespace_takes_everything_with_it(objects: Objects) -> None:
    """Deleting a namespace deletes what is in it, finalizers notwithstanding."""
    objects.create("namespaces", {"metadata": {"name": "shop"}}, manager="test")
    body = service() | {"metadata": {"name": "web", "namespace": "shop", "finalizers": ["example.org/wait"]}}
    objects.create("services", body, manager="test")
    objects.delete("namespaces", None, "shop")
    assert objects.list("services") == []
    assert objects.get("namespaces", None, "shop") is None


def kustomization(**annotations: str) -> dict[str, Any]:
    """Return a custom object."""
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "app", "annotations": annotations},
        "spec": {"prune": True, "path": "./app", "anything": [{"goes": 1}]},
    }


async def test_custom_objects_know_no_strategic_patch(simulated: Api) -> None:
    """A strategic merge patch of a custom resource answers 415; merge and apply do."""
    await simulated.create(FLUX, kustomization())
    refused = await simulated.patch(FLUX, "app", {"spec": {"prune": False}}, STRATEGIC)
    assert (refused.status, refused.body["reason"]) == (415, "UnsupportedMediaType")
    merged = await simulated.patch(FLUX, "app", {"spec": {"prune": False}}, MERGE)
    assert merged.body["spec"] == {"prune": False, "path": "./app", "anything": [{"goes": 1}]}
    assert merged.body["metadata"]["generation"] == 2
    applied = {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization"}
    config = applied | {"metadata": {"name": "app", "annotations": {"x": "1"}}}
    answer = await simulated.patch(FLUX, "app", config, APPLY, fieldManager="flux")
    assert (answer.status, answer.body["metadata"]["generation"]) == (200, 2)


async def test_custom_objects_keep_their_kind_in_lists(simulated: Api) -> None:
    """Items of custom resources carry kind and apiVersion, unlike built-in ones."""
    await simulated.create(FLUX, kustomization())
    (item,) = (await simulated.call("GET", simulated.path(FLUX))).body["items"]
    assert item["kind"] == "Kustomization"


async def test_an_update_of_a_custom_object_names_its_version(simulated: Api) -> None:
    """A PUT without resourceVersion answers 422 for custom resources."""
    await simulated.create(FLUX, kustomization())
    answer = await simulated.call("PUT", simulated.path(FLUX, "app"), kustomization(x="1"))
    assert answer.status == 422
    assert "metadata.resourceVersion: Invalid value: " in answer.body["message"]


@pytest.mark.parametrize("broken", [{"spec": 7}, {"spec": {"ports": [7]}}, {"metadata": []}, []])
async def test_a_body_of_the_wrong_shape_is_a_bad_request(simulated: Api, broken: Any) -> None:
    """What Go's decoder could not read answers 400."""
    body = {"metadata": {"name": "a"}} | broken if isinstance(broken, dict) else broken
    answer = await simulated.call("POST", simulated.path("services"), body)
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


async def test_logs_are_what_was_put_there(server: ApiServer, simulated: Api) -> None:
    """Pods/log is plain text."""
    containers = [{"name": "main", "image": "registry.example/app:1"}]
    await simulated.create("pods", {"metadata": {"name": "a"}, "spec": {"containers": containers}})
    server.streams.logs["default/a"] = b"hello\n"
    assert (await simulated.call("GET", simulated.path("pods", "a", "log"))).body == "hello\n"


async def test_exec_wants_a_websocket_a_container_and_a_node(server: ApiServer, simulated: Api) -> None:
    """Plain requests, other containers and Pods without a node answer 400."""
    containers = [{"name": "main", "image": "registry.example/app:1"}]
    await simulated.create("pods", {"metadata": {"name": "a"}, "spec": {"containers": containers}})
    path = simulated.path("pods", "a", "exec")
    assert "must specify at least 1 command" in (await simulated.call("GET", path)).body["message"]
    assert (
        "does not have a host assigned" in (await simulated.call("GET", path, command="id")).body["message"]
    )
    server.objects.bind("default", "a", "node-1")
    assert (await simulated.call("GET", path, command="id")).body["message"] == "Upgrade request required"
    other = await simulated.call("GET", path, command="id", container="side")
    assert other.body["message"] == "container side is not valid for pod a"


async def test_a_pods_spec_is_fixed(simulated: Api) -> None:
    """A Pod cannot be moved or rebuilt by an update."""
    containers = [{"name": "main", "image": "registry.example/app:1"}]
    await simulated.create("pods", {"metadata": {"name": "a"}, "spec": {"containers": containers}})
    answer = await simulated.patch("pods", "a", {"spec": {"nodeName": "node-1"}})
    assert answer.status == 422
    assert "spec: Forbidden: pod updates may not change fields other than" in answer.body["message"]


async def test_wrong_options_are_refused(simulated: Api) -> None:
    """A manager's name has a length; an apply says what it applies."""
    long = await simulated.patch("services", "a", {}, fieldManager="x" * 129)
    assert (long.status, "fieldManager: Too long" in long.body["message"]) == (422, True)
    empty = await simulated.patch("services", "a", {}, APPLY, fieldManager="me")
    assert empty.status == 400
    managed = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "managedFields": [{"manager": "me"}]},
    }
    answer = await simulated.patch("services", "a", managed, APPLY, fieldManager="me")
    assert (answer.status, answer.body["message"]) == (400, "metadata.managedFields must be nil")


async def test_a_method_that_a_path_does_not_know_is_not_allowed(simulated: Api) -> None:
    """Creates need a namespace, and objects take no POST."""
    assert (await simulated.call("POST", "/api/v1/services", service())).status == 405
    assert (await simulated.call("POST", simulated.path("services", "a"), service())).status == 405
    assert (await simulated.call("PUT", simulated.path("configmaps", "a", "status"), {})).status == 405
