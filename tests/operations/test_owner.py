"""What a card says of Argo CD, Flux, Helm and Terraform, and what follows from it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.config.settings import Clients, VerificationSettings
from bot.domain.change import Phase, ServiceRef
from bot.domain.owner import (
    Application,
    HelmRelease,
    Kustomization,
    Mark,
    Outlook,
    Owner,
    Source,
    Tool,
)
from bot.domain.policy import Policy
from bot.domain.verification import Outcome, Verdict
from bot.operations.card import card_of
from bot.operations.owner import PATIENCE, ownership
from bot.ports import Forbidden, NotFound, Unavailable
from tests.fakes.world import (
    ALICE,
    BOB,
    CHECKOUT,
    KEY,
    PLATFORM,
    SRE,
    Cluster,
    Town,
    service,
    shop,
    slices,
)

TRACKED = {"argocd.argoproj.io/tracking-id": "web:/Service:shop/checkout"}
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
WEB = Application(
    namespace="argocd",
    name="web",
    automated=True,
    self_heal=True,
    sources=(Source(repository="https://git.example/shop.git", path="deploy/prod", revision="main"),),
)
APPS = Kustomization(namespace="flux-system", name="apps", interval=7200.0)
FLUX_LABELS = {
    "kustomize.toolkit.fluxcd.io/name": "apps",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}


def applied(**annotations: str) -> dict[str, str]:
    """The annotations of a Service that Argo CD applied with these."""
    sent = {key.replace("pass_through", KEY): value for key, value in annotations.items()}
    return {**TRACKED, LAST_APPLIED: json.dumps({"metadata": {"annotations": sent}})}


def marked(
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    *writers: dict[str, Any],
    owned: Sequence[Owner] = (),
    more: Sequence[Cluster] = (),
    **town: Any,
) -> Town:
    """A town whose checkout carries these marks, and whose cluster holds these objects."""
    raw: dict[str, Any] = service()
    raw["metadata"]["labels"] = labels or {}
    raw["metadata"]["annotations"] |= annotations or {}
    raw["metadata"]["managedFields"] = list(writers)
    cluster = shop()
    cluster.put(raw)
    hold(cluster, *owned)
    return Town(clusters=[cluster, *more], **town)


def hold(cluster: Cluster, *owned: Owner) -> Cluster:
    """Put the tools' objects into a cluster."""
    tools = {
        Application: Tool.APPLICATION,
        Kustomization: Tool.KUSTOMIZATION,
        HelmRelease: Tool.HELM_RELEASE,
    }
    for each in owned:
        cluster.owned.setdefault(tools[type(each)], []).append(each)
    return cluster


def entry(manager: str, *keys: str, operation: str = "Apply") -> dict[str, Any]:
    """One entry of managedFields."""
    return {
        "manager": manager,
        "operation": operation,
        "time": "2026-03-02T13:20:00Z",
        "fieldsV1": {"f:metadata": {"f:annotations": {f"f:{key}": {} for key in keys}}},
    }


async def test_a_self_healing_application_reverts_what_git_says_otherwise() -> None:
    """Before anybody approves, with the place in Git and the lines that belong there."""
    town = marked(applied(pass_through="false") | {KEY: "false"}, owned=[WEB])
    change = await town.propose()
    assert change.fate is not None
    assert (change.fate.outlook, change.fate.after) == (Outlook.REVERTED, 5.0)
    text = town.card(change).text
    assert "Argo CD looks after it (Application argocd/web): the patch will be reverted in about 5 s" in text
    assert "# https://git.example/shop.git · deploy/prod · revision main" in text
    assert f'    {KEY}: "true"' in text


async def test_what_git_does_not_say_survives_undeclared() -> None:
    """Silently, so the lines for Git are on the card."""
    town = marked(applied(team="shop"), owned=[WEB])
    change = await town.propose()
    text = town.card(change).text
    assert "the patch will survive, undeclared" in text
    assert f'    {KEY}: "true"' in text
    assert "gitops-reverts" not in [note.code for note in change.findings]


async def test_what_git_says_already_needs_nothing_in_git() -> None:
    """Somebody has changed Git first, and the sync has not come yet."""
    town = marked(applied(pass_through="true"), owned=[replace(WEB, automated=False, self_heal=False)])
    change = await town.propose()
    assert "it is declared this very value" in change.git_note
    assert "In Git" not in town.card(change).text


async def test_an_application_in_another_configured_cluster_is_found() -> None:
    """Argo CD often lives in a cluster of its own, and deploys from there."""
    there = replace(WEB, here=False, services={"shop/checkout": "Synced"})
    town = marked(applied(pass_through="false") | {KEY: "false"}, more=[hold(shop("mgmt"), there)])
    assert (await town.propose(target="prod/shop/checkout")).fate == (
        await marked(applied(pass_through="false") | {KEY: "false"}, owned=[WEB]).propose()
    ).fate


