"""Churn, with everything going wrong in between: at the end the cache is the server's truth."""

import asyncio
import random

import pytest

from bot.adapters.cluster.live import LiveCluster
from bot.demo.kubernetes import ApiServer
from tests.adapters.cluster.conftest import PATIENCE, Make, service


def truth(api: ApiServer) -> dict[tuple[str, str], str]:
    """Name every Service's version in the store."""
    return {
        (each["metadata"]["namespace"], each["metadata"]["name"]): each["metadata"]["resourceVersion"]
        for each in api.objects.scan("services")
    }


def believed(cluster: LiveCluster) -> dict[tuple[str, str], str]:
    """Name every Service's version in the cache."""
    found = cluster.snapshot().inventory.services
    return {tuple(ref): each.resource_version for ref, each in found.items()}  # type: ignore[misc]  # Ref is a pair


def churn(api: ApiServer, dice: random.Random) -> None:
    """Create, change or delete one of a few Services."""
    name = f"service-{dice.randrange(12)}"
    if api.objects.get("services", "shop", name) is None:
        api.objects.create("services", service(name), manager="kubectl")
    elif dice.random() < 0.3:
        api.objects.delete("services", "shop", name)
    else:
        patch = {"metadata": {"annotations": {"turn": str(dice.random())}}}
        api.objects.merge("services", "shop", name, patch, manager="kubectl")


def trouble(api: ApiServer, dice: random.Random) -> None:
    """Let something go wrong, or right again."""
    match dice.randrange(7):
        case 0:
            api.faults.cut_watches(abort=True)
        case 1:
            api.faults.cut_watches()
        case 2:
            api.faults.expire()
        case 3:
            api.faults.fail(2, code=dice.choice([429, 500, 503]), verb=dice.choice(["list", "watch"]))
        case 4:
            api.faults.drop_reply(verb="list")
        case 5:
            api.faults.refusing = True
        case _:
            api.faults.clear()


@pytest.mark.parametrize("seed", range(4))
async def test_after_any_trouble_the_cache_is_the_truth(api: ApiServer, make: Make, seed: int) -> None:
    """Twelve rounds of churn and trouble, and quiet after each; the watch has lived through all of them."""
    dice = random.Random(seed)  # noqa: S311 - the same each time
    cluster = make()
    for _ in range(12):
        for turn in range(30):
            churn(api, dice)
            if turn % 6 == 0:
                trouble(api, dice)
            await asyncio.sleep(0)
        api.faults.clear()
        async with asyncio.timeout(PATIENCE):
            await cluster.until(lambda _: believed(cluster) == truth(api))
        assert believed(cluster)
    # Which of the troubles the watch met is chance; it was not left in peace.
    assert len(api.requests.of("list", "services") + api.requests.of("watch", "services")) > 4
