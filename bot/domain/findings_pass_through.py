"""Findings about the pass-through annotation and the platform that reads it."""

from collections.abc import Iterator

from bot.domain import rules_finding as rules
from bot.domain.annotation_key import meant
from bot.domain.case import Case, found
from bot.domain.cluster_facts import Mode, Platform
from bot.domain.elb import HOST_NETWORK, OFF_VALUES, ON_VALUES, asks_for_pass_through
from bot.domain.explanation import Finding
from bot.domain.objects import ELB_CLASS, ELB_ID, PASS_THROUGH
from bot.domain.possibility import contradicts

_AUTOCREATE = "kubernetes.io/elb.autocreate"
_CLASSES = ("union", "performance", "")
_ARGO = "argocd.argoproj.io/tracking-id"
_TRACKING = (
    _ARGO,
    "argocd.argoproj.io/instance",
    "kustomize.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/name",
    "meta.helm.sh/release-name",
)
"""Labels and annotations by which Argo CD, Flux and Helm mark what they manage."""
_TOOLS = ("argocd", "kustomize-controller", "helm-controller", "flux")


def version(case: Case) -> Iterator[Finding]:
    """Pass-through where the version does not support it, or the documents disagree."""
    if not case.cce or not asks_for_pass_through(case.service):
        return
    evidence = (case.annotation(PASS_THROUGH), _versions(case))
    if case.all_before("v1.16.0"):
        yield found(rules.UNSUPPORTED_VERSION, *evidence)
    elif case.some_within("v1.16.0", "v1.19.0"):
        yield found(rules.VERSION_DISAGREE, *evidence)


def _versions(case: Case) -> str:
    known = case.facts.version
    if known.value is not None:
        return f"kubernetesVersion: {known.value}"
    return f"kubelet versions: {', '.join(sorted(case.snapshot.inventory.versions))}"


def value(case: Case) -> Iterator[Finding]:
    """Values that no page knows."""
    said = case.service.annotations.get(PASS_THROUGH)
    if said is None or case.facts.platform.value is Platform.GENERIC:
        return
    if said in OFF_VALUES:
        yield found(rules.VALUE_OFF, case.annotation(PASS_THROUGH))
    elif said not in ON_VALUES:
        yield found(rules.VALUE_UNKNOWN, case.annotation(PASS_THROUGH))
    elif said == "onlyLocal":
        rule = rules.ONLY_LOCAL if case.local else rules.ONLY_LOCAL_CLUSTER
        yield found(
            rule, case.annotation(PASS_THROUGH), case.where(f"spec.externalTrafficPolicy: {_policy(case)}")
        )


def _policy(case: Case) -> str:
    return case.service.external_policy.value


def local_without(case: Case) -> Iterator[Finding]:
    """Policy Local on CCE, and the controller has not written onlyLocal."""
    if case.cce and case.local and not asks_for_pass_through(case.service) and not case.turbo:
        yield found(rules.LOCAL_WITHOUT, case.where(f"spec.externalTrafficPolicy: {_policy(case)}"))


def platform(case: Case) -> Iterator[Finding]:
    """The annotation where nothing reads it."""
    if not asks_for_pass_through(case.service):
        return
    if case.facts.platform.value is Platform.GENERIC:
        yield found(rules.ON_GENERIC, case.annotation(PASS_THROUGH))
    elif case.turbo:
        yield found(rules.MEANINGLESS_CATEGORY, case.annotation(PASS_THROUGH))


def proxier(case: Case) -> Iterator[Finding]:
    """Something other than kube-proxy, or a mode that its version does not have."""
    if case.mode(Mode.OTHER):
        yield found(rules.MEANINGLESS_PROXY, "kubeProxy.mode: other")
    if any(contradicts(case.facts, span) for span in case.spans()):
        yield found(rules.MODE_TOO_NEW, "kubeProxy.mode: nftables", _versions(case))


def controller(case: Case) -> Iterator[Finding]:
    """Another controller than CCE's."""
    if case.service.annotations.get(ELB_CLASS, "") not in _CLASSES:
        yield found(rules.FOREIGN_CLASS, case.annotation(ELB_CLASS))
    if case.cce and case.service.load_balancer_class:
        yield found(
            rules.FOREIGN_LB_CLASS, case.where(f"spec.loadBalancerClass: {case.service.load_balancer_class}")
        )


def turbo(case: Case) -> Iterator[Finding]:
    """What is particular to Turbo clusters."""
    if not case.turbo:
        return
    if not asks_for_pass_through(case.service):
        yield found(rules.TURBO_NODE, "category: turbo")
    if case.local and case.service.annotations.get(HOST_NETWORK) != "true":
        yield found(rules.TURBO_LOCAL, case.where("spec.externalTrafficPolicy: Local"))


def identity(case: Case) -> Iterator[Finding]:
    """An existing load balancer and one to be created."""
    annotations = case.service.annotations
    # CCE fills elb.id itself once the load balancer is there; before that, both were somebody's wish.
    if annotations.get(ELB_ID) and annotations.get(_AUTOCREATE) and not case.service.ingress:
        yield found(rules.ID_AND_AUTOCREATE, case.annotation(ELB_ID), case.annotation(_AUTOCREATE))


def spelling(case: Case) -> Iterator[Finding]:
    """Keys that are nearly ones that CCE reads."""
    if case.facts.platform.value is Platform.GENERIC:
        return
    near = {key: meant(key) for key in sorted(case.service.annotations)}
    shown = [f"{case.annotation(key)}; did you mean {right}?" for key, right in near.items() if right]
    if shown:
        yield found(rules.MISSPELT, *shown)


def gitops(case: Case) -> Iterator[Finding]:
    """A GitOps tool that will put the annotation back."""
    marks = {**case.service.labels, **case.service.annotations}
    evidence = [case.where(f"metadata: {key}={marks[key]}") for key in _TRACKING if marks.get(key)]
    for manager, keys in case.service.managers:
        if any(manager.startswith(tool) for tool in _TOOLS):
            owns = " owns the annotation" if PASS_THROUGH in keys else ""
            evidence.append(case.where(f"metadata.managedFields: {manager}{owns}"))
    if evidence:
        yield found(rules.GITOPS, *dict.fromkeys(evidence))


CHECKS = (version, value, local_without, platform, proxier, controller, turbo, identity, spelling, gitops)
