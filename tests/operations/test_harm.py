"""Harm that comes up after a proposal was made: seen at the click, and again just before the patch."""

import pytest

from bot.domain.change import EventKind, Phase
from bot.domain.objects import Ref
from bot.domain.policy import Policy
from bot.ports import Freshness
from tests.domain.situation import facts
from tests.fakes.messenger import buttons
from tests.fakes.world import (
    ALICE,
    BOB,
    CAROL,
    IPVS,
    KEY,
    LEAD,
    PLATFORM,
    SRE,
    Cluster,
    Town,
    service,
    shop,
    slices,
)

APPROVE, GLASS, ROLLBACK = "change:approve", "change:breakglass", "change:rollback"
BASKET = Ref("shop", "basket")
OLD = facts(mode="iptables", platform="cce", category="standard", delivery=None, version="v1.13.10")
NEVER_EMPTY = Policy(propose=(PLATFORM,), approve=(SRE,), block_on=frozenset({"no-ready-endpoint"}))
ACCEPTING = Policy(propose=(PLATFORM,), approve=(SRE,), accept_risk=frozenset({"unsupported-version"}))


async def test_what_would_do_harm_by_now_is_not_approved() -> None:
    """The finding came up after the proposal: refused with its sentence, shown on the card, and nothing is decided."""
    town = Town()
    change = await town.propose()
    town.cluster.facts = OLD
    said = await town.click(BOB, APPROVE, change)
    assert said.startswith("CHG-1 cannot be approved now, because it would do harm: ")
    assert "(unsupported-version)" in said
    assert "What to do: " in said
    assert town.now(change).phase is Phase.PROPOSED
    assert "(unsupported-version)" in town.card(change).text
    assert APPROVE in buttons(town.card(change).message)
    assert town.cluster.landed == []


async def test_what_does_no_harm_any_more_can_be_approved() -> None:
    """The refusal was about that moment."""
    town = Town()
    change = await town.propose()
    well, town.cluster.facts = town.cluster.facts, OLD
    await town.click(BOB, APPROVE, change)
    town.cluster.facts = well
    assert "You approved CHG-1" in await town.click(BOB, APPROVE, change)
    assert len(town.cluster.landed) == 1


async def test_broken_glass_breaks_no_safety_rule() -> None:
    """It replaces people, not facts."""
    town = Town(policies=(Policy(propose=(PLATFORM,), approve=(SRE,), break_glass=(LEAD,)),))
    change = await town.propose()
    town.cluster.facts = OLD
    assert "would do harm" in await town.click(LEAD, GLASS, change, reason="the shop is down")
    assert town.cluster.landed == []


