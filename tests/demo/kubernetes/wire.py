"""A plain HTTP client of any Kubernetes API server, so that tests see what is on the wire."""

import base64
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import aiohttp

MERGE, STEPS = "application/merge-patch+json", "application/json-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def version(self) -> str:
        """Return the object's or the list's resourceVersion."""
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def names(self) -> list[str]:
        """Return the names of a list's items."""
        return [item["metadata"]["name"] for item in self.body["items"]]


class Api:
    """An API server and a namespace of its own to play in."""

    def __init__(self, session: aiohttp.ClientSession, namespace: str) -> None:
        self.session = session
        self.namespace = namespace

    def path(self, resource: str, name: str = "", sub: str = "") -> str:
        """Return the path of a core resource, or of `group/version/plural`, in the namespace."""
        group, _, plural = resource.rpartition("/")
        root = f"/apis/{group}" if group else "/api/v1"
        return "/".join(part for part in (f"{root}/namespaces/{self.namespace}", plural, name, sub) if part)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        kind: str = "application/json",
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """Send one request and read the whole answer."""
        data = None if body is None else body if isinstance(body, str) else json.dumps(body)
        sent = {"Content-Type": kind, **(headers or {})}
        async with self.session.request(method, path, data=data, headers=sent, params=query) as response:
            text = await response.text()
            parsed = json.loads(text) if response.content_type == "application/json" else text
            return Answer(status=response.status, body=parsed, headers=response.headers)

    async def create(self, resource: str, body: Any, **query: Any) -> Answer:
        """Create an object that must be accepted."""
        answer = await self.call("POST", self.path(resource), body, **query)
        assert answer.status == 201, answer.body
        return answer

    async def get(self, resource: str, name: str) -> Answer:
        """Read an object."""
        return await self.call("GET", self.path(resource, name))

    async def patch(
        self, resource: str, name: str, body: Any, kind: str = MERGE, sub: str = "", **query: Any
    ) -> Answer:
        """Patch an object."""
        return await self.call("PATCH", self.path(resource, name, sub), body, kind=kind, **query)

    @asynccontextmanager
    async def watch(self, resource: str, **query: Any) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Watch a resource in the namespace."""
        params = {"watch": 1, "timeoutSeconds": 20, **query}
        async with self.session.get(self.path(resource), params=params) as response:
            assert response.status == 200, await response.text()
            yield _events(response)


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    async for line in response.content:
        yield json.loads(line)


def _material(entry: Mapping[str, str], name: str) -> Path | None:
    """Return a certificate or key of a kubeconfig as a file."""
    if data := entry.get(f"{name}-data"):
        with NamedTemporaryFile(delete=False) as file:
            file.write(base64.b64decode(data))
        return Path(file.name)
    return Path(entry[name]) if name in entry else None


def _tls(cluster: Mapping[str, str], user: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=_material(cluster, "certificate-authority"))
    certificate, key = _material(user, "client-certificate"), _material(user, "client-key")
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def _named(config: Mapping[str, Any], kind: str, name: str) -> Any:
    return next(entry[kind] for entry in config[f"{kind}s"] if entry["name"] == name)


@asynccontextmanager
async def connected(
    config: Mapping[str, Any], *, agent: str = "contract/1.0"
) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session for a kubeconfig's current context."""
    context = _named(config, "context", config["current-context"])
    cluster, user = _named(config, "cluster", context["cluster"]), _named(config, "user", context["user"])
    headers = {"User-Agent": agent} | (
        {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
    )
    server = cluster["server"]
    connector = aiohttp.TCPConnector(ssl=_tls(cluster, user)) if server.startswith("https") else None
    async with aiohttp.ClientSession(server, headers=headers, connector=connector) as session:
        yield session
