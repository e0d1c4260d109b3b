"""What becomes of a patch under each tool: one table a tool, walked from top to bottom.

Sources, read in the tools' own pages and code:

* Argo CD: "Automated Sync Policy" (self-heal after 5 s; the timed comparison every 120 s and up to 60 s of jitter;
  without self-heal one attempt a commit), "Sync Options" (Replace, ServerSideApply, RespectIgnoreDifferences,
  ApplyOutOfSyncOnly, and the same on a resource), "Sync Windows" (a window that denies holds automated syncs back,
  self-heal's too), argoproj/argo-cd#15116 (an undeclared key is no difference).
* Flux: kustomize-controller's "Kustomization" page and `apply` (which field managers it undoes: names that begin with
  kubectl or before-first-apply; `ssa` and `reconcile` marks), helm-controller's "HelmRelease" page (driftDetection).
* Helm: its three-way merge of old chart, new chart and live state.
* Terraform: kubernetes/structures.go (`isInternalKey`: keys of kubernetes.io that the configuration does not name are
  never compared), its ignore_annotations, and server-side apply in kubernetes_manifest.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.owner import (
    Application,
    Evidence,
    Fate,
    HelmRelease,
    Kustomization,
    Mark,
    Outlook,
    Owner,
    Source,
    Tool,
    Touch,
)
from bot.domain.owner_declared import NOT_DECLARED, UNKNOWN, Declared, applied, owned
from bot.domain.owner_disregard import told_to_argo, told_to_flux
from bot.domain.owner_marks import KUSTOMIZE, is_terraform
from bot.domain.patch import FIELD_MANAGER
from bot.domain.words import duration, unmarked

SELF_HEAL = 5.0
"""Seconds; Argo CD's default."""
COMPARED = 180.0
"""Seconds; Argo CD compares at the latest then, by default."""
_INTERNAL = "kubernetes.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One annotation under one tool."""

    evidence: Evidence
    touch: Touch
    tool: Tool
    who: str
    """The tool and its object, as the card names them."""
    sources: tuple[Source, ...] = ()
    settles: float | None = None

    def fate(self, outlook: Outlook, what: str, *, after: float | None = None) -> Fate:
        return Fate(
            outlook=outlook,
            sentence=f"{self.who}: {what}.",
            after=after,
            settles=self.settles if after is None else max(after, self.settles or 0.0),
            sources=self.sources,
            tool=self.tool,
        )

    def reverted(self, after: float | None, why: str, when: str = "") -> Fate:
        """Git says something else, and something will bring that back."""
        told = f"in about {duration(after)}" if after is not None else when
        return self.fate(Outlook.REVERTED, f"the patch will be reverted {told}, because {why}", after=after)

    def survives(self, why: str) -> Fate:
        return self.fate(Outlook.SURVIVES, f"the patch will survive, undeclared: {why}")

    def unknown(self, why: str) -> Fate:
        return self.fate(Outlook.UNKNOWN, f"whether the patch will be reverted is unknown: {why}")

    def settled(self, declared: Declared) -> Fate | None:
        """What holds under every tool: a patch that makes the Service what is declared stays."""
        if declared.known and declared.value == self.touch.after:
            said = "not to set this annotation" if self.touch.after is None else "this very value"
            return self.fate(Outlook.AGREES, f"the patch will survive: it is declared {said}")
        return None


def fate(evidence: Evidence, touch: Touch, mark: Mark, owner: Owner | None, missing: str = "") -> Fate:
    """Decide what a tool does to one annotation of a patch.

    Args:
        evidence: what the Service carries.
        touch: the annotation and what the patch makes of it.
        mark: the tool's trace.
        owner: the object behind the trace; None: it could not be seen.
        missing: why not, in words that follow a colon.
    """
    match owner:
        case Application():
            return _argo(_case(evidence, touch, mark, owner, "Application"), owner)
        case Kustomization():
            return _kustomization(_case(evidence, touch, mark, owner, "Kustomization"), owner)
        case HelmRelease():
            return _helm_release(_case(evidence, touch, mark, owner, "HelmRelease"), owner)
    case = _Case(evidence=evidence, touch=touch, tool=mark.tool, who=_who(mark))
    if mark.tool is Tool.HELM:
        return _helm(case)
    if mark.tool is Tool.TERRAFORM:
        return _terraform(case)
    return _unseen(case, missing)


def _case(evidence: Evidence, touch: Touch, mark: Mark, owner: Owner, kind: str) -> _Case:
    settles = COMPARED if isinstance(owner, Application) else owner.interval
    who = f"{mark.tool} looks after it ({kind} {unmarked(owner.namespace)}/{unmarked(owner.name)})"
    return _Case(
        evidence=evidence, touch=touch, tool=mark.tool, who=who, sources=owner.sources, settles=settles
    )


_KINDS = {
    Tool.APPLICATION: "Application",
    Tool.KUSTOMIZATION: "Kustomization",
    Tool.HELM_RELEASE: "HelmRelease",
}


