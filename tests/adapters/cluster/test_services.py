"""Single Services at the API server: what refusals become, and what is sent."""

import json
from datetime import datetime

import pytest

from bot.demo.kubernetes import ApiServer, Rule, User
from bot.demo.kubernetes.cce import guard_elb
from bot.domain.objects import PASS_THROUGH
from bot.ports import Forbidden, Invalid, Unavailable
from tests.adapters.cluster.conftest import CHECKOUT, Make, service


async def test_a_webhook_refusal_is_passed_on_in_its_own_words(api: ApiServer, make: Make) -> None:
    """CCE refuses a change of elb.class; people read its sentence."""
    api.objects.create("services", service(**{"class": "union"}), manager="kubectl")
    api.objects.webhooks.append(guard_elb)
    cluster = make(running=False)
    live = await cluster.read(CHECKOUT)
    with pytest.raises(Forbidden, match=r"can't modify service elb \[kubernetes.io/elb.class\] annotation"):
        await cluster.patch(
            CHECKOUT,
            {"kubernetes.io/elb.class": "performance"},
            resource_version=live.resource_version,
            dry_run=True,
        )


async def test_a_missing_right_is_passed_on_in_the_servers_words(api: ApiServer, make: Make) -> None:
    """403 by RBAC."""
    api.access.tokens["reader"] = User(name="reader")
    api.access.rules.append(Rule(subject="reader", verbs=("get",), resources=("services",)))
    api.objects.create("services", service(), manager="kubectl")
    cluster = make(token="reader", running=False)
    live = await cluster.read(CHECKOUT)
    with pytest.raises(Forbidden, match='User "reader" cannot patch resource "services"'):
        await cluster.patch(
            CHECKOUT, {PASS_THROUGH: "true"}, resource_version=live.resource_version, dry_run=False
        )


async def test_what_the_server_cannot_read_is_invalid(api: ApiServer, make: Make) -> None:
    """422 for a key that is none."""
    api.objects.create("services", service(), manager="kubectl")
    cluster = make(running=False)
    live = await cluster.read(CHECKOUT)
    with pytest.raises(Invalid):
        await cluster.patch(
            CHECKOUT, {"not a key": "x"}, resource_version=live.resource_version, dry_run=False
        )


@pytest.mark.parametrize("code", [429, 500, 503, 504])
async def test_passing_trouble_is_unavailable(api: ApiServer, make: Make, code: int) -> None:
    """What may work a moment later is told apart from what never will."""
    api.faults.fail(1, code=code, verb="get", resource="services")
    with pytest.raises(Unavailable, match="prod cannot answer now"):
        await make(running=False).read(CHECKOUT)


async def test_the_patch_is_a_merge_patch_with_precondition_and_manager(api: ApiServer, make: Make) -> None:
    """What goes over the wire is what the contract says."""
    api.objects.create("services", service(), manager="kubectl")
    cluster = make(running=False)
    live = await cluster.read(CHECKOUT)
    await cluster.patch(
        CHECKOUT, {PASS_THROUGH: "true"}, resource_version=live.resource_version, dry_run=True
    )
    (seen,) = api.requests.of("patch", "services")
    assert seen.query == "fieldManager=elb-passthrough-bot&fieldValidation=Strict&dryRun=All"
    assert seen.agent.startswith("elb-passthrough-bot/")


async def test_an_event_names_the_service(api: ApiServer, make: Make) -> None:
    """It hangs on the Service, and long names and messages fit."""
    name = "x" * 63
    created = api.objects.create("services", service(name), manager="kubectl")
    cluster = make(running=False)
    ref = CHECKOUT.__class__(cluster="prod", namespace="shop", name=name)
    await cluster.tell(ref, created["metadata"]["uid"], key="k", message="m" * 5000)
    (event,) = api.objects.list("events", "shop")
    assert event["involvedObject"]["uid"] == created["metadata"]["uid"]
    assert len(event["message"]) == 1024
    assert event["source"] == {"component": "elb-passthrough-bot"}


async def test_an_event_that_is_refused_stops_nothing(api: ApiServer, make: Make) -> None:
    """Best effort: no right to write Events is logged and no more."""
    api.access.tokens["nobody"] = User(name="nobody")
    await make(token="nobody", running=False).tell(CHECKOUT, "uid", key="k", message="m")
    assert api.objects.list("events", "shop") == []
    assert [seen.status for seen in api.requests.of("create", "events")] == [403]


async def test_rights_are_asked_of_the_server(api: ApiServer, make: Make) -> None:
    """Access reviews say what the bot may."""
    api.access.tokens["reader"] = User(name="reader")
    api.access.rules.append(
        Rule(subject="reader", verbs=("get", "list"), resources=("services",), namespaces=("shop",))
    )
    cluster = make(token="reader", running=False)
    assert await cluster.may("list", "services", namespace="shop")
    assert not await cluster.may("list", "services")
    assert not await cluster.may("patch", "services", namespace="shop")
    assert not await cluster.may("create", "pods", namespace="shop", subresource="exec")


async def test_no_sentence_repeats_a_credential(api: ApiServer, make: Make) -> None:
    """Whatever a server answers, tokens in it are not shown, and the sentence is bounded."""
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
    message = f"Authorization: Bearer {jwt} and {jwt}\n" + "x" * 2000
    api.faults.fail(1, code=403, verb="get", resource="services", message=message)
    with pytest.raises(Forbidden) as refused:
        await make(running=False).read(CHECKOUT)
    told = str(refused.value)
    assert jwt not in told
    assert "\n" not in told
    assert len(told) <= 400
    assert json.dumps(told)


async def test_a_service_read_tells_its_age(api: ApiServer, make: Make) -> None:
    """CCE may still write onlyLocal to a young one."""
    api.objects.create("services", service(), manager="kubectl")
    live = await make(running=False).read(CHECKOUT)
    made = (api.objects.get("services", "shop", "checkout") or {})["metadata"]["creationTimestamp"]
    assert live.created_at is not None
    assert live.created_at == datetime.fromisoformat(made)
    assert live.created_at.utcoffset() is not None
