"""Where an incident is told, if anywhere: by its cluster, its namespaces and how grave it is."""

from collections.abc import Iterable, Mapping

from bot.domain.change import ServiceRef
from bot.domain.explanation import Severity
from bot.domain.incident import Incident
from bot.operations.world import World

_RANK = (Severity.INFO, Severity.WARNING, Severity.ERROR)


def rank(severity: Severity) -> int:
    """Order severities, the gravest last."""
    return _RANK.index(severity)


def channel_of(world: World, row: Incident) -> str | None:
    """Return the channel of an incident; None for a cluster without one, or that is not configured any more."""
    return channel_for(world, row.cluster, row.services)


def channel_for(world: World, cluster: str, services: Iterable[ServiceRef]) -> str | None:
    """Return where bad news about Services of a cluster is told; None as for an incident."""
    settings = world.settings.clusters.get(cluster)
    if settings is None:
        return None
    spaces = {ref.namespace for ref in services}
    route = next((each for each in world.settings.incidents.routes if each.matches(cluster, spaces)), None)
    return (route.channel if route else None) or settings.incident_channel


def worth_telling(world: World, row: Incident) -> bool:
    """Whether it is grave enough to be told, and not only listed."""
    told = world.settings.incidents
    spaces = {ref.namespace for ref in row.services}
    route = next((each for each in told.routes if each.matches(row.cluster, spaces)), None)
    least = route.least if route and route.least else told.least
    return rank(row.severity) >= rank(least)


def by_channel(world: World, rows: Iterable[Incident]) -> Mapping[str, list[Incident]]:
    """Sort incidents by where they are told; those that are told nowhere are left out."""
    found: dict[str, list[Incident]] = {}
    for row in rows:
        channel = channel_of(world, row)
        if channel is not None and worth_telling(world, row):
            found.setdefault(channel, []).append(row)
    return found
