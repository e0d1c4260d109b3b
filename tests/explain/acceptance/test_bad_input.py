"""Input that is not what it should be: exit 2 and one sentence with file and position, never a traceback."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from .asking import Answer, explain, explain_text, run
from .situation import usual
from .world import Document, facts, plain, pod, service

IPT = plain("iptables", "1.31.0")
BASE = usual(IPT)
WHOLE = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(BASE)})
LADDER = "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(8))


def refused(answer: Answer) -> bool:
    """Exit 2, nothing on standard output, one sentence that names the file."""
    lines = answer.err.strip().splitlines()
    told = len(lines) == 1 and "cluster.yaml" in lines[0] and len(lines[0]) < 700
    return (
        answer.status == 2
        and not answer.out
        and told
        and not re.search(r"unexpected \w*(Error|Exception)", lines[0])
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("hello", id="text"),
        pytest.param("[1, 2]", id="numbers"),
        pytest.param(json.dumps(list(BASE)), id="a bare list of objects"),
        pytest.param("[" * 100_000, id="brackets"),
        pytest.param("[" * 20_000 + "]" * 20_000, id="lists in lists"),
        pytest.param("- " * 5_000 + "a", id="lists in lists, YAML"),
        pytest.param('{"a":' * 50_000, id="objects in objects"),
        pytest.param('{"kind":"X","a":' + "[" * 50_000 + "]" * 50_000 + "}", id="deep and closed"),
        pytest.param("a: &a [x]\n" + LADDER + "kind: Service\n", id="aliases of aliases"),
        pytest.param('!!python/object/apply:os.system ["true"]', id="a Python tag"),
        pytest.param("kind: !foo Service", id="a tag"),
        pytest.param("kind: Service\n\tmetadata: x", id="a tab"),
        pytest.param('kind: "Service\nmetadata: x', id="an open quote"),
        pytest.param(WHOLE[:900], id="truncated JSON"),
        pytest.param("apiVersion: v1\nkind: Service\nmetadata: {name: web", id="truncated YAML"),
        pytest.param(WHOLE + " x", id="more behind"),
        pytest.param(WHOLE + "\0", id="a NUL behind"),
        pytest.param("&a [*a]", id="a list that holds itself"),
        pytest.param(
            "apiVersion: v1\nkind: List\nitems: &a [{apiVersion: v1, kind: List, items: *a}]",
            id="a List that holds itself",
        ),
        pytest.param('{"a": 1}', id="no kind"),
        pytest.param('{"kind": "Service", "metadata": {"name": "x"}}', id="no apiVersion"),
        pytest.param('{"apiVersion": "v1", "kind": "Service"}', id="no metadata"),
        pytest.param('{"apiVersion": "v1", "kind": "List", "items": {"a": 1}}', id="items is no list"),
        pytest.param('{"apiVersion": "v1", "kind": "List", "items": [null]}', id="an empty item"),
        pytest.param('{"apiVersion": "v1", "kind": "List", "items": ["x"]}', id="an item of text"),
        pytest.param(
            '{"apiVersion": "elb-passthrough/v2", "kind": "ClusterFacts"}', id="facts of another version"
        ),
    ],
)
def test_a_file_that_holds_no_objects_is_refused(text: str) -> None:
    """Malformed, truncated, nested, foreign."""
    answer = explain_text(text)
    assert refused(answer), answer.err


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\n"])
def test_an_empty_file_is_an_empty_cluster(text: str) -> None:
    """No Service: a sentence, exit 0."""
    assert (explain_text(text).status, explain_text(text).explanations) == (0, [])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("line 3", '{"apiVersion": "v1",\n"kind": "Service",\n"metadata": }'),
        ("line 2", "apiVersion: v1\n\tkind: Service\n"),
        (
            "document 2",
            "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: 7}\n",
        ),
        (
            "item 2",
            '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Namespace"}, 7]}',
        ),
    ],
)
def test_the_sentence_names_the_position(line: str, text: str) -> None:
    """Line of a syntax error; document and item of an object."""
    answer = explain_text(text)
    assert refused(answer), answer.err
    assert line in answer.err


def test_a_file_that_is_not_there_is_refused(tmp_path: Any) -> None:
    """And a folder is no file."""
    for path in (tmp_path / "none.yaml", tmp_path):
        answer = run("explain", str(path))
        assert (answer.status, answer.out) == (2, "")
        assert str(path) in answer.err


@pytest.mark.parametrize("codec", ["utf-16", "latin-1"])
def test_bytes_that_are_not_utf_8_are_refused(tmp_path: Any, codec: str) -> None:
    """Kubernetes speaks UTF-8."""
    file = tmp_path / "cluster.yaml"
    file.write_bytes('kind: "Sérvice"'.encode(codec))
    assert refused(run("explain", str(file)))


@pytest.mark.parametrize("text", ["\ufeff" + WHOLE, WHOLE.replace(", ", ",\r\n"), WHOLE + "\n" + WHOLE])
def test_marks_line_ends_and_repeats_do_no_harm(text: str) -> None:
    """A byte order mark, CRLF, the same dump twice."""
    assert explain_text(text, "--from", "external").path["verdict"] == "reachable"


# --- objects twice -----------------------------------------------------------------------------------------


def changed(index: int, *path: str, to: Any) -> Document:
    """A twin of a document of the base that differs in one field."""
    twin = deepcopy(BASE[index])
    inner: Any = twin
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return twin


TWINS = {
    "Service": changed(1, "spec", "externalTrafficPolicy", to="Local"),
    "EndpointSlice": changed(2, "endpoints", to=[]),
    "Node": changed(3, "status", "addresses", to=[{"type": "InternalIP", "address": "192.168.9.9"}]),
    "Pod": changed(8, "spec", "nodeName", to="node-b"),
}


@pytest.mark.parametrize("kind", TWINS)
def test_an_object_that_is_there_twice_and_differs_is_refused(kind: str) -> None:
    """Nobody can know which of the two is so."""
    assert TWINS[kind]["kind"] == kind
    answer = explain([*BASE, TWINS[kind]])
    assert refused(answer), answer.err


@pytest.mark.parametrize("index", range(1, len(BASE)))
def test_an_object_that_is_there_twice_alike_is_one(index: int) -> None:
    """Two dumps of one cluster overlap."""
    assert told(explain(BASE)) == told(explain([*BASE, BASE[index]]))


def told(answer: Answer) -> set[tuple[Any, ...]]:
    """What is said of every class; who represents it is not the point."""
    return {
        (
            path["client"]["class"],
            path["client"]["standsFor"],
            path["verdict"],
            path["sourceIP"],
            *path["endpoints"],
        )
        for path in answer.paths
    }


# --- fields ------------------------------------------------------------------------------------------------

WRONG: list[Any] = [True, -1, "x", [[]], {"a": 1}, 10**30]


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from fields(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from fields(inner, (*path, index))


def spoilt(document: Document, path: tuple[Any, ...], value: Any) -> Document:
    """The document with this value at this place."""
    copy = deepcopy(document)
    inner: Any = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


@pytest.mark.parametrize("index", [0, 1, 2, 3, 6])
def test_a_field_of_a_wrong_type_is_read_or_refused_and_nothing_else(index: int) -> None:
    """Every field of facts, a Service, a slice, a Node and a Pod, with every wrong type."""
    for path in fields(BASE[index]):
        for value in WRONG:
            documents = list(BASE)
            documents[index] = spoilt(BASE[index], path, value)
            answer = explain(documents, "--from", "external")
            assert answer.status == 0 or refused(answer), (path, value, answer.err)


@pytest.mark.parametrize(
    ("index", "path", "value"),
    [
        (1, ("spec", "ports"), "x"),
        (1, ("spec", "ports", 0, "port"), "80"),
        (1, ("spec", "ports", 0, "port"), 0),
        (1, ("spec", "ports", 0, "port"), 65536),
        (1, ("spec", "ports", 0, "nodePort"), "31080"),
        (1, ("spec", "ports", 0, "protocol"), "HTTP"),
        (1, ("spec", "externalTrafficPolicy"), "local"),
        (1, ("spec", "loadBalancerSourceRanges"), ["10.0.0.0/40"]),
        (1, ("spec", "loadBalancerSourceRanges"), "10.0.0.0/8"),
        (1, ("metadata", "annotations"), {"kubernetes.io/elb.pass-through": True}),
        (1, ("metadata", "annotations"), []),
        (1, ("metadata", "name"), 7),
        (1, ("status", "loadBalancer", "ingress", 0, "ip"), "300.1.1.1"),
        (1, ("status", "loadBalancer", "ingress"), "192.168.0.133"),
        (2, ("endpoints",), {"a": 1}),
        (2, ("endpoints", 0, "addresses"), "10.0.1.10"),
        (2, ("endpoints", 0, "addresses", 0), "x"),
        (2, ("endpoints", 0, "conditions", "ready"), "yes"),
        (2, ("endpoints", 0, "nodeName"), 7),
        (2, ("ports", 0, "port"), "8080"),
        (3, ("status", "addresses", 0, "address"), 7),
        (3, ("metadata", "labels"), "x"),
        (6, ("spec", "nodeName"), 7),
        (6, ("spec", "hostNetwork"), "yes"),
        (6, ("status", "podIP"), "10.0.0.300"),
    ],
)
def test_a_field_that_decides_is_never_guessed(index: int, path: tuple[Any, ...], value: Any) -> None:
    """Never a confident verdict on data that was not understood."""
    documents = list(BASE)
    documents[index] = spoilt(BASE[index], path, value)
    if path[-1] == "podIP":
        documents[index]["status"].pop("podIPs")
    answer = explain(documents)
    assert refused(answer), (answer.status, answer.err)


@pytest.mark.parametrize(
    "given",
    [
        {"platform": "gke"},
        {"platform": 7},
        {"category": "Turbo"},
        {"kubernetesVersion": "latest"},
        {"kubernetesVersion": "v1"},
        {"kubernetesVersion": "v0.9.1"},
        {"kubernetesVersion": "v99.99.0"},
        {"kubernetesVersion": "v1.-1"},
        {"kubernetesVersion": 1.29},
        {"kubeProxy": {"mode": "IPVS"}},
        {"kubeProxy": {"mode": "userspace"}},
        {"kubeProxy": {"localDetector": "yes"}},
        {"kubeProxy": {"clusterCIDR": "10.0.0.0/33"}},
        {"kubeProxy": {"clusterCIDR": "pods"}},
        {"kubeProxy": {"speed": "high"}},
        {"kubeProxy": {"featureGates": {"LoadBalancerIPMode": "yes"}}},
        {"loadBalancer": {"delivery": "nodePort"}},
        {"loadBalancer": {"preservesClientIP": 1}},
        {"loadBalancer": {"publicIPs": ["x"]}},
        {"loadBalancer": {"ip": "10.0.0.1"}},
        {"weather": "fine"},
    ],
)
def test_an_impossible_fact_is_refused(given: dict[str, Any]) -> None:
    """Contract: “an unknown key or an impossible value is an error (exit 2)”."""
    answer = explain([facts(**given), *BASE[1:]])
    assert refused(answer), answer.err


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"platform": "unknown"},
        {"category": "unknown", "kubernetesVersion": "unknown"},
        {"kubeProxy": {"mode": "unknown", "localDetector": "unknown", "clusterCIDR": "unknown"}},
        {"loadBalancer": {"delivery": "unknown", "preservesClientIP": "unknown", "publicIPs": "unknown"}},
        {"kubeProxy": {}, "loadBalancer": {}},
        {"kubernetesVersion": "v1.25.5-r20-25.1.31.1"},
        {"kubernetesVersion": "1.29"},
        {"kubernetesVersion": "v1.30.0-rc.1"},
        {"kubernetesVersion": "v1.30.3+k3s1"},
        {"kubeProxy": {"clusterCIDR": "10.0.0.0/16,fd00:10::/56"}},
    ],
)
def test_every_field_is_optional_or_unknown(given: dict[str, Any]) -> None:
    """Contract: “Every field is optional; what is left out, or given as `unknown`, is unknown”."""
    answer = explain([facts(**given), *BASE[1:]])
    assert answer.status == 0, answer.err


def test_an_unknown_annotation_value_is_a_finding() -> None:
    """The value is repeated as it is written, and no verdict rests on it."""
    answer = explain(
        usual(plain("ipvs", "1.31.0", platform="cce"), annotations={"kubernetes.io/elb.pass-through": "ja"})
    )
    assert answer.explanations[0]["passThrough"] == {"state": "unknown", "value": "ja", "origin": "api"}
    assert "pass-through-value-unknown" in answer.codes


def test_thousands_of_objects_are_read() -> None:
    """A dump of a large cluster: only its own endpoints matter to a Service."""
    many = [service(f"s{n}", ingress=[{"ip": f"192.168.{n // 200}.{n % 200 + 1}"}]) for n in range(1000)]
    many += [pod(f"p{n}", "node-c", f"10.0.{100 + n // 250}.{n % 250}") for n in range(2000)]
    answer = explain([*BASE, *many], "--service", "default/web", "--from", "node:node-c")
    assert answer.path["endpoints"] == ["default/web-a", "default/web-b"]
