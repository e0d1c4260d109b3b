"""Bad input: exit 2 and one sentence with file and position; never a traceback, never a guess."""

import json
from itertools import pairwise
from typing import Any

import pytest

from bot.adapters import manifests
from tests.explain.command import Explain
from tests.explain.manifests import GENERIC, Json, cluster, facts, obj, pod, service

BROKEN_TEXT: dict[str, tuple[str | bytes, str]] = {
    "truncated JSON": ('{"apiVersion": "v1", "kind": "List", "items": [{', "line 1 column"),
    "truncated YAML": ('kind: Service\nmetadata: {name: "x\n', "line"),
    "a tab in YAML": ("kind: Service\n\tmetadata: x\n", "line 2 column 1"),
    "text": ("hello world\n", "is text, not a Kubernetes object"),
    "a list": ("[1, 2]", "is a list, not a Kubernetes object"),
    "a number": ("--- 3\n", "is a number, not a Kubernetes object"),
    "no kind": ('{"metadata": {"name": "x"}}', "has no kind"),
    "no apiVersion": ('{"kind": "Service"}', "has no apiVersion"),
    "deep JSON": ("[" * 100_000, "nested too deeply"),
    "deep YAML": ("a: " + "[" * 100_000, "nested more than 500 levels deep"),
    "deep YAML lists": ("- " * 100_000 + "x", "nested more than 500 levels deep"),
    "deep YAML keys": ("? " * 100_000 + "x", "nested more than 500 levels deep"),
    "deep YAML objects": ("".join(f"{' ' * depth}a:\n" for depth in range(3000)), "nested more than 500"),
    "not UTF-8": (b"kind: \xff\xfe\x00", "byte 6 is not UTF-8"),
    "half a letter of UTF-16": (b"\xff\xfe\x00", "byte 2 is not UTF-16"),
    "merges of merges": (
        "x0: &x0 {a: 1}\n"
        + "".join(f"x{n}: &x{n} {{<<: [{', '.join([f'*x{n - 1}'] * 9)}]}}\n" for n in range(1, 12)),
        "an object has more than 100000 keys",
    ),
    "a list of itself": ("apiVersion: v1\nkind: List\nitems: &a [*a]\n", "something that it is part of"),
    "a billion laughs": (
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{letter}: &{letter} [{', '.join([f'*{before}'] * 9)}]\n"
            for before, letter in pairwise("abcdefghi")
        )
        + "apiVersion: v1\nkind: List\nitems: *i\n",
        "aliases stand for",
    ),
    "aliases as deep as can be": (
        "a: &a " + "[" * 490 + "]" * 490 + "\nb: " + "[" * 490 + "*a" + "]" * 490 + "\n",
        "has no kind",
    ),
    "a key twice in JSON": (
        '{"apiVersion": "v1", "kind": "Service", "kind": "Node"}',
        "line 1 column 41: the key 'kind' is there twice",
    ),
    "a key twice deep in the second of several": (
        """{"kind": "List", "apiVersion": "v1", "items": [], "metadata": ["kind", {"kind": "{", "k": "kind"}]}
{"kind": "List",
 "apiVersion": "v1:\\"",
 "items": [{"a\\"b": {}, "c": [{"c": 1}],
  "\\u0061\\"b": ":"}]}""",
        "line 5 column 3: the key 'a\"b' is there twice",
    ),
    "a key twice in YAML": (
        "apiVersion: v1\nkind: Node\nmetadata:\n  name: x\n  name: y\n",
        "line 5 column 3: the key 'name' is there twice",
    ),
    "bad YAML after JSON": (
        '{"apiVersion": "v1", "kind": "List", "items": []}\n---\na: [\n',
        "line 4 column 1",
    ),
    "a null byte": ("apiVersion: v1\nkind: \x00\n", ", line 2: "),
    "a null byte in JSON": ('{"kind": "x\x00"}', "line 1 column 12: Invalid control character"),
}


