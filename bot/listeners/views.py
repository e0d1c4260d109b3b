"""Modals and the Home tab, and what the type-ahead offers."""

from collections.abc import Sequence
from json import JSONDecodeError, dumps, loads
from typing import Any

from bot.listeners.payload import text
from bot.operations.caller import Caller
from bot.operations.rights import Rights
from bot.operations.world import World

MOST_OPTIONS = 100
"""Slack shows no more."""
_TITLES = {
    "status": ("Traffic path", "Explain"),
    "enable": ("Enable pass-through", "Propose"),
    "disable": ("Disable pass-through", "Propose"),
    "verify": ("Verify now", "Verify"),
}


def ask_view(world: World, caller: Caller, verb: str) -> dict[str, Any]:
    """The modal that asks for a Service."""
    title, submit = _TITLES[verb]
    several = len(world.clusters.names()) > 1
    cluster = [("cluster", "Cluster", "any cluster", False)] if several else []
    fields = [
        *cluster,
        ("namespace", "Namespace", "any namespace", False),
        ("service", "Service", "type a part of its name", True),
    ]
    metadata = dumps({"verb": verb, "caller": caller.as_json()})
    return world.renderer.view("ask", title=title, submit=submit, fields=fields, metadata=metadata)


def reason_view(world: World, caller: Caller, change: str) -> dict[str, Any]:
    """The modal that asks why the glass is broken."""
    return world.renderer.view("reason", metadata=dumps({"change": change, "caller": caller.as_json()}))


def metadata(body: Any) -> dict[str, Any]:
    """What a view of ours remembers; a forged or foreign one remembers nothing."""
    try:
        found = loads(text(body, "view", "private_metadata") or "{}")
    except JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def chosen(body: Any, field: str) -> str:
    """The option that was chosen in a field of the `ask` view."""
    return text(body, "view", "state", "values", field, f"ask:{field}", "selected_option", "value")


def options(world: World, rights: Rights, body: Any) -> list[dict[str, Any]]:
    """What a type-ahead field offers for what was typed so far: matched anywhere in the name, best first."""
    field, typed = text(body, "action_id").removeprefix("ask:"), text(body, "value").strip().casefold()
    found = _FIELDS.get(field, _none)(world, rights, body)
    ranked = sorted((name for name in found if typed in name.casefold()), key=lambda name: _rank(name, typed))
    return [_option(name) for name in ranked[:MOST_OPTIONS]]


def _rank(name: str, typed: str) -> tuple[int, str]:
    """A name that is what was typed, then one that begins with it, then one of whose parts does."""
    folded = name.casefold()
    last = folded.rpartition("/")[2]
    order = (typed in (folded, last), last.startswith(typed), folded.startswith(typed), f"-{typed}" in folded)
    return next((place for place, fits in enumerate(order) if fits), len(order)), folded


def _option(name: str) -> dict[str, Any]:
    # An option's text holds 75 characters; its value 150, and no name of Kubernetes' with its namespace exceeds 127.
    shown = name if len(name) <= 75 else f"…{name[-74:]}"  # noqa: PLR2004 - as above
    return {"text": {"type": "plain_text", "text": shown}, "value": name[-150:]}


def _none(world: World, rights: Rights, body: Any) -> Sequence[str]:
    del world, rights, body
    return ()


def _clusters(world: World, rights: Rights, body: Any) -> Sequence[str]:
    del rights, body
    return world.clusters.names()


def _namespaces(world: World, rights: Rights, body: Any) -> Sequence[str]:
    return sorted({name.split("/")[-2] for name in _services(world, rights, body, narrowed=False)})


def _services(world: World, rights: Rights, body: Any, *, narrowed: bool = True) -> Sequence[str]:
    cluster = chosen(body, "cluster")
    namespace = chosen(body, "namespace") if narrowed else ""
    names = [name for name in world.clusters.names() if cluster in ("", name)]
    several = len(world.clusters.names()) > 1
    return [
        f"{name}/{service.ref}" if several else str(service.ref)
        for name in names
        for service in world.clusters.get(name).snapshot().load_balancers()
        if namespace in ("", service.ref.namespace) and rights.visible(name, service.ref.namespace)
    ]


_FIELDS = {"cluster": _clusters, "namespace": _namespaces, "service": _services}
