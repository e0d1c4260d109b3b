"""What every API server does with objects, lists and rights; also run against a real one."""

import base64
import json
from typing import Any

import pytest

from tests.demo.kubernetes.wire import Api

SLICES = "discovery.k8s.io/v1/endpointslices"


def config_map(name: str, *, labels: dict[str, str] | None = None, **data: str) -> dict[str, object]:
    """Return a ConfigMap."""
    return {"metadata": {"name": name, "labels": labels or {}}, "data": data}


def service(name: str, **spec: object) -> dict[str, object]:
    """Return a Service with one port."""
    return {"metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": [{"port": 80}], **spec}}


async def test_a_created_object_gets_uid_time_version_and_kind(api: Api) -> None:
    """A create is answered with 201 and the whole object."""
    answer = await api.create("configmaps", config_map("a", x="1"))
    metadata = answer.body["metadata"]
    assert (answer.body["kind"], answer.body["apiVersion"]) == ("ConfigMap", "v1")
    assert {"uid", "creationTimestamp", "resourceVersion", "managedFields"} <= metadata.keys()
    assert metadata["namespace"] == api.namespace


async def test_a_taken_name_is_a_conflict(api: Api) -> None:
    """A second create of one name answers 409 AlreadyExists."""
    await api.create("configmaps", config_map("a"))
    answer = await api.call("POST", api.path("configmaps"), config_map("a"))
    assert answer.status == 409
    assert answer.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "a" already exists',
        "reason": "AlreadyExists",
        "details": {"name": "a", "kind": "configmaps"},
        "code": 409,
    }


async def test_a_missing_object_is_named_in_the_404(api: Api) -> None:
    """The Status says which resource and which name, with the group where there is one."""
    core = await api.get("services", "nobody")
    assert (core.status, core.body["message"]) == (404, 'services "nobody" not found')
    assert core.body["details"] == {"name": "nobody", "kind": "services"}
    named = await api.get("apps/v1/deployments", "nobody")
    assert named.body["message"] == 'deployments.apps "nobody" not found'
    assert named.body["details"] == {"name": "nobody", "group": "apps", "kind": "deployments"}


async def test_a_missing_namespace_refuses_a_create(api: Api) -> None:
    """A create in a namespace that is not there answers 404 about the namespace."""
    answer = await api.call("POST", "/api/v1/namespaces/not-there-at-all/configmaps", config_map("a"))
    assert (answer.status, answer.body["message"]) == (404, 'namespaces "not-there-at-all" not found')


async def test_a_generated_name_begins_as_asked(api: Api) -> None:
    """The name of generateName gets five characters."""
    answer = await api.create("configmaps", {"metadata": {"generateName": "made-"}})
    name = answer.body["metadata"]["name"]
    assert name.startswith("made-")
    assert len(name) == len("made-") + 5


async def test_a_name_is_required(api: Api) -> None:
    """An object without a name answers 422."""
    answer = await api.call("POST", api.path("configmaps"), {"metadata": {}})
    assert answer.status == 422
    assert answer.body["details"]["causes"][0]["field"] == "metadata.name"
    assert "name or generateName is required" in answer.body["message"]


async def test_a_body_of_another_kind_cannot_be_read(api: Api) -> None:
    """A Secret sent as a ConfigMap answers 400."""
    body = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}}
    answer = await api.call("POST", api.path("configmaps"), body)
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


async def test_a_number_is_no_annotation(api: Api) -> None:
    """An annotation that is not a string answers 400 on a create, 422 in a patch."""
    wrong = {"metadata": {"name": "a", "annotations": {"x": 1}}}
    created = await api.call("POST", api.path("configmaps"), wrong)
    assert (created.status, created.body["reason"]) == (400, "BadRequest")
    assert "cannot unmarshal number into Go struct field" in created.body["message"]
    await api.create("configmaps", config_map("a"))
    patched = await api.patch("configmaps", "a", wrong)
    assert (patched.status, patched.body["reason"]) == (422, "Invalid")