async def test_harm_that_comes_up_after_the_approval_stops_the_patch() -> None:
    """Not applied, with the sentence in the thread and the channel; no dry run even."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    town.cluster.facts = OLD
    tried = len(town.cluster.patches)
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert "It would do harm: " in town.card(change).text
    assert any("(unsupported-version)" in posted.text and posted.broadcast for posted in town.messenger.posts)
    assert len(town.cluster.patches) == tried


async def test_a_policy_that_refuses_a_finding_since_refuses_the_click() -> None:
    """`blockOn` of the policy in force counts, not of the one at the proposal."""
    town = Town(clusters=[shop(ip="80.158.1.9")])
    change = await town.propose()
    strict = Policy(propose=(PLATFORM,), approve=(SRE,), block_on=frozenset({"public-address-from-inside"}))
    town.policies = (strict,)
    town.world = town.replica()
    assert "(public-address-from-inside)" in await town.click(BOB, APPROVE, change)


async def test_an_accepted_risk_that_was_on_the_card_is_approved_and_applied() -> None:
    """With a reason the policy lets people take it."""
    town = Town(clusters=[shop(given=OLD)], policies=(ACCEPTING,))
    change = await town.propose()
    assert "(unsupported-version)" in town.card(change).text
    assert "You approved CHG-1" in await town.click(BOB, APPROVE, change)
    assert len(town.cluster.landed) == 1


async def test_a_risk_that_the_card_did_not_show_is_shown_before_it_is_taken() -> None:
    """The first click shows it; the second is by somebody who could read it."""
    town = Town(policies=(ACCEPTING,))
    change = await town.propose()
    town.cluster.facts = OLD
    said = await town.click(BOB, APPROVE, change)
    assert "a risk has come up that its card did not show: " in said
    assert "(unsupported-version)" in town.card(change).text
    assert "You approved CHG-1" in await town.click(BOB, APPROVE, change)


async def test_a_risk_that_comes_up_after_the_approval_stops_the_patch() -> None:
    """Nobody who approved could read it."""
    town = Town(policies=(ACCEPTING,))
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    town.cluster.facts = OLD
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert "A risk has come up" in town.card(change).text


async def test_what_the_change_takes_away_is_no_reason_against_it() -> None:
    """Switching off is right on a version that does not support it."""
    town = Town(clusters=[shop(value="true")])
    change = await town.propose("disable")
    town.cluster.facts = OLD
    await town.click(BOB, APPROVE, change)
    assert len(town.cluster.landed) == 1


async def test_undoing_is_not_refused_for_what_a_change_would_be() -> None:
    """A rollback is no new risk."""
    town = Town()
    first = await town.done()
    town.cluster.facts = OLD
    await town.click(BOB, ROLLBACK, first)
    assert KEY not in town.cluster.annotations(Ref("shop", "checkout"))


@pytest.mark.parametrize("moment", ["proposal", "click", "patch"])
async def test_a_finding_about_another_service_of_the_set_counts(moment: str) -> None:
    """Under IPVS all of them are patched: what is found about one of them refuses the change, and names it."""
    town = Town(clusters=[pair()], policies=(NEVER_EMPTY,))
    if moment == "proposal":
        town.cluster.put(slices("basket"))
        await town.order(ALICE, "enable")
        assert "shop/basket: " in town.messenger.said_to(ALICE)[0]
        assert "(no-ready-endpoint)" in town.messenger.said_to(ALICE)[0]
        return
    change = await town.propose()
    if moment == "click":
        town.cluster.put(slices("basket"))
        assert "shop/basket: " in await town.click(BOB, APPROVE, change)
    else:
        await town.order(LEAD, "pause", "")
        await town.click(BOB, APPROVE, change)
        town.cluster.put(slices("basket"))
        await town.order(LEAD, "resume", "")
        assert town.now(change).phase is Phase.NOT_APPLIED
        assert "shop/basket: " in town.card(change).text
    assert town.cluster.landed == []


async def test_the_card_says_what_becomes_of_each_service() -> None:
    """The table is the named one's; the others have a line each."""
    town = Town(clusters=[pair()])
    change = await town.propose()
    (said,) = change.others
    assert said.startswith("shop/basket: ")
    assert said.removesuffix(".") in town.card(change).text


