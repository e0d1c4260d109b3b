"""Failures as a Kubernetes API server words them: a `Status` object and its HTTP code.

The sentences are those of k8s.io/apimachinery `pkg/api/errors`, as a real kube-apiserver 1.36 answered them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from bot.demo.kubernetes.resources import Resource
from bot.demo.seam import Json

EXPIRED_PAGE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token in this response to retrieve the remainder of "
    "the results. Continuing with the provided token results in an inconsistent list - objects that were "
    "created, modified, or deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One field that was refused: a `field.Error` of apimachinery."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"

    @classmethod
    def invalid(cls, path: str, value: object, why: str) -> Self:
        """A value that may not be."""
        return cls(field=path, message=f"Invalid value: {quoted(value)}: {why}")

    @classmethod
    def required(cls, path: str, why: str = "") -> Self:
        """A value that is missing."""
        return cls(
            field=path,
            message=f"Required value: {why}" if why else "Required value",
            reason="FieldValueRequired",
        )

    @classmethod
    def unsupported(cls, path: str, value: object, supported: Sequence[str]) -> Self:
        """A value outside its closed set."""
        names = ", ".join(f'"{name}"' for name in supported)
        return cls(
            field=path,
            message=f"Unsupported value: {quoted(value)}: supported values: {names}",
            reason="FieldValueNotSupported",
        )

    @classmethod
    def forbidden(cls, path: str, why: str) -> Self:
        """A field that may not be given here."""
        return cls(field=path, message=f"Forbidden: {why}", reason="FieldValueForbidden")

    @classmethod
    def too_long(cls, path: str, why: str) -> Self:
        """A value beyond its length."""
        return cls(field=path, message=f"Too long: {why}", reason="FieldValueTooLong")


def quoted(value: object) -> str:
    """Return a value as Go prints it inside a message."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + " ".join(quoted(each) for each in value) + "]"
    return str(value)


@dataclass(slots=True)
class ApiError(Exception):
    """A refusal; `body` is the Status object that the client is sent."""

    code: int
    reason: str
    message: str
    details: Json | None = None
    metadata: Json = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    @property
    def body(self) -> Json:
        """Return the Status object."""
        status: Json = {"kind": "Status", "apiVersion": "v1", "metadata": self.metadata, "status": "Failure"}
        status["message"] = self.message
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        return status | {"code": self.code}


def _details(resource: Resource, name: str | None, *, kind: str | None = None) -> Json:
    details: Json = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    return details | {"kind": kind or resource.plural}


def not_found(resource: Resource, name: str) -> ApiError:
    """Return the 404 of an object that is not there."""
    return ApiError(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def already_exists(resource: Resource, name: str) -> ApiError:
    """Return the 409 of a create whose name is taken."""
    message = f'{resource.qualified} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _details(resource, name))


def conflict(resource: Resource, name: str, why: str | None = None, *, kind: str | None = None) -> ApiError:
    """Return the 409 of a stale resourceVersion or another failed precondition."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    subject = kind + (f".{resource.group}" if resource.group else "") if kind else resource.qualified
    message = f'Operation cannot be fulfilled on {subject} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(resource, name, kind=kind))


def forbidden(resource: Resource, name: str | None, why: str) -> ApiError:
    """Return the 403 of RBAC and of admission."""
    subject = f'{resource.qualified} "{name}"' if name else resource.qualified
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", _details(resource, name))


def invalid(kind: str, name: str, causes: Sequence[Cause], *, group: str = "") -> ApiError:
    """Return the 422 that names every refused field."""
    parts = [f"{cause.field}: {cause.message}" for cause in causes]
    summary = parts[0] if len(parts) == 1 else "[" + ", ".join(parts) + "]"
    subject = f"{kind}.{group}" if group else kind
    details: Json = {"name": name} if name else {}
    details |= {"group": group} if group else {}
    details |= {"kind": kind} if kind else {}
    details["causes"] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
    return ApiError(422, "Invalid", f'{subject} "{name}" is invalid: {summary}', details)


def invalid_object(resource: Resource, name: str, causes: Sequence[Cause]) -> ApiError:
    """Return the 422 of an object of a resource."""
    return invalid(resource.kind, name, causes, group=resource.group)


def invalid_options(kind: str, *causes: Cause) -> ApiError:
    """Return the 422 of a query parameter, such as `fieldManager` in PatchOptions."""
    return invalid(kind, "", causes, group="meta.k8s.io")


def unprocessable_patch() -> ApiError:
    """Return the 422 of a JSON patch that does not apply; it does not say which operation failed."""
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def bad_request(message: str) -> ApiError:
    """Return the 400 of a request that cannot be read."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """Return the 401 of a token that nobody issued."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def expired(message: str, *, token: str | None = None) -> ApiError:
    """Return the 410 of a version that the server no longer keeps; `token` continues inconsistently."""
    return ApiError(410, "Expired", message, metadata={"continue": token} if token else {})


def too_large_version(asked: int, current: int) -> ApiError:
    """Return the 504 of a version that the server has not reached."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return ApiError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})


def method_not_allowed(resource: Resource) -> ApiError:
    """Return the 405 of a verb that a path does not know."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, _details(resource, None))


def unsupported_media_type() -> ApiError:
    """Return the 415 of a patch type that a resource does not take."""
    return ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type")


def apply_conflict(owners: Mapping[str, Sequence[str]]) -> ApiError:
    """Return the 409 of a server-side apply; `owners` are the fields of every other manager."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path}
        for who, paths in owners.items()
        for path in paths
    ]
    if len(causes) == 1:
        summary = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        lines = ["\n- ".join([f"conflicts with {who}:", *paths]) for who, paths in owners.items()]
        summary = f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)
    return ApiError(409, "Conflict", summary, {"causes": causes})
