"""What Slack may send: the same thing three times, old buttons, forged and foreign ones, strangers, broken payloads."""

from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.commands.signature import signature_of
from bot.demo.slack import payload as payloads
from bot.demo.slack.message import Message
from bot.demo.slack.people import Person
from tests.listeners.office import ALICE, BOB, MALLORY, OPS, SECRET, Office

BUTTON = {
    "type": "button",
    "action_id": "status:verify",
    "text": {"type": "plain_text", "text": "x"},
    "value": "x",
}


async def test_a_command_delivered_three_times_is_one_proposal(office: Office) -> None:
    """With one card."""
    office.slack.deliveries.next(copies=3)
    await office.card()
    assert "CHG-2" not in await office.answer(ALICE, "history")
    assert len(office.slack.messages(OPS)) == 1


async def test_a_click_delivered_three_times_is_one_approval_and_one_answer(office: Office) -> None:
    """And one patch."""
    card = await office.card()
    office.slack.deliveries.next(copies=3)
    assert "You approved" in await office.click(BOB, card, "change:approve")
    await office.reply(OPS, card.ts, lambda m: "Patched" in m.text)
    assert len(office.slack.ephemerals(BOB)) == 1
    assert len(office.clusters[0].landed) == 1


async def test_a_question_delivered_three_times_is_answered_once(office: Office) -> None:
    """By a mention too, which Slack repeats when it is not acknowledged in time."""
    parent = office.slack.say(MALLORY, OPS, "checkout is slow")
    office.slack.deliveries.next(copies=3)
    office.slack.mention(ALICE, OPS, "status shop/checkout", thread=parent.ts)
    await office.reply(OPS, parent.ts, lambda m: "bypass" in m.text)
    office.slack.deliveries.next(copies=3)
    await office.answer(ALICE, "status shop/checkout")
    await office.slack.deliveries.settle()
    assert len(office.slack.thread(OPS, parent.ts)) == 3
    assert len(office.slack.ephemerals(ALICE)) == 1


async def test_two_clicks_are_two_answers(office: Office) -> None:
    """The second is told that the first was enough."""
    card = await office.card()
    await office.click(BOB, card, "change:approve")
    second = await office.click(BOB, card, "change:approve")
    assert second.startswith("CHG-1 ") or "approved" in second


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("change:approve", "not known here any more"),
        ("change:reject", "not known here any more"),
        ("change:withdraw", "not known here any more"),
        ("change:rollback", "not known here any more"),
        ("verification:stop", "not"),
        ("status:share", "This Service is gone"),
        ("status:propose", "This Service is gone"),
        ("status:verify", "This Service is gone"),
        ("incident:acknowledge", "older than what I remember"),
        ("incident:snooze", "older than what I remember"),
        ("incident:propose", "older than what I remember"),
        ("somebody:else", "older than I am"),
        ("", "older than I am"),
    ],
)
async def test_an_old_foreign_or_forged_button_gets_an_answer(
    office: Office, action: str, words: str
) -> None:
    """To who pressed it, whatever it is and whatever it carries."""
    message = posted(office, {**BUTTON, "action_id": action or "x"})
    for count, value in enumerate(("", "order:nosuch", "prod/uid-none", "<!channel>", "x" * 2000, "\u0000")):
        pressed = {"type": "button", "action_id": action, "block_id": "b", "value": value}
        pressed["action_ts"] = f"1.{count}"
        body = payloads.message_actions(office.slack.state, MALLORY, message, pressed, {})
        assert (await office.slack.deliveries.send("interactive", action, body)).ok
        (told,) = await office.told(MALLORY, after=count)
        assert words in told.text
        assert "<!channel>" not in str(told.blocks)


@pytest.mark.parametrize("value", ["nosuch", "", "<!channel>"])
async def test_a_forged_broken_glass_is_answered_without_a_form(office: Office, value: str) -> None:
    """Nobody is asked why for a change that is not known; what a form that was opened says is decided anew."""
    message = posted(office, {**BUTTON, "action_id": "change:breakglass", "value": value})
    assert "not known here any more" in await office.click(MALLORY, message, "change:breakglass")
    assert office.slack.views(MALLORY) == []


async def test_a_button_that_only_leads_somewhere_needs_no_answer(office: Office) -> None:
    """Slack tells of those too."""
    message = posted(office, {**BUTTON, "action_id": "link", "url": "https://example.com"})
    assert (await office.slack.click(ALICE, message, "link")).ok
    await office.answer(ALICE, "help")
    assert len(office.slack.ephemerals(ALICE)) == 1


async def test_people_of_other_workspaces_have_no_rights(office: Office) -> None:
    """A shared channel brings them to the buttons."""
    far = Person(id="U77FAR", name="far", real_name="Far", team="T99OTHER")
    office.slack.state.directory.add(far)
    office.slack.state.directory.join(OPS, far.id)
    card = await office.card()
    assert "no rights here" in await office.click(far.id, card, "change:approve")
    assert "bypass" not in await office.answer(far.id, "status shop/checkout")
    assert office.clusters[0].landed == []


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
@pytest.mark.parametrize("error", ["missing_scope", "internal_error", "user_not_found"])
async def test_who_cannot_be_looked_up_may_not(office: Office, method: str, error: str) -> None:
    """A sentence, no proposal: Bob may by his group only, and nobody's group is anybody's guess."""
    office.slack.faults.add(method, "error", count=99, error=error)
    answer = await office.answer(BOB, "enable shop/checkout")
    assert "could not be looked up" in answer
    office.slack.faults.clear()
    assert "No change" in await office.answer(ALICE, "history")


