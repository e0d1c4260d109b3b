"""The resources that the simulated API server serves, one line each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of one API group.

    `fields` are the field selectors beside metadata.name and metadata.namespace. `custom` resources know no
    strategic merge and refuse an update without resourceVersion. `stored_as` names the resource whose objects
    are shown here in another version.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    custom: bool = False
    has_status: bool = True
    counts_generations: bool = False
    returns_deleted: bool = False
    created_by_update: bool = False
    fields: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    stored_as: str | None = None

    @property
    def api_version(self) -> str:
        """Return `group/version`, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """Return the name that messages use: `deployments.apps`, `services`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def storage(self) -> str:
        """Return the name under which objects are stored."""
        return self.stored_as or self.plural


POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)
EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)


def _core(plural: str, kind: str, **rest: object) -> Resource:
    return Resource(group="", version="v1", plural=plural, kind=kind, **rest)  # type: ignore[arg-type]  # a table's row: each keyword is a field of Resource


def _named(api: str, plural: str, kind: str, **rest: object) -> Resource:
    group, _, version = api.rpartition("/")
    return Resource(group=group, version=version, plural=plural, kind=kind, **rest)  # type: ignore[arg-type]  # as above


RESOURCES = (
    _core("namespaces", "Namespace", namespaced=False, fields=("status.phase",), short=("ns",)),
    _core("nodes", "Node", namespaced=False, fields=("spec.unschedulable",), short=("no",)),
    _core("pods", "Pod", returns_deleted=True, fields=POD_FIELDS, short=("po",)),
    _core(
        "services",
        "Service",
        returns_deleted=True,
        created_by_update=True,
        fields=("spec.clusterIP", "spec.type"),
        short=("svc",),
    ),
    _core("configmaps", "ConfigMap", has_status=False, short=("cm",)),
    _core("secrets", "Secret", has_status=False, fields=("type",)),
    _core("serviceaccounts", "ServiceAccount", has_status=False, returns_deleted=True, short=("sa",)),
    _core("events", "Event", has_status=False, created_by_update=True, fields=EVENT_FIELDS, short=("ev",)),
    _named(
        "events.k8s.io/v1", "events", "Event", has_status=False, created_by_update=True, stored_as="events"
    ),
    _named(
        "discovery.k8s.io/v1", "endpointslices", "EndpointSlice", has_status=False, counts_generations=True
    ),
    _named("apps/v1", "deployments", "Deployment", counts_generations=True, short=("deploy",)),
    _named("apps/v1", "statefulsets", "StatefulSet", counts_generations=True, short=("sts",)),
    _named("apps/v1", "daemonsets", "DaemonSet", counts_generations=True, short=("ds",)),
    _named(
        "apps/v1",
        "replicasets",
        "ReplicaSet",
        counts_generations=True,
        fields=("status.replicas",),
        short=("rs",),
    ),
    _named("networking.k8s.io/v1", "ingresses", "Ingress", counts_generations=True, short=("ing",)),
    _named(
        "networking.k8s.io/v1",
        "networkpolicies",
        "NetworkPolicy",
        has_status=False,
        counts_generations=True,
        short=("netpol",),
    ),
    _named("coordination.k8s.io/v1", "leases", "Lease", has_status=False, created_by_update=True),
    _named(
        "k8s.cni.cncf.io/v1",
        "network-attachment-definitions",
        "NetworkAttachmentDefinition",
        custom=True,
        has_status=False,
        counts_generations=True,
        short=("net-attach-def",),
    ),
    _named(
        "argoproj.io/v1alpha1",
        "applications",
        "Application",
        custom=True,
        has_status=False,
        counts_generations=True,
    ),
    _named("helm.toolkit.fluxcd.io/v2", "helmreleases", "HelmRelease", custom=True, counts_generations=True),
    _named(
        "kustomize.toolkit.fluxcd.io/v1",
        "kustomizations",
        "Kustomization",
        custom=True,
        counts_generations=True,
    ),
)
BY_PATH = {(resource.group, resource.version, resource.plural): resource for resource in RESOURCES}
BY_NAME = {resource.plural: resource for resource in RESOURCES if resource.stored_as is None}
