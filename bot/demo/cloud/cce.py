"""CCE: one cluster's description (cce_02_0238)."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from bot.demo.cloud.answer import service_error
from bot.demo.seam import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRecord:
    """What the CCE API says about a cluster."""

    id: str
    name: str
    version: str
    category: Literal["CCE", "Turbo"]
    proxy_mode: str
    network_mode: str
    container_cidr: str
    endpoints: tuple[tuple[str, str], ...] = ()


class CceApi:
    """Answers for the clusters of one project."""

    def __init__(self) -> None:
        self.clusters: dict[str, ClusterRecord] = {}

    def routes(self) -> list[web.RouteDef]:
        """What the server serves for this service."""
        base = "/api/v3/projects/{project}/clusters"
        return [web.get(base, self.list), web.get(f"{base}/{{id}}", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """One cluster."""
        cluster = self.clusters.get(request.match_info["id"])
        if cluster is None:
            text = "Resource not found: the cluster does not exist"
            return service_error("cce", HTTPStatus.NOT_FOUND, text)
        return web.json_response(_shown(cluster))

    async def list(self, request: web.Request) -> web.Response:
        """Every cluster."""
        del request
        items = [_shown(c) for c in self.clusters.values()]
        return web.json_response({"kind": "Cluster", "apiVersion": "v3", "items": items})


def _shown(cluster: ClusterRecord) -> Json:
    return {
        "kind": "Cluster",
        "apiVersion": "v3",
        "metadata": {"name": cluster.name, "uid": cluster.id},
        "spec": {
            "category": cluster.category,
            "type": "VirtualMachine",
            "flavor": "cce.s2.medium",
            "version": cluster.version,
            "platformVersion": "cce.5.0",
            "kubeProxyMode": cluster.proxy_mode,
            "containerNetwork": {"mode": cluster.network_mode, "cidr": cluster.container_cidr},
            "extendParam": {"kubeProxyMode": cluster.proxy_mode},
        },
        "status": {
            "phase": "Available",
            "endpoints": [{"type": kind, "url": url} for kind, url in cluster.endpoints],
        },
    }
