"""The answer to `history`: who asked, approved and applied what, and what was verified."""

from functools import partial

from bot.domain.policy import Right
from bot.domain.words import unmarked
from bot.operations.caller import Caller
from bot.operations.card import card_of
from bot.operations.refusal import Refused
from bot.operations.resolve import named_cluster, near_places
from bot.operations.rights import rights_of
from bot.operations.world import World
from bot.ports import Message, Unavailable

PAGE = 15
"""Changes that one answer shows."""
EVERY = 100_000
"""Changes that may be open: a Service has one at most."""
READ = 200
"""Changes that are read to find those which the person may see."""


async def history(world: World, caller: Caller, target: str) -> Message:
    """Tell who asked, approved and applied what, and what was verified: of what is open first what ends first.

    Raises:
        Refused: nothing is known, or the database does not answer.
    """
    rights = (await rights_of(world, caller, Right.VIEW)).known()
    name, rest = named_cluster(target, world.clusters)
    namespace, _, service = rest.partition("/")
    try:
        find = partial(
            world.store.changes.find, cluster=name, namespace=namespace or None, name=service or None
        )
        being, found = await find(open_only=True, limit=EVERY), await find(limit=READ)
        if not found and not service and namespace:
            # A name alone may be a Service's, as everywhere else.
            found = await world.store.changes.find(cluster=name, name=namespace, limit=READ)
    except Unavailable as error:
        raise Refused(
            "The database does not answer, so the history cannot be read. Try again in a minute."
        ) from error
    ordered = [*sorted(being, key=lambda c: c.expires_at), *(c for c in found if not c.open)]
    shown = [change for change in ordered if rights.visible(change.cluster, change.service.namespace)]
    if not shown:
        near = near_places(target.rstrip("/"), world.clusters, rights.visible, services=True)
        hint = f" Did you mean history {near[0]}?" if near else ""
        raise Refused(f"No change of {unmarked(target) or 'any Service'} is known.{hint}")
    return world.message(
        "history",
        entries=[(change, card_of(change)) for change in shown[:PAGE]],
        more=max(0, len(shown) - PAGE),
        where=target or "all clusters",
    )
