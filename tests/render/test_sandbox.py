"""A team's own templates, written by somebody who means harm: what they cannot reach, and where they end."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.objects import PASS_THROUGH
from bot.render import Renderer, RenderError, shipped_templates
from bot.render.sandbox import LONGEST

SERVICE: dict[str, Any] = {
    "namespace": "shop",
    "name": "checkout",
    "labels": {"app": "checkout"},
    "local": False,
    "elb": {"kubernetes.io/elb.class": "union"},
}
CONTEXT = {"service": SERVICE, "value": "true"}
BOUND = 20.0
"""Seconds; the slowest takes well under one on a free machine."""


def own(tmp_path: Path, text: str | bytes, name: str = "patches/pass-through.json.j2") -> Renderer:
    """A renderer with one template of a team's own."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Renderer(tmp_path)


def patch_with(inside: str) -> str:
    """A patch template with something in the place of a value."""
    return '{"metadata": {"annotations": {"my.org/x": "' + inside + '"}}}'


def rendered(tmp_path: Path, text: str | bytes) -> Any:
    """What comes out."""
    return own(tmp_path, text).patch("pass-through", CONTEXT)


def refused(tmp_path: Path, text: str | bytes) -> str:
    """What is said against it."""
    with pytest.raises(RenderError) as caught:
        rendered(tmp_path, text)
    said = str(caught.value)
    assert "patches/pass-through.json.j2" in said
    assert "\n" not in said
    assert len(said) < 500
    return said


def test_a_teams_own_template_is_found_before_ours(tmp_path: Path) -> None:
    """And may use what the page of settings says."""
    text = patch_with(
        "{{ service.namespace }}-{{ service.labels.app | upper }}-{% if service.local %}L{% endif %}"
    )
    assert rendered(tmp_path, text) == {"metadata": {"annotations": {"my.org/x": "shop-CHECKOUT-"}}}


def test_the_shipped_template_stays_where_there_is_none_of_the_teams_own(tmp_path: Path) -> None:
    """A directory of a team's own need not hold every template."""
    found = own(tmp_path, "{}", name="messages/other.json.j2").patch("pass-through", CONTEXT)
    assert found == {"metadata": {"annotations": {PASS_THROUGH: "true"}}}


OUT_OF_REACH = (
    "{{ service.__class__ }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ service['__class__'] }}",
    "{{ (service | attr('__class__')) }}",
    "{{ service.keys.__globals__ }}",
    "{{ range.__init__.__globals__ }}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ namespace.__init__ }}",
    "{{ ().__class__.__base__.__subclasses__() }}",
    "{{ '{0.__class__}'.format(service) }}",
    "{{ '%s' % service }}",
    "{{ 'x'.encode() }}",
    "{{ 'x'.translate({}) }}",
    "{{ service.update({'a': 1}) }}",
    "{{ service.pop('name') }}",
    "{{ service.labels.clear() }}",
    "{{ lipsum() }}",
    "{{ cycler('a') }}",
    "{{ joiner() }}",
    "{{ config }}",
    "{{ now() }}",
    "{{ [1, 2, 3] | random }}",
    "{{ 'a' | safe }}",
    "{{ 'a' | pprint }}",
    "{{ 'a' | xmlattr }}",
    "{{ secret }}",
    "{{ service.annotations }}",
    "{{ service['kubectl.kubernetes.io/last-applied-configuration'] }}",
    "{{ service.uid }}",
    "{% do service %}",
    "{% debug %}",
)


@pytest.mark.parametrize("text", OUT_OF_REACH)
def test_what_is_not_given_cannot_be_reached(tmp_path: Path, text: str) -> None:
    """Neither Python's inside nor what changes, guesses or depends on the moment."""
    refused(tmp_path, patch_with(text))


PULLED_IN = (
    '{% include "messages/_parts.json.j2" %}',
    '{% include "../../../../../etc/passwd" %}',
    '{% include "/etc/passwd" %}',
    '{% include ["a", "b"] ignore missing %}',
    '{% import "messages/_parts.json.j2" as parts %}',
    '{% from "messages/_parts.json.j2" import section %}',
    '{% extends "messages/card.json.j2" %}',
    '{% if false %}{% include "x" %}{% endif %}',
)


@pytest.mark.parametrize("text", PULLED_IN)
def test_a_patch_template_stands_alone(tmp_path: Path, text: str) -> None:
    """People approve the digest of one file; another one would not be in it."""
    assert "stands alone" in refused(tmp_path, text + patch_with("x"))


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..\\secret", "a/../../secret"])
def test_no_message_pulls_in_a_file_from_outside(tmp_path: Path, name: str) -> None:
    """Messages may include others, of the two directories."""
    (tmp_path / "secret").write_text("hunter2")
    text = '{"text": "{% include "' + name.replace("\\", "\\\\") + '" %}", "blocks": []}'
    renderer = own(tmp_path / "own", text, name="messages/unheard.json.j2")
    with pytest.raises(RenderError) as caught:
        renderer.message("unheard")
    assert "hunter2" not in str(caught.value)


