"""Request signatures against what the vendor's own SDK (huaweicloudsdkcore 3.1.219) produced."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.cloud.signing import Key, Request, authorization, encoded, escaped, stamp

KEY = Key(access="AK", secret="SK")
GENERATED: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("vectors.json").read_text(encoding="utf-8")
)
VECTORS = [
    (
        KEY,
        Request(
            method="GET",
            path="/V1.0/p/metric-data",
            query=[("namespace", "SYS.ELB"), ("dim.0", "lbaas_instance_id,lb1")],
        ),
        {
            "Content-Type": "application/json",
            "Host": "127.0.0.1:37615",
            "X-Project-Id": "p",
            "X-Sdk-Date": "20260101T000000Z",
        },
        "content-type;host;x-project-id;x-sdk-date",
        "9b728e15407c58f9a52640dedd4279d78f5ce1c07fb816328068562f75c06f0f",
    ),
    (
        Key(access="HST3", secret="s/e+c=r", token="tok/en+=="),
        Request(method="GET", path="/v3/0123abcd/elb/loadbalancers/5f2a~b"),
        {
            "Content-Type": "application/json",
            "Host": "elb.eu-de.otc.t-systems.com",
            "X-Project-Id": "0123abcd",
            "X-Security-Token": "tok/en+==",
            "X-Sdk-Date": "20260715T123456Z",
        },
        "content-type;host;x-project-id;x-sdk-date;x-security-token",
        "dec3bb8a2aa0a84210def93ab2cf3b7c8d86f63320c909883ed30e57daa1b30f",
    ),
    (
        KEY,
        Request(
            method="POST",
            path="/V1.0/p/batch-query-metric-data",
            body='{"metrics":[{"namespace":"SYS.ELB"}],"from":1,"to":2,"name":"ü"}'.encode(),
        ),
        {
            "Content-Type": "application/json;charset=utf-8",
            "Host": "ces.eu-de.otc.t-systems.com",
            "X-Project-Id": "p",
            "X-Sdk-Date": "20260228T235959Z",
        },
        "content-type;host;x-project-id;x-sdk-date",
        "02024fccd38281a0ef9efc0c6fb3cc5d4eb492957595672c2c15c94194aae259",
    ),
    (
        Key(access="AK2", secret="SK2"),
        Request(
            method="GET",
            path="/api/v3/projects/a b/clusters/ä/",
            query=[
                ("z", "1"),
                ("a b", "c d&e=f"),
                ("marker", "x/y+z~*"),
                ("a", "2"),
                ("a", "1"),
                ("empty", ""),
            ],
        ),
        {
            "Content-Type": "application/json",
            "Host": "cce.eu-nl.otc.t-systems.com",
            "X-Sdk-Date": "20261231T000000Z",
        },
        "content-type;host;x-sdk-date",
        "ff472fdda2e887a76bd90fe1393352aeaa53c2bed06475001191e0e6646ee80c",
    ),
    (
        KEY,
        Request(method="DELETE", path="/"),
        {"X-Sdk-Date": "20260101T000000Z", "b-header": "  two  words ", "A-Header": "1", "Host": "h"},
        "a-header;b-header;host;x-sdk-date",
        "277f7bad97826c218ef4daad1584a6717ceef2af057a10fd79c3f01e499d76f5",
    ),
]


@pytest.mark.parametrize(("key", "request_", "headers", "names", "signature"), VECTORS)
def test_signatures_are_those_of_the_vendors_sdk(
    key: Key, request_: Request, headers: dict[str, str], names: str, signature: str
) -> None:
    """Plain, with a temporary key, with a body, with reserved characters, with odd headers."""
    expected = f"SDK-HMAC-SHA256 Access={key.access}, SignedHeaders={names}, Signature={signature}"
    assert authorization(key, request_, headers) == expected


@pytest.mark.parametrize("vector", GENERATED, ids=[str(number) for number in range(len(GENERATED))])
def test_signatures_of_any_request_are_those_of_the_vendors_sdk(vector: dict[str, Any]) -> None:
    """Sixty requests with whatever needs escaping; `vectors.py` says how they were made."""
    asked = Request(
        method=vector["method"],
        path=vector["path"],
        query=[(name, value) for name, value in vector["query"]],
        body=vector["body"].encode(),
    )
    key = Key(access=vector["access"], secret=vector["secret"], token=vector["token"])
    assert authorization(key, asked, vector["headers"]) == vector["authorization"]


def test_a_query_is_sent_in_the_words_in_which_it_is_signed() -> None:
    """Sorted, with everything escaped but the unreserved characters."""
    query = [("z", "1"), ("a", "x,y z/~")]
    assert encoded(query) == "a=x%2Cy%20z%2F~&z=1"
    assert escaped("/a b/ä/~") == "/a%20b/%C3%A4/~"


def test_the_date_is_utc_wherever_the_clock_is() -> None:
    """A time with another zone is the same moment."""
    east = datetime(2026, 1, 1, 2, 0, tzinfo=timezone(timedelta(hours=2)))
    assert stamp(east) == stamp(datetime(2026, 1, 1, tzinfo=UTC)) == "20260101T000000Z"


@given(
    first=st.tuples(st.sampled_from(["GET", "POST"]), st.text(), st.text(), st.binary()),
    second=st.tuples(st.sampled_from(["GET", "POST"]), st.text(), st.text(), st.binary()),
)
def test_requests_that_differ_have_different_signatures(
    first: tuple[str, str, str, bytes], second: tuple[str, str, str, bytes]
) -> None:
    """Method, path, query and body are all covered."""
    headers = {"Host": "h", "X-Sdk-Date": "20260101T000000Z"}

    def signed(of: tuple[str, str, str, bytes]) -> str:
        method, name, value, body = of
        request = Request(method=method, path="/p", query=[(name, value)], body=body)
        return authorization(KEY, request, headers)

    assert (signed(first) == signed(second)) == (first == second)
