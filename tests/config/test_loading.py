"""Environment and file in, settings out, or everything that is wrong with them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.config import AccessKey, ConfigurationError, Settings, UserPassword, load
from bot.config.settings import Clients, OnFailure, Provider, Redact, Route
from bot.domain.cluster_facts import Category, Mode
from bot.domain.explanation import Severity
from bot.domain.freeze import Weekly
from bot.domain.incident_rule import RULES

SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s3cret"}
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: prod/admin
contexts:
  - {name: prod/admin, context: {cluster: prod, user: bot}}
  - {name: staging, context: {cluster: staging, user: bot}}
"""
WHOLE = """
team: T01TEAM
incidentChannel: C02INC
changeChannel: C01OPS
operators: [S0PLATFORM]
templates: ./templates
patches: {allow: [my.org/change]}
clusters:
  prod:
    context: staging
    namespaces: [shop]
    readOnly: false
    category: standard
    kubeProxyMode: ipvs
    incidentChannel: C03PROD
    cloud:
      provider: otc
      region: eu-de
      projectId: 0123
      clusterId: "ab-12"
      credentials: CLOUD
      endpoints: {elb: "https://elb.example/", ces: "https://ces.example"}
    verification:
      clients: exec
      image: registry.example/elb-passthrough@sha256:ab
      namespace: probes
      hostNetwork: true
      connections: 60
      baseline: 1s
      window: 2s
      watch: 3s
      period: 500ms
      onFailure: rollback
policies:
  - match: {cluster: prod, namespace: "payments-*"}
    view: ["*"]
    verify: [S0PLATFORM]
    propose: [S0PLATFORM]
    approve: [S0SRE, U02BOB]
    rollback: [S0SRE]
    deny: [U09GONE]
    approvals: 2
    selfApproval: true
    breakGlass: [U01LEAD]
    expiresAfter: 4h
    reminder: 10m
    requireReason: true
    freeze: [{days: [sat, sun], from: 00:00, to: 24:00, zone: Europe/Berlin}]
    blockOn: [gitops-reverts]
    acceptRisk: [unsupported-version]
incidents:
  rules: {ipvs-sibling-mismatch: warning, unsupported-version: off}
  settle: 1m
  perMinute: 9
  quiet: [{from: 22:00, to: 07:00, zone: Europe/Berlin, below: warning}]
retention: 30d
redact: addresses
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a working directory with a kubeconfig and a directory of templates."""
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    (tmp_path / "templates").mkdir()
    return tmp_path


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    """Give an environment in which everything that must be set is."""
    return {**SLACK, "KUBECONFIG": str(home / "kubeconfig"), "HOME": str(home)}


Write = Callable[[str], Settings]


@pytest.fixture
def read(home: Path, environ: dict[str, str]) -> Write:
    """Give a function that loads a file's text."""

    def load_text(text: str) -> Settings:
        (home / "elb-passthrough.yaml").write_text(text)
        return load(environ, home)

    return load_text


def problems(read: Write, text: str) -> tuple[str, ...]:
    """Return what is wrong with a file."""
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    return caught.value.problems


def test_every_key_of_the_file_arrives(read: Write, home: Path) -> None:
    """One file with each key set to something that is not its default."""
    settings = read(WHOLE)
    assert settings.team == "T01TEAM"
    assert (settings.change_channel, settings.incident_channel) == ("C01OPS", "C02INC")
    assert settings.operators == ("S0PLATFORM",)
    assert settings.templates == home / "templates"
    assert settings.patches_allow == {"my.org/change"}
    assert (settings.retention, settings.redact) == (30 * 86400, Redact.ADDRESSES)
    incidents = settings.incidents
    assert incidents.rules == {"ipvs-sibling-mismatch": Severity.WARNING, "unsupported-version": None}
    assert (incidents.settle, incidents.per_minute) == (60, 9)
    assert (incidents.quiet[0].below, incidents.quiet[0].window.start) == (Severity.WARNING, 22 * 60)


