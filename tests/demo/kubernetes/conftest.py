"""The API servers that the contract is held against: the simulated one, and a real one where it is named."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from bot.demo.kubernetes import ApiServer
from tests.demo.kubernetes.wire import Api, connected

REAL = os.environ.get("CONTRACT_KUBECONFIG")


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    """Serve a simulated API."""
    served = ApiServer()
    await served.start()
    yield served
    await served.stop()


async def _playground(config: dict[str, object]) -> AsyncIterator[Api]:
    async with connected(config) as session:
        api = Api(session, "default")
        made = await api.call("POST", "/api/v1/namespaces", {"metadata": {"generateName": "contract-"}})
        api.namespace = made.body["metadata"]["name"]
        yield api
        await api.call("DELETE", f"/api/v1/namespaces/{api.namespace}")


@pytest.fixture(params=["simulated", *(["real"] if REAL else [])])
async def api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """Return an API server with a namespace of the test's own."""
    if request.param == "real":
        assert REAL
        async for each in _playground(yaml.safe_load(Path(REAL).read_text())):  # noqa: ASYNC240 (a small file)
            yield each
        return
    served = ApiServer()
    await served.start()
    async for each in _playground(served.kubeconfig()):
        yield each
    await served.stop()


@pytest.fixture
async def simulated(server: ApiServer) -> AsyncIterator[Api]:
    """Return a client of the simulated API of this test, in the namespace `default`."""
    async with connected(server.kubeconfig()) as session:
        yield Api(session, "default")
