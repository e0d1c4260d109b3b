"""Asks who else looks after a change's Services, in bounded time, and what becomes of the patch."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.change import Change, FindingNote, MeasurementPlan
from bot.domain.owner import Evidence, Fate, Mark, Outlook, Owner, Tool, Touch, Writer, worst
from bot.domain.owner_fate import fate
from bot.domain.owner_marks import marks
from bot.domain.patch import FIELD_MANAGER
from bot.domain.rules_finding import GITOPS
from bot.domain.words import counted, unmarked
from bot.operations.world import World
from bot.ports import Forbidden, LiveService, WorldError

PATIENCE = 3.0
"""Seconds for one cluster's answer; a card that is late is worse than one that says "unknown"."""
LONGEST_WATCH = 24 * 3600.0
"""Seconds; a revert that comes later is not waited for."""
_OBJECTS = {
    Tool.APPLICATION: "Application",
    Tool.KUSTOMIZATION: "Kustomization",
    Tool.HELM_RELEASE: "HelmRelease",
}
_BAD = frozenset({Outlook.REVERTED, Outlook.UNKNOWN})

Patched = tuple[LiveService, Mapping[str, str | None]]
"""A Service as it is, and what the patch makes of its annotations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What a change's card says of Git."""

    fate: Fate
    note: str
    """For the card."""

    def told_on(self, draft: Change) -> Change:
        """Put it on a proposal: the note, the finding, and a watch that lasts until the tool has had its turn."""
        return replace(
            draft,
            git_note=self.note,
            fate=self.fate,
            findings=self._findings(draft.findings),
            plan=self._watched(draft.plan),
        )

    def _findings(self, found: Iterable[FindingNote]) -> tuple[FindingNote, ...]:
        """Put what is known of this very patch in the place of what the marks alone suggest."""
        others = tuple(note for note in found if note.code != GITOPS.id)
        if self.fate.outlook not in _BAD:
            return others
        own = FindingNote(
            code=GITOPS.id, severity=str(GITOPS.severity), message=self.fate.sentence, fix=GITOPS.fix
        )
        return (*others, own)

    def _watched(self, plan: MeasurementPlan | None) -> MeasurementPlan | None:
        if plan is None or self.fate.settles is None:
            return plan
        return replace(plan, watch=max(plan.watch, min(1.5 * self.fate.settles + 60.0, LONGEST_WATCH)))


async def ownership(world: World, patched: Sequence[Patched], *, patience: float = PATIENCE) -> Ownership:
    """Find out what becomes of a patch; what cannot be read makes the answer unknown, never an error."""
    asking = _Asking(world=world, patience=patience)
    fates = await asyncio.gather(*(asking.fates(live, after) for live, after in patched))
    fated = worst(tuple(fate for several in fates for fate in several))
    wrote = [text for live, after in patched if (text := _writers(live, after))]
    said = fated.sentence or "no owner found; nothing is known that would revert this."
    return Ownership(fate=fated, note=" ".join(dict.fromkeys([said, *wrote])))


async def asked_again(world: World, change: Change) -> Change:
    """Return a change with what becomes of its patch in Git as things are now; not stored.

    What cannot be read now stays as it was told: whoever applies reads again, and applies nothing that cannot be read.
    """
    cluster = world.clusters.get(change.cluster)
    try:
        lives = await asyncio.gather(*(cluster.read(step.service) for step in change.steps))
    except WorldError:
        return change
    patched = [(live, step.after) for live, step in zip(lives, change.steps, strict=True)]
    return (await ownership(world, patched)).told_on(change)


def worse(before: Change, after: Change) -> str:
    """Say what becomes of the patch where it is reverted by now, and the card said otherwise."""
    was, now = before.fate, after.fate
    if was is None or now is None or now.outlook is not Outlook.REVERTED or was.outlook is now.outlook:
        return ""
    return now.sentence