def test_every_key_of_a_cluster_arrives(read: Write) -> None:
    """With its cloud and its verification."""
    cluster = read(WHOLE).clusters["prod"]
    assert (cluster.name, cluster.context, cluster.namespaces) == ("prod", "staging", ("shop",))
    assert (cluster.category, cluster.kube_proxy_mode) == (Category.STANDARD, Mode.IPVS)
    assert cluster.incident_channel == "C03PROD"
    cloud = cluster.cloud
    assert cloud is not None
    assert (cloud.provider, cloud.region, cloud.project_id, cloud.cluster_id) == (
        Provider.OTC,
        "eu-de",
        "0123",
        "ab-12",
    )
    assert cloud.endpoints == {"elb": "https://elb.example", "ces": "https://ces.example"}
    how = cluster.verification
    assert (how.clients, how.namespace, how.host_network, how.connections) == (
        Clients.EXEC,
        "probes",
        True,
        60,
    )
    assert (how.baseline, how.window, how.watch, how.period) == (1, 2, 3, 0.5)
    assert (how.image, how.on_failure) == ("registry.example/elb-passthrough@sha256:ab", OnFailure.ROLLBACK)


def test_every_key_of_a_policy_arrives(read: Write) -> None:
    """As the domain's value."""
    policy = read(WHOLE).policies[0]
    assert (policy.cluster, policy.namespace) == ("prod", "payments-*")
    assert (policy.verify, policy.propose, policy.rollback) == (("S0PLATFORM",), ("S0PLATFORM",), ("S0SRE",))
    assert (policy.approve, policy.deny, policy.break_glass) == (
        ("S0SRE", "U02BOB"),
        ("U09GONE",),
        ("U01LEAD",),
    )
    assert (policy.approvals, policy.self_approval, policy.require_reason) == (2, True, True)
    assert (policy.expires_after, policy.reminder) == (4 * 3600, 600)
    assert (policy.block_on, policy.accept_risk) == (
        frozenset({"gitops-reverts"}),
        frozenset({"unsupported-version"}),
    )
    assert [(w.start, w.end, w.zone, w.days) for w in policy.freeze] == [
        (0, 1440, "Europe/Berlin", frozenset({"sat", "sun"}))
    ]


def test_what_is_left_out_takes_its_default(read: Write) -> None:
    """A cluster's name and a policy without anything are enough."""
    settings = read("clusters: {prod: {}}\npolicies: [{}]\n")
    cluster = settings.clusters["prod"]
    assert (cluster.context, cluster.namespaces, cluster.read_only, cluster.cloud) == (
        None,
        None,
        False,
        None,
    )
    how = cluster.verification
    assert (how.baseline, how.window, how.watch, how.period) == (300, 600, 1800, 60)
    assert (how.connections, how.connections_for("https"), how.connections_for("tcp")) == (None, 120, 20)
    policy = settings.policies[0]
    assert (policy.view, policy.verify, policy.approvals, policy.self_approval) == (("*",), None, 1, False)
    assert (policy.expires_after, policy.reminder) == (86400, 1800)
    assert (settings.retention, settings.redact, settings.incidents.settle) == (400 * 86400, Redact.NONE, 120)


def test_connections_that_are_set_hold_for_bare_tcp_too(read: Write) -> None:
    """20 for bare TCP unless set."""
    settings = read("clusters: {prod: {verification: {connections: 60}}}\n")
    assert settings.clusters["prod"].verification.connections_for("tcp") == 60


def test_a_cluster_without_an_incident_channel_uses_the_common_one(read: Write) -> None:
    """The default for every cluster."""
    settings = read("incidentChannel: C02INC\nclusters: {a: {incidentChannel: C0A1}, b: {}}\n")
    assert [cluster.incident_channel for cluster in settings.clusters.values()] == ["C0A1", "C02INC"]


# --- without a file --------------------------------------------------------------------------------------


def test_without_a_file_the_current_context_is_the_only_cluster(home: Path, environ: dict[str, str]) -> None:
    """Its name is made writable in Slack; nobody may do anything but look."""
    settings = load(environ, home)
    assert [(c.name, c.context, c.in_cluster) for c in settings.clusters.values()] == [
        ("prod-admin", "prod/admin", False)
    ]
    assert settings.policies == ()
    assert settings.file is None


