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

from bot.adapters.store import migrate, open_store
from bot.commands.list import Line, worst_first
from bot.demo.bot_process import free_port
from bot.demo.scenario import bot_rules, prod
from bot.demo.world import World
from bot.domain.change import ServiceRef
from bot.domain.explanation import Finding, Severity, Verdict
from bot.domain.incident import Incident, Key, Member, Phase, incident_id
from bot.domain.incident_rule import CUT_OFF
from bot.domain.objects import Ref
from tests.domain.situation import cce
from tests.fakes.world import START

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
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        return Done(status=process.returncode or 0, out=out.decode(), err=err.decode())

    def forbid(self, plural: str) -> None:
        """Take away the bot's right to list a kind."""
        self.world.api.access.rules = [
            replace(rule, resources=tuple(name for name in rule.resources if name != plural))
            for rule in bot_rules()
        ]

    async def store(self, *incidents: Incident) -> None:
        """Write incidents into the database that the bot of this directory has."""
        url = f"sqlite:///{self._home / 'elb-passthrough.sqlite3'}"
        migrate(url)
        store = open_store(url)
        try:
            for each in incidents:
                await store.incidents.open(each)
        finally:
            await store.close()


def incident(namespace: str, name: str) -> Incident:
    """An incident that was told and is not over."""
    key = Key("prod", f"service:{namespace}/{name}", CUT_OFF.code)
    ref = ServiceRef(cluster="prod", namespace=namespace, name=name)
    return Incident(
        id=incident_id(key, START),
        cluster=key.cluster,
        group=key.group,
        rule=key.rule,
        title=CUT_OFF.title,
        severity=CUT_OFF.severity,
        since=START,
        members=(Member(service=ref, text="nobody gets there"),),
        phase=Phase.OPEN,
    )


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
    assert rows[0] == ["CLUSTER", "SERVICE", "PASS-THROUGH", "WORST", "VERDICT", "FINDINGS", "INCIDENTS"]
    assert sorted(row[:4] for row in rows[1:3]) == [
        ["prod", "default/nginx", "on", "reachable"],
        ["prod", "shop/checkout", "off", "reachable"],
    ]


def test_the_worst_is_listed_first() -> None:
    """By verdict, then by the gravest finding, then by name; each finding with its severity."""

    def line(name: str, verdict: Verdict, *severities: Severity) -> Line:
        found = cce().explain()
        paths = tuple(replace(path, verdict=verdict) for path in found.paths)
        findings = tuple(Finding(code=f"{each}-x", severity=each, message="") for each in severities)
        named = replace(found, service=Ref("shop", name), paths=paths, findings=findings)
        return Line(cluster="prod", explanation=named, incidents=())

    lines = [
        line("a", Verdict.REACHABLE),
        line("b", Verdict.REACHABLE, Severity.INFO, Severity.WARNING),
        line("c", Verdict.REACHABLE, Severity.ERROR),
        line("d", Verdict.UNREACHABLE),
        line("e", Verdict.UNREACHABLE),
    ]
    ordered = worst_first(reversed(lines))
    assert [each.columns()[1] for each in ordered] == ["shop/d", "shop/e", "shop/c", "shop/b", "shop/a"]
    assert [each.columns()[4] for each in ordered[-2:]] == ["warning: warning-x; info: info-x", "none"]


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


async def test_a_namespace_without_services_is_told_from_one_that_is_not_there(terminal: Terminal) -> None:
    """An answer, not an error; but a typing error does not read as if all were well."""
    done = await terminal.list("--namespace", "shp")
    said = "No object of a namespace shp is seen, so nothing can be said about it: did you mean shop?\n"
    assert (done.status, done.out[: len(said)]) == (0, said)
    pod = {
        "metadata": {"namespace": "batch", "name": "one"},
        "spec": {"containers": [{"name": "c", "image": "c"}]},
    }
    terminal.world.api.objects.create("namespaces", {"metadata": {"name": "batch"}}, manager="test")
    terminal.world.api.objects.create("pods", pod, manager="test")
    done = await terminal.list("--namespace", "batch")
    assert done.out.startswith("Namespace batch has no LoadBalancer Service.\n")


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


