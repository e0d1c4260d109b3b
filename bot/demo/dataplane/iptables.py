"""kube-proxy in iptables mode, from 1.14: which rules it writes, and how a packet passes them.

Sources: kubernetes pkg/proxy/iptables/proxier.go; #77523 (1.15), #95252 (1.20), #109060 (1.24), #110290 (1.25).
"""

from collections.abc import Mapping
from random import Random
from typing import ClassVar, Final

from bot.demo.dataplane.chains import (
    DNAT,
    DROP,
    MARK_DROP,
    MARK_MASQUERADE,
    REJECT,
    Chains,
    Flight,
    Rule,
)
from bot.demo.dataplane.packet import Entry, Fate, Handling, Packet
from bot.demo.dataplane.parsing import Endpoint, ServicePort, ServiceState
from bot.demo.dataplane.picture import Backends, Picture
from bot.demo.dataplane.rules import ProxyOptions

HOST_RULE = 15  # #77523: the node's own clients reach all endpoints of a Local Service
EXTERNAL_REJECT = 20  # #95252: load balancer addresses are rejected on INPUT and FORWARD only
RENAMED = 24  # #109060: KUBE-XLB became KUBE-EXT and KUBE-SVL
FILTER_DROP = 25  # #110290: dropping moved from a mark in nat to the filter table


HOOKS: Final = {
    "INPUT": ("KUBE-PROXY-FIREWALL", "KUBE-EXTERNAL-SERVICES"),
    "FORWARD": ("KUBE-PROXY-FIREWALL", "KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES"),
    "OUTPUT": ("KUBE-PROXY-FIREWALL", "KUBE-SERVICES"),
}
"""The filter chains of each hook; a host client's packet never meets KUBE-EXTERNAL-SERVICES."""


class IptablesRules:
    """The nat and filter tables of one node."""

    hooks: ClassVar[Mapping[str, tuple[str, ...]]] = HOOKS

    def __init__(self, picture: Picture, options: ProxyOptions) -> None:
        self.options = options
        self.nat, self.filter = Chains(), Chains()
        self.bound = frozenset({options.address})
        for service in picture.services.values():
            for port in service.ports:
                backends = picture.backends(service, port, options.node, options.minor)
                _PortWriter(self, service, port, backends).write()
        # Node ports come last, so that they never shadow an address of a Service.
        self.nat.append("KUBE-SERVICES", Rule(target="KUBE-NODEPORTS", destination_local=True))

    def handle(self, packet: Packet, entry: Entry, dice: Random) -> Handling:
        """Pass nat (PREROUTING or OUTPUT), routing and filter, then masquerading on the way out."""
        flight = Flight(packet, self.bound, dice)
        refusal = self.before_nat(flight, entry)
        if refusal is None:
            self.nat.walk("KUBE-SERVICES", flight)
            flight.verdict = None
            refusal = Fate.DROP if flight.drop else self._filtered(flight, entry)
        return Handling(fate=refusal, packet=packet) if refusal else self._leave(flight, entry)

    def before_nat(self, flight: Flight, entry: Entry) -> Fate | None:
        """A hook for proxies that look at packets before destination NAT; iptables mode does not."""
        del flight, entry
        return None

    def _filtered(self, flight: Flight, entry: Entry) -> Fate | None:
        return self.run_filter(self.hooks[self._hook(flight, entry)], flight)

    def run_filter(self, chains: tuple[str, ...], flight: Flight) -> Fate | None:
        """Walk filter chains in order: a refusal, or None where the packet may pass."""
        for chain in chains:
            if self.filter.walk(chain, flight):
                return Fate.REJECT if flight.verdict == REJECT else Fate.DROP
        return None

    def _hook(self, flight: Flight, entry: Entry) -> str:
        if entry is Entry.OUTPUT:
            return "OUTPUT"
        return "INPUT" if flight.packet.destination in self.bound else "FORWARD"

    def _leave(self, flight: Flight, entry: Entry) -> Handling:
        local = flight.packet.destination in self.bound
        if flight.masquerade and not (local and entry is Entry.PREROUTING):
            flight.packet = flight.packet.sent_by(self.options.address)
        return Handling(fate=Fate.LOCAL if local else Fate.FORWARD, packet=flight.packet)


