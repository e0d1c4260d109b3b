from datetime import timedelta

import pytest

from bot.domain.change import Phase
from bot.domain.policy import Policy
from bot.operations.between import MOST_AT_ALL
from bot.operations.card import card_of
from bot.ports import Forbidden, Freshness, NotFound, Unavailable
from tests.domain.situation import facts
from tests.fakes.messenger import buttons
from tests.fakes.world import (
    ALICE,
    BOB,
    CHECKOUT,
    IPVS,
    KEY,
    MALLORY,
    OPS,
    PLATFORM,
    POLICY,
    SRE,
    START,
    Cluster,
    Town,
    service,
    shop,
    slices,
)

ON, LOCAL = "is already on", "externalTrafficPolicy"


async def test_a_proposal_shows_the_patch_the_paths_and_who_may_approve() -> None:
    """The card has the diff, before and after, the approvers and three buttons, and nothing is patched."""
    town = Town()
    change = await town.propose()
    text = town.card(change).text
    assert f'{KEY}   (absent)  →  "true"' in text
    assert "6 of 6 in-cluster clients: direct → through the ELB" in text
    assert f"needs 1 of <!subteam^{SRE}>" in text
    assert change.short_digest in text
    assert set(buttons(town.card(change).message)) == {"change:approve", "change:reject", "change:withdraw"}
    assert town.cluster.landed == []


async def test_the_very_patch_is_rehearsed_before_it_is_shown() -> None:
    """The API server tries the patch in a dry run, and the card says what it answered."""
    town = Town()
    change = await town.propose()
    (rehearsal,) = town.cluster.patches
    assert rehearsal.dry_run
    assert rehearsal.annotations == {KEY: "true"}
    assert change.dry_run == "accepted by the API server; it changes nothing else"


@pytest.mark.parametrize(
    ("verb", "policy", "value", "said"),
    [
        ("enable", "Cluster", "true", "pass-through is already on"),
        ("enable", "Cluster", "onlyLocal", "CCE writes for externalTrafficPolicy Local"),
        ("enable", "Local", "true", "pass-through is already on"),
        ("enable", "Local", "onlyLocal", "CCE wrote onlyLocal"),
        ("disable", "Cluster", None, "pass-through is already off"),
        ("disable", "Cluster", "false", "pass-through is already off"),
        ("disable", "Local", None, "CCE writes onlyLocal back"),
        ("disable", "Local", "true", "CCE writes onlyLocal back"),
        ("disable", "Local", "onlyLocal", "ClusterIP name"),
    ],
)
async def test_what_is_so_already_or_cannot_be_is_said_and_changes_nothing(
    verb: str, policy: str, value: str | None, said: str
) -> None:
    """The table of enable and disable, where it ends in a sentence."""
    town = Town(clusters=[shop(policy=policy, value=value)])
    await town.order(ALICE, verb)
    assert said in town.messenger.said_to(ALICE)[0]
    assert town.changes() == []
    assert town.messenger.posts == []
    assert town.cluster.patches == []


@pytest.mark.parametrize(
    ("verb", "policy", "value", "after"),
    [
        ("enable", "Cluster", None, "true"),
        ("enable", "Cluster", "false", "true"),
        ("enable", "Local", None, "true"),
        ("disable", "Cluster", "true", None),
        ("disable", "Cluster", "onlyLocal", None),
    ],
)
async def test_what_can_be_switched_is_proposed(
    verb: str, policy: str, value: str | None, after: str | None
) -> None:
    """The table of enable and disable, where it ends in a proposal; off is the key removed."""
    town = Town(clusters=[shop(policy=policy, value=value)])
    change = await town.propose(verb)
    assert change.steps[0].before == {KEY: value}
    assert change.steps[0].after == {KEY: after}


async def test_a_young_local_service_gets_its_value_from_cce_itself() -> None:
    """Within the minutes that CCE's controller needs, nothing is proposed; afterwards it is."""
    town = Town(clusters=[shop(policy="Local", born=START)])
    await town.order(ALICE, "enable")
    assert "about to be on" in town.messenger.said_to(ALICE)[0]
    await town.later(301)
    change = await town.propose()
    assert "CCE has not written onlyLocal" in town.card(change).text


@pytest.mark.parametrize(
    ("platform", "said"),
    [
        ("generic", 'the annotation is there ("true"), but nothing acts on it in this cluster'),
        (None, 'the annotation is there ("true"); whether anything acts on it here is not known'),
        ("cce", "pass-through is already on"),
    ],
)
async def test_an_annotation_that_does_nothing_is_not_called_on(platform: str | None, said: str) -> None:
    """Another cloud's cluster may have it too."""
    given = facts(mode="ipvs", platform=platform, version="v1.33.3" if platform != "cce" else "v1.29.2")
    town = Town(clusters=[shop(given=given, value="true", elb=None, elb_class="")])
    await town.order(ALICE, "enable")
    assert said in town.messenger.said_to(ALICE)[0]