ENDLESS = {
    "a loop in a loop in a loop": "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}"
    "{% endfor %}{% endfor %}{% endfor %}",
    "a range that is too long": "{% for a in range(100000) %}{% endfor %}",
    "a huge range": "{{ range(10 ** 18) | length }}",
    "a macro that calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a macro that calls itself twice": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}"
    "{{ f(40) }}",
    "a recursive loop": "{% for a in [1, 1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
    "a long text": "{{ 'x' * 1000000000 }}",
    "a long list": "{{ ([1] * 1000000000) | length }}",
    "a text doubled by +": "{% set n = namespace(s='xy') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}",
    "a text doubled by ~": "{% set n = namespace(s='xy') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
    "a text doubled by a block": "{% set n = namespace(s='xy') %}{% for i in range(60) %}"
    "{% set x %}{{ n.s }}{{ n.s }}{% endset %}{% set n.s = x %}{% endfor %}",
    "a text doubled by a macro": "{% macro d(s) %}{{ s }}{{ s }}{% endmacro %}"
    "{{ " + "d(" * 40 + "'x'" + ")" * 40 + " }}",
    "a list doubled": "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = n.l + n.l %}{% endfor %}",
    "a list in itself twice": "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}"
    "{{ n.l | tojson }}",
    "a table in itself twice": "{% set n = namespace(l={}) %}{% for i in range(60) %}{% set n.l = {'a': n.l, 'b': n.l} %}"
    "{% endfor %}{{ n.l == n.l }}",
    "a pair in itself twice": "{% set n = namespace(l=()) %}{% for i in range(60) %}{% set n.l = (n.l, n.l) %}{% endfor %}"
    "{{ n.l | string }}",
    "a power": "{{ 10 ** 10 ** 10 }}",
    "a product": "{% set n = namespace(n=10) %}{% for i in range(60) %}{% set n.n = n.n * n.n %}{% endfor %}",
    "a wide field": "{{ '%1000000000d' % 1 }}",
    "a wide format": "{{ '{:>1000000000}'.format(1) }}",
    "padding": "{{ 'x'.ljust(1000000000) }}",
    "centring": "{{ 'x' | center(1000000000) }}",
    "indenting": "{{ ('a\\n' * 1000) | indent(1000000) }}",
    "wrapping": "{{ 'x' | wordwrap(1) }}",
    "replacing": "{% set a = 'x' %}{% for i in range(9) %}{% set a = a %}{% endfor %}"
    "{% set n = namespace(s='xxxxxxxxxx') %}{% for i in range(9) %}{% set n.s = n.s | replace('x', 'xxxxxxxxxx') %}{% endfor %}",
    "joining": "{% set n = namespace(s='xxxxxxxxxx') %}{% for i in range(9) %}{% set n.s = [n.s] * 9 | join(n.s) %}{% endfor %}",
    "batches": "{{ [1] | batch(1000000000, 0) | list }}",
    "much sorting": "{% for i in range(1000) %}{% set x = range(1000) | sort | list %}{% endfor %}",
    "much splitting": "{% for i in range(1000) %}{% set x = ('a ' ~ 'b ') .split() %}{% for j in range(1000) %}{% endfor %}{% endfor %}",
    "much output": "{% for i in range(1000) %}" + "x" * 1000 + "{% endfor %}",
    "a huge file": "x" * (LONGEST + 1),
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_work_without_end_is_broken_off(tmp_path: Path, text: str) -> None:
    """The bot renders where it does everything else: a template must not be able to stop it."""
    begun = time.process_time()
    refused(tmp_path, text)
    assert time.process_time() - begun < BOUND


@pytest.mark.parametrize(
    "text",
    [
        "{{ 1 / 0 }}",
        "{{ 'a' + 1 }}",
        "{{ service.name.nothing.more }}",
        "{{ [][3] }}",
        "{{ none }}",
        "{{ (1, 2) | map('upper') }}",
        "{{ service }}",
        "{{ service.labels.items() }}",
        "{{ service.get }}",
        "{{ [1] }}",
        "{{ namespace() }}",
        "{% for x in 3 %}{% endfor %}",
        "{% if %}",
        "{{",
        "{% macro %}",
        "{{ x | nofilter }}",
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_file(tmp_path: Path, text: str) -> None:
    """Whatever Python or Jinja would raise; `service` is no text, so it is not shown either."""
    refused(tmp_path, patch_with(text))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("metadata:\n  annotations: {}", "no JSON"),
        ('{"metadata": {"annotations": {"a": "1"}}, "metadata": {}}', "the key metadata is there twice"),
        ('{"metadata": {"annotations": {"a/b": "1", "a\\/b": "2"}}}', "the key a/b is there twice"),
        ('{"metadata": {"annotations": {"ab": "1", "\\u0061b": "2"}}}', "the key ab is there twice"),
        ('{"metadata": NaN}', "NaN is no value"),
        ('{"metadata": -Infinity}', "-Infinity is no value"),
        ('{"a": "b\nc"}', "no JSON"),
        ('{"a": 1} {"b": 2}', "no JSON"),
        ("[" * 5000, "no JSON"),
        ('{"a": ' + "9" * 5000 + "}", "no JSON"),
    ],
)
def test_what_is_no_json_to_the_letter_is_refused(tmp_path: Path, text: str, why: str) -> None:
    """A key that is there twice would let one value be read and another be sent."""
    assert why in refused(tmp_path, text)