async def test_a_replica_whose_cache_is_not_complete_applies_nothing_yet() -> None:
    """It cannot know what would do harm; the card says what is waited for."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    town.cluster.fresh = Freshness(synced=False, age=None)
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.APPLYING
    assert "prod has not been read completely yet; trying again" in town.card(change).text
    town.cluster.fresh = Freshness(synced=True, age=0.0)
    await town.pass_time(60)
    assert len(town.cluster.landed) == 1


# --- the load balancer's other Services --------------------------------------------------------------------


async def test_a_service_that_comes_to_the_load_balancer_after_the_approval_supersedes_it() -> None:
    """Under IPVS the set is not the one that was approved; the new proposal has all of them."""
    town = Town(clusters=[shop(given=IPVS)])
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    town.cluster.put(service("shop", "basket", port=8000))
    town.cluster.put(slices("basket", "node-a"))
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.SUPERSEDED
    assert town.cluster.landed == []
    _, new = town.changes()
    assert [str(step.service) for step in new.steps] == ["shop/basket", "shop/checkout"]
    assert "shop/basket shares the load balancer and needs the same setting" in town.card(change).text


async def test_an_ingress_that_comes_to_the_load_balancer_after_the_approval_stops_it() -> None:
    """It has no pass-through of its own: no new proposal is possible."""
    town = Town(clusters=[shop(given=IPVS)])
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    town.cluster.put(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {
                "namespace": "shop",
                "name": "front",
                "annotations": {"kubernetes.io/elb.id": "elb-1"},
            },
            "spec": {},
        }
    )
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.SUPERSEDED
    assert (
        "There is no new proposal: shop/checkout shares its load balancer with the Ingress"
        in town.card(change).text
    )
    assert town.cluster.landed == []


async def test_one_open_change_per_load_balancer_under_ipvs() -> None:
    """Two changes of one Service each would be at odds; the second hears of the first."""
    cluster = pair()
    cluster.annotate(BASKET, "true")
    town = Town(clusters=[cluster])
    first = await town.propose()
    assert [str(step.service) for step in first.steps] == ["shop/checkout"]
    await town.order(ALICE, "disable", "shop/basket")
    said = town.messenger.said_to(ALICE)[0]
    assert "CHG-1> is open for shop/checkout, on the same load balancer, already" in said
    assert len(town.changes()) == 1


async def test_outside_ipvs_services_on_one_load_balancer_are_changed_apart() -> None:
    """Iptables captures per Service."""
    cluster = pair(given=None)
    town = Town(clusters=[cluster])
    await town.propose()
    await town.propose(target="shop/basket")
    assert len(town.changes()) == 2


async def test_a_rollback_that_would_split_the_load_balancer_is_refused() -> None:
    """Another Service on it was switched on since; undoing one would trap the other, whose team was not asked."""
    town = Town(clusters=[shop(given=IPVS)])
    first = await town.done()
    town.cluster.put(service("pay", "till", port=8000, value="true"))
    said = await town.click(BOB, ROLLBACK, first)
    assert "pay/till shares the load balancer and needs the same setting" in said
    assert "Propose enable or disable, which takes all of them." in said
    assert len(town.changes()) == 1


async def test_a_rollback_that_waits_is_void_when_it_would_split_the_load_balancer() -> None:
    """The other Service came while it waited for its approval."""
    town = Town(
        clusters=[shop(given=IPVS)], policies=(Policy(propose=(PLATFORM,), approve=(SRE,), rollback=(BOB,)),)
    )
    first = await town.done()
    await town.click(ALICE, ROLLBACK, first)
    town.cluster.put(service("pay", "till", port=8000, value="true"))
    _, second = town.changes()
    assert "is superseded" in await town.click(BOB, APPROVE, second)
    assert town.now(first).rolled_back_by == ""
    assert ROLLBACK in buttons(town.card(first).message)
    assert EventKind.APPLIED not in [event.kind for event in town.store.changes.log[second.id]]


async def test_people_who_may_approve_in_one_namespace_each_are_no_approvers() -> None:
    """Nobody could approve it: refused at once instead of waiting for nobody."""
    cluster = shop(given=IPVS)
    cluster.put(service("pay", "till", port=8000))
    pay = Policy(namespace="pay", propose=(PLATFORM,), approve=(LEAD,))
    town = Town(clusters=[cluster], policies=(pay, Policy(propose=(PLATFORM,), approve=(BOB, CAROL))))
    await town.order(ALICE, "enable")
    assert "in every namespace that it is about" in town.messenger.said_to(ALICE)[0]
    assert town.changes() == []


def pair(**given: object) -> Cluster:
    """A cluster, in IPVS mode unless told otherwise, with two Services on one load balancer."""
    cluster = shop(given=IPVS) if not given else shop()
    cluster.put(service("shop", "basket", port=8000))
    cluster.put(slices("basket", "node-a"))
    return cluster
