"""What a request's path means: a resource, perhaps a namespace, a name and a subresource."""

from dataclasses import dataclass

from bot.demo.kubernetes.resources import BY_PATH, Resource

NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The object or the collection that a path names."""

    resource: Resource
    namespace: str | None = None
    name: str | None = None
    subresource: str = ""

    def verb(self, method: str, *, watching: bool) -> str:
        """Return the RBAC verb of a method on this target."""
        named = self.name is not None
        match method:
            case "GET" if named:
                return "get"
            case "GET":
                return "watch" if watching else "list"
            case "DELETE":
                return "delete" if named else "deletecollection"
            case _:
                return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(method, method.lower())


def _prefix(parts: list[str]) -> tuple[str, str, list[str]] | None:
    match parts:
        case ["api", version, *rest]:
            return "", version, rest
        case ["apis", group, version, *rest]:
            return group, version, rest
    return None


def parsed(path: str) -> Target | None:
    """Return what a path names; None for a path outside the resources."""
    split = _prefix([part for part in path.split("/") if part])
    if split is None:
        return None
    group, version, rest = split
    match rest:
        case ["namespaces", namespace, plural, *more] if plural not in NAMESPACE_SUBRESOURCES:
            return _target(group, version, plural, namespace, more)
        case [plural, *more]:
            return _target(group, version, plural, None, more)
    return None


def _target(group: str, version: str, plural: str, namespace: str | None, more: list[str]) -> Target | None:
    resource = BY_PATH.get((group, version, plural))
    longest = 2
    if resource is None or len(more) > longest or (namespace is not None and not resource.namespaced):
        return None
    name = more[0] if more else None
    subresource = more[1] if len(more) == longest else ""
    if name is not None and resource.namespaced and namespace is None:
        return None
    return Target(resource=resource, namespace=namespace, name=name, subresource=subresource)
