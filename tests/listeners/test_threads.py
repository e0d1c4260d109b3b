"""Threads, where Slack has no slash commands: mentions and the message shortcut do the same there."""

from dataclasses import replace

from bot.demo.slack import payload as payloads
from tests.listeners.office import ALICE, MALLORY, OPS, RANDOM, Office


async def test_a_mention_is_answered_in_its_thread(office: Office) -> None:
    """For all who read it."""
    parent = office.slack.say(MALLORY, OPS, "checkout is slow")
    office.slack.mention(ALICE, OPS, "status shop/checkout", thread=parent.ts)
    answer = await office.reply(OPS, parent.ts, lambda m: "bypass" in m.text)
    assert answer.thread_ts == parent.ts
    assert office.slack.ephemerals(ALICE) == []


async def test_a_mention_outside_of_a_thread_starts_one(office: Office) -> None:
    """So that the channel stays readable."""
    asked = office.slack.mention(ALICE, OPS, "list")
    await office.reply(OPS, asked.ts, lambda m: "LoadBalancer Services" in m.text)


async def test_a_mention_without_words_is_helped(office: Office) -> None:
    """And so are a mistake and a missing name: each by a sentence for who made it."""
    for count, (text, words) in enumerate(
        [
            ("", "What you can do"),
            ("dance", "no subcommand"),
            ("status", "Name a Service"),
            ("enable a/b", "no Service"),
        ]
    ):
        office.slack.mention(ALICE, OPS, text)
        (told,) = await office.told(ALICE, after=count)
        assert words in told.text
        assert told.thread_ts


async def test_an_order_in_a_thread_has_its_card_in_the_channel_and_says_so(office: Office) -> None:
    """Changes are not hidden in threads."""
    parent = office.slack.say(MALLORY, OPS, "checkout is slow")
    office.slack.mention(ALICE, OPS, "enable shop/checkout TLS errors", thread=parent.ts)
    card = await office.message(OPS, lambda m: "CHG-1" in str(m.blocks))
    (told,) = await office.told(ALICE)
    assert card.thread_ts is None
    assert told.thread_ts == parent.ts
    assert "CHG-1" in office.slack.readable(told)


async def test_buttons_of_an_answer_in_a_thread_work_there(office: Office) -> None:
    """Sharing posts in the thread, proposing tells where the card is."""
    parent = office.slack.say(MALLORY, OPS, "checkout is slow")
    office.slack.mention(ALICE, OPS, "status shop/checkout", thread=parent.ts)
    answer = await office.reply(OPS, parent.ts, lambda m: "bypass" in m.text)
    assert (await office.slack.click(ALICE, answer, "status:share")).ok
    await office.reply(OPS, parent.ts, lambda m: "shared by" in str(m.blocks))
    assert "CHG-1" in await office.click(ALICE, answer, "status:propose")


async def test_another_bot_is_not_answered(office: Office) -> None:
    """Two bots that answer each other never stop."""
    said = office.slack.say(MALLORY, OPS, "I am a bot")
    body = {"type": "app_mention", "text": f"<@{office.slack.state.bot_user}> help", "user": MALLORY}
    body |= {"channel": OPS, "ts": said.ts, "bot_id": "B77OTHER"}
    event = payloads.event(office.slack.state, body, "T01TEAM")
    assert (await office.slack.deliveries.send("events_api", "event", event)).ok
    await office.answer(MALLORY, "help")
    assert len(office.slack.ephemerals(MALLORY)) == 1


async def test_the_shortcut_asks_and_answers_in_the_messages_thread(office: Office) -> None:
    """With the modal that the command without arguments opens."""
    message = office.slack.say(MALLORY, OPS, "checkout is slow")
    assert (await office.slack.shortcut(ALICE, "ask", message)).ok
    view = await office.modal(ALICE)
    await office.slack.suggest(ALICE, view, "ask:service", "check")
    assert (await office.slack.submit(view, {"service": "shop/checkout"})).ok
    await office.reply(OPS, message.ts, lambda m: "bypass" in m.text)
    assert office.slack.views(ALICE) == []


async def test_where_the_bot_may_not_post_the_shortcut_is_answered_to_its_person(office: Office) -> None:
    """Directly, if need be."""
    message = office.slack.say(MALLORY, RANDOM, "checkout is slow")
    assert (await office.slack.shortcut(ALICE, "ask", message)).ok
    view = await office.modal(ALICE)
    await office.slack.suggest(ALICE, view, "ask:service", "check")
    assert (await office.slack.submit(view, {"service": "shop/checkout"})).ok
    await office.slack.wait_for(lambda: office.slack.messages("D01ALICE"))
    assert replace(message) in office.slack.messages(RANDOM)
