"""The database away or slow, Slack away or in trouble: each is said, nothing is half done, nothing lost."""

import sqlite3

from bot.demo.slack import payload as payloads
from bot.domain.objects import Service
from bot.listeners.desk import NOT_KNOWN, NOT_STORED, STORED_WITHIN
from bot.ports import Freshness
from tests.fakes.world import CHECKOUT
from tests.listeners.office import ALICE, BOB, OPS, Office

SLACK_WAITS = 3.0
"""Seconds that Slack waits for an acknowledgement."""


def execute(office: Office, statement: str) -> None:
    """Do something to the database behind everybody's back."""
    connection = sqlite3.connect(office.database)
    connection.execute(statement)
    connection.commit()
    connection.close()


async def test_without_the_database_questions_are_answered_and_orders_refused(office: Office) -> None:
    """In a sentence; and nothing comes of them later."""
    card = await office.card()
    execute(office, "ALTER TABLE jobs RENAME TO gone")
    assert "shop/checkout on prod" in await office.answer(ALICE, "status shop/checkout")
    assert "prod/default/nginx" in await office.answer(ALICE, "list")
    assert "What you can do" in (await _told(office, "help"))
    assert NOT_STORED in await office.answer(ALICE, "enable default/nginx")
    assert NOT_STORED in await office.answer(ALICE, "verify shop/checkout")
    assert NOT_STORED in await office.click(BOB, card, "change:approve")
    execute(office, "ALTER TABLE gone RENAME TO jobs")
    assert "You approved CHG-1." in await office.click(BOB, card, "change:approve")


async def _told(office: Office, text: str) -> str:
    before = len(office.slack.ephemerals(ALICE))
    await office.slack.command(ALICE, OPS, text)
    return (await office.told(ALICE, after=before))[0].text


async def test_a_database_that_hangs_is_said_so_before_slack_gives_up(office: Office) -> None:
    """While it hangs, and honestly: what hangs may still be taken."""
    holder = sqlite3.connect(office.database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    ack = await office.slack.command(ALICE, OPS, "enable shop/checkout")
    holder.execute("ROLLBACK")
    holder.close()
    assert ack.ok
    assert ack.body is not None
    assert ack.body["text"] in (NOT_KNOWN, NOT_STORED)
    assert STORED_WITHIN < SLACK_WAITS


async def test_without_the_database_the_home_tab_says_so(office: Office) -> None:
    """Rather than a direct message at each visit."""
    execute(office, "ALTER TABLE changes RENAME TO gone")
    office.slack.open_home(BOB)
    home = await office.slack.wait_for(lambda: office.slack.home(BOB))
    assert "Nothing can be shown now" in str(home.body)
    assert office.slack.messages("D02BOB") == []


async def test_an_order_given_while_slack_is_down_is_answered_when_it_is_back(office: Office) -> None:
    """By its card, or by a refusal that says what could not be looked up; once."""
    office.slack.faults.down()
    assert (await office.slack.command(ALICE, OPS, "enable shop/checkout TLS errors")).ok
    await office.slack.wait_for(
        lambda: office.slack.log(name="users.info") or office.slack.log(name="conversations.info")
    )
    office.slack.faults.up()
    refused_or_posted = await office.slack.wait_for(
        lambda: (
            [m for m in office.slack.messages(OPS) if "CHG-1" in str(m.blocks)]
            or office.slack.ephemerals(ALICE)
        )
    )
    assert len(refused_or_posted) == 1


async def test_a_card_whose_answer_was_lost_is_not_posted_twice(office: Office) -> None:
    """It is looked for first."""
    office.slack.faults.add("chat.postMessage", "lost")
    card = await office.card()
    assert "You approved CHG-1." in await office.click(BOB, card, "change:approve")
    await office.reply(OPS, card.ts, lambda m: "Patched" in m.text)
    assert len(office.slack.messages(OPS)) == 1


async def test_an_answer_through_a_spent_response_url_comes_as_a_whisper(office: Office) -> None:
    """And one of a foreign host is not used at all."""
    place = office.slack.state.directory.channels[OPS]
    for count, host in enumerate((office.slack.url, "https://evil.example")):
        body = payloads.command(office.slack.state, ALICE, place, "/elb-passthrough", "status shop/checkout")
        body["response_url"] = f"{host}/commands/T01TEAM/never/was"
        assert (await office.slack.deliveries.send("slash_commands", "status", body)).ok
        (told,) = await office.told(ALICE, after=count)
        assert told.text.startswith("shop/checkout on prod")


async def test_a_cluster_that_was_never_read_is_said_to_be_silent(office: Office) -> None:
    """And nothing is proposed."""
    office.clusters[0].remove(Service, CHECKOUT)
    office.clusters[0].fresh = Freshness(synced=False, age=None, problem="connection refused")
    assert "does not answer (connection refused)" in await office.answer(ALICE, "status shop/checkout")
    assert "does not answer (connection refused)" in await office.answer(ALICE, "enable shop/checkout")
    assert office.slack.messages(OPS) == []


async def test_a_surprise_is_apologised_for_and_logged(office: Office) -> None:
    """Nobody sees a traceback."""
    office.clusters[0].fresh = None  # type: ignore[assignment] # whatever breaks an answer from within
    answer = await office.answer(ALICE, "status shop/checkout")
    assert answer.startswith("Something went wrong on my side")
    assert "Traceback" not in answer
