"""The modals."""

from json import dumps
from typing import Any

from bot.operations.caller import Caller
from bot.operations.decide import REJECT
from bot.operations.world import World

_TITLES = {
    "status": ("Traffic path", "Explain"),
    "enable": ("Enable pass-through", "Propose"),
    "disable": ("Disable pass-through", "Propose"),
    "verify": ("Verify now", "Verify"),
}


def ask_view(world: World, caller: Caller, verb: str, *, must_say_why: bool = False) -> dict[str, Any]:
    """The modal that asks for a Service."""
    title, submit = _TITLES[verb]
    several = len(world.clusters.names()) > 1
    cluster = [("cluster", "Cluster", "any cluster", False)] if several else []
    fields = [
        *cluster,
        ("namespace", "Namespace", "any namespace", False),
        ("service", "Service", "type a part of its name", True),
    ]
    remembered = dumps({"verb": verb, "caller": caller.as_json()})
    return world.renderer.view(
        "ask",
        title=title,
        submit=submit,
        fields=fields,
        reasoned=verb in REASONED,
        must_say_why=must_say_why,
        metadata=remembered,
    )


REASONED = frozenset({"enable", "disable"})


def reason_view(world: World, caller: Caller, change: str, action: str) -> dict[str, Any]:
    """The modal that asks why the glass is broken, which must be said, or why a change is rejected."""
    remembered = dumps({"change": change, "action": action, "caller": caller.as_json()})
    return world.renderer.view("reason", rejecting=action == REJECT, metadata=remembered)
