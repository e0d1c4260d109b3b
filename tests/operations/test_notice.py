"""Where bad news about a change is told, and how fast."""

from datetime import timedelta

from bot.config.settings import IncidentSettings, Route
from bot.domain.verification import Outcome
from tests.fakes.world import Town


async def test_bad_news_of_a_change_goes_where_incidents_of_its_namespace_go() -> None:
    """The notice, and the alarm in its thread."""
    incidents = IncidentSettings(routes=(Route(channel="C0PAY", namespace="sh*"),))
    town = Town(changed={"incidents": incidents})
    town.messenger.channels.add("C0PAY")
    await town.done(Outcome.FAILED)
    assert town.incidents() == []
    notice, alarm = [post for post in town.messenger.posts if post.place.channel == "C0PAY"]
    assert "Failed" in notice.text
    assert (alarm.thread, alarm.broadcast) == (notice.place.ts, True)


async def test_alarms_keep_to_the_channels_limit_too() -> None:
    """A notice and its alarm are two messages: where one a minute is allowed, the second waits."""
    town = Town(changed={"incidents": IncidentSettings(per_minute=1)})
    await town.done(Outcome.FAILED)
    assert len(town.incidents()) == 1
    town.clock.now += timedelta(seconds=61)
    await town.work()
    notice, alarm = town.incidents()
    assert (alarm.thread, alarm.broadcast) == (notice.place.ts, True)
