"""Admission plugins of the cluster that refuse Pods: quotas and Pod security."""

from collections.abc import Iterator

from bot.demo.kubernetes.admission import Review
from bot.demo.kubernetes.resources import BY_NAME
from bot.demo.kubernetes.status import forbidden
from bot.demo.kubernetes.storage import Storage
from bot.demo.seam import Json

ENFORCE = "pod-security.kubernetes.io/enforce"
PROFILES = frozenset({"RuntimeDefault", "Localhost"})
RESTRICTING = frozenset({"baseline", "restricted"})


class PodAdmission:
    """Refuses Pods beyond `quotas` (namespace -> Pods), and what a namespace's enforced level forbids."""

    def __init__(self, objects: Storage) -> None:
        self.quotas: dict[str, int] = {}
        self._objects = objects
        objects.webhooks.append(self._review)

    def _review(self, review: Review) -> None:
        if review.resource.kind == "Pod" and review.operation == "CREATE":
            self._check_quota(review)
            self._check_security(review)

    def _check_quota(self, review: Review) -> None:
        hard = self.quotas.get(review.namespace)
        used = sum(1 for _ in self._objects.scan("pods", review.namespace))
        if hard is not None and used >= hard:
            why = f"exceeded quota: compute, requested: pods=1, used: pods={used}, limited: pods={hard}"
            raise forbidden(review.resource, review.name, why)

    def _check_security(self, review: Review) -> None:
        namespace = self._objects.require(BY_NAME["namespaces"], None, review.namespace)
        level = namespace.body["metadata"].get("labels", {}).get(ENFORCE, "privileged")
        spec = (review.new or {}).get("spec", {})
        broken = ["host namespaces (hostNetwork=true)"] if spec.get("hostNetwork") else []
        if level == "restricted":
            broken += [
                each for container in spec.get("containers", []) for each in _unrestricted(spec, container)
            ]
        if level in RESTRICTING and broken:
            why = f'violates PodSecurity "{level}:latest": {", ".join(broken)}'
            raise forbidden(review.resource, review.name, why)


def _unrestricted(spec: Json, container: Json) -> Iterator[str]:
    """Yield what a container lacks at the level `restricted`; the Pod may say some of it for all."""
    own, shared = container.get("securityContext", {}), spec.get("securityContext", {})
    name = f'container "{container["name"]}" must set'
    if own.get("allowPrivilegeEscalation") is not False:
        must = "securityContext.allowPrivilegeEscalation=false"
        yield f"allowPrivilegeEscalation != false ({name} {must})"
    if "ALL" not in own.get("capabilities", {}).get("drop", []):
        yield f'unrestricted capabilities ({name} securityContext.capabilities.drop=["ALL"])'
    if not own.get("runAsNonRoot", shared.get("runAsNonRoot")):
        yield f"runAsNonRoot != true (pod or {name} securityContext.runAsNonRoot=true)"
    if own.get("seccompProfile", shared.get("seccompProfile", {})).get("type") not in PROFILES:
        must = 'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
        yield f"seccompProfile (pod or {name} {must})"
