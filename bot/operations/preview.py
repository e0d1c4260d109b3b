"""The paths before and after a change, as the card shows them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.change import ClientClass, FindingNote, ServiceRef, Step
from bot.domain.explanation import ClientKind, Explanation, Path
from bot.domain.objects import PASS_THROUGH, Ref, Service
from bot.domain.path import explain
from bot.domain.snapshot import Snapshot
from bot.domain.summary import client_words
from bot.operations.path_table import NOBODY_LOSES, affected


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The paths to a change's Services as they are and as they would be, over one snapshot."""

    snapshot: Snapshot
    """The cluster before the change."""
    then: Snapshot
    """The cluster after it."""
    before: Explanation
    """Of the Service that the person named."""
    after: Explanation
    others: tuple[tuple[Explanation, Explanation], ...] = ()
    """The same of each other Service that is patched with it."""

    @property
    def each(self) -> tuple[tuple[Explanation, Explanation], ...]:
        """Every Service's paths before and after, the named one's first."""
        return ((self.before, self.after), *self.others)


def paths(snapshot: Snapshot, steps: Sequence[Step], named: ServiceRef) -> Paths | None:
    """Explain the Services of a change before and after it; None while one of them is not in the snapshot.

    The steps say which values are there before and after: the snapshot may lag behind both.
    """
    cached = {
        step.service: snapshot.service(Ref(step.service.namespace, step.service.name)) for step in steps
    }
    known = [(service, step) for step in steps if (service := cached[step.service]) is not None]
    if len(known) < len(steps):
        return None
    before = supposed(snapshot, [(service, step.before.get(PASS_THROUGH)) for service, step in known])
    after = supposed(snapshot, [(service, step.after.get(PASS_THROUGH)) for service, step in known])
    refs = sorted((service.ref for service, _ in known), key=lambda ref: (str(ref) != str(named), ref))
    own, *others = (before_and_after(before, after, ref) for ref in refs)
    return Paths(snapshot=before, then=after, before=own[0], after=own[1], others=tuple(others))


def rows(before: Explanation, after: Explanation) -> tuple[ClientClass, ...]:
    """Pair each class of client and address with what becomes of it; every class of either side has its row."""
    then = {_key(path): path for path in after.paths}
    now = {_key(path): path for path in before.paths}
    return tuple(_row(now.get(key), then.get(key)) for key in {**now, **then})


def also(shown: Paths) -> tuple[str, ...]:
    """Say what the change does to each of the other Services, those that lose by it first."""
    said = [(affected(rows(before, after)), after.service) for before, after in shown.others]
    said.sort(key=lambda one: NOBODY_LOSES in one[0].casefold())
    return tuple(f"{ref}: {sentence}" for sentence, ref in said)


def notes(shown: Paths) -> tuple[FindingNote, ...]:
    """Return the findings that the change brings or leaves, worst first; what it mends is not listed.

    What is so for the named Service is not said of each other one again.
    """
    own = notes_of(shown.after)
    known = {note.code for note in own}
    others = [note for _, after in shown.others for note in notes_of(after, prefix=f"{after.service}: ")]
    more = {note.code: note for note in reversed(others) if note.code not in known}
    return tuple(sorted((*own, *more.values()), key=lambda note: _ORDER[note.severity]))


def notes_of(after: Explanation, prefix: str = "") -> tuple[FindingNote, ...]:
    """Return one Service's findings, worst first."""
    found = sorted(after.findings, key=lambda finding: _ORDER[str(finding.severity)])
    return tuple(
        FindingNote(code=str(f.code), severity=str(f.severity), message=f"{prefix}{f.message}", fix=f.fix)
        for f in found
    )


_ORDER = {"error": 0, "warning": 1, "info": 2}


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
