"""What a CCE cluster adds: the webhook that guards `elb.*` annotations, and the load balancer controller.

Sources: Open Telekom Cloud documentation cce_10_0355 (pass-through), cce_10_0385 (annotations that cannot be
changed), cce_10_0924 (public address first, then the private one); the webhook's sentence as seen on CCE v1.35
(github.com/weimantian/huawei-elb-controller).
"""

from collections.abc import Callable, Sequence

from bot.demo.kubernetes import eventlog
from bot.demo.kubernetes.admission import Review
from bot.demo.kubernetes.reconciler import Reconciler
from bot.demo.kubernetes.status import forbidden
from bot.demo.kubernetes.storage import Storage
from bot.demo.seam import EventType, Json

ELB_CLASS, ELB_ID = "kubernetes.io/elb.class", "kubernetes.io/elb.id"
AUTOCREATE, PASS_THROUGH = "kubernetes.io/elb.autocreate", "kubernetes.io/elb.pass-through"
FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
MANAGER = "cloud-controller-manager"
COMPONENT = "service-controller"
UNDEFINED = "service annotation(kubernetes.io/elb.id) or service.spec.loadBalancerIP is not defined, skip."

Provision = Callable[[Json], tuple[str, Sequence[str]]]  # Service -> ELB id, its public address first
Release = Callable[[Json], None]


def guard_elb(review: Review) -> None:
    """Refuse an update that changes or drops the class or the id of a Service's ELB."""
    if review.resource.kind != "Service" or review.operation != "UPDATE" or review.subresource:
        return
    before, now = _annotations(review.old or {}), _annotations(review.new or {})
    for key in (ELB_CLASS, ELB_ID):
        if key in before and now.get(key) != before[key]:
            raise forbidden(review.resource, review.name, f"can't modify service elb [{key}] annotation")


def _annotations(service: Json) -> dict[str, str]:
    return dict(service.get("metadata", {}).get("annotations", {}))


def _unlike(annotations: dict[str, str], service: Json) -> bool:
    present = _annotations(service)
    return any(present.get(key) != value for key, value in annotations.items())


class LoadBalancers:
    """Gives Services of type LoadBalancer an ELB, its addresses, and `onlyLocal` where the policy is Local.

    `provision` is called again whenever a Service changes and answers the same as long as nothing else did;
    `release` is called when the Service goes. `work.delay` is how long the controller takes, in seconds. Without
    `cce` it is another cloud's controller, which knows none of CCE's annotations.
    """

    def __init__(
        self, objects: Storage, provision: Provision, *, release: Release | None = None, cce: bool = True
    ) -> None:
        self._cce = cce
        self.work = Reconciler(self._reconcile)
        self._objects = objects
        self._provision = provision
        self._release = release
        if cce:
            objects.webhooks.append(guard_elb)
        objects.subscribe("services", self._changed)

    def resync(self) -> None:
        """Look at every Service again, as CCE does every one to three minutes."""
        for service in self._objects.scan("services"):
            self._changed("MODIFIED", service)

    def _changed(self, event: EventType, service: Json) -> None:
        mine = service["spec"].get("type") == "LoadBalancer" and not service["spec"].get("loadBalancerClass")
        held = FINALIZER in service["metadata"].get("finalizers", [])
        if event != "DELETED" and (mine or held):
            self.work.ask(f"{service['metadata']['namespace']}/{service['metadata']['name']}")

    def _reconcile(self, key: str) -> None:
        namespace, _, name = key.partition("/")
        service = self._objects.get("services", namespace, name)
        if service is None:
            return
        if "deletionTimestamp" in service["metadata"] or service["spec"]["type"] != "LoadBalancer":
            self._clean_up(service)
        elif self._cce and not {ELB_ID, AUTOCREATE} & _annotations(service).keys():
            self._status(service, [])
            self._tell(service, "GetLoadBalancerFailed", UNDEFINED, kind="Warning")
        else:
            self._ensure(service)

    def _ensure(self, service: Json) -> None:
        elb, addresses = self._provision(service)
        annotations = self._written(service, elb)
        finalizers = service["metadata"].get("finalizers", [])
        if _unlike(annotations, service) or FINALIZER not in finalizers:
            wanted = finalizers if FINALIZER in finalizers else [*finalizers, FINALIZER]
            self._merge(service, {"metadata": {"annotations": annotations, "finalizers": wanted}})
        if self._status(service, addresses):
            self._tell(service, "EnsuredLoadBalancer", "Ensured load balancer")

    def _written(self, service: Json, elb: str) -> dict[str, str]:
        """Return the annotations that CCE writes back; another cloud writes none."""
        if not self._cce:
            return {}
        local = service["spec"].get("externalTrafficPolicy") == "Local"
        unsaid = local and PASS_THROUGH not in _annotations(service)
        return {ELB_ID: elb} | ({PASS_THROUGH: "onlyLocal"} if unsaid else {})

    def _status(self, service: Json, addresses: Sequence[str]) -> bool:
        """Write the load balancer's addresses, and tell whether that changed anything."""
        present = [entry.get("ip") for entry in service["status"]["loadBalancer"].get("ingress", [])]
        if present == list(addresses):
            return False
        status = {"loadBalancer": {"ingress": [{"ip": address} for address in addresses] or None}}
        self._merge(service, {"status": status}, subresource="status")
        return True

    def _clean_up(self, service: Json) -> None:
        finalizers = service["metadata"].get("finalizers", [])
        if FINALIZER not in finalizers:
            return
        if self._release:
            self._release(service)
        self._status(service, [])
        kept = [each for each in finalizers if each != FINALIZER]
        self._merge(service, {"metadata": {"finalizers": kept or None}})

    def _merge(self, service: Json, patch: Json, *, subresource: str | None = None) -> None:
        metadata = service["metadata"]
        self._objects.merge(
            "services",
            metadata["namespace"],
            metadata["name"],
            patch,
            manager=MANAGER,
            subresource=subresource,
        )

    def _tell(self, service: Json, reason: str, message: str, *, kind: eventlog.Kind = "Normal") -> None:
        eventlog.tell(self._objects, service, reason=reason, message=message, component=COMPONENT, kind=kind)
