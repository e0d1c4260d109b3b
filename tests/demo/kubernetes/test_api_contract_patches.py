"""What every API server does with patches and server-side apply; also run against a real one."""

from typing import Any

import pytest

from tests.demo.kubernetes.wire import APPLY, STEPS, STRATEGIC, Api

UNPROCESSABLE = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "the server rejected our request due to an error in our request",
    "reason": "Invalid",
    "details": {},
    "code": 422,
}


def applied(name: str, **annotations: str) -> dict[str, Any]:
    """Return what a server-side apply of annotations sends."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "annotations": annotations}}


async def _annotated(api: Api, **annotations: str) -> str:
    body = {"metadata": {"name": "a", "annotations": annotations}}
    return (await api.create("configmaps", body, fieldManager="maker")).version


async def _annotations(api: Api) -> dict[str, str]:
    metadata = (await api.get("configmaps", "a")).body["metadata"]
    return dict(metadata.get("annotations", {}))


async def test_a_merge_patch_adds_changes_and_removes(api: Api) -> None:
    """Null removes a key; what is not named stays."""
    await _annotated(api, keep="1", change="1", drop="1")
    patch = {"metadata": {"annotations": {"change": "2", "drop": None, "new": "1"}}}
    assert (await api.patch("configmaps", "a", patch)).status == 200
    assert await _annotations(api) == {"keep": "1", "change": "2", "new": "1"}


async def test_the_last_annotation_takes_the_map_with_it(api: Api) -> None:
    """An empty map is not shown."""
    await _annotated(api, only="1")
    answer = await api.patch("configmaps", "a", {"metadata": {"annotations": {"only": None}}})
    assert "annotations" not in answer.body["metadata"]


@pytest.mark.parametrize("kind", ["merge", "json", "strategic"])
async def test_a_patch_of_nothing_keeps_the_version(api: Api, kind: str) -> None:
    """A no-op is no write, whichever patch it is."""
    version = await _annotated(api, same="1")
    same = {"metadata": {"annotations": {"same": "1"}}}
    steps = [{"op": "replace", "path": "/metadata/annotations/same", "value": "1"}]
    match kind:
        case "json":
            answer = await api.patch("configmaps", "a", steps, STEPS, fieldManager="other")
        case "strategic":
            answer = await api.patch("configmaps", "a", same, STRATEGIC, fieldManager="other")
        case _:
            answer = await api.patch("configmaps", "a", same, fieldManager="other")
    assert answer.version == version
    assert [entry["manager"] for entry in answer.body["metadata"]["managedFields"]] == ["maker"]


async def test_a_merge_patch_of_a_stale_version_is_a_conflict(api: Api) -> None:
    """A resourceVersion in a merge patch is a precondition."""
    version = await _annotated(api, x="1")
    fresh = {"metadata": {"resourceVersion": version, "annotations": {"x": "2"}}}
    assert (await api.patch("configmaps", "a", fresh)).status == 200
    stale = await api.patch("configmaps", "a", fresh)
    assert (stale.status, stale.body["reason"]) == (409, "Conflict")
    assert "the object has been modified" in stale.body["message"]


async def test_a_merge_patch_of_another_object_is_refused(api: Api) -> None:
    """A uid in a patch is a field that does not change."""
    await _annotated(api, x="1")
    answer = await api.patch("configmaps", "a", {"metadata": {"uid": "00000000-0000-4000-8000-000000000000"}})
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert {cause["field"] for cause in answer.body["details"]["causes"]} == {"metadata.uid"}


async def test_a_failed_json_patch_test_is_unprocessable(api: Api) -> None:
    """A stale version in a `test` answers 422 without a hint, and nothing is written."""
    await _annotated(api, x="1")
    steps = [
        {"op": "add", "path": "/metadata/annotations/y", "value": "1"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "1"},
    ]
    answer = await api.patch("configmaps", "a", steps, STEPS)
    assert answer.status == 422
    assert answer.body == UNPROCESSABLE
    assert await _annotations(api) == {"x": "1"}


async def test_a_replaced_stale_version_is_a_conflict(api: Api) -> None:
    """A JSON patch that replaces resourceVersion by a stale one answers 409."""
    version = await _annotated(api, x="1")
    await api.patch("configmaps", "a", {"metadata": {"annotations": {"x": "2"}}})
    steps = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "add", "path": "/metadata/annotations/y", "value": "1"},
    ]
    assert (await api.patch("configmaps", "a", steps, STEPS)).status == 409


async def test_json_patches_escape_their_keys(api: Api) -> None:
    """`~1` is a slash; add, replace, copy, move and remove do what RFC 6902 says."""
    await _annotated(api, **{"example.org/a": "1", "b": "2", "c": "3"})
    steps = [
        {"op": "test", "path": "/metadata/annotations/example.org~1a", "value": "1"},
        {"op": "replace", "path": "/metadata/annotations/example.org~1a", "value": "4"},
        {"op": "copy", "from": "/metadata/annotations/b", "path": "/metadata/annotations/d"},
        {"op": "move", "from": "/metadata/annotations/c", "path": "/metadata/annotations/e"},
        {"op": "remove", "path": "/metadata/annotations/b"},
    ]
    assert (await api.patch("configmaps", "a", steps, STEPS)).status == 200
    assert await _annotations(api) == {"example.org/a": "4", "d": "2", "e": "3"}


@pytest.mark.parametrize(
    "step",
    [
        {"op": "remove", "path": "/metadata/annotations/none"},
        {"op": "replace", "path": "/nowhere/at/all", "value": "1"},
        {"op": "add", "path": "/nowhere/at/all", "value": "1"},
    ],
)
async def test_a_json_patch_of_what_is_not_there_is_unprocessable(api: Api, step: dict[str, str]) -> None:
    """An operation that does not apply answers the same 422."""
    await _annotated(api, x="1")
    answer = await api.patch("configmaps", "a", [step], STEPS)
    assert (answer.status, answer.body["message"]) == (422, UNPROCESSABLE["message"])


async def test_a_json_patch_may_replace_what_is_not_there(api: Api) -> None:
    """RFC 6902 wants the key to be there; a real server does not."""
    await _annotated(api, x="1")
    step = {"op": "replace", "path": "/metadata/annotations/none", "value": "1"}
    assert (await api.patch("configmaps", "a", [step], STEPS)).status == 200
    assert await _annotations(api) == {"x": "1", "none": "1"}


async def test_a_patch_type_of_ones_own_is_refused(api: Api) -> None:
    """An unknown content type answers 415."""
    await _annotated(api, x="1")
    answer = await api.patch("configmaps", "a", {}, "application/json")
    assert (answer.status, answer.body["reason"]) == (415, "UnsupportedMediaType")


async def test_a_patch_that_is_no_json_is_a_bad_request(api: Api) -> None:
    """A broken body answers 400."""
    await _annotated(api, x="1")
    assert (await api.patch("configmaps", "a", "{")).status == 400


async def test_a_patch_of_nothing_that_exists_is_not_found(api: Api) -> None:
    """Merge patches create nothing."""
    assert (await api.patch("configmaps", "nobody", {"metadata": {}})).status == 404


async def test_a_strict_patch_refuses_unknown_fields(api: Api) -> None:
    """Strict validation of a patch answers 422 about the patch."""
    await api.create("services", {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}})
    answer = await api.patch("services", "a", {"spec": {"colour": "blue"}}, fieldValidation="Strict")
    assert answer.status == 422
    assert 'strict decoding error: unknown field "spec.colour"' in answer.body["message"]


async def test_force_belongs_to_apply_patches(api: Api) -> None:
    """Other patches may not be forced."""
    await _annotated(api, x="1")
    answer = await api.patch("configmaps", "a", {"metadata": {}}, force="true")
    assert answer.status == 422
    assert "force: Forbidden: may not be specified for non-apply patch" in answer.body["message"]


async def test_an_apply_needs_a_manager(api: Api) -> None:
    """A server-side apply without fieldManager answers 422."""
    answer = await api.patch("configmaps", "a", applied("a", x="1"), APPLY)
    assert answer.status == 422
    assert answer.body["message"] == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
    )


async def test_an_apply_creates_and_owns(api: Api) -> None:
    """An apply of a new object answers 201; again, it changes nothing."""
    created = await api.patch("configmaps", "a", applied("a", x="1"), APPLY, fieldManager="git")
    assert created.status == 201
    (entry,) = created.body["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("git", "Apply")
    assert entry["fieldsV1"] == {"f:metadata": {"f:annotations": {"f:x": {}}}}
    again = await api.patch("configmaps", "a", applied("a", x="1"), APPLY, fieldManager="git")
    assert (again.status, again.version) == (200, created.version)


async def test_an_apply_of_anothers_field_names_manager_and_field(api: Api) -> None:
    """A conflict is a 409 that says who and what; force takes the field over."""
    await _annotated(api, x="1")
    answer = await api.patch("configmaps", "a", applied("a", x="2"), APPLY, fieldManager="git")
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert answer.body["message"] == (
        'Apply failed with 1 conflict: conflict with "maker" using v1: .metadata.annotations.x'
    )
    (cause,) = answer.body["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".metadata.annotations.x")
    forced = await api.patch("configmaps", "a", applied("a", x="2"), APPLY, fieldManager="git", force="true")
    assert forced.body["metadata"]["annotations"] == {"x": "2"}
    owners = {entry["manager"]: entry["fieldsV1"] for entry in forced.body["metadata"]["managedFields"]}
    assert "f:x" in owners["git"]["f:metadata"]["f:annotations"]
    assert "f:x" not in owners.get("maker", {}).get("f:metadata", {}).get("f:annotations", {})


async def test_an_apply_that_agrees_shares_the_field(api: Api) -> None:
    """The same value is no conflict: both own it."""
    await _annotated(api, x="1")
    answer = await api.patch("configmaps", "a", applied("a", x="1"), APPLY, fieldManager="git")
    assert answer.status == 200
    assert {entry["manager"] for entry in answer.body["metadata"]["managedFields"]} == {"maker", "git"}


async def test_what_an_apply_leaves_out_goes(api: Api) -> None:
    """A field that only this manager applied is removed by an apply without it."""
    await api.patch("configmaps", "a", applied("a", x="1", y="1"), APPLY, fieldManager="git")
    await api.patch("configmaps", "a", {"metadata": {"annotations": {"z": "1"}}}, fieldManager="hand")
    answer = await api.patch("configmaps", "a", applied("a", x="1"), APPLY, fieldManager="git")
    assert answer.body["metadata"]["annotations"] == {"x": "1", "z": "1"}
    await api.patch("configmaps", "a", {"metadata": {"annotations": {"z": None}}}, fieldManager="hand")
    empty = await api.patch("configmaps", "a", applied("a"), APPLY, fieldManager="git")
    assert "annotations" not in empty.body["metadata"]


async def test_an_applied_status_list_has_one_owner(api: Api) -> None:
    """The addresses of a load balancer are atomic: a conflict is about the whole list."""
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
    await api.create("services", {"metadata": {"name": "a"}, "spec": spec})
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    await api.patch("services", "a", status, sub="status", fieldManager="cloud")
    wanted = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.2"}]}}}
    config = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, **wanted}
    answer = await api.patch("services", "a", config, APPLY, sub="status", fieldManager="mine")
    assert answer.status == 409
    assert answer.body["details"]["causes"][0]["field"] == ".status.loadBalancer.ingress"