def _who(mark: Mark) -> str:
    name = "/".join(part for part in (unmarked(mark.namespace), unmarked(mark.name)) if part)
    if mark.tool is Tool.TERRAFORM or not name:
        return f"{mark.tool} looks after it"
    if mark.tool is Tool.HELM:
        return f"Helm installed it (release {name})"
    return f"{mark.tool} looks after it ({_KINDS[mark.tool]} {name})"


# --- Argo CD ---------------------------------------------------------------------------------------------


def _argo(case: _Case, app: Application) -> Fate:
    options = _options(case, app)
    declared = _declared_to_argo(case, app, options)
    if settled := case.settled(declared):
        return settled
    if not declared.known:
        return case.unknown("whether Git sets this annotation cannot be seen")
    if declared.value is None:
        if "Replace=true" in options:
            return case.reverted(
                None, "Replace=true drops what Git does not set", "at the next sync that applies this Service"
            )
        return case.survives("Git does not set this annotation, and a sync leaves such keys alone")
    return _argo_against_git(case, app, options)


def _argo_against_git(case: _Case, app: Application, options: frozenset[str]) -> Fate:
    ignored = told_to_argo(app.disregards, case.evidence, case.touch)
    git = "Git sets this annotation otherwise"
    if app.paused:
        return case.reverted(
            None, f"{git}; the Application is paused now (skip-reconcile)", "once somebody resumes it"
        )
    if ignored is None:
        return case.unknown(f"{git}, and one of its ignoreDifferences is not understood here")
    if ignored and "RespectIgnoreDifferences=true" in options:
        return case.survives("Argo CD is told to leave this annotation alone (ignoreDifferences)")
    if app.automated and app.self_heal and not ignored:
        # Windows are in the AppProject and may name clusters and namespaces by pattern; they are not read.
        return case.reverted(
            SELF_HEAL, f"{git} and self-heal is on, unless a sync window of its project holds that back"
        )
    return _at_a_sync(case, app, git, ignored=ignored)


def _at_a_sync(case: _Case, app: Application, git: str, *, ignored: bool) -> Fate:
    """Nothing happens by itself, but a sync applies what Git says, whoever starts it."""
    when = "when Git changes next" if app.automated else "when somebody syncs it"
    if ignored:
        why = f"{git}; ignoreDifferences hides that, but a sync applies it all the same"
        return case.reverted(None, why, when)
    return case.reverted(
        None, f"{git} (self-heal is off)" if app.automated else f"{git} and it syncs by hand", when
    )


def _options(case: _Case, app: Application) -> frozenset[str]:
    """The Application's sync options, as the Service's own change them."""
    own = [text.strip() for text in case.evidence.mark("argocd.argoproj.io/sync-options").split(",")]
    named = {text.partition("=")[0] for text in own if text}
    kept = {text for text in app.options if text.partition("=")[0] not in named}
    return frozenset(kept | set(own))


def _declared_to_argo(case: _Case, app: Application, options: frozenset[str]) -> Declared:
    evidence, key = case.evidence, case.touch.key
    if not options & {"ServerSideApply=true", "Replace=true"}:
        found = applied(evidence, key)
        if found.known:
            return found
    found = owned(evidence, key, _is_argo, innocent=_not_by_hand)
    if found is not NOT_DECLARED:
        return found
    synced = (app.services or {}).get(evidence.id, "") == "Synced"
    return found if synced or (app.automated and app.self_heal and not app.paused) else UNKNOWN


def _is_argo(manager: str) -> bool:
    return manager.startswith("argocd")


def _not_by_hand(manager: str) -> bool:
    """Whether a manager's key is not one that somebody has just put over the declared one by hand."""
    return not manager.startswith(("kubectl", "before-first-apply"))


# --- Flux ------------------------------------------------------------------------------------------------


def _kustomization(case: _Case, flux: Kustomization) -> Fate:
    declared = owned(case.evidence, case.touch.key, _is_kustomize, innocent=_not_by_hand)
    if flux.suspended and declared is NOT_DECLARED:
        declared = owned(case.evidence, case.touch.key, _is_kustomize)
    if settled := case.settled(declared):
        return settled
    if left := _left_alone(case.evidence):
        return case.survives(f"the Service is marked {left}, so Flux does not touch it")
    if not declared.known:
        return case.unknown("whether Git sets this annotation cannot be seen")
    if declared.value is None:
        why = "Git does not set this annotation, and Flux undoes what kubectl set, not what this bot set"
        return case.survives(f"{why} (unless its --override-manager names {FIELD_MANAGER})")
    return _against(case, flux, "Git sets this annotation otherwise")


