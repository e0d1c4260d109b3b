"""What the API server allocates for Services: cluster addresses, node ports, health check node ports."""

import ipaddress
import random
from collections.abc import Iterator

from bot.demo.kubernetes.resources import Resource
from bot.demo.kubernetes.status import ApiError, Cause, invalid_object
from bot.demo.seam import Json

SERVICE_RANGE = ipaddress.ip_network("10.247.0.0/16")  # CCE's default
NODE_PORTS = range(30000, 32768)


def _ports_of(body: Json) -> Iterator[int]:
    for port in body["spec"].get("ports", []):
        if "nodePort" in port:
            yield port["nodePort"]
    if "healthCheckNodePort" in body["spec"]:
        yield body["spec"]["healthCheckNodePort"]


class Allocator:
    """Addresses and ports in use; the same seed gives the same values."""

    def __init__(self, *, seed: int, node_ports: range = NODE_PORTS) -> None:
        self._random = random.Random(seed)
        self._range = node_ports
        self._addresses: set[str] = set()
        self._ports: dict[int, int] = {}  # a port may be shared by two protocols of one Service

    def fill(self, resource: Resource, body: Json, old: Json | None) -> None:
        """Give a valid Service what its type needs, and take away what it no longer may have; raises a 422."""
        self._refuse_taken(resource, body, old)
        self._address(body)
        self._node_ports(body, old)
        self._health_check(body, old)

    def note(self, old: Json | None, new: Json | None) -> None:
        """Account for a stored change."""
        for body, step in ((old, -1), (new, 1)):
            for port in _ports_of(body) if body else ():
                self._ports[port] = self._ports.get(port, 0) + step
        if old:
            self._addresses.discard(old["spec"].get("clusterIP", ""))
        if new:
            self._addresses.add(new["spec"].get("clusterIP", ""))

    def _refuse_taken(self, resource: Resource, body: Json, old: Json | None) -> None:
        held = set(_ports_of(old)) if old else set()
        causes = [
            Cause.invalid(
                f"spec.ports[{at}].nodePort", port["nodePort"], "provided port is already allocated"
            )
            for at, port in enumerate(body["spec"].get("ports", []))
            if port.get("nodePort") and port["nodePort"] not in held and self._ports.get(port["nodePort"])
        ]
        address = body["spec"].get("clusterIP")
        if old is None and address not in {None, "", "None"} and address in self._addresses:
            why = f"failed to allocate IP {address}: provided IP is already allocated"
            causes.append(Cause.invalid("spec.clusterIPs", f'["{address}"]', why))
        if causes:
            raise invalid_object(resource, body["metadata"]["name"], causes)

    def _address(self, body: Json) -> None:
        spec = body["spec"]
        if spec["type"] == "ExternalName":
            return
        if not spec.get("clusterIP"):
            spec["clusterIP"] = self._free_address()
        spec["clusterIPs"] = [spec["clusterIP"]]
        spec.setdefault("ipFamilies", ["IPv6" if ":" in spec["clusterIP"] else "IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")

    def _free_address(self) -> str:
        while True:
            address = str(SERVICE_RANGE[self._random.randrange(10, SERVICE_RANGE.num_addresses - 1)])
            if address not in self._addresses:
                return address

    def _free_port(self, taken: set[int]) -> int:
        def free(port: int) -> bool:
            return not self._ports.get(port) and port not in taken

        guesses = (self._random.choice(self._range) for _ in range(20))
        found = next((port for port in guesses if free(port)), None) or next(filter(free, self._range), None)
        if found is None:
            raise ApiError(500, "InternalError", "failed to allocate a nodePort: range is full")
        return found

    def _node_ports(self, body: Json, old: Json | None) -> None:
        spec = body["spec"]
        wanted = spec["type"] == "NodePort" or (
            spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True)
        )
        held = _held_ports(old)
        taken = set(_ports_of(body))
        for port in spec.get("ports", []):
            if spec["type"] in {"ClusterIP", "ExternalName"}:
                port.pop("nodePort", None)
            elif wanted and not port.get("nodePort"):
                port["nodePort"] = held.get((port["port"], port["protocol"])) or self._free_port(taken)
                taken.add(port["nodePort"])

    def _health_check(self, body: Json, old: Json | None) -> None:
        spec = body["spec"]
        if spec["type"] != "LoadBalancer" or spec.get("externalTrafficPolicy") != "Local":
            spec.pop("healthCheckNodePort", None)
        elif not spec.get("healthCheckNodePort"):
            held = old["spec"].get("healthCheckNodePort") if old else None
            spec["healthCheckNodePort"] = held or self._free_port(set(_ports_of(body)))


def carry(body: Json, old: Json) -> None:
    """Take over from the old Service what an update left out, and drop what its new type cannot have."""
    spec, before = body["spec"], old["spec"]
    if not spec.get("clusterIP") and spec.get("type") != "ExternalName" and "clusterIP" in before:
        spec["clusterIP"] = before["clusterIP"]
        for name in ("ipFamilies", "ipFamilyPolicy"):
            spec.setdefault(name, before.get(name))
    if spec.get("type") == "ClusterIP" and spec.get("externalTrafficPolicy") == before.get(
        "externalTrafficPolicy"
    ):
        spec.pop("externalTrafficPolicy", None)
        spec.pop("allocateLoadBalancerNodePorts", None)


def _held_ports(old: Json | None) -> dict[tuple[int, str], int]:
    ports = old["spec"].get("ports", []) if old else []
    return {(port["port"], port["protocol"]): port["nodePort"] for port in ports if "nodePort" in port}