async def test_the_live_value_counts_and_not_the_cached_one() -> None:
    """A value that the cache has not seen yet is read from the API server."""
    town = Town()
    stale = town.cluster.snapshot().service(CHECKOUT)
    assert stale is not None
    town.cluster.annotate(CHECKOUT, "true")
    town.cluster._inventory.put(stale)
    await town.order(ALICE, "enable")
    assert "already on" in town.messenger.said_to(ALICE)[0]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("shop/chekout", "Did you mean shop/checkout?"),
        ("shpo/checkout", "Did you mean shop/checkout?"),
        ("checkuot", "Did you mean shop/checkout?"),
        ("prd/shop/checkout", "Did you mean prod?"),
        ("shop/other", "of type ClusterIP"),
        ("shop/fresh", "no load balancer address yet"),
        ("twice", "Several Services are called twice: prod/blog/twice, prod/shop/twice"),
        ("a/b/c/d", "names no Service"),
        ("/", "names no Service"),
    ],
)
async def test_a_wrong_name_gets_a_sentence(target: str, said: str) -> None:
    """What is not there, not a load balancer, without an address, ambiguous or misspelt."""
    cluster = shop()
    cluster.put(service("shop", "other", kind="ClusterIP", ip=None))
    cluster.put(service("shop", "fresh", ip=None))
    cluster.put(service("shop", "twice", ip="10.9.0.20", elb="elb-20"))
    cluster.put(service("blog", "twice", ip="10.9.0.21", elb="elb-21"))
    town = Town(clusters=[cluster])
    await town.order(ALICE, "enable", target)
    assert said in town.messenger.said_to(ALICE)[0]
    assert town.changes() == []


async def test_a_name_in_two_clusters_must_be_named_in_full() -> None:
    """The same Service in two clusters is several; with the cluster's name it is one."""
    town = Town(clusters=[shop("prod"), shop("test")])
    await town.order(ALICE, "enable", "shop/checkout")
    assert "prod/shop/checkout, test/shop/checkout" in town.messenger.said_to(ALICE)[0]
    change = await town.propose(target="test/shop/checkout")
    assert change.cluster == "test"


async def test_a_cluster_that_does_not_answer_is_said_so() -> None:
    """The live read fails: the person is told, and nothing is half done."""
    town = Town()
    town.cluster.fail("read", Unavailable("prod does not answer: timeout"))
    await town.order(ALICE, "enable")
    assert "does not answer" in town.messenger.said_to(ALICE)[0]
    assert "Nothing was done" in town.messenger.said_to(ALICE)[0]
    assert town.changes() == []


async def test_what_is_not_known_to_be_absent_is_not_called_absent() -> None:
    """Before the first complete list, an unknown name is unknown."""
    town = Town(clusters=[Cluster("prod")])
    town.cluster.fresh = Freshness(synced=False, age=None, problem="connection refused")
    await town.order(ALICE, "enable")
    assert "whether shop/checkout is there is not known" in town.messenger.said_to(ALICE)[0]


async def test_a_service_that_went_meanwhile_is_said_so() -> None:
    """The cache still has it, the API server does not."""
    town = Town()
    town.cluster.fail("read", NotFound("not found"))
    await town.order(ALICE, "enable")
    assert "is not on prod any more" in town.messenger.said_to(ALICE)[0]


async def test_who_may_not_propose_is_told_who_may() -> None:
    """Without the right there is no proposal, and the sentence names those who have it."""
    town = Town()
    await town.order(MALLORY, "enable")
    assert (
        f"You may not propose changes here. <!subteam^{PLATFORM}> may." in town.messenger.said_to(MALLORY)[0]
    )
    assert town.changes() == []


async def test_a_lookup_that_fails_is_a_no() -> None:
    """Where a user group cannot be looked up, nothing is allowed."""
    town = Town()
    town.messenger.fail("members", Unavailable("Slack does not answer"))
    await town.order(ALICE, "enable")
    assert "could not be looked up" in town.messenger.said_to(ALICE)[0]


async def test_who_cannot_be_looked_up_is_told_so() -> None:
    """Slack does not answer: nobody is told that the Service is not there."""
    town = Town()
    town.messenger.fail("person", Unavailable("Slack does not answer"))
    await town.order(ALICE, "enable")
    assert "could not be looked up" in town.messenger.said_to(ALICE)[0]


