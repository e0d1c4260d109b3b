"""`list`, in a process of its own against a simulated cluster and cloud."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.demo.bot_process import free_port
from bot.demo.scenario import bot_rules, prod
from bot.demo.world import World

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a run of the command ended."""

    status: int
    out: str
    err: str


class Terminal:
    """Runs the command as a person in a terminal would."""

    def __init__(self, world: World, home: Path) -> None:
        self.world = world
        self._home = home
        self.clusters: dict[str, Any] = {"prod": {"context": "prod"}}

    async def list(self, *arguments: str) -> Done:
        """Run `elb-passthrough list`."""
        (self._home / "elb-passthrough.yaml").write_text(json.dumps({"clusters": self.clusters}))
        (self._home / "kubeconfig").write_text(json.dumps(self.world.kubeconfig()))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "list",
            *arguments,
            cwd=self._home,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "HOME": str(self._home),
                "KUBECONFIG": str(self._home / "kubeconfig"),
                "CLOUD_ACCESS_KEY": self.world.scenario.access_key.access,
                "CLOUD_SECRET_KEY": self.world.scenario.access_key.secret,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(40):
            out, err = await process.communicate()
        return Done(status=process.returncode or 0, out=out.decode(), err=err.decode())


@pytest.fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    """A terminal beside the demo's cluster."""
    world = World(replace(prod(), sync_delay=0.02))
    await world.start()
    try:
        yield Terminal(world, tmp_path)
    finally:
        await world.stop()


def cloud(world: World) -> dict[str, Any]:
    """The settings of the simulated cloud."""
    scenario = world.scenario
    return {
        "provider": "otc",
        "region": "eu-de",
        "projectId": scenario.project,
        "clusterId": scenario.cluster_id,
        "endpoints": dict.fromkeys(("elb", "ces", "cce", "iam"), world.cloud_url),
    }


async def test_every_service_has_a_line(terminal: Terminal) -> None:
    """With its state, its worst verdict and its findings; the cloud is asked for what Kubernetes does not tell."""
    terminal.clusters = {"prod": {"context": "prod", "cloud": cloud(terminal.world)}}
    done = await terminal.list()
    rows = [line.split() for line in done.out.splitlines()]
    assert (done.status, done.err) == (0, "")
    assert rows[0] == ["CLUSTER", "SERVICE", "PASS-THROUGH", "WORST", "VERDICT", "FINDINGS"]
    assert [row[:4] for row in rows[1:]] == [
        ["prod", "default/nginx", "on", "reachable"],
        ["prod", "shop/checkout", "off", "reachable"],
    ]


async def test_one_namespace_of_one_cluster_as_json(terminal: Terminal) -> None:
    """For other programs."""
    done = await terminal.list("--cluster", "prod", "--namespace", "shop", "-o", "json")
    body = json.loads(done.out)
    (service,) = body["services"]
    assert (done.status, body["apiVersion"], body["kind"]) == (0, "elb-passthrough/v1", "ServiceList")
    assert body["clusters"] == [{"name": "prod", "problem": None}]
    assert (service["cluster"], service["namespace"], service["name"]) == ("prod", "shop", "checkout")
    assert service["passThrough"]["state"] == "off"
    assert service["verdict"] in {"reachable", "unreachable", "ambiguous", "undetermined"}
    assert all({"code", "severity", "message"} <= finding.keys() for finding in service["findings"])


async def test_a_namespace_without_services_is_said_to_be_one(terminal: Terminal) -> None:
    """An answer, not an error."""
    done = await terminal.list("--namespace", "nowhere")
    assert (done.status, done.out) == (0, "There is no LoadBalancer Service.\n")


async def test_a_misspelt_cluster_is_status_2(terminal: Terminal) -> None:
    """With the nearest name."""
    done = await terminal.list("--cluster", "prot")
    assert (done.status, done.out) == (2, "")
    assert done.err == "elb-passthrough: --cluster: no cluster is called 'prot'; did you mean prod?\n"


async def test_without_configuration_it_is_status_2(tmp_path: Path) -> None:
    """One clear sentence, no traceback."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "list",
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert process.returncode == 2
    assert err.decode().startswith("elb-passthrough: no cluster is configured")


async def test_a_cluster_that_does_not_answer_costs_its_own_lines_only(terminal: Terminal) -> None:
    """It is named, the others are listed, and the status says that not all is there."""
    kubeconfig = terminal.world.kubeconfig()
    kubeconfig["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    (terminal._home / "away").write_text(json.dumps(kubeconfig))
    terminal.clusters = {"away": {"context": "prod", "kubeconfig": "away"}, "prod": {"context": "prod"}}
    done = await terminal.list()
    assert done.status == 1
    assert "shop/checkout" in done.out
    assert "not all of away: " in done.out
    assert "Traceback" not in done.out + done.err


async def test_a_kind_that_may_not_be_listed_is_named(terminal: Terminal) -> None:
    """What is known is shown all the same."""
    terminal.world.api.access.rules = [
        replace(rule, resources=tuple(name for name in rule.resources if name != "pods"))
        for rule in bot_rules()
    ]
    done = await terminal.list()
    assert done.status == 1
    assert "not all of prod: Pods may not be listed" in done.out
