"""The paths before and after a change, as the card shows them."""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.change import ClientClass, FindingNote
from bot.domain.explanation import ClientKind, Explanation, Path
from bot.domain.objects import PASS_THROUGH, Ref, Service
from bot.domain.path import explain
from bot.domain.snapshot import Snapshot
from bot.domain.summary import client_words


def supposed(snapshot: Snapshot, parts: Sequence[tuple[Service, str | None]]) -> Snapshot:
    """See the cluster as if each Service had its pass-through value (None: no such key)."""
    for service, value in parts:
        snapshot = snapshot.with_service(with_value(service, value))
    return snapshot


def with_value(service: Service, value: str | None) -> Service:
    """Return a Service with another pass-through value."""
    kept = {key: text for key, text in service.annotations.items() if key != PASS_THROUGH}
    return replace(service, annotations=kept if value is None else {**kept, PASS_THROUGH: value})


def before_and_after(before: Snapshot, after: Snapshot, ref: Ref) -> tuple[Explanation, Explanation]:
    """Explain one Service as it is and as it would be."""
    return explain(before, ref), explain(after, ref)


def rows(before: Explanation, after: Explanation) -> tuple[ClientClass, ...]:
    """Pair each class of client and address with what becomes of it; every class of either side has its row."""
    then = {_key(path): path for path in after.paths}
    now = {_key(path): path for path in before.paths}
    return tuple(_row(now.get(key), then.get(key)) for key in {**now, **then})


def notes(after: Explanation) -> tuple[FindingNote, ...]:
    """Return the findings that the change brings or leaves, worst first; what it mends is not listed."""
    order = {"error": 0, "warning": 1, "info": 2}
    found = sorted(after.findings, key=lambda finding: order[str(finding.severity)])
    return tuple(
        FindingNote(code=f.code, severity=str(f.severity), message=f.message, fix=f.fix) for f in found
    )


def _key(path: Path) -> tuple[str, str, str, int, str]:
    to = path.destination
    return str(path.client.kind), path.client.group, to.ip, to.port, to.protocol


def _row(now: Path | None, then: Path | None) -> ClientClass:
    shown = now or then
    if shown is None:
        raise AssertionError("a row has a path on at least one side")
    return ClientClass(
        client=client_words(shown.client),
        count=0 if shown.client.kind is ClientKind.EXTERNAL else shown.client.stands_for or 0,
        destination=str(shown.destination),
        before=str(now.verdict) if now else "undetermined",
        after=str(then.verdict) if then else "undetermined",
        through_before=now.via_load_balancer if now else None,
        through_after=then.via_load_balancer if then else None,
    )
