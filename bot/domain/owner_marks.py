"""From what a Service carries to the tools that left it there.

Sources: Argo CD "Resource Tracking" (tracking-id, and why a label proves nothing); Flux's owner labels
(fluxcd/pkg, ssa/owner.go); Helm's release annotations; for Terraform the provider's field managers.
"""

from collections.abc import Iterator

from bot.domain.owner import Evidence, Mark, Tool

ARGO_ID = "argocd.argoproj.io/tracking-id"
ARGO_LABEL = "argocd.argoproj.io/instance"
INSTANCE = "app.kubernetes.io/instance"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
HELM_TOOLKIT = "helm.toolkit.fluxcd.io"
RELEASE = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"

_PROVIDER_OF_HELM = "terraform-provider-helm"
"""Terraform running Helm: Helm decides then."""


def marks(evidence: Evidence) -> tuple[Mark, ...]:
    """Return the tools that a Service names, or that wrote to it; a tool once, by its clearest trace."""
    found = [*_argo(evidence), *_flux(evidence), *_helm(evidence), *_terraform(evidence)]
    if any(not mark.hint for mark in found):
        found = [mark for mark in found if not mark.hint]
    return tuple({mark.tool: mark for mark in reversed(found)}.values())[::-1]


def _argo(evidence: Evidence) -> Iterator[Mark]:
    application, _, tracked = evidence.annotations.get(ARGO_ID, "").partition(":")
    if application and tracked == f"/Service:{evidence.id}":  # a copied id is about another object
        yield _application(application)
    elif name := evidence.labels.get(ARGO_LABEL):
        yield _application(name)
    elif wrote(evidence, "argocd"):
        yield _application(evidence.labels.get(INSTANCE, ""))
    elif name := evidence.labels.get(INSTANCE):
        yield Mark(tool=Tool.APPLICATION, name=name, hint=True)


def _application(name: str) -> Mark:
    """Outside Argo CD's own namespace an Application is called NAMESPACE_NAME."""
    namespace, _, inner = name.rpartition("_")
    return Mark(tool=Tool.APPLICATION, name=inner, namespace=namespace)


def _flux(evidence: Evidence) -> Iterator[Mark]:
    for tool, group, manager in (
        (Tool.KUSTOMIZATION, KUSTOMIZE, "kustomize-controller"),
        (Tool.HELM_RELEASE, HELM_TOOLKIT, "helm-controller"),
    ):
        name = evidence.mark(f"{group}/name")
        if name or wrote(evidence, manager):
            yield Mark(tool=tool, name=name, namespace=evidence.mark(f"{group}/namespace"))


def _helm(evidence: Evidence) -> Iterator[Mark]:
    by_flux = evidence.mark(f"{HELM_TOOLKIT}/name") or wrote(evidence, "helm-controller")
    release = evidence.annotations.get(RELEASE, "")
    by_helm = any(writer.manager == "helm" for writer in evidence.writers)
    if not by_flux and (release or by_helm):
        namespace = evidence.annotations.get(RELEASE_NAMESPACE, "")
        yield Mark(tool=Tool.HELM, name=release, namespace=namespace)


def _terraform(evidence: Evidence) -> Iterator[Mark]:
    if any(is_terraform(writer.manager) for writer in evidence.writers):
        yield Mark(tool=Tool.TERRAFORM)


def is_terraform(manager: str) -> bool:
    """Whether a field manager is Terraform's: `Terraform` (kubernetes_manifest) or `HashiCorp` (the others)."""
    name = manager.lower()
    return name.startswith(("hashicorp", "terraform")) and not name.startswith(_PROVIDER_OF_HELM)


def wrote(evidence: Evidence, manager: str) -> bool:
    """Whether a field manager whose name begins so has written to the Service."""
    return any(writer.manager.startswith(manager) for writer in evidence.writers)
