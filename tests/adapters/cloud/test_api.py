"""The cloud adapter against the simulated cloud, over the wire."""

import asyncio
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest

from bot.adapters.cloud.gateway import Patience
from bot.demo.cloud import Fault, Metering
from bot.ports import ClusterKind, Forbidden, Listener, NotFound, Point, Unavailable
from tests.adapters.cloud.conftest import Ask, Rests, keys, login, points
from tests.demo.cloud.caller import PROJECT, TEMPORARY, World
from tests.demo.dataplane.cluster import EIP, VIP


def at(w: World, seconds: float = 0.0) -> datetime:
    """Tell the world's time."""
    return datetime.fromtimestamp(w.clock.now + seconds, UTC)


async def listener(w: World, ask: Ask) -> Listener:
    """Find the one listener."""
    (found,) = (await ask().load_balancer(w.balancer.id)).listeners
    return found


async def test_a_load_balancer_is_described(w: World, ask: Ask) -> None:
    """Kind, both addresses, listeners and members."""
    facts = await ask().load_balancer(w.balancer.id)
    assert facts.kind == "union"
    assert facts.private_ips == (VIP,)
    assert facts.public_ips == (EIP,)
    assert [(each.protocol, each.port, each.load_balancer) for each in facts.listeners] == [
        ("TCP", 80, w.balancer.id)
    ]
    assert facts.members == 4
    assert facts.unhealthy == ()


async def test_unhealthy_members_are_named(w: World, ask: Ask) -> None:
    """By address and port, as the ELB sees them."""
    w.balancer.unhealthy.add("192.168.0.2")
    facts = await ask().load_balancer(w.balancer.id)
    assert len(facts.unhealthy) == 1
    assert facts.unhealthy[0].startswith("192.168.0.2:")


async def test_a_dedicated_load_balancer_is_told_apart(w: World, ask: Ask) -> None:
    """`guaranteed` says which kind it is, in the words of elb.class."""
    dedicated = w.cluster.plane.elb.add("other", "dedicated", vip="192.168.0.200", eip=None)
    facts = await ask().load_balancer(dedicated.id)
    assert facts.kind == "performance"
    assert facts.public_ips == ()


@pytest.mark.parametrize("wanted", ["00000000-0000-4000-8000-000000000000", "../../x", "a/b", "", "x?y=z"])
async def test_a_load_balancer_that_is_not_there_is_not_found(w: World, ask: Ask, wanted: str) -> None:
    """An id from an annotation may be anything; it is never more than an id."""
    with pytest.raises(NotFound):
        await ask().load_balancer(wanted)
    assert all(".." not in entry.path for entry in w.cloud.log)


async def test_new_connections_come_per_period(w: World, ask: Ask) -> None:
    """A burst shows in its own period, and nowhere else."""
    w.cloud.set_metering(Metering(period=60))
    found = await listener(w, ask)
    start = at(w)
    w.burst(120)
    w.clock.now += 120
    told = await points(ask(), found, start=start, end=at(w))
    assert told == [
        Point(at=start, value=2.0),
        Point(at=start + timedelta(seconds=60), value=0.0),
    ]


async def test_a_period_without_a_point_is_missing(w: World, ask: Ask) -> None:
    """Never zero: what has not come is not there."""
    w.cloud.set_metering(Metering(period=2, delay=10))
    found = await listener(w, ask)
    start = at(w)
    w.burst(10)
    w.clock.now += 8
    assert await points(ask(), found, start=start, end=at(w)) == []
    w.clock.now += 6
    (first, *_) = await points(ask(), found, start=start, end=start + timedelta(seconds=8))
    assert first == Point(at=start, value=5.0)


async def test_points_outside_the_question_are_left_out(w: World, ask: Ask) -> None:
    """The server rounds `from` down and includes `to`; the answer is what was asked."""
    w.cloud.set_metering(Metering(period=60))
    found = await listener(w, ask)
    start = at(w)
    w.burst(60)
    w.clock.now += 240
    told = await points(ask(), found, start=start + timedelta(seconds=30), end=start + timedelta(seconds=120))
    assert [point.at for point in told] == [start + timedelta(seconds=60)]