@pytest.mark.parametrize("name", BROKEN_TEXT)
def test_broken_text_is_refused_with_file_and_position(explain: Explain, name: str) -> None:
    """The file's name and what is wrong with it."""
    content, words = BROKEN_TEXT[name]
    path = explain.file(content, "broken.yaml")
    result = explain.run(path)
    assert (result.status, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert path in result.err
    assert words in result.err


def changed(path: tuple[Any, ...], value: Any) -> Json:
    """A good Service with one wrong field."""
    whole = service()
    target = whole
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return whole


WRONG_FIELDS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "metadata": (("metadata",), "x"),
    "metadata.name": (("metadata", "name"), 7),
    "metadata.name ": (("metadata", "name"), "x" * 254),
    "metadata.annotations[x]": (("metadata", "annotations"), {"x": True}),
    "metadata.labels": (("metadata", "labels"), ["x"]),
    "spec": (("spec",), [1]),
    "spec.type": (("spec", "type"), 3),
    "spec.type ": (("spec", "type"), "Loadbalancer"),
    "spec.clusterIP": (("spec", "clusterIP"), "somewhere"),
    "spec.clusterIPs[1]": (("spec", "clusterIPs"), ["10.247.0.9", 7]),
    "spec.externalIPs[0]": (("spec", "externalIPs"), ["x"]),
    "spec.sessionAffinity": (("spec", "sessionAffinity"), "ClientIp"),
    "spec.ports[0].targetPort": (("spec", "ports"), [{"port": 80, "targetPort": -1}]),
    "spec.ports[0].targetPort ": (("spec", "ports"), [{"port": 80, "targetPort": "80000"}]),
    "spec.ports": (("spec", "ports"), {"port": 80}),
    "spec.ports[0]": (("spec", "ports"), ["http"]),
    "spec.ports[0].port": (("spec", "ports"), [{"port": "eighty"}]),
    "spec.ports[0].port ": (("spec", "ports"), [{"port": 70000}]),
    "spec.ports[0].protocol": (("spec", "ports"), [{"port": 80, "protocol": "ICMP"}]),
    "spec.externalTrafficPolicy": (("spec", "externalTrafficPolicy"), "local"),
    "spec.loadBalancerSourceRanges[0]": (("spec", "loadBalancerSourceRanges"), ["everywhere"]),
    "spec.allocateLoadBalancerNodePorts": (("spec", "allocateLoadBalancerNodePorts"), "no"),
    "status.loadBalancer.ingress[0].ip": (("status",), {"loadBalancer": {"ingress": [{"ip": "300.1.1.1"}]}}),
    "status.loadBalancer.ingress[0].ipMode": (
        ("status",),
        {"loadBalancer": {"ingress": [{"ip": "10.0.0.1", "ipMode": "proxy"}]}},
    ),
    "status.loadBalancer.ingress": (("status",), {"loadBalancer": {"ingress": "x"}}),
}


@pytest.mark.parametrize("name", WRONG_FIELDS)
def test_a_field_of_the_wrong_type_is_named(explain: Explain, name: str) -> None:
    """Object and field, and what is there instead."""
    field, value = WRONG_FIELDS[name]
    result = explain.json(*cluster()[1:], changed(field, value))
    assert (result.status, result.out) == (2, "")
    assert "item 7" in result.err
    assert f"{name.strip()} is " in result.err


WRONG_WORDS: dict[str, Json] = {
    "spec.policyTypes[0]": obj(
        "NetworkPolicy", "np", "networking.k8s.io/v1", spec={"policyTypes": ["ingress"]}
    ),
    "spec.podSelector.matchExpressions[0].operator": obj(
        "NetworkPolicy",
        "np",
        "networking.k8s.io/v1",
        spec={"podSelector": {"matchExpressions": [{"key": "a", "operator": "in", "values": ["b"]}]}},
    ),
    "status.phase": obj("Pod", "p", spec={"nodeName": "node-1"}, status={"phase": "running"}),
}


@pytest.mark.parametrize("name", WRONG_WORDS)
def test_a_word_that_kubernetes_does_not_know_is_named(explain: Explain, name: str) -> None:
    """In another spelling it would mean nothing, and the answer would be sure of it."""
    result = explain.json(*cluster(), WRONG_WORDS[name])
    assert (result.status, result.out) == (2, "")
    assert f"{name} is " in result.err


