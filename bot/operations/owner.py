"""Who declares a Service elsewhere, and what becomes of the patch then: reverted, kept but undeclared, or unknown.

Marks: Argo CD's tracking annotation (docs "Resource Tracking"), Flux's and Helm's labels and annotations. The label
app.kubernetes.io/instance alone proves nothing, for Helm charts set it too. What happens to a key that the owner
does not declare: Argo CD keeps it silently (argoproj/argo-cd#15116), Helm keeps it through upgrades; for Flux it
depends on the field manager (its FAQ), so that is called unknown.
"""

from bot.domain.words import unmarked
from bot.ports import LiveService

ARGO = "argocd.argoproj.io/tracking-id"
FLUX_KUSTOMIZE = "kustomize.toolkit.fluxcd.io/name"
FLUX_HELM = "helm.toolkit.fluxcd.io/name"
HELM = "meta.helm.sh/release-name"
_THEIRS = ("argocd", "kustomize-controller", "helm", "flux", "terraform")
"""How their field managers begin."""


def owner_note(live: LiveService, key: str) -> str:
    """Say in a sentence or two who owns a Service, and what the owner will do to a patch of one annotation."""
    declared = live.touched_by.get(key, "").lower().startswith(_THEIRS)
    if application := _argo(live):
        fate = "reverted at its next sync" if declared else _KEPT
        return _said(f"Argo CD owns it (application {application})", fate)
    if name := live.labels.get(FLUX_KUSTOMIZE):
        fate = "reverted at its next interval" if declared else _UNKNOWN
        return _said(f"Flux owns it (Kustomization {unmarked(name)})", fate)
    if name := live.labels.get(FLUX_HELM):
        return _said(f"Flux owns it (HelmRelease {unmarked(name)})", _UNKNOWN)
    if release := live.annotations.get(HELM):
        fate = "reverted by the next helm upgrade" if declared else _KEPT
        return _said(f"Helm installed it (release {unmarked(release)})", fate)
    return ""


_KEPT = "kept, but undeclared"
_UNKNOWN = ""


def _said(who: str, fate: str) -> str:
    what = f"the patch will be {fate}" if fate else "whether the patch is kept is not known"
    return f"{who}: {what}. Put the change into Git too."


def _argo(live: LiveService) -> str:
    """The application of a tracking id that is about this very object; a copied annotation is not."""
    application, _, tracked = live.annotations.get(ARGO, "").partition(":")
    return unmarked(application) if tracked.endswith(f"/Service:{live.ref.namespace}/{live.ref.name}") else ""
