"""What a script reads: the shape of the JSON, exit statuses, options."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from tests.explain.command import Explain
from tests.explain.manifests import GENERIC, Json, cluster, endpoint_slice, facts, listed, obj, service

SVG = "{http://www.w3.org/2000/svg}"
PASS = "kubernetes.io/elb.pass-through"
CLASS = "kubernetes.io/elb.class"


def test_one_client_and_address_are_answered_in_the_contract_s_shape(explain: Explain) -> None:
    """Every field of the contract is there, under its name."""
    options = ("--from", "pod:default/client-b", "--to", "192.168.0.133:80")
    (explanation,) = explain.json(*cluster(), GENERIC, options=options).explanations
    assert explanation["service"] == {"namespace": "default", "name": "nginx"}
    assert explanation["passThrough"] == {"state": "unsupported", "value": None, "origin": "api"}
    assert {"name", "value", "origin", "ref"} <= set(explanation["facts"][0])
    (path,) = explanation["paths"]
    assert path["client"]["kind"] == "pod"
    assert path["client"]["node"] == "node-2"
    assert path["client"]["standsFor"] == 1
    assert path["destination"] == {"ip": "192.168.0.133", "port": 80, "protocol": "TCP", "scope": "private"}
    assert (path["verdict"], path["viaLoadBalancer"], path["sourceIP"]) == ("reachable", False, "node")
    assert path["endpoints"] == ["default/nginx-a"]
    assert path["missing"] == []
    (trace,) = path["traces"]
    assert (trace["end"], trace["endpoint"], trace["assuming"]) == ("deliver", "default/nginx-a", [])
    assert {hop["kind"] for hop in trace["hops"]} == {"client", "node", "pod"}
    assert all(set(hop) == {"kind", "name", "action", "rule"} for hop in trace["hops"])
    assert all(set(reason) == {"code", "message", "source"} for reason in path["reasons"])
    assert {"code", "severity", "message", "evidence", "fix", "source"} == set(explanation["findings"][0])


def test_without_a_client_every_class_is_answered_and_counted(explain: Explain) -> None:
    """Outside, Pods and hosts with and without an endpoint, a backend itself."""
    paths = explain.json(*cluster(), GENERIC).paths
    counts = {path["client"]["class"]: path["client"]["standsFor"] for path in paths}
    assert counts == {
        "external": 1,
        "pod-with-backend": 1,
        "pod-without-backend": 1,
        "backend": 1,
        "node-with-backend": 1,
        "node-without-backend": 1,
    }


def test_yaml_and_json_documents_streams_and_pipes_say_the_same(explain: Explain) -> None:
    """However kubectl prints it."""
    objects = [*cluster(), GENERIC]
    as_list = explain.json(*objects).paths
    stream = "\n".join(json.dumps(each) for each in objects)
    documents = "\n---\n".join(json.dumps(each) for each in objects)
    assert explain.run(explain.file(stream), "-o", "json").paths == as_list
    assert explain.run(explain.file("---\n" + documents), "-o", "json").paths == as_list
    assert explain.run("-", "-o", "json", stdin=listed(*objects).encode()).paths == as_list
    files = [explain.file(json.dumps(each), f"{number}.json") for number, each in enumerate(objects)]
    assert explain.run(*files, "-o", "json").paths == as_list


def test_cluster_facts_are_facts_with_origin_input(explain: Explain) -> None:
    """Given facts win and are shown as given; unknown ones are shown as unknown."""
    (explanation,) = explain.json(
        *cluster(), facts(kubernetesVersion="v1.31.0", platform="unknown")
    ).explanations
    shown = {fact["name"]: fact for fact in explanation["facts"]}
    assert (shown["kubernetesVersion"]["value"], shown["kubernetesVersion"]["origin"]) == ("v1.31.0", "input")
    assert (shown["platform"]["value"], shown["platform"]["origin"]) == (None, "unknown")


def test_a_version_is_shown_as_it_was_given_and_its_origin_without_it(explain: Explain) -> None:
    """CCE's revision tells the platform; the reference names the place, and says nothing twice."""
    options = ("--set", "kubernetesVersion=v1.29.2-r5")
    (explanation,) = explain.json(service(), options=options).explanations
    shown = {fact["name"]: (fact["value"], fact["ref"]) for fact in explanation["facts"]}
    assert shown["kubernetesVersion"] == ("v1.29.2-r5", "--set kubernetesVersion=v1.29.2-r5")
    assert shown["platform"] == ("cce", "--set kubernetesVersion=v1.29.2-r5")