async def test_where_no_cluster_answers_nothing_is_said_about_services(terminal: Terminal) -> None:
    """Not that there are none: nobody knows."""
    kubeconfig = terminal.world.kubeconfig()
    kubeconfig["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    (terminal._home / "away").write_text(json.dumps(kubeconfig))
    terminal.clusters = {"away": {"context": "prod", "kubeconfig": "away"}}
    done = await terminal.list()
    assert (done.status, done.err) == (1, "")
    assert done.out.startswith("No LoadBalancer Service could be read.\n")
    assert "There is no LoadBalancer Service" not in done.out
    assert "not all of away: away does not answer" in done.out
    as_json = await terminal.list("-o", "json")
    body = json.loads(as_json.out)
    assert (as_json.status, body["services"]) == (1, [])
    assert "does not answer" in body["clusters"][0]["problem"]


async def test_a_kind_that_may_not_be_listed_is_named(terminal: Terminal) -> None:
    """What is known is shown all the same, and every Service has its line."""
    terminal.forbid("pods")
    done = await terminal.list()
    assert done.status == 0
    assert "shop/checkout" in done.out
    assert "not all of prod: Pods may not be listed" in done.out


async def test_services_that_may_not_be_listed_are_bad_news(terminal: Terminal) -> None:
    """Then nothing is known of what was asked for."""
    terminal.forbid("services")
    done = await terminal.list()
    assert done.status == 1
    assert done.out.startswith("No LoadBalancer Service could be read.\n")


async def test_open_incidents_are_listed_with_their_services(terminal: Terminal) -> None:
    """As the bot's own database has them; what is over or has not settled is not."""
    await terminal.store(
        incident("shop", "checkout"),
        replace(incident("shop", "gone"), phase=Phase.CLOSED),
        replace(incident("shop", "soon"), phase=Phase.SETTLING),
        replace(incident("blog", "web"), cluster="elsewhere"),
    )
    done = await terminal.list()
    (row,) = [line for line in done.out.splitlines() if line.startswith("prod") and "shop/checkout" in line]
    assert done.status == 0
    assert row.endswith("clients-cut-off")
    assert "error    since 2026-03-02 14:00 UTC  shop/checkout · prod: nobody gets there" in done.out
    assert "gone" not in done.out + done.err
    assert "soon" not in done.out
    assert "elsewhere" not in done.out
    body = json.loads((await terminal.list("-o", "json", "--namespace", "shop")).out)
    (stored,) = body["incidents"]
    assert body["services"][0]["incidents"] == [stored["id"]]
    assert (stored["rule"], stored["severity"], stored["told"]) == ("clients-cut-off", "error", True)
    assert stored["services"] == [{"namespace": "shop", "name": "checkout", "text": "nobody gets there"}]
    elsewhere = json.loads((await terminal.list("-o", "json", "--namespace", "default")).out)
    assert elsewhere["incidents"] == []


async def test_without_a_database_open_incidents_are_said_to_be_unknown(terminal: Terminal) -> None:
    """And none is created by asking; the Services are listed all the same."""
    done = await terminal.list("-o", "json")
    body = json.loads(done.out)
    assert (done.status, body["incidents"], body["services"][0]["incidents"]) == (0, None, None)
    assert body["incidentsProblem"].startswith("there is no database at elb-passthrough.sqlite3")
    assert "open incidents are not known: there is no database" in (await terminal.list()).out
    assert list(terminal._home.glob("*.sqlite3*")) == []


async def test_a_database_of_something_else_is_said_in_one_sentence(terminal: Terminal) -> None:
    """No traceback, and the Services are listed."""
    (terminal._home / "elb-passthrough.sqlite3").write_bytes(b"no database at all" * 100)
    done = await terminal.list()
    assert done.status == 0
    assert "shop/checkout" in done.out
    assert "open incidents are not known: the database does not answer: " in done.out
    assert "Traceback" not in done.out + done.err