async def test_the_cluster_is_described(ask: Ask) -> None:
    """Category in our word, version and proxy mode as they are."""
    assert await ask().cluster() == ClusterKind(category="standard", version="v1.29", proxy_mode="ipvs")


async def test_without_a_cluster_id_nobody_is_asked(w: World, ask: Ask) -> None:
    """No id: nothing known, no request."""
    kind = await ask(cluster_id=None).cluster()
    assert kind == ClusterKind(category=None, version=None, proxy_mode=None)
    assert w.cloud.counts["cce"] == 0


async def test_a_temporary_key_goes_with_its_token(ask: Ask) -> None:
    """X-Security-Token is sent and signed."""
    temporary = keys(TEMPORARY.access, TEMPORARY.secret, TEMPORARY.security_token)
    assert (await ask(temporary).cluster()).proxy_mode == "ipvs"


async def test_a_token_is_fetched_once_and_used_for_everything(w: World, ask: Ask) -> None:
    """User and password: one token for many questions."""
    api = ask(login())
    await api.cluster()
    await api.load_balancer(w.balancer.id)
    assert w.cloud.accounts.issued == 1


async def test_a_token_is_renewed_before_it_ends(w: World, ask: Ask) -> None:
    """No question ever meets an expired token."""
    api = ask(login())
    await api.cluster()
    w.clock.now += 3000
    await api.cluster()
    assert w.cloud.accounts.issued == 2
    assert [entry.status for entry in w.cloud.log if entry.service == "cce"] == [200, 200]


async def test_a_token_that_ends_early_is_replaced(w: World, ask: Ask) -> None:
    """As after a change of password: 401, a new token, the answer."""
    api = ask(login())
    await api.cluster()
    w.cloud.accounts.expire_tokens()
    assert (await api.cluster()).proxy_mode == "ipvs"
    assert w.cloud.accounts.issued == 2


async def test_questions_that_are_refused_together_need_one_token(w: World, ask: Ask) -> None:
    """IAM limits how many tokens it issues."""
    api = ask(login())
    await api.cluster()
    w.cloud.accounts.expire_tokens()
    await asyncio.gather(*(api.cluster() for _ in range(8)))
    assert w.cloud.accounts.issued == 2


async def test_a_wrong_password_is_said_without_it(ask: Ask) -> None:
    """IAM's refusal, in one sentence."""
    with pytest.raises(Forbidden, match="IAM does not accept the credentials") as refused:
        await ask(login("hunter2")).cluster()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong", [keys("AKNOBODY"), keys(secret="SKWRONG"), keys(TEMPORARY.access, TEMPORARY.secret)]
)
async def test_a_refused_signature_is_said_without_what_was_signed(ask: Ask, wrong: object) -> None:
    """The gateway repeats headers in its message; ours does not."""
    with pytest.raises(Forbidden) as refused:
        await ask(wrong).cluster()
    told = str(refused.value)
    assert told.startswith("CCE does not accept the credentials")
    assert not any(secret in told for secret in ("AKNOBODY", "SKWRONG", "AKTEMP", "canonical"))


@pytest.mark.parametrize(("ahead", "said"), [(200.0, "200 s ahead of"), (-400.0, "400 s behind")])
async def test_clocks_that_differ_are_measured_and_said(w: World, ask: Ask, ahead: float, said: str) -> None:
    """From the Date of any answer; a refusal says it too, for a clock is a common cause of one."""
    api = ask(ahead=ahead)
    await api.cluster()
    assert api.ahead() == pytest.approx(ahead, abs=1)
    assert api.skewed() == f"this machine's clock is {said} the cloud's"
    w.cloud.accounts.keys.clear()
    with pytest.raises(Forbidden, match=f"; this machine's clock is {said} the cloud's"):
        await api.cluster()


