"""ELB v3 and CCE over HTTP."""

import pytest

from tests.demo.cloud.caller import PROJECT, world
from tests.demo.dataplane.cluster import EIP, VIP

BASE = f"/v3/{PROJECT}/elb"


async def test_a_load_balancer_shows_kind_addresses_and_listeners() -> None:
    """What the bot reads of a load balancer."""
    async with world() as w:
        answer = await w.call(f"{BASE}/loadbalancers/{w.balancer.id}")
        shown = answer.body["loadbalancer"]
        assert (shown["guaranteed"], shown["vip_address"]) == (False, VIP)
        assert shown["publicips"][0]["publicip_address"] == shown["eips"][0]["eip_address"] == EIP
        assert shown["listeners"] == [{"id": w.listener.id}]
        assert shown["provisioning_status"] == "ACTIVE"


async def test_listener_pool_and_members_hang_together() -> None:
    """From the listener to the nodes and their node port."""
    async with world() as w:
        listener = (await w.call(f"{BASE}/listeners/{w.listener.id}")).body["listener"]
        pool = (await w.call(f"{BASE}/pools/{listener['default_pool_id']}")).body["pool"]
        members = (await w.call(f"{BASE}/pools/{pool['id']}/members")).body["members"]
    assert (listener["name"], listener["protocol_port"]) == ("k8s_TCP_80", 80)
    assert listener["transparent_client_ip_enable"] is False
    assert len(pool["members"]) == 4
    assert {(m["address"], m["protocol_port"], m["operating_status"]) for m in members} == {
        (f"192.168.0.{n}", 30080, "ONLINE") for n in (1, 2, 3, 4)
    }


async def test_statuses_tell_members_health_as_it_is_now() -> None:
    """With policy Local only nodes with a backend are online."""
    async with world() as w:
        w.cluster.objects.merge("services", "shop", "web", {"spec": {"externalTrafficPolicy": "Local"}})
        answer = await w.call(f"{BASE}/loadbalancers/{w.balancer.id}/statuses")
    (listener,) = answer.body["statuses"]["loadbalancer"]["listeners"]
    members = listener["pools"][0]["members"]
    assert [m["address"] for m in members if m["operating_status"] == "ONLINE"] == [
        "192.168.0.1",
        "192.168.0.2",
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ([("vip_address", VIP)], True),
        ([("name", "shop-elb")], True),
        ([("name", "other"), ("name", "shop-elb")], True),
        ([("vip_address", "192.168.99.9")], False),
        ([("guaranteed", "true")], False),
        ([("unknown", "x")], True),
    ],
)
async def test_lists_are_filtered(query: list[tuple[str, str]], *, found: bool) -> None:
    """By any field, repeatedly; unknown filters are passed over."""
    async with world() as w:
        answer = await w.call(f"{BASE}/loadbalancers", query)
        assert [b["id"] for b in answer.body["loadbalancers"]] == ([w.balancer.id] if found else [])


async def test_listeners_are_found_by_load_balancer() -> None:
    """loadbalancer_id looks into the references."""
    async with world() as w:
        of_ours = await w.call(f"{BASE}/listeners", [("loadbalancer_id", w.balancer.id)])
        of_another = await w.call(f"{BASE}/listeners", [("loadbalancer_id", "x")])
        pools = await w.call(f"{BASE}/pools", [("listener_id", w.listener.id)])
        assert [x["id"] for x in pools.body["pools"]] == [w.listener.pool_id]
    assert [x["protocol"] for x in of_ours.body["listeners"]] == ["TCP"]
    assert of_another.body["listeners"] == []


async def test_lists_are_paged_by_marker_and_limit() -> None:
    """Every load balancer once, in pages of two."""
    async with world() as w:
        for number in range(4):
            w.cluster.plane.elb.add(f"more{number}", "dedicated")
        seen: list[str] = []
        query = [("limit", "2")]
        sizes = []
        while True:
            body = (await w.call(f"{BASE}/loadbalancers", query)).body
            seen += [b["id"] for b in body["loadbalancers"]]
            sizes.append(body["page_info"]["current_count"])
            if "next_marker" not in body["page_info"]:
                break
            query = [("limit", "2"), ("marker", body["page_info"]["next_marker"])]
        assert sorted(seen) == sorted(w.cluster.plane.elb.balancers)
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize("limit", ["-1", "x", "2001"])
async def test_an_impossible_limit_is_refused(limit: str) -> None:
    """400 in the service's shape."""
    async with world() as w:
        answer = await w.call(f"{BASE}/loadbalancers", [("limit", limit)])
    assert (answer.status, answer.body["error_code"]) == (400, "ELB.8902")


@pytest.mark.parametrize(
    "path",
    [
        "/loadbalancers/x",
        "/loadbalancers/x/statuses",
        "/listeners/x",
        "/pools/x",
        "/pools/x/members",
    ],
)
async def test_what_does_not_exist_is_said_to_be_absent(path: str) -> None:
    """404 in the service's shape."""
    async with world() as w:
        answer = await w.call(f"{BASE}{path}")
    assert (answer.status, answer.body["error_code"]) == (404, "ELB.8904")


async def test_a_deleted_load_balancer_is_gone_with_its_listeners() -> None:
    """While the Service still names it."""
    async with world() as w:
        listener = w.listener.id
        w.cluster.plane.delete_balancer(w.balancer.id)
        assert (await w.call(f"{BASE}/loadbalancers/{w.balancer.id}")).status == 404
        assert (await w.call(f"{BASE}/listeners/{listener}")).status == 404


async def test_the_cluster_tells_category_version_and_proxy_mode() -> None:
    """cce_02_0238."""
    async with world() as w:
        answer = await w.call(f"/api/v3/projects/{PROJECT}/clusters/c-prod")
        absent = await w.call(f"/api/v3/projects/{PROJECT}/clusters/x")
        every = await w.call(f"/api/v3/projects/{PROJECT}/clusters")
    spec = answer.body["spec"]
    assert (spec["category"], spec["version"], spec["kubeProxyMode"]) == ("CCE", "v1.29", "ipvs")
    assert spec["containerNetwork"]["mode"] == "vpc-router"
    assert answer.body["status"]["endpoints"] == [{"type": "Internal", "url": "https://192.168.0.2:5443"}]
    assert (absent.status, absent.body["errorCode"]) == (404, "CCE.01404001")
    assert [c["metadata"]["uid"] for c in every.body["items"]] == ["c-prod"]