def test_an_entry_without_an_address_is_no_address_yet(explain: Explain) -> None:
    """What a controller writes first is not explained as an address."""
    whole = changed(("status",), {"loadBalancer": {"ingress": [{}]}})
    paths = explain.json(whole, *cluster()[1:], GENERIC).paths
    assert {path["destination"]["ip"] for path in paths} == {"192.168.255.254"}


KINDS = {
    "Service": "v1",
    "Node": "v1",
    "Pod": "v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Deployment": "apps/v1",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [None, [], "x", 7, True, {"a": []}])
@pytest.mark.parametrize("field", ["metadata", "spec", "status", "endpoints", "ports"])
def test_no_kind_chokes_on_any_type(explain: Explain, kind: str, value: Any, field: str) -> None:
    """It is read or refused, and never a traceback."""
    whole = {**obj(kind, "x", KINDS[kind]), field: value}
    result = explain.json(whole, *cluster())
    assert result.status in (0, 2)
    assert "unexpected" not in result.err
    assert "Traceback" not in result.err


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a JSON value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


def _everything() -> list[Json]:
    """A cluster with something in every field that is read."""
    rule = {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.9.0.0/16"]}}], "ports": [{"port": 80}]}
    full = service(annotations={"a": "b"}, loadBalancerSourceRanges=["10.0.0.0/8"], clusterIPs=["10.247.0.9"])
    full["metadata"]["managedFields"] = [
        {"manager": "m", "fieldsV1": {"f:metadata": {"f:annotations": {"f:a": {}}}}}
    ]
    policy = {"podSelector": {"matchLabels": {"app": "nginx"}}, "policyTypes": ["Ingress"], "ingress": [rule]}
    return [
        full,
        *cluster()[1:],
        obj("NetworkPolicy", "np", "networking.k8s.io/v1", spec=policy),
        obj(
            "Ingress", "in", "networking.k8s.io/v1", spec={"rules": [{"http": {"paths": [{"backend": {}}]}}]}
        ),
        obj(
            "Deployment",
            "d",
            "apps/v1",
            spec={"replicas": 1, "template": {"metadata": {"labels": {"a": "b"}}}},
        ),
        facts(kubeProxy={"mode": "ipvs", "featureGates": {"LoadBalancerIPMode": True}}),
    ]


@pytest.mark.parametrize("number", range(len(_everything())))
def test_any_value_anywhere_is_read_or_refused(explain: Explain, number: int) -> None:
    """Each place of each object in turn holds something else; a traceback is no answer."""
    for place in _places(_everything()[number])[1:]:
        for odd in (None, 7, -1, "", "x", [], [7], {}, {"x": 1}, True, 1.5):
            objects = _everything()
            target: Any = objects[number]
            for step in place[:-1]:
                target = target[step]
            target[place[-1]] = odd
            result = explain.json(*objects)
            assert result.status in (0, 2), (place, odd, result.err)
            assert "unexpected" not in result.err, (place, odd, result.err)


BAD_FACTS: list[tuple[Json, str]] = [
    ({"platfrom": "cce"}, "platfrom"),
    ({"platform": "aws"}, "cce, generic, unknown"),
    ({"kubernetesVersion": "banana"}, "kubernetesVersion"),
    ({"kubernetesVersion": 1.3}, "kubernetesVersion"),
    ({"kubernetesVersion": "v2.0"}, "kubernetesVersion"),
    ({"kubeProxy": "ipvs"}, "kubeProxy"),
    ({"kubeProxy": {"mode": "IPVS"}}, "kubeProxy.mode"),
    ({"kubeProxy": {"modes": "ipvs"}}, "kubeProxy.modes"),
    ({"kubeProxy": {"clusterCIDR": "10.0.0.0/99"}}, "kubeProxy.clusterCIDR"),
    ({"kubeProxy": {"clusterCIDR": "10.0.0.0"}}, "kubeProxy.clusterCIDR"),
    ({"kubeProxy": {"localDetector": "true"}}, "kubeProxy.localDetector"),
    ({"loadBalancer": {"publicIPs": "80.158.1.2"}}, "loadBalancer.publicIPs"),
    ({"kubeProxy": {"featureGates": {"Fancy": True}}}, "Fancy"),
    ({"kubeProxy": {"featureGates": {"LoadBalancerIPMode": 3}}}, "LoadBalancerIPMode"),
    ({"loadBalancer": {"publicIPs": ["x"]}}, "loadBalancer.publicIPs"),
    ({"loadBalancer": {"delivery": ["vip"]}}, "loadBalancer.delivery"),
]


@pytest.mark.parametrize(("fields", "words"), BAD_FACTS)
def test_an_unknown_or_impossible_fact_is_refused(explain: Explain, fields: Json, words: str) -> None:
    """An unknown key or an impossible value is an error."""
    result = explain.json(*cluster(), facts(**fields))
    assert (result.status, result.out) == (2, "")
    assert words in result.err


def test_an_object_that_is_there_twice_must_be_the_same(explain: Explain) -> None:
    """`kubectl get svc` and `get svc -A` into one file is fine; two versions of it are not."""
    assert explain.json(*cluster(), service(), GENERIC).status == 0
    result = explain.json(*cluster(), service(port=81), GENERIC)
    assert result.status == 2
    assert "Service default/nginx is there twice" in result.err


def test_kinds_and_groups_that_are_none_of_ours_are_passed_over(explain: Explain) -> None:
    """Whatever they hold."""
    others: list[Json] = [
        {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "nginx"}, "spec": 3},
        {"apiVersion": "v1", "kind": "Secret", "metadata": 7},
        {"apiVersion": "example.com/v1", "kind": "Node"},
    ]
    assert explain.json(*cluster(), *others, GENERIC).status == 0