@pytest.mark.parametrize("ahead", [1800.0, -1800.0])
async def test_a_signature_that_is_refused_for_its_date_is_made_again_by_the_clouds_clock(
    w: World, ask: Ask, ahead: float
) -> None:
    """Fifteen minutes off is refused; the refusal's own Date says what time it is. Asked twice the first time only."""
    api = ask(ahead=ahead)
    await api.cluster()
    assert [entry.status for entry in w.cloud.log] == [HTTPStatus.UNAUTHORIZED, HTTPStatus.OK]
    await api.cluster()
    assert [entry.status for entry in w.cloud.log][2:] == [HTTPStatus.OK]


async def test_no_signature_is_made_for_another_day(w: World, ask: Ask) -> None:
    """Whoever could send a Date could have one made for any day."""
    with pytest.raises(Forbidden, match="clock is 180000 s ahead"):
        await ask(ahead=180_000.0).cluster()
    assert len(w.cloud.log) == 1


async def test_a_project_of_others_is_forbidden(ask: Ask) -> None:
    """403 by the gateway, in its words."""
    with pytest.raises(Forbidden, match="forbidden in the currently selected region"):
        await ask(project_id="somebody-elses").cluster()


async def test_a_missing_right_is_passed_on(w: World, ask: Ask) -> None:
    """People need the name of the right that is missing."""
    w.cloud.set_fault("ces", Fault(status=HTTPStatus.FORBIDDEN))
    found = Listener(id="x", protocol="TCP", port=80, load_balancer="y")
    with pytest.raises(Forbidden, match=r"Policy doesn't allow \[ces:\*:get\]"):
        await points(ask(), found, start=at(w, -60), end=at(w))


async def test_no_period_starts_in_an_empty_interval(w: World, ask: Ask) -> None:
    """Cloud Eye would refuse the question as malformed; it is not asked."""
    found = await listener(w, ask)
    assert await points(ask(), found, start=at(w), end=at(w)) == []
    assert w.cloud.counts["ces"] == 0


@pytest.mark.parametrize(
    "status", [HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INTERNAL_SERVER_ERROR]
)
async def test_passing_trouble_is_waited_out(w: World, ask: Ask, rests: Rests, status: HTTPStatus) -> None:
    """Two failures, then the answer."""
    w.cloud.set_fault("cce", Fault(status=status, times=2))
    assert (await ask().cluster()).proxy_mode == "ipvs"
    assert len(rests.taken) == 2


async def test_lasting_trouble_is_given_up(w: World, ask: Ask, rests: Rests) -> None:
    """After a few tries the caller hears that it cannot be had now."""
    w.cloud.set_fault("cce", Fault(status=HTTPStatus.TOO_MANY_REQUESTS))
    with pytest.raises(Unavailable, match="CCE answered 429: The throttling threshold"):
        await ask().cluster()
    assert len(rests.taken) == 3
    assert rests.taken == sorted(rests.taken)


async def test_a_service_that_never_answers_is_unavailable(w: World, ask: Ask) -> None:
    """Each try has its time, and all together have one."""
    w.cloud.set_fault("elb", Fault(hang=True))
    with pytest.raises(Unavailable, match=r"ELB did not answer within 0\.05 s"):
        await ask(patience=Patience(answer=0.05)).load_balancer(w.balancer.id)
    with pytest.raises(Unavailable, match=r"ELB did not answer within 0\.02 s"):
        await ask(patience=Patience(whole=0.02)).load_balancer(w.balancer.id)


async def test_nothing_that_listens_is_unavailable(ask: Ask, unused_tcp_port: int) -> None:
    """Connection refused."""
    api = ask(endpoints={"cce": f"http://127.0.0.1:{unused_tcp_port}"})
    with pytest.raises(Unavailable, match="CCE cannot be reached"):
        await api.cluster()


async def test_the_project_is_in_every_path(w: World, ask: Ask) -> None:
    """What was asked, and of whom."""
    await ask().load_balancer(w.balancer.id)
    assert all(entry.path.startswith(f"/v3/{PROJECT}/elb/") for entry in w.cloud.log)
    assert len(w.cloud.log) == 3
