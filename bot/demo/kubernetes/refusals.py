"""Admission plugins of the cluster that refuse Pods: quotas and Pod security."""

from bot.demo.kubernetes.admission import Review
from bot.demo.kubernetes.resources import BY_NAME
from bot.demo.kubernetes.status import forbidden
from bot.demo.kubernetes.storage import Storage

ENFORCE = "pod-security.kubernetes.io/enforce"
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
            broken += [_restricted(container) for container in spec.get("containers", [])]
        broken = [each for each in broken if each]
        if level in RESTRICTING and broken:
            why = f'violates PodSecurity "{level}:latest": {", ".join(broken)}'
            raise forbidden(review.resource, review.name, why)


def _restricted(container: dict[str, object]) -> str:
    """Return what a container lacks at the level `restricted`; empty when nothing."""
    context = container.get("securityContext") or {}
    name = container.get("name")
    if not isinstance(context, dict) or context.get("allowPrivilegeEscalation") is not False:
        must = f'(container "{name}" must set securityContext.allowPrivilegeEscalation=false)'
        return f"allowPrivilegeEscalation != false {must}"
    if "ALL" not in (context.get("capabilities") or {}).get("drop", []):
        must = f'(container "{name}" must set securityContext.capabilities.drop=["ALL"])'
        return f"unrestricted capabilities {must}"
    return ""
