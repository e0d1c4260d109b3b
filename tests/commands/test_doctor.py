"""`doctor`, against a simulated installation: what is right is ok, each fault has its line and its remedy."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.commands import doctor
from bot.commands.doctor.check import Check, State
from bot.commands.doctor.slack import SCOPES, clock_check
from bot.config import load
from bot.demo.scenario import prod
from bot.demo.slack import Workspace
from bot.demo.world import World


@dataclass
class Installation:
    """A simulated cluster, cloud and Slack, and the configuration that leads to them."""

    world: World
    slack: Workspace
    home: Path

    async def checks(
        self,
        environ: Mapping[str, str] | None = None,
        cluster: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> dict[str, Check]:
        """Run the doctor; what is given replaces what is right. Return its lines by what they are about."""
        scenario = self.world.scenario
        cloud = {
            "provider": "otc",
            "region": "eu-de",
            "projectId": scenario.project,
            "clusterId": scenario.cluster_id,
            "endpoints": dict.fromkeys(("elb", "ces", "cce", "iam"), self.world.cloud_url),
        }
        written = {
            "incidentChannel": "C02INC",
            "clusters": {
                "prod": {
                    "kubeconfig": "kubeconfig",
                    "cloud": cloud,
                    "verification": {"image": "probe:1"},
                    **(cluster or {}),
                }
            },
            "policies": [{}],
            **(config or {}),
        }
        (self.home / "elb-passthrough.yaml").write_text(json.dumps(written))
        (self.home / "kubeconfig").write_text(json.dumps(self.world.kubeconfig()))
        settings = load(
            {
                "SLACK_BOT_TOKEN": "xoxb-demo",
                "SLACK_SIGNING_SECRET": "secret",
                "SLACK_API_URL": self.slack.api_url,
                "KUBECONFIG": str(self.home / "kubeconfig"),
                "CLOUD_ACCESS_KEY": scenario.access_key.access,
                "CLOUD_SECRET_KEY": scenario.access_key.secret,
                **(environ or {}),
            },
            self.home,
            slack_required=False,
        )
        async with asyncio.timeout(60):
            return {check.what: check async for check in doctor.examine(settings)}


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    """Give an installation in which everything is right."""
    world = World(replace(prod(), sync_delay=0.02))
    slack = Workspace(
        bot_token="xoxb-demo", signing_secret="secret", app_token="xapp-demo", scopes=frozenset(SCOPES)
    )
    await world.start()
    await slack.start(0)
    try:
        yield Installation(world, slack, tmp_path)
    finally:
        await slack.stop()
        await world.stop()


def test_a_line_says_state_subject_and_remedy() -> None:
    """One line per check."""
    check = Check(state=State.FAIL, what="clock", told="600 s ahead of Slack's", remedy="synchronise it")
    assert str(check) == "fail  clock: 600 s ahead of Slack's → synchronise it"
    assert (
        str(Check(state=State.OK, what="database", told="SQLite answers")) == "ok    database: SQLite answers"
    )


async def test_a_right_installation_has_nothing_but_ok(installation: Installation) -> None:
    """Every check of the contract is there."""
    checks = await installation.checks()
    assert {what: str(check) for what, check in checks.items() if check.state is not State.OK} == {}
    assert set(checks) == {
        "configuration",
        "Slack token",
        "Slack scopes",
        "Slack requests",
        "channel C02INC",
        "clock",
        "database",
        "prod: API server",
        "prod: reading",
        "prod: GitOps",
        "prod: changing",
        "prod: verification",
        "prod: cloud, ELB",
        "prod: cloud, Cloud Eye",
        "prod: cloud, CCE",
    }


async def test_a_wrong_token_is_told_without_the_token(installation: Installation) -> None:
    """What Slack calls the mistake, and what to do."""
    check = (await installation.checks({"SLACK_BOT_TOKEN": "xoxb-hunter2"}))["Slack token"]
    assert str(check) == "fail  Slack token: invalid_auth → reinstall the app and set the new token"


async def test_without_slack_the_rest_is_checked_all_the_same(installation: Installation) -> None:
    """No token, or nobody there."""
    checks = await installation.checks({"SLACK_BOT_TOKEN": ""})
    assert checks["Slack token"].told == "SLACK_BOT_TOKEN is not set"
    assert checks["prod: reading"].state is State.OK
    checks = await installation.checks({"SLACK_API_URL": "http://127.0.0.1:9/api/"})
    assert checks["Slack token"].told.startswith("no connection")
    assert checks["prod: reading"].state is State.OK


async def test_a_missing_scope_is_named_with_what_it_is_for(installation: Installation) -> None:
    """Not every installation was made from our manifest."""
    installation.slack = Workspace(
        bot_token="xoxb-demo", signing_secret="secret", scopes=frozenset(SCOPES) - {"usergroups:read"}
    )
    await installation.slack.start(0)
    try:
        check = (await installation.checks())["Slack scopes"]
    finally:
        await installation.slack.stop()
    assert check.state is State.FAIL
    assert check.told == "no usergroups:read, by which it knows who is in a user group that a policy names"


async def test_socket_mode_is_tried(installation: Installation) -> None:
    """Without connecting: a URL to connect to is enough."""
    good = await installation.checks({"SLACK_APP_TOKEN": "xapp-demo"})
    bad = await installation.checks({"SLACK_APP_TOKEN": "xapp-other"})
    assert good["Socket Mode"].state is State.OK
    assert bad["Socket Mode"].state is State.FAIL


async def test_requests_that_cannot_be_checked_are_a_failure(installation: Installation) -> None:
    """Neither secret nor Socket Mode."""
    check = (await installation.checks({"SLACK_SIGNING_SECRET": ""}))["Slack requests"]
    assert check.state is State.FAIL


async def test_a_token_of_another_workspace_is_a_failure(installation: Installation) -> None:
    """`team` says which was meant."""
    check = (await installation.checks(config={"team": "T0OTHER"}))["Slack token"]
    assert check.remedy == "the configuration says team: T0OTHER; one of them is wrong"


async def test_a_channel_that_is_not_there_is_a_failure(installation: Installation) -> None:
    """Where incidents would go unheard."""
    check = (await installation.checks(config={"changeChannel": "C0NOWHERE"}))["channel C0NOWHERE"]
    assert (check.state, check.told) == (State.FAIL, "channel_not_found")


async def test_a_cluster_that_does_not_answer_has_one_line(installation: Installation) -> None:
    """Its rights are not guessed."""
    await installation.world.cluster.stop()
    checks = await installation.checks()
    assert [what for what, check in checks.items() if check.state is State.FAIL] == ["prod: API server"]
    assert "prod: reading" not in checks


async def test_a_cluster_that_keeps_its_version_to_itself_is_no_failure(installation: Installation) -> None:
    """Hardened clusters do; credentials that are refused are another matter."""
    installation.world.api.faults.fail(code=403, verb="get")
    check = (await installation.checks())["prod: API server"]
    assert (check.state, check.told) == (State.OK, "answers, keeps its version to itself")


async def test_credentials_that_a_cluster_refuses_are_a_failure(installation: Installation) -> None:
    """The token is no longer known there."""
    installation.world.api.access.tokens.clear()
    check = (await installation.checks())["prod: API server"]
    assert (check.state, check.remedy) == (State.FAIL, "renew the account's credentials")


async def test_rights_that_are_missing_are_listed(installation: Installation) -> None:
    """All of them at once, by the cluster's own access reviews."""
    access = installation.world.api.access
    access.rules = [
        replace(
            rule,
            resources=tuple(r for r in rule.resources if r != "networkpolicies"),
            verbs=tuple(v for v in rule.verbs if v != "patch"),
        )
        for rule in access.rules
    ]
    checks = await installation.checks()
    assert checks["prod: reading"].told == "may not list networkpolicies, watch networkpolicies"
    assert checks["prod: changing"].told == "may not patch services"
    assert checks["prod: verification"].state is State.OK


