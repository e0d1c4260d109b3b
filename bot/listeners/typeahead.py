"""What a type-ahead field offers for what was typed so far: matched anywhere in the name, best first."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import nsmallest
from typing import Any

from bot.listeners.payload import chosen, metadata, text
from bot.operations.form import offered
from bot.operations.rights import Rights
from bot.operations.world import World
from bot.ports import Clusters

MOST_OPTIONS = 100
"""Slack shows no more."""
MOST_SHOWN = 75
"""Characters of an option's text, by Slack's limit."""
MOST_VALUE = 150
"""Characters of an option's value, by Slack's limit; a longer name is chosen by its Service's UID."""
UID = "uid:"


def options(world: World, rights: Rights, body: Any) -> list[dict[str, Any]]:
    """Answer one field of the `ask` view for one person."""
    field, typed = text(body, "action_id").removeprefix("ask:"), text(body, "value").strip().casefold()
    found = _FIELDS.get(field, _none)(world.clusters, rights, body)
    matching = (item for item in found if typed in item[0].casefold())
    best = nsmallest(MOST_OPTIONS, matching, key=lambda item: _rank(item[0], typed))
    return [_option(*item) for item in best]


def _rank(name: str, typed: str) -> tuple[int, str]:
    """A name that is what was typed, then one that begins with it, then one of whose parts does."""
    folded = name.casefold()
    last = folded.rpartition("/")[2]
    order = (typed in (folded, last), last.startswith(typed), folded.startswith(typed), f"-{typed}" in folded)
    return next((place for place, fits in enumerate(order) if fits), len(order)), folded


def _option(name: str, value: str) -> dict[str, Any]:
    shown = name if len(name) <= MOST_SHOWN else f"…{name[1 - MOST_SHOWN :]}"
    return {"text": {"type": "plain_text", "text": shown}, "value": value}


Item = tuple[str, str]
"""What is shown and matched, and what is chosen by it."""


def _none(clusters: Clusters, rights: Rights, body: Any) -> Iterable[Item]:
    del clusters, rights, body
    return ()


def _clusters(clusters: Clusters, rights: Rights, body: Any) -> Iterable[Item]:
    found = {name for name, _ in _visible(clusters, rights, body, "")}
    return ((name, name) for name in clusters.names() if name in found)


def _namespaces(clusters: Clusters, rights: Rights, body: Any) -> Iterable[Item]:
    found = {
        service.ref.namespace for _, service in _visible(clusters, rights, body, chosen(body, "cluster"))
    }
    return ((name, name) for name in found)


def _services(clusters: Clusters, rights: Rights, body: Any) -> Iterator[Item]:
    cluster, namespace = chosen(body, "cluster"), chosen(body, "namespace")
    several = len(clusters.names()) > 1
    for name, service in _visible(clusters, rights, body, cluster):
        if namespace in ("", service.ref.namespace):
            full = f"{name}/{service.ref}" if several else str(service.ref)
            yield full, full if len(full) <= MOST_VALUE else f"{UID}{name}/{service.uid}"


def _visible(clusters: Clusters, rights: Rights, body: Any, cluster: str) -> Iterator[tuple[str, Any]]:
    """Every LoadBalancer Service for which a person may do what the form is for, with its cluster's name."""
    verb = str(metadata(body).get("verb", "status"))
    for name in clusters.names():
        if cluster not in ("", name):
            continue
        known: dict[str, bool] = {}
        for service in clusters.get(name).snapshot().load_balancers():
            space = service.ref.namespace
            if space not in known:
                known[space] = offered(rights, verb, name, space)
            if known[space]:
                yield name, service


_FIELDS: Mapping[str, Callable[[Clusters, Rights, Any], Iterable[Item]]] = {
    "cluster": _clusters,
    "namespace": _namespaces,
    "service": _services,
}