@pytest.mark.parametrize(
    "there",
    [
        replace(WEB, here=True, services={"shop/checkout": "Synced"}),
        replace(WEB, here=False, services={"shop/other": "Synced"}),
        replace(WEB, here=False),
    ],
)
async def test_an_application_of_the_same_name_about_something_else_is_not_taken(there: Application) -> None:
    """It deploys to its own cluster, or to another Service, or does not say what it owns."""
    town = marked(applied(pass_through="false") | {KEY: "false"}, more=[hold(shop("mgmt"), there)])
    change = await town.propose(target="prod/shop/checkout")
    assert "unknown: the Application lives elsewhere, in none of the configured clusters" in change.git_note


async def test_two_that_claim_it_are_one_too_many() -> None:
    """Two Argo CDs in one cluster: which of them is meant is not guessed."""
    town = marked(applied(team="shop"), owned=[WEB, replace(WEB, namespace="argocd-2")])
    assert "unknown: 2 Applications of that name claim it" in (await town.propose()).git_note


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Forbidden("no"), "the bot may not read Applications on prod"),
        (Unavailable("prod does not answer"), "the Application on prod could not be read (prod does not"),
        (NotFound("the server could not find the requested resource"), "could not be read"),
    ],
)
async def test_what_cannot_be_read_is_unknown_and_no_error(error: Exception, said: str) -> None:
    """A right that is missing costs the answer, not the card."""
    town = marked(applied(pass_through="false") | {KEY: "false"}, owned=[WEB])
    town.cluster.fail("owners", error)  # type: ignore[arg-type]  # all of them are WorldErrors
    change = await town.propose()
    assert change.fate is not None
    assert change.fate.outlook is Outlook.UNKNOWN
    assert said in change.git_note


class Hanging(Cluster):
    """A cluster whose tools' objects never come."""

    async def owners(self, mark: Mark) -> Sequence[Owner]:
        """Wait."""
        del mark
        await asyncio.Event().wait()
        return ()


async def test_a_cluster_that_hangs_does_not_hold_the_card_up() -> None:
    """The look-up is bounded, and says so."""
    silent = Hanging()
    raw: dict[str, Any] = service()
    raw["metadata"]["annotations"] |= TRACKED
    silent.put(raw)
    live = await silent.read(ServiceRef(cluster="prod", namespace="shop", name="checkout"))
    told = await ownership(Town(clusters=[silent]).world, [(live, {KEY: "true"})], patience=0.01)
    assert "the Application on prod could not be read in time" in told.note
    assert PATIENCE <= 5.0


async def test_flux_reverts_at_its_interval_and_the_watch_lasts_longer() -> None:
    """A success is not left alone before the tool that could undo it has looked."""
    town = marked(
        {KEY: "false"},
        FLUX_LABELS,
        entry("kustomize-controller", KEY),
        owned=[APPS],
        verification=VerificationSettings(clients=Clients.NONE, watch=60.0),
    )
    change = await town.propose()
    assert "reverted in about 2 h" in change.git_note
    assert change.plan is not None
    assert change.plan.watch > 7200.0


async def test_the_watch_is_as_configured_where_nobody_looks_after_the_service() -> None:
    """And where a tool's turn comes sooner."""
    verification = VerificationSettings(clients=Clients.NONE, watch=1800.0)
    for town in (
        Town(verification=verification),
        marked(applied(team="x"), owned=[WEB], verification=verification),
    ):
        change = await town.propose()
        assert change.plan is not None
        assert change.plan.watch == 1800.0


