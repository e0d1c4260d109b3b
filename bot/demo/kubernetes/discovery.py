"""What kubectl and the official clients ask before they ask: version, groups, resources."""

import re

from bot.demo.kubernetes.resources import RESOURCES, Resource
from bot.demo.kubernetes.reviews import REVIEWS
from bot.demo.seam import Json

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def version(git_version: str) -> Json:
    """Return /version; major and minor are read from the git version."""
    match = re.match(r"v(\d+)\.(\d+)", git_version)
    major, minor = match.groups() if match else ("1", "")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": git_version,
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "go1.21.7",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def _groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for resource in (*RESOURCES, *REVIEWS.values()):
        versions = groups.setdefault(resource.group, [])
        if resource.version not in versions:
            versions.append(resource.version)
    return groups


def _group(name: str, versions: list[str]) -> Json:
    described = [{"groupVersion": f"{name}/{each}", "version": each} for each in versions]
    return {"name": name, "versions": described, "preferredVersion": described[0]}


def _entries(resource: Resource) -> list[Json]:
    entry: Json = {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": ["create"] if resource in REVIEWS.values() else VERBS,
    }
    entries = [entry | ({"shortNames": list(resource.short)} if resource.short else {})]
    common = {"singularName": "", "namespaced": resource.namespaced, "kind": resource.kind}
    if resource in REVIEWS.values():
        return entries
    if resource.has_status:
        entries.append({"name": f"{resource.plural}/status", **common, "verbs": ["get", "patch", "update"]})
    if resource.kind == "Pod":
        exec_entry = {**common, "kind": "PodExecOptions", "verbs": ["create", "get"]}
        entries += [{"name": "pods/exec", **exec_entry}, {"name": "pods/log", **common, "verbs": ["get"]}]
    return entries


def document(path: str) -> Json | None:
    """Return the discovery document at a path; None if there is none."""
    groups = _groups()
    match [part for part in path.split("/") if part]:
        case ["api"]:
            address = [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}]
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": address}
        case ["apis"]:
            described = [_group(name, versions) for name, versions in groups.items() if name]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": described}
        case ["apis", group] if group in groups:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, groups[group])}
        case ["api", api_version] if api_version in groups[""]:
            return _resource_list("", api_version)
        case ["apis", group, api_version] if api_version in groups.get(group, []):
            return _resource_list(group, api_version)
    return None


def _resource_list(group: str, api_version: str) -> Json:
    chosen = [r for r in (*RESOURCES, *REVIEWS.values()) if (r.group, r.version) == (group, api_version)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{api_version}" if group else api_version,
        "resources": [entry for resource in chosen for entry in _entries(resource)],
    }
