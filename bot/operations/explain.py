"""Questions about traffic paths: which Services are meant, what would be, and the answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from bot.domain.cluster_facts import ClusterFacts
from bot.domain.destinations import claimants
from bot.domain.diff import Shift, compare
from bot.domain.explanation import Explanation
from bot.domain.objects import Node, Ref, Service, TrafficPolicy
from bot.domain.path import ClientAsked, NotFound, Question, Target, explain, load_balancer
from bot.domain.snapshot import Snapshot

POLICY = "externalTrafficPolicy"


class Impossible(ValueError):  # noqa: N818  it names what is asked for
    """Something is supposed that cannot be; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that would be different: an annotation (None: removed) or the external traffic policy."""

    key: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to know; everything left out means all of them."""

    service: Ref | None = None
    client: ClientAsked | None = None
    target: Target | None = None
    arrives_at: str | None = None
    changes: tuple[Change, ...] = ()
    drained: tuple[str, ...] = ()
    facts: ClusterFacts | None = None
    """Facts as they are supposed to be; None: as they are."""
    supposed: tuple[str, ...] = ()
    """What is supposed, in the words of who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The explanation of one Service; with something supposed, also what that shifts."""

    explanation: Explanation
    shifts: tuple[Shift, ...] = ()
    supposed: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give the entry of `explanations[]`; what would shift is there only if something is supposed."""
        body = self.explanation.as_json()
        if not self.shifts:
            return body
        changes = [shift.as_json() for shift in self.shifts]
        return {**body, "supposed": list(self.supposed), "changes": changes}


def answers(snapshot: Snapshot, wish: Wish) -> list[Answer]:
    """Answer a wish, one explanation per Service.

    Raises:
        NotFound: Something that is asked about is not there; the sentence names the nearest.
        Impossible: A change cannot be made.
    """
    services = chosen(snapshot, wish)
    supposed = _supposed(snapshot, services, wish)
    question = Question(client=wish.client, target=wish.target, arrives_at=wish.arrives_at)
    found = (explain(supposed, service.ref, question) for service in services)
    if supposed is snapshot:
        return [Answer(explanation=each) for each in found]
    return [
        Answer(
            explanation=each,
            shifts=compare(explain(snapshot, each.service, question), each),
            supposed=wish.supposed,
        )
        for each in found
    ]


def chosen(snapshot: Snapshot, wish: Wish) -> list[Service]:
    """The Services that are meant.

    Raises:
        NotFound: There is none of that name or with that address.
    """
    if wish.service is not None:
        if snapshot.service(wish.service) is None:
            raise NotFound(f"There is no Service {wish.service}.{_nearest(snapshot, wish.service)}")
        return [load_balancer(snapshot, wish.service)]
    if wish.target is None:
        return list(snapshot.load_balancers())
    owners = claimants(snapshot, wish.target.host)
    if not owners:
        raise NotFound(_nobody(snapshot, wish.target.host))
    port = wish.target.port
    return [each for each in owners if any(each_port.port == port for each_port in each.ports)] or owners


def _nearest(snapshot: Snapshot, ref: Ref) -> str:
    names = [str(service.ref) for service in snapshot.load_balancers()]
    found = get_close_matches(str(ref), names, n=3, cutoff=0.6)
    found = found or [name for name in names if name.endswith(f"/{ref.name}")][:3]
    return f" Did you mean {' or '.join(found)}?" if found else ""


def _nobody(snapshot: Snapshot, host: str) -> str:
    node = snapshot.inventory.node_ips.get(host)
    if node is not None:
        return f"{host} is the address of node {node}, not of a load balancer."
    for service in snapshot.inventory.services.values():
        if host in service.cluster_ips:
            return f"{host} is the cluster IP of Service {service.ref}, not a load balancer's address."
        if host in service.external_ips:
            return f"{host} is an external IP of Service {service.ref}, not a load balancer's address."
    return f"No Service of type LoadBalancer has the address {host}."


def _supposed(snapshot: Snapshot, services: Sequence[Service], wish: Wish) -> Snapshot:
    if wish.facts is not None:
        snapshot = snapshot.with_facts(wish.facts)
    for service in services:
        changed = service
        for change in wish.changes:
            changed = with_change(changed, change)
        if changed is not service:
            snapshot = snapshot.with_service(changed)
    for node in wish.drained:
        known = snapshot.inventory.nodes if snapshot.knows(Node) else snapshot.inventory.pods_on
        if node not in known:
            raise NotFound(f"There is no node {node} to drain.")
    return snapshot.with_drained(*wish.drained) if wish.drained else snapshot


def with_change(service: Service, change: Change) -> Service:
    """The Service as it would be.

    Raises:
        Impossible: The policy has no such value.
    """
    if change.key == POLICY:
        try:
            return replace(service, external_policy=TrafficPolicy(change.value or ""))
        except ValueError:
            raise Impossible(f"{POLICY} is Cluster or Local, not {change.value!r}") from None
    annotations = {key: value for key, value in service.annotations.items() if key != change.key}
    if change.value is not None:
        annotations[change.key] = change.value
    return replace(service, annotations=annotations)
