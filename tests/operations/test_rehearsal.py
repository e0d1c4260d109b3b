"""What the cluster's webhooks make of the patch: shown before anybody approves, and held to when it is applied."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.domain.change import Phase, ServiceRef
from bot.ports import LiveService
from tests.fakes.world import ALICE, BOB, KEY, LEAD, Cluster, Town, shop

APPROVE = "change:approve"
AUDIT = "team.example/changed-by"


class Webhooked(Cluster):
    """A cluster with a mutating webhook, which a test describes."""

    adds: Mapping[str, str] = {}
    spec: str = ""
    """A read hash of a spec that it changes."""
    sincere: bool = True
    """Whether it does the same in a rehearsal."""

    async def patch(
        self,
        service: ServiceRef,
        annotations: Mapping[str, str | None],
        *,
        resource_version: str,
        dry_run: bool,
    ) -> LiveService:
        """Answer with what the webhook makes of it."""
        live = await super().patch(service, annotations, resource_version=resource_version, dry_run=dry_run)
        if dry_run and not self.sincere:
            return live
        return replace(
            live, annotations={**live.annotations, **self.adds}, read_hash=self.spec or live.read_hash
        )


def town(adds: Mapping[str, str] | None = None, spec: str = "") -> Town:
    """A town whose cluster has a webhook."""
    cluster = shop()
    cluster.__class__ = Webhooked
    assert isinstance(cluster, Webhooked)
    cluster.adds, cluster.spec = adds or {}, spec
    return Town(clusters=[cluster])


async def test_what_a_webhook_adds_is_on_the_card_and_in_what_people_approve() -> None:
    """By its key; the value may be a secret, or differ each time."""
    plain = await town().propose()
    place = town({AUDIT: "elb-passthrough-bot"})
    change = await place.propose()
    assert change.dry_run == (
        f"accepted by the API server; a webhook of the cluster changes {AUDIT} on shop/checkout too"
    )
    assert change.steps[0].besides == (AUDIT,)
    assert change.digest != plain.digest
    await place.click(BOB, APPROVE, change)
    assert place.now(change).phase is Phase.VERIFYING
    assert [values for _, values in place.cluster.landed] == [{KEY: "true"}]


@pytest.mark.parametrize(
    ("adds", "spec", "said"),
    [
        (
            {KEY: "onlyLocal"},
            "",
            f"a webhook sets {KEY} of shop/checkout to another value than the patch does",
        ),
        (
            {},
            "other",
            "a webhook changes the spec or ELB annotations of shop/checkout together with the patch",
        ),
    ],
)
async def test_a_webhook_that_makes_something_else_of_it_is_a_refusal(
    adds: Mapping[str, str], spec: str, said: str
) -> None:
    """Nothing is proposed that would not be what people see."""
    place = town(adds, spec)
    await place.order(ALICE, "enable")
    assert said in place.messenger.said_to(ALICE)[0]
    assert "Nothing was proposed." in place.messenger.said_to(ALICE)[0]
    assert place.changes() == []


async def test_a_webhook_that_came_after_the_approval_supersedes_it() -> None:
    """What it adds was not shown; the new proposal shows it."""
    place = town()
    change = await place.propose()
    await place.order(LEAD, "pause", "")
    await place.click(BOB, APPROVE, change)
    cluster = place.cluster
    assert isinstance(cluster, Webhooked)
    cluster.adds = {AUDIT: "x"}
    await place.order(LEAD, "resume", "")
    assert place.now(change).phase is Phase.SUPERSEDED
    assert (
        f"would change {AUDIT} on shop/checkout too, which the proposal did not show"
        in place.card(change).text
    )
    assert cluster.landed == []
    assert place.changes()[1].steps[0].besides == (AUDIT,)


async def test_a_webhook_that_takes_the_patch_back_after_the_approval_ends_it() -> None:
    """Not applied, with the sentence."""
    place = town()
    change = await place.propose()
    await place.order(LEAD, "pause", "")
    await place.click(BOB, APPROVE, change)
    cluster = place.cluster
    assert isinstance(cluster, Webhooked)
    cluster.adds = {KEY: "false"}
    await place.order(LEAD, "resume", "")
    assert place.now(change).phase is Phase.NOT_APPLIED
    assert "to another value than the patch does" in place.card(change).text
    assert cluster.landed == []


async def test_a_webhook_that_lets_the_rehearsal_alone_is_found_out_by_the_patch() -> None:
    """What the API server answers is not what was sent: no success, and no measurement of something else."""
    place = town({KEY: "false"})
    cluster = place.cluster
    assert isinstance(cluster, Webhooked)
    cluster.sincere = False
    change = await place.approved()
    assert change.phase is Phase.NOT_APPLIED
    assert f"made something else of it: {KEY}, its value is “false”." in place.card(change).text
