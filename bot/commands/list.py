"""`list`: every LoadBalancer Service of the configured clusters, read live."""

import argparse
import asyncio
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import aiohttp

from bot.adapters.cloud.api import CloudApi
from bot.adapters.cluster.fleet import KubeClusters
from bot.adapters.cluster.live import LiveCluster
from bot.config import ConfigurationError, Settings, load
from bot.config.settings import ClusterSettings
from bot.domain.explanation import API_VERSION, Explanation
from bot.domain.path import explain
from bot.domain.summary import worst

ANSWERS_WITHIN = 5.0
"""Seconds after which a cluster that has trouble is not waited for any longer."""
READ_WITHIN = 30.0
"""Seconds that a large cluster has to be read as a whole."""
TOLD_WITHIN = 5.0
"""Seconds that the cloud's API has to describe a cluster."""
_SILENT = 1
"""Exit status: a cluster did not answer, so the list is not all there is."""
_HEAD = ("CLUSTER", "SERVICE", "PASS-THROUGH", "WORST VERDICT", "FINDINGS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One Service, explained."""

    cluster: str
    explanation: Explanation

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
        }

    def columns(self) -> tuple[str, ...]:
        """Give the row of the table."""
        codes = dict.fromkeys(finding.code for finding in self.explanation.findings)
        state = str(self.explanation.pass_through.state)
        return self.cluster, str(self.explanation.service), state, self.verdict, ", ".join(codes) or "none"


def run(args: argparse.Namespace) -> int:
    """Print the list; 1 if a cluster did not answer as a whole.

    Raises:
        ConfigurationError: the configuration is wrong, or has no such cluster.
    """
    settings = load(os.environ, Path.cwd(), slack_required=False)
    chosen = _chosen(settings, args.cluster)
    lines, problems = asyncio.run(_read(chosen, args.namespace))
    print(_json(lines, problems) if args.output == "json" else "\n".join(_text(lines, problems)))
    return _SILENT if any(problems.values()) else 0


def _chosen(settings: Settings, name: str | None) -> Sequence[ClusterSettings]:
    if name is None:
        return tuple(settings.clusters.values())
    if name not in settings.clusters:
        near = get_close_matches(name, settings.clusters, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(settings.clusters)}"
        raise ConfigurationError([f"--cluster: no cluster is called '{name}'; {hint}"])
    return (settings.clusters[name],)


async def _read(
    chosen: Sequence[ClusterSettings], namespace: str | None
) -> tuple[list[Line], Mapping[str, str]]:
    """Return every Service, and for each cluster what is wrong with it, if anything."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        found = [_cluster(each, session) for each in chosen]
        clusters = KubeClusters(found)
        stack.push_async_callback(clusters.close)
        clusters.start()
        problems = dict(await asyncio.gather(*(_synced(cluster) for cluster in found)))
        return [line for cluster in found for line in _lines(cluster, namespace)], problems


def _cluster(settings: ClusterSettings, session: aiohttp.ClientSession) -> LiveCluster:
    known = settings.cloud is not None and settings.cloud.credentials is not None
    cloud = CloudApi(settings.cloud, session=session) if settings.cloud and known else None
    return LiveCluster(settings, cloud=cloud)


async def _synced(cluster: LiveCluster) -> tuple[str, str]:
    """Wait until a cluster was read; return its name, and what is wrong with it, if anything."""
    for patience in (ANSWERS_WITHIN, READ_WITHIN - ANSWERS_WITHIN):
        try:
            async with asyncio.timeout(patience):
                await cluster.synced()
        except TimeoutError:
            if problem := cluster.freshness().problem:
                return cluster.name, problem
        else:
            await _told_by_the_cloud(cluster)
            return cluster.name, cluster.freshness().problem
    return cluster.name, f"{cluster.name} was not read in {READ_WITHIN:.0f} s"


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


def _lines(cluster: LiveCluster, namespace: str | None) -> Iterator[Line]:
    snapshot = cluster.snapshot()
    for service in sorted(snapshot.load_balancers(), key=lambda each: each.ref):
        if namespace in (None, service.ref.namespace):
            yield Line(cluster=cluster.name, explanation=explain(snapshot, service.ref))


def _json(lines: Sequence[Line], problems: Mapping[str, str]) -> str:
    body = {
        "apiVersion": API_VERSION,
        "kind": "ServiceList",
        "clusters": [{"name": name, "problem": problem or None} for name, problem in problems.items()],
        "services": [line.as_json() for line in lines],
    }
    return json.dumps(body, indent=2, ensure_ascii=False)


def _text(lines: Sequence[Line], problems: Mapping[str, str]) -> Iterator[str]:
    rows = [_HEAD, *(line.columns() for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    if lines:
        yield from ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    else:
        yield "There is no LoadBalancer Service."
    for name, problem in problems.items():
        if problem:
            yield f"\nnot all of {name}: {problem}"
