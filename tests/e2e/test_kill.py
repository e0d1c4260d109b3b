from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.demo.cloud import Metering
from bot.demo.scenario import prod
from bot.demo.slack import Message
from bot.demo.stage import Stage

ALICE, BOB, OPS, INCIDENTS = "U01ALICE", "U02BOB", "C01OPS", "C02INC"
CALM = replace(prod(), metering=Metering(period=3, delay=0.5))
"""Periods so long that a busy machine measures within them."""
VERDICTS = ("Succeeded:", "Failed:", "Inconclusive:")


def _patches(stage: Stage) -> int:
    """Patches of the Service that the API server carried out."""
    seen = stage.world.api.requests.of(verb="patch", resource="services")
    return sum(1 for each in seen if each.status == 200 and "dryRun" not in each.query)


def _pods(stage: Stage) -> int:
    return sum(
        1 for each in stage.world.api.requests.of(verb="create", resource="pods") if each.status == 201
    )


def _approved(stage: Stage) -> bool:
    return any("Approved" in stage.slack.readable(m, BOB) for m in stage.slack.messages(OPS))


def _measuring(stage: Stage) -> bool:
    return _pods(stage) > 0


def _patched(stage: Stage) -> bool:
    return _patches(stage) > 0


def _measuring_again(stage: Stage) -> bool:
    return _patches(stage) > 0 and _pods(stage) > 4


@pytest.mark.parametrize(
    "moments",
    [(_approved, _patched), (_measuring, _measuring_again)],
    ids=["after-the-approval-and-after-the-patch", "in-both-measurements"],
)
async def test_a_killed_bot_ends_in_the_same_story(moments: tuple[Callable[[Stage], bool], ...]) -> None:
    """SIGKILL in the middle, twice: one patch, the same verdict, every message once, nothing left behind."""
    stage = Stage(scenario=CALM, verification={"window": "60s"}, patience=60.0)
    try:
        await stage.start()
        slack = stage.slack
        await slack.command(ALICE, OPS, "/elb-passthrough enable shop/checkout because")
        card = (await slack.wait_for(lambda: slack.messages(OPS), 60))[0]
        assert (await slack.click(BOB, card, "change:approve")).ok
        for moment in moments:
            await slack.wait_for(lambda moment=moment: moment(stage), 120)  # type: ignore[misc]  # mypy cannot infer a default argument's type
            await stage.restart_bot()
        await slack.wait_for(lambda: slack.messages(INCIDENTS), 120)
        await slack.wait_for(lambda: any(_said(stage, card, word) for word in VERDICTS), 120)
        assert _said(stage, card, "Succeeded:"), [slack.readable(m, BOB) for m in slack.thread(OPS, card.ts)]
        assert _patches(stage) == 1
        assert stage.world.objects.list("pods", "elb-passthrough") == []
        texts = Counter(slack.readable(m, BOB) for m in slack.thread(OPS, card.ts))
        assert [text for text, times in texts.items() if times > 1] == []
        assert len(slack.messages(OPS)) == 1
        assert len(slack.messages(INCIDENTS)) == 1
        assert _said(stage, card, "Succeeded:") == 1
        assert _said(stage, card, "Patched:") == 1
    finally:
        await stage.stop()


def _said(stage: Stage, card: Message, text: str) -> int:
    return sum(text in stage.slack.readable(m, BOB) for m in stage.slack.thread(OPS, card.ts))
