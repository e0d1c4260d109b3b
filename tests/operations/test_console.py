"""The link to the cloud's console: where the settings alone say which one, and nowhere else."""

import pytest

from bot.config.settings import CloudSettings, Provider
from bot.operations.console import console, console_of
from tests.fakes.world import Town

HUAWEI, OTC = Provider.HUAWEICLOUD, Provider.OTC


def cloud(provider: Provider, region: str, **endpoints: str) -> CloudSettings:
    """What is configured of a cloud."""
    return CloudSettings(provider=provider, region=region, project_id="p", endpoints=endpoints)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (
            cloud(HUAWEI, "ap-southeast-1"),
            "https://console.huaweicloud.com/vpc/?region=ap-southeast-1#/elb/list",
        ),
        (cloud(OTC, "eu-de"), "https://console.otc.t-systems.com/console/?region=eu-de#/home"),
        (cloud(OTC, "eu-nl"), "https://console.otc.t-systems.com/console/?region=eu-nl#/home"),
        (cloud(OTC, "eu-de", ces="https://ces.example.com"), console(cloud(OTC, "eu-de"))),
        (cloud(OTC, "eu-ch2"), ""),
        (cloud(HUAWEI, "eu-west-101"), ""),
        (cloud(HUAWEI, "cn-north-4", elb="https://elb.example.com"), ""),
        (cloud(OTC, "eu-de", elb="http://127.0.0.1:9"), ""),
        (None, ""),
    ],
)
def test_a_console_is_linked_where_a_public_page_shows_its_address(
    settings: CloudSettings | None, address: str
) -> None:
    """By provider and region; a cloud of somebody's own has a console of its own."""
    assert console(settings) == address


def test_a_region_cannot_lead_to_another_host() -> None:
    """Whatever it is: it is a value of the query, and nothing more."""
    found = console(cloud(HUAWEI, "x@evil.test/#|<!channel>"))
    assert found.startswith(
        "https://console.huaweicloud.com/vpc/?region=x%40evil.test%2F%23%7C%3C%21channel%3E#"
    )


async def test_a_cluster_that_is_configured_no_more_has_no_console() -> None:
    """Its changes outlive it."""
    town = Town(cloud=cloud(OTC, "eu-de"))
    assert console_of(town.world, "prod") == console(cloud(OTC, "eu-de"))
    assert console_of(town.world, "gone") == ""
