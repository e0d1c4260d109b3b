from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.objects import PASS_THROUGH
from bot.domain.patch import (
    PROTECTED_DOMAINS,
    PatchRefusedError,
    allowed_annotations,
    as_asked,
    protected,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metadata", "annotations", "spec", PASS_THROUGH, "team.example/note"])
            | st.text(max_size=6),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def patch(**annotations: Any) -> dict[str, Any]:
    """A merge patch of annotations."""
    return {"metadata": {"annotations": annotations}}


@pytest.mark.parametrize("value", ["true", None])
def test_pass_through_is_set_to_true_or_removed(value: str | None) -> None:
    """The two values that are documented."""
    assert allowed_annotations(patch(**{PASS_THROUGH: value})) == {PASS_THROUGH: value}


@pytest.mark.parametrize("value", ["false", "onlyLocal", "", "True", True, 1, ["true"], {}])
def test_no_other_value_of_pass_through_is_sent(value: object) -> None:
    """Whatever a template renders."""
    with pytest.raises(PatchRefusedError):
        allowed_annotations(patch(**{PASS_THROUGH: value}))


@pytest.mark.parametrize(
    "rendered",
    [
        None,
        [],
        "x",
        {},
        {"metadata": {}},
        {"metadata": {"annotations": {}}},
        {"metadata": {"annotations": None}},
        {"metadata": {"annotations": {PASS_THROUGH: "true"}, "labels": {"a": "b"}}},
        {"metadata": {"annotations": {PASS_THROUGH: "true"}}, "spec": {}},
        {"spec": {"type": "ClusterIP"}},
    ],
)
def test_nothing_but_annotations_is_patched(rendered: object) -> None:
    """One way through the object, and no other key beside it."""
    with pytest.raises(PatchRefusedError):
        allowed_annotations(rendered)


def test_a_key_must_be_on_the_list() -> None:
    """The configuration names what a team's own template may add."""
    own = patch(**{PASS_THROUGH: "true", "team.example/change": "CHG-7"})
    with pytest.raises(PatchRefusedError, match=r"which patches\.allow does not list"):
        allowed_annotations(own)
    assert allowed_annotations(own, frozenset({"team.example/change"})) == own["metadata"]["annotations"]


@pytest.mark.parametrize("value", ["true", None])
def test_a_patch_does_what_its_card_says(value: str | None) -> None:
    """A template that leaves pass-through alone, or turns it round, is refused."""
    done = {PASS_THROUGH: value, "team.example/change": "CHG-7"}
    assert as_asked(done, value) == done
    with pytest.raises(PatchRefusedError, match="leaves pass-through as it is"):
        as_asked({"team.example/change": "CHG-7"}, value)
    with pytest.raises(PatchRefusedError, match="where the change"):
        as_asked(done, None if value else "true")


LOOK_ALIKES = (
    f"{PASS_THROUGH} ",
    f" {PASS_THROUGH}",
    f"{PASS_THROUGH}\n",
    PASS_THROUGH.upper(),
    PASS_THROUGH.replace("/", "\uff0f"),
    PASS_THROUGH.replace("e", "\u0435"),
    PASS_THROUGH.replace(".", "\u2024"),
    PASS_THROUGH.replace("k", "\u212a"),
    f"{PASS_THROUGH}\u200b",
    "kubernetes.io./elb.pass-through",
    "kubernetes.io//elb.pass-through",
)


@pytest.mark.parametrize("key", LOOK_ALIKES)
def test_a_key_that_only_looks_like_an_allowed_one_is_refused(key: str) -> None:
    """Keys are compared to the letter: nothing is trimmed, folded or normalised."""
    with pytest.raises(PatchRefusedError):
        allowed_annotations(patch(**{key: "true"}), frozenset({"my.org/change"}))
    with pytest.raises(PatchRefusedError):
        allowed_annotations(patch(**{f"my.org/change{key[-1:]}\u200b": "x"}), frozenset({"my.org/change"}))


@pytest.mark.parametrize("value", [{"a": None}, [None], {"metadata": None}, 1.5, float("nan"), {}, []])
def test_a_value_is_a_string_or_a_removal(value: object) -> None:
    """What is nested in an annotation's place would be refused by the API server with less clear words."""
    with pytest.raises(PatchRefusedError, match="must be a string"):
        allowed_annotations(patch(**{"my.org/change": value}), frozenset({"my.org/change"}))


@pytest.mark.parametrize("domain", PROTECTED_DOMAINS)
@pytest.mark.parametrize("key", ["{}/x", "sub.{}/x", "SUB.{}/x"])
def test_a_protected_domain_is_refused_whatever_the_configuration_says(domain: str, key: str) -> None:
    """Keys of Kubernetes, clouds and GitOps tools steer things that are not ours."""
    name = key.format(domain)
    assert protected(name)
    with pytest.raises(PatchRefusedError):
        allowed_annotations(patch(**{name: "x"}), frozenset({name}))


@pytest.mark.parametrize(
    "key", ["notkubernetes.io/x", "kubernetes.io.example/x", "plain", "my.org/kubernetes.io"]
)
def test_a_name_that_only_looks_alike_is_not_protected(key: str) -> None:
    """A domain is compared by its labels."""
    assert not protected(key)
    assert allowed_annotations(patch(**{key: "x"}), frozenset({key})) == {key: "x"}


@given(rendered=JSON, extra=st.frozensets(st.sampled_from(["team.example/note", "kubernetes.io/elb.id"])))
def test_whatever_is_rendered_only_allowed_annotations_pass(rendered: object, extra: frozenset[str]) -> None:
    """A patch that passes has allowed keys with strings, and pass-through on or removed."""
    try:
        passed = allowed_annotations(rendered, extra)
    except PatchRefusedError:
        return
    assert passed
    assert set(passed) <= {PASS_THROUGH, "team.example/note"}
    assert passed.get(PASS_THROUGH) in {None, "true"}
    assert all(value is None or isinstance(value, str) for value in passed.values())
    assert rendered == {"metadata": {"annotations": passed}}
