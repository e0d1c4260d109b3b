"""`serve`, as an operator meets it: how it starts, what it needs, how it ends, what it logs."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from bot.adapters.cluster.pace import Timing
from bot.demo.bot_process import free_port
from bot.demo.scenario import prod
from bot.demo.slack import Workspace
from bot.demo.slack.rate import NONE
from bot.demo.world import World
from tests.commands.serving import APP_TOKEN, BOT_TOKEN, ROOT, SECRET, Serving

ALICE, BOB, OPS = "U01ALICE", "U02BOB", "C01OPS"
CONFIG: dict[str, Any] = {
    "clusters": {"prod": {"context": "prod", "verification": {"clients": "none"}}},
    "policies": [{"propose": [ALICE], "approve": ["S0SRE"]}],
}

Make = Callable[..., Serving]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A simulated cluster."""
    made = World(replace(prod(), sync_delay=0.02))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def slack(request: pytest.FixtureRequest) -> Workspace:
    """A workspace that does not listen yet."""
    token = APP_TOKEN if getattr(request, "param", "http") == "socket" else None
    return Workspace(bot_token=BOT_TOKEN, signing_secret=SECRET, app_token=token, rates=NONE, patience=60.0)


@pytest.fixture
async def make(world: World, tmp_path: Path) -> AsyncIterator[Make]:
    """Makes processes, and ends them."""
    made: list[Serving] = []
    (tmp_path / "kubeconfig").write_text(json.dumps(world.kubeconfig()), encoding="utf-8")

    def serving(slack_url: str, *, config: dict[str, Any] = CONFIG, **environ: str) -> Serving:
        given = {
            "SLACK_API_URL": f"{slack_url}/api/",
            "SLACK_RESPONSE_HOSTS": slack_url.removeprefix("http://"),
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            **({} if "SLACK_APP_TOKEN" in environ else {"SLACK_SIGNING_SECRET": SECRET}),
        }
        made.append(Serving(tmp_path, environ=given | environ, config=config))
        return made[-1]

    yield serving
    for each in made:
        await each.stop()


async def ready(bot: Serving) -> None:
    """Wait until it takes commands, performs jobs and knows its cluster."""
    await bot.logged("serving as")
    await bot.logged("the database is ready")


async def told(slack: Workspace, user: str, text: str, *, after: int = 0) -> str:
    """Give a command until the cluster is known; return the answer."""
    count = after
    while True:
        assert (await slack.command(user, OPS, text)).ok
        count += 1
        await slack.wait_for(lambda wanted=count: len(slack.ephemerals(user)) >= wanted)  # type: ignore[misc] # mypy does not infer lambdas with defaults
        answer = slack.readable(slack.ephemerals(user)[-1], user)
        if "have not been read yet" not in answer and "has not answered yet" not in answer:
            return answer


@pytest.mark.parametrize("slack", ["http", "socket"], indirect=True)
async def test_it_serves_against_any_slack_and_stops_when_it_is_told_to(
    slack: Workspace, make: Make, tmp_path: Path
) -> None:
    """Over both transports: ready, a question, an order, metrics, a clean end within seconds, nothing secret logged."""
    url = await slack.start()
    socket = {"SLACK_APP_TOKEN": APP_TOKEN} if slack.state.app_token else {}
    bot = make(url, **socket)
    await bot.start("-X", "importtime")
    slack.request_url = f"{bot.url}/slack/events"
    await ready(bot)
    if socket:
        await bot.logged("Socket Mode is connected")
    assert "bypass the load balancer" in await told(slack, ALICE, "status shop/checkout")
    assert (await slack.command(ALICE, OPS, "enable shop/checkout TLS errors")).ok
    await slack.wait_for(lambda: slack.messages(OPS))
    status, details = await bot.get("/readyz")
    assert (status, json.loads(details)) == (
        200,
        {"slack": "ok", "database": "ok", "clusters": {"prod": "ok"}},
    )
    assert await bot.get("/healthz") == (200, "alive\n")
    assert "elb_passthrough_job_seconds_count" in (await bot.get("/metrics"))[1]
    bot.terminate()
    assert await bot.ended() == 0
    await slack.stop()
    _nothing_secret(bot)
    _nothing_simulated(bot)
    assert (tmp_path / "bot.sqlite3").exists()


def _nothing_secret(bot: Serving) -> None:
    log = json.dumps(bot.lines)
    for secret in (BOT_TOKEN, APP_TOKEN, SECRET, "/commands/T01TEAM/", "/actions/T01TEAM/", "ticket="):
        assert secret not in log
    assert [line for line in bot.lines if line["level"] not in ("info", "debug")] == []
    assert [
        line for line in bot.lines if "As you gave" in line["message"] or "alembic" in line["logger"]
    ] == []


