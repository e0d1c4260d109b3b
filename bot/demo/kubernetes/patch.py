"""The patches of the API: merge (RFC 7386), JSON (RFC 6902) and strategic merge."""

import copy
from collections.abc import Sequence
from typing import Any

from bot.demo.kubernetes.status import bad_request, unprocessable_patch
from bot.demo.seam import Json

# Strategic merge keys: `patchMergeKey` of k8s.io/api; every other list is replaced as a whole.
MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "ports": ("containerPort", "port"),
    "conditions": ("type",),
    "addresses": ("type",),
    "env": ("name",),
    "containers": ("name",),
    "initContainers": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "ownerReferences": ("uid",),
    "taints": ("key",),
    "hostAliases": ("ip",),
}
MERGED_SETS = frozenset({"finalizers"})


def merged(target: Any, patch: Any) -> Any:
    """Return the result of a merge patch; the inputs stay as they are."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def _tokens(pointer: Any) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise unprocessable_patch()
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _index(container: list[Any], token: str, *, end: bool) -> int:
    if token == "-" and end:
        return len(container)
    if not token.isascii() or not token.isdigit() or int(token) > len(container) - (0 if end else 1):
        raise unprocessable_patch()
    return int(token)


def _read(document: Any, tokens: Sequence[str]) -> Any:
    for token in tokens:
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list):
            document = document[_index(document, token, end=False)]
        else:
            raise unprocessable_patch()
    return document


def _add(document: Any, tokens: Sequence[str], value: Any) -> Any:
    if not tokens:
        return value
    parent, last = _read(document, tokens[:-1]), tokens[-1]
    if isinstance(parent, list):
        parent.insert(_index(parent, last, end=True), value)
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise unprocessable_patch()
    return document


def _remove(document: Any, tokens: Sequence[str]) -> Any:
    _read(document, tokens)
    if not tokens:
        raise unprocessable_patch()
    parent, last = _read(document, tokens[:-1]), tokens[-1]
    del parent[int(last) if isinstance(parent, list) else last]
    return document


def _replace(document: Any, tokens: Sequence[str], value: Any) -> Any:
    """A real server's library lets a key of an object be replaced that is not there, against RFC 6902 §4.3."""
    if not tokens:
        return value
    parent, last = _read(document, tokens[:-1]), tokens[-1]
    if isinstance(parent, dict):
        parent[last] = value
        return document
    _read(document, tokens)
    parent[int(last)] = value
    return document


def _step(document: Any, operation: Json) -> Any:
    path = _tokens(operation.get("path"))
    match operation.get("op"):
        case "test":
            if _read(document, path) != operation.get("value"):
                raise unprocessable_patch()
            return document
        case "add":
            return _add(document, path, copy.deepcopy(operation.get("value")))
        case "remove":
            return _remove(document, path)
        case "replace":
            return _replace(document, path, copy.deepcopy(operation.get("value")))
        case "move":
            source = _tokens(operation.get("from"))
            value = _read(document, source)
            return _add(_remove(document, source), path, value)
        case "copy":
            return _add(document, path, copy.deepcopy(_read(document, _tokens(operation.get("from")))))
        case unknown:
            raise bad_request(f"Unexpected kind: {unknown}")


def stepped(target: Json, operations: Any) -> Json:
    """Return the result of a JSON patch; raises the 422 of a failed operation, the 400 of an unreadable one."""
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    document: Any = copy.deepcopy(target)
    for operation in operations:
        document = _step(document, operation)
    if not isinstance(document, dict):
        raise unprocessable_patch()
    return document


def _merge_key(field: str, patch: list[Any]) -> str | None:
    """Return the key that identifies items of a list, None when the list is replaced."""
    items = [item for item in patch if isinstance(item, dict)]
    keys = MERGE_KEYS.get(field, ())
    if not items or len(items) != len(patch):
        return None
    return next((key for key in keys if any(key in item for item in items)), None)


def _merge_items(target: list[Any], patch: list[Any], key: str) -> list[Any]:
    if any(item.get("$patch") == "replace" for item in patch):
        return [copy.deepcopy(item) for item in patch if "$patch" not in item]
    result = list(target)
    for item in patch:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        places = [at for at, old in enumerate(result) if old.get(key) == item[key]]
        if item.get("$patch") == "delete":
            result = [old for old in result if old.get(key) != item[key]]
        elif places:
            result[places[0]] = strategic(result[places[0]], item)
        else:
            result.append(strategic({}, item))
    return result


def _merge_list(field: str, target: Any, patch: list[Any]) -> list[Any]:
    present = target if isinstance(target, list) else []
    if field in MERGED_SETS:
        return present + [item for item in patch if item not in present]
    key = _merge_key(field, patch)
    return copy.deepcopy(patch) if key is None else _merge_items(present, patch, key)


def strategic(target: Json, patch: Json) -> Json:
    """Return the result of a strategic merge patch of a built-in type."""
    if patch.get("$patch") == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if key != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    result = dict(target)
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            result[field] = [item for item in result.get(field, []) if item not in value]
        elif key.startswith("$"):
            continue  # $setElementOrder and $retainKeys order and prune; nothing here depends on them
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            present = result.get(key)
            result[key] = strategic(present if isinstance(present, dict) else {}, value)
        elif isinstance(value, list):
            result[key] = _merge_list(key, result.get(key), value)
        else:
            result[key] = value
    return result