def test_an_unquoted_version_keeps_its_digits(explain: Explain) -> None:
    """1.30 is no number."""
    text = "apiVersion: elb-passthrough/v1\nkind: ClusterFacts\nkubernetesVersion: 1.30\n---\n" + json.dumps(
        service()
    )
    (explanation,) = explain.run(explain.file(text), "-o", "json").explanations
    assert {"v1.30"} == {
        each["value"] for each in explanation["facts"] if each["name"] == "kubernetesVersion"
    }


def test_several_addresses_are_all_answered(explain: Explain) -> None:
    """A public load balancer of CCE has two entries (cce_10_0924)."""
    both = service(annotations={CLASS: "union"})
    both["status"]["loadBalancer"]["ingress"] = [{"ip": "80.158.1.9"}, {"ip": "192.168.0.133"}]
    paths = explain.json(both, *cluster()[1:]).paths
    assert {(path["destination"]["ip"], path["destination"]["scope"]) for path in paths} == {
        ("80.158.1.9", "public"),
        ("192.168.0.133", "private"),
    }


@pytest.mark.parametrize(
    ("ip", "scope"),
    [
        ("100.64.0.1", "private"),
        ("172.32.0.1", "public"),
        ("169.254.1.1", "private"),
        ("fd00::1", "private"),
        ("2001:db8::1", "public"),
        ("fe80::1", "private"),
    ],
)
def test_scope_goes_by_the_address(explain: Explain, ip: str, scope: str) -> None:
    """RFC 1918, 4193, 6598 and link-local are private."""
    changed = service(ip=ip)
    paths = explain.json(changed, *cluster()[1:], GENERIC).paths
    assert {path["destination"]["scope"] for path in paths} == {scope}


def test_what_is_given_as_unknown_stays_unknown(explain: Explain) -> None:
    """Neither annotations nor kubelet versions fill it in."""
    objects = cluster(annotations={CLASS: "union", PASS: "true"}, externalTrafficPolicy="Local")
    given = facts(platform="unknown", kubernetesVersion="unknown", kubeProxy={"mode": "ipvs"})
    (explanation,) = explain.json(*objects, given).explanations
    shown = {fact["name"]: fact["value"] for fact in explanation["facts"]}
    assert (shown["platform"], shown["kubernetesVersion"]) == (None, None)
    assert explanation["passThrough"]["state"] == "unknown"
    assert (
        explain.json(*objects, facts(kubeProxy={"mode": "ipvs"})).explanations[0]["passThrough"]["state"]
        == "on"
    )


@pytest.mark.parametrize(
    ("sign", "name", "value"),
    [
        (
            obj(
                "NetworkAttachmentDefinition",
                "default-network",
                "k8s.cni.cncf.io/v1",
                "kube-system",
                spec={"config": '{"type": "eni-neutron"}'},
            ),
            "category",
            "turbo",
        ),
        (
            obj("YangtseConfiguration", "default", "crd.yangtse.cni/v1", spec={"eni": {"a": 1}}),
            "category",
            "turbo",
        ),
        (obj("DaemonSet", "yangtse-cilium", "apps/v1", "kube-system", spec={}), "kubeProxy.mode", "other"),
    ],
)
def test_objects_of_one_kind_of_cluster_give_it_away(
    explain: Explain, sign: Json, name: str, value: str
) -> None:
    """cce_10_0196, cce_10_0288, cce_10_0945; what is given wins."""
    (explanation,) = explain.json(*cluster(), sign).explanations
    (shown,) = [fact for fact in explanation["facts"] if fact["name"] == name]
    assert (shown["value"], shown["origin"]) == (value, "api")
    given = facts(category="standard", kubeProxy={"mode": "ipvs"})
    (explanation,) = explain.json(*cluster(), sign, given).explanations
    assert {"standard", "ipvs"} <= {fact["value"] for fact in explanation["facts"]}


# --- which Services --------------------------------------------------------------------------------------


def test_an_address_alone_finds_the_services_that_own_it(explain: Explain) -> None:
    """Address and port; if none owns the port, every Service with the address, each for that port."""
    objects = [*cluster(), service("other", port=443), endpoint_slice("other", {}), GENERIC]

    def names(to: str) -> list[str]:
        found = explain.json(*objects, options=("--to", to)).explanations
        return [each["service"]["name"] for each in found]

    assert names("192.168.0.133:80") == ["nginx"]
    assert names("192.168.0.133:443") == ["other"]
    assert names("192.168.0.133:9999") == ["nginx", "other"]


