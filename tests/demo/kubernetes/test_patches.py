"""The patch formats and field ownership where an API's answers show little of them."""

from typing import Any

import pytest

from bot.demo.kubernetes import patch
from bot.demo.kubernetes.ownership import Claim, Walker, applied, dotted, note_update
from bot.demo.kubernetes.resources import BY_NAME
from bot.demo.kubernetes.status import ApiError

DEPLOYMENTS = Walker(BY_NAME["deployments"])


@pytest.mark.parametrize(
    ("target", "change", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"a": "foo"}, {"b": {"c": None}}, {"a": "foo", "b": {}}),
        ({"a": 1}, ["c"], ["c"]),
    ],
)
def test_merge_patches_follow_the_rfc(target: Any, change: Any, result: Any) -> None:
    """The cases of RFC 7386, appendix A."""
    assert patch.merged(target, change) == result


@pytest.mark.parametrize(
    ("document", "step", "result"),
    [
        ({"a": [1, 2]}, {"op": "add", "path": "/a/1", "value": 9}, {"a": [1, 9, 2]}),
        ({"a": [1, 2]}, {"op": "add", "path": "/a/-", "value": 9}, {"a": [1, 2, 9]}),
        ({"a": [1, 2]}, {"op": "remove", "path": "/a/0"}, {"a": [2]}),
        ({"a": [1, 2]}, {"op": "replace", "path": "/a/1", "value": 9}, {"a": [1, 9]}),
        ({"a": 1}, {"op": "replace", "path": "", "value": {"b": 1}}, {"b": 1}),
        ({"a": 1}, {"op": "add", "path": "", "value": {"b": 1}}, {"b": 1}),
        ({"a~b": 1}, {"op": "remove", "path": "/a~0b"}, {}),
    ],
)
def test_json_patches_follow_the_rfc(document: Any, step: Any, result: Any) -> None:
    """Lists, the whole document, and escapes of RFC 6902."""
    assert patch.stepped(document, [step]) == result


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"op": "add", "path": "/a/9", "value": 1}, 422),
        ({"op": "add", "path": "/a/x", "value": 1}, 422),
        ({"op": "remove", "path": "/a/-"}, 422),
        ({"op": "remove", "path": ""}, 422),
        ({"op": "add", "path": "/s/x", "value": 1}, 422),
        ({"op": "add", "path": "a", "value": 1}, 422),
        ({"op": "add", "value": 1}, 422),
        ({"op": "replace", "path": "", "value": 1}, 422),
        ({"op": "explode", "path": "/a"}, 400),
        ("add", 400),
    ],
)
def test_json_patches_that_cannot_be_applied_are_refused(step: Any, code: int) -> None:
    """What does not apply is 422, what is no operation 400; the document stays."""
    document = {"a": [1, 2], "s": "text"}
    with pytest.raises(ApiError) as refused:
        patch.stepped(document, [step])
    assert refused.value.code == code
    assert document == {"a": [1, 2], "s": "text"}


@pytest.mark.parametrize(
    ("target", "change", "result"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "delete"}}, {"a": {}}),
        ({"finalizers": ["x"]}, {"finalizers": ["y", "x"]}, {"finalizers": ["x", "y"]}),
        ({"finalizers": ["x", "y"]}, {"$deleteFromPrimitiveList/finalizers": ["x"]}, {"finalizers": ["y"]}),
        ({"args": ["x"]}, {"args": ["y"]}, {"args": ["y"]}),
        ({"a": 1}, {"$setElementOrder/ports": [], "b": 2}, {"a": 1, "b": 2}),
        (
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "B", "value": "2"}]},
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        ),
        ({"env": [{"name": "A"}]}, {"env": [{"$patch": "replace"}, {"name": "B"}]}, {"env": [{"name": "B"}]}),
        (
            {"conditions": [{"type": "Ready", "status": "True"}]},
            {"conditions": [{"type": "Ready", "status": "False"}]},
            {"conditions": [{"type": "Ready", "status": "False"}]},
        ),
    ],
)
def test_strategic_patches_merge_by_key(target: Any, change: Any, result: Any) -> None:
    """Maps merge, keyed lists merge by their key, other lists are replaced; directives are obeyed."""
    assert patch.strategic(target, change) == result


def test_a_strategic_item_without_its_key_is_refused() -> None:
    """An item that cannot be found answers 400."""
    with pytest.raises(ApiError, match="does not contain declared merge key: name"):
        patch.strategic({"env": []}, {"env": [{"name": "A"}, {"value": "1"}]})


def _claim(manager: str) -> Claim:
    return Claim(manager=manager, operation="Apply", api_version="apps/v1", time="now", fields=frozenset())


def _deployment(*env: str, finalizers: tuple[str, ...] = ()) -> dict[str, Any]:
    container = {"name": "main", "image": "i", "env": [{"name": name, "value": "1"} for name in env]}
    template = {"spec": {"containers": [container]}}
    return {"metadata": {"name": "a", "finalizers": list(finalizers)}, "spec": {"template": template}}


def test_applied_items_of_keyed_lists_go_when_they_are_left_out() -> None:
    """An environment variable and a finalizer that one manager applied go with its next apply."""
    first = applied(
        DEPLOYMENTS,
        live=None,
        config=_deployment("A", "B", finalizers=("x", "y")),
        mine=_claim("git"),
        force=False,
    )
    second = applied(
        DEPLOYMENTS, live=first, config=_deployment("B", finalizers=("y",)), mine=_claim("git"), force=False
    )
    assert second["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "B", "value": "1"}]
    assert second["metadata"]["finalizers"] == ["y"]


def test_fields_of_containers_are_owned_by_name() -> None:
    """ManagedFields of a Pod template: containers and variables by name, lists without keys as a whole."""
    body = _deployment("A")
    body["spec"]["template"]["spec"]["containers"][0]["args"] = ["x"]
    note_update(DEPLOYMENTS, old=None, new=body, mine=_claim("maker"))
    fields = body["metadata"]["managedFields"][0]["fieldsV1"]
    containers = fields["f:spec"]["f:template"]["f:spec"]["f:containers"]
    variable: dict[str, Any] = {".": {}, "f:name": {}, "f:value": {}}
    assert containers == {
        'k:{"name":"main"}': {
            ".": {},
            "f:args": {},
            "f:env": {".": {}, 'k:{"name":"A"}': variable},
            "f:image": {},
            "f:name": {},
        }
    }


def test_conflicts_with_several_fields_are_listed() -> None:
    """Two fields, two lines; keyed items are named by their key."""
    live = applied(DEPLOYMENTS, live=None, config=_deployment("A", "B"), mine=_claim("git"), force=False)
    other = _deployment("A", "B")
    for each in other["spec"]["template"]["spec"]["containers"][0]["env"]:
        each["value"] = "2"
    with pytest.raises(ApiError) as refused:
        applied(DEPLOYMENTS, live=live, config=other, mine=_claim("hand"), force=False)
    place = '.spec.template.spec.containers[name="main"].env'
    assert refused.value.message == (
        f'Apply failed with 2 conflicts: conflicts with "git":\n- {place}[name="A"].value\n'
        f'- {place}[name="B"].value'
    )
    assert dotted(("f:metadata", "f:finalizers", 'v:"x"')) == '.metadata.finalizers[="x"]'