def test_lists_inside_lists_and_typed_lists_are_read(explain: Explain) -> None:
    """A ServiceList leaves kind and apiVersion out of its items."""
    typed = service()
    del typed["kind"], typed["apiVersion"]
    inner = {"apiVersion": "v1", "kind": "ServiceList", "items": [typed]}
    nested = {"apiVersion": "v1", "kind": "List", "items": [inner, *cluster()[1:], GENERIC]}
    assert explain.run(explain.file(json.dumps(nested)), "-o", "json").paths


def test_lists_nested_without_end_are_refused(explain: Explain) -> None:
    """A few levels happen; more is no cluster."""
    nested: Json = {"apiVersion": "v1", "kind": "List", "items": []}
    for _ in range(20):
        nested = {"apiVersion": "v1", "kind": "List", "items": [nested]}
    result = explain.run(explain.file(json.dumps(nested)))
    assert result.status == 2
    assert "nested" in result.err


def test_a_short_file_that_stands_for_a_huge_one_is_refused(explain: Explain) -> None:
    """YAML aliases multiply; what is shown of a wrong value does not."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for letter, before in zip("bcdefgh", "abcdefg", strict=True):
        lines.append(f"{letter}: &{letter} [{', '.join([f'*{before}'] * 9)}]")
    lines += ["apiVersion: v1", "kind: Service", "metadata: {name: *h}"]
    result = explain.run(explain.file("\n".join(lines)))
    assert result.status == 2
    assert len(result.err) < 500


def test_input_above_the_limit_is_refused(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is stated."""
    monkeypatch.setattr(manifests, "LIMIT", 1024 * 1024)
    result = explain.run(explain.file(" " * (1024 * 1024 + 1)))
    assert result.status == 2
    assert "longer than 1 MiB" in result.err


def test_a_file_that_is_not_there_is_named(explain: Explain) -> None:
    """Exit 2."""
    result = explain.run("nowhere.yaml")
    assert (result.status, result.err) == (2, "elb-passthrough: nowhere.yaml: No such file or directory\n")


def test_names_at_kubernetes_limits_are_read(explain: Explain) -> None:
    """A name of 253 letters is a name; an annotation may be long."""
    objects = cluster(annotations={"example.com/note": "x" * 200_000})
    objects.append(obj("Pod", "p" * 253, spec={"nodeName": "node-1"}, status={"podIP": "10.0.0.99"}))
    assert explain.json(*objects, GENERIC).status == 0


