from dataclasses import replace

from bot.demo.scenario import BalancerSpec, Scenario, deployment, prod, service
from bot.demo.slack import Message
from bot.demo.stage import Stage

BOB, MALLORY, INCIDENTS = "U02BOB", "U03MALLORY", "C02INC"
SOON = 60.0


def _scenario() -> Scenario:
    """The demo's cluster, and in it a Service that nobody has ever reached."""
    usual = prod()
    spare = BalancerSpec(name="spare-elb", kind="shared", vip="192.168.10.10", eip="80.158.1.10")
    return replace(
        usual,
        balancers=(*usual.balancers, spare),
        manifests=(
            *usual.manifests,
            deployment("shop", "idle", replicas=0, image="registry.example/shop/idle:1", port=8080),
            service("shop", "idle", port=80, target=8080, class_="union", id=spare.id),
        ),
    )


class _Channel:
    """What people see in the incident channel."""

    def __init__(self, stage: Stage) -> None:
        self._slack = stage.slack

    def read(self) -> list[str]:
        return [self._slack.readable(message, BOB) for message in self._slack.messages(INCIDENTS)]

    async def shows(self, text: str, count: int) -> Message:
        """Wait for so many messages of which the last says this; return it."""

        def found() -> Message | None:
            messages = self._slack.messages(INCIDENTS)
            fits = len(messages) == count and text in self._slack.readable(messages[-1], BOB)
            return messages[-1] if fits else None

        return await self._slack.wait_for(found, SOON)


async def test_a_change_behind_the_bots_back_is_told_once_and_taken_back() -> None:
    """Told after it settled, edited after a kill -9 when it is put back; clicks of the next one are answered."""
    stage = Stage(scenario=_scenario(), config={"incidents": {"settle": "1s"}}, patience=60.0)
    try:
        await stage.start()
        slack, channel = stage.slack, _Channel(stage)
        await channel.shows("prod is watched now. Already so: 1 incident.", 1)
        await slack.knobs.turn("annotation")
        await channel.shows('🟠 shop/checkout · prod: pass-through was set to "true"', 2)
        assert '(absent) → "true" by kubectl-annotate' in channel.read()[1]
        await stage.restart_bot()
        await slack.knobs.turn("annotation")
        await channel.shows("⚪ Over: shop/checkout · prod", 2)
        assert "Pass-through is off again." in channel.read()[1]
        await slack.knobs.turn("annotation")
        await slack.wait_for(lambda: len(channel.read()) == 3 or None, SOON)
        told = slack.messages(INCIDENTS)[-1]
        assert (await slack.select(MALLORY, told, "incident:snooze", "1 hour")).ok
        said = await slack.wait_for(lambda: slack.ephemerals(MALLORY), SOON)
        assert "You may not silence incidents of shop" in slack.readable(said[-1], MALLORY)
        assert (await slack.select(BOB, told, "incident:snooze", "1 hour")).ok
        await channel.shows("snoozed by", 3)
        assert (await slack.click(BOB, told, "incident:acknowledge")).ok
        await channel.shows("It was meant, and stays.", 3)
    finally:
        await stage.stop()
