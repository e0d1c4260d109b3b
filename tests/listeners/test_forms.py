"""Modals, type-ahead and the Home tab."""

import json
from dataclasses import replace
from time import process_time
from typing import Any

import pytest

from bot.domain.objects import Ref
from bot.domain.policy import Policy
from bot.listeners.typeahead import MOST_OPTIONS, MOST_SHOWN, options
from bot.listeners.views import ask_view
from bot.operations.caller import Caller
from bot.operations.rights import Rights
from bot.operations.world import World
from bot.ports import Person
from tests.fakes.world import Town, service, shop
from tests.listeners.office import ALICE, BOB, GUEST, MALLORY, OPS, Office, two_services
from tests.listeners.test_faults import execute


async def test_without_arguments_a_modal_asks_and_then_explains(office: Office) -> None:
    """By type-ahead."""
    assert (await office.slack.command(ALICE, OPS, "")).ok
    view = await office.modal(ALICE)
    offered = await office.slack.suggest(ALICE, view, "ask:service", "check")
    assert [option["value"] for option in offered] == ["shop/checkout"]
    assert (await office.slack.submit(view, {"service": "shop/checkout"})).ok
    (told,) = await office.told(ALICE)
    assert told.text.startswith("shop/checkout on prod:")


async def test_a_namespace_narrows_what_is_offered(office: Office) -> None:
    """And is offered itself."""
    assert (await office.slack.command(ALICE, OPS, "")).ok
    view = await office.modal(ALICE)
    spaces = await office.slack.suggest(ALICE, view, "ask:namespace", "")
    assert [option["value"] for option in spaces] == ["default", "shop"]


async def test_an_order_without_a_service_asks_for_it_and_a_reason(office: Office) -> None:
    """Then it is a proposal like any other."""
    assert (await office.slack.command(ALICE, OPS, "enable")).ok
    view = await office.modal(ALICE)
    await office.slack.suggest(ALICE, view, "ask:service", "")
    assert (await office.slack.submit(view, {"service": "shop/checkout", "reason": "TLS & <pain>"})).ok
    card = await office.message(OPS, lambda m: "CHG-1" in str(m.blocks))
    assert "TLS & <pain>" in office.slack.readable(card)


async def test_a_form_without_a_service_says_what_is_missing(office: Office) -> None:
    """In the form, which stays open."""
    body = submission("ask", {"verb": "status"})
    ack = await office.slack.deliveries.send("interactive", "ask", body)
    assert ack.body == {"response_action": "errors", "errors": {"service": "Choose a Service."}}


async def test_a_broken_glass_needs_a_reason(office: Office) -> None:
    """White space is none."""
    body = submission("reason", {"change": "x"}, {"reason": {"reason": {"value": "  \n"}}})
    ack = await office.slack.deliveries.send("interactive", "reason", body)
    assert ack.body == {"response_action": "errors", "errors": {"reason": "Say why it cannot wait."}}


async def test_breaking_the_glass_approves_alone_with_a_reason(office: Office) -> None:
    """Alice is of the platform group, and it is her own proposal."""
    card = await office.card()
    assert (await office.slack.click(ALICE, card, "change:breakglass")).ok
    view = await office.modal(ALICE)
    assert (await office.slack.submit(view, {"reason": "the shop is down"})).ok
    (told,) = await office.told(ALICE)
    assert told.text.startswith("You approved CHG-1.")
    await office.message("C02INC", lambda m: "the shop is down" in str(m.blocks))


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("change:breakglass", "You may not break the glass here"),
        ("change:reject", "You may not reject changes here"),
    ],
)
async def test_who_may_not_is_told_who_may_and_not_asked_why(office: Office, action: str, words: str) -> None:
    """Everybody sees the same buttons."""
    card = await office.card()
    answer = await office.click(MALLORY, card, action)
    assert words in answer
    assert " may." in answer
    assert office.slack.views(MALLORY) == []


