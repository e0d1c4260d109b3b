"""Kubeconfigs, service accounts and credential plugins, as kubectl reads them."""

import asyncio
import json
import os
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.cluster.calls import Calls
from bot.adapters.cluster.connection import Connection
from bot.config.settings import ClusterSettings
from bot.demo.kubernetes import ApiServer, User
from bot.ports import Unavailable
from tests.adapters.cluster.conftest import kubeconfig

AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBiDCCAS+gAwIBAgIUZCTSZT0Z89R62gJPwdrMVCcZblowCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOdGVzdCBhdXRob3JpdHkwIBcNMjYxMTIzMDYwNDQ0WhgPMjEy
NjEwMzAwNjA0NDRaMBkxFzAVBgNVBAMMDnRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEAC9jZJykXG8Rp6swlcjCGlufdViXe1iSNXRVo6Mu
gq9GLwiW8vXCiw+19fDQ+qevdDNRkrm5qyPNjSYHquG/bqNTMFEwHQYDVR0OBBYE
FDhhvAJwVhCHZPU9L8oGbK5BO9sjMB8GA1UdIwQYMBaAFDhhvAJwVhCHZPU9L8oG
bK5BO9sjMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgQtTx7IUZ
kXS6eeEXcMS/sOm8tjah9tiPjUQi11s7CYkCIBVAV/jEsq3K5if7AbcbIw3YOiHq
iqrhfRUh1LzenvB/
-----END CERTIFICATE-----
"""
"""A certificate authority that signed nothing."""


class Hands:
    """A clock that a test moves, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def plugin(path: Path, lifetime: float | None, log: Path) -> dict[str, Any]:
    """Write a credential plugin that prints a new token each time and logs that it ran."""
    expiry = ""
    if lifetime is not None:
        end = (datetime.now(UTC) + timedelta(seconds=lifetime)).strftime("%Y-%m-%dT%H:%M:%SZ")
        expiry = f', "expirationTimestamp": "{end}"'
    path.write_text(
        f"""#!{sys.executable}
import pathlib
log = pathlib.Path({str(log)!r})
runs = len(log.read_text()) if log.exists() else 0
log.write_text("x" * (runs + 1))
print('{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",'
      ' "status": {{"token": "token-' + str(runs + 1) + '"{expiry}}}}}')
"""
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path)}}


def runs(log: Path) -> int:
    """Count how often the plugin ran."""
    return len(log.read_text())


def accept(api: ApiServer, *tokens: str) -> None:
    """Let the API server accept these tokens and no others."""
    api.access.tokens.clear()
    api.access.tokens.update({token: User(name="bot", groups=("system:masters",)) for token in tokens})


def with_user(api: ApiServer, user: dict[str, Any]) -> dict[str, Any]:
    """Make a kubeconfig for a user entry."""
    return {**api.kubeconfig(), "users": [{"name": "demo", "user": user}]}