# --- payloads that nobody has thought of -----------------------------------------------------------------


def posted(office: Office, button: dict[str, Any]) -> Message:
    """A message of the bot's in #ops with one button."""
    state = office.slack.state
    return state.board.post(
        Message(
            channel=OPS,
            ts=state.stamps.ts(),
            user=state.bot_user,
            via=state.app.bot,
            text="a message",
            team=state.team,
            blocks=({"type": "actions", "block_id": "b", "elements": [button]},),
        )
    )


async def send(office: Office, body: bytes, content_type: str, **headers: str) -> tuple[int, str]:
    """Send a signed body; return status and answer."""
    stamp = str(int(office.slack.state.clock()))
    given = {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature_of(SECRET, stamp, body),
    }
    url = office.slack.request_url
    assert url is not None
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=given | headers) as answer,
    ):
        return answer.status, await answer.text()


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"command=%2Felb-passthrough", FORM),
        (b"command=%2Felb-passthrough&text=status+shop%2Fcheckout", FORM),
        (b"command=%2Felb-passthrough&text=enable+shop%2Fcheckout&user_id=", FORM),
        (b"command=%2Felb-passthrough&text=%00%ff%fe", FORM),
        (b"payload=", FORM),
        (b"payload=%7B%7D", FORM),
        (b"payload=%5B%5D", FORM),
        (b"payload=%7B", FORM),
        (urlencode({"payload": '{"type":"block_actions"}'}).encode(), FORM),
        (urlencode({"payload": '{"type":"block_actions","actions":[]}'}).encode(), FORM),
        (
            urlencode(
                {"payload": '{"type":"block_actions","actions":[{"action_id":"change:approve"}]}'}
            ).encode(),
            FORM,
        ),
        (
            urlencode(
                {"payload": '{"type":"block_actions","user":7,"actions":[{"action_id":"x","value":[]}]}'}
            ).encode(),
            FORM,
        ),
        (urlencode({"payload": '{"type":"view_submission"}'}).encode(), FORM),
        (
            urlencode(
                {"payload": '{"type":"view_submission","view":{"callback_id":"ask","private_metadata":"{"}}'}
            ).encode(),
            FORM,
        ),
        (
            urlencode(
                {
                    "payload": '{"type":"view_submission","view":{"callback_id":"reason","private_metadata":"[]","state":3}}'
                }
            ).encode(),
            FORM,
        ),
        (urlencode({"payload": '{"type":"view_closed","view":{"callback_id":"ask"}}'}).encode(), FORM),
        (urlencode({"payload": '{"type":"block_suggestion"}'}).encode(), FORM),
        (urlencode({"payload": '{"type":"message_action"}'}).encode(), FORM),
        (b"{}", "application/json"),
        (b"[]", "application/json"),
        (b"nonsense", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"type":"event_callback"}', "application/json"),
        (b'{"type":"event_callback","event":{"type":"app_mention"}}', "application/json"),
        (
            b'{"type":"event_callback","event":{"type":"app_mention","text":["x"],"channel":{}}}',
            "application/json",
        ),
        (b'{"type":"event_callback","event":{"type":"app_home_opened","user":null}}', "application/json"),
        (b'{"type":"event_callback","event":{"type":"never_heard_of"}}', "application/json"),
    ],
)
async def test_a_payload_with_fields_missing_or_of_other_types_breaks_nothing(
    office: Office, caplog: pytest.LogCaptureFixture, body: bytes, content_type: str
) -> None:
    """No server error, no traceback in the log, and the next command is answered."""
    status, answer = await send(office, body, content_type)
    assert status < 500
    assert "Traceback" not in answer
    assert [record for record in caplog.records if record.exc_info] == []
    assert "shop/checkout on prod" in await office.answer(ALICE, "status shop/checkout")


async def test_slacks_test_of_the_address_is_answered(office: Office) -> None:
    """When the manifest is installed."""
    body = b'{"type":"url_verification","challenge":"3eZbrw1aB","token":"x"}'
    assert await send(office, body, "application/json") == (200, '{"challenge": "3eZbrw1aB"}')
    assert (await send(office, b"ssl_check=1&token=x", FORM))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=ä"},
        {"X-Slack-Request-Timestamp": "1"},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "٣"},
        {"X-Slack-Request-Timestamp": "9" * 5000},
        {"X-Slack-Request-Timestamp": ""},
    ],
)
async def test_a_request_that_slack_did_not_sign_is_refused(office: Office, headers: dict[str, str]) -> None:
    """Whatever its headers hold, and nothing is read of it."""
    body = b"command=%2Felb-passthrough&text=enable+shop%2Fcheckout&user_id=U01ALICE&channel_id=C01OPS"
    assert (await send(office, body, FORM, **headers))[0] == 401
    assert "No change" in await office.answer(ALICE, "history")


@pytest.mark.parametrize(("age", "status"), [(299, 200), (302, 401), (-299, 200), (-302, 401)])
async def test_a_recorded_request_is_refused_after_five_minutes(
    office: Office, age: int, status: int
) -> None:
    """Or one from the future."""
    body = b"command=%2Felb-passthrough&text=help&user_id=U01ALICE&channel_id=C01OPS&team_id=T01TEAM"
    stamp = str(int(office.slack.state.clock()) - age)
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature_of(SECRET, stamp, body)}
    assert (await send(office, body, FORM, **headers))[0] == status