def test_an_assumed_address_can_be_asked_about(explain: Explain) -> None:
    """What the answer names as the address is an address to ask for; a Service elsewhere has none of it."""
    waiting = service("waiting")
    waiting["status"] = {}
    objects = [*cluster(), waiting, GENERIC]
    (explanation,) = explain.json(*objects, options=("--to", "192.168.255.254:80")).explanations
    assert explanation["service"]["name"] == "waiting"
    assert {path["destination"]["ip"] for path in explanation["paths"]} == {"192.168.255.254"}
    assert explain.json(*objects, options=("--to", "192.0.2.254:80")).status == 2


def test_a_new_service_on_a_load_balancer_has_that_one_s_address(explain: Explain) -> None:
    """One `elb.id` is one load balancer: the port of a Service that is not applied yet is found at its address."""
    mine = {"kubernetes.io/elb.id": "elb-1"}
    waiting = service("waiting", port=8443, annotations=mine)
    waiting["status"] = {}
    objects = [*cluster(annotations=mine), waiting, GENERIC]
    (explanation,) = explain.json(*objects, options=("--to", "192.168.0.133:8443")).explanations
    assert explanation["service"]["name"] == "waiting"
    (explanation,) = explain.json(*objects, options=("--to", "192.168.0.133:80")).explanations
    assert explanation["service"]["name"] == "nginx"


@pytest.mark.parametrize("address", ["192.168.0.1:80", "10.247.0.9:80", "203.0.113.5:80"])
def test_an_address_of_no_load_balancer_is_refused(explain: Explain, address: str) -> None:
    """A node's, a cluster IP, nobody's: exit 2."""
    result = explain.json(*cluster(), GENERIC, options=("--to", address))
    assert result.status == 2
    assert address.partition(":")[0] in result.err


def test_a_host_name_is_matched_and_never_resolved(explain: Explain) -> None:
    """An ingress host name is a destination."""
    named = service()
    named["status"]["loadBalancer"]["ingress"] = [{"hostname": "lb.example.invalid"}]
    options = ("--to", "lb.example.invalid:80", "--from", "pod:default/client-a")
    path = explain.json(named, *cluster()[1:], GENERIC, options=options).path
    assert (path["verdict"], path["viaLoadBalancer"]) == ("reachable", True)


def test_an_ipv6_destination_stands_in_brackets(explain: Explain) -> None:
    """[fd00::1]:80, in any spelling of the address."""
    changed = service(ip="fd00::1")
    result = explain.json(
        changed, *cluster()[1:], GENERIC, options=("--to", "[fd00:0::1]:80", "--from", "external")
    )
    assert result.path["destination"]["ip"] == "fd00::1"


def test_without_any_load_balancer_the_answer_is_empty(explain: Explain) -> None:
    """explanations: [], a sentence on standard error, exit 0."""
    result = explain.json(obj("Service", "plain", spec={"type": "ClusterIP", "ports": [{"port": 80}]}))
    assert (result.status, result.explanations) == (0, [])
    assert "no Service of type LoadBalancer" in result.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--service", "default/ngnix"), "Did you mean default/nginx"),
        (("--service", "default/plain"), "is of type ClusterIP"),
        (("--service", "a/b/c"), "NS/NAME"),
        (("--from", "pod:default/nobody"), "no Pod default/nobody"),
        (("--from", "node:node-9"), "no node node-9"),
        (("--from", "laptop"), "pod:NS/NAME"),
        (("--from", "external:300.1.1.1"), "no IP address"),
        (("--to", "192.168.0.133"), "ADDRESS:PORT"),
        (("--to", "fd00::1:80"), "brackets"),
        (("--to", "192.168.0.133:0"), "ADDRESS:PORT"),
        (("--arrives-at", "node-9"), "no node node-9"),
        (("--drain", "node-9"), "no node node-9"),
        (("--set", "mode=ipvs"), "did you mean kubeProxy.mode?"),
        (("--set", "kubeProxyMode=ipvs"), "did you mean kubeProxy.mode?"),
        (("--set", "elb.class=union"), "did you mean kubernetes.io/elb.class?"),
        (("--set", "zzz=1"), "it may be an annotation (NAME/NAME), externalTrafficPolicy, platform"),
        (("--set", "kubeProxy.mode=IPVS"), "iptables, ipvs, nftables"),
        (("--set", "externalTrafficPolicy=local"), "Cluster or Local"),
        (("--set", "nonsense"), "KEY=VALUE"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    explain: Explain, options: tuple[str, ...], words: str
) -> None:
    """Exit 2 and one sentence."""
    plain = obj("Service", "plain", spec={"type": "ClusterIP", "ports": [{"port": 80}]})
    result = explain.json(*cluster(), plain, GENERIC, options=options)
    assert (result.status, result.out) == (2, "")
    assert words in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("option", ["--service", "--from", "--to", "--arrives-at"])