def test_an_endpoint_without_a_node_is_a_finding(explain: Explain) -> None:
    """Policy Local counts it as local nowhere."""
    objects = cluster(externalTrafficPolicy="Local")
    del objects[1]["endpoints"][0]["nodeName"]
    (explanation,) = explain.json(*objects, GENERIC).explanations
    assert "endpoint-without-node" in {finding["code"] for finding in explanation["findings"]}


def test_an_endpoint_on_a_node_that_is_gone_has_no_clients_and_is_no_member(explain: Explain) -> None:
    """The nodes are known, and that is none of them: a finding, nobody's class, and nothing to forward to."""
    objects = cluster(externalTrafficPolicy="Local")
    for endpoint in objects[1]["endpoints"]:
        endpoint["nodeName"] = "node-gone"
    (explanation,) = explain.json(*objects, GENERIC).explanations
    assert "endpoint-on-missing-node" in {finding["code"] for finding in explanation["findings"]}
    assert "node-gone" not in {path["client"].get("node") for path in explanation["paths"]}
    (outside,) = [path for path in explanation["paths"] if path["client"]["kind"] == "external"]
    assert {trace["end"] for trace in outside["traces"]} == {"no-backend"}


def test_an_unreadable_kubelet_version_is_a_finding_and_weighed(explain: Explain) -> None:
    """Never a confident verdict on data that was not understood."""
    objects = cluster(externalTrafficPolicy="Local")
    for each in objects[2:4]:
        each["status"]["nodeInfo"]["kubeletVersion"] = "v9.banana"
    given = facts(platform="generic", kubeProxy={"mode": "ipvs"})
    (explanation,) = explain.json(*objects, given).explanations
    assert "version-unreadable" in {finding["code"] for finding in explanation["findings"]}
    verdicts = {path["client"]["class"]: path for path in explanation["paths"]}
    assert verdicts["pod-without-backend"]["missing"] == ["kubernetesVersion"]


@pytest.mark.parametrize(
    "rest",
    ["", "---\n", "---\napiVersion: v1\nkind: List\nitems: []\n", '--- {"apiVersion": "v1", "kind": "X"}'],
)
def test_a_stream_that_begins_with_json_may_go_on_in_yaml(explain: Explain, rest: str) -> None:
    """JSON is YAML, so facts as JSON may stand before what kubectl printed."""
    lead = (
        json.dumps(GENERIC) + "\n---\n" + json.dumps({"apiVersion": "v1", "kind": "List", "items": cluster()})
    )
    result = explain.run(explain.file(f"{lead}\n{rest}"), "-o", "json", "--from", "pod:default/client-b")
    assert (result.status, result.path["verdict"]) == (0, "reachable")


def test_a_merged_key_may_be_overridden(explain: Explain) -> None:
    """YAML's `<<` brings defaults along; a key beside it is no twin."""
    text = "apiVersion: v1\nkind: X\na: &a {k: 1}\nb: {<<: *a, k: 2}\n"
    assert explain.run(explain.file(text)).status == 0


WRONG_PORTS: list[Any] = [[{}], [{"port": None, "nodePort": 31080}], [{"port": 0}]]


@pytest.mark.parametrize("ports", WRONG_PORTS)
def test_a_service_port_needs_a_number(explain: Explain, ports: list[Json]) -> None:
    """There is no port 0 to explain."""
    result = explain.json(service(ports=ports), GENERIC)
    assert result.status == 2
    assert "spec.ports[0].port is" in result.err


@pytest.mark.parametrize("value", [[], {}, 0, False])
def test_an_empty_value_of_another_type_is_not_left_out(explain: Explain, value: Any) -> None:
    """Only null and the empty text are."""
    result = explain.json(*cluster(externalTrafficPolicy=value), GENERIC)
    assert result.status == 2
    assert "spec.externalTrafficPolicy is" in result.err
    assert explain.json(*cluster(externalTrafficPolicy=""), GENERIC).status == 0


@pytest.mark.parametrize(
    ("family", "words"), [("x", "addressType is 'x'"), ("IPv6", "addresses[0] is '10.0.0.10'")]
)
def test_a_slice_holds_addresses_of_the_family_that_it_names(
    explain: Explain, family: str, words: str
) -> None:
    """Kubernetes API: EndpointSlice.addressType."""
    objects = cluster()
    objects[1]["addressType"] = family
    result = explain.json(*objects, GENERIC)
    assert result.status == 2
    assert words in result.err


