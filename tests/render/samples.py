"""One of each message and view that people get, and one for whatever changes its shape."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from bot.domain.change import Place
from bot.listeners.views import ask_view, reason_view
from bot.operations.home import home_view, silent_view
from bot.operations.incident_jobs import notice_job
from tests.fakes.world import ALICE, BOB, Town, caller, shop
from tests.render.answers import ANSWERS
from tests.render.cards import CARDS
from tests.render.notices import NOTICES, sunk
from tests.render.verdicts import VERDICTS
from tests.render.wire import Json, Make


async def _ask_view() -> Json:
    town = Town(clusters=[shop(), shop("test")])
    return ask_view(town.world, caller(ALICE), "enable")


async def _ask_view_of_one() -> Json:
    """One cluster, and nothing to give a reason for."""
    return ask_view(Town().world, caller(ALICE), "status")


async def _ask_view_of_the_strict() -> Json:
    """Where a policy requires a reason, the form does."""
    return ask_view(Town().world, caller(ALICE), "enable", must_say_why=True)


async def _reason_view() -> Json:
    return reason_view(Town().world, caller(ALICE), "c1", "change:breakglass")


async def _rejection_view() -> Json:
    return reason_view(Town().world, caller(ALICE), "c1", "change:reject")


async def _home_view() -> Json:
    town = Town()
    await town.done()
    await town.propose("disable")
    return await home_view(town.world, caller(BOB))


async def _home_of_one_incident() -> Json:
    """And of nothing else."""
    town = Town()
    town.store.incidents.rows["i1"] = sunk()
    return await home_view(town.world, caller(ALICE))


async def _home_of_trouble() -> Json:
    """More incidents than there is room for; of a change whose card is gone there is no link."""
    town = Town()
    await town.propose()
    town.store.messages.places.clear()
    for number in range(10):
        row = replace(sunk(), id=f"i{number}", group=f"service:web/{number}")
        row = replace(row, acknowledged_by=BOB) if number == 1 else row
        town.store.incidents.rows[row.id] = row
    town.store.messages.places[notice_job("i0").key] = Place(channel="C0INC", ts="1.1")
    return await home_view(town.world, caller(ALICE))


async def _home_of_many(*more: str) -> Json:
    """More waits than there is room for; `more` are clusters that have some of it."""
    town = Town()
    first = await town.propose()
    for number in range(2, 12):
        cluster = (*more, "prod")[number % (1 + len(more))]
        expires = first.expires_at + timedelta(minutes=number)
        ref = replace(first.service, cluster=cluster, name=f"web-{number}")
        row = replace(first, id=f"c{number}", number=number, cluster=cluster, service=ref, expires_at=expires)
        town.store.changes.rows[row.id] = row
    return await home_view(town.world, caller(BOB))


async def _silent_home() -> Json:
    return silent_view(Town().world, "The database does not answer.")


MESSAGES: Mapping[str, Make] = {**CARDS, **NOTICES, **ANSWERS, **VERDICTS}
VIEWS: Mapping[str, Make] = {
    "ask": _ask_view,
    "ask-of-one": _ask_view_of_one,
    "ask-of-the-strict": _ask_view_of_the_strict,
    "reason": _reason_view,
    "reason-rejection": _rejection_view,
    "home": _home_view,
    "home-of-one-incident": _home_of_one_incident,
    "home-of-trouble": _home_of_trouble,
    "home-of-many": _home_of_many,
    "home-of-many-clusters": partial(_home_of_many, "test"),
    "home-silent": _silent_home,
}