def test_a_value_is_sent_as_it_was_rendered(tmp_path: Path) -> None:
    """Messages lose line breaks around a text, patches lose nothing."""
    assert rendered(tmp_path, '{"metadata": {"annotations": {"a": "\\ntrue\\n"}}}') == {
        "metadata": {"annotations": {"a": "\ntrue\n"}}
    }


@given(st.text(max_size=200))
@settings(max_examples=60)
def test_a_value_can_never_leave_its_string(text: str) -> None:
    """Quotes, backslashes and control characters of a label stay in the annotation's value."""
    context = {"service": {**SERVICE, "labels": {"app": text}}, "value": "true"}
    renderer = LABELLED
    assert renderer.patch("pass-through", context) == {"metadata": {"annotations": {"my.org/x": text}}}


def test_a_set_is_not_gone_through(tmp_path: Path) -> None:
    """Its order differs from process to process, so two replicas would render different patches."""
    for text in ("{% for x in s %}{{ x }}{% endfor %}", "{{ s | join }}", "{{ s | first }}", "{{ s }}"):
        with pytest.raises(RenderError):
            own(tmp_path, patch_with(text)).patch("pass-through", {"s": frozenset({"a", "b"})})
    sorted_set = own(tmp_path, patch_with("{{ s | sort | join }}"))
    assert sorted_set.patch("pass-through", {"s": frozenset({"a", "b"})})["metadata"]["annotations"] == {
        "my.org/x": "ab"
    }


class _Counting:
    """Something that is not the same twice."""

    def __init__(self) -> None:
        self.count = 0

    def __str__(self) -> str:
        self.count += 1
        return str(self.count)


def test_a_patch_that_is_not_the_same_twice_is_refused(tmp_path: Path) -> None:
    """What people approve and what is applied must be the same bytes."""
    with pytest.raises(RenderError, match="does not render the same bytes twice"):
        own(tmp_path, patch_with("{{ c }}")).patch("pass-through", {"c": _Counting()})


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"\xc3\x28"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, text: bytes) -> None:
    """Saved in another encoding."""
    refused(tmp_path, text)
    with pytest.raises(RenderError, match="cannot be read"):
        own(tmp_path, text).patch_digest("pass-through")


def test_a_directory_in_a_templates_place_is_refused(tmp_path: Path) -> None:
    """Or a file that may not be read."""
    (tmp_path / "patches/pass-through.json.j2").mkdir(parents=True)
    found = Renderer(tmp_path).own_faults()
    assert found == [] or "pass-through" in found[0]


def test_the_digest_follows_the_teams_own_file(tmp_path: Path) -> None:
    """An approval must not outlive the template that it was given for."""
    shipped = Renderer().patch_digest("pass-through")
    assert own(tmp_path, patch_with("x")).patch_digest("pass-through") != shipped
    same = (shipped_templates() / "patches/pass-through.json.j2").read_bytes()
    assert own(tmp_path, same).patch_digest("pass-through") == shipped


def test_a_broken_message_of_a_team_is_replaced_by_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A card must never be missing because of a template; the log says which is broken."""
    broken = own(tmp_path, '{"text": "{{ nobody }}"}', name="messages/sentence.json.j2")
    assert broken.message("sentence", sentence="Hello") == Renderer().message("sentence", sentence="Hello")
    assert "messages/sentence.json.j2" in caplog.text
    assert "'nobody' is undefined" in caplog.text


def test_faults_of_a_teams_own_templates_are_listed(tmp_path: Path) -> None:
    """For doctor: what does not compile, and what is never used."""
    own(tmp_path, "{% if %}")
    own(tmp_path, "{}", name="messages/card.json.j2")
    own(tmp_path, "{}", name="messages/typo.json.j2")
    found = own(tmp_path, "{{ x | random }}", name="views/ask.json.j2").own_faults()
    assert [fault.partition(" ")[0].rstrip(":") for fault in found] == [
        "messages/typo.json.j2",
        "patches/pass-through.json.j2",
        "views/ask.json.j2",
    ]
    assert "has the name of no template" in found[0]
    assert "No filter named 'random'" in found[2]
    assert Renderer().own_faults() == []


LABELLED = Renderer()
"""Set just below: one renderer for all examples of a property."""


@pytest.fixture(scope="module", autouse=True)
def labelled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A template that shows a label."""
    globals()["LABELLED"] = own(tmp_path_factory.mktemp("own"), patch_with("{{ service.labels.app }}"))
