"""Who the simulated cloud lets in."""

import pytest

from bot.demo.cloud import AccessKey
from bot.demo.cloud.signature import Incoming, SignatureRefusedError, check, claim_of
from tests.demo.cloud.caller import KEY, LOGIN, PROJECT, TEMPORARY, authorization, world

CLUSTERS = f"/api/v3/projects/{PROJECT}/clusters/c-prod"
VECTOR = "9b728e15407c58f9a52640dedd4279d78f5ce1c07fb816328068562f75c06f0f"
VECTOR_HEADERS = {
    "content-type": "application/json",
    "host": "127.0.0.1:37615",
    "x-project-id": "p",
    "x-sdk-date": "20260101T000000Z",
}
VECTOR_AT = 1767225600.0


def vector(signature: str = VECTOR) -> Incoming:
    """The request that the vendor's own SDK signed."""
    signed = "content-type;host;x-project-id;x-sdk-date"
    header = f"SDK-HMAC-SHA256 Access=AK, SignedHeaders={signed}, Signature={signature}"
    return Incoming(
        method="GET",
        path="/V1.0/p/metric-data",
        query="namespace=SYS.ELB&dim.0=lbaas_instance_id%2Clb1",
        headers={**VECTOR_HEADERS, "authorization": header},
        body=b"",
    )


def test_the_vendors_own_signature_holds() -> None:
    """A vector made with the vendor's SDK."""
    incoming = vector()
    claim = claim_of(incoming)
    check(incoming, claim, "SK", now=VECTOR_AT)
    assert claim.access == "AK"


def test_the_tests_client_signs_as_the_vendors_sdk_does() -> None:
    """The client of these tests is held to the same vector."""
    query = [("namespace", "SYS.ELB"), ("dim.0", "lbaas_instance_id,lb1")]
    key = AccessKey(access="AK", secret="SK")
    signed = authorization(key, "GET", "/V1.0/p/metric-data", query=query, headers=VECTOR_HEADERS, body=b"")
    assert signed.endswith(VECTOR)


@pytest.mark.parametrize(
    ("secret", "now", "reason"),
    [
        ("other", VECTOR_AT, "verify aksk signature fail"),
        ("SK", VECTOR_AT + 901, "x-sdk-date is expired"),
        ("SK", VECTOR_AT - 901, "x-sdk-date is expired"),
    ],
)
def test_another_secret_or_another_time_does_not_hold(secret: str, now: float, reason: str) -> None:
    """The signature covers the date, and the date must be close."""
    with pytest.raises(SignatureRefusedError, match=reason):
        check(vector(), claim_of(vector()), secret, now=now)


async def test_a_signed_request_is_answered() -> None:
    """AK and SK suffice, for each service."""
    async with world() as w:
        for path in (f"/v3/{PROJECT}/elb/loadbalancers", CLUSTERS, f"/V1.0/{PROJECT}/metrics"):
            assert (await w.call(path)).status == 200


@pytest.mark.parametrize(
    ("key", "changes", "reason"),
    [
        (AccessKey(access="AKDEMO", secret="wrong"), {}, "verify aksk signature fail"),
        (AccessKey(access="AKNONE", secret="SKDEMO"), {}, "ak not exist"),
        (KEY, {"content-type": "text/plain"}, "verify aksk signature fail"),
        (KEY, {"authorization": "Bearer x"}, "authorization header format error"),
        (KEY, {"x-auth-token": "stolen"}, "decrypt token fail"),
        (AccessKey(access="AKTEMP", secret="SKTEMP"), {}, "securityToken"),
    ],
)
async def test_a_wrong_signature_is_refused_as_the_gateway_refuses_it(
    key: AccessKey, changes: dict[str, str], reason: str
) -> None:
    """401 APIGW.0301, with the reason in words."""
    async with world() as w:
        answer = await w.call(CLUSTERS, key=key, changes=changes)
    assert (answer.status, answer.body["error_code"]) == (401, "APIGW.0301")
    assert reason in answer.body["error_msg"]
    assert "SKDEMO" not in str(answer.body)


async def test_a_temporary_key_needs_its_security_token() -> None:
    """X-Security-Token beside the signature."""
    async with world() as w:
        assert (await w.call(CLUSTERS, key=TEMPORARY)).status == 200


async def test_a_clock_that_is_off_by_more_than_fifteen_minutes_is_refused() -> None:
    """A little skew does no harm."""
    async with world() as w:
        assert (await w.call(CLUSTERS, skew=890)).status == 200
        assert (await w.call(CLUSTERS, skew=-910)).status == 401


def login_body(password: str) -> dict[str, object]:
    """The password method, scoped to the project."""
    user = {"name": LOGIN.name, "password": password, "domain": {"name": LOGIN.domain}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": {"id": PROJECT}}}}


async def test_a_token_opens_the_services_until_it_expires() -> None:
    """POST /v3/auth/tokens, X-Subject-Token, X-Auth-Token."""
    async with world(token_lifetime=600) as w:
        issued = await w.call("/v3/auth/tokens", body=login_body(LOGIN.password))
        token = issued.headers["X-Subject-Token"]
        before = await w.call(CLUSTERS, token=token)
        w.clock.now += 601
        after = await w.call(CLUSTERS, token=token)
    assert issued.status == 201
    assert issued.body["token"]["project"]["id"] == PROJECT
    assert issued.body["token"]["expires_at"] == "2027-01-15T08:10:00.000000000Z"
    assert (before.status, after.status) == (200, 401)


async def test_tokens_can_be_ended_before_their_time() -> None:
    """As after a change of password."""
    async with world() as w:
        issued = await w.call("/v3/auth/tokens", body=login_body(LOGIN.password))
        w.cloud.accounts.expire_tokens()
        assert (await w.call(CLUSTERS, token=issued.headers["X-Subject-Token"])).status == 401


@pytest.mark.parametrize(("body", "status"), [(login_body("guess"), 401), ({"auth": {}}, 400), ([], 400)])
async def test_no_token_for_a_wrong_password_or_a_broken_request(body: object, status: int) -> None:
    """IAM's own shape of errors."""
    async with world() as w:
        answer = await w.call("/v3/auth/tokens", body=body)
    assert (answer.status, answer.body["error"]["code"]) == (status, status)
    assert "X-Subject-Token" not in answer.headers


async def test_another_project_is_out_of_reach() -> None:
    """The key belongs to one project."""
    async with world() as w:
        answer = await w.call("/v3/other/elb/loadbalancers")
    assert (answer.status, answer.body["error_code"]) == (403, "APIGW.0302")