async def test_while_it_is_not_known_who_may_the_form_is_there(office: Office) -> None:
    """And what is said in it is decided when it is stored."""
    card = await office.card()
    execute(office, "ALTER TABLE changes RENAME TO gone")
    assert (await office.slack.click(ALICE, card, "change:breakglass")).ok
    assert (await office.modal(ALICE)).body["callback_id"] == "reason"


async def test_a_rejection_is_taken_at_once_and_may_be_explained(office: Office) -> None:
    """The form comes after the no, and need not be filled in."""
    card = await office.card()
    assert (await office.click(BOB, card, "change:reject")).startswith("You rejected CHG-1.")
    view = await office.modal(BOB)
    assert (await office.slack.submit(view, {"reason": "not before the sale"})).ok
    *_, told = await office.told(BOB, after=1)
    assert told.text == "Your reason is on the card of CHG-1."
    await office.changed(card, "not before the sale")


async def test_a_rejection_without_a_word_is_one(office: Office) -> None:
    """An empty form closes, and nothing more happens."""
    body = submission(
        "reason", {"change": "x", "action": "change:reject"}, {"reason": {"reason": {"value": " "}}}
    )
    assert not (await office.slack.deliveries.send("interactive", "reason", body)).body


async def test_a_form_from_before_the_last_deployment_is_answered(office: Office) -> None:
    """With what to do instead."""
    ack = await office.slack.deliveries.send("interactive", "old", submission("somebody-elses", {}))
    assert ack.ok
    messages = await office.slack.wait_for(lambda: office.slack.messages("D01ALICE"))
    assert "older than I am" in messages[0].text


async def test_what_a_forged_form_remembers_gives_nobody_rights(office: Office) -> None:
    """The verb is one of ours or a question, and the person is who Slack says."""
    remembered = {"verb": "rm -rf", "caller": {"user": BOB, "channel": OPS}}
    state = {"service": {"ask:service": {"selected_option": {"value": "shop/checkout"}}}}
    body = submission("ask", remembered, state, user=MALLORY)
    assert (await office.slack.deliveries.send("interactive", "ask", body)).ok
    (told,) = await office.told(MALLORY)
    assert "Propose" not in office.slack.readable(told)


async def test_nobody_is_asked_for_what_they_may_not_do(office: Office) -> None:
    """Somebody who may not propose gets no form with [Propose], and a guest none at all: they are told who may."""
    for user, said, words in (
        (
            MALLORY,
            "enable",
            f"You may not propose changes in any namespace. <@{ALICE}> or <!subteam^S0SRE> may.",
        ),
        (MALLORY, "verify", "You may not verify Services in any namespace."),
        (GUEST, "", "Guests, bots and people of other workspaces have no rights here."),
        (GUEST, "enable", "Guests, bots and people of other workspaces have no rights here."),
    ):
        before = len(office.slack.ephemerals(user))
        assert (await office.slack.command(user, OPS, said)).ok
        (told,) = await office.told(user, after=before)
        assert told.text.startswith(words)
        assert office.slack.views(user) == []


EXPLAINED = Policy(propose=(ALICE,), approve=("S0SRE",), require_reason=True)


@pytest.mark.parametrize("options", [{"settings": {"policies": (EXPLAINED,)}}])
async def test_a_form_says_that_a_reason_is_required(office: Office) -> None:
    """In its label, by Slack's own means."""
    assert (await office.slack.command(ALICE, OPS, "enable")).ok
    (reason,) = (
        block for block in (await office.modal(ALICE)).body["blocks"] if block.get("block_id") == "reason"
    )
    assert reason["optional"] is False


PARTLY = (
    Policy(namespace="shop", propose=(ALICE,), approve=("S0SRE",), require_reason=True),
    Policy(propose=(ALICE,)),
)


