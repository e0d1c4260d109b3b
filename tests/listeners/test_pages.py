"""A list of many Services is read page by page."""

import re

import pytest

from bot.demo.slack.message import Message
from tests.fakes.world import Cluster, service
from tests.listeners.office import ALICE, OPS, Office, two_services


def crowded() -> Cluster:
    """A cluster of 37 Services in two namespaces."""
    cluster = two_services()
    for number in range(35):
        cluster.put(service("web", f"s{number:02}", elb=f"elb-{number + 9}", ip=f"10.9.2.{number}"))
    return cluster


async def shown(office: Office, words: str) -> Message:
    """Wait until the one answer to Alice reads like that."""

    def now() -> Message | None:
        (answer,) = office.slack.ephemerals(ALICE)
        return answer if words in office.slack.readable(answer) else None

    return await office.slack.wait_for(now)


@pytest.mark.parametrize("options", [{"clusters": (crowded(),)}])
async def test_a_long_list_is_read_page_by_page(office: Office) -> None:
    """In its place, there and back; every Service is on one page, once."""
    await office.answer(ALICE, "list")
    seen = []
    for words, button in (
        ("1 to 15 of 37", "list:next"),
        ("16 to 30 of 37", "list:next"),
        ("31 to 37 of 37", ""),
    ):
        page = await shown(office, words)
        seen += re.findall(r"prod/\S+/\S+", office.slack.readable(page))
        if button:
            assert (await office.slack.click(ALICE, page, button)).ok
    assert len(office.slack.ephemerals(ALICE)) == 1
    assert len(seen) == len(set(seen)) == 37
    assert (await office.slack.click(ALICE, page, "list:previous")).ok
    await shown(office, "16 to 30 of 37")


@pytest.mark.parametrize("options", [{"clusters": (crowded(),)}])
@pytest.mark.parametrize("value", ["", "9", "99999:", "-1:", "1:web/", "x:prod", "٣:", "9" * 5000 + ":"])
async def test_a_page_that_nobody_offered_is_a_page_all_the_same(office: Office, value: str) -> None:
    """A forged or an old button shows what there is."""
    await office.answer(ALICE, "list")
    (page,) = office.slack.ephemerals(ALICE)
    body = {
        "type": "block_actions",
        "user": {"id": ALICE, "team_id": "T01TEAM"},
        "channel": {"id": OPS},
        "actions": [{"type": "button", "action_id": "list:next", "value": value, "action_ts": "1.1"}],
    }
    assert (await office.slack.deliveries.send("interactive", "page", body)).ok
    (told,) = await office.told(ALICE, after=1)
    assert "LoadBalancer Services" in told.text
    assert page.text
