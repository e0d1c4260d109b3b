"""Every load balancer of a cluster in one line each, kept up to date at the cost of what changed.

What a line rests on is the Service, its EndpointSlices, the Services and Ingresses on its load balancer, the
NetworkPolicies of its namespace, the nodes, and whether there is any Pod in each place at all. How many Pods there
are is no part of a line, so that most of their comings and goings cost nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.domain.explanation import Explanation, Finding, PassThrough, Verdict
from bot.domain.objects import (
    EndpointSlice,
    Ingress,
    NetworkPolicy,
    Node,
    Pod,
    Ref,
    Service,
    Value,
    Workload,
)
from bot.domain.population import Blocks
from bot.domain.snapshot import Snapshot, balancer_keys, ingress_keys
from bot.domain.summary import headline, worst

Explainer = Callable[[Ref], Explanation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One Service in a list; `verdict` is the worst of its paths, None where it has none."""

    service: Ref
    pass_through: PassThrough
    verdict: Verdict | None
    headline: str
    findings: tuple[Finding, ...]


class Board:
    """The lines, computed when they are asked for and forgotten when something under them changed."""

    def __init__(self, explain: Explainer) -> None:
        self._explain = explain
        self._lines: dict[Ref, Line] = {}
        self._homes: dict[str, dict[Ref, int]] = {}
        """Node → Services with endpoints there, and how many."""
        self._nodes_of: dict[Ref, set[str]] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def lines(self, snapshot: Snapshot) -> Iterator[Line]:
        """Every LoadBalancer Service, by namespace and name."""
        for service in snapshot.load_balancers():
            yield self.line(snapshot, service.ref)

    def line(self, snapshot: Snapshot, ref: Ref) -> Line:
        """The line of one Service.

        Raises:
            LookupError: There is no such Service of type LoadBalancer.
        """
        known = self._lines.get(ref)
        if known is None:
            known = self._lines[ref] = _line(self._explain(ref))
            self._note_homes(snapshot, ref)
        return known

    def _note_homes(self, snapshot: Snapshot, ref: Ref) -> None:
        for piece in snapshot.slices(ref):
            for endpoint in piece.endpoints:
                here = self._homes.setdefault(endpoint.node, {})
                here[ref] = here.get(ref, 0) + 1
                self._nodes_of.setdefault(ref, set()).add(endpoint.node)

    def forget_all(self) -> None:
        """Facts changed: every line may differ."""
        self._lines.clear()
        self._homes.clear()
        self._nodes_of.clear()

    def changed(self, snapshot: Snapshot, before: Value | None, after: Value | None) -> None:
        """Forget the lines that an object's change concerns; `snapshot` already has the change."""
        for value in (before, after):
            match value:
                case Service():
                    self._forget({value.ref, *_on(snapshot, balancer_keys(value))})
                case Ingress():
                    self._forget(_on(snapshot, ingress_keys(value)))
                case EndpointSlice():
                    self._forget({value.service} if value.service else set())
                case NetworkPolicy():
                    self._forget({ref for ref in self._lines if ref.namespace == value.ref.namespace})
                case Node():
                    # A heartbeat leaves the value as it was; what is left may concern every Service.
                    self.forget_all()
                case Pod():
                    self._pod_changed(snapshot, value, before, after)
                case Workload() | None:
                    pass

    def _pod_changed(self, snapshot: Snapshot, pod: Pod, before: Value | None, after: Value | None) -> None:
        """Forget the lines for which a place had, or now has, no Pod beside the endpoints."""
        partition = snapshot.inventory.partition(Blocks())
        count = len(partition.pods_on.get(pod.node, {}).get(partition.sort_pod(pod), ()))
        least = (
            count
            if before is not None and after is not None
            else min(count, count + (1 if after is None else -1))
        )
        here = self._homes.get(pod.node, {})
        if least <= 0:
            self.forget_all()
        elif before is not None and after is not None:
            # Labels and addresses decide what a NetworkPolicy or a source range makes of it.
            self._forget(set(here))
        else:
            self._forget({ref for ref, endpoints in here.items() if least <= endpoints})

    def _forget(self, refs: set[Ref]) -> None:
        for ref in refs:
            self._lines.pop(ref, None)
            for node in self._nodes_of.pop(ref, ()):
                self._homes[node].pop(ref, None)


def _on(snapshot: Snapshot, keys: list[str]) -> set[Ref]:
    return {ref for key in keys for ref in snapshot.inventory.balancers.get(key, {})}


def _line(explanation: Explanation) -> Line:
    return Line(
        service=explanation.service,
        pass_through=explanation.pass_through,
        verdict=worst(explanation),
        headline=headline(explanation),
        findings=explanation.findings,
    )