async def test_people_of_another_workspace_have_no_rights() -> None:
    """A stranger's id on a list gives nothing."""
    town = Town()
    town.messenger.add("ALICE", full=False)
    await town.order(ALICE, "enable")
    assert "no rights here" in town.messenger.said_to(ALICE)[0]


@pytest.mark.parametrize(
    "policy",
    [
        Policy(propose=(ALICE,), approve=()),
        Policy(propose=(ALICE,), approve=(ALICE,)),
        Policy(propose=(ALICE,), approve=(BOB,), approvals=2),
        Policy(propose=(ALICE,), approve=(BOB,), deny=(BOB,)),
    ],
)
async def test_what_nobody_could_approve_is_not_proposed(policy: Policy) -> None:
    """No approver, only the requester, too few of them, or only denied ones."""
    town = Town(policies=(policy,))
    await town.order(ALICE, "enable")
    assert "Nobody could approve this" in town.messenger.said_to(ALICE)[0]
    assert town.changes() == []


async def test_a_deactivated_approver_is_nobody() -> None:
    """Who is no full member any more cannot be the one who approves."""
    town = Town(policies=(Policy(propose=(ALICE,), approve=(BOB,)),))
    town.messenger.add("BOB", full=False)
    await town.order(ALICE, "enable")
    assert "Nobody could approve this" in town.messenger.said_to(ALICE)[0]


async def test_a_required_reason_is_required() -> None:
    """Without one the person is asked for it; with one it is on the card."""
    town = Town(policies=(Policy(propose=(PLATFORM,), approve=(SRE,), require_reason=True),))
    await town.order(ALICE, "enable")
    assert (
        "A reason is required here: write it behind the Service's name." in town.messenger.said_to(ALICE)[0]
    )
    await town.order(ALICE, "enable", reason="TLS")
    assert "“TLS”" in town.card(town.changes()[0]).text


async def test_siblings_on_one_load_balancer_are_one_change_under_ipvs() -> None:
    """One card, one digest, every Service on the ELB; the one that was asked for goes last."""
    town = Town(clusters=[crowd("shop/basket", "pay/till")])
    change = await town.propose()
    assert [str(step.service) for step in change.steps] == ["pay/till", "shop/basket", "shop/checkout"]
    assert "and 2 other Services on its load balancer" in town.card(change).text


async def test_the_worst_state_in_between_is_on_the_card() -> None:
    """The order, and who is cut off while only a part is patched."""
    town = Town(clusters=[crowd("shop/basket")])
    text = town.card(await town.propose()).text
    assert "To be patched in this order: shop/basket and shop/checkout." in text
    assert (
        "in between, until kube-proxy has followed, cut off: pods on nodes with a backend to shop/basket"
        in text
    )


async def test_of_a_large_set_the_worst_states_in_between_are_looked_at() -> None:
    """Each state costs an explanation of each Service: the first, half, and all but one, which is the worst."""
    town = Town(clusters=[crowd(*(f"shop/s-{number}" for number in range(14)))])
    text = town.card(await town.propose()).text
    assert "and 12 more." in text
    assert (
        "in between, until kube-proxy has followed, cut off: pods on nodes with a backend to shop/s-0" in text
    )


async def test_a_set_of_which_nobody_could_know_what_happens_in_between_is_not_proposed() -> None:
    """It is refused, and not put before people as not known."""
    town = Town(clusters=[crowd(*(f"shop/s-{number}" for number in range(MOST_AT_ALL)))])
    await town.order(ALICE, "enable")
    assert f"{MOST_AT_ALL + 1} Services are patched one after the other" in town.messenger.said_to(ALICE)[-1]
    assert town.changes() == []


async def test_everything_that_is_approved_can_be_read_before() -> None:
    """Sixty Services: the card says how many more there are, cuts no name, and the thread has all of them."""
    names = [f"shop/{'x' * 40}-{number:02}" for number in range(59)]
    town = Town(clusters=[crowd(*names)])
    change = await town.propose()
    assert len(change.steps) == 60
    (shown,) = [
        element["elements"][0]["text"]
        for block in town.card(change).message.blocks
        if block["type"] == "rich_text"
        for element in block["elements"]
    ]
    *lines, last = shown.splitlines()
    seen = lines[::2]
    assert set(seen) <= {str(step.service) for step in change.steps}
    assert last == f"… and {60 - len(seen)} more Services, each of them in the thread"
    said = town.thread(change)
    assert len(said) > 1
    listed = [line for text in said for line in text.splitlines() if line.startswith("shop/")]
    assert listed == [str(step.service) for step in change.steps]
    assert all('(absent)  →  "true"' in text for text in said)


