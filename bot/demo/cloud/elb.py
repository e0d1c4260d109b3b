"""ELB v3: load balancers, listeners, pools and members, read-only."""

from collections.abc import Callable, Iterable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import MultiMapping

from bot.demo.cloud.answer import found, service_error
from bot.demo.dataplane import DataPlane
from bot.demo.dataplane.balancer import LAYER_7, Balancer, Listener, Member, made_id
from bot.demo.seam import Json

MOST_LISTED = 2000


class ElbApi:
    """Answers for the simulated load balancers of one project."""

    def __init__(self, plane: DataPlane, project: str) -> None:
        self._plane = plane
        self._project = project

    def routes(self) -> list[web.RouteDef]:
        """What the server serves for this service."""
        base = "/v3/{project}/elb"
        return [
            web.get(f"{base}/loadbalancers", self._list("loadbalancers", self._balancers)),
            web.get(f"{base}/loadbalancers/{{id}}", self._show("loadbalancer", self._balancers)),
            web.get(f"{base}/loadbalancers/{{id}}/statuses", self.statuses),
            web.get(f"{base}/listeners", self._list("listeners", self._listeners)),
            web.get(f"{base}/listeners/{{id}}", self._show("listener", self._listeners)),
            web.get(f"{base}/pools", self._list("pools", self._pools)),
            web.get(f"{base}/pools/{{id}}", self._show("pool", self._pools)),
            web.get(f"{base}/pools/{{id}}/members", self.members),
        ]

    def _list(self, plural: str, source: Callable[[], Iterable[Json]]) -> Handler:
        async def listed(request: web.Request) -> web.Response:
            return _page(plural, list(source()), request.query)

        return listed

    def _show(self, singular: str, source: Callable[[], Iterable[Json]]) -> Handler:
        async def shown(request: web.Request) -> web.Response:
            wanted = request.match_info["id"]
            one = next((item for item in source() if item["id"] == wanted), None)
            return found({singular: one}) if one else _absent(singular, wanted)

        return shown

    async def members(self, request: web.Request) -> web.Response:
        """The members of one pool, with their health."""
        wanted = request.match_info["id"]
        for balancer, listener in self._each_listener():
            if listener.pool_id == wanted:
                shown = [self._member(balancer, listener, m) for m in listener.members]
                return _page("members", shown, request.query)
        return _absent("pool", wanted)

    async def statuses(self, request: web.Request) -> web.Response:
        """One load balancer's tree of listeners, pools and members."""
        wanted = request.match_info["id"]
        balancer = self._plane.elb.balancers.get(wanted)
        if balancer is None:
            return _absent("loadbalancer", wanted)
        listeners = [self._status(balancer, x) for x in balancer.listeners.values()]
        tree = {"id": balancer.id, "name": balancer.name, **_ACTIVE, "listeners": listeners, "pools": []}
        return found({"statuses": {"loadbalancer": tree}})

    def _status(self, balancer: Balancer, listener: Listener) -> Json:
        members = [
            {
                "id": m["id"],
                "address": m["address"],
                "protocol_port": m["protocol_port"],
                "operating_status": m["operating_status"],
                "provisioning_status": "ACTIVE",
            }
            for m in (self._member(balancer, listener, m) for m in listener.members)
        ]
        pool = {"id": listener.pool_id, "name": listener.name, **_ACTIVE, "members": members}
        return {"id": listener.id, "name": listener.name, **_ACTIVE, "pools": [pool], "l7policies": []}

    def _balancers(self) -> Iterable[Json]:
        return (self._balancer(b) for b in self._plane.elb.balancers.values())

    def _balancer(self, balancer: Balancer) -> Json:
        eip_id = made_id("eip", balancer.eip or "")
        eips = [{"eip_id": eip_id, "eip_address": balancer.eip, "ip_version": 4}] if balancer.eip else []
        dedicated = balancer.kind == "dedicated"
        return {
            "id": balancer.id,
            "name": balancer.name,
            "project_id": self._project,
            "provider": "vlb",
            "guaranteed": dedicated,
            "vip_address": balancer.vip,
            "vip_port_id": made_id("port", balancer.vip),
            "vpc_id": made_id("vpc", self._project),
            "ip_target_enable": False,
            "l4_flavor_id": made_id("flavor", "l4") if dedicated else None,
            "l7_flavor_id": made_id("flavor", "l7") if dedicated else None,
            "eips": eips,
            "publicips": [
                {"publicip_id": e["eip_id"], "publicip_address": e["eip_address"], "ip_version": 4}
                for e in eips
            ],
            "listeners": [{"id": x.id} for x in balancer.listeners.values()],
            "pools": [{"id": x.pool_id} for x in balancer.listeners.values()],
            **_ACTIVE,
            "admin_state_up": True,
        }

    def _each_listener(self) -> Iterable[tuple[Balancer, Listener]]:
        return ((b, x) for b in self._plane.elb.balancers.values() for x in b.listeners.values())

    def _listeners(self) -> Iterable[Json]:
        for balancer, listener in self._each_listener():
            yield {
                "id": listener.id,
                "name": listener.name,
                "project_id": self._project,
                "protocol": listener.protocol,
                "protocol_port": listener.port,
                "loadbalancers": [{"id": balancer.id}],
                "default_pool_id": listener.pool_id,
                # Layer 7 listeners pass the address on in a header, and say "true" for it.
                "transparent_client_ip_enable": listener.transparent or listener.protocol in LAYER_7,
                "admin_state_up": True,
                "enhance_l7policy_enable": False,
            }

    def _pools(self) -> Iterable[Json]:
        for balancer, listener in self._each_listener():
            yield {
                "id": listener.pool_id,
                "name": listener.name,
                "project_id": self._project,
                "protocol": "HTTP" if listener.protocol in LAYER_7 else listener.protocol,
                "lb_algorithm": "ROUND_ROBIN",
                "loadbalancers": [{"id": balancer.id}],
                "listeners": [{"id": listener.id}],
                "members": [{"id": m.id} for m in listener.members],
                "admin_state_up": True,
            }

    def _member(self, balancer: Balancer, listener: Listener, member: Member) -> Json:
        online = self._plane.online(balancer, listener, member)
        return {
            "id": member.id,
            "name": member.address,
            "project_id": self._project,
            "address": member.address,
            "protocol_port": member.port,
            "member_type": "instance",
            "subnet_cidr_id": made_id("subnet", self._project),
            "operating_status": "ONLINE" if online else "OFFLINE",
            "weight": 1,
            "admin_state_up": True,
            "ip_version": "v4",
        }


