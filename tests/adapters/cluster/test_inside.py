"""Connections from inside a running Pod: the command over the exec subresource, and whatever may go wrong with it."""

import asyncio
import shutil
import signal
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.cluster.connection import Connection
from bot.adapters.cluster.inside import SCRIPT
from bot.adapters.cluster.live import LiveCluster
from bot.config.settings import Clients, ClusterSettings, VerificationSettings
from bot.demo.kubernetes import ApiServer, Cluster, Rule, User
from bot.demo.kubernetes.streams import Output
from bot.demo.seam import Json
from bot.domain.objects import Ref
from bot.ports import Forbidden, NotFound, ProbePod, ProbeState, TargetCount
from tests.adapters.cluster.conftest import PATIENCE, QUICK, kubeconfig
from tests.adapters.cluster.test_probes import Reachable

WEB = Ref("shop", "web-a")
POD = ProbePod(
    name="elb-passthrough-a",
    run="run-1",
    node="node-a",
    host_network=False,
    targets=("tcp://10.0.0.9:80", "https://10.0.0.9:443"),
    connections=4,
    duration=1.0,
    timeout=1.0,
    inside=WEB,
)


@pytest.fixture
async def world() -> AsyncIterator[Cluster]:
    """One node, and one Pod of a workload on it."""
    cluster = Cluster(ApiServer(), network=Reachable())
    await cluster.start()
    cluster.add_node("node-a", address="192.168.0.11", pod_cidr="10.1.0.0/24")
    cluster.add_namespace("shop")
    deploy(cluster)
    await cluster.settled()
    yield cluster
    await cluster.stop()


def deploy(cluster: Cluster, name: str = "web-a", *containers: str, **annotations: str) -> None:
    """Create a Pod on the node."""
    body = {
        "metadata": {"name": name, "namespace": "shop", "annotations": annotations},
        "spec": {
            "nodeName": "node-a",
            "containers": [{"name": each, "image": f"{each}:1"} for each in containers or ("web",)],
        },
    }
    cluster.objects.create("pods", body, manager="kubectl")


def connected(world: Cluster, tmp_path: Path, token: str = "admin-token") -> LiveCluster:
    """Make an adapter that does not watch."""
    path = kubeconfig(tmp_path / f"config-{token}", world.server.kubeconfig(token))
    how = VerificationSettings(clients=Clients.EXEC)
    settings = ClusterSettings(name="prod", kubeconfig=path, verification=how)
    return LiveCluster(settings, timing=QUICK, connection=Connection(settings, environment={}))


@pytest.fixture
async def live(world: Cluster, tmp_path: Path) -> AsyncIterator[LiveCluster]:
    """A cluster adapter."""
    made = connected(world, tmp_path)
    yield made
    await made.close()


async def ended(live: LiveCluster, pod: ProbePod = POD) -> ProbeState:
    """Start a probe and wait until it has ended."""
    await live.start_probe(pod)
    async with asyncio.timeout(PATIENCE):
        while (state := await live.probe_state(pod.name)).phase in ("pending", "running"):  # noqa: ASYNC110  no event
            await asyncio.sleep(0.01)
    return state


def answering(world: Cluster, output: Output) -> None:
    """Let every command end like that, at once."""

    async def run(_pod: Json, _container: str, _argv: Sequence[str], _stdin: asyncio.StreamReader) -> Output:
        await asyncio.sleep(0)
        return output

    world.server.streams.run = run


async def test_a_command_in_a_pod_brings_counts(live: LiveCluster) -> None:
    """What answers and what refuses, each by itself, with the times of one clock."""
    state = await ended(live)
    assert state.phase == "done"
    assert state.counts == {
        "tcp://10.0.0.9:80": TargetCount(
            attempts=4, connected=4, errors={"refused": 0, "timeout": 0, "other": 0}
        ),
        "https://10.0.0.9:443": TargetCount(
            attempts=4, connected=0, errors={"refused": 4, "timeout": 0, "other": 0}
        ),
    }
    assert state.started_at is not None
    assert state.finished_at is not None
    assert state.started_at < state.finished_at


async def test_a_probe_started_twice_is_one_command(world: Cluster, live: LiveCluster) -> None:
    """Creating it twice is creating it once."""
    await live.start_probe(POD)
    await live.start_probe(POD)
    assert (await ended(live)).phase == "done"
    assert len(world.server.requests.of("get", "pods/exec")) == 1