async def test_the_commands_of_a_large_set_are_whole() -> None:
    """Nobody copies half a command."""
    town = Town(clusters=[crowd(*(f"shop/{'x' * 40}-{n:02}" for n in range(39)))])
    change = await town.propose()
    card = card_of(change, read_only=True)
    commands, *_ = (text for heading, text in card.by_hand if heading == "By hand")
    *lines, last = commands.splitlines()
    assert all(line.endswith("=true") for line in lines)
    assert last == f"# and {40 - len(lines)} more lines: a message holds no more"


async def test_a_sibling_that_is_on_already_is_left_alone() -> None:
    """Only those that differ are patched."""
    town = Town(clusters=[crowd("shop/basket")])
    town.cluster.annotate(CHECKOUT.__class__("shop", "basket"), "true")
    change = await town.propose()
    assert [str(step.service) for step in change.steps] == ["shop/checkout"]


async def test_every_namespace_of_a_shared_load_balancer_must_agree() -> None:
    """Who may not propose in a sibling's namespace may not change the load balancer."""
    closed = Policy(namespace="pay", propose=(BOB,), approve=(SRE,))
    town = Town(clusters=[crowd("pay/till")], policies=(closed, POLICY))
    await town.order(ALICE, "enable")
    assert "You may not propose changes here" in town.messenger.said_to(ALICE)[0]


async def test_approvals_are_as_many_as_the_strictest_namespace_asks_for() -> None:
    """Two in one namespace and one in the other are two."""
    strict = Policy(namespace="pay", propose=(PLATFORM,), approve=(SRE,), approvals=2)
    town = Town(clusters=[crowd("pay/till")], policies=(strict, POLICY))
    assert (await town.propose()).approvals_needed == 2


async def test_a_local_sibling_refuses_to_be_switched_off() -> None:
    """CCE would write its value back, and the load balancer would be split."""
    town = Town(clusters=[crowd("shop/basket", value="true")])
    town.cluster.change_spec(CHECKOUT.__class__("shop", "basket"), externalTrafficPolicy="Local")
    await town.order(ALICE, "disable")
    assert "shop/basket is on the same load balancer" in town.messenger.said_to(ALICE)[0]


async def test_a_shared_ingress_refuses_a_change_under_ipvs() -> None:
    """An Ingress on the ELB has no pass-through of its own."""
    town = Town(clusters=[crowd()])
    town.cluster.put(ingress())
    await town.order(ALICE, "enable")
    assert "shares its load balancer with the Ingress shop/front" in town.messenger.said_to(ALICE)[0]


async def test_another_cluster_on_the_load_balancer_refuses_a_change_under_ipvs() -> None:
    """One change cannot span clusters."""
    town = Town(clusters=[crowd(), shop("test", given=IPVS)])
    await town.order(ALICE, "enable", "prod/shop/checkout")
    assert "on the cluster test" in town.messenger.said_to(ALICE)[0]


async def test_outside_ipvs_a_shared_load_balancer_is_no_obstacle() -> None:
    """Iptables captures per Service; neither siblings nor an Ingress matter."""
    cluster = shop()
    cluster.put(ingress())
    town = Town(clusters=[cluster])
    assert len((await town.propose()).steps) == 1


async def test_findings_that_mean_harm_refuse_a_proposal() -> None:
    """A dedicated ELB locks clients on a backend's node out; the sentence says why and what to do."""
    town = Town(clusters=[shop(elb_class="performance")])
    await town.order(ALICE, "enable")
    said = town.messenger.said_to(ALICE)[0]
    assert "it would do harm" in said
    assert "(same-node-lockout)" in said
    assert town.changes() == []


async def test_what_changes_nothing_is_not_called_harmful() -> None:
    """In a Turbo cluster Pods reach the load balancer anyway: useless, and refused as that."""
    turbo = facts(mode="iptables", platform="cce", category="turbo", delivery=None, version="v1.29.2")
    town = Town(clusters=[shop(given=turbo)])
    await town.order(ALICE, "enable")
    (said,) = town.messenger.said_to(ALICE)
    assert said.startswith("Not proposed, because it would change nothing for Pods: ")
    assert "harm" not in said


async def test_a_risk_that_the_policy_accepts_needs_a_reason() -> None:
    """`acceptRisk` turns the refusal into a question."""
    policy = Policy(propose=(PLATFORM,), approve=(SRE,), accept_risk=frozenset({"same-node-lockout"}))
    town = Town(clusters=[shop(elb_class="performance")], policies=(policy,))
    await town.order(ALICE, "enable")
    assert "with a reason" in town.messenger.said_to(ALICE)[0]
    await town.order(ALICE, "enable", reason="we know")
    assert "same-node-lockout" in town.card(town.changes()[0]).text


