"""From what somebody typed to one Service, or to a sentence with the nearest names."""

from collections.abc import Callable, Iterable, Sequence

from bot.domain.change import ServiceRef
from bot.domain.near import nearest
from bot.domain.objects import Ref, Service
from bot.domain.words import unmarked
from bot.operations.refusal import Refused
from bot.ports import Cluster, Clusters

MOST_NAMES = 5
"""How many names a sentence offers."""

Visible = Callable[[str, str], bool]
"""(cluster, namespace) → whether this person may see it; names of others are not given away."""


def resolve(text: str, clusters: Clusters, visible: Visible) -> tuple[ServiceRef, Service]:
    """Find the LoadBalancer Service that `[CLUSTER/][NAMESPACE/]SERVICE` names, in the caches.

    Raises:
        Refused: none or several, another type, no address yet, or a cluster that does not answer.
    """
    text = unmarked(text)
    candidates = _candidates(text, clusters, seen(clusters, visible))
    found = [
        pair for cluster, namespace, name in candidates for pair in _in(cluster, namespace, name, visible)
    ]
    balancers = [(ref, service) for ref, service in found if service.is_load_balancer]
    if len(balancers) > 1:
        raise Refused(
            f"Several Services are called {text}: {_listed(_full(ref) for ref, _ in balancers)}. Name one in full."
        )
    if balancers:
        return _addressed(*balancers[0])
    if found:
        ref, service = found[0]
        raise Refused(
            f"{ref} on {ref.cluster} is of type {service.type}; only LoadBalancer Services have a load balancer's path."
        )
    raise Refused(_not_there(text, candidates, visible))


def named_cluster(text: str, clusters: Clusters) -> tuple[str | None, str]:
    """Split `[CLUSTER/][NAMESPACE]`, as `list` takes it: a cluster's name goes before a namespace's."""
    head, _, tail = text.partition("/")
    if head in clusters.names():
        return head, tail
    return None, text


def seen(clusters: Clusters, visible: Visible) -> list[str]:
    """Return the clusters in which this person may look at anything; the others are not there for them."""
    return [name for name in clusters.names() if _seen(clusters.get(name), visible)]


def _seen(cluster: Cluster, visible: Visible) -> bool:
    """Whether anything in it may be looked at; where nothing is known of it yet, that is not denied."""
    spaces = {ref.namespace for ref in cluster.snapshot().inventory.load_balancers()}
    return not spaces or any(visible(cluster.name, space) for space in spaces)


def near_places(
    typed: str, clusters: Clusters, visible: Visible, *, services: bool = False, most: int = 1
) -> list[str]:
    """Offer the clusters and namespaces, or also the Services, that are nearest to what was typed."""
    offers: dict[str, str] = {}
    for name in seen(clusters, visible):
        offers[name] = name
        for ref in clusters.get(name).snapshot().inventory.load_balancers():
            if visible(name, ref.namespace):
                offers |= {ref.namespace: ref.namespace, f"{name}/{ref.namespace}": f"{name}/{ref.namespace}"}
                offers |= (
                    {ref.name: str(ref), str(ref): str(ref), f"{name}/{ref}": f"{name}/{ref}"}
                    if services
                    else {}
                )
    typed = unmarked(typed)
    if typed in offers:
        return []
    return list(dict.fromkeys(offers[close] for close in nearest(typed, offers, most)))


def _candidates(text: str, clusters: Clusters, names: Sequence[str]) -> list[tuple[Cluster, str | None, str]]:
    parts = text.split("/")
    if not all(parts) or len(parts) > 3:  # noqa: PLR2004 - CLUSTER/NAMESPACE/SERVICE
        raise Refused(f"“{text}” names no Service. Write NAMESPACE/SERVICE, or CLUSTER/NAMESPACE/SERVICE.")
    if len(parts) == 3:  # noqa: PLR2004 - as above
        if parts[0] not in names:
            raise Refused(f"There is no cluster “{parts[0]}”. {_did_you_mean(parts[0], names)}".strip())
        return [(clusters.get(parts[0]), parts[1], parts[2])]
    if len(parts) == 2 and len(names) > 1 and parts[0] in names:  # noqa: PLR2004 - CLUSTER/SERVICE
        return [(clusters.get(parts[0]), None, parts[1])]
    namespace = parts[0] if len(parts) == 2 else None  # noqa: PLR2004 - NAMESPACE/SERVICE
    return [(clusters.get(name), namespace, parts[-1]) for name in names]