async def test_not_being_able_to_ask_gitops_tools_is_a_warning(installation: Installation) -> None:
    """The bot works without, and its cards say "unknown"."""
    access = installation.world.api.access
    access.rules = [rule for rule in access.rules if "applications" not in rule.resources]
    check = (await installation.checks())["prod: GitOps"]
    assert check.state is State.WARN
    assert check.told.startswith("may not get applications, get kustomizations, get helmreleases: cards will")


async def test_a_read_only_cluster_needs_no_right_to_write(installation: Installation) -> None:
    """Nothing is ever written there."""
    checks = await installation.checks(cluster={"readOnly": True})
    assert checks["prod: changing"].told == "readOnly: nothing is ever written"
    assert checks["prod: verification"].state is State.WARN


async def test_verification_by_exec_needs_the_right_to_exec(installation: Installation) -> None:
    """Not the right to make Pods."""
    checks = await installation.checks(cluster={"verification": {"clients": "exec"}, "namespaces": ["shop"]})
    assert checks["prod: verification"].told == "may not create pods/exec in shop, get pods/exec in shop"


async def test_a_probe_without_an_image_of_its_own_is_a_warning(installation: Installation) -> None:
    """The default is found on no node of a real cluster."""
    assert (await installation.checks(cluster={"verification": {}}))["prod: probe image"].state is State.WARN