@pytest.mark.parametrize("options", [{"settings": {"policies": PARTLY}}])
async def test_a_form_without_the_required_reason_keeps_the_choice(office: Office) -> None:
    """The chosen Service decides whether a reason is required; the form stays open and says so beside the field."""
    state: dict[str, Any] = {"service": {"ask:service": {"selected_option": {"value": "shop/checkout"}}}}
    body = submission("ask", {"verb": "enable", "caller": NOBODY.as_json()}, state)
    ack = await office.slack.deliveries.send("interactive", "ask", body)
    said = "Say why: the policy of this Service asks for a reason."
    assert ack.body == {"response_action": "errors", "errors": {"reason": said}}
    state["reason"] = {"ask:reason": {"value": "TLS errors"}}
    assert not (
        await office.slack.deliveries.send(
            "interactive", "ask", submission("ask", {"verb": "enable", "caller": NOBODY.as_json()}, state)
        )
    ).body
    await office.message(OPS, lambda m: "CHG-1" in str(m.blocks))


async def test_the_home_tab_shows_what_waits_for_whom(office: Office) -> None:
    """And is shown anew each time it is opened."""
    office.slack.open_home(BOB)
    await office.slack.wait_for(lambda: office.slack.home(BOB))
    await office.card()
    office.slack.open_home(BOB)
    await office.slack.wait_for(lambda: "CHG-1" in json.dumps(shown(office, BOB)))
    office.slack.open_home(MALLORY)
    home = await office.slack.wait_for(lambda: office.slack.home(MALLORY))
    assert "Waiting for you" in json.dumps(home.body)


async def test_the_messages_tab_is_no_home_tab(office: Office) -> None:
    """Slack tells of both by the same event."""
    office.slack.open_home(BOB, tab="messages")
    await office.slack.deliveries.settle()
    await office.answer(BOB, "help")
    assert office.slack.home(BOB) is None


def shown(office: Office, user: str) -> dict[str, Any]:
    """What stands on somebody's Home tab."""
    home = office.slack.home(user)
    return home.body if home else {}


def submission(
    callback: str, remembered: dict[str, Any], state: dict[str, Any] | None = None, user: str = ALICE
) -> dict[str, Any]:
    """A submitted modal, as Slack sends it."""
    view = {"id": f"V{callback}", "callback_id": callback, "private_metadata": json.dumps(remembered)}
    return {
        "type": "view_submission",
        "user": {"id": user, "team_id": "T01TEAM"},
        "team": {"id": "T01TEAM"},
        "view": {**view, "type": "modal", "state": {"values": state or {}}},
    }


# --- type-ahead ------------------------------------------------------------------------------------------

FULL = Rights(
    person=Person(id=ALICE, team="T01TEAM", name="Alice", full_member=True), groups={}, policies=(Policy(),)
)


def asked(typed: str, field: str = "service", **chosen: str) -> dict[str, Any]:
    """A type-ahead request."""
    values = {name: {f"ask:{name}": {"selected_option": {"value": value}}} for name, value in chosen.items()}
    return {"action_id": f"ask:{field}", "value": typed, "view": {"state": {"values": values}}}


def values(world: World, body: dict[str, Any]) -> list[str]:
    """What is offered."""
    return [option["value"] for option in options(world, FULL, body)]


def test_a_form_offers_only_what_its_person_may_do_it_for() -> None:
    """A Service for which somebody may not propose is not offered where a proposal is made; a cluster neither."""
    policies = (Policy(cluster="secret", view=(BOB,)), Policy(cluster="prod", propose=(ALICE,)), Policy())
    world = Town(clusters=(shop("prod"), shop("test"), shop("secret")), policies=policies).world
    rights = replace(FULL, policies=policies, _seen={})

    def offers(verb: str, field: str) -> list[str]:
        body = asked("", field)
        body["view"]["private_metadata"] = json.dumps({"verb": verb})
        return [option["value"] for option in options(world, rights, body)]

    assert offers("status", "cluster") == ["prod", "test"]
    assert offers("enable", "cluster") == ["prod"]
    assert offers("enable", "service") == ["prod/shop/checkout"]


