"""`list`: every LoadBalancer Service of the configured clusters, read live, and the open incidents that are stored."""

import argparse
import asyncio
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import aiohttp

from bot.adapters.cloud.api import CloudApi
from bot.adapters.cluster.fleet import KubeClusters
from bot.adapters.cluster.live import LiveCluster
from bot.commands.stored_incidents import Incidents, as_json, stored_incidents
from bot.config import ConfigurationError, Settings, load
from bot.config.settings import ClusterSettings
from bot.domain.change import ServiceRef
from bot.domain.explanation import API_VERSION, Explanation
from bot.domain.incident import Incident
from bot.domain.objects import Ref, Service
from bot.domain.path import explain
from bot.domain.summary import finding_codes, rank, worst
from bot.operations.incident_notice import sentence_of

ANSWERS_WITHIN = 5.0
"""Seconds after which a cluster that has trouble is not waited for any longer."""
READ_WITHIN = 30.0
"""Seconds that a large cluster has to be read as a whole."""
TOLD_WITHIN = 5.0
"""Seconds that the cloud's API has to describe a cluster."""
_SILENT = 1
"""Exit status: a cluster did not answer, so the list is not all there is."""
_HEAD = ("CLUSTER", "SERVICE", "PASS-THROUGH", "WORST VERDICT", "FINDINGS", "INCIDENTS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One Service, explained."""

    cluster: str
    explanation: Explanation
    incidents: Sequence[Incident] | None
    """What is open about it; None: not known."""

    @property
    def verdict(self) -> str:
        """The worst verdict of all paths; "no address" where there is no path to have one."""
        found = worst(self.explanation)
        return str(found) if found else "no address"

    def as_json(self) -> dict[str, Any]:
        """Give the entry of `services[]`."""
        found = worst(self.explanation)
        return {
            "cluster": self.cluster,
            "namespace": self.explanation.service.namespace,
            "name": self.explanation.service.name,
            "passThrough": self.explanation.pass_through.as_json(),
            "verdict": str(found) if found else None,
            "findings": [finding.as_json() for finding in self.explanation.findings],
            "incidents": None if self.incidents is None else [row.id for row in self.incidents],
        }

    def columns(self) -> tuple[str, ...]:
        """Give the row of the table."""
        state = str(self.explanation.pass_through.state)
        rules = "unknown" if self.incidents is None else ", ".join(row.rule for row in self.incidents)
        found = finding_codes(self.explanation.findings)
        return self.cluster, str(self.explanation.service), state, self.verdict, found, rules or "none"


def worst_first(lines: Iterable[Line]) -> list[Line]:
    """By verdict, then by the gravest finding, then by name."""

    def key(line: Line) -> tuple[tuple[int, int], str, Ref]:
        severities = (finding.severity for finding in line.explanation.findings)
        return rank(worst(line.explanation), severities), line.cluster, line.explanation.service

    return sorted(lines, key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How far a cluster could be read."""

    problem: str = ""
    """One sentence; nothing: all of it."""
    listed: bool = True
    """Whether all its Services are known, whatever else is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is printed."""

    lines: Sequence[Line]
    clusters: Mapping[str, Reading]
    incidents: Incidents
    namespace: str | None = None
    """The one that was asked for; None: all."""
    namespaces: frozenset[str] = frozenset()
    """Those in which the clusters show anything at all."""

    @property
    def whole(self) -> bool:
        """Whether every Service there is has its line."""
        return all(reading.listed for reading in self.clusters.values())


def run(args: argparse.Namespace) -> int:
    """Print the list; 1 if a cluster's Services could not be read, so that not all there are have a line.

    Raises:
        ConfigurationError: the configuration is wrong, or has no such cluster.
    """
    settings = load(os.environ, Path.cwd(), slack_required=False)
    # What is in the way is part of the answer; retries are nobody's business here.
    logging.getLogger("bot").setLevel(logging.ERROR)
    answer = asyncio.run(_read(settings, _chosen(settings, args.cluster), args.namespace))
    print(_json(answer) if args.output == "json" else "\n".join(_text(answer)))
    return 0 if answer.whole else _SILENT


def _chosen(settings: Settings, name: str | None) -> Sequence[ClusterSettings]:
    if name is None:
        return tuple(settings.clusters.values())
    if name not in settings.clusters:
        near = get_close_matches(name, settings.clusters, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(settings.clusters)}"
        raise ConfigurationError([f"--cluster: no cluster is called '{name}'; {hint}"])
    return (settings.clusters[name],)


async def _read(settings: Settings, chosen: Sequence[ClusterSettings], namespace: str | None) -> Answer:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        found = [_cluster(each, session) for each in chosen]
        clusters = KubeClusters(found)
        stack.push_async_callback(clusters.close)
        clusters.start()
        stored, readings = await asyncio.gather(
            stored_incidents(settings), asyncio.gather(*(_synced(cluster) for cluster in found))
        )
        incidents = stored.within({each.name for each in chosen}, namespace)
        return Answer(
            lines=worst_first(line for cluster in found for line in _lines(cluster, namespace, incidents)),
            clusters={cluster.name: reading for cluster, reading in zip(found, readings, strict=True)},
            incidents=incidents,
            namespace=namespace,
            namespaces=frozenset(name for cluster in found for name in _namespaces(cluster)),
        )


def _namespaces(cluster: LiveCluster) -> Iterator[str]:
    inventory = cluster.snapshot().inventory
    for table in (
        inventory.services,
        inventory.slices,
        inventory.pods,
        inventory.ingresses,
        inventory.policies,
    ):
        yield from (ref.namespace for ref in table)


def _cluster(settings: ClusterSettings, session: aiohttp.ClientSession) -> LiveCluster:
    known = settings.cloud is not None and settings.cloud.credentials is not None
    cloud = CloudApi(settings.cloud, session=session) if settings.cloud and known else None
    return LiveCluster(settings, cloud=cloud)


async def _synced(cluster: LiveCluster) -> Reading:
    """Wait until a cluster was read; say how far it was."""
    for patience in (ANSWERS_WITHIN, READ_WITHIN - ANSWERS_WITHIN):
        try:
            async with asyncio.timeout(patience):
                await cluster.synced()
        except TimeoutError:
            if problem := cluster.freshness().problem:
                return _reading(cluster, problem)
        else:
            await _told_by_the_cloud(cluster)
            return _reading(cluster, cluster.freshness().problem)
    return _reading(cluster, f"{cluster.name} was not read in {READ_WITHIN:.0f} s")


def _reading(cluster: LiveCluster, problem: str) -> Reading:
    return Reading(problem=problem, listed=cluster.lists_all(Service))


async def _told_by_the_cloud(cluster: LiveCluster) -> None:
    """Give the cloud a moment to say of which category the cluster is; without, verdicts weigh every possibility."""
    cloud = cluster.settings.cloud
    if cloud is None or cloud.credentials is None or cloud.cluster_id is None:
        return
    try:
        async with asyncio.timeout(TOLD_WITHIN):
            await cluster.until(lambda _: cluster.facts().category.known)
    except TimeoutError:
        return


def _lines(cluster: LiveCluster, namespace: str | None, incidents: Incidents) -> Iterator[Line]:
    snapshot = cluster.snapshot()
    for service in sorted(snapshot.load_balancers(), key=lambda each: each.ref):
        if namespace in (None, service.ref.namespace):
            ref = ServiceRef(cluster=cluster.name, namespace=service.ref.namespace, name=service.ref.name)
            wrong = None if incidents.problem else incidents.of(ref)
            yield Line(cluster=cluster.name, explanation=explain(snapshot, service.ref), incidents=wrong)


def _json(answer: Answer) -> str:
    body = {
        "apiVersion": API_VERSION,
        "kind": "ServiceList",
        "clusters": [
            {"name": name, "problem": reading.problem or None} for name, reading in answer.clusters.items()
        ],
        "services": [line.as_json() for line in answer.lines],
        "incidents": None if answer.incidents.problem else [as_json(row) for row in answer.incidents.rows],
        "incidentsProblem": answer.incidents.problem or None,
    }
    return json.dumps(body, indent=2, ensure_ascii=False)


def _text(answer: Answer) -> Iterator[str]:
    rows = [_HEAD, *(line.columns() for line in answer.lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    if answer.lines:
        yield from ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    elif answer.whole:
        yield _none(answer)
    else:
        yield "No LoadBalancer Service could be read."
    if answer.incidents.rows:
        yield "\nOpen incidents"
        yield from map(_incident, answer.incidents.rows)
    if answer.incidents.problem:
        yield f"\nopen incidents are not known: {answer.incidents.problem}"
    for name, reading in answer.clusters.items():
        if reading.problem:
            yield f"\nnot all of {name}: {reading.problem}"


def _none(answer: Answer) -> str:
    """Say that there is nothing, and of a namespace whether it is one: a typing error is no all-clear."""
    name = answer.namespace
    if name is None:
        return "There is no LoadBalancer Service."
    if name in answer.namespaces:
        return f"Namespace {name} has no LoadBalancer Service."
    near = get_close_matches(name, answer.namespaces, 1)
    hint = f": did you mean {near[0]}?" if near else "."
    return f"No object of a namespace {name} is seen, so nothing can be said about it{hint}"


def _incident(row: Incident) -> str:
    since = f"{row.since:%Y-%m-%d %H:%M} UTC"
    taken = ", acknowledged" if row.acknowledged_by else ""
    return f"{row.severity!s:8} since {since}  {sentence_of(row)}  {row.rule}{taken}"