def test_an_option_that_is_there_twice_is_refused(
    explain: Explain, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    """Of two values one would be passed over in silence."""
    with pytest.raises(SystemExit, match="2"):
        explain.json(*cluster(), options=(option, "a", option, "b"))
    assert f"argument {option}: is given twice" in capsys.readouterr().err


# --- what would be ---------------------------------------------------------------------------------------


def test_what_if_answers_for_what_would_be_and_says_what_shifts(explain: Explain) -> None:
    """--set of an annotation: before and after, hop by hop, per class."""
    objects = [
        *cluster(annotations={CLASS: "performance"}),
        facts(category="standard", kubeProxy={"mode": "ipvs"}),
    ]
    objects[0]["spec"]["externalTrafficPolicy"] = "Local"
    result = explain.json(*objects, options=("--set", f"{PASS}=true"))
    (explanation,) = result.explanations
    assert explanation["passThrough"]["state"] == "on"
    effects = {each["client"]["class"]: each["effect"] for each in explanation["changes"]}
    assert effects["node-without-backend"] == "gains"
    assert effects["pod-with-backend"] == "loses"
    assert effects["external"] == "unchanged"
    assert explanation["changes"][0]["before"]["hops"]


def test_an_annotation_can_be_supposed_away(explain: Explain) -> None:
    """KEY- removes it, as kubectl annotate does."""
    objects = [*cluster(annotations={CLASS: "union", PASS: "true"}), facts(category="standard")]
    (explanation,) = explain.json(*objects, options=("--set", f"{PASS}-")).explanations
    assert explanation["passThrough"] == {"state": "off", "value": None, "origin": "api"}


def test_supplying_a_missing_fact_supposes_nothing(explain: Explain) -> None:
    """What was unknown is learnt; only what was known can be supposed otherwise."""
    supplied = explain.json(*cluster(), facts(platform="generic"), options=("--set", "kubeProxy.mode=ipvs"))
    assert "changes" not in supplied.explanations[0]
    supposed = explain.json(*cluster(), GENERIC, options=("--set", "kubeProxy.mode=ipvs"))
    assert supposed.explanations[0]["changes"]


def test_draining_a_node_is_supposed(explain: Explain) -> None:
    """--drain takes its endpoints and Pods away."""
    paths = explain.json(*cluster(), GENERIC, options=("--drain", "node-1")).paths
    assert {path["verdict"] for path in paths} == {"unreachable"}
    assert sum(path["client"]["standsFor"] for path in paths if path["client"]["kind"] == "pod") == 1


def test_arrives_at_fixes_the_picked_node(explain: Explain) -> None:
    """Policy Local at a node without endpoint: dropped there."""
    objects = cluster(externalTrafficPolicy="Local")
    options = ("--from", "external:203.0.113.9", "--arrives-at", "node-2")
    path = explain.json(*objects, GENERIC, options=options).path
    assert (path["verdict"], path["traces"][0]["end"]) == ("unreachable", "drop")


# --- exit status and other outputs -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "fail_on", "status"),
    [
        ("Cluster", None, 0),
        ("Cluster", "error", 0),
        ("Local", None, 0),
        ("Local", "error", 1),
        ("Local", "warning", 1),
    ],
)
def test_bad_news_fail_only_if_asked_to(
    explain: Explain, policy: str, fail_on: str | None, status: int
) -> None:
    """--fail-on error: an unreachable path or an error."""
    objects = [*cluster(externalTrafficPolicy=policy), GENERIC]
    objects[-1] = {**GENERIC, "kubeProxy": {"mode": "ipvs"}}
    options = ("--fail-on", fail_on) if fail_on else ()
    assert explain.json(*objects, options=options).status == status


def test_warnings_and_undetermined_paths_fail_on_warning_only(explain: Explain) -> None:
    """An unknown that decides is no error."""
    objects = [*cluster(externalTrafficPolicy="Local"), facts(platform="generic")]
    assert explain.json(*objects, options=("--fail-on", "error")).status == 0
    assert explain.json(*objects, options=("--fail-on", "warning")).status == 1


