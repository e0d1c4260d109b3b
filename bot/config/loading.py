"""Loading: environment and file in, settings out, or everything that is wrong with them."""

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from bot.config.database import database_url, disk_warning
from bot.config.document import Faults, Place, key_faults, open_document
from bot.config.environment import Environ, plain, read_credentials, read_slack, read_wire
from bot.config.faults import ConfigurationError, nearest
from bot.config.kubeconfig import Kubeconfig, kubeconfig_paths, read_kubeconfig
from bot.config.reader import some_time
from bot.config.schema import CLUSTER, file_section
from bot.config.settings import RETENTION, AccessKey, ClusterSettings, Settings, UserPassword

DEFAULT_FILE = "elb-passthrough.yaml"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def load(environ: Environ, cwd: Path, *, slack_required: bool = True) -> Settings:
    """Read environment variables and configuration file.

    Args:
        environ: usually os.environ; nothing else of the process is read.
        cwd: where relative paths of the environment begin; those in the file begin at the file.
        slack_required: False for commands that do not speak to Slack.

    Raises:
        ConfigurationError: with every problem that was found.
    """
    faults = Faults()
    slack = faults.attempt(read_slack, environ, cwd, required=slack_required)
    wire = faults.attempt(read_wire, environ)
    url = faults.attempt(database_url, environ, cwd)
    from_file = faults.attempt(_from_file, environ, cwd)
    faults.raise_any()
    assert slack is not None
    assert wire is not None
    assert url is not None
    assert from_file is not None
    settings = Settings(slack=slack, database_url=url, host=wire.host, port=wire.port, **from_file)
    return replace(settings, warnings=_warnings(settings, environ))


def configured_retention(environ: Environ, cwd: Path) -> float:
    """Return for how many seconds events are kept, whatever else the file says.

    Raises:
        ConfigurationError: the file cannot be read, or that is no duration.
    """
    _, document = _document(environ, cwd)
    at = document.peek("retention") if document else None
    return some_time(at) if at else RETENTION


def _from_file(environ: Environ, cwd: Path) -> dict[str, Any]:
    file, document = _document(environ, cwd)
    beside = _Beside(environ, cwd, file.parent if file else cwd)
    faults = Faults()
    values: dict[str, Any] = {}
    if document:
        faults.problems += key_faults(document)
        values.update(faults.attempt(file_section(beside.cluster, beside.templates), document) or {})
    faults.raise_any()
    clusters = values.get("clusters") or _default_cluster(environ, cwd)
    channel = values.get("incident_channel")
    values["clusters"] = MappingProxyType(
        {n: replace(c, incident_channel=c.incident_channel or channel) for n, c in clusters.items()}
    )
    return {**values, "file": file}


def _document(environ: Environ, cwd: Path) -> tuple[Path | None, Place | None]:
    named = plain(environ, "ELB_PASSTHROUGH_CONFIG")
    file = cwd / Path(named or DEFAULT_FILE).expanduser()
    if file.exists():
        return file, open_document(file, named or DEFAULT_FILE)
    if named:
        raise ConfigurationError([f"ELB_PASSTHROUGH_CONFIG names {named}, which is not there"])
    return None, None


def _default_cluster(environ: Environ, cwd: Path) -> dict[str, ClusterSettings]:
    """Without any in the file: the current context's, or the one that the bot runs in."""
    found = read_kubeconfig(kubeconfig_paths(environ, cwd))
    if found.current:
        name = "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "-" for c in found.current)[:63]
        return {name: ClusterSettings(name=name, context=found.current)}
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return {"in-cluster": ClusterSettings(name="in-cluster", in_cluster=True)}
    searched = ", ".join(str(path) for path in kubeconfig_paths(environ, cwd))
    raise ConfigurationError(
        [
            (
                f"no cluster is configured: there is no {DEFAULT_FILE} with clusters here, and no current context in {searched}; "
                "write that file, or name one by ELB_PASSTHROUGH_CONFIG (docs/configuration.md)"
            )
        ]
    )


class _Beside:
    """What the file leans on: directories beside it, kubeconfigs, and credentials in the environment."""

    def __init__(self, environ: Environ, cwd: Path, directory: Path) -> None:
        self._environ, self._cwd, self._directory = environ, cwd, directory

    def templates(self, at: Place) -> Path:
        path = self._directory / Path(at.text()).expanduser()
        if not path.is_dir():
            raise at.wrong(f"names {path}, which is no directory")
        return path

    def cluster(self, name: str, at: Place) -> ClusterSettings:
        """Read a cluster with what it needs from outside; both are looked at, whatever is wrong with one."""
        faults = Faults()
        cluster = faults.attempt(CLUSTER.made, at, name=name)
        kubeconfig = faults.attempt(self._kubeconfig, at)
        credentials = faults.attempt(self._credentials, at)
        faults.raise_any()
        assert cluster is not None
        cloud = cluster.cloud and replace(cluster.cloud, credentials=credentials)
        return replace(cluster, kubeconfig=kubeconfig, cloud=cloud)

    def _credentials(self, at: Place) -> AccessKey | UserPassword | None:
        cloud = at.peek("cloud")
        prefix = (cloud.word("credentials") or "CLOUD") if cloud else ""
        return read_credentials(self._environ, prefix, self._cwd) if prefix else None

    def _kubeconfig(self, at: Place) -> Path | None:
        if at.word("inCluster"):
            return None
        named = at.word("kubeconfig")
        own = self._directory / Path(named).expanduser() if named else None
        if own and not own.is_file():
            raise (at.peek("kubeconfig") or at).wrong(f"names {own}, which is not there")
        found = read_kubeconfig((own,) if own else kubeconfig_paths(self._environ, self._cwd))
        _check_context(at, found)
        return own


def _check_context(at: Place, found: Kubeconfig) -> None:
    context, files = at.word("context"), ", ".join(str(path) for path in found.files)
    if not files:
        raise at.wrong("cannot be reached: there is no kubeconfig; inCluster: true needs none")
    if not context and not found.current:
        raise at.wrong(f"has no context, and {files} has no current one")
    if context and context not in found.contexts:
        hint = nearest(context, found.contexts)
        raise (at.peek("context") or at).wrong(f"is '{context}', which {files} does not have{hint}")


def _warnings(settings: Settings, environ: Environ) -> tuple[str, ...]:
    return tuple(
        sentence
        for sentence in (
            disk_warning(settings.database_url, environ),
            _plain_http("SLACK_API_URL", settings.slack.api_url),
            *(w for cluster in settings.clusters.values() for w in _cluster_warnings(cluster)),
            *_policy_warnings(settings),
        )
        if sentence
    )


def _cluster_warnings(cluster: ClusterSettings) -> list[str]:
    found = []
    if cluster.cloud:
        found += [
            _plain_http(f"clusters.{cluster.name}.cloud.endpoints.{name}", url)
            for name, url in cluster.cloud.endpoints.items()
        ]
        if cluster.cloud.credentials is None:
            found.append(
                f"clusters.{cluster.name}.cloud has no credentials ({cluster.cloud.prefix}_ACCESS_KEY and so on): "
                "the load balancer's counters cannot be read"
            )
    return found


def _policy_warnings(settings: Settings) -> list[str]:
    return [
        f"policies[{i}].match.cluster is '{policy.cluster}', which no cluster's name matches"
        for i, policy in enumerate(settings.policies)
        if not any(fnmatchcase(name, policy.cluster) for name in settings.clusters)
    ]


def _plain_http(name: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        return f"{name} is an address without TLS: tokens and keys would cross the network readable"
    return ""
