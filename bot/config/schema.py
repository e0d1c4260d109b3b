"""The schema of the configuration file: every key, how it is read, and its default."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.config.document import Place
from bot.config.faults import either, nearest
from bot.config.reader import (
    Key,
    Section,
    count,
    length_of_time,
    list_of,
    map_of,
    matching,
    one_of,
    set_of,
    some_time,
    text,
    truth,
)
from bot.config.settings import (
    PROBE_IMAGE,
    Clients,
    CloudSettings,
    ClusterSettings,
    IncidentSettings,
    OnFailure,
    Provider,
    Quiet,
    Redact,
    Route,
    VerificationSettings,
)
from bot.domain.catalogue import RULES
from bot.domain.cluster_facts import Category, Mode
from bot.domain.explanation import Severity
from bot.domain.freeze import DAYS, Weekly, Window
from bot.domain.incident_rule import RULES as INCIDENT_RULES
from bot.domain.objects import PASS_THROUGH
from bot.domain.patch import protected
from bot.domain.policy import Policy
from bot.domain.rule import Kind

_ID = r"[A-Z0-9]{1,20}"
user = matching(rf"[UW]{_ID}", "Slack user id such as U02BOB")
channel = matching(rf"[CGD]{_ID}", "Slack channel id such as C02INC")
team = matching(rf"[TE]{_ID}", "Slack team id such as T01TEAM")
principal = matching(
    rf"[UWS]{_ID}|\*", 'Slack user id (U…, W…), user group id (S…) or "*" for every full member of the team'
)
named = matching(rf"[UWS]{_ID}", "Slack user id (U…, W…) or user group id (S…)")
namespace = matching(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "namespace such as shop")
glob = matching(r"[^\s/]{1,253}", 'name or pattern such as "payments-*"')
cluster_name = matching(r"[A-Za-z0-9.-]{1,63}", "cluster name: letters, digits, '-' and '.', at most 63")
_opaque_id = matching(r"[A-Za-z0-9_-]{1,64}", "id: letters, digits, '-' and '_'")
_image = matching(r"[^\s]{1,512}", "image such as registry.example/elb-passthrough@sha256:…")
_prefix = matching(r"[A-Z][A-Z0-9_]{0,63}", "prefix of environment variables such as CLOUD")

_ANNOTATION_KEY = re.compile(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)


_CODES = sorted(rule.id for rule in RULES.values() if rule.kind is Kind.FINDING)
_NOTICED = sorted({*_CODES, *INCIDENT_RULES})


def code(at: Place) -> str:
    """Read the code of a finding."""
    word = at.text()
    if word not in _CODES:
        raise at.wrong(f"is '{word}', which is no finding's code{nearest(word, _CODES)}")
    return word


def noticed(at: Place) -> str:
    """Read the code of a rule of incidents, or of a finding behind one."""
    word = at.text()
    if word not in _NOTICED:
        raise at.wrong(f"is '{word}', which is no rule's and no finding's code{nearest(word, _NOTICED)}")
    return word


def annotation_key(at: Place) -> str:
    """Read an annotation key that a template may be allowed to set."""
    key = at.text()
    if key == PASS_THROUGH:
        raise at.wrong(f"is {key}, which needs no permission")
    if not _ANNOTATION_KEY.fullmatch(key):
        raise at.wrong(f"is '{key}', which is no annotation key such as my.org/change")
    if protected(key):
        raise at.wrong(f"is '{key}': keys of Kubernetes, a cloud or a GitOps tool cannot be allowed")
    return key


def base_url(at: Place) -> str:
    """Read the address of an API, without a slash at its end."""
    url = at.text()
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
        raise at.wrong("is no address such as https://elb.example.com")
    return url.rstrip("/")


def time_of_day(at: Place) -> int:
    """Read HH:MM as minutes after midnight; 24:00 is one."""
    match = re.fullmatch(r"([0-9]{1,2}):([0-5][0-9])", at.text())
    minutes = int(match[1]) * 60 + int(match[2]) if match else -1
    if not 0 <= minutes <= 24 * 60:
        raise at.wrong(f"is '{at.text()}', which is no time of day such as 22:00 (up to 24:00)")
    return minutes


def zone(at: Place) -> str:
    """Read the name of a time zone."""
    name = at.text()
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise at.wrong(f"is '{name}', which is no time zone such as Europe/Berlin") from error
    return name


def day(at: Place) -> str:
    """Read a day of the week."""
    word = at.text().lower()
    if word not in DAYS:
        raise at.wrong(f"is '{word}'; it may be {either(DAYS)}")
    return word


def severity(_: str, at: Place) -> Severity | str:
    """Read a severity, or off."""
    word, words = at.text(), [*Severity, "off"]
    if word not in words:
        raise at.wrong(f"is '{word}'; it may be {either(words)}{nearest(word, words)}")
    return word if word == "off" else Severity(word)


def _window(*, start: int, end: int, zone: str = "UTC", days: frozenset[str] | None = None) -> Window:
    if start in {end, 24 * 60}:
        raise ValueError("begins when it ends; a whole day is from 00:00 to 24:00")
    return Window(start=start, end=end or 24 * 60, zone=zone, days=frozenset(DAYS) if days is None else days)


_TIMES = (
    Key("days", set_of(day), "every day"),
    Key("from", time_of_day, "required", "start"),
    Key("to", time_of_day, "required", "end"),
    Key("zone", zone, "UTC"),
)
WINDOW = Section(_window, _TIMES)


def _quiet(*, below: Severity = Severity.ERROR, **times: Any) -> Quiet:
    return Quiet(window=_window(**times), below=below)


QUIET = Section(_quiet, (*_TIMES, Key("below", one_of(Severity), "error")))


def _match(*, cluster: str = "*", namespace: str = "*") -> Mapping[str, str]:
    return {"cluster": cluster, "namespace": namespace}


MATCH = Section(_match, (Key("cluster", glob, "*"), Key("namespace", glob, "*")))


def _policy(*, match: Mapping[str, str] | None = None, **rights: Any) -> Policy:
    both = rights.get("block_on", frozenset()) & rights.get("accept_risk", frozenset())
    if both:
        raise ValueError(f"has {min(both)} in both blockOn and acceptRisk")
    return Policy(**{**(match or {}), **rights})


_people = list_of(principal)

POLICY = Section(
    _policy,
    (
        Key("match", MATCH, ""),
        Key("view", _people, '["*"]'),
        Key("verify", _people, "as propose"),
        Key("propose", _people, "[]"),
        Key("approve", _people, "[]"),
        Key("rollback", _people, "as approve"),
        Key("deny", _people, "[]"),
        Key("approvals", lambda at: count(at, most=20), "1"),
        Key("selfApproval", truth, "false"),
        Key("breakGlass", list_of(named), "[]"),
        Key("expiresAfter", some_time, "24h"),
        Key("reminder", length_of_time, "30m"),
        Key("requireReason", truth, "false"),
        Key("freeze", list_of(WINDOW), "[]"),
        Key("blockOn", set_of(code), "[]"),
        Key("acceptRisk", set_of(code), "[]"),
    ),
)

CLOUD = Section(
    CloudSettings,
    (
        Key("provider", one_of(Provider), "required"),
        Key("region", _opaque_id, "required"),
        Key("projectId", _opaque_id, "required"),
        Key("clusterId", _opaque_id, ""),
        Key("credentials", _prefix, "CLOUD", "prefix"),
        Key(
            "endpoints",
            Section(
                lambda **urls: urls,
                tuple(Key(name, base_url, "") for name in ("elb", "ces", "cce", "iam")),
            ),
            "the provider's",
        ),
    ),
)

VERIFICATION = Section(
    VerificationSettings,
    (
        Key("clients", one_of(Clients), "probe"),
        Key("image", _image, PROBE_IMAGE),
        Key("namespace", namespace, "elb-passthrough"),
        Key("hostNetwork", truth, "false"),
        Key("connections", count, "120, bare TCP 20"),
        Key("baseline", length_of_time, "5m"),
        Key("window", some_time, "10m"),
        Key("watch", length_of_time, "30m"),
        Key("period", some_time, "1m"),
        Key("onFailure", one_of(OnFailure), "offer"),
    ),
)


def _cluster(**values: Any) -> ClusterSettings:
    if values.get("in_cluster") and (values.get("context") or values.get("kubeconfig")):
        raise ValueError("has inCluster and a kubeconfig or context; leave one of them out")
    return ClusterSettings(**values)


CLUSTER = Section(
    _cluster,
    (
        Key("context", text, "the current one"),
        Key("kubeconfig", text, "as kubectl finds it"),
        Key("inCluster", truth, "false"),
        Key("namespaces", list_of(namespace), "all"),
        Key("readOnly", truth, "false"),
        Key("category", one_of(Category), "detected"),
        Key("kubeProxyMode", one_of(Mode), "unknown"),
        Key("incidentChannel", channel, "the one above"),
        Key("cloud", CLOUD, ""),
        Key("verification", VERIFICATION, ""),
    ),
)


def _incidents(*, rules: Mapping[str, Severity | str] | None = None, **values: Any) -> IncidentSettings:
    severities = {c: s if isinstance(s, Severity) else None for c, s in (rules or {}).items()}
    return IncidentSettings(rules=severities, **values)


def _moment_of_day(at: Place) -> int:
    minutes = time_of_day(at)
    if minutes == _MIDNIGHT:
        raise at.wrong("is 24:00; the day begins at 00:00")
    return minutes


def _day_or_never(at: Place) -> str:
    """Read a day of the week, or never."""
    return "never" if at.text().lower() == "never" else day(at)


def _weekly(*, day: str = "mon", **values: Any) -> Weekly | None:
    return None if day == "never" else Weekly(day=day, **values)


def _route(*, match: Mapping[str, str] | None = None, **values: Any) -> Route:
    return Route(**{**(match or {}), **values})


_MIDNIGHT = 24 * 60
ROUTE = Section(
    _route,
    (
        Key("match", MATCH, ""),
        Key("channel", channel, "the cluster's"),
        Key("least", one_of(Severity), "as for all"),
    ),
)
WEEKLY = Section(
    _weekly,
    (
        Key("day", _day_or_never, "mon"),
        Key("at", _moment_of_day, '"09:00"', "minute"),
        Key("zone", zone, "UTC"),
    ),
)

INCIDENTS = Section(
    _incidents,
    (
        Key("rules", map_of(noticed, severity), "{}"),
        Key("settle", length_of_time, "2m"),
        Key("perMinute", count, "5"),
        Key("quiet", list_of(QUIET), "[]"),
        Key("least", one_of(Severity), "info"),
        Key("routes", list_of(ROUTE), "[]"),
        Key("weekly", WEEKLY, ""),
    ),
)

PATCHES = Section(lambda *, allow=frozenset(): allow, (Key("allow", set_of(annotation_key), "[]"),))


def file_section(
    read_cluster: Callable[[str, Place], ClusterSettings], read_templates: Callable[[Place], Path]
) -> Section[Mapping[str, Any]]:
    """Return the file's own section; what a cluster and a directory need from beside the file is the caller's."""
    return Section(
        lambda **values: values,
        (
            Key("team", team, "the token's"),
            Key("incidentChannel", channel, ""),
            Key("changeChannel", channel, "where the command was given"),
            Key("operators", _people, "[]"),
            Key("templates", read_templates, ""),
            Key("patches", PATCHES, "", "patches_allow"),
            Key("clusters", map_of(cluster_name, read_cluster), "one, from the current context"),
            Key("policies", list_of(POLICY), "[]"),
            Key("incidents", INCIDENTS, ""),
            Key("retention", some_time, "400d"),
            Key("redact", one_of(Redact), "none"),
        ),
    )