def _in(
    cluster: Cluster, namespace: str | None, name: str, visible: Visible
) -> list[tuple[ServiceRef, Service]]:
    snapshot = cluster.snapshot()
    if namespace is not None:
        refs = [Ref(namespace, name)]
    else:
        refs = sorted(ref for ref in snapshot.inventory.services if ref.name == name)
    services = ((ref, snapshot.service(ref)) for ref in refs if visible(cluster.name, ref.namespace))
    return [(_ref(cluster, ref), service) for ref, service in services if service is not None]


def _ref(cluster: Cluster, ref: Ref) -> ServiceRef:
    return ServiceRef(cluster=cluster.name, namespace=ref.namespace, name=ref.name)


def _addressed(ref: ServiceRef, service: Service) -> tuple[ServiceRef, Service]:
    if not service.ingress:
        raise Refused(
            f"{ref} on {ref.cluster} has no load balancer address yet; its Events say why (kubectl -n {ref.namespace} describe service {ref.name})."
        )
    return ref, service


def _not_there(text: str, candidates: Sequence[tuple[Cluster, str | None, str]], visible: Visible) -> str:
    for cluster, _, _ in candidates:
        freshness = cluster.freshness()
        if not freshness.synced and not freshness.problem:
            return f"The Services of {cluster.name} have not been read yet, so whether {text} is there is not known. Try again in a minute."
        if not freshness.synced:
            return f"The cluster {cluster.name} does not answer ({unmarked(freshness.problem)}), so whether {text} is there is not known. Try again in a minute; /readyz names every cluster that does not answer."
    if not candidates:
        return f"There is no Service “{text.rpartition('/')[2]}” on any cluster."
    cluster, namespace, name = candidates[0]
    where = f"in {namespace} on {cluster.name}" if namespace else f"on {cluster.name}"
    if len(candidates) > 1:
        where = f"in {namespace} on any cluster" if namespace else "on any cluster"
    hint = _nearest(namespace, name, candidates, visible)
    return f"There is no Service “{name}” {where}. {hint}".strip()


def _nearest(
    namespace: str | None, name: str, candidates: Sequence[tuple[Cluster, str | None, str]], visible: Visible
) -> str:
    refs = [
        ref
        for cluster, _, _ in candidates
        for ref in cluster.snapshot().inventory.load_balancers()
        if visible(cluster.name, ref.namespace)
    ]
    called: dict[str, list[str]] = {}
    for ref in refs:
        called.setdefault(ref.name, []).append(f"{ref.namespace}/{ref.name}")
    full = [] if namespace is None else [each for alike in called.values() for each in alike]
    close = nearest(f"{namespace}/{name}", full, MOST_NAMES)
    close += [each for key in nearest(name, called, MOST_NAMES) for each in called[key]]
    return _sentence(dict.fromkeys(close))


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    return _sentence(dict.fromkeys(nearest(word, known, MOST_NAMES)))


def _sentence(names: Iterable[str]) -> str:
    offered = list(names)[:MOST_NAMES]
    return f"Did you mean {' or '.join(offered)}?" if offered else ""


def _full(ref: ServiceRef) -> str:
    return f"{ref.cluster}/{ref}"


def _listed(names: Iterable[str]) -> str:
    every = sorted(names)
    return ", ".join(every[:MOST_NAMES]) + (
        f" and {len(every) - MOST_NAMES} more" if len(every) > MOST_NAMES else ""
    )