def _nothing_simulated(bot: Serving) -> None:
    """By the interpreter's own list of imports."""
    imported = [line.rpartition("|")[2].strip() for line in bot.other if line.startswith("import time:")]
    assert "bot.commands.house" in imported
    assert [name for name in imported if name.startswith("bot.demo")] == []


def test_the_command_needs_nothing_of_the_demo() -> None:
    """Not even when everything that it may load is loaded."""
    script = "import bot.commands.serve, sys; print([m for m in sys.modules if m.startswith('bot.demo')])"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


async def test_it_starts_before_anything_is_there_and_becomes_ready(
    slack: Workspace, make: Make, tmp_path: Path
) -> None:
    """Slack, database and cluster may come later; health is served at once, readiness says what is missing."""
    port = free_port()
    database = tmp_path / "later.sqlite3"
    database.mkdir()
    bot = make(f"http://127.0.0.1:{port}", DATABASE_URL=f"sqlite:///{database}")
    await bot.start()
    assert (await bot.get("/healthz"))[0] == 200
    status, details = await bot.get("/readyz")
    assert status == 503
    assert "not serving" in json.loads(details)["slack"]
    await bot.logged("Slack does not answer auth.test")
    await bot.logged("the database does not answer: unable to open database file; asking again")
    await slack.start(port)
    await bot.logged("serving as T01TEAM")
    slack.request_url = f"{bot.url}/slack/events"
    assert "bypass" in await told(slack, ALICE, "status shop/checkout")
    assert json.loads((await bot.get("/readyz"))[1])["slack"] == "ok"
    database.rmdir()
    await bot.logged("the database is ready")
    assert (await bot.get("/readyz"))[0] == 200
    await slack.stop()


async def test_a_refused_token_ends_it_with_2(slack: Workspace, make: Make) -> None:
    """With one sentence that names the variable, and no traceback."""
    url = await slack.start()
    bot = make(url, SLACK_BOT_TOKEN="xoxb-wrong")
    await bot.start()
    assert await bot.ended() == 2
    assert bot.other == ["elb-passthrough: SLACK_BOT_TOKEN is refused by Slack (invalid_auth)"]
    await slack.stop()


async def test_a_port_that_is_taken_ends_it_with_2(slack: Workspace, make: Make) -> None:
    """With one sentence."""
    url = await slack.start()
    bot = make(url, PORT=url.rpartition(":")[2])
    with pytest.raises(AssertionError, match="it ended with 2"):
        await bot.start()
    assert len(bot.other) == 1
    assert "address already in use" in bot.other[0]
    await slack.stop()


async def test_a_cluster_that_hangs_is_said_so_within_two_and_a_half_seconds(
    slack: Workspace, make: Make, world: World
) -> None:
    """Of the command; nothing is proposed, and status answers from what is known."""
    url = await slack.start()
    bot = make(url)
    await bot.start()
    slack.request_url = f"{bot.url}/slack/events"
    await ready(bot)
    await told(slack, ALICE, "status shop/checkout")
    world.api.faults.hang(count=None)
    took = {}
    for text in ("enable shop/checkout TLS errors", "status shop/checkout"):
        started, before = perf_counter(), len(slack.ephemerals(ALICE))
        assert (await slack.command(ALICE, OPS, text)).ok
        await slack.wait_for(lambda wanted=before + 1: len(slack.ephemerals(ALICE)) >= wanted)  # type: ignore[misc] # mypy does not infer lambdas with defaults
        took[text] = perf_counter() - started
    refused, answered = (slack.readable(m, ALICE) for m in slack.ephemerals(ALICE)[-2:])
    world.api.faults.clear()
    assert "does not answer" in refused
    assert "bypass the load balancer" in answered
    # What asks for longer than an answer may take waits out a whole call's limit; a busy machine does not.
    assert max(took.values()) < Timing().call, took
    assert slack.messages(OPS) == []
    await slack.stop()


async def test_asked_to_stop_it_gives_its_leases_back(slack: Workspace, make: Make, tmp_path: Path) -> None:
    """So that another replica need not wait for their end."""
    url = await slack.start()
    bot = make(url)
    await bot.start()
    slack.request_url = f"{bot.url}/slack/events"
    await ready(bot)
    await told(slack, ALICE, "status shop/checkout")
    slack.faults.add("chat.postMessage", "hang")
    assert (await slack.command(ALICE, OPS, "enable shop/checkout TLS errors")).ok
    await slack.wait_for(lambda: not slack.faults.pending())
    bot.terminate()
    assert await bot.ended() == 0
    with closing(sqlite3.connect(tmp_path / "bot.sqlite3")) as connection:
        rows = connection.execute("SELECT key, lease FROM jobs WHERE done_at IS NULL AND kind = 'card'")
        ((key, lease),) = rows.fetchall()
    assert key.startswith("card:")
    assert not lease
    slack.faults.clear()
    again = make(url)
    await again.start()
    await slack.wait_for(lambda: slack.messages(OPS))
    async with asyncio.timeout(60):
        await again.stop()
    await slack.stop()