async def test_lists_show_built_in_objects_without_their_kind(api: Api) -> None:
    """Items of a list carry neither kind nor apiVersion; the list does."""
    await api.create("configmaps", config_map("a"))
    answer = await api.call("GET", api.path("configmaps"), labelSelector="", fieldSelector="metadata.name=a")
    assert answer.body["kind"] == "ConfigMapList"
    assert answer.names == ["a"]
    assert not {"kind", "apiVersion"} & answer.body["items"][0].keys()


async def test_pages_show_one_moment_although_objects_change(api: Api) -> None:
    """All pages of a list have its first page's version, whatever is written in between."""
    for name in "abcde":
        await api.create("configmaps", config_map(name, labels={"page": "yes"}))
    chosen: dict[str, Any] = {"labelSelector": "page=yes", "limit": 2}
    first = await api.call("GET", api.path("configmaps"), **chosen)
    await api.call("DELETE", api.path("configmaps", "d"))
    await api.create("configmaps", config_map("bb", labels={"page": "yes"}))
    await api.patch("configmaps", "c", {"data": {"late": "yes"}})
    names, page = list(first.names), first
    while token := page.body["metadata"].get("continue"):
        page = await api.call("GET", api.path("configmaps"), **chosen, **{"continue": token})
        assert page.version == first.version
        assert all("data" not in item for item in page.body["items"])
        names += page.names
    assert names == ["a", "b", "c", "d", "e"]


async def test_a_page_counts_what_remains_unless_it_selects(api: Api) -> None:
    """RemainingItemCount comes with a plain page only."""
    for name in "abcd":
        await api.create(SLICES, {"metadata": {"name": name}, "addressType": "IPv4"})
    plain = await api.call("GET", api.path(SLICES), limit=1)
    assert plain.body["metadata"]["remainingItemCount"] == 3
    selecting = await api.call("GET", api.path(SLICES), limit=1, fieldSelector="metadata.name!=zz")
    assert "remainingItemCount" not in selecting.body["metadata"]


async def test_a_continue_token_takes_no_version(api: Api) -> None:
    """A token knows its version; another one answers 400. So does a token of one's own making."""
    for name in "ab":
        await api.create("configmaps", config_map(name))
    first = await api.call("GET", api.path("configmaps"), limit=1)
    token: dict[str, Any] = {"continue": first.body["metadata"]["continue"]}
    both = await api.call("GET", api.path("configmaps"), limit=1, resourceVersion=first.version, **token)
    assert both.status == 400
    assert "specifying resource version is not allowed when using continue" in both.body["message"]
    forged = await api.call("GET", f"{api.path('configmaps')}?continue=nonsense", limit=1)
    assert forged.status == 400


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("tier=web", ["a"]),
        ("tier==web", ["a"]),
        ("tier!=web", ["b", "c"]),
        ("tier in (web, db)", ["a", "b"]),
        ("tier notin (web)", ["b", "c"]),
        ("tier", ["a", "b"]),
        ("!tier", ["c"]),
        ("tier,mine=yes,tier!=db", ["a"]),
    ],
)
async def test_labels_select(api: Api, selector: str, names: list[str]) -> None:
    """Every form of label selector."""
    await api.create("configmaps", config_map("a", labels={"tier": "web", "mine": "yes"}))
    await api.create("configmaps", config_map("b", labels={"tier": "db", "mine": "yes"}))
    await api.create("configmaps", config_map("c", labels={"mine": "yes"}))
    answer = await api.call("GET", api.path("configmaps"), labelSelector=selector)
    assert [name for name in answer.names if name in "abc"] == names


