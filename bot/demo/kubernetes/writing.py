"""Writing objects: create, update, patch, apply and delete, as requests ask for them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from aiohttp import web

from bot.demo.kubernetes import patch
from bot.demo.kubernetes.access import User
from bot.demo.kubernetes.history import Record, serialised
from bot.demo.kubernetes.reading import Reader, listed, shown
from bot.demo.kubernetes.resources import Resource
from bot.demo.kubernetes.status import (
    Cause,
    bad_request,
    invalid_options,
    method_not_allowed,
    unsupported_media_type,
)
from bot.demo.kubernetes.storage import Storage
from bot.demo.kubernetes.target import Target
from bot.demo.kubernetes.update import Options, Preconditions
from bot.demo.seam import Json

MERGE, STEPS = "application/merge-patch+json", "application/json-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"
YAML_TYPES = frozenset({"application/yaml", "application/vnd.kubernetes.yaml", APPLY})
LONGEST_MANAGER = 128
OPTIONS_OF = {
    "POST": "CreateOptions",
    "PUT": "UpdateOptions",
    "PATCH": "PatchOptions",
    "DELETE": "DeleteOptions",
}


def manager_of(agent: str) -> str:
    """Return the field manager that a user agent stands for: what precedes its first slash."""
    return agent.partition("/")[0][:LONGEST_MANAGER]


def body_of(content_type: str, raw: bytes) -> Any:
    """Return a request's body; raises a 400."""
    try:
        return yaml.safe_load(raw) if content_type in YAML_TYPES else json.loads(raw)
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error


def flag(text: str) -> bool:
    """Return a boolean parameter."""
    return text.lower() in {"1", "true", "t"}


def options_of(request: web.Request, target: Target, user: User) -> Options:
    """Return how a write is asked for; raises the 422 of a wrong parameter."""
    query, kind = request.query, OPTIONS_OF[request.method]
    applying = request.content_type == APPLY
    manager = query.get("fieldManager", "")
    if len(manager) > LONGEST_MANAGER:
        why = f"may not be more than {LONGEST_MANAGER} bytes"
        raise invalid_options(kind, Cause.too_long("fieldManager", why))
    if applying and not manager:
        raise invalid_options(kind, Cause.required("fieldManager", "is required for apply patch"))
    if query.get("force") and not applying:
        raise invalid_options(kind, Cause.forbidden("force", "may not be specified for non-apply patch"))
    return Options(
        manager=manager or manager_of(request.headers.get("User-Agent", "")),
        user=user.name,
        operation="Apply" if applying else "Update",
        subresource=target.subresource,
        dry_run=_dry_run(query.getall("dryRun", []), kind),
        force=flag(query.get("force", "")),
        validation=_validation(query, kind),
        patching=request.method == "PATCH",
    )


def _dry_run(values: list[str], kind: str) -> bool:
    if any(value != "All" for value in values):
        raise invalid_options(kind, Cause.unsupported("dryRun", values, ("All",)))
    return bool(values)


def _validation(query: Mapping[str, str], kind: str) -> str:
    value = query.get("fieldValidation", "") or "Warn"
    if value not in {"Ignore", "Strict", "Warn"}:
        raise invalid_options(
            kind, Cause.unsupported("fieldValidation", value, ("", "Ignore", "Strict", "Warn"))
        )
    return value


def answer(body: bytes, *, status: int = 200, warnings: list[str] | None = None) -> web.Response:
    """Return a JSON response."""
    response = web.Response(body=body, status=status, content_type="application/json")
    for warning in warnings or []:
        quoted = warning.replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')
    return response