_ACTIVE = {"provisioning_status": "ACTIVE", "operating_status": "ONLINE"}


def _absent(kind: str, wanted: str) -> web.Response:
    text = f"{kind} {wanted} could not be found"
    return service_error("elb", HTTPStatus.NOT_FOUND, text, "ELB.8904")


def _page(plural: str, items: list[Json], query: MultiMapping[str]) -> web.Response:
    """One page after `marker`, of the items that the filters leave; filters are fields of the items."""
    limit = query.get("limit", str(MOST_LISTED))
    if not limit.isdigit() or int(limit) > MOST_LISTED:
        text = f"'limit' {limit} is not between 0 and {MOST_LISTED}"
        return service_error("elb", HTTPStatus.BAD_REQUEST, text, "ELB.8902")
    chosen = sorted((i for i in items if _selected(i, query)), key=lambda i: str(i["id"]))
    rest = [i for i in chosen if i["id"] > query.get("marker", "")]
    page = rest[: int(limit)]
    info: Json = {"current_count": len(page)}
    if len(page) < len(rest) and page:
        info["next_marker"] = page[-1]["id"]
    if page and page[0] != chosen[0]:
        info["previous_marker"] = page[0]["id"]
    return found({plural: page, "page_info": info})


def _selected(item: Json, query: MultiMapping[str]) -> bool:
    """Whether every filter holds; `loadbalancer_id` and `listener_id` look into the references."""
    for name in set(query) - {"limit", "marker", "page_reverse"}:
        wanted = set(query.getall(name))
        if name in ("loadbalancer_id", "listener_id"):
            have = {r["id"] for r in item.get(f"{name.removesuffix('_id')}s", [])}
        elif name in item:
            have = {str(item[name]).lower() if isinstance(item[name], bool) else str(item[name])}
        else:
            continue
        if not have & wanted:
            return False
    return True