def test_without_file_and_kubeconfig_the_own_cluster_is_meant(home: Path, environ: dict[str, str]) -> None:
    """In a Pod."""
    pod = {**environ, "KUBECONFIG": "", "KUBERNETES_SERVICE_HOST": "10.247.0.1"}
    settings = load(pod, home)
    assert [(c.name, c.in_cluster) for c in settings.clusters.values()] == [("in-cluster", True)]


def test_without_anything_it_is_said_where_was_looked(home: Path, environ: dict[str, str]) -> None:
    """Neither file, kubeconfig nor Pod."""
    with pytest.raises(ConfigurationError, match="no cluster is configured") as caught:
        load({**environ, "KUBECONFIG": ""}, home)
    assert str(home / ".kube/config") in str(caught.value)


def test_the_first_kubeconfig_that_names_a_context_decides(home: Path, environ: dict[str, str]) -> None:
    """Several, separated by colons; those that are not there are passed over, as kubectl does."""
    (home / "other").write_text("current-context: mine\ncontexts: [{name: mine}]\n")
    several = {**environ, "KUBECONFIG": f"{home}/absent:{home}/other:{home}/kubeconfig"}
    assert list(load(several, home).clusters) == ["mine"]


# --- faults ----------------------------------------------------------------------------------------------