def test_text_says_verdict_table_why_what_now_and_whence(explain: Explain) -> None:
    """For a person: in this order."""
    objects = [*cluster(annotations={CLASS: "union"}), facts(category="standard", kubeProxy={"mode": "ipvs"})]
    out = explain.run(explain.file(listed(*objects))).out
    lines = out.splitlines()
    assert lines[0] == "default/nginx: in-cluster clients bypass the load balancer; nobody is cut off"
    places = [out.index(each) for each in ("Gets there", "Why ", "What now", "Findings", "Known")]
    assert places == sorted(places)
    assert "[lb-address-captured]" in out
    assert "nginx.default.svc" in out
    assert all(len(line) <= 160 for line in lines)


def test_text_says_first_what_is_missing_and_how_to_supply_it(explain: Explain) -> None:
    """Above everything that depends on it; and each case in which it fails below the table."""
    objects = [
        *cluster(externalTrafficPolicy="Local"),
        facts(platform="generic", kubernetesVersion="v1.23.1"),
    ]
    out = explain.run(explain.file(listed(*objects))).out
    assert out.index("Missing") < out.index("Gets there") < out.index("? fails if") < out.index("Why ")
    assert "- kubeProxy.mode: ClusterFacts kubeProxy.mode, or --set kubeProxy.mode=ipvs" in out
    assert "? fails if kubeProxy.mode=ipvs: processes on nodes without a backend" in out


def test_text_says_what_would_tell_the_way_where_the_verdict_is_sure(explain: Explain) -> None:
    """Everybody gets there; whether through the load balancer depends on the version."""
    objects = [service(annotations={CLASS: "union", PASS: "true"}), facts(category="standard")]
    out = explain.run(explain.file(listed(*objects))).out
    assert 'pass-through "true": whether it takes effect is not known (missing: kubernetesVersion)' in out
    assert "Which way they go depends on:\n          - kubernetesVersion: " in out


def test_text_names_what_a_change_would_shift(explain: Explain) -> None:
    """The way before and after, and everybody whom it concerns; never only yes → yes."""
    objects = [*cluster(annotations={CLASS: "union"}), facts(category="standard", kubeProxy={"mode": "ipvs"})]
    out = explain.run(explain.file(listed(*objects)), "--set", f"{PASS}=true").out
    assert f"this is what would be with --set {PASS}=true" in out
    assert "past the load balancer → through the load balancer" in out
    assert "unchanged     outside the cluster" in out
    assert "yes → yes" not in out


def test_without_an_endpoint_no_other_way_is_advised(explain: Explain) -> None:
    """The name inside the cluster leads to nobody either; the finding says what helps."""
    objects = [*cluster(annotations={CLASS: "union"}), facts(category="standard")]
    objects[1]["endpoints"] = []
    path = explain.file(listed(*objects))
    (explanation,) = explain.run(path, "-o", "json").explanations
    assert explanation["remedies"] == []
    assert "no-ready-endpoint" in {finding["code"] for finding in explanation["findings"]}
    out = explain.run(path).out
    assert out.startswith("default/nginx: nobody gets there\n")
    assert "What now" not in out
    assert "Missing" not in out


def test_addresses_on_which_everybody_fares_the_same_share_a_table(explain: Explain) -> None:
    """Ten ports are one table, not ten."""
    several = service(ports=[{"name": f"p{n}", "port": 8000 + n, "nodePort": 31000 + n} for n in range(10)])
    out = explain.run(explain.file(listed(several, GENERIC))).out
    assert out.count("Gets there") == 1
    assert "to 192.168.0.133:8000 TCP (private)" in out
    assert "and 6 more, all the same" in out


def test_text_says_where_every_fact_is_known_from(explain: Explain) -> None:
    """The facts of one place stand together; what the model takes for granted is said."""
    given = facts(category="standard", kubernetesVersion="v1.29.2-r5")
    objects = [*cluster(annotations={CLASS: "union", PASS: "true"}), given]
    out = " ".join(explain.run(explain.file(listed(*objects)), "--set", "kubeProxy.mode=ipvs").out.split())
    assert "kubeProxy.mode = ipvs (given: --set kubeProxy.mode=ipvs)" in out
    assert "category = standard, kubernetesVersion = v1.29.2-r5 (given: " in out
    assert "taken for granted: " in out
    assert "loadBalancer.accessList, securityGroups (only the cloud's API tells)" in out


