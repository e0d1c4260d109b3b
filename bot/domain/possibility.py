"""One possible world: the known facts, and for the unknown ones what is being supposed.

A walk asks for facts as it comes to them. At the first unknown one it stops with `Undecided`, and whoever drives
it walks again once for every value that the fact might have. So only facts that matter are ever supposed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bot.domain.cluster_facts import Category, ClusterFacts, Delivery, Mode, Platform
from bot.domain.objects import Node
from bot.domain.rule import GATES, Rule
from bot.domain.version import Version

Exact = tuple[int, int, int]
Span = tuple[Exact, Exact]
"""A range of versions: the first one, and the first one beyond."""

_EVERY: Span = ((1, 0, 0), (2, 0, 0))
_NFTABLES: Span = ((1, GATES["NFTablesProxyMode"].exists.minor, 0), _EVERY[1])
"""The versions that have the mode nftables at all (KEP-3866)."""
VERSION = "kubernetesVersion"
_MODE = "kubeProxy.mode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposition:
    """One value that an unknown fact might have; `label` is how an answer shows it."""

    name: str
    value: Any
    label: str
    span: Span | None = None
    """Versions outside of which this cannot be so."""


def of_version(name: str) -> bool:
    """Whether this is a question about one boundary of the version."""
    return name.startswith(f"{VERSION}@")


def fact_name(name: str) -> str:
    """The fact that a question is about: a version is asked about one boundary at a time."""
    return VERSION if of_version(name) else name


class Undecided(Exception):  # noqa: N818  it is a question, not an error
    """The walk needs a fact that nobody knows; carries the values that it might have."""

    def __init__(self, options: tuple[Supposition, ...]) -> None:
        super().__init__(options[0].name)
        self.options = options


@dataclass(slots=True)
class World:
    """The facts, the cluster's nodes (for their versions), and the suppositions made so far."""

    facts: ClusterFacts
    nodes: Mapping[str, Node]
    supposed: Mapping[str, Supposition] = field(default_factory=dict)
    assumed: dict[str, None] = field(default_factory=dict)
    """What documents leave open and this model assumes, as it was come across; shown with the trace."""
    _spans: dict[str, Span] = field(default_factory=dict)

    def ask(self, name: str, options: Mapping[str, Any]) -> Any:
        """Give the supposed value of an unknown fact.

        Raises:
            Undecided: Nothing is supposed about it yet.
        """
        supposition = self.supposed.get(name)
        if supposition is None:
            raise Undecided(
                tuple(
                    Supposition(name=name, value=value, label=f"{name}={label}")
                    for label, value in options.items()
                )
            )
        return supposition.value

    def assume(self, what: str) -> None:
        """Note an assumption of the model itself."""
        self.assumed[what] = None

    # -- versions

    def span(self, node: str) -> Span:
        """The versions that kube-proxy on `node` may have."""
        found = self._spans.get(node)
        if found is None:
            found = self._spans[node] = self._narrowed(self._stated(node))
        return found

    def _stated(self, node: str) -> Span:
        told = self._told(node)
        supposed = self.supposed.get(_MODE)
        # Where mode and version contradict each other, one of the two is wrong; here it is the version.
        wrong = supposed is not None and supposed.value is Mode.NFTABLES and told[1] <= _NFTABLES[0]
        return _NFTABLES if wrong else told

    def _told(self, node: str) -> Span:
        """The versions that somebody stated."""
        if self.facts.version.value is not None:
            return span_of(self.facts.version.value)
        if self.facts.version.withheld:
            return _EVERY
        known = self.nodes.get(node)
        return _EVERY if known is None else stated_span(known.kubelet_version)

    def _narrowed(self, span: Span) -> Span:
        limits = [each.span for each in self.supposed.values() if each.span is not None]
        if self.facts.mode.value is Mode.NFTABLES:
            limits.append(_NFTABLES)
        for first, beyond in limits:
            low, high = max(span[0], first), min(span[1], beyond)
            span = (low, high) if low < high else span
        return span

    def at_least(self, version: Version, node: str) -> bool:
        """Whether kube-proxy on `node` is of that version or newer.

        Raises:
            Undecided: Its possible versions lie on both sides.
        """
        threshold = (version.major, version.minor, version.patch or 0)
        low, high = self.span(node)
        if low >= threshold:
            return True
        if high <= threshold:
            return False
        shown = f"v{version.major}.{version.minor}" + (f".{version.patch}" if version.patch else "")
        name = f"{VERSION}@{shown}"
        raise Undecided(
            (
                Supposition(name=name, value=False, label=f"{VERSION}<{shown}", span=(low, threshold)),
                Supposition(name=name, value=True, label=f"{VERSION}>={shown}", span=(threshold, high)),
            )
        )

    def holds(self, rule: Rule, node: str) -> bool:
        """Whether kube-proxy on `node` is of a version for which `rule` holds."""
        return (rule.since is None or self.at_least(rule.since, node)) and (
            rule.until is None or not self.at_least(rule.until, node)
        )

    def gate(self, name: str, node: str) -> bool:
        """Whether a feature gate is on for kube-proxy on `node`: as stated, else its version's default.

        Raises:
            Undecided: The version decides, or somebody said that the gate is unknown.
        """
        gate = GATES[name]
        stated = self.facts.gates.get(name)
        if stated is not None and stated.withheld:
            if self.at_least(gate.locked, node) or not self.at_least(gate.exists, node):
                return self.at_least(gate.exists, node)
            return bool(self.ask(stated.name, {"true": True, "false": False}))
        if stated is None or stated.value is None:
            return self.at_least(gate.on, node)
        if stated.value:
            return self.at_least(gate.exists, node)
        return self.at_least(gate.locked, node)

    # -- facts

    def platform(self) -> Platform:
        """Whose cluster it is."""
        known = self.facts.platform.value
        return known or self.ask("platform", {"cce": Platform.CCE, "generic": Platform.GENERIC})

    def category(self) -> Category:
        """Which kind of CCE cluster it is."""
        known = self.facts.category.value
        return known or self.ask("category", {"standard": Category.STANDARD, "turbo": Category.TURBO})

    def mode(self, node: str) -> Mode:
        """kube-proxy's mode; one that its version does not have is weighed like one that is not known."""
        known = self.facts.mode.value
        if known is not None and not contradicts(self.facts, self._told(node)):
            return known
        supposition = self.supposed.get(_MODE)
        if supposition is None:
            raise Undecided(self._modes(node))
        return supposition.value  # type: ignore[no-any-return]  # only `_modes` supposes it

    def _modes(self, node: str) -> tuple[Supposition, ...]:
        name = _MODE
        options = [
            Supposition(name=name, value=mode, label=f"{name}={mode}") for mode in (Mode.IPTABLES, Mode.IPVS)
        ]
        stated = self.facts.gates.get("NFTablesProxyMode")
        first = (
            GATES["NFTablesProxyMode"].exists
            if stated and (stated.value or stated.withheld)
            else GATES["NFTablesProxyMode"].on
        )
        threshold = (first.major, first.minor, 0)
        if self.span(node)[1] > threshold or self.facts.mode.known:
            mode = Mode.NFTABLES
            span = (threshold, _EVERY[1])
            options.append(Supposition(name=name, value=mode, label=f"{name}={mode}", span=span))
        return tuple(options)

    def detector(self) -> bool:
        """Whether kube-proxy can tell local Pods from strangers."""
        known = self.facts.local_detector.value
        if known is not None:
            return known
        if self.facts.cluster_cidr.value is not None:
            return True
        return bool(self.ask("kubeProxy.localDetector", {"true": True, "false": False}))

    def delivery(self, *options: Delivery) -> Delivery:
        """What the load balancer does with the destination, where that is not known otherwise."""
        known = self.facts.delivery.value
        return known or self.ask("loadBalancer.delivery", {each.value: each for each in options})

    def preserves(self) -> bool:
        """Whether the load balancer keeps the client's address, where that is not known otherwise."""
        known = self.facts.preserves_client_ip.value
        if known is not None:
            return known
        return bool(self.ask("loadBalancer.preservesClientIP", {"true": True, "false": False}))


def contradicts(facts: ClusterFacts, span: Span) -> bool:
    """Whether kube-proxy of these versions cannot run in the mode that is stated."""
    return facts.mode.value is Mode.NFTABLES and span[1] <= _NFTABLES[0]


def span_of(version: Version) -> Span:
    """The exact versions that a version may stand for."""
    if version.patch is None:
        return (version.major, version.minor, 0), (version.major, version.minor + 1, 0)
    return (version.major, version.minor, version.patch), (version.major, version.minor, version.patch + 1)


@lru_cache(maxsize=256)
def stated_span(kubelet: str) -> Span:
    """The exact versions that a kubelet's version may stand for; every one where it says nothing readable."""
    try:
        return span_of(Version.parse(kubelet))
    except ValueError:
        return _EVERY