def test_all_faults_are_told_at_once(home: Path) -> None:
    """Variables, keys, values, contexts and credentials, in one answer."""
    (home / "elb-passthrough.yaml").write_text(
        "tem: T01TEAM\n"
        "clusters:\n"
        "  prod:\n"
        "    context: stagin\n"
        "    kubProxyMode: ipvs\n"
        "    cloud: {provider: otc, region: eu-de, projectId: p}\n"
        "retention: 2x\n"
    )
    environ = {"KUBECONFIG": str(home / "kubeconfig"), "PORT": "http", "CLOUD_ACCESS_KEY": "AK"}
    with pytest.raises(ConfigurationError) as caught:
        load({**environ, "DATABASE_URL": "mysql://root:hunter2@db/x"}, home)
    assert caught.value.problems == (
        "SLACK_BOT_TOKEN is not set: the bot token (xoxb-…) of the Slack app",
        "SLACK_SIGNING_SECRET is not set: Slack's requests cannot be checked without it; SLACK_APP_TOKEN (xapp-…) for Socket Mode would do too",
        "PORT is 'http'; it may be a number from 0 to 65535",
        "DATABASE_URL is no address such as sqlite:///elb-passthrough.sqlite3 or postgresql://host/name",
        "elb-passthrough.yaml:1: tem is not a known key; did you mean team?",
        "elb-passthrough.yaml:5: clusters.prod.kubProxyMode is not a known key; did you mean kubeProxyMode?",
        f"elb-passthrough.yaml:4: clusters.prod.context is 'stagin', which {home}/kubeconfig does not have; did you mean staging?",
        "CLOUD_SECRET_KEY is not set, but CLOUD_ACCESS_KEY is: they go together",
        "elb-passthrough.yaml:7: retention is '2x', which is no duration such as 500ms, 2s, 5m, 4h or 400d",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- a", ":1: the file must hold keys with values"),
        ("team: [T01TEAM]", ":1: team must be a single value"),
        ("team:", ":1: team is empty"),
        ("team: U01", ":1: team is 'U01', which is no Slack team id such as T01TEAM"),
        ("operators: S0PLATFORM", ":1: operators must be a list"),
        ("operators: ['@sre']", ":1: operators[0] is '@sre', which is no Slack user id"),
        ("changeChannel: '#ops'", ":1: changeChannel is '#ops', which is no Slack channel id such as C02INC"),
        ("templates: nowhere", "nowhere, which is no directory"),
        (
            "redact: address",
            ":1: redact is 'address'; it may be none, addresses or names; did you mean addresses?",
        ),
        ("retention: 0s", ":1: retention must be longer than nothing"),
        ("retention: 99999999d", "which is longer than a hundred years"),
        (
            "patches: {allow: [kubernetes.io/x]}",
            "keys of Kubernetes, a cloud or a GitOps tool cannot be allowed",
        ),
        ("patches: {allow: [kubernetes.io/elb.pass-through]}", "which needs no permission"),
        ("patches: {allow: ['a b']}", "which is no annotation key such as my.org/change"),
        ("clusters: {pr_od: {}}", ":1: the name of clusters.pr_od is 'pr_od', which is no cluster name"),
        ("clusters: {a: {readOnly: maybe}}", "clusters.a.readOnly is 'maybe'; it may be true or false"),
        (
            "clusters: {a: {kubeProxyMode: ipvs2}}",
            "it may be iptables, ipvs, nftables or other; did you mean ipvs?",
        ),
        ("clusters: {a: {namespaces: [Shop]}}", "clusters.a.namespaces[0] is 'Shop', which is no namespace"),
        (
            "clusters: {a: {inCluster: true, context: staging}}",
            "clusters.a has inCluster and a kubeconfig or context",
        ),
        ("clusters: {a: {kubeconfig: absent}}", "absent, which is not there"),
        ("clusters: {a: {cloud: {provider: otc}}}", "clusters.a.cloud has no projectId"),
        (
            "clusters: {a: {cloud: {endpoints: {elb: elb.example}}}}",
            "is no address such as https://elb.example.com",
        ),
        ("clusters: {a: {verification: {connections: 0}}}", "it may be a whole number from 1 to 100000"),
        ("clusters: {a: {verification: {period: 0s}}}", "period must be longer than nothing"),
        (
            "policies: [{approvals: 1.5}]",
            "policies[0].approvals is '1.5'; it may be a whole number from 1 to 20",
        ),
        ("policies: [{breakGlass: ['*']}]", "policies[0].breakGlass[0] is '*', which is no Slack user id"),
        (
            "policies: [{blockOn: [gitops-reverts], acceptRisk: [gitops-reverts]}]",
            "policies[0] has gitops-reverts in both blockOn and acceptRisk",
        ),
        ("policies: [{freeze: [{from: 24:01, to: 1:00}]}]", "is '24:01', which is no time of day"),
        ("policies: [{freeze: [{from: 1:00, to: 1:00}]}]", "freeze[0] begins when it ends"),
        (
            "policies: [{freeze: [{from: 1:00, to: 2:00, zone: Berlin}]}]",
            "is 'Berlin', which is no time zone",
        ),
        (
            "policies: [{freeze: [{from: 1:00, to: 2:00, zone: ../etc}]}]",
            "is '../etc', which is no time zone",
        ),
        (
            "policies: [{freeze: [{from: 1:00, to: 2:00, days: [so]}]}]",
            "it may be mon, tue, wed, thu, fri, sat or sun",
        ),
        ("policies: [{freeze: [{from: 1:00}]}]", "policies[0].freeze[0] has no to"),
        ("incidents: {rules: {gitops-reverts: fatal}}", "it may be error, warning, info or off"),
        (
            "incidents: {rules: {gitops-revert: error}}",
            "which is no rule's and no finding's code; did you mean gitops-reverts?",
        ),
        (
            "policies: [{blockOn: [watch-stale]}]",
            "is 'watch-stale', which is no finding's code",
        ),
        ("team: T01\nteam: T02", ":2: team is given twice, first in line 1"),
        ("incidents:\n  settle: 1m\n  settle: 2m", ":3: incidents.settle is given twice, first in line 2"),
        ("? [a]\n: b", ":1: ? is no name"),
        ("team: 'T01", ":1: this is not YAML"),
        ("team: T01\n---\nteam: T02", "this is not YAML: but found another document"),
        ("team: \x00", "is not YAML"),
        ("a: &a [*a]", "aliases unfold too far"),
        ("team: " + "[" * 100_000, ":1: nested too deeply"),
    ],
)
def test_a_fault_names_line_key_and_what_it_may_be(read: Write, text: str, sentence: str) -> None:
    """Each in one sentence."""
    told = problems(read, text)
    assert any(sentence in problem for problem in told), told
    assert all("\n" not in problem for problem in told)