def _against(case: _Case, flux: Kustomization | HelmRelease, why: str) -> Fate:
    """Flux corrects what differs from its source, at its interval."""
    ignored = told_to_flux(flux.disregards, case.evidence, case.touch)
    if flux.suspended:
        return case.reverted(None, f"{why}; it is suspended now", "once somebody resumes it")
    if ignored is None:
        return case.unknown(f"{why}, and one of its ignore rules is not understood here")
    if ignored:
        return case.survives("Flux is told to leave this annotation alone (ignore)")
    if flux.interval is None:
        return case.unknown(f"{why}, and its interval is not understood here")
    return case.reverted(flux.interval, why)


def _left_alone(evidence: Evidence) -> str:
    """The mark by which Flux passes a Service over, if it has one; Flux ignores case there."""
    for key, values in (("reconcile", {"disabled"}), ("ssa", {"ifnotpresent", "ignore"})):
        if (value := evidence.mark(f"{KUSTOMIZE}/{key}")).lower() in values:
            return f"{KUSTOMIZE}/{key}: {unmarked(value)}"
    return ""


def _is_kustomize(manager: str) -> bool:
    return manager.startswith("kustomize-controller")


def _helm_release(case: _Case, release: HelmRelease) -> Fate:
    continuous = release.drift == "enabled" and not release.suspended
    declared = owned(case.evidence, case.touch.key, _is_helm, innocent=_not_by_hand if continuous else _ours)
    if not continuous:
        return _by_upgrade(case, declared, "when the release is next upgraded")
    if settled := case.settled(declared):
        return settled
    if not declared.known:
        return case.unknown(_CHART_UNSEEN)
    if declared.value is None:
        return case.survives(
            "the chart does not set this annotation, and drift detection leaves such keys alone"
        )
    fated = _against(case, release, "the chart sets this annotation otherwise and drift detection is on")
    if fated.outlook is Outlook.SURVIVES:
        why = "the chart sets this annotation otherwise; drift detection is told to ignore it"
        return case.reverted(None, why, "when the release is next upgraded")
    return fated


# --- Helm and Terraform ----------------------------------------------------------------------------------

_CHART_UNSEEN = "whether the chart sets this annotation cannot be seen"


def _helm(case: _Case) -> Fate:
    return _by_upgrade(
        case, owned(case.evidence, case.touch.key, _is_helm, innocent=_ours), "by the next helm upgrade"
    )


def _by_upgrade(case: _Case, declared: Declared, when: str) -> Fate:
    if settled := case.settled(declared):
        return settled
    if not declared.known:
        return case.unknown(_CHART_UNSEEN)
    if declared.value is None:
        return case.survives(
            "nothing shows that the chart sets this annotation, and an upgrade leaves other keys alone"
        )
    return case.reverted(None, "the chart sets this annotation otherwise", when)


def _is_helm(manager: str) -> bool:
    return manager.lower().startswith(("helm", "terraform-provider-helm"))


def _ours(manager: str) -> bool:
    return manager == FIELD_MANAGER


def _terraform(case: _Case) -> Fate:
    declared = owned(case.evidence, case.touch.key, is_terraform, innocent=_ours)
    if settled := case.settled(declared):
        return settled
    if not declared.known:
        return case.unknown("whether its configuration sets this annotation cannot be seen")
    if declared.value is not None:
        return case.reverted(
            None, "its configuration sets this annotation otherwise", "by the next terraform apply"
        )
    if _compared_by_terraform(case):
        why = "its configuration does not set this annotation, and the provider removes such keys"
        return case.reverted(None, why, "by the next terraform apply, unless ignore_annotations names it")
    return case.survives(
        "its configuration does not set this annotation, and the provider leaves keys of kubernetes.io alone"
    )


def _compared_by_terraform(case: _Case) -> bool:
    """Whether the provider plans to remove the key; under server-side apply it never does."""
    wrote = [writer for writer in case.evidence.writers if is_terraform(writer.manager)]
    host = case.touch.key.partition("/")[0]
    return any(writer.operation != "Apply" for writer in wrote) and not host.endswith(_INTERNAL)


# --- nothing behind the mark -----------------------------------------------------------------------------

_MANAGERS: dict[Tool, Callable[[str], bool]] = {
    Tool.APPLICATION: _is_argo,
    Tool.KUSTOMIZATION: _is_kustomize,
    Tool.HELM_RELEASE: _is_helm,
}


def _unseen(case: _Case, missing: str) -> Fate:
    """The object cannot be read: only what the Service carries is left, and that decides nothing here.

    Whether the key is declared is told all the same, for it is what the reader has to know next.
    """
    declared = owned(case.evidence, case.touch.key, _MANAGERS[case.tool], innocent=_ours)
    if case.tool is Tool.APPLICATION and (found := applied(case.evidence, case.touch.key)).known:
        declared = found
    if settled := case.settled(declared):
        return settled
    seen = ""
    if declared.known:
        seen = (
            "; its source sets this annotation"
            if declared.value is not None
            else "; its source does not set this annotation"
        )
    return case.unknown(f"{missing or 'its settings cannot be read'}{seen}")
