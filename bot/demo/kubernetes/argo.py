"""A little of Argo CD: Applications that heal themselves put back what their Services were applied with.

As Argo CD's pages "Automated Sync Policy" and "Resource Tracking" say: a Service belongs to the Application that its
tracking id names; a key that was applied is put back after the self-heal timeout, and any other is left alone
(github.com/argoproj/argo-cd, issue 15116).
"""

import json

from bot.demo.kubernetes.reconciler import Reconciler
from bot.demo.kubernetes.storage import Storage
from bot.demo.seam import EventType, Json

TRACKING = "argocd.argoproj.io/tracking-id"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MANAGER = "argocd-controller"
SELF_HEAL = 5.0
"""Seconds; Argo CD's default."""


class Argo:
    """Watches Services; `work.delay` is the self-heal timeout in seconds."""

    def __init__(self, objects: Storage) -> None:
        self.work = Reconciler(self._heal, delay=SELF_HEAL)
        self._objects = objects
        objects.subscribe("services", self._changed)

    def _changed(self, event: EventType, service: Json) -> None:
        if event != "DELETED" and self._drift(service):
            self.work.ask(f"{service['metadata']['namespace']}/{service['metadata']['name']}")

    def _heal(self, key: str) -> None:
        namespace, _, name = key.partition("/")
        service = self._objects.get("services", namespace, name)
        if service is not None and (drift := self._drift(service)):
            patch = {"metadata": {"annotations": drift}}
            self._objects.merge("services", namespace, name, patch, manager=MANAGER)

    def _drift(self, service: Json) -> dict[str, str]:
        """Return the annotations that are not as they were applied, where an Application heals them."""
        annotations = service["metadata"].get("annotations", {})
        if not self._healing(annotations.get(TRACKING, ""), service):
            return {}
        applied = json.loads(annotations.get(LAST_APPLIED, "{}")).get("metadata", {}).get("annotations", {})
        return {key: value for key, value in applied.items() if annotations.get(key) != value}

    def _healing(self, tracking: str, service: Json) -> bool:
        name, _, tracked = tracking.partition(":")
        if tracked != f"/Service:{service['metadata']['namespace']}/{service['metadata']['name']}":
            return False
        named = (each for each in self._objects.scan("applications") if each["metadata"]["name"] == name)
        policies = (each["spec"].get("syncPolicy", {}).get("automated") or {} for each in named)
        return any(policy.get("selfHeal") and policy.get("enabled", True) for policy in policies)
