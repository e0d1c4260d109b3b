"""What Services carry of those who look after them, and the GitOps tools' own objects, into `bot.domain.owner`.

Only what decides is read; a repository's URL loses whatever may be a credential.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bot.adapters.objects.metadata import opened, owned
from bot.adapters.objects.reader import Reader
from bot.domain.owner import Application, Disregard, HelmRelease, Kustomization, Source, Writer

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SKIP = "argocd.argoproj.io/skip-reconcile"
IN_CLUSTER = ("https://kubernetes.default.svc", "in-cluster")
"""Argo CD's names for the cluster that it runs in."""
MOST_SOURCES = 3

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|h|m|s)")
_CONTROL = re.compile(r"[\x00-\x20\x7f]+")
_LONGEST = 200


def writers(metadata: Reader) -> tuple[Writer, ...]:
    """Read managedFields; what is not understood there is passed over, for it is a server's bookkeeping."""
    entries = metadata.table.get("managedFields")
    return tuple(
        Writer(
            manager=entry["manager"],
            operation=str(entry.get("operation", "")),
            at=_moment(entry.get("time")),
            keys=owned(entry.get("fieldsV1")),
        )
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and isinstance(entry.get("manager"), str) and not entry.get("subresource")
    )


def last_applied(annotations: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the annotations that client-side apply sent last; None where it never did, or left rubbish."""
    try:
        sent = json.loads(annotations[LAST_APPLIED])["metadata"].get("annotations") or {}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return {str(key): str(value) for key, value in sent.items()} if isinstance(sent, dict) else None


def application(body: object) -> Application:
    """Read an Application of Argo CD.

    Raises:
        ShapeError: A field has a wrong type; likewise below.
    """
    reader, metadata, ref = opened("Application", body)
    spec = reader.within("spec")
    destination, policy = spec.within("destination"), spec.within("syncPolicy")
    automated = policy.within("automated")
    on = policy.has("automated") and automated.flag("enabled", default=True)
    return Application(
        namespace=ref.namespace,
        name=ref.name,
        here=bool({destination.text("server"), destination.text("name")} & set(IN_CLUSTER)),
        services=_resources(reader.within("status")),
        automated=on,
        self_heal=on and automated.flag("selfHeal"),
        options=frozenset(policy.texts("syncOptions")),
        disregards=tuple(_argo_rule(each) for each in spec.each("ignoreDifferences")),
        paused=metadata.strings("annotations").get(SKIP) == "true",
        sources=_sources(spec),
    )


def kustomization(body: object) -> Kustomization:
    """Read a Kustomization of Flux."""
    reader, _, ref = opened("Kustomization", body)
    spec = reader.within("spec")
    source = spec.within("sourceRef")
    named = f"{source.text('kind')} {source.text('namespace') or ref.namespace}/{source.text('name')}"
    return Kustomization(
        namespace=ref.namespace,
        name=ref.name,
        here=not spec.has("kubeConfig"),
        services=_inventory(reader.within("status")),
        interval=seconds(spec.text("interval")),
        suspended=spec.flag("suspend"),
        disregards=tuple(_flux_rule(each) for each in spec.each("ignore")),
        sources=(Source(repository=plain(named), path=plain(spec.text("path") or "./")),),
    )


def helm_release(body: object) -> HelmRelease:
    """Read a HelmRelease of Flux."""
    reader, _, ref = opened("HelmRelease", body)
    spec = reader.within("spec")
    drift = spec.within("driftDetection")
    chart = spec.within("chart").within("spec").text("chart") or spec.within("chartRef").text("name")
    return HelmRelease(
        namespace=ref.namespace,
        name=ref.name,
        here=not spec.has("kubeConfig"),
        interval=seconds(spec.text("interval")),
        suspended=spec.flag("suspend"),
        drift=drift.text("mode") or "disabled",
        disregards=tuple(_flux_rule(each) for each in drift.each("ignore")),
        sources=(Source(repository=f"HelmRelease {ref.namespace}/{ref.name}", chart=plain(chart)),),
    )


def seconds(text: str) -> float | None:
    """Read a duration as Go writes it: 1h30m, 10m0s, 500ms."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def repository(url: str) -> str:
    """Return a repository's URL without user, password, query and fragment: tokens live there."""
    if "://" not in url:
        return plain(url.rpartition("@")[2])
    try:
        parts = urlsplit(url)
        return plain(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))
    except ValueError:
        return ""


def plain(text: str) -> str:
    """Return text from outside as one bounded line."""
    return _CONTROL.sub(" ", text).strip()[:_LONGEST]


def _moment(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _resources(status: Reader) -> Mapping[str, str] | None:
    """`NAMESPACE/NAME` → sync status of the Application's Services."""
    if not status.has("resources"):
        return None
    return {
        f"{each.text('namespace')}/{each.text('name')}": each.text("status")
        for each in status.each("resources")
        if each.text("kind") == "Service" and not each.text("group")
    }


def _inventory(status: Reader) -> Mapping[str, str] | None:
    """Entries are called NAMESPACE_NAME_GROUP_KIND."""
    if not status.has("inventory"):
        return None
    ids = [each.text("id").split("_") for each in status.within("inventory").each("entries")]
    return {f"{parts[0]}/{parts[1]}": "" for parts in ids if parts[2:] == ["", "Service"]}


def _sources(spec: Reader) -> tuple[Source, ...]:
    hydrated = spec.within("sourceHydrator").within("drySource")
    single = [spec.within("source")] if spec.has("source") else []
    several = list(spec.each("sources")) or single or ([hydrated] if hydrated.table else [])
    return tuple(_source(each) for each in several[:MOST_SOURCES])


def _source(reader: Reader) -> Source:
    return Source(
        repository=repository(reader.text("repoURL")),
        path=plain(reader.text("path")),
        revision=plain(reader.text("targetRevision")),
        chart=plain(reader.text("chart")),
    )


def _argo_rule(reader: Reader) -> Disregard:
    return Disregard(
        group=reader.text("group"),
        kind=reader.text("kind"),
        name=reader.text("name"),
        namespace=reader.text("namespace"),
        pointers=reader.texts("jsonPointers"),
        expressions=reader.texts("jqPathExpressions"),
        managers=reader.texts("managedFieldsManagers"),
    )


def _flux_rule(reader: Reader) -> Disregard:
    target = reader.within("target")
    return Disregard(
        group=target.text("group"),
        kind=target.text("kind"),
        name=target.text("name"),
        namespace=target.text("namespace"),
        pointers=reader.texts("paths"),
        narrowed=target.has("labelSelector") or target.has("annotationSelector"),
    )