def test_what_a_file_says_cannot_steer_a_terminal_or_fill_it(read: Write) -> None:
    """Keys and values are told in one short line."""
    (key, value) = problems(read, '"a\\n\\e[2Jb": 1\nteam: ' + "x" * 10_000)
    assert key == "elb-passthrough.yaml:1: a??[2Jb is not a known key"
    assert len(value) < 400


def test_aliases_that_unfold_a_billionfold_are_refused(read: Write) -> None:
    """A file of ten lines must not take a minute."""
    layers = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    assert problems(read, f"a0: &a0 [x]\n{layers}") == ("elb-passthrough.yaml:1: aliases unfold too far",)


def test_a_list_may_be_shared_by_an_alias(read: Write) -> None:
    """Ordinary use of YAML is not punished."""
    text = "policies:\n  - {match: {cluster: a}, approve: &sre [S0SRE]}\n  - {approve: *sre}\n"
    assert [policy.approve for policy in read(text).policies] == [("S0SRE",), ("S0SRE",)]


def test_a_file_that_is_not_there_is_a_fault_only_if_it_was_named(
    home: Path, environ: dict[str, str]
) -> None:
    """The variable's, then."""
    with pytest.raises(
        ConfigurationError, match=r"ELB_PASSTHROUGH_CONFIG names other\.yaml, which is not there"
    ):
        load({**environ, "ELB_PASSTHROUGH_CONFIG": "other.yaml"}, home)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"\xff\xfe", "is not UTF-8 text"), (b"#" * (1 << 20) + b"#", "is larger than a megabyte")],
)
def test_a_file_that_is_no_configuration_is_refused(
    home: Path, environ: dict[str, str], content: bytes, sentence: str
) -> None:
    """By a sentence, whatever it is."""
    (home / "elb-passthrough.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=sentence):
        load(environ, home)


def test_a_directory_is_no_configuration(home: Path, environ: dict[str, str]) -> None:
    """The system's reason is told."""
    with pytest.raises(ConfigurationError, match=r"templates cannot be read: Is a directory"):
        load({**environ, "ELB_PASSTHROUGH_CONFIG": "templates"}, home)


def test_a_broken_kubeconfig_is_named(read: Write, home: Path) -> None:
    """With its line."""
    (home / "kubeconfig").write_text("contexts: [\n")
    assert any(
        f"{home}/kubeconfig:2: this is not YAML" in problem for problem in problems(read, "clusters: {a: {}}")
    )


def test_a_cluster_needs_a_kubeconfig_or_to_be_its_own(read: Write, home: Path) -> None:
    """Without one it is said what needs none."""
    (home / "kubeconfig").unlink()
    (told,) = problems(read, "clusters: {a: {}}")
    assert told.endswith("clusters.a cannot be reached: there is no kubeconfig; inCluster: true needs none")
    assert read("clusters: {a: {inCluster: true}}").clusters["a"].in_cluster


def test_a_kubeconfig_without_a_current_context_needs_one_named(read: Write, home: Path) -> None:
    """Guessing the wrong cluster would be worse."""
    (home / "kubeconfig").write_text("contexts: [{name: a}, {name: b}]")
    (told,) = problems(read, "clusters: {a: {}}")
    assert "has no context" in told
    assert read("clusters: {a: {context: b}}").clusters["a"].context == "b"


# --- credentials and warnings ----------------------------------------------------------------------------

CLOUD = "clusters: {a: {cloud: {provider: otc, region: eu-de, projectId: p%s}}}"


def test_each_cluster_may_have_credentials_of_its_own(home: Path, environ: dict[str, str]) -> None:
    """By the prefix of its variables."""
    (home / "elb-passthrough.yaml").write_text(CLOUD % ", credentials: EAST")
    keys = {
        "EAST_ACCESS_KEY": "AK",
        "EAST_SECRET_KEY": "SK",
        "EAST_SECURITY_TOKEN": "T",
        "CLOUD_USERNAME": "other",
    }
    cloud = load({**environ, **keys}, home).clusters["a"].cloud
    assert cloud is not None
    assert isinstance(cloud.credentials, AccessKey)
    assert cloud.credentials.secret_key.reveal() == "SK"
    assert cloud.credentials.security_token is not None


def test_a_user_and_password_are_credentials_too(home: Path, environ: dict[str, str]) -> None:
    """They fetch an IAM token."""
    (home / "elb-passthrough.yaml").write_text(CLOUD % "")
    user = {"CLOUD_USERNAME": "bot", "CLOUD_PASSWORD": "hunter2", "CLOUD_DOMAIN": "OTC1"}
    cloud = load({**environ, **user}, home).clusters["a"].cloud
    assert cloud is not None
    assert isinstance(cloud.credentials, UserPassword)
    assert cloud.credentials.domain.reveal() == "OTC1"
    with pytest.raises(ConfigurationError, match="CLOUD_ACCESS_KEY and CLOUD_USERNAME are both set"):
        load({**environ, **user, "CLOUD_ACCESS_KEY": "AK", "CLOUD_SECRET_KEY": "SK"}, home)


def test_a_cloud_without_credentials_is_a_warning(read: Write) -> None:
    """Verification will say what it could not see."""
    (told,) = read(CLOUD % "").warnings
    assert "clusters.a.cloud has no credentials (CLOUD_ACCESS_KEY and so on)" in told


def test_a_policy_for_no_cluster_is_a_warning(read: Write) -> None:
    """Probably a misspelt name; it gives nobody a right."""
    (told,) = read(
        "clusters: {prod: {}}\npolicies: [{match: {cluster: prd}}, {match: {cluster: 'p*'}}]"
    ).warnings
    assert told == "policies[0].match.cluster is 'prd', which no cluster's name matches"


@pytest.mark.parametrize(
    ("url", "warned"), [("http://slack.example/api", True), ("http://127.0.0.1:8080/api/", False)]
)
def test_tokens_over_plain_http_are_a_warning(
    home: Path, environ: dict[str, str], url: str, *, warned: bool
) -> None:
    """On loopback nobody listens in."""
    settings = load({**environ, "SLACK_API_URL": url}, home)
    assert settings.slack.api_url.endswith("/api/")
    assert bool(settings.warnings) is warned


def test_every_rule_of_incidents_may_be_given_a_severity(read: Write) -> None:
    """By its own code, those that are no findings of the engine among them."""
    given = "".join(f"    {code}: info\n" for code in RULES)
    settings = read(f"incidents:\n  rules:\n{given}")
    assert settings.incidents.rules == dict.fromkeys(RULES, Severity.INFO)


def test_routes_and_the_weekly_digest_arrive(read: Write) -> None:
    """Each with its defaults; a digest may be switched off."""
    given = """
incidents:
  least: warning
  routes:
    - {match: {cluster: prod, namespace: "payments-*"}, channel: C09PAY, least: error}
    - {least: info}
  weekly: {day: fri, at: "16:30", zone: Europe/Berlin}
"""
    incidents = read(given).incidents
    assert incidents.least is Severity.WARNING
    assert incidents.routes == (
        Route(cluster="prod", namespace="payments-*", channel="C09PAY", least=Severity.ERROR),
        Route(least=Severity.INFO),
    )
    assert incidents.weekly == Weekly(day="fri", minute=16 * 60 + 30, zone="Europe/Berlin")
    assert read("incidents: {weekly: {day: never}}").incidents.weekly is None
    assert read("incidents: {weekly: {zone: Europe/Berlin}}").incidents.weekly == Weekly(zone="Europe/Berlin")
    assert read("").incidents.weekly == Weekly()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("incidents: {weekly: {day: sometimes}}", "is 'sometimes'; it may be mon"),
        ('incidents: {weekly: {at: "24:00"}}', "the day begins at 00:00"),
        ("incidents: {routes: [{channel: general}]}", "Slack channel id"),
        ("incidents: {routes: [{to: C01OPS}]}", "incidents.routes[0]"),
    ],
)
def test_a_route_that_leads_nowhere_is_a_fault(read: Write, text: str, sentence: str) -> None:
    """Named with its place."""
    assert sentence in " ".join(problems(read, text))
