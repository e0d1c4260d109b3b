"""The cloud's load balancers, kept in step with the Services that use them."""

import json
from collections.abc import Iterable
from dataclasses import replace

from bot.demo.dataplane.balancer import LAYER_7, Balancer, Kind, Listener, Member, made_id
from bot.demo.dataplane.parsing import Endpoint, ServicePort, ServiceState
from bot.demo.dataplane.picture import Picture
from bot.demo.seam import Json

ELB_ID = "kubernetes.io/elb.id"
ELB_CLASS = "kubernetes.io/elb.class"
ELB_AUTOCREATE = "kubernetes.io/elb.autocreate"
ELB_PROTOCOL_PORT = "kubernetes.io/elb.protocol-port"
ELB_TRANSPARENT = "kubernetes.io/elb.transparent-client-ip"


class UnknownBalancerError(LookupError):
    """A Service names a load balancer that the cloud does not have, or names none at all."""


class Elb:
    """All load balancers of the simulated cloud."""

    def __init__(self, picture: Picture, *, turbo: bool = False) -> None:
        self._picture = picture
        self._turbo = turbo
        self._of_service: dict[str, str] = {}
        self._made = 0
        self.balancers: dict[str, Balancer] = {}

    def add(
        self,
        name: str,
        kind: Kind,
        *,
        vip: str | None = None,
        eip: str | None = None,
        autocreated: bool = False,
    ) -> Balancer:
        """Create a load balancer; without `vip` it gets the next private address of its subnet."""
        self._made += 1
        shared = kind == "shared"
        balancer = Balancer(
            id=made_id("elb", name),
            name=name,
            kind=kind,
            vip=vip or f"192.168.10.{132 + self._made}",
            eip=eip,
            # Shared load balancers reach members from 100.125.0.0/16 (elb_ug_jt_0515), dedicated ones
            # from their own backend subnet.
            source=f"100.125.0.{self._made}" if shared else f"192.168.11.{self._made}",
            autocreated=autocreated,
        )
        self.balancers[balancer.id] = balancer
        self.refresh()
        return balancer

    def remove(self, balancer_id: str) -> None:
        """Delete a load balancer in the cloud, whoever uses it: its addresses answer no more."""
        self.balancers.pop(balancer_id, None)

    def restore(self, balancer: Balancer) -> None:
        """Put a deleted load balancer back as it was: its id, its addresses, what its listeners counted."""
        self.balancers[balancer.id] = balancer
        self.refresh()

    def provision(self, service: Json, *, asked: bool = True) -> tuple[str, list[str]]:
        """The load balancer that a Service asks for, created if need be: its id and addresses.

        Where nothing is `asked` of the Service, as elsewhere than on CCE, it gets one of its own.

        Raises:
            UnknownBalancerError: `elb.id` names none that exists, or neither it nor `elb.autocreate` is given.
        """
        metadata = service["metadata"]
        annotations = metadata.get("annotations") or {}
        label = f"{metadata.get('namespace') or 'default'}/{metadata['name']}"
        wishes = annotations if asked else {ELB_AUTOCREATE: '{"type": "inner"}'}
        balancer = self._named(wishes) or self._created(label, wishes)
        self._of_service[label] = balancer.id
        self.refresh()
        return balancer.id, balancer.addresses

    def release(self, service: Json) -> None:
        """Forget a Service; a load balancer that was created for it goes with it."""
        metadata = service["metadata"]
        label = f"{metadata.get('namespace') or 'default'}/{metadata['name']}"
        balancer = self.balancers.get(self._of_service.pop(label, ""))
        if balancer is not None and balancer.autocreated:
            self.remove(balancer.id)

    def _named(self, annotations: dict[str, str]) -> Balancer | None:
        wanted = annotations.get(ELB_ID)
        if not wanted:
            return None
        if wanted not in self.balancers:
            raise UnknownBalancerError(f"load balancer {wanted} does not exist")
        return self.balancers[wanted]

    def _created(self, label: str, annotations: dict[str, str]) -> Balancer:
        known = self.balancers.get(self._of_service.get(label, ""))
        if known is not None:
            return known
        if ELB_AUTOCREATE not in annotations:
            raise UnknownBalancerError(f"{label}: {ELB_ID} or {ELB_AUTOCREATE} is required")
        asked = json.loads(annotations[ELB_AUTOCREATE])
        kind: Kind = "dedicated" if annotations.get(ELB_CLASS) == "performance" else "shared"
        eip = f"80.158.1.{100 + self._made}" if asked.get("type") == "public" else None
        name = asked.get("name") or f"cce-lb-{label}"
        return self.add(name, kind, eip=eip, vip=asked.get("vip_address"), autocreated=True)

    def at(self, address: str) -> Balancer | None:
        """The load balancer that owns the address."""
        return next((b for b in self.balancers.values() if address in (b.vip, b.eip)), None)

    def listeners(self) -> Iterable[Listener]:
        """Every listener of every load balancer."""
        return (listener for b in self.balancers.values() for listener in b.listeners.values())

    def refresh(self) -> None:
        """Bring listeners and members to what Services, EndpointSlices and Nodes say now."""
        wanted: dict[str, dict[tuple[str, int], Listener]] = {b: {} for b in self.balancers}
        for service in self._picture.services.values():
            balancer = self._balancer_of(service)
            if balancer is None:
                continue
            for port in service.ports:
                listener = self._listener(balancer, service, port)
                wanted[balancer.id].setdefault((listener.transport, listener.port), listener)
        for balancer_id, listeners in wanted.items():
            self.balancers[balancer_id].listeners = listeners

    def _balancer_of(self, service: ServiceState) -> Balancer | None:
        if not service.balanced:
            return None
        named = service.annotations.get(ELB_ID) or self._of_service.get(service.label, "")
        return self.balancers.get(named)

    def _listener(self, balancer: Balancer, service: ServiceState, port: ServicePort) -> Listener:
        """The listener of one Service port; one that is there keeps its counter."""
        protocol = _protocol(service, port)
        # cce_10_0916: in a standard cluster it takes effect with policy Local only.
        asked = service.annotations.get(ELB_TRANSPARENT) == "true" and (service.local or self._turbo)
        listener = Listener(
            id=made_id("listener", balancer.id, protocol, str(port.port)),
            pool_id=made_id("pool", balancer.id, protocol, str(port.port)),
            name=f"k8s_{protocol}_{port.port}",
            balancer_id=balancer.id,
            protocol=protocol,
            port=port.port,
            # Layer 4 of a dedicated load balancer always transfers the client's address (elb_ug_jt_0514).
            transparent=protocol not in LAYER_7 and (balancer.kind == "dedicated" or asked),
            service=service.label,
            members=tuple(self._members(balancer, service, port)),
        )
        known = balancer.listeners.get((listener.transport, listener.port))
        return replace(listener, counter=known.counter) if known and known.id == listener.id else listener

    def _members(self, balancer: Balancer, service: ServiceState, port: ServicePort) -> Iterable[Member]:
        if self._turbo and balancer.kind == "dedicated":
            yield from (_pod_member(balancer, e) for e in self._picture.endpoints(service, port) if e.ready)
        elif port.node_port:
            for node in self._picture.nodes.values():
                if node.address and not node.excluded:
                    member = made_id("member", balancer.id, node.address, str(port.node_port))
                    yield Member(id=member, address=node.address, port=port.node_port)


def _pod_member(balancer: Balancer, endpoint: Endpoint) -> Member:
    member = made_id("member", balancer.id, endpoint.address, str(endpoint.port))
    return Member(id=member, address=endpoint.address, port=endpoint.port, pod=True)


def _protocol(service: ServiceState, port: ServicePort) -> str:
    """The listener's protocol: `elb.protocol-port: "https:443,http:80"` makes it layer 7 (cce_10_0385)."""
    for item in service.annotations.get(ELB_PROTOCOL_PORT, "").split(","):
        protocol, _, number = item.strip().partition(":")
        if number == str(port.port):
            return protocol.upper()
    return port.protocol