async def test_a_sweep_ends_the_command_in_the_container(world: Cluster, live: LiveCluster) -> None:
    """Stopped from the thread, or paused: it must not go on connecting."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def run(_pod: Json, _container: str, _argv: Sequence[str], _stdin: asyncio.StreamReader) -> Output:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            over.set()
        raise AssertionError("it waits for ever")

    world.server.streams.run = run
    await live.start_probe(POD)
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
        assert (await live.probe_state(POD.name)).phase == "running"
        assert await live.sweep_probes("another-run") == 0
        assert await live.sweep_probes("run-1") == 1
        await over.wait()
    assert (await live.probe_state(POD.name)).phase == "gone"


async def test_what_another_process_started_is_gone(live: LiveCluster) -> None:
    """A replica that takes the run over sends the burst once more."""
    state = await live.probe_state("elb-passthrough-of-another")
    assert (state.phase, state.why) == ("gone", "the process that listened to the command has ended")


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (Output(b"", b'exec: "sh": executable file not found in $PATH', 126), "the container has no shell"),
        (Output(b"", b"", 127), "the container has no shell"),
        (
            Output(
                b"result tcp://10.0.0.9:80 bash 4 4 0 0 0\nresult https://10.0.0.9:443 none 0 0 0 0 0\n",
                b"",
                0,
            ),
            "the container has no tool that can connect by https",
        ),
        (Output(b"", b"", 0), "the command ended without a result"),
        (Output(b"\xff\xfe\x00 hello", b"", 0), "the command ended without a result"),
        (
            Output(b"result tcp://10.0.0.9:80 bash 4 4 4 0 0\n" * 9, b"", 0),
            "the command ended without a result",
        ),
        (
            Output(b"result tcp://10.0.0.9:80 bash 9999999 0 0 0 0\n", b"", 0),
            "the command ended without a result",
        ),
        (Output(b"result tcp://10.6.6.6:80 bash 4 4 0 0 0\n", b"", 0), "the command ended without a result"),
        (Output(b"A" * 200_000, b"", 0), "the command ended without a result"),
        (
            Output(b"", b"sh: bearer abcdef is wrong", 2),
            "command terminated with non-zero exit code: exit status 2 sh: … is wrong",
        ),
    ],
)
async def test_what_is_not_exactly_a_result_is_none(
    world: Cluster, live: LiveCluster, output: Output, why: str
) -> None:
    """It comes from somebody's container: no shell, no tool, garbage, contradictions, other targets, far too much."""
    answering(world, output)
    state = await ended(live)
    assert (state.phase, state.why, state.counts) == ("failed", why, {})


async def test_a_missing_right_to_exec_is_said(world: Cluster, tmp_path: Path) -> None:
    """403 at the upgrade; Pods may be read."""
    world.server.access.tokens["reader"] = User(name="reader")
    world.server.access.rules.append(Rule(subject="reader", verbs=("get",), resources=("pods",)))
    live = connected(world, tmp_path, token="reader")
    state = await ended(live)
    await live.close()
    assert (state.phase, state.why) == ("failed", "the bot may not exec into Pods there (pods/exec)")


async def test_a_pod_that_is_gone_or_does_not_run_is_said(world: Cluster, live: LiveCluster) -> None:
    """Before anything is executed."""
    with pytest.raises(NotFound):
        await live.start_probe(replace(POD, inside=Ref("shop", "gone")))
    world.objects.merge(
        "pods", "shop", "web-a", {"status": {"phase": "Failed"}}, manager="kubelet", subresource="status"
    )
    with pytest.raises(Forbidden, match="the Pod web-a does not run"):
        await live.start_probe(POD)


async def test_a_meshs_sidecar_would_answer_in_the_load_balancers_stead(
    world: Cluster, live: LiveCluster
) -> None:
    """Its proxy takes every connection over, so that all would seem to connect."""
    deploy(world, "meshed", "web", "istio-proxy")
    await world.settled()
    with pytest.raises(Forbidden, match="istio-proxy would answer"):
        await live.start_probe(replace(POD, inside=Ref("shop", "meshed")))


