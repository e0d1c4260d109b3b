"""Certificates and tokens that are replaced while the bot runs, against a server that speaks TLS and looks at them.

The files in `pki` are of two authorities that nobody trusts; the second signed nothing but its own server.
"""

import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from bot.adapters.cluster.calls import Calls
from bot.adapters.cluster.connection import Connection
from bot.config.settings import ClusterSettings
from bot.ports import Forbidden, Unavailable
from tests.adapters.cluster.conftest import kubeconfig
from tests.adapters.cluster.test_connection import Hands

PKI = Path(__file__).parent / "pki"


@dataclass(slots=True)
class Guard:
    """An API server that knows whom it admits: clients by their certificates' names, Pods by their tokens."""

    admitted: set[str] = field(default_factory=set)
    port: int = 0

    async def version(self, request: web.Request) -> web.Response:
        """Answer who is admitted."""
        if not {self._named(request), request.headers.get("Authorization", "")} & self.admitted:
            return web.json_response({"reason": "Unauthorized", "message": "Unauthorized"}, status=401)
        return web.json_response({"gitVersion": "v1.29.2-r5"})

    def _named(self, request: web.Request) -> str:
        shown = request.get_extra_info("peercert") or {}
        return next(
            (value for part in shown.get("subject", ()) for key, value in part if key == "commonName"), ""
        )

    @asynccontextmanager
    async def serving(self, certificate: str) -> AsyncIterator[None]:
        """Listen, with one of the servers' certificates; the second time on the same port."""
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=PKI / "authority-1.pem")
        tls.load_cert_chain(PKI / certificate)
        tls.verify_mode = ssl.CERT_OPTIONAL  # as an API server asks for one
        app = web.Application()
        app.router.add_get("/version", self.version)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=tls, reuse_address=True).start()
        self.port = runner.addresses[0][1]
        try:
            yield
        finally:
            await runner.cleanup()


@pytest.fixture
def guard() -> Guard:
    """One that admits nobody yet."""
    return Guard()


@pytest.fixture
def clock() -> Hands:
    """A clock at zero."""
    return Hands()


def configured(home: Path, port: int, clock: Hands) -> tuple[Connection, Calls]:
    """Connect by a kubeconfig that names files in a folder."""
    body = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": f"https://127.0.0.1:{port}",
                    "certificate-authority": str(home / "ca.pem"),
                },
            }
        ],
        "users": [
            {
                "name": "u",
                "user": {"client-certificate": str(home / "bot.pem"), "client-key": str(home / "bot.pem")},
            }
        ],
    }
    settings = ClusterSettings(name="prod", kubeconfig=kubeconfig(home / "config", body))
    connection = Connection(settings, environment={}, clock=clock)
    return connection, Calls(connection)


def put(home: Path, **files: str) -> None:
    """Let files be copies of others, as whoever rotates them would."""
    for name, source in files.items():
        shutil.copy(PKI / f"{source}.pem", home / f"{name}.pem")


async def test_a_client_certificate_that_is_replaced_is_picked_up(
    tmp_path: Path, guard: Guard, clock: Hands
) -> None:
    """The server says 401 to the one that expired; the next is read from the same file."""
    put(tmp_path, ca="authority-1", bot="bot-1")
    guard.admitted = {"bot 1"}
    async with guard.serving("server-1.pem"):
        connection, calls = configured(tmp_path, guard.port, clock)
        await calls.get("/version")
        guard.admitted = {"bot 2"}
        clock.now = 60.0
        with pytest.raises(Forbidden, match="Unauthorized"):
            await calls.get("/version")
        put(tmp_path, bot="bot-2")
        clock.now = 120.0
        assert (await calls.get("/version"))["gitVersion"]
        await connection.close()


async def test_an_authority_that_is_replaced_is_picked_up(tmp_path: Path, guard: Guard, clock: Hands) -> None:
    """Until the new one is there, the sentence says what is wrong."""
    put(tmp_path, ca="authority-1", bot="bot-1")
    guard.admitted = {"bot 1"}
    async with guard.serving("server-1.pem"):
        connection, calls = configured(tmp_path, guard.port, clock)
        await calls.get("/version")
    async with guard.serving("server-2.pem"):
        clock.now = 60.0
        with pytest.raises(Unavailable, match="its certificate is not trusted"):
            await calls.get("/version")
        put(tmp_path, ca="authority-2")
        clock.now = 120.0
        assert (await calls.get("/version"))["gitVersion"]
        await connection.close()


async def test_a_pods_own_token_is_read_again(tmp_path: Path, guard: Guard, clock: Hands) -> None:
    """Kubernetes replaces it every hour; the one before is refused some time later."""
    put(tmp_path, ca="authority-1")
    (tmp_path / "ca.crt").write_text((tmp_path / "ca.pem").read_text())
    (tmp_path / "token").write_text("first")
    guard.admitted = {"bearer first"}
    async with guard.serving("server-1.pem"):
        environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(guard.port)}
        settings = ClusterSettings(name="prod", in_cluster=True)
        connection = Connection(settings, environment=environment, account=tmp_path, clock=clock)
        calls = Calls(connection)
        await calls.get("/version")
        (tmp_path / "token").write_text("second")
        guard.admitted = {"bearer second"}
        clock.now = 60.0
        assert (await calls.get("/version"))["gitVersion"]
        await connection.close()