def test_facts_stand_in_one_document(explain: Explain) -> None:
    """An equal twin is no harm; one that differs leaves nobody to believe, and both are named."""
    assert explain.json(*cluster(), GENERIC, GENERIC).status == 0
    result = explain.json(*cluster(), GENERIC, facts(kubeProxy={"mode": "ipvs"}))
    assert result.status == 2
    assert "item 9" in result.err
    assert "item 8" in result.err


@pytest.mark.parametrize(
    "given",
    [
        {"kubeProxy": "unknown"},
        {"loadBalancer": "unknown"},
        {"kubeProxy": {"featureGates": "unknown"}},
        {"kubeProxy": {"featureGates": {"LoadBalancerIPMode": "unknown"}}},
    ],
)
def test_whole_sections_and_single_gates_may_be_unknown(explain: Explain, given: Json) -> None:
    """What is given as `unknown` is unknown."""
    assert explain.json(*cluster(), facts(**given)).status == 0


def test_a_gate_that_is_unknown_is_weighed_where_it_can_be_set(explain: Explain) -> None:
    """v1.30 knows LoadBalancerIPMode and lets it be turned off; v1.28 has none, v1.32 always."""
    objects = cluster()
    objects[0]["status"]["loadBalancer"]["ingress"][0]["ipMode"] = "Proxy"
    ways = {}
    for version in ("v1.28.0", "v1.30.0", "v1.32.0"):
        given = facts(
            platform="generic",
            kubernetesVersion=version,
            kubeProxy={"mode": "iptables", "featureGates": {"LoadBalancerIPMode": "unknown"}},
            loadBalancer={"delivery": "nodeport"},
        )
        path = explain.json(*objects, given, options=("--from", "pod:default/client-b")).path
        ways[version] = (path["verdict"], path["viaLoadBalancer"])
    assert ways == {
        "v1.28.0": ("reachable", False),
        "v1.30.0": ("reachable", None),
        "v1.32.0": ("reachable", True),
    }


@pytest.mark.parametrize("name", ["LB.Example.com", "lb.example.com."])
def test_a_host_name_is_matched_in_any_spelling(explain: Explain, name: str) -> None:
    """RFC 1035, 2.3.3; the same in the status and on the command line."""
    objects = cluster()
    for there, asked in ((name, "lb.example.com"), ("lb.example.com", name)):
        objects[0]["status"]["loadBalancer"]["ingress"] = [{"hostname": there}]
        assert (
            explain.json(*objects, GENERIC, options=("--to", f"{asked}:80", "--from", "external")).status == 0
        )


@pytest.mark.parametrize(
    "options",
    [("--from", ""), ("--to", ""), ("--service", ""), ("--from", "external:"), ("--service", "/nginx")],
)
def test_an_option_that_came_out_empty_is_refused(explain: Explain, options: tuple[str, str]) -> None:
    """A shell variable that is not set must not widen the question."""
    result = explain.json(*cluster(), GENERIC, options=options)
    assert (result.status, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1


def test_the_order_of_the_input_changes_nothing(explain: Explain) -> None:
    """The same cluster gives the same bytes; only where the facts stand is told."""
    objects = [*cluster(), pod("client-c", 2, "10.0.0.13")]
    assert explain.json(GENERIC, *objects).out == explain.json(GENERIC, *reversed(objects)).out


def test_facts_of_the_command_line_are_texts(explain: Explain) -> None:
    """A list by commas and a flag by its word; in a document they are what they are in YAML."""
    options = (
        "--set",
        "loadBalancer.publicIPs=192.168.0.133,80.158.1.2",
        "--set",
        "kubeProxy.localDetector=true",
    )
    paths = explain.json(*cluster(), GENERIC, options=options).paths
    assert {path["destination"]["scope"] for path in paths} == {"public"}
    assert explain.json(*cluster(), GENERIC, options=("--set", "kubeProxy.localDetector=yes")).status == 2