def evidence_of(live: LiveService) -> Evidence:
    """Return what a Service tells of those who look after it."""
    return Evidence(
        namespace=live.ref.namespace,
        name=live.ref.name,
        labels=live.labels,
        annotations=live.annotations,
        writers=live.writers,
        last_applied=live.last_applied,
    )


def _writers(live: LiveService, after: Mapping[str, str | None]) -> str:
    """Name the other field managers of the touched keys."""
    owners = [(key, writer) for key in after for writer in evidence_of(live).owners_of(key)]
    named = [f"{_writer(writer)} wrote {key}" for key, writer in owners if writer.manager != FIELD_MANAGER]
    return f"{'; '.join(named)}." if named else ""


def _writer(writer: Writer) -> str:
    at = f"{writer.at:%d %b %Y %H:%M} UTC" if writer.at else ""
    detail = ", ".join(text for text in (unmarked(writer.operation), at) if text)
    return f"{unmarked(writer.manager)} ({detail})" if detail else unmarked(writer.manager)


# --- the objects behind the marks ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """Looks for the objects behind marks, for so many seconds a cluster."""

    world: World
    patience: float

    async def fates(self, live: LiveService, after: Mapping[str, str | None]) -> tuple[Fate, ...]:
        """Say what each tool that left a mark on a Service does to each annotation of the patch."""
        evidence = evidence_of(live)
        found = [(mark, *await self._owner(live.ref.cluster, evidence, mark)) for mark in marks(evidence)]
        return tuple(
            fate(evidence, Touch(key=key, after=value), mark, owner, missing)
            for mark, owner, missing in found
            if owner is not None or not mark.hint
            for key, value in after.items()
        )

    async def _owner(self, cluster: str, evidence: Evidence, mark: Mark) -> tuple[Owner | None, str]:
        """Find the one object that a mark is about, in this cluster or in another that is configured."""
        if mark.tool not in _OBJECTS:
            return None, ""
        if not mark.name:
            return None, f"no mark tells which {_OBJECTS[mark.tool]} it is"
        at_home, silent = await self._look(cluster, mark)
        own = [each for each in at_home if each.here and _claims(each, evidence, mark)]
        if own or silent:
            return _only(own, mark, silent)
        others = [name for name in self.world.clusters.names() if name != cluster]
        looks = await asyncio.gather(*(self._look(name, mark) for name in others))
        far = [each for found, _ in looks for each in found if not each.here and _proves(each, evidence)]
        return _only(far, mark, next((why for _, why in looks if why), ""))

    async def _look(self, cluster: str, mark: Mark) -> tuple[Sequence[Owner], str]:
        """Read the objects of a mark's name in one cluster, or say why that could not be."""
        kind = _OBJECTS[mark.tool]
        try:
            async with asyncio.timeout(self.patience):
                return await self.world.clusters.get(cluster).owners(mark), ""
        except Forbidden:
            return (), f"the bot may not read {kind}s on {cluster}"
        except WorldError as error:
            return (), f"the {kind} on {cluster} could not be read ({unmarked(error)})"
        except TimeoutError:
            return (), f"the {kind} on {cluster} could not be read in time"


def _claims(owner: Owner, evidence: Evidence, mark: Mark) -> bool:
    """Whether an object in the Service's own cluster is about it; a mere hint has to be confirmed."""
    return _proves(owner, evidence) if mark.hint else owner.services is None or _proves(owner, evidence)


def _proves(owner: Owner, evidence: Evidence) -> bool:
    return owner.services is not None and evidence.id in owner.services


def _only(found: Sequence[Owner], mark: Mark, why: str) -> tuple[Owner | None, str]:
    kind = _OBJECTS[mark.tool]
    if len(found) == 1:
        return found[0], ""
    if found:
        return None, f"{counted(len(found), kind)} of that name claim it"
    return None, why or f"the {kind} lives elsewhere, in none of the configured clusters"
