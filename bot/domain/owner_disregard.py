"""Whether a tool is told to leave a difference in one annotation alone.

Argo CD: "Diffing Customization" (group and kind are glob patterns, name and namespace exact). Flux: fluxcd/pkg,
ssa/jsondiff/selector.go (all of them anchored regular expressions).
"""

import re
from fnmatch import fnmatchcase

from bot.domain.owner import Disregard, Evidence, Touch
from bot.domain.patch import FIELD_MANAGER

_ABOVE = ("", "/metadata", "/metadata/annotations")
_ABOVE_JQ = (".", ".metadata", ".metadata.annotations")
_ELSEWHERE = re.compile(r"\.(spec|status|data|metadata\.(labels|ownerReferences|finalizers|managedFields))\b")
"""jq paths that cannot reach an annotation."""
_PLAIN = re.compile(r"(?:\w|-|\.(?![*+])|\\[.-])*(?:\.[*+](?:\w|-|\.(?![*+])|\\[.-])*){0,2}")
"""Patterns that are tried. Others could take for ever: this matcher backtracks, Go's does not."""


def told_to_argo(disregards: tuple[Disregard, ...], evidence: Evidence, touch: Touch) -> bool | None:
    """Say whether Argo CD is told to; None: a rule may say so and is not understood here."""
    rules = [rule for rule in disregards if _selected_by_glob(rule, evidence)]
    if any(_pointed(rule, touch) or _by_manager(rule, touch) for rule in rules):
        return True
    answers = [_by_expression(text, touch.key) for rule in rules for text in rule.expressions]
    return True if True in answers else None if None in answers else False


def told_to_flux(disregards: tuple[Disregard, ...], evidence: Evidence, touch: Touch) -> bool | None:
    """Say whether Flux is told to; None: a rule may say so and is not understood here."""
    answers = [_selected_by_pattern(rule, evidence) for rule in disregards if _pointed(rule, touch)]
    return True if True in answers else None if None in answers else False


def _pointed(rule: Disregard, touch: Touch) -> bool:
    escaped = touch.key.replace("~", "~0").replace("/", "~1")
    return any(pointer in (*_ABOVE, f"/metadata/annotations/{escaped}") for pointer in rule.pointers)


def _by_manager(rule: Disregard, touch: Touch) -> bool:
    """Fields of ours; a key that is gone is nobody's."""
    return touch.after is not None and FIELD_MANAGER in rule.managers


def _by_expression(text: str, key: str) -> bool | None:
    path = "".join(text.split())
    exact = {f'.metadata.annotations["{key}"]', f'.metadata.annotations."{key}"'}
    if (
        path in _ABOVE_JQ
        or path.replace("?", "") in exact
        or path.replace('annotations.["', 'annotations["') in exact
    ):
        return True
    if _ELSEWHERE.match(path) and "|" not in path and "," not in path:
        return False
    return None


def _selected_by_glob(rule: Disregard, evidence: Evidence) -> bool:
    return (
        fnmatchcase("", rule.group)
        and fnmatchcase("Service", rule.kind)
        and rule.name in ("", evidence.name)
        and rule.namespace in ("", evidence.namespace)
    )


def _selected_by_pattern(rule: Disregard, evidence: Evidence) -> bool | None:
    fields = (
        (rule.group, ""),
        (rule.kind, "Service"),
        (rule.name, evidence.name),
        (rule.namespace, evidence.namespace),
    )
    answers = [_matches(pattern, value) for pattern, value in fields if pattern not in ("", "*")]
    if False in answers:
        return False
    return None if rule.narrowed or None in answers else True


def _matches(pattern: str, value: str) -> bool | None:
    bare = pattern.removeprefix("^").removesuffix("$")
    return re.fullmatch(bare, value) is not None if _PLAIN.fullmatch(bare) else None
