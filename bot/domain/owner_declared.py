"""Whether a tool's source declares an annotation, from what the Service carries.

A server keeps no copy of Git. Client-side apply leaves the annotations that it sent behind; server-side apply and
every other writer leave the keys that they own in managedFields, and lose a key to whoever changes its value
(Kubernetes: "Server-Side Apply", conflicts). So a key that somebody else owns now may have been declared before.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.owner import Evidence
from bot.domain.patch import FIELD_MANAGER


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a source says about one annotation."""

    known: bool
    value: str | None = None
    """None: it does not set it."""


UNKNOWN = Declared(known=False)
NOT_DECLARED = Declared(known=True)


def applied(evidence: Evidence, key: str) -> Declared:
    """Read it off what client-side apply left behind."""
    if evidence.last_applied is None:
        return UNKNOWN
    return Declared(known=True, value=evidence.last_applied.get(key))


def owned(
    evidence: Evidence,
    key: str,
    is_tool: Callable[[str], bool],
    *,
    innocent: Callable[[str], bool] = lambda manager: manager == FIELD_MANAGER,
) -> Declared:
    """Read it off managedFields.

    Args:
        evidence: of the Service.
        key: the annotation.
        is_tool: whether a field manager is the tool's.
        innocent: whether a field manager that owns the key proves that the tool does not declare it.
    """
    if not any(is_tool(writer.manager) for writer in evidence.writers):
        return UNKNOWN
    owners = [writer.manager for writer in evidence.owners_of(key)]
    if any(is_tool(manager) for manager in owners):
        return Declared(known=True, value=evidence.annotations.get(key))
    return NOT_DECLARED if all(innocent(manager) for manager in owners) else UNKNOWN
