"""What stands against a change: harm that its findings foretell, asked when it is proposed, approved and applied."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bot.domain.approval import objections
from bot.domain.change import Change, FindingNote, Verb
from bot.domain.policy import Policy, policy_for
from bot.domain.rules_finding import GITOPS, MEANINGLESS_CATEGORY, MEANINGLESS_PROXY, ON_GENERIC
from bot.domain.words import counted, unmarked
from bot.operations import preview
from bot.operations.plans import UNHEALTHY
from bot.operations.preview import Paths
from bot.operations.world import World

MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Findings of a change's Services after it, as the policies of their namespaces sort them."""

    blocking: tuple[FindingNote, ...] = ()
    risks: tuple[FindingNote, ...] = ()
    """What every policy lets a person accept, with a reason."""


def against(
    policies: Sequence[Policy],
    verb: Verb,
    shown: Paths,
    more: Iterable[FindingNote] = (),
    *,
    fated: bool = False,
) -> Against:
    """Sort the findings of every Service of a change; one policy that refuses is enough.

    `more` are findings from elsewhere: of the cloud, of who looks after the Service. `fated`: they say what becomes
    of this very patch in Git, so that the marks on the Services, which tell less, are not counted.
    """
    found: dict[FindingNote, str] = {}
    for index, (before, after) in enumerate(shown.each):
        was = {str(finding.code) for finding in before.findings}
        for note in preview.notes_of(after, prefix=f"{after.service}: " if index else ""):
            if not (fated and note.code == GITOPS.id):
                found[note] = _sorted(policies, verb, note, was)
    known = {note.code for note in found}
    found |= {note: _sorted(policies, verb, note, ()) for note in more if note.code not in known}
    return Against(
        blocking=tuple(note for note, kind in found.items() if kind == "blocking"),
        risks=tuple(note for note, kind in found.items() if kind == "risk"),
    )


def _sorted(policies: Sequence[Policy], verb: Verb, note: FindingNote, before: Collection[str]) -> str:
    """Say whether a finding refuses a change, is a risk that may be taken, or neither."""
    found = [objections(policy, [note.code], verb=verb, before=before) for policy in policies]
    if any(each.blocking for each in found) or _dead(note, verb):
        return "blocking"
    return "risk" if any(each.risks for each in found) else ""


def sentence(blocking: Sequence[FindingNote]) -> str:
    """Say what harm it would do, and what to do about it."""
    said = " ".join(f"{note.message} ({note.code})" for note in blocking[:MOST_NAMED])
    more = f" And {counted(len(blocking) - MOST_NAMED, 'finding')} more." if blocking[MOST_NAMED:] else ""
    fix = next((note.fix for note in blocking if note.fix), "")
    what = next((_USELESS[note.code] for note in blocking if note.code in _USELESS), "")
    harmful = any(note.code not in _USELESS for note in blocking)
    return unmarked(
        f"{'it would do harm' if harmful else what}: {said}{more}{f' What to do: {fix}' if fix else ''}"
    )


_USELESS = {
    MEANINGLESS_CATEGORY.id: "it would change nothing for Pods",
    MEANINGLESS_PROXY.id: "nobody knows what it would do",
    ON_GENERIC.id: "it would change nothing",
}
"""Findings that refuse a change although it harms nobody."""


def harm(world: World, change: Change) -> str:
    """Say why a change must not be approved or applied as things are now; nothing where nothing speaks against it.

    Undoing is no new risk. What is not in the cache is not known to do harm.
    """
    if change.verb is Verb.ROLLBACK:
        return ""
    shown = preview.paths(world.clusters.get(change.cluster).snapshot(), change.steps, change.service)
    if shown is None:
        return ""
    spaces = dict.fromkeys(step.service.namespace for step in change.steps)
    policies = [policy_for(world.settings.policies, change.cluster, space) for space in spaces]
    fate = [note for note in change.findings if note.code == GITOPS.id]
    found = against(policies, change.verb, shown, more=fate, fated=change.fate is not None)
    if found.blocking:
        return sentence(found.blocking)
    told = {note.code for note in change.findings}
    if unseen := [note for note in found.risks if note.code not in told]:
        return f"a risk has come up that its card did not show: {unmarked(f'{unseen[0].message} ({unseen[0].code})')}"
    return ""


def _dead(note: FindingNote, verb: Verb) -> bool:
    """Whether clients would be sent to a load balancer none of whose members answers."""
    return note.code == UNHEALTHY and note.severity == "error" and verb is Verb.ENABLE
