"""One Service with everything that a finding looks at."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from bot.domain.answers import Answers, possible
from bot.domain.balancer import delivery
from bot.domain.cluster_facts import Category, ClusterFacts, Delivery, Mode, Platform
from bot.domain.elb import (
    ON_VALUES,
    TRANSPARENT,
    asks_for_pass_through,
    layer_seven,
    load_balancer_class,
)
from bot.domain.explanation import Finding, PassThrough, PassThroughState, Severity
from bot.domain.holding import Holding
from bot.domain.objects import PASS_THROUGH, Endpoint, Node, Service, ServicePort, TrafficPolicy
from bot.domain.possibility import Span, span_of, stated_span
from bot.domain.rule import Rule
from bot.domain.scene import Scene
from bot.domain.snapshot import Snapshot
from bot.domain.summary import fact_words
from bot.domain.version import Version

_FEW = 3
"""Bare nodes that are enough to name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The Service as supposed, the scenes of its destinations, and what its annotation amounts to."""

    snapshot: Snapshot
    service: Service
    scenes: tuple[Scene, ...]
    through: PassThrough
    holding: Holding

    @property
    def facts(self) -> ClusterFacts:
        """The cluster's facts."""
        return self.snapshot.facts

    @property
    def cce(self) -> bool:
        """Whether this is known to be CCE."""
        return self.facts.platform.value is Platform.CCE

    @property
    def standard(self) -> bool:
        """Whether this may be a CCE standard cluster."""
        return self.cce and self.facts.category.value is not Category.TURBO

    @property
    def turbo(self) -> bool:
        """Whether this is known to be a CCE Turbo cluster."""
        return self.cce and self.facts.category.value is Category.TURBO

    @property
    def local(self) -> bool:
        """Whether externalTrafficPolicy is Local."""
        return self.service.external_policy is TrafficPolicy.LOCAL

    @property
    def through_on(self) -> bool:
        """Whether pass-through is on, or may be."""
        return self.through.state in (
            PassThroughState.ON,
            PassThroughState.UNKNOWN,
        ) and asks_for_pass_through(self.service)

    @property
    def captured(self) -> bool:
        """Whether node rules hold an address of the Service, or may."""
        return self.holding.may_hold

    def past(self, finding: Finding) -> Finding:
        """A finding about clients that go past the load balancer: softened where it is not known that they do."""
        return softened(finding, self.holding.doubt)

    def mode(self, *modes: Mode) -> bool:
        """Whether kube-proxy is known to be in one of these modes."""
        return self.facts.mode.value in modes

    def mode_may_be(self, mode: Mode) -> bool:
        """Whether kube-proxy may be in this mode."""
        return self.facts.mode.value in (None, mode)

    def spans(self) -> list[Span]:
        """The versions that nodes have."""
        known = self.facts.version.value
        if self.facts.version.withheld:
            return []
        return [span_of(known)] if known else [stated_span(each) for each in self.snapshot.inventory.versions]

    def all_before(self, text: str) -> bool:
        """Whether every node is known to be older."""
        spans = self.spans()
        return bool(spans) and all(high <= _exact(text) for _, high in spans)

    def some_within(self, since: str, until: str) -> bool:
        """Whether a node is known to be of a version in this range."""
        return any(low >= _exact(since) and high <= _exact(until) for low, high in self.spans())

    def all_within(self, since: str, until: str) -> bool:
        """Whether every node is known to be of a version in this range."""
        spans = self.spans()
        return bool(spans) and all(low >= _exact(since) and high <= _exact(until) for low, high in spans)

    def none_within(self, since: str, until: str) -> bool:
        """Whether every node is known to be of a version outside of this range."""
        spans = self.spans()
        return bool(spans) and all(high <= _exact(since) or low >= _exact(until) for low, high in spans)

    def bare_nodes(self) -> list[Node]:
        """Some nodes without an endpoint of the first port, ready or serving; empty where nodes are not known."""
        homes = {
            node
            for scene in self.scenes[:1]
            for node in (*scene.backends.ready_on, *scene.backends.leaving_on)
        }
        inventory = self.snapshot.inventory
        first = islice(inventory.nodes_alike.names(), len(homes) + _FEW)
        return [inventory.nodes[name] for name in first if name not in homes]

    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint of every scene, each address once."""
        seen: set[str] = set()
        for scene in self.scenes:
            backends = scene.backends
            for endpoint in (*backends.ready, *backends.leaving, *backends.others):
                if endpoint.ip not in seen:
                    seen.add(endpoint.ip)
                    yield endpoint

    def keeps_address(self, port: ServicePort) -> bool:
        """Whether the load balancer is known to keep the client's address."""
        stated = self.facts.preserves_client_ip.value
        if stated is not None:
            return stated
        if layer_seven(self.service, port):
            return False
        if load_balancer_class(self.service, self.facts) == "performance":
            return True
        return self.local and self.service.annotations.get(TRANSPARENT) == "true"

    def delivers(self, *ways: Delivery) -> bool:
        """Whether the load balancer may deliver in one of these ways."""
        return not self.deliveries.values.isdisjoint(ways)

    @property
    def deliveries(self) -> Answers[Delivery]:
        """How the load balancer may deliver."""
        return possible(self.snapshot, lambda world: delivery(world, self.service))

    def where(self, field: str) -> str:
        """Name a field of the Service, for evidence."""
        return f"Service {self.service.ref} {field}"

    def annotation(self, key: str) -> str:
        """Show an annotation, for evidence."""
        return self.where(f'metadata.annotations[{key}]: "{self.service.annotations.get(key, "")}"')

    @property
    def says_on(self) -> bool:
        """Whether the annotation has a documented value that turns pass-through on."""
        return self.service.annotations.get(PASS_THROUGH) in ON_VALUES


def found(rule: Rule, *evidence: str, message: str = "", severity: Severity | None = None) -> Finding:
    """A finding by its rule; message and severity are the rule's own unless given."""
    return Finding(
        code=rule.id,
        severity=severity or rule.severity or Severity.INFO,
        message=message or rule.text,
        evidence=tuple(evidence),
        fix=rule.fix,
        source=f"{rule.source} ({rule.date})" if rule.date else rule.source,
    )


def _exact(text: str) -> tuple[int, int, int]:
    version = Version.parse(text)
    return version.major, version.minor, version.patch or 0


def softened(finding: Finding, doubt: tuple[str, ...]) -> Finding:
    """The finding as it is told where facts that are not known decide about it: as possible, never as an error."""
    if not doubt:
        return finding
    names = " and ".join(fact_words(name) for name in doubt)
    severity = Severity.WARNING if finding.severity is Severity.ERROR else finding.severity
    message = f"Perhaps (it depends on {names}, not known): {finding.message}"
    return replace(finding, message=message, severity=severity)