def test_nobody_is_offered_what_they_may_not_see() -> None:
    """A guest's type-ahead stays empty, also of clusters."""
    world = Town(clusters=(shop("prod"), shop("test"))).world
    guest = replace(FULL, person=replace(FULL.person, full_member=False), _seen={})
    for field in ("service", "namespace", "cluster"):
        assert values(world, asked("", field)) != []
        assert options(world, guest, asked("", field)) == []


def test_ten_thousand_services_are_searched_within_a_second() -> None:
    """Of this process's own work; at most a hundred are offered, the best first."""
    cluster = two_services()
    for number in range(10_000):
        cluster.put(service(f"team-{number % 40}", f"web-{number}", elb=f"elb-{number}", ip="10.1.2.3"))
    world = Town(clusters=(cluster,)).world
    started = process_time()
    found = values(world, asked("web-77"))
    took = process_time() - started
    assert found[0] == "team-37/web-77"
    assert len(found) == MOST_OPTIONS
    assert took < 1.0


def test_names_are_ordered_as_a_person_would_expect() -> None:
    """Exactly that, beginning with that, a namespace beginning with that, a part of the name, anywhere."""
    cluster = two_services()
    for space, name in (
        ("a", "checkout-v2"),
        ("b", "old-checkout"),
        ("checkout", "web"),
        ("c", "recheckout"),
    ):
        cluster.put(service(space, name, elb=f"elb-{space}", ip="10.1.2.3"))
    world = Town(clusters=(cluster,)).world
    assert values(world, asked("CHECKOUT")) == [
        "shop/checkout",
        "a/checkout-v2",
        "checkout/web",
        "b/old-checkout",
        "c/recheckout",
    ]


def test_with_several_clusters_the_name_says_which() -> None:
    """And a chosen cluster or namespace narrows."""
    world = Town(clusters=(shop("prod"), shop("test"))).world
    assert values(world, asked("checkout")) == ["prod/shop/checkout", "test/shop/checkout"]
    assert values(world, asked("checkout", cluster="test")) == ["test/shop/checkout"]
    assert values(world, asked("checkout", namespace="other")) == []
    assert values(world, asked("", field="cluster")) == ["prod", "test"]
    assert values(world, asked("", field="surprise")) == []
    fields = [block.get("block_id") for block in ask_view(world, NOBODY, "status")["blocks"]]
    assert fields == ["cluster", "namespace", "service", None]


def longest() -> dict[str, Any]:
    """A Service with the longest names that Kubernetes allows, and an ordinary UID."""
    made = service("n" * 63, "s" * 63, elb="elb-long", ip="10.1.2.3")
    made["metadata"]["uid"] = "0e0f0d86-1b7c-4d5c-9d0c-6f8f3f0d9a11"
    return made


NOBODY = Caller(user=ALICE, team="T01TEAM", channel=OPS)


def test_the_longest_names_fit_slacks_limits() -> None:
    """What is shown is cut, what is chosen is not."""
    space, name = "n" * 63, "s" * 63
    clusters = (shop("c" * 63), shop("d" * 63))
    clusters[0].put(longest())
    found = options(Town(clusters=clusters).world, FULL, asked("sss"))
    (option,) = found
    assert len(option["text"]["text"]) == MOST_SHOWN
    assert len(option["value"]) <= 150
    assert option["value"].startswith("uid:")
    assert clusters[0].snapshot().service(Ref(space, name)) is not None


@pytest.mark.parametrize("options", [{"clusters": (shop("c" * 63), shop("d" * 63))}])
async def test_a_service_with_the_longest_name_can_be_chosen(office: Office) -> None:
    """By its UID, for a name of that length is no option's value."""
    office.clusters[0].put(longest())
    assert (await office.slack.command(ALICE, OPS, "")).ok
    view = await office.modal(ALICE)
    (option,) = await office.slack.suggest(ALICE, view, "ask:service", "sss")
    assert (await office.slack.submit(view, {"service": option["value"]})).ok
    (told,) = await office.told(ALICE)
    assert "s" * 63 in told.text