async def test_fields_that_are_not_indexed_are_refused(api: Api) -> None:
    """Name and namespace select everywhere; anything else answers 400."""
    await api.create("configmaps", config_map("a"))
    good = f"metadata.name=a,metadata.namespace={api.namespace}"
    answer = await api.call("GET", "/api/v1/configmaps", fieldSelector=good)
    assert answer.names == ["a"]
    refused = await api.call("GET", api.path("configmaps"), fieldSelector="data.x=1")
    assert (refused.status, refused.body["reason"]) == (400, "BadRequest")
    assert "data.x" in refused.body["message"]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"resourceVersionMatch": "Exact"}, "is forbidden unless resourceVersion is provided"),
        (
            {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
            '"exact" is forbidden for resourceVersion "0"',
        ),
        ({"resourceVersionMatch": "Sure", "resourceVersion": "5"}, "Unsupported value"),
        ({"resourceVersionMatch": "NotOlderThan", "continue": "x"}, "is forbidden when continue is provided"),
    ],
)
async def test_wrong_uses_of_resource_version_match_are_refused(
    api: Api, query: dict[str, Any], why: str
) -> None:
    """ListOptions are validated with a 422."""
    answer = await api.call("GET", api.path("configmaps"), **query)
    assert answer.status == 422
    assert answer.body["message"].startswith('ListOptions.meta.k8s.io "" is invalid: ')
    assert {cause["field"] for cause in answer.body["details"]["causes"]} == {"resourceVersionMatch"}
    assert why in answer.body["message"]


async def test_an_exact_version_shows_the_past(api: Api) -> None:
    """A list may be asked for as it was."""
    past = await api.create("configmaps", config_map("a", x="old"))
    await api.patch("configmaps", "a", {"data": {"x": "new"}})
    query: dict[str, Any] = {"resourceVersion": past.version, "fieldSelector": "metadata.name=a"}
    exact = await api.call("GET", api.path("configmaps"), **query, resourceVersionMatch="Exact")
    assert (exact.version, exact.body["items"][0]["data"]) == (past.version, {"x": "old"})
    newer = await api.call("GET", api.path("configmaps"), **query, resourceVersionMatch="NotOlderThan")
    assert newer.body["items"][0]["data"] == {"x": "new"}


async def test_a_version_of_the_future_times_out(api: Api) -> None:
    """A server that has not reached a version says so with a 504."""
    answer = await api.call("GET", api.path("configmaps"), resourceVersion=str(2**50))
    assert (answer.status, answer.body["reason"]) == (504, "Timeout")
    assert "Too large resource version" in answer.body["message"]


async def test_a_version_that_is_no_number_is_refused(api: Api) -> None:
    """ResourceVersions are opaque to clients, and still numbers to this server."""
    answer = await api.call("GET", api.path("configmaps"), resourceVersion="soon")
    assert answer.status == 400


async def test_an_update_of_a_stale_version_is_a_conflict(api: Api) -> None:
    """PUT compares resourceVersion where the body has one."""
    created = await api.create("configmaps", config_map("a", x="1"))
    await api.patch("configmaps", "a", {"data": {"x": "2"}})
    stale = await api.call("PUT", api.path("configmaps", "a"), created.body | {"data": {"x": "3"}})
    assert (stale.status, stale.body["reason"]) == (409, "Conflict")
    assert stale.body["message"] == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    without = await api.call("PUT", api.path("configmaps", "a"), config_map("a", x="4"))
    assert (without.status, without.body["data"]) == (200, {"x": "4"})


async def test_an_update_under_another_name_is_refused(api: Api) -> None:
    """The body's name must be the path's."""
    await api.create("configmaps", config_map("a"))
    answer = await api.call("PUT", api.path("configmaps", "a"), config_map("b"))
    assert answer.status == 400
    assert answer.body["message"] == "the name of the object (b) does not match the name on the URL (a)"


async def test_an_update_of_nothing_is_not_found(api: Api) -> None:
    """ConfigMaps are not created by PUT."""
    assert (await api.call("PUT", api.path("configmaps", "a"), config_map("a"))).status == 404