class _PortWriter:
    """Writes the rules of one Service port."""

    def __init__(
        self, rules: IptablesRules, service: ServiceState, port: ServicePort, backends: Backends
    ) -> None:
        self.nat, self.filter, self.options = rules.nat, rules.filter, rules.options
        self.service, self.port, self.backends = service, port, backends
        self.name = f"{service.label}:{port.name}"
        renamed = self.options.minor >= RENAMED or not service.local
        self.external = f"{'KUBE-EXT' if renamed else 'KUBE-XLB'}-{self.name}"
        self.cluster = f"KUBE-SVC-{self.name}"

    def write(self) -> None:
        """All rules of this port: cluster IP, load balancer addresses, node port."""
        if self.backends.everywhere:
            self._write_endpoints(self.cluster, self.backends.everywhere)
            self._write_cluster_ips()
            self._write_external()
        else:
            self._reject_cluster_ips()
        for address in self.service.captured(self.options.minor, cce=self.options.cce):
            self._write_balancer_address(address)
        if self.port.node_port:
            self._write_node_port(self.port.node_port)

    def _rule(self, target: str, address: str, *, source: str | None = None) -> Rule:
        return Rule(
            target=target,
            destination=address,
            port=self.port.port,
            protocol=self.port.protocol,
            source=source,
        )

    def _write_endpoints(self, chain: str, endpoints: tuple[Endpoint, ...]) -> None:
        for index, endpoint in enumerate(endpoints):
            hop = f"KUBE-SEP-{self.name}:{endpoint.address}"
            left = len(endpoints) - index
            self.nat.append(chain, Rule(target=hop, probability=1 / left))
            if not self.nat.rules(hop):
                prefix = "128" if ":" in endpoint.address else "32"
                self.nat.append(
                    hop,
                    Rule(target=MARK_MASQUERADE, source=f"{endpoint.address}/{prefix}"),
                    Rule(target=DNAT, to=(endpoint.address, endpoint.port)),
                )

    def _write_cluster_ips(self) -> None:
        for address in self.service.cluster_ips:
            self.nat.append("KUBE-SERVICES", self._rule(f"{self.cluster}-IP", address))
        if self.options.cluster_cidr:
            masquerade = Rule(target=MARK_MASQUERADE, source_outside=self.options.cluster_cidr)
            self.nat.append(f"{self.cluster}-IP", masquerade)
        self.nat.append(f"{self.cluster}-IP", Rule(target=self.cluster))

    def _reject_cluster_ips(self) -> None:
        for address in self.service.cluster_ips:
            self.filter.append("KUBE-SERVICES", self._rule(REJECT, address))

    def _write_external(self) -> None:
        """KUBE-EXT: Cluster masquerades and spreads; Local spares local clients and keeps to the node."""
        if not self.service.local:
            self.nat.append(self.external, Rule(target=MARK_MASQUERADE), Rule(target=self.cluster))
            return
        if self.options.cluster_cidr:
            self.nat.append(self.external, Rule(target=self.cluster, source=self.options.cluster_cidr))
        if self.options.minor >= HOST_RULE:
            masquerade = Rule(target=MARK_MASQUERADE, source_local=True)
            self.nat.append(self.external, masquerade, Rule(target=self.cluster, source_local=True))
        self._write_local_endpoints()

    def _write_local_endpoints(self) -> None:
        local = f"KUBE-SVL-{self.name}"
        if self.backends.here:
            self._write_endpoints(local, self.backends.here)
            self.nat.append(self.external, Rule(target=local))
        elif self.options.minor < FILTER_DROP:
            self.nat.append(self.external, Rule(target=MARK_DROP))

    def _write_balancer_address(self, address: str) -> None:
        if not self.backends.everywhere:
            old = self.options.minor < EXTERNAL_REJECT
            chain = "KUBE-SERVICES" if old else "KUBE-EXTERNAL-SERVICES"
            self.filter.append(chain, self._rule(REJECT, address))
            return
        if self._drops_in_filter():
            self.filter.append("KUBE-EXTERNAL-SERVICES", self._rule(DROP, address))
        if self.service.source_ranges:
            self._write_firewall(address)
        else:
            self.nat.append("KUBE-SERVICES", self._rule(self.external, address))

    def _write_firewall(self, address: str) -> None:
        firewall = f"KUBE-FW-{self.name}"
        self.nat.append("KUBE-SERVICES", self._rule(firewall, address))
        if not self.nat.rules(firewall):
            for source in self.service.source_ranges:
                self.nat.append(firewall, Rule(target=self.external, source=source))
            if self.options.minor < FILTER_DROP:
                self.nat.append(firewall, Rule(target=MARK_DROP))
        if self.options.minor >= FILTER_DROP:
            self.filter.append("KUBE-PROXY-FIREWALL", self._rule(DROP, address))

    def _write_node_port(self, node_port: int) -> None:
        if self.backends.everywhere:
            jump = Rule(target=self.external, port=node_port, protocol=self.port.protocol)
            self.nat.append("KUBE-NODEPORTS", jump)
        target = REJECT if not self.backends.everywhere else DROP if self._drops_in_filter() else None
        if target:
            refusal = Rule(target=target, port=node_port, protocol=self.port.protocol, destination_local=True)
            self.filter.append("KUBE-EXTERNAL-SERVICES", refusal)

    def _drops_in_filter(self) -> bool:
        late = self.options.minor >= FILTER_DROP
        return late and self.service.local and bool(self.backends.everywhere) and not self.backends.here
