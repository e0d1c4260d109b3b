"""The simulated Argo CD puts back what it applied, leaves alone what it did not, and the bot foretells both."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.adapters.cluster.live import LiveCluster
from bot.config.settings import ClusterSettings
from bot.demo.kubernetes.argo import MANAGER
from bot.demo.scenario import ARGO, Scenario, argo_owned, prod, service
from bot.demo.world import World
from bot.domain.change import ServiceRef
from bot.domain.owner import Outlook, Touch
from bot.domain.owner_fate import fate
from bot.domain.owner_marks import marks
from bot.operations.owner import evidence_of
from bot.ports import LiveService
from tests.adapters.cluster.conftest import kubeconfig

KEY = "kubernetes.io/elb.pass-through"
CART = ServiceRef(cluster="prod", namespace="shop", name="cart")
PATIENCE = 60.0


def world(declared: str | None) -> Scenario:
    """A cluster with shop/cart, which Argo CD applied with or without the annotation."""
    shown = prod()
    raw = service("shop", "cart", port=444, target=8080, class_="union", id=shown.balancers[0].id)
    if declared is not None:
        raw["metadata"]["annotations"][KEY] = declared
    owner, cart = argo_owned(
        raw,
        application="shop",
        repository="https://git.example/shop.git",
        path="deploy/prod",
    )
    return replace(shown, namespaces=(*shown.namespaces, ARGO), manifests=(owner, cart))


async def started(declared: str | None) -> World:
    """The world at work, with a self-heal timeout that does not keep a test waiting."""
    made = World(world(declared))
    made.cluster.argo.work.delay = 0.01
    await made.start()
    return made


@pytest.fixture
async def declaring() -> AsyncIterator[World]:
    """Git says "true"."""
    made = await started("true")
    yield made
    await made.stop()


@pytest.fixture
async def silent() -> AsyncIterator[World]:
    """Git says nothing."""
    made = await started(None)
    yield made
    await made.stop()


def annotations(made: World) -> dict[str, str]:
    """What shop/cart carries."""
    found: Any = made.objects.get("services", "shop", "cart")
    return dict(found["metadata"]["annotations"])


async def test_what_was_applied_is_put_back(declaring: World) -> None:
    """By Argo CD's own field manager, soon after."""
    declaring.annotate("shop", "cart", KEY, None)
    assert KEY not in annotations(declaring)
    async with asyncio.timeout(PATIENCE):
        await declaring.cluster.argo.work.settled()
    assert annotations(declaring)[KEY] == "true"
    found: Any = declaring.objects.get("services", "shop", "cart")
    assert MANAGER in [entry["manager"] for entry in found["metadata"]["managedFields"]]


async def test_what_was_not_applied_is_left_alone(silent: World) -> None:
    """Nothing is even asked for."""
    silent.annotate("shop", "cart", KEY, "true")
    assert silent.cluster.argo.work.idle
    assert annotations(silent)[KEY] == "true"


async def test_without_self_heal_nothing_is_put_back(declaring: World) -> None:
    """Argo CD's default."""
    patch = {"spec": {"syncPolicy": {"automated": {"selfHeal": False}}}}
    declaring.objects.merge("applications", ARGO, "shop", patch, manager="kubectl-edit")
    declaring.annotate("shop", "cart", KEY, None)
    assert declaring.cluster.argo.work.idle
    assert KEY not in annotations(declaring)


async def foretold(
    made: World, tmp_path: Any, after: str | None
) -> tuple[Outlook, float | None, LiveService]:
    """What the bot says, with the bot's own rights over the wire, before anything is patched."""
    path = kubeconfig(tmp_path / "kubeconfig", made.kubeconfig())
    cluster = LiveCluster(ClusterSettings(name="prod", kubeconfig=path))
    try:
        live = await cluster.read(CART)
        (mark,) = marks(evidence_of(live))
        (owner,) = await cluster.owners(mark)
        told = fate(evidence_of(live), Touch(key=KEY, after=after), mark, owner)
        await cluster.patch(CART, {KEY: after}, resource_version=live.resource_version, dry_run=False)
        return told.outlook, told.after, live
    finally:
        await cluster.close()


async def test_the_bot_foretells_a_revert_and_it_comes(declaring: World, tmp_path: Any) -> None:
    """The bot's patch is undone, as its card would have said."""
    told = await foretold(declaring, tmp_path, None)
    assert told[:2] == (Outlook.REVERTED, 5.0)
    async with asyncio.timeout(PATIENCE):
        await declaring.cluster.argo.work.settled()
    assert annotations(declaring)[KEY] == "true"


async def test_the_bot_foretells_that_its_patch_survives_and_it_does(silent: World, tmp_path: Any) -> None:
    """Git does not say, so nobody undoes it."""
    told = await foretold(silent, tmp_path, "true")
    assert told[0] is Outlook.SURVIVES
    await silent.cluster.settled()
    assert annotations(silent)[KEY] == "true"