@pytest.fixture
def clock() -> Hands:
    """A clock at zero."""
    return Hands()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where plugins write that they ran."""
    return tmp_path / "runs"


def connected(
    path: Path | None, clock: Hands, *, environment: dict[str, str] | None = None, **settings: Any
) -> tuple[Connection, Calls]:
    """Make a connection, and calls over it."""
    configured = ClusterSettings(name="prod", kubeconfig=path, **settings)
    connection = Connection(configured, environment=environment or {}, clock=clock)
    return connection, Calls(connection, seconds=10.0)


async def test_a_plugins_token_is_replaced_before_it_expires(
    api: ApiServer, tmp_path: Path, clock: Hands, log: Path
) -> None:
    """The client reads a plugin once; the hook runs it again in time, and once for several callers."""
    accept(api, "token-1")
    path = kubeconfig(tmp_path / "exec", with_user(api, plugin(tmp_path / "plugin", 600, log)))
    connection, calls = connected(path, clock)
    await calls.get("/version")
    await calls.get("/version")
    assert runs(log) == 1
    accept(api, "token-2")
    clock.now = 3600.0
    await asyncio.gather(*(calls.get("/version") for _ in range(5)))
    assert runs(log) == 2
    await connection.close()


async def test_a_plugins_token_that_is_refused_early_is_replaced(
    api: ApiServer, tmp_path: Path, clock: Hands, log: Path
) -> None:
    """A revoked token: 401, the plugin runs once more, the call succeeds."""
    accept(api, "token-1")
    path = kubeconfig(tmp_path / "exec", with_user(api, plugin(tmp_path / "plugin", None, log)))
    connection, calls = connected(path, clock)
    await calls.get("/version")
    accept(api, "token-2")
    clock.now = 30.0
    await calls.get("/version")
    assert runs(log) == 2
    await connection.close()


async def test_callers_that_are_refused_together_are_helped_together(
    api: ApiServer, tmp_path: Path, clock: Hands, log: Path
) -> None:
    """One run of the plugin for all of them, and each gets its answer."""
    accept(api, "token-1")
    path = kubeconfig(tmp_path / "exec", with_user(api, plugin(tmp_path / "plugin", None, log)))
    connection, calls = connected(path, clock)
    await calls.get("/version")
    accept(api, "token-2")
    clock.now = 3600.0
    answers = await asyncio.gather(*(calls.get("/version") for _ in range(8)))
    assert len(answers) == 8
    assert runs(log) == 2
    await connection.close()


async def test_a_plugin_is_not_run_again_and_again_for_a_user_who_may_not(
    api: ApiServer, tmp_path: Path, clock: Hands, log: Path
) -> None:
    """Credentials that stay refused are read again every few seconds, not at every call."""
    accept(api)
    path = kubeconfig(tmp_path / "exec", with_user(api, plugin(tmp_path / "plugin", None, log)))
    connection, calls = connected(path, clock)
    for _ in range(4):
        with pytest.raises(Exception, match="Unauthorized"):
            await calls.get("/version")
    assert runs(log) == 1
    await connection.close()


async def test_a_plugin_that_fails_is_said(api: ApiServer, tmp_path: Path, clock: Hands) -> None:
    """The client would go on without credentials; people should know why."""
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/false"}}
    path = kubeconfig(tmp_path / "exec", with_user(api, user))
    connection, calls = connected(path, clock)
    with pytest.raises(Unavailable, match="its credential plugin gave neither a token nor a certificate"):
        await calls.get("/version")
    await connection.close()


async def test_a_slow_plugin_costs_the_impatient_caller_only_his_time(
    api: ApiServer, tmp_path: Path, clock: Hands
) -> None:
    """A plugin that takes longer than a call has is not broken off: a later call finds its token."""
    fifo, script = tmp_path / "go", tmp_path / "plugin"
    os.mkfifo(fifo)
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "t"},
    }
    script.write_text(f"#!/bin/sh\nread line < {fifo}\ncat <<'END'\n{json.dumps(answer)}\nEND\n")
    script.chmod(0o700)
    accept(api, "t")
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script)}}
    connection, calls = connected(kubeconfig(tmp_path / "exec", with_user(api, user)), clock)
    with pytest.raises(Unavailable, match="nothing came within"):
        await calls.get("/version", seconds=0.05)
    await asyncio.to_thread(fifo.write_text, "go\n")
    assert (await calls.get("/version"))["gitVersion"]
    await connection.close()


async def test_a_token_file_is_read_again(api: ApiServer, tmp_path: Path, clock: Hands) -> None:
    """`tokenFile`, rotated by somebody else."""
    token = tmp_path / "token"
    token.write_text("first")
    accept(api, "first")
    connection, calls = connected(
        kubeconfig(tmp_path / "config", with_user(api, {"tokenFile": str(token)})), clock
    )
    await calls.get("/version")
    token.write_text("second")
    accept(api, "second")
    clock.now = 61.0
    await calls.get("/version")
    assert [seen.status for seen in api.requests] == [200, 200]
    await connection.close()


async def test_several_kubeconfigs_are_merged(api: ApiServer, tmp_path: Path, clock: Hands) -> None:
    """KUBECONFIG with several paths, one of which is not there; the context is in the second."""
    body = api.kubeconfig(context="other")
    first = {"apiVersion": "v1", "kind": "Config", "current-context": "nowhere"}
    paths = [
        kubeconfig(tmp_path / "one", first),
        tmp_path / "missing",
        kubeconfig(tmp_path / "two", body),
    ]
    environment = {"KUBECONFIG": os.pathsep.join(map(str, paths))}
    connection, calls = connected(None, clock, environment=environment, context="other")
    assert (await calls.get("/version"))["gitVersion"] == "v1.29.2-r5"
    assert connection.namespace == "default"
    await connection.close()


def broken(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Name kubeconfigs that cannot be used, and what is said of them."""
    yield tmp_path / "absent", "there is no kubeconfig at"
    yield kubeconfig(tmp_path / "text", "just text"), "is no kubeconfig"
    malformed = tmp_path / "malformed"
    malformed.write_text("a: [")
    yield malformed, "is no kubeconfig"
    yield kubeconfig(tmp_path / "empty", {"contexts": []}), "the kubeconfig cannot be used"