@pytest.mark.parametrize(
    ("annotations", "chosen"),
    [
        ({}, "log"),
        ({"kubectl.kubernetes.io/default-container": "web"}, "web"),
        ({"kubectl.kubernetes.io/default-container": "gone"}, "log"),
    ],
)
async def test_the_container_is_the_default_one_else_the_first(
    world: Cluster, live: LiveCluster, annotations: dict[str, str], chosen: str
) -> None:
    """As kubectl chooses."""
    asked: list[str] = []

    async def run(_pod: Json, container: str, _argv: Sequence[str], _stdin: asyncio.StreamReader) -> Output:
        await asyncio.sleep(0)
        asked.append(container)
        return Output(b"", b"", 0)

    world.server.streams.run = run
    deploy(world, "several", "log", "web", **annotations)
    await world.settled()
    await ended(live, replace(POD, inside=Ref("shop", "several")))
    assert asked == [chosen]


async def test_an_api_server_that_goes_away_leaves_a_sentence(world: Cluster, live: LiveCluster) -> None:
    """The stream ends without a status."""
    begun = asyncio.Event()

    async def run(_pod: Json, _container: str, _argv: Sequence[str], _stdin: asyncio.StreamReader) -> Output:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("it waits for ever")

    world.server.streams.run = run
    await live.start_probe(POD)
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
        await world.server.stop()
    state = await ended(live)
    assert state.phase == "failed"
    assert state.why


# --- the script itself, in a real shell --------------------------------------------------------------------

MANY = 20
"""Shells at once: enough that on a busy machine some are ended before their children have run at all."""
TWICE = ("tcp://127.0.0.1:1", "tcp://127.0.0.1:2")


async def started(argv: Sequence[str]) -> asyncio.subprocess.Process:
    """Start a command on this machine, in the plainest shell that it has."""
    shell = shutil.which("dash") or shutil.which("sh")
    assert shell is not None
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(shell, *argv[1:], stdin=pipe, stdout=pipe, stderr=pipe)


async def really(_pod: Json, _container: str, argv: Sequence[str], stdin: asyncio.StreamReader) -> Output:
    """Run a command on this machine, and hand its standard input on."""
    process = await started(argv)
    assert process.stdin is not None
    process.stdin.write(await stdin.read(2**16))
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        output, error = await asyncio.gather(process.stdout.read(), process.stderr.read())
        return Output(output, error, await process.wait())
    finally:
        process.stdin.close()


async def test_the_script_counts_real_connections(world: Cluster, live: LiveCluster) -> None:
    """One port answers HTTP, one takes connections and says nothing, one resets what it took, one refuses."""
    world.server.streams.run = really

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readline()
        heads.append(asked)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(1)
        writer.close()
        await asyncio.sleep(0)

    async def resetting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.close()
        await asyncio.sleep(0)

    heads: list[bytes] = []
    taken: list[int] = []
    web = await asyncio.start_server(answer, "127.0.0.1", 0)
    bare = await asyncio.start_server(silent, "127.0.0.1", 0)
    ill = await asyncio.start_server(resetting, "127.0.0.1", 0)
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    ports = [each.sockets[0].getsockname()[1] for each in (web, bare, ill)]
    targets = (
        f"http://127.0.0.1:{ports[0]}",
        f"tcp://127.0.0.1:{ports[1]}",
        f"tcp://127.0.0.1:{ports[2]}",
        f"tcp://127.0.0.1:{free.getsockname()[1]}",
    )
    state = await ended(live, replace(POD, targets=targets, connections=6, duration=5.0, timeout=5.0))
    assert state.phase == "done", state.why
    answered, took, broken, refused = (state.counts[target] for target in targets)
    # Six each, unless the machine is so busy that the time is over first.
    assert 1 <= answered.attempts == answered.connected <= 6
    assert heads == [b"HEAD / HTTP/1.1\r\n"] * answered.attempts, (
        "a HEAD request each, and no redirect was followed"
    )
    assert 1 <= took.attempts == took.connected == len(taken) <= 6
    assert 1 <= broken.attempts == broken.errors["other"] <= 5
    assert 1 <= refused.attempts == refused.errors["refused"] <= 6
    assert refused.connected == 0
    free.close()
    for server in (web, bare, ill):
        server.close()
        await server.wait_closed()


async def test_the_script_ends_with_whoever_listens() -> None:
    """Its standard input ends, and so does all that it started, however young; nothing is printed."""
    processes = [await started(["sh", "-s", "--", "1000", "600", "1", *TWICE]) for _ in range(MANY)]
    async with asyncio.timeout(PATIENCE):
        ends = await asyncio.gather(*(process.communicate(SCRIPT.encode()) for process in processes))
    assert {output for output, _ in ends} == {b""}
    assert {process.returncode for process in processes} == {-signal.SIGKILL}
