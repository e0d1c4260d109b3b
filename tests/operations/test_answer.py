from dataclasses import replace

import pytest

from bot.operations.answer import reply, say
from bot.ports import Forbidden, Invalid, Message, NotFound, Unavailable
from tests.fakes.world import ALICE, OPS, Town, caller

ASKED = caller(ALICE)
IN_THREAD = replace(ASKED, thread="7.000")
MESSAGE = Message(text="Here it is.", blocks=())


async def test_a_command_is_answered_by_its_response_url() -> None:
    """For the person only."""
    town = Town()
    await say(town.world, ASKED, "Done.")
    (told,) = town.messenger.told
    assert (told.text, told.response_url) == ("Done.", ASKED.response_url)


@pytest.mark.parametrize("error", [NotFound("used up"), Forbidden("another host"), Invalid("refused")])
async def test_a_response_url_that_is_no_good_is_no_reason_to_be_silent(error: Exception) -> None:
    """The person is told in the channel instead, alone."""
    town = Town()
    assert isinstance(error, NotFound | Forbidden | Invalid)
    town.messenger.fail("answer", error)
    await say(town.world, ASKED, "Done.")
    (told,) = town.messenger.told
    assert (told.channel, told.user) == (OPS, ALICE)


async def test_slack_that_does_not_answer_is_tried_again_by_the_job() -> None:
    """Whether the answer arrived is not known."""
    town = Town()
    town.messenger.fail("answer", Unavailable("Slack does not answer"))
    with pytest.raises(Unavailable):
        await say(town.world, ASKED, "Done.")


async def test_a_sentence_for_somebody_in_a_thread_is_whispered_there() -> None:
    """A response_url would put it outside."""
    town = Town()
    await say(town.world, IN_THREAD, "Done.")
    (told,) = town.messenger.told
    assert (told.thread, told.response_url) == ("7.000", "")


async def test_a_question_in_a_thread_is_answered_for_all_who_read_it() -> None:
    """A mention asks in public."""
    town = Town()
    await reply(town.world, IN_THREAD, MESSAGE)
    (posted,) = town.messenger.posts
    assert posted.thread == "7.000"
    await reply(town.world, ASKED, MESSAGE)
    assert len(town.messenger.posts) == 1


async def test_where_the_bot_may_not_post_a_thread_is_answered_alone() -> None:
    """To the person who asked."""
    town = Town()
    await reply(town.world, replace(IN_THREAD, channel="C0FOREIGN"), MESSAGE)
    assert town.messenger.posts == []
    assert len(town.messenger.told) == 1