@pytest.mark.parametrize("query", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_dry_run_persists_nothing(api: Api, query: str) -> None:
    """DryRun=All answers as if, and leaves the object and its version alone."""
    await api.create("configmaps", config_map("a", x="1"))
    before = (await api.get("configmaps", "a")).body
    match query:
        case "POST":
            answer = await api.call("POST", api.path("configmaps"), config_map("b"), dryRun="All")
        case "DELETE":
            answer = await api.call("DELETE", api.path("configmaps", "a"), dryRun="All")
        case method:
            body, kind = config_map("a", x="2"), "application/json"
            kind = "application/merge-patch+json" if method == "PATCH" else kind
            answer = await api.call(method, api.path("configmaps", "a"), body, kind=kind, dryRun="All")
            assert answer.body["data"] == {"x": "2"}
    assert answer.status in {200, 201}
    assert (await api.get("configmaps", "a")).body == before
    assert (await api.get("configmaps", "b")).status == 404


async def test_a_dry_run_validates_and_knows_one_value(api: Api) -> None:
    """A dry run refuses what a real write refuses, and `dryRun` takes nothing but All."""
    invalid = await api.call("POST", api.path("configmaps"), config_map("Not A Name"), dryRun="All")
    assert invalid.status == 422
    other = await api.call("POST", api.path("configmaps"), config_map("a"), dryRun="Some")
    assert other.status == 422
    assert 'dryRun: Unsupported value: ["Some"]' in other.body["message"]


async def test_a_delete_checks_its_preconditions(api: Api) -> None:
    """A delete may demand a uid and a version; either failing answers 409."""
    created = await api.create("configmaps", config_map("a"))
    path = api.path("configmaps", "a")
    uid = await api.call("DELETE", path, {"preconditions": {"uid": "another"}})
    assert (uid.status, uid.body["reason"]) == (409, "Conflict")
    version = await api.call("DELETE", path, {"preconditions": {"resourceVersion": "1"}})
    assert version.status == 409
    both = {"uid": created.body["metadata"]["uid"], "resourceVersion": created.version}
    gone = await api.call("DELETE", path, {"preconditions": both})
    assert gone.status == 200
    assert gone.body["status"] == "Success"
    assert gone.body["details"] == {"name": "a", "kind": "configmaps", "uid": created.body["metadata"]["uid"]}
    assert (await api.get("configmaps", "a")).status == 404


async def test_a_finalizer_keeps_an_object_until_it_is_removed(api: Api) -> None:
    """A deleted object with finalizers stays with a deletionTimestamp."""
    body = {"metadata": {"name": "a", "finalizers": ["example.org/wait"]}}
    await api.create("configmaps", body)
    deleted = await api.call("DELETE", api.path("configmaps", "a"))
    assert "deletionTimestamp" in deleted.body["metadata"]
    assert (await api.get("configmaps", "a")).status == 200
    await api.patch("configmaps", "a", {"metadata": {"finalizers": None}})
    assert (await api.get("configmaps", "a")).status == 404


async def test_a_collection_is_deleted_by_its_labels(api: Api) -> None:
    """Deletecollection takes a selector and leaves the rest."""
    await api.create("configmaps", config_map("a", labels={"gone": "yes"}))
    await api.create("configmaps", config_map("b"))
    answer = await api.call("DELETE", api.path("configmaps"), labelSelector="gone=yes")
    assert answer.status == 200
    assert (await api.get("configmaps", "a")).status == 404
    assert (await api.get("configmaps", "b")).status == 200


async def test_the_manager_of_a_write_is_named_or_read_from_the_agent(api: Api) -> None:
    """FieldManager wins; without it the user agent up to its slash."""
    await api.create("configmaps", config_map("a", x="1"))
    await api.patch("configmaps", "a", {"data": {"y": "2"}}, fieldManager="somebody")
    entries = (await api.get("configmaps", "a")).body["metadata"]["managedFields"]
    owned = {entry["manager"]: entry["fieldsV1"] for entry in entries}
    assert owned["contract"] == {"f:data": {".": {}, "f:x": {}}}
    assert owned["somebody"] == {"f:data": {"f:y": {}}}
    assert {entry["operation"] for entry in entries} == {"Update"}


async def test_who_changes_a_field_takes_it_over(api: Api) -> None:
    """An update moves a changed field from its former manager."""
    await api.create("configmaps", config_map("a", x="1", y="1"), fieldManager="first")
    await api.patch("configmaps", "a", {"data": {"y": "2"}}, fieldManager="second")
    entries = (await api.get("configmaps", "a")).body["metadata"]["managedFields"]
    owned = {entry["manager"]: entry["fieldsV1"] for entry in entries}
    assert owned == {"first": {"f:data": {".": {}, "f:x": {}}}, "second": {"f:data": {"f:y": {}}}}


async def test_unknown_fields_are_dropped_warned_about_or_refused(api: Api) -> None:
    """FieldValidation: Ignore and Warn drop them, Strict answers 400; another value 422."""
    odd = service("a", colour="blue")
    warned = await api.call("POST", api.path("services"), odd, dryRun="All")
    assert "colour" not in warned.body["spec"]
    assert 'unknown field \\"spec.colour\\"' in warned.headers["Warning"]
    ignored = await api.call("POST", api.path("services"), odd, dryRun="All", fieldValidation="Ignore")
    assert (ignored.status, "Warning" in ignored.headers) == (201, False)
    strict = await api.call("POST", api.path("services"), odd, fieldValidation="Strict")
    assert (strict.status, strict.body["reason"]) == (400, "BadRequest")
    assert 'strict decoding error: unknown field "spec.colour"' in strict.body["message"]
    wrong = await api.call("POST", api.path("services"), odd, fieldValidation="Loose")
    assert wrong.status == 422


async def test_a_token_that_nobody_issued_is_unauthorized(api: Api) -> None:
    """A bad token answers 401 and tells nothing."""
    answer = await api.call("GET", api.path("services"), headers={"Authorization": "Bearer wrong"})
    assert answer.status == 401
    assert answer.body["message"] == "Unauthorized"
    assert answer.body["reason"] == "Unauthorized"


async def test_a_missing_right_is_named(api: Api) -> None:
    """RBAC's refusal names user, verb, resource, group and namespace."""
    mallory = {"Impersonate-User": "mallory"}
    answer = await api.call("GET", api.path("services", "a"), headers=mallory)
    assert answer.status == 403
    assert answer.body["message"] == (
        'services "a" is forbidden: User "mallory" cannot get resource "services" '
        f'in API group "" in the namespace "{api.namespace}"'
    )
    assert answer.body["details"] == {"name": "a", "kind": "services"}
    listing = await api.call("GET", "/apis/apps/v1/deployments", headers=mallory)
    assert listing.body["message"] == (
        'deployments.apps is forbidden: User "mallory" cannot list resource "deployments" '
        'in API group "apps" at the cluster scope'
    )


async def test_access_reviews_answer_for_oneself_and_for_others(api: Api) -> None:
    """A self review asks about the caller, a subject review about whom it names."""
    attributes = {"namespace": api.namespace, "verb": "patch", "resource": "services"}
    own = {"spec": {"resourceAttributes": attributes}}
    self_review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    mine = await api.call("POST", self_review, own)
    assert (mine.status, mine.body["status"]["allowed"]) == (201, True)
    not_hers = await api.call("POST", self_review, own, headers={"Impersonate-User": "mallory"})
    assert not_hers.body["status"]["allowed"] is False
    about = {"spec": {"user": "mallory", "resourceAttributes": attributes}}
    review = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    assert (await api.call("POST", review, about)).body["status"]["allowed"] is False
    nosy = await api.call("POST", review, about, headers={"Impersonate-User": "mallory"})
    assert nosy.status == 403
    rules = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    listed = await api.call("POST", rules, {"spec": {"namespace": api.namespace}})
    assert any(rule["verbs"] == ["*"] for rule in listed.body["status"]["resourceRules"])


async def test_events_are_kept_in_both_versions(api: Api) -> None:
    """An Event written to core/v1 is read from events.k8s.io/v1 under its newer field names."""
    about = {"kind": "Service", "namespace": api.namespace, "name": "a"}
    event = {"metadata": {"name": "a.1"}, "involvedObject": about, "reason": "Told", "message": "once"}
    await api.create("events", event | {"type": "Normal", "source": {"component": "me"}})
    newer = (await api.get("events.k8s.io/v1/events", "a.1")).body
    assert (newer["apiVersion"], newer["note"], newer["reason"]) == ("events.k8s.io/v1", "once", "Told")
    assert newer["regarding"]["name"] == "a"
    query: dict[str, Any] = {"fieldSelector": "involvedObject.name=a,reason=Told"}
    assert (await api.call("GET", api.path("events"), **query)).names == ["a.1"]
    elsewhere = event | {"metadata": {"name": "a.2"}, "involvedObject": {**about, "namespace": "default"}}
    assert (await api.call("POST", api.path("events"), elsewhere)).status == 422


async def test_newer_events_say_who_did_what_when(api: Api) -> None:
    """An Event of events.k8s.io/v1 needs time, controller, instance, action and reason."""
    about = {"kind": "Service", "namespace": api.namespace, "name": "a"}
    event = {
        "metadata": {"name": "a.1"},
        "regarding": about,
        "note": "once",
        "type": "Normal",
        "reason": "Told",
    }
    path = api.path("events.k8s.io/v1/events")
    refused = await api.call("POST", path, event)
    assert refused.status == 422
    assert [cause["field"] for cause in refused.body["details"]["causes"]] == ["eventTime"]
    when = {"eventTime": "2026-01-01T00:00:00.000000Z"}
    nameless = await api.call("POST", path, event | when)
    missing = {cause["field"] for cause in nameless.body["details"]["causes"]}
    assert missing == {"reportingController", "reportingInstance", "action"}
    who = {"reportingController": "example.org/bot", "reportingInstance": "bot-1", "action": "Tell"}
    created = await api.call("POST", path, event | who | when)
    assert (created.status, created.body["note"]) == (201, "once")
    core = (await api.get("events", "a.1")).body
    assert (core["message"], core["reportingComponent"]) == ("once", "example.org/bot")


async def test_discovery_names_every_resource_that_clients_need(api: Api) -> None:
    """Version, health, groups and resources are told as kubectl asks for them."""
    version = (await api.call("GET", "/version")).body
    assert version["gitVersion"].startswith(f"v{version['major']}.{version['minor'].rstrip('+')}")
    for path in ("/healthz", "/livez", "/readyz"):
        assert (await api.call("GET", path)).body == "ok"
    core = (await api.call("GET", "/api/v1")).body
    names = {entry["name"] for entry in core["resources"]}
    assert {"services", "services/status", "pods/exec", "nodes", "events"} <= names
    groups = {group["name"] for group in (await api.call("GET", "/apis")).body["groups"]}
    assert {"apps", "discovery.k8s.io", "networking.k8s.io", "authorization.k8s.io"} <= groups
    assert (await api.call("GET", "/api")).body["versions"] == ["v1"]


async def test_an_unknown_path_is_plain_text(api: Api) -> None:
    """What is no resource at all answers 404 without a Status."""
    answer = await api.call("GET", "/apis/nobody.example/v1/things")
    assert (answer.status, answer.body.strip()) == (404, "404 page not found")


async def test_a_token_is_the_base64_of_json_without_padding(api: Api) -> None:
    """A continue token is opaque to clients, and this is why it survives a query string."""
    for name in "ab":
        await api.create("configmaps", config_map(name))
    token = (await api.call("GET", api.path("configmaps"), limit=1)).body["metadata"]["continue"]
    assert json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))["v"] == "meta.k8s.io/v1"
