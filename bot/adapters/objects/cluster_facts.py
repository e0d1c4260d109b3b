"""A `ClusterFacts` document, and single fields of one, into facts."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from bot.adapters.objects.reader import ShapeError, ip_address, ip_network
from bot.domain.cluster_facts import SINGLE, Category, ClusterFacts, Delivery, Mode, Platform
from bot.domain.fact import Fact, Origin
from bot.domain.rule import GATES
from bot.domain.version import Version

E = TypeVar("E", bound=StrEnum)
KIND = "ClusterFacts"
API_VERSION = "elb-passthrough/v1"
UNKNOWN = "unknown"
_GATES = "kubeProxy.featureGates"
_ENVELOPE = ("apiVersion", "kind", "metadata")


def _choice(kind: type[E]) -> Callable[[Any, str], E]:
    def read(value: Any, where: str) -> E:
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join([*(each.value for each in kind), UNKNOWN])
            raise ShapeError(where, value, f"one of {allowed}") from None

    return read


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ShapeError(where, value, "true or false")
    return value


def _version(value: Any, where: str) -> Version:
    try:
        return Version.parse(value if isinstance(value, str) else "")
    except ValueError:
        raise ShapeError(where, value, "a Kubernetes version such as v1.29.2") from None


def _blocks(value: Any, where: str) -> str:
    # kube-proxy refuses a block without its length, so it is no host's address here either.
    if not isinstance(value, str) or not all("/" in part for part in value.split(",")):
        raise ShapeError(where, value, "an address block such as 10.0.0.0/16")
    return ",".join(ip_network(part.strip(), where) for part in value.split(","))


def _addresses(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ShapeError(where, value, "a list of addresses")
    return tuple(ip_address(str(each).strip(), f"{where}[{number}]") for number, each in enumerate(value))


_READERS: Mapping[str, tuple[str, Callable[[Any, str], Any]]] = {
    "platform": ("platform", _choice(Platform)),
    "category": ("category", _choice(Category)),
    "kubernetesVersion": ("version", _version),
    "kubeProxy.mode": ("mode", _choice(Mode)),
    "kubeProxy.localDetector": ("local_detector", _flag),
    "kubeProxy.clusterCIDR": ("cluster_cidr", _blocks),
    "loadBalancer.delivery": ("delivery", _choice(Delivery)),
    "loadBalancer.preservesClientIP": ("preserves_client_ip", _flag),
    "loadBalancer.publicIPs": ("public_ips", _addresses),
}
_SECTIONS = {name.partition(".")[0] for name in (*_READERS, _GATES) if "." in name}


def is_field(name: str) -> bool:
    """Whether `name` is a field of ClusterFacts, such as `kubeProxy.mode`."""
    return name in _READERS or name.startswith(f"{_GATES}.")


def fields() -> tuple[str, ...]:
    """Every field of ClusterFacts that has one name; gates are `kubeProxy.featureGates.NAME`."""
    return tuple(_READERS)


def cluster_facts(body: Mapping[str, Any], where: str) -> ClusterFacts:
    """Read a whole document; what is left out or `unknown` is unknown.

    Raises:
        ShapeError: A key is not known or a value is impossible; the message names it.
    """
    facts = ClusterFacts()
    for name, value in _flattened(body, where):
        facts = with_field(facts, name, value, where=where, ref=f"{where} {name}")
    return facts


def _flattened(body: Mapping[str, Any], where: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in body.items():
        if key in _ENVELOPE or value is None:
            continue
        if key not in _SECTIONS:
            found.append((str(key), value))
        elif isinstance(value, Mapping):
            found += [(f"{key}.{inner}", each) for inner, each in value.items() if each is not None]
        elif value == UNKNOWN:
            # Feature gates have their version's default, as where they are left out.
            found += [(name, UNKNOWN) for name in _READERS if name.startswith(f"{key}.")]
        else:
            raise ShapeError(f"{where}: {key}", value, "an object")
    return found


def with_field(
    facts: ClusterFacts, name: str, value: Any, *, where: str, ref: str, origin: Origin = Origin.INPUT
) -> ClusterFacts:
    """Give the facts with one field set; `unknown` makes it unknown.

    Raises:
        ShapeError: There is no such field, or the value is impossible.
    """
    if name == _GATES and value == UNKNOWN:
        return facts
    if name == _GATES and isinstance(value, Mapping):
        for gate, each in value.items():
            facts = with_field(facts, f"{_GATES}.{gate}", each, where=where, ref=ref, origin=origin)
        return facts
    if name.startswith(f"{_GATES}."):
        return _with_gate(facts, name, value, where=where, ref=ref, origin=origin)
    if name not in _READERS:
        raise ShapeError(f"{where}: {name}", value, f"known; a field is one of {', '.join(_READERS)}")
    field, read = _READERS[name]
    change: dict[str, Any] = {field: Fact(name=name, origin=origin, ref=ref)}
    if value != UNKNOWN:
        parsed = read(value, f"{where}: {name}")
        change = {field: Fact(name=name, value=parsed, origin=origin, ref=ref)}
    return replace(facts, **change)


def from_text(name: str, text: str) -> Any:
    """Give the value that a field's text on the command line stands for: a flag, a list, or the text itself."""
    if text == UNKNOWN:
        return text
    if name == "loadBalancer.publicIPs":
        return text.split(",")
    reads_flag = name.startswith(f"{_GATES}.") or (name in _READERS and _READERS[name][1] is _flag)
    return {"true": True, "false": False}.get(text, text) if reads_flag else text


def _with_gate(
    facts: ClusterFacts, name: str, value: Any, *, where: str, ref: str, origin: Origin
) -> ClusterFacts:
    gate = name.removeprefix(f"{_GATES}.")
    if gate not in GATES:
        raise ShapeError(f"{where}: {name}", value, f"known; a gate is one of {', '.join(GATES)}")
    known = None if value == UNKNOWN else _flag(value, f"{where}: {name}")
    fact = Fact(name=name, value=known, origin=origin, ref=ref)
    return replace(facts, gates={**facts.gates, gate: fact})


def merged(first: ClusterFacts, second: ClusterFacts) -> ClusterFacts:
    """Give the facts of both; what `second` says wins, that something is unknown too."""
    known: dict[str, Any] = {
        name: getattr(second, name)
        for name in SINGLE
        if getattr(second, name) != Fact(name=getattr(second, name).name)
    }
    return replace(first, gates={**first.gates, **second.gates}, **known)
