"""kube-proxy in IPVS mode: addresses on kube-ipvs0, virtual servers with real servers, and ipsets.

Sources: kubernetes pkg/proxy/ipvs/proxier.go; #97081 (1.24), #108460 (1.26), #119656 and #119791 (1.29).
"""

from dataclasses import dataclass
from random import Random

from bot.demo.dataplane.packet import Entry, Fate, Handling, Packet, within
from bot.demo.dataplane.parsing import ServicePort, ServiceState
from bot.demo.dataplane.picture import Backends, Picture
from bot.demo.dataplane.rules import ProxyOptions

CLUSTER_FALLBACK = 24  # #97081: without a local endpoint, all of them instead of an empty virtual server
HOST_UNFILTERED = range(25, 29)  # #119656: source ranges did not see the node's own clients
BOUND_REJECT = 26  # #108460: KUBE-IPVS-FILTER

Socket = tuple[str, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualServer:
    """One ip:port of `ipvsadm -Ln`, with what the ipsets say about it."""

    real: tuple[tuple[str, int], ...]
    masquerade: bool = False
    cluster_ip: bool = False
    allowed: tuple[str, ...] = ()


class IpvsRules:
    """kube-ipvs0, the virtual servers and KUBE-IPVS-FILTER of one node."""

    def __init__(self, picture: Picture, options: ProxyOptions) -> None:
        self.options = options
        self.dummy: set[str] = set()
        self.servers: dict[Socket, VirtualServer] = {}
        for service in picture.services.values():
            for port in service.ports:
                self._write(service, port, picture.backends(service, port, options.node, options.minor))
        self.bound = frozenset(self.dummy | {options.address})

    def _write(self, service: ServiceState, port: ServicePort, backends: Backends) -> None:
        everywhere = tuple((e.address, e.port) for e in backends.everywhere)
        for address in service.cluster_ips:
            self.dummy.add(address)
            server = VirtualServer(real=everywhere, cluster_ip=True)
            self.servers[address, port.port, port.protocol] = server
        external = self._external(service, backends)
        for address in service.captured(self.options.minor, cce=self.options.cce):
            self.dummy.add(address)
            self.servers[address, port.port, port.protocol] = VirtualServer(
                real=external, masquerade=not service.local, allowed=service.source_ranges
            )
        if port.node_port:
            server = VirtualServer(real=external, masquerade=not service.local)
            self.servers[self.options.address, port.node_port, port.protocol] = server

    def _external(self, service: ServiceState, backends: Backends) -> tuple[tuple[str, int], ...]:
        """Local keeps to the node's own endpoints; from 1.24 it falls back to all where there are none."""
        chosen = backends.everywhere
        if service.local and (backends.here or self.options.minor < CLUSTER_FALLBACK):
            chosen = backends.here
        return tuple((e.address, e.port) for e in chosen)

    def handle(self, packet: Packet, entry: Entry, dice: Random) -> Handling:
        """Local delivery to a bound address, the virtual server, then masquerading by the ipsets' marks."""
        if entry is Entry.OUTPUT and packet.destination in self.dummy:
            # The kernel talks to an address of its own from that same address.
            packet = packet.sent_by(packet.destination)
        server = self.servers.get((packet.destination, packet.port, packet.protocol))
        if server is None:
            return self._without_server(packet)
        if self._forbidden(server, packet, entry):
            return Handling(fate=Fate.DROP, packet=packet)
        if not server.real:
            return Handling(fate=Fate.REJECT, packet=packet)
        return self._translate(server, packet, dice)

    def _without_server(self, packet: Packet) -> Handling:
        if packet.destination in self.dummy and self.options.minor >= BOUND_REJECT:
            return Handling(fate=Fate.REJECT, packet=packet)
        return Handling(fate=Fate.LOCAL if packet.destination in self.bound else Fate.FORWARD, packet=packet)

    def _forbidden(self, server: VirtualServer, packet: Packet, entry: Entry) -> bool:
        if not server.allowed or (entry is Entry.OUTPUT and self.options.minor in HOST_UNFILTERED):
            return False
        # KUBE-LOAD-BALANCER-SOURCE-IP lets the node in where its own address is in range.
        source = self.options.address if packet.source == packet.destination else packet.source
        return not any(within(source, network) for network in server.allowed)

    def _translate(self, server: VirtualServer, packet: Packet, dice: Random) -> Handling:
        address, port = dice.choice(server.real)
        translated = packet.to(address, port)
        if self._masquerades(server, packet) or packet.source == address:
            translated = translated.sent_by(self.options.address)
        local = address == self.options.address
        return Handling(fate=Fate.LOCAL if local else Fate.FORWARD, packet=translated)

    def _masquerades(self, server: VirtualServer, packet: Packet) -> bool:
        if not server.cluster_ip:
            return server.masquerade
        if self.options.cluster_cidr is None:
            return packet.source == packet.destination
        return not within(packet.source, self.options.cluster_cidr)
