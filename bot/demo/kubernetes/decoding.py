"""Decoding: from a request's body to an object of a resource."""

from typing import Any

from bot.demo.kubernetes import eventview, schema
from bot.demo.kubernetes.resources import Resource
from bot.demo.kubernetes.status import ApiError, bad_request
from bot.demo.kubernetes.update import Options
from bot.demo.seam import Json


def decoded(resource: Resource, body: Any, options: Options) -> Json:
    """Return an object as the server decodes it; raises a 400, or a 422 inside a patch."""
    if not isinstance(body, dict):
        raise bad_request("couldn't get version/kind; json parse error: the body is not an object")
    kind, version = body.get("kind", resource.kind), body.get("apiVersion", resource.api_version)
    if (kind, version) != (resource.kind, resource.api_version):
        what = f'{kind} in version "{version}" cannot be handled as a {resource.kind}'
        raise bad_request(f"{what}: converting (v1.{kind}) to ({resource.kind}): unknown conversion")
    body = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": {}, **body}
    if (why := schema.malformed(body)) is not None:
        raise _undecodable(resource, body, why, options)
    if resource.stored_as:
        body = eventview.to_core(body)
    kept, unknown = schema.pruned(resource, body)
    if unknown and options.validation == "Strict":
        why = "strict decoding error: " + ", ".join(f'unknown field "{path}"' for path in unknown)
        raise _undecodable(resource, body, why, options)
    if options.validation == "Warn":
        options.warnings.extend(f'unknown field "{path}"' for path in unknown)
    return kept


def _undecodable(resource: Resource, body: Json, why: str, options: Options) -> ApiError:
    if options.patching:
        return schema.unpatchable(body, why)
    return bad_request(
        f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {why}'
    )