def test_text_shows_the_way_of_one_client(explain: Explain) -> None:
    """Hop by hop, each with its rule."""
    out = explain.run(explain.file(listed(*cluster(), GENERIC)), "--from", "node:node-2").out
    assert "node node-2" in out
    assert "[iptables-cluster]" in out


LINE = re.compile(
    r"""flowchart\ LR
    |\ \ (?:end|subgraph\ g\d+\["[^"]*"\]|style\ g\d+\ [\w#:,]+|classDef\ \w+\ [\w#:,\ -]+)
    |\ {4}direction\ LR
    |\ {4}r\d+s0\("[^"]*"\):::plain(?:\ -->\ r\d+s\d+[\[(]"[^"]*"[\])]:::\w+)*""",
    re.VERBOSE,
)
"""What our flowcharts consist of; every text is quoted, and no quote is within one."""


def test_mermaid_has_a_way_for_every_class(explain: Explain) -> None:
    """One flowchart, whatever there is to draw; a renderer takes no second one."""
    several = [*cluster(), service("other", port=443), endpoint_slice("other", {}), GENERIC]
    out = explain.run(explain.file(listed(*several)), "-o", "mermaid").out
    assert all(LINE.fullmatch(line) for line in out.splitlines())
    assert out.count("flowchart") == 1
    assert out.count("subgraph") == 2
    for name in (
        "outside the cluster",
        "pods on nodes with a backend (1)",
        "a backend pod calling itself (1)",
    ):
        assert name in out


@pytest.mark.parametrize("form", ["mermaid", "svg"])
def test_a_drawing_says_in_words_what_its_colours_say(explain: Explain, form: str) -> None:
    """Through the load balancer, past it, never to it; gets there or not."""
    objects = [*cluster(externalTrafficPolicy="Local"), {**GENERIC, "kubeProxy": {"mode": "ipvs"}}]
    out = explain.run(explain.file(listed(*objects)), "-o", form).out
    assert "past the load balancer" in out
    assert "never gets to the load" in out
    assert "through the load" in out
    assert "gets there" in out
    assert "NO: the reply is lost" in out


def test_svg_is_a_document_of_its_own(explain: Explain) -> None:
    """Well-formed, with a title and the verdict in words, and nothing from elsewhere."""
    out = explain.run(explain.file(listed(*cluster(), GENERIC)), "-o", "svg").out
    root = ET.fromstring(out)  # noqa: S314  our own output
    assert root.tag == f"{SVG}svg"
    assert root.findtext(f"{SVG}title") == "Traffic paths of default/nginx"
    assert root.findtext(f"{SVG}desc") == (
        "default/nginx: in-cluster clients bypass the load balancer; nobody is cut off"
    )
    assert "href" not in out


@pytest.mark.parametrize("letter", ["m", "i", "W", "-", "ש", "字"])
def test_a_long_name_stays_inside_the_picture(explain: Explain, letter: str) -> None:
    """As long as Kubernetes allows, in the widest letters and the narrowest; nothing is wider than its box."""
    objects = cluster()
    objects[1]["endpoints"][0]["targetRef"]["name"] = letter * 253
    root = ET.fromstring(explain.run(explain.file(listed(*objects, GENERIC)), "-o", "svg").out)  # noqa: S314  our own output
    longest = max(
        len(line.text) for line in root.iter(f"{SVG}text") if line.text and set(line.text) == {letter}
    )
    widest = {"-": 4.5, "i": 3.5}.get(letter, 12)
    assert longest * widest <= 240 - 16


def test_a_picture_of_nothing_is_a_picture(explain: Explain) -> None:
    """No Service: still a document that can be shown."""
    path = explain.file('{"apiVersion": "v1", "kind": "List", "items": []}')
    ET.fromstring(explain.run(path, "-o", "svg").out)  # noqa: S314  our own output
    assert explain.run(path, "-o", "mermaid").out.startswith("flowchart LR\n")


def test_names_cannot_break_out_of_a_diagram(explain: Explain) -> None:
    """Host names come from a cluster's status: they are escaped."""
    evil = service()
    evil["status"]["loadBalancer"]["ingress"] = [{"hostname": '"]<script>&'}]
    path = explain.file(listed(evil, *cluster()[1:], GENERIC))
    ET.fromstring(explain.run(path, "-o", "svg").out)  # noqa: S314  our own output
    assert "<script>" not in explain.run(path, "-o", "mermaid").out