async def test_a_policy_may_refuse_for_any_finding() -> None:
    """`blockOn` names what this namespace does not want."""
    mild = Town(clusters=[shop(ip="80.158.1.9")])
    assert [note.severity for note in (await mild.propose()).findings] == ["info"]
    policy = Policy(propose=(PLATFORM,), approve=(SRE,), block_on=frozenset({"public-address-from-inside"}))
    strict = Town(clusters=[shop(ip="80.158.1.9")], policies=(policy,))
    await strict.order(ALICE, "enable")
    assert "(public-address-from-inside)" in strict.messenger.said_to(ALICE)[0]


async def test_a_refused_rehearsal_is_no_proposal() -> None:
    """What the admission webhook says is passed on."""
    town = Town()
    town.cluster.fail("patch", Forbidden("forbidden: can't modify service elb"))
    await town.order(ALICE, "enable")
    assert "can't modify service elb" in town.messenger.said_to(ALICE)[0]
    assert town.changes() == []


async def test_a_second_proposal_links_to_the_first() -> None:
    """One open change per Service."""
    town = Town()
    first = await town.propose()
    await town.order(ALICE, "enable")
    said = town.messenger.said_to(ALICE)[0]
    assert "|CHG-1> is open for shop/checkout already" in said
    assert town.card(first).place.ts.replace(".", "") in said
    assert len(town.changes()) == 1


async def test_the_same_delivery_is_the_same_proposal() -> None:
    """A command that is delivered twice, or performed again after a crash, makes one change and one card."""
    town = Town()
    change = await town.propose()
    for job in list(town.store.jobs.rows.values()):
        job.due_at = town.store.now() if job.job.kind in {"order", "card"} else job.due_at
    await town.work()
    assert town.changes() == [change]
    assert len(town.messenger.posts) == 1
    assert town.messenger.said_to(ALICE) == []


async def test_a_command_from_elsewhere_is_told_where_the_card_is() -> None:
    """With a change channel the card goes there, and the person is told."""
    town = Town(changed={"change_channel": OPS})
    await town.order(ALICE, "enable", channel="D0ALICE")
    assert town.card(town.changes()[0]).place.channel == OPS
    assert f"<#{OPS}>" in town.messenger.said_to(ALICE)[0]


async def test_where_the_bot_may_not_post_it_proposes_nothing() -> None:
    """The person is told what to do; what is on already is said first."""
    town = Town()
    await town.order(ALICE, "enable", channel="C0FOREIGN")
    assert "Invite me" in town.messenger.said_to(ALICE)[0]
    assert town.changes() == []
    town.cluster.annotate(CHECKOUT, "true")
    await town.order(ALICE, "enable", channel="C0FOREIGN")
    assert "already on" in town.messenger.said_to(ALICE)[1]


async def test_a_read_only_cluster_shows_how_to_do_it_by_hand() -> None:
    """No Approve; the diff, the command and the Git snippet instead, whoever may approve."""
    town = Town(clusters=[shop(read_only=True)], policies=(Policy(propose=(PLATFORM,)),))
    change = await town.propose()
    text = town.card(change).text
    assert f"kubectl -n shop annotate --overwrite service checkout {KEY}=true" in text
    assert f'    {KEY}: "true"' in text
    assert set(buttons(town.card(change).message)) == {"change:withdraw"}


async def test_a_proposal_expires_and_reminds_as_its_policy_says() -> None:
    """Both are jobs with the policy's times."""
    policy = Policy(propose=(PLATFORM,), approve=(SRE,), expires_after=3600, reminder=600)
    town = Town(policies=(policy,))
    change = await town.propose()
    assert change.expires_at == START + timedelta(hours=1)
    assert change.remind_at == START + timedelta(minutes=50)
    assert change.phase is Phase.PROPOSED


def crowd(*others: str, value: str | None = None) -> Cluster:
    """A cluster in IPVS mode whose checkout shares its load balancer with other Services."""
    cluster = shop(given=IPVS, value=value)
    for index, name in enumerate(others):
        space, _, bare = name.partition("/")
        cluster.put(service(space, bare, value=value, port=8000 + index))
        cluster.put(slices(bare, "node-a", namespace=space))
    return cluster


def ingress() -> dict[str, object]:
    """An Ingress on the same load balancer."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "namespace": "shop",
            "name": "front",
            "annotations": {"kubernetes.io/elb.id": "elb-1"},
        },
        "spec": {},
    }