async def test_a_kubeconfig_that_cannot_be_used_is_said_in_one_sentence(tmp_path: Path, clock: Hands) -> None:
    """Never a traceback."""
    for path, told in broken(tmp_path):
        connection, calls = connected(path, clock)
        with pytest.raises(Unavailable, match=told):
            await calls.get("/version")
        await connection.close()


async def test_an_unknown_context_is_named(api: ApiServer, tmp_path: Path, clock: Hands) -> None:
    """The sentence holds the context's name."""
    path = kubeconfig(tmp_path / "config", api.kubeconfig())
    connection, calls = connected(path, clock, context="nobody")
    with pytest.raises(Unavailable, match="nobody"):
        await calls.get("/version")
    await connection.close()


async def test_nothing_that_listens_is_said(tmp_path: Path, clock: Hands, unused_tcp_port: int) -> None:
    """Connection refused."""
    body = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{unused_tcp_port}"}}],
        "users": [],
    }
    connection, calls = connected(kubeconfig(tmp_path / "config", body), clock)
    with pytest.raises(Unavailable, match="prod does not answer: connect"):
        await calls.get("/version")
    await connection.close()


async def test_in_a_pod_the_service_account_is_used(tmp_path: Path, clock: Hands) -> None:
    """In-cluster configuration, by setting and by default where there is no kubeconfig."""
    for name, text in (("token", "sa-token"), ("namespace", "bots"), ("ca.crt", AUTHORITY)):
        (tmp_path / name).write_text(text)
    environment = {"KUBERNETES_SERVICE_HOST": "10.247.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    for in_cluster in (True, False):
        settings = ClusterSettings(name="prod", in_cluster=in_cluster)
        environment["KUBECONFIG"] = str(tmp_path / "absent")
        connection = Connection(settings, environment=environment, account=tmp_path, clock=clock)
        client = await connection.client()
        assert client.configuration.host == "https://10.247.0.1:443"
        assert client.configuration.api_key == {"BearerToken": "bearer sa-token"}
        assert connection.namespace == "bots"
        await connection.close()


async def test_without_an_account_in_cluster_is_an_error(tmp_path: Path, clock: Hands) -> None:
    """`inCluster: true` on a laptop."""
    settings = ClusterSettings(name="prod", in_cluster=True)
    connection = Connection(settings, environment={}, account=tmp_path, clock=clock)
    with pytest.raises(Unavailable, match="Service host/port is not set"):
        await Calls(connection).get("/version")
    await connection.close()