async def test_wrong_cloud_credentials_are_a_failure(installation: Installation) -> None:
    """For each service that would be asked."""
    checks = await installation.checks({"CLOUD_SECRET_KEY": "hunter2"})
    assert checks["prod: cloud, ELB"].state is State.FAIL
    assert checks["prod: cloud, Cloud Eye"].state is State.FAIL
    assert checks["prod: cloud, CCE"].state is State.WARN
    assert "hunter2" not in "".join(map(str, checks.values()))


async def test_a_cloud_that_is_not_configured_is_a_warning(installation: Installation) -> None:
    """Without a section, or without credentials."""
    none = await installation.checks(
        cluster={"cloud": {"provider": "otc", "region": "r", "projectId": "p"}},
        environ={"CLOUD_ACCESS_KEY": "", "CLOUD_SECRET_KEY": ""},
    )
    assert none["prod: cloud"].remedy == "set CLOUD_ACCESS_KEY and CLOUD_SECRET_KEY"


async def test_a_database_that_does_not_answer_is_a_failure(installation: Installation) -> None:
    """Nothing listens on that port."""
    check = (await installation.checks({"DATABASE_URL": "postgresql://bot:hunter2@127.0.0.1:9/x"}))[
        "database"
    ]
    assert check.state is State.FAIL
    assert "hunter2" not in str(check)


async def test_a_configuration_that_allows_nobody_anything_is_a_warning(installation: Installation) -> None:
    """Without policies people may look, and that is all."""
    check = (await installation.checks(config={"policies": []}))["configuration"]
    assert check.remedy == "without policies nobody may propose or approve anything"


@pytest.mark.parametrize(
    ("ahead", "state"),
    [(0.4, State.OK), (-30, State.OK), (31, State.WARN), (-240, State.WARN), (241, State.FAIL)],
)
def test_a_clock_may_be_half_a_minute_wrong(ahead: float, state: State) -> None:
    """Slack refuses after five minutes."""
    assert clock_check(ahead, "Slack's").state is state


async def test_a_teams_own_templates_are_checked(installation: Installation) -> None:
    """What does not compile, what renders a patch that may not be sent, and what is fine."""
    own = installation.home / "mine"
    (own / "patches").mkdir(parents=True)
    patch = own / "patches/pass-through.json.j2"
    value = "{% if value is none %}null{% else %}{{ value | tojson }}{% endif %}"
    body = '{"metadata": {"annotations": {"kubernetes.io/elb.pass-through": %s%s}}}'
    config = {"templates": str(own), "patches": {"allow": ["my.org/change"]}}
    what = f"templates in {own}"
    patch.write_text(body % (value, ', "my.org/change": "{{ service.name }}"'))
    assert (await installation.checks(config=config))[what].state is State.OK
    patch.write_text(body % ('"true"', ""))
    assert (
        "disabling: the template sets pass-through" in (await installation.checks(config=config))[what].told
    )
    patch.write_text(body % (value, ', "my.org/other": "x"'))
    assert "patches.allow does not list" in (await installation.checks(config=config))[what].told
    (own / "card.json.j2").write_text("{% if %}")
    found = (await installation.checks(config=config))[what]
    assert found.state is State.FAIL
    assert "card.json.j2 has the name of no template" in found.told
