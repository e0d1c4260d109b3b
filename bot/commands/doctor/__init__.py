"""`doctor`: checks a real installation, one line per check, and says what to do about each that failed."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from bot.commands.doctor import cloud, clusters, database, slack, templates
from bot.commands.doctor.check import Check, State, ok, warn
from bot.config import Settings, load
from bot.domain.words import counted

__all__ = ["examine", "run"]


def run(args: argparse.Namespace) -> int:
    """Print the checks as they are done; 1 if one failed.

    Raises:
        ConfigurationError: there is nothing to check yet, for the configuration cannot be read.
    """
    del args
    settings = load(os.environ, Path.cwd(), slack_required=False)
    return asyncio.run(_print_all(settings))


async def _print_all(settings: Settings) -> int:
    failed = False
    async for check in examine(settings):
        print(check, flush=True)
        failed = failed or check.state is State.FAIL
    return int(failed)


async def examine(settings: Settings) -> AsyncIterator[Check]:
    """Yield every check, in a fixed order; what they ask, they ask at the same time."""
    groups = [
        asyncio.ensure_future(group)
        for group in (
            slack.checks(settings),
            database.checks(settings),
            *(clusters.checks(cluster) for cluster in settings.clusters.values()),
            *(cloud.checks(cluster) for cluster in settings.clusters.values()),
        )
    ]
    yield _configuration(settings)
    for sentence in settings.warnings:
        yield warn("configuration", sentence)
    for check in templates.checks(settings):
        yield check
    for group in groups:
        for check in await group:
            yield check


def _configuration(settings: Settings) -> Check:
    if settings.file is None:
        names = ", ".join(settings.clusters)
        return warn(
            "configuration",
            f"no file, so the cluster is {names} and nothing but looking is allowed",
            "write elb-passthrough.yaml with policies",
        )
    told = f"{settings.file}: clusters {', '.join(settings.clusters)}; {counted(len(settings.policies), 'policy', 'policies')}"
    if not settings.policies:
        return warn("configuration", told, "without policies nobody may propose or approve anything")
    return ok("configuration", told)
