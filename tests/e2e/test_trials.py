"""What the page offers to try, with the bot itself: each trap is refused, allowed or measured as it should be."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest_asyncio

from bot.demo.knobs import KEY
from bot.demo.slack import Message
from bot.demo.stage import Stage
from bot.demo.traps import TRIALS
from tests.e2e.page_story import demo

ALICE, BOB, OPS = "U01ALICE", "U02BOB", "C01OPS"
SOON, MEASURED = 20.0, 90.0
ANSWERS = {
    "status shop/checkout": "in-cluster clients bypass the load balancer; nobody is cut off",
    "verify shop/checkout": "Verifying shop/checkout",
    "enable payments/ledger": "Not proposed, because it would do harm: The load balancer keeps the client's address",
    "disable payments/fraud": "pass-through off for payments/fraud",
    "enable web/front": "pass-through on for web/front and 1 other Service on its load balancer",
    "disable shop/tracking": "CCE writes onlyLocal back",
    "disable shop/cart": "the patch will be reverted",
    "enable turbo/search/suggest": "Not proposed, because it would change nothing for Pods: In a CCE Turbo cluster Pods reach",
    "status edge/press/blog": "whether every in-cluster client crosses the load balancer is not known",
}


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    """Everything that `make demo` starts."""
    made = demo()
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


def _said(stage: Stage, text: str) -> Message | None:
    """The message of #ops, for all or for Alice only, that says this in its readable form."""
    every = [*stage.slack.messages(OPS), *stage.slack.ephemerals(ALICE, OPS)]
    return next((m for m in every if text in stage.slack.readable(m, ALICE)), None)


async def _ask(stage: Stage, text: str, answer: str) -> Message:
    ack = await stage.slack.command(ALICE, OPS, f"/elb-passthrough {text}")
    assert ack.ok, ack.error
    return await stage.slack.wait_for(lambda: _said(stage, answer), SOON)


def _value(stage: Stage, service: str) -> str | None:
    """The annotation of a Service of the first cluster."""
    namespace, _, name = service.partition("/")
    found = stage.world.objects.get("services", namespace, name) or {}
    value: str | None = found["metadata"]["annotations"].get(KEY)
    return value


async def test_each_trial_is_answered_as_its_trap_demands(stage: Stage) -> None:
    """In the order in which the page lists them; nothing is patched by asking."""
    commands = [trial.command.partition(" ")[2] for trial in TRIALS]
    assert commands == list(ANSWERS)
    for text, answer in ANSWERS.items():
        await _ask(stage, text, answer)
    patches = stage.world.api.requests.of(verb="patch", resource="services")
    assert patches
    assert all("dryRun" in each.query for each in patches)


async def test_what_is_allowed_is_measured_and_what_git_owns_comes_back(stage: Stage) -> None:
    """Two Services change as one, a lock-out ends, Argo CD takes back; Turbo's Pods cross, elsewhere it is not known."""
    trials = ("enable web/front", "disable payments/fraud", "disable shop/cart")
    cards = [await _ask(stage, text, ANSWERS[text]) for text in trials]
    for card in cards:
        assert (await stage.slack.click(BOB, card, "change:approve")).ok
    for text in ("verify turbo/search/suggest", "verify edge/press/blog"):
        assert (await stage.slack.command(ALICE, OPS, f"/elb-passthrough {text}")).ok

    ends = partial(_ends, stage)
    ended = await asyncio.gather(
        ends("pass-through on for web/front", "Succeeded"),
        ends("pass-through off for payments/fraud", "Succeeded"),
        ends("pass-through off for shop/cart", "Failed"),
        ends("search/suggest", "Succeeded"),
        ends("press/blog", "Inconclusive"),
    )
    assert all(ended), ended
    assert [_value(stage, s) for s in ("web/front", "api/gateway", "payments/fraud")] == [
        "true",
        "true",
        None,
    ]
    await stage.slack.wait_for(lambda: _value(stage, "shop/cart") == "true", SOON)


async def _ends(stage: Stage, what: str, word: str) -> bool:
    """Whether what a message of #ops is about ends with this word, or with none that is wrong.

    Five measurements at once, in the demo's periods of a second: a machine that is busy leaves some of them without
    enough attempts, and then the bot says that it does not know. That data decide rightly is held by
    tests/operations, where the time is the test's own.
    """

    def ended() -> str | None:
        lines = (stage.slack.readable(m, BOB).partition("\n")[0] for m in stage.slack.messages(OPS))
        about = next((line for line in lines if what in line), "")
        return next((each for each in _ENDS if each in about), None)

    return await stage.slack.wait_for(ended, MEASURED) in (word, "Inconclusive")


_ENDS = ("Succeeded", "Failed", "Inconclusive", "Not applied", "Reverted")
