"""The settings: what the environment and the configuration file say, checked, with every default filled in.

Durations are seconds. The keys, their defaults and their meaning for people are in docs/configuration.md.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType

from bot import __version__
from bot.config.secret import Secret
from bot.domain.cluster_facts import Category, Mode
from bot.domain.explanation import Severity
from bot.domain.freeze import Weekly, Window
from bot.domain.policy import Policy

PROBE_IMAGE = f"localhost/elb-passthrough:{__version__}"
"""The probe's image where none is configured: no registry but the node's own store can serve it."""


class Provider(StrEnum):
    """Whose cloud API it is."""

    OTC = "otc"
    HUAWEICLOUD = "huaweicloud"


class Clients(StrEnum):
    """Where verification's connections come from."""

    PROBE = "probe"
    """Short-lived Pods of ours."""
    EXEC = "exec"
    """Commands in Pods that run anyway."""
    NONE = "none"
    """Nowhere: the load balancer's counters alone."""


class OnFailure(StrEnum):
    """What follows a verification that failed."""

    OFFER = "offer"
    ROLLBACK = "rollback"


class Redact(StrEnum):
    """What Slack messages leave out."""

    NONE = "none"
    ADDRESSES = "addresses"
    NAMES = "names"


RETENTION = 400 * 86400.0
"""Seconds for which changes and events are kept, unless it is configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """Signs each request to the cloud."""

    access_key: Secret
    secret_key: Secret
    security_token: Secret | None = None
    """Goes with a temporary access key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPassword:
    """Fetches an IAM token, and a new one before it expires."""

    username: Secret
    password: Secret
    domain: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSettings:
    """One project of a cloud, whose ELB, Cloud Eye and CCE may be asked."""

    provider: Provider
    region: str
    project_id: str
    cluster_id: str | None = None
    """Lets CCE say category, version and proxy mode."""
    prefix: str = "CLOUD"
    """Of the environment variables that hold the credentials."""
    credentials: AccessKey | UserPassword | None = None
    """None: no variable of that prefix is set; the cloud is not asked."""
    endpoints: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """elb, ces, cce, iam → base URL without a trailing slash, where it is not the provider's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationSettings:
    """How a change is measured."""

    clients: Clients = Clients.PROBE
    image: str = PROBE_IMAGE
    namespace: str = "elb-passthrough"
    host_network: bool = False
    connections: int | None = None
    """Per client class and minute; None: 120 for HTTP and HTTPS, 20 for bare TCP (`connections_for`)."""
    baseline: float = 300.0
    window: float = 600.0
    watch: float = 1800.0
    period: float = 60.0
    on_failure: OnFailure = OnFailure.OFFER

    def connections_for(self, scheme: str) -> int:
        """Return the connections per client class and minute to a target: tcp, http or https.

        Interrupted connections make some databases lock a host out, so bare TCP gets few.
        """
        return self.connections or (20 if scheme == "tcp" else 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """One cluster, as Slack names it."""

    name: str
    context: str | None = None
    """Of the kubeconfig; None and not `in_cluster`: its current context."""
    kubeconfig: Path | None = None
    """None: $KUBECONFIG or ~/.kube/config."""
    in_cluster: bool = False
    namespaces: tuple[str, ...] | None = None
    """None: all."""
    read_only: bool = False
    category: Category | None = None
    """None: to be detected."""
    kube_proxy_mode: Mode | None = None
    """None: unknown."""
    incident_channel: str | None = None
    """Its own, else the one for every cluster; None: nobody is told."""
    cloud: CloudSettings | None = None
    verification: VerificationSettings = field(default_factory=VerificationSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Hours in which incidents below a severity are not told."""

    window: Window
    below: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where the incidents of some namespaces are told, and which."""

    cluster: str = "*"
    """A glob, as fnmatch reads it, upper and lower case apart."""
    namespace: str = "*"
    channel: str | None = None
    """None: the cluster's."""
    least: Severity | None = None
    """Incidents below are listed and not told; None: as for all."""

    def matches(self, cluster: str, namespaces: Collection[str]) -> bool:
        """Whether it is for incidents of all these namespaces; an incident of a whole cluster has none."""
        spaces = namespaces or ("",)
        return fnmatchcase(cluster, self.cluster) and all(fnmatchcase(s, self.namespace) for s in spaces)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentSettings:
    """What is told to the incident channels."""

    rules: Mapping[str, Severity | None] = field(default_factory=lambda: MappingProxyType({}))
    """Rule code → its severity here; None: off. Codes left out keep the catalogue's severity."""
    settle: float = 120.0
    per_minute: int = 5
    quiet: tuple[Quiet, ...] = ()
    least: Severity = Severity.INFO
    """Incidents below are listed and not told."""
    routes: tuple[Route, ...] = ()
    """The first that matches decides."""
    weekly: Weekly | None = field(default_factory=Weekly)
    """When what merely stays as it is is told again; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """How Slack is reached."""

    bot_token: Secret | None = None
    """None only for commands that do not speak to Slack."""
    signing_secret: Secret | None = None
    app_token: Secret | None = None
    """Set: Socket Mode."""
    api_url: str = "https://slack.com/api/"
    """Ends in a slash."""
    response_hosts: frozenset[str] = frozenset({"hooks.slack.com"})
    """Lower case; HOST or HOST:PORT."""

    @property
    def socket_mode(self) -> bool:
        """Whether events come over a web socket rather than as requests to our web server."""
        return self.app_token is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that is configured."""

    slack: SlackSettings
    database_url: Secret
    """sqlite:///PATH or postgresql://…; `postgres://` is already rewritten."""
    clusters: Mapping[str, ClusterSettings]
    """In the file's order."""
    host: str = "127.0.0.1"
    port: int = 3000
    file: Path | None = None
    """The configuration file, if there is one."""
    team: str | None = None
    """None: the token's."""
    incident_channel: str | None = None
    change_channel: str | None = None
    """None: a change's card goes where the command was given."""
    operators: tuple[str, ...] = ()
    templates: Path | None = None
    patches_allow: frozenset[str] = frozenset()
    policies: tuple[Policy, ...] = ()
    incidents: IncidentSettings = field(default_factory=IncidentSettings)
    retention: float = RETENTION
    redact: Redact = Redact.NONE
    warnings: tuple[str, ...] = ()
    """What is allowed but probably not meant, one sentence each."""
