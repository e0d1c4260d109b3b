"""The official Python client meets the simulated API."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from kubernetes.aio import client, config, watch
from kubernetes.aio.stream import WsApiClient

from bot.demo.kubernetes import ApiServer
from bot.demo.kubernetes.streams import Output
from bot.demo.seam import Json


@pytest.fixture
async def official(server: ApiServer) -> AsyncIterator[client.ApiClient]:
    """Return the client of the server's own kubeconfig."""
    configuration = client.Configuration()
    load: Any = config.load_kube_config_from_dict
    await load(server.kubeconfig(), client_configuration=configuration)
    async with client.ApiClient(configuration) as api:
        yield api


def _service(server: ApiServer) -> None:
    body = {"metadata": {"name": "web", "namespace": "default"}, "spec": {"ports": [{"port": 80}]}}
    server.objects.create("services", body, manager="test")


def _watch() -> Any:
    return watch.Watch()  # type: ignore[no-untyped-call]  # the client's own helpers are untyped


def _websocket(official: client.ApiClient) -> Any:
    return WsApiClient(official.configuration)  # type: ignore[no-untyped-call]  # as above


async def test_it_lists_patches_and_reviews(server: ApiServer, official: client.ApiClient) -> None:
    """Typed lists, a merge patch in a dry run and for real, conflicts and access reviews."""
    _service(server)
    core: Any = client.CoreV1Api(official)
    found = await core.list_service_for_all_namespaces(limit=500)
    assert [item.metadata.name for item in found.items] == ["web"]
    version = found.items[0].metadata.resource_version
    patch: dict[str, Any] = {
        "metadata": {"resourceVersion": version, "annotations": {"kubernetes.io/elb.pass-through": "true"}}
    }
    sent: dict[str, Any] = {
        "_content_type": "application/merge-patch+json",
        "field_manager": "elb-passthrough-bot",
    }
    dry = await core.patch_namespaced_service("web", "default", patch, dry_run="All", **sent)
    assert dry.metadata.resource_version == version
    done = await core.patch_namespaced_service("web", "default", patch, **sent)
    assert done.metadata.annotations == {"kubernetes.io/elb.pass-through": "true"}
    assert done.metadata.managed_fields[-1].manager == "elb-passthrough-bot"
    with pytest.raises(client.ApiException) as stale:
        await core.patch_namespaced_service(
            "web", "default", {"metadata": {"resourceVersion": version, "labels": {"a": "b"}}}, **sent
        )
    assert stale.value.status == 409
    review = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(
                verb="patch", resource="services", namespace="default"
            )
        )
    )
    answer: Any = await client.AuthorizationV1Api(official).create_self_subject_access_review(review)
    assert answer.status.allowed


async def test_it_watches(server: ApiServer, official: client.ApiClient) -> None:
    """A watch resumes from a list's version."""
    core: Any = client.CoreV1Api(official)
    found = await core.list_service_for_all_namespaces()
    _service(server)
    async with asyncio.timeout(60), _watch() as stream:
        source = stream.stream(
            core.list_service_for_all_namespaces,
            resource_version=found.metadata.resource_version,
            timeout_seconds=5,
        )
        event = await anext(source)
    assert (event["type"], event["object"].metadata.name) == ("ADDED", "web")


async def test_it_reads_the_version(official: client.ApiClient) -> None:
    """/version is what CCE shows."""
    assert (await client.VersionApi(official).get_code()).git_version == "v1.29.2-r5"


async def test_it_executes_in_containers(server: ApiServer, official: client.ApiClient) -> None:
    """Channels carry standard output, standard error, and the exit code in a Status."""

    async def run(pod: Json, container: str, argv: Sequence[str], _stdin: asyncio.StreamReader) -> Output:
        return Output(f"{pod['metadata']['name']}/{container} {argv}".encode(), b"oh\xff", 7)

    server.streams.run = run
    containers = [{"name": "main", "image": "registry.example/app:1"}]
    body = {
        "metadata": {"name": "a", "namespace": "default"},
        "spec": {"nodeName": "n", "containers": containers},
    }
    server.objects.create("pods", body, manager="test")
    frames: dict[int, bytes] = {}
    async with _websocket(official) as ws:
        core: Any = client.CoreV1Api(ws)
        socket = await core.connect_get_namespaced_pod_exec_without_preload_content(
            "a",
            "default",
            command=["id", "-u"],
            container="main",
            stdout=True,
            stderr=True,
        )
        async with socket as open_socket:
            async for message in open_socket:
                frames[message.data[0]] = frames.get(message.data[0], b"") + message.data[1:]
    assert frames[1] == b"a/main ['id', '-u']"
    assert frames[2] == b"oh\xff"
    status = json.loads(frames[3])
    assert (status["reason"], status["details"]["causes"][0]["message"]) == ("NonZeroExitCode", "7")
