"""Every subcommand, from the signed payload to the Web API, over HTTP and over Socket Mode."""

import pytest

from bot.listeners.grammar import SUBCOMMANDS
from tests.fakes.world import service, shop
from tests.listeners.office import ALICE, BOB, GUEST, MALLORY, OPS, RANDOM, Office
from tests.render.test_typed import SIGNS


@pytest.fixture(params=[False, True], ids=["http", "socket"])
def options(request: pytest.FixtureRequest) -> dict[str, bool]:
    """Both transports."""
    return {"socket_mode": request.param}


async def test_status_is_answered_to_who_asked(office: Office) -> None:
    """With the buttons that this person may press."""
    answer = await office.answer(ALICE, "status shop/checkout")
    assert answer.startswith("shop/checkout on prod:")
    assert "[Propose pass-through]" in answer
    assert office.slack.ephemerals(BOB) == []
    assert office.slack.messages(OPS) == []


async def test_list_shows_every_service(office: Office) -> None:
    """Of every cluster."""
    answer = await office.answer(ALICE, "list")
    assert "prod/shop/checkout" in answer
    assert "prod/default/nginx" in answer


async def test_help_shows_what_this_person_may_do(office: Office) -> None:
    """Mallory may look, Bob may operate too."""
    assert "pause / resume" in await office.answer(BOB, "help")
    answer = await office.answer(MALLORY, "help")
    assert "status" in answer
    assert "enable" not in answer


async def test_an_order_becomes_a_card_and_a_decision_is_answered(office: Office) -> None:
    """Enable, refused to Mallory, approved by Bob, and the patch lands once."""
    card = await office.card()
    refused = await office.click(MALLORY, card, "change:approve")
    assert "may" in refused
    assert (await office.click(BOB, card, "change:approve")).startswith("You approved CHG-1.")
    await office.reply(OPS, card.ts, lambda m: "Patched" in m.text)
    assert len(office.clusters[0].landed) == 1


@pytest.mark.parametrize(("user", "action"), [(BOB, "change:reject"), (ALICE, "change:withdraw")])
async def test_a_proposal_is_rejected_or_withdrawn(office: Office, user: str, action: str) -> None:
    """And nothing is patched."""
    card = await office.card()
    assert "Nothing is patched." in await office.click(user, card, action)
    assert office.clusters[0].landed == []


async def test_already_on_is_an_answer_and_no_card(office: Office) -> None:
    """The vendor's own example is on."""
    assert "already on" in await office.answer(ALICE, "enable default/nginx")
    assert office.slack.messages(OPS) == []


async def test_disable_is_understood(office: Office) -> None:
    """And refused under policy Local, where CCE writes the annotation back."""
    assert "back. Instead" in await office.answer(ALICE, "disable default/nginx")


@pytest.mark.parametrize("options", [{"clusters": (shop(value="true", elb_class="performance"),)}])
async def test_the_button_of_a_status_proposes_what_it_says(office: Office) -> None:
    """Its opaque value tells which way: where pass-through locks somebody out, it is to be taken off."""
    await office.answer(ALICE, "status shop/checkout")
    (answer,) = office.slack.ephemerals(ALICE)
    assert (await office.slack.click(ALICE, answer, "status:propose")).ok
    card = await office.message(OPS, lambda m: "CHG-1" in str(m.blocks))
    assert "pass-through off for shop/checkout" in office.slack.readable(card)


async def test_verify_starts_a_thread(office: Office) -> None:
    """Of its own."""
    assert (await office.slack.command(ALICE, OPS, "verify shop/checkout")).ok
    message = await office.message(OPS, lambda m: "erification of shop/checkout" in m.text)
    await office.reply(OPS, message.ts, lambda m: bool(m.text))


async def test_history_tells_of_changes(office: Office) -> None:
    """And of none, where there are none."""
    assert "No change of any Service is known." in await office.answer(ALICE, "history")
    await office.card()
    assert "CHG-1" in await office.answer(ALICE, "history shop/checkout")


async def test_pause_and_resume_are_for_operators(office: Office) -> None:
    """Others are told who may."""
    assert "Only operators may" in await office.answer(MALLORY, "pause")
    assert "paused" in await office.answer(ALICE, "pause prod")
    assert "prod was paused by itself: resume it too." in await office.answer(BOB, "resume")
    assert "prod is resumed." in await office.answer(BOB, "resume prod")
    assert "prod is not paused." in await office.answer(BOB, "resume prod")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stauts shop/checkout", "Did you mean status"),
        ("frobnicate", "help lists what you can do"),
        ("shop/checkout", "/elb-passthrough status shop/checkout"),
        ("status shop/chekout", "Did you mean shop/checkout?"),
        ("status nowhere/nothing/at/all", "names no Service"),
        ("status prot/shop/checkout", "There is no cluster"),
        ("   STATUS \t “shop/checkout” \u200f", "shop/checkout on prod:"),
        ("status shop / checkout", "shop/checkout on prod:"),
        ("status checkout", "shop/checkout on prod:"),
        ("status <!channel>", "<!channel>"),
        ("enable shop/none because a & b", "There is no Service “none”"),
    ],
)
async def test_a_mistake_is_answered_with_what_to_type_instead(office: Office, text: str, words: str) -> None:
    """To who made it, and nobody is notified by what they typed."""
    assert words in await office.answer(ALICE, text)
    assert office.slack.messages(OPS) == []


@pytest.mark.parametrize("name", SUBCOMMANDS)
async def test_a_service_may_be_named_like_a_subcommand(office: Office, name: str) -> None:
    """Its namespace too, and its reason may begin with one."""
    office.clusters[0].put(service(name, name, ip="10.9.1.1", elb="elb-9", port=80))
    for typed in (f"status {name}", f"status {name}/{name}", f"STATUS  “{name}/{name}”"):
        assert f"{name}/{name} on prod:" in await office.answer(ALICE, typed)
    assert f"prod/{name}/{name}" in await office.answer(ALICE, f"list {name}")
    card = await office.card(f"enable {name}/{name} {name} it")
    assert f"“{name} it”" in office.slack.readable(card)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("x" * 2900, "x" * 999 + "…"),
        ("“TLS  errors”\t since\n14:00", "TLS errors” since 14:00"),
        (
            "*bold* _it_ ~no~ `code` :tada: <!channel> @here",
            "*bold* _it_ ~no~ `code` :tada: <!channel> @here",
        ),
        ("مرحبا \u202eevil 👩‍👩‍👧 日本", "مرحبا evil 👩‍👩‍👧 日本"),
    ],
    ids=["3,000 characters", "quotes", "marks", "letters"],
)
async def test_a_reason_is_read_as_it_was_typed(office: Office, typed: str, kept: str) -> None:
    """On the card; what cannot be seen is left out."""
    card = await office.card(f"enable shop/checkout {typed}")
    read = office.slack.readable(card)
    assert kept in read.translate(SIGNS)


@pytest.mark.parametrize("user", [GUEST])
async def test_a_guest_sees_nothing(office: Office, user: str) -> None:
    """Not even names."""
    for text in ("status shop/checkout", "list"):
        answer = await office.answer(user, text)
        assert "10.9.0.9" not in answer
        assert "bypass" not in answer


async def test_from_a_channel_without_the_bot_questions_are_answered_and_orders_refused(
    office: Office,
) -> None:
    """No change channel is configured."""
    assert "shop/checkout on prod" in await office.answer(ALICE, "status shop/checkout", RANDOM)
    assert "I am not a member of this channel" in await office.answer(ALICE, "enable shop/checkout", RANDOM)
    assert office.slack.messages(RANDOM) == []
