"""What can go wrong in the cloud, on purpose."""

import asyncio
from http import HTTPStatus

import pytest

from bot.demo.cloud import Fault
from tests.demo.cloud.caller import PROJECT, world

PATHS = {
    "elb": f"/v3/{PROJECT}/elb/loadbalancers",
    "ces": f"/V1.0/{PROJECT}/metrics",
    "cce": f"/api/v3/projects/{PROJECT}/clusters/c-prod",
}


@pytest.mark.parametrize("service", PATHS)
@pytest.mark.parametrize(
    "status", [HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.FORBIDDEN]
)
async def test_one_service_fails_a_few_times_while_the_others_answer(
    service: str, status: HTTPStatus
) -> None:
    """429, 500 and 403, each in the service's own shape."""
    async with world() as w:
        w.cloud.set_fault(service, Fault(status=status, times=2))
        ends = [(await w.call(PATHS[service])).status for _ in range(3)]
        others = {(await w.call(p)).status for s, p in PATHS.items() if s != service}
    assert ends == [status, status, 200]
    assert others == {200}


@pytest.mark.parametrize(
    ("service", "status", "field", "value"),
    [
        ("ces", HTTPStatus.FORBIDDEN, "http_code", 403),
        ("cce", HTTPStatus.FORBIDDEN, "errorCode", "CCE.01403001"),
        ("elb", HTTPStatus.TOO_MANY_REQUESTS, "error_code", "APIGW.0308"),
    ],
)
async def test_errors_have_the_shape_of_who_makes_them(
    service: str, status: HTTPStatus, field: str, value: object
) -> None:
    """The gateway's, or the service's."""
    async with world() as w:
        w.cloud.set_fault(service, Fault(status=status))
        assert (await w.call(PATHS[service])).body[field] == value
        w.cloud.set_fault(service, None)
        assert (await w.call(PATHS[service])).status == 200


async def test_a_service_that_hangs_answers_when_the_cloud_stops() -> None:
    """The client decides how long it waits."""
    async with world() as w:
        w.cloud.set_fault("ces", Fault(hang=True))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await w.call(PATHS["ces"])


async def test_a_service_can_be_slow() -> None:
    """Late, but right."""
    async with world() as w:
        w.cloud.set_fault("elb", Fault(latency=0.01))
        assert (await w.call(PATHS["elb"])).status == 200


async def test_a_service_that_does_not_exist_cannot_be_broken() -> None:
    """A typing mistake in a test shall not go unnoticed."""
    async with world() as w:
        with pytest.raises(ValueError, match="no such service"):
            w.cloud.set_fault("vpc", Fault())


async def test_a_path_that_does_not_exist_is_the_gateways_error() -> None:
    """404 APIGW.0101."""
    async with world() as w:
        answer = await w.call(f"/V1/{PROJECT}/metric-data")
    assert (answer.status, answer.body["error_code"]) == (404, "APIGW.0101")


async def test_requests_are_logged_and_counted_by_service() -> None:
    """Without headers, so without secrets."""
    async with world() as w:
        for path in PATHS.values():
            await w.call(path)
        await w.call(PATHS["ces"], changes={"authorization": "x"})
        assert dict(w.cloud.counts) == {"elb": 1, "ces": 2, "cce": 1}
        assert [(e.service, e.status) for e in w.cloud.log][-2:] == [("cce", 200), ("ces", 401)]
