"""The contract's JSON, field by field: types, enumerations, and what one field says about another."""

from collections.abc import Callable
from typing import Any

from bot.domain.catalogue import RULES
from tests.explain.manifests import Json

Check = Callable[[Any, str], None]
ORIGINS = ("api", "config", "cloud", "input", "assumed", "unknown")
VERDICTS = ("reachable", "unreachable", "ambiguous", "undetermined")
ENDS = ("deliver", "drop", "reject", "reply-lost", "no-backend", "abort")
SOURCES = ("preserved", "node", "lb", "unknown")
STATES = ("on", "off", "unsupported", "unknown")


def text(value: Any, where: str) -> None:
    """A text, maybe empty."""
    assert type(value) is str, where


def words(value: Any, where: str) -> None:
    """A text that says something."""
    text(value, where)
    assert value.strip(), where


def sentence(value: Any, where: str) -> None:
    """One line that ends as sentences do."""
    words(value, where)
    assert "\n" not in value, where


def flag(value: Any, where: str) -> None:
    """True or false."""
    assert type(value) is bool, where


def count(value: Any, where: str) -> None:
    """A whole number, one at least."""
    assert type(value) is int, where
    assert value >= 1, where


def port(value: Any, where: str) -> None:
    """A port."""
    count(value, where)
    assert value <= 65535, where


def one_of(*allowed: str) -> Check:
    """One of these words."""

    def check(value: Any, where: str) -> None:
        assert value in allowed, (where, value)

    return check


def maybe(inner: Check) -> Check:
    """That, or null."""

    def check(value: Any, where: str) -> None:
        if value is not None:
            inner(value, where)

    return check


def each(inner: Check) -> Check:
    """A list of that."""

    def check(value: Any, where: str) -> None:
        assert type(value) is list, where
        for number, item in enumerate(value):
            inner(item, f"{where}[{number}]")

    return check


def table(**fields: Check) -> Check:
    """An object with at least these fields."""

    def check(value: Any, where: str) -> None:
        assert type(value) is dict, where
        for name, inner in fields.items():
            assert name in value, f"{where}.{name}"
            inner(value[name], f"{where}.{name}")

    return check


def fact_value(value: Any, where: str) -> None:
    """What a fact may be."""
    assert type(value) in (str, bool, int, list, type(None)), where


def rule(value: Any, where: str) -> None:
    """A rule that docs/rules.md has."""
    assert value in RULES, (where, value)


CLIENT = table(
    kind=one_of("pod", "node", "external"),
    namespace=text,
    name=text,
    node=text,
    standsFor=maybe(count),
)
DESTINATION = table(
    ip=words, port=port, protocol=one_of("TCP", "UDP", "SCTP"), scope=one_of("private", "public")
)
HOP = table(kind=one_of("client", "node", "load-balancer", "pod"), name=text, action=words, rule=rule)
TRACE = table(
    end=one_of(*ENDS),
    endpoint=maybe(words),
    hops=each(HOP),
    assuming=each(words),
    standsFor=count,
    sourceIP=one_of(*SOURCES),
    viaLoadBalancer=flag,
)
PATH = table(
    client=CLIENT,
    destination=DESTINATION,
    verdict=one_of(*VERDICTS),
    viaLoadBalancer=maybe(flag),
    endpoints=each(words),
    sourceIP=one_of(*SOURCES),
    traces=each(TRACE),
    reasons=each(table(code=words, message=sentence, source=words)),
    missing=each(words),
    missingForWay=each(words),
    fragile=text,
)
FINDING = table(
    code=rule,
    severity=one_of("error", "warning", "info"),
    message=sentence,
    evidence=each(words),
    fix=sentence,
    source=words,
)
EXPLANATION = table(
    service=table(namespace=words, name=words),
    passThrough=table(state=one_of(*STATES), value=maybe(text), origin=one_of(*ORIGINS)),
    facts=each(table(name=words, value=fact_value, origin=one_of(*ORIGINS), ref=text)),
    paths=each(PATH),
    findings=each(FINDING),
    remedies=each(table(code=words, message=sentence, source=words)),
    hypothetical=flag,
)
DOCUMENT = table(
    apiVersion=one_of("elb-passthrough/v1"), kind=one_of("ExplanationList"), explanations=each(EXPLANATION)
)


def check(document: Json) -> None:
    """Hold a whole answer to the contract."""
    DOCUMENT(document, "")
    for explanation in document["explanations"]:
        for fact in explanation["facts"]:
            assert (fact["value"] is None) == (fact["origin"] == "unknown"), fact
        names = [fact["name"] for fact in explanation["facts"]]
        assert len(set(names)) == len(names), names
        for path in explanation["paths"]:
            _path(path)


def _path(path: Json) -> None:
    """What the contract says that each field means."""
    traces, verdict = path["traces"], path["verdict"]
    assert traces
    delivered = [trace for trace in traces if trace["end"] == "deliver"]
    match verdict:
        case "reachable":
            assert len(delivered) == len(traces), path
        case "unreachable":
            assert not delivered, path
        case "ambiguous":
            assert 0 < len(delivered) < len(traces), path
    assert bool(path["missing"]) == (verdict == "undetermined"), path
    assert path["missing"] == sorted(set(path["missing"]))
    told = {reason["code"] for reason in path["reasons"]}
    assert ("undetermined" in told) == bool(path["missing"])
    assert path["endpoints"] == sorted({trace["endpoint"] for trace in delivered if trace["endpoint"]})
    _way(path)
    _source(path, delivered)
    for trace in traces:
        assert trace["hops"], trace
        assert trace["hops"][0]["kind"] == "client", trace
        assert (trace["end"] == "deliver") == (trace["hops"][-1]["rule"] == "endpoint-answers"), trace


def _way(path: Json) -> None:
    aborted = [trace for trace in path["traces"] if trace["end"] == "abort"]
    ways = {trace["viaLoadBalancer"] for trace in path["traces"] if trace not in aborted}
    if path["client"]["kind"] == "external":
        assert path["viaLoadBalancer"] is True, path
    elif not aborted:
        assert path["viaLoadBalancer"] is (ways.pop() if len(ways) == 1 else None), path
    assert path["viaLoadBalancer"] is None or not path["missingForWay"], path


def _source(path: Json, delivered: list[Json]) -> None:
    sources = {trace["sourceIP"] for trace in delivered}
    assert path["sourceIP"] == (sources.pop() if len(sources) == 1 else "unknown"), path


def check_counts(explanation: Json, pods: int, nodes: int) -> None:
    """Hold the classes of clients to the cluster: for each destination they add up to its Pods and its nodes."""
    found: dict[tuple[Any, ...], dict[str, int]] = {}
    for path in explanation["paths"]:
        to, client = path["destination"], path["client"]
        counts = found.setdefault(
            (to["ip"], to["port"], to["protocol"]), {"pod": 0, "node": 0, "external": 0}
        )
        counts[client["kind"]] += client["standsFor"]
    for counts in found.values():
        assert counts == {"pod": pods, "node": nodes, "external": 1}, counts