class Writer:
    """Answers every method that changes something."""

    def __init__(self, storage: Storage, reader: Reader) -> None:
        self._storage = storage
        self._reader = reader

    async def serve(self, request: web.Request, target: Target, user: User) -> web.Response:
        """Do what a request asks; raises an ApiError."""
        raw = await request.read()
        if target.subresource not in {"", "status"} or (
            target.subresource and not target.resource.has_status
        ):
            raise method_not_allowed(target.resource)
        options = options_of(request, target, user)
        match request.method:
            case "POST" if target.name is None:
                body = body_of(request.content_type, raw)
                record = self._storage.insert(target.resource, target.namespace, body, options)
                return self._written(target.resource, record, options, status=201)
            case "PUT" if target.name is not None:
                return self._put(target, body_of(request.content_type, raw), options)
            case "PATCH" if target.name is not None:
                return self._patch(request.content_type, target, raw, options)
            case "DELETE":
                return self._delete(target, request, raw, options)
        raise method_not_allowed(target.resource)

    def _written(
        self, resource: Resource, record: Record, options: Options, *, status: int = 200
    ) -> web.Response:
        return answer(shown(resource, record), status=status, warnings=options.warnings)

    def _put(self, target: Target, body: Any, options: Options) -> web.Response:
        if not isinstance(body, dict):
            raise bad_request("couldn't get version/kind; json parse error: the body is not an object")
        record, created = self._storage.replace(
            target.resource, target.namespace, target.name or "", body, options
        )
        return self._written(target.resource, record, options, status=201 if created else 200)

    def _patch(self, content_type: str, target: Target, raw: bytes, options: Options) -> web.Response:
        resource, name = target.resource, target.name or ""
        accepted = [STEPS, MERGE, *([] if resource.custom else [STRATEGIC]), APPLY]
        if content_type not in accepted:
            raise unsupported_media_type()
        body = body_of(content_type, raw)
        if content_type == APPLY:
            _check_apply(body)
            record, created = self._storage.apply(resource, target.namespace, name, body, options)
            return self._written(resource, record, options, status=201 if created else 200)
        change = _change(content_type, body)
        return self._written(
            resource, self._storage.modify(resource, target.namespace, name, change, options), options
        )

    def _delete(self, target: Target, request: web.Request, raw: bytes, options: Options) -> web.Response:
        given = body_of(request.content_type, raw) if raw.strip() else {}
        if not isinstance(given, dict):
            raise bad_request("couldn't get version/kind; json parse error: the body is not an object")
        if given.get("dryRun"):
            options = Options(manager=options.manager, user=options.user, dry_run=True)
        if target.name is None:
            return self._delete_all(target, request, options)
        demanded = given.get("preconditions") or {}
        preconditions = Preconditions(uid=demanded.get("uid"), version=demanded.get("resourceVersion"))
        record, gone = self._storage.remove(
            target.resource, target.namespace, target.name, options, preconditions
        )
        if not gone or target.resource.returns_deleted:
            return self._written(target.resource, record, options)
        return answer(serialised(_deleted(target.resource, record)))

    def _delete_all(self, target: Target, request: web.Request, options: Options) -> web.Response:
        query = {name: request.query.get(name, "") for name in ("labelSelector", "fieldSelector")}
        page = self._reader.page(target, query)
        gone = []
        for record in page.records:
            metadata = record.body["metadata"]
            gone.append(
                self._storage.remove(target.resource, metadata.get("namespace"), metadata["name"], options)[0]
            )
        resource = target.resource
        head = {"kind": resource.kind + "List", "apiVersion": resource.api_version}
        head["metadata"] = {"resourceVersion": str(self._storage.version)}  # type: ignore[assignment]  # mixed JSON
        items = b",".join(listed(resource, record) for record in gone)
        return answer(serialised(head)[:-1] + b',"items":[' + items + b"]}")


def _check_apply(body: Any) -> None:
    if not isinstance(body, dict) or not body.get("apiVersion") or not body.get("kind"):
        raise bad_request("invalid object type: apiVersion and kind must be set in an apply patch")
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")


def _change(content_type: str, body: Any) -> Callable[[Json], Json]:
    """Return what a patch does to an object."""
    if content_type == STEPS:
        return lambda live: patch.stepped(live, body)
    if not isinstance(body, dict):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]any"
        )
    if content_type == STRATEGIC:
        return lambda live: patch.strategic(live, body)
    return lambda live: dict(patch.merged(live, body))


def _deleted(resource: Resource, record: Record) -> Json:
    metadata = record.body["metadata"]
    details: Json = {"name": metadata["name"]}
    details |= {"group": resource.group} if resource.group else {}
    details |= {"kind": resource.plural, "uid": metadata["uid"]}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
