"""Chains of rules, walked as the kernel walks them: first match, jump, return."""

from collections import defaultdict
from dataclasses import dataclass
from random import Random

from bot.demo.dataplane.packet import Packet, within

ACCEPT, DROP, REJECT, DNAT = "ACCEPT", "DROP", "REJECT", "DNAT"
MARK_MASQUERADE, MARK_DROP = "KUBE-MARK-MASQ", "KUBE-MARK-DROP"
_TERMINAL = frozenset({ACCEPT, DROP, REJECT, DNAT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: everything given must match; `target` is a chain, a verdict or a mark."""

    target: str
    destination: str | None = None
    port: int | None = None
    protocol: str | None = None
    source: str | None = None
    source_outside: str | None = None
    source_local: bool = False
    destination_local: bool = False
    probability: float = 1.0
    to: tuple[str, int] | None = None


class Flight:
    """A packet under way through one node's chains, with the marks it has collected."""

    __slots__ = ("dice", "drop", "local", "masquerade", "packet", "verdict")

    def __init__(self, packet: Packet, local: frozenset[str], dice: Random) -> None:
        self.packet = packet
        self.local = local
        self.dice = dice
        self.masquerade = False
        self.drop = False
        self.verdict: str | None = None

    def matches(self, rule: Rule) -> bool:
        """Whether every criterion of the rule holds for the packet as it is now."""
        return self._matches_destination(rule) and self._matches_source(rule) and self._lucky(rule)

    def _matches_destination(self, rule: Rule) -> bool:
        packet = self.packet
        return (
            (rule.port is None or rule.port == packet.port)
            and (rule.destination is None or rule.destination == packet.destination)
            and (rule.protocol is None or rule.protocol == packet.protocol)
            and (not rule.destination_local or packet.destination in self.local)
        )

    def _matches_source(self, rule: Rule) -> bool:
        source = self.packet.source
        return (
            (rule.source is None or within(source, rule.source))
            and (rule.source_outside is None or not within(source, rule.source_outside))
            and (not rule.source_local or source in self.local)
        )

    def _lucky(self, rule: Rule) -> bool:
        return rule.probability >= 1 or self.dice.random() < rule.probability


class Chains:
    """One table's chains by name; a chain that does not exist is empty."""

    def __init__(self) -> None:
        self._chains: dict[str, list[Rule]] = defaultdict(list)

    def append(self, chain: str, *rules: Rule) -> None:
        """Add rules at the chain's end."""
        self._chains[chain].extend(rules)

    def rules(self, chain: str) -> tuple[Rule, ...]:
        """The chain's rules, in order."""
        return tuple(self._chains.get(chain, ()))

    def walk(self, chain: str, flight: Flight) -> bool:
        """Walk the chain; true when a terminal verdict was reached and is in `flight.verdict`."""
        for rule in self._chains.get(chain, ()):
            if flight.matches(rule) and self._follow(rule, flight):
                return True
        return False

    def _follow(self, rule: Rule, flight: Flight) -> bool:
        if rule.target == MARK_MASQUERADE:
            flight.masquerade = True
            return False
        if rule.target == MARK_DROP:
            flight.drop = True
            return False
        if rule.target not in _TERMINAL:
            return self.walk(rule.target, flight)
        if rule.to is not None:
            flight.packet = flight.packet.to(*rule.to)
        flight.verdict = rule.target
        return True