@pytest.mark.parametrize(
    ("annotations", "labels", "said"),
    [
        ({}, FLUX_LABELS, "Kustomization flux-system/apps"),
        (
            {"meta.helm.sh/release-name": "web"},
            {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop"},
            "HelmRelease shop/web",
        ),
        ({"meta.helm.sh/release-name": "web"}, {}, "Helm installed it (release web)"),
    ],
)
async def test_the_card_says_who_looks_after_the_service(
    annotations: dict[str, str], labels: dict[str, str], said: str
) -> None:
    """Each by its own mark."""
    town = marked(annotations, labels)
    change = await town.propose()
    assert said in town.card(change).text


@pytest.mark.parametrize(
    ("labels", "annotations"),
    [
        ({"app.kubernetes.io/instance": "web"}, {}),
        ({}, {"argocd.argoproj.io/tracking-id": "web:/Service:shop/another"}),
    ],
)
async def test_what_proves_nothing_names_nobody(labels: dict[str, str], annotations: dict[str, str]) -> None:
    """A label that charts set too, and a tracking id that was copied from another object."""
    town = marked(annotations, labels, owned=[WEB])
    change = await town.propose()
    assert change.git_note == "no owner found; nothing is known that would revert this."


async def test_a_label_counts_once_its_application_says_that_it_owns_the_service() -> None:
    """Argo CD may track by label: its status is the proof."""
    own = replace(WEB, services={"shop/checkout": "Synced"})
    town = marked({}, {"app.kubernetes.io/instance": "web"}, entry("argocd-x", "team"), owned=[own])
    assert "Application argocd/web" in (await town.propose()).git_note
    hinted = marked({}, {"app.kubernetes.io/instance": "web"}, owned=[own])
    assert "Application argocd/web" in (await hinted.propose()).git_note


async def test_who_wrote_the_annotation_is_named_with_how_and_when() -> None:
    """Another field manager of the touched key is on the card."""
    town = marked({KEY: "true"}, {}, entry("kubectl-edit", KEY, operation="Update"))
    change = await town.propose("disable")
    assert f"kubectl-edit (Update, 02 Mar 2026 13:20 UTC) wrote {KEY}." in town.card(change).text


async def test_terraform_gets_its_own_words() -> None:
    """What to put into Git is no YAML there."""
    town = marked({}, {}, entry("HashiCorp", "team", operation="Update"))
    text = town.card(await town.propose()).text
    assert "the provider leaves keys of kubernetes.io alone" in text
    assert f'    "{KEY}" = "true"' in text


BLOCKING = (Policy(propose=(PLATFORM,), approve=(SRE,), block_on=frozenset({"gitops-reverts"})),)


async def test_a_policy_can_refuse_what_would_be_reverted() -> None:
    """The sentence says by whom, when, and what to do instead."""
    town = marked(applied(pass_through="false") | {KEY: "false"}, owned=[WEB], policies=BLOCKING)
    await town.order(ALICE, "enable")
    (said,) = town.messenger.said_to(ALICE)
    assert "reverted in about 5 s" in said
    assert "(gitops-reverts) What to do: Make the change in Git" in said
    assert town.store.changes.rows == {}


async def test_such_a_policy_refuses_what_nobody_knows_too() -> None:
    """A right that is missing must not open a door."""
    town = marked(applied(pass_through="false") | {KEY: "false"}, policies=BLOCKING)
    await town.order(ALICE, "enable")
    (said,) = town.messenger.said_to(ALICE)
    assert "unknown: the Application lives elsewhere" in said
    assert town.store.changes.rows == {}


async def test_such_a_policy_lets_pass_what_survives() -> None:
    """The mark alone is no reason against a change, neither when it is proposed nor when it is approved."""
    town = marked(applied(team="shop"), owned=[WEB], policies=BLOCKING)
    change = await town.approved()
    assert change.phase not in (Phase.PROPOSED, Phase.NOT_APPLIED)


async def test_a_policy_that_has_become_stricter_refuses_the_click() -> None:
    """What the card showed is weighed by the policy that is in force now."""
    town = marked(applied(pass_through="false") | {KEY: "false"}, owned=[WEB])
    change = await town.propose()
    town.policies = BLOCKING
    town.world = town.replica()
    assert "(gitops-reverts)" in await town.click(BOB, "change:approve", change)
    assert town.now(change).phase is Phase.PROPOSED


MANUAL = replace(WEB, self_heal=False, automated=False)


async def test_a_card_that_is_drawn_again_still_says_what_becomes_of_the_patch() -> None:
    """Pods move, and the path engine, which sees the marks alone, has nothing to add to it."""
    town = marked(applied(team="shop"), owned=[WEB], policies=BLOCKING)
    change = await town.propose()
    assert change.findings == ()
    town.cluster.put(slices("checkout", "node-a"))
    await town.pass_time(61)
    assert town.now(change).table != change.table
    assert town.now(change).findings == ()
    await town.click(BOB, "change:approve", change)
    assert town.now(change).phase is Phase.VERIFYING


async def test_who_approves_has_read_that_it_will_be_reverted() -> None:
    """Git took the key up while the proposal waited: the first click shows that, the second is by who could read it."""
    town = marked(applied(team="shop"), owned=[WEB])
    change = await town.propose()
    declare(town, "false")
    said = await town.click(BOB, "change:approve", change)
    assert said.startswith(
        "CHG-1 was not approved, for its card said otherwise until now: Argo CD looks after it"
    )
    assert "the patch will be reverted in about 5 s" in town.card(change).text
    assert town.now(change).phase is Phase.PROPOSED
    assert town.now(change).digest == change.digest
    await town.click(BOB, "change:approve", change)
    assert town.now(change).phase is Phase.VERIFYING


async def test_what_became_no_worse_is_written_on_the_card_and_approved() -> None:
    """A better end, or one that comes by another way, asks nobody to click twice."""
    town = marked(applied(pass_through="false"), owned=[MANUAL])
    change = await town.propose()
    town.cluster.owned.clear()
    hold(town.cluster, WEB)
    await town.click(BOB, "change:approve", change)
    assert town.now(change).phase is Phase.VERIFYING
    assert "reverted in about 5 s" in town.card(change).text


async def test_what_git_took_up_after_the_approval_is_not_applied_where_a_policy_refuses_it() -> None:
    """Asked once more right before the patch."""
    town = marked(applied(team="shop"), owned=[WEB], policies=BLOCKING)
    change = await town.propose()
    await town.store.pauses.pause("*", ALICE, town.clock())
    await town.click(BOB, "change:approve", change)
    declare(town, "false")
    town.store.pauses.by.clear()
    await town.later(6)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert "(gitops-reverts)" in town.now(change).note
    assert town.cluster.landed == []


async def test_a_cluster_that_does_not_answer_changes_nothing_that_was_told() -> None:
    """The click counts as it did; applying reads again."""
    town = marked(applied(team="shop"), owned=[WEB])
    change = await town.propose()
    for _ in range(2):
        town.cluster.fail("read", Unavailable("prod does not answer"))
    await town.click(BOB, "change:approve", change)
    assert town.now(change).git_note == change.git_note
    assert town.now(change).phase is not Phase.PROPOSED


def declare(town: Town, value: str) -> None:
    """Git sets the annotation from now on, and Argo CD has written so down; the live value is as it was."""
    raw = dict(service())
    live = {**town.cluster.annotations(CHECKOUT), **applied(pass_through=value)}
    town.cluster.put({**raw, "metadata": {**raw["metadata"], "annotations": live}})


async def test_a_rollback_says_what_becomes_of_it_too() -> None:
    """Undoing what Git has taken up meanwhile is undone by Git."""
    town = marked(applied(team="shop"), owned=[WEB])
    first = await town.done()
    declared = {**town.cluster.annotations(CHECKOUT), **applied(pass_through="true")}
    raw: dict[str, Any] = service()
    raw["metadata"]["annotations"] = declared
    town.cluster.put(raw)
    await town.click(BOB, "change:rollback", first)
    (second,) = [each for each in town.store.changes.rows.values() if each.rolls_back == first.id]
    assert "the patch will be reverted in about 5 s" in second.git_note


async def test_a_failure_names_who_undid_the_patch_first() -> None:
    """The measurement saw the old path because somebody had brought it back, not because of kube-proxy."""
    town = marked(applied(pass_through="false") | {KEY: "false"}, owned=[WEB])
    change = await town.approved()
    assert change.phase is Phase.VERIFYING
    town.cluster.annotate(CHECKOUT, "false", by="argocd-controller")
    await town.concluded(change, Outcome.FAILED)
    note = town.now(change).note
    assert note.startswith(
        f"Undone on shop/checkout: {KEY} was set to “false” again by argocd-controller. Seen: It failed"
    )


async def test_where_somebody_undid_the_patch_no_cause_is_guessed_and_nothing_offered_to_undo() -> None:
    """What is known is said, in the card and in the thread; a rollback would be refused."""
    town = marked(applied(pass_through="false") | {KEY: "false"}, owned=[WEB])
    change = await town.approved()
    town.cluster.annotate(CHECKOUT, "false", by="argocd-controller")
    found = Verdict(
        outcome=Outcome.FAILED, rule="test", headline="Node-a saw none. Likely: kube-proxy on node-a"
    )
    town.runs.verdicts[change.id] = found
    now = await town.concluded(change, Outcome.FAILED)
    assert now.note.endswith("again by argocd-controller. Seen: Node-a saw none.")
    told = [text for text in town.thread(change) if "*Failed*: " in text]
    assert told
    assert all("again by argocd-controller. Seen: Node-a saw none." in text for text in told)
    assert "Likely" not in "".join(town.thread(change))
    assert "Roll back" not in town.card(change).text


async def test_what_git_will_undo_leads_the_card_and_the_dialog() -> None:
    """Nobody should approve it for its fifth line."""
    town = marked(applied(pass_through="false") | {KEY: "false"}, owned=[WEB])
    shown = card_of(await town.propose())
    label, text = shown.lines[0]
    assert label == "⚠️ Will be reverted"
    assert "in about 5 s" in text
    assert "Git" not in [label for label, _ in shown.lines]
    for button in (shown.buttons[0], *shown.in_a_hurry):
        assert "Argo CD will put it back in about 5 s." in button.confirm
