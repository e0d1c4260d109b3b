"""What a Service's annotations say about its CCE load balancer, and what pass-through amounts to."""

from collections.abc import Iterable
from dataclasses import replace

from bot.domain.cloud_balancer import CloudBalancer
from bot.domain.cluster_facts import Category, ClusterFacts, Platform
from bot.domain.explanation import PassThrough, PassThroughState
from bot.domain.fact import Fact, Origin
from bot.domain.objects import ELB_CLASS, ELB_ID, PASS_THROUGH, Service, ServicePort, TrafficPolicy
from bot.domain.possibility import World, span_of, stated_span
from bot.domain.version import Version

PROTOCOL_PORT = "kubernetes.io/elb.protocol-port"
TRANSPARENT = "kubernetes.io/elb.transparent-client-ip"
HOST_NETWORK = "kubernetes.io/hws-hostNetwork"
ON_VALUES = ("true", "onlyLocal")
OFF_VALUES = ("false", "")
SHARED_SPEAKS = "a shared load balancer speaks to nodes from its own address"
"""elb_ug_jt_0515: unless a listener is told to keep the client's, which may be done past the Service too."""
_V116 = Version(1, 16, 0)
_V119 = Version(1, 19, 0)


def asks_for_pass_through(service: Service) -> bool:
    """Whether the annotation has a value that may turn pass-through on."""
    value = service.annotations.get(PASS_THROUGH)
    return value is not None and value not in OFF_VALUES


def passes_through(world: World, service: Service, node: str) -> bool:
    """Whether kube-proxy on `node` leaves the Service's addresses out of its rules.

    Raises:
        Undecided: Platform, version, or what the documents disagree about decides.
    """
    if not asks_for_pass_through(service) or world.platform() is Platform.GENERIC:
        return False
    if not world.at_least(_V116, node):
        return False
    if service.annotations[PASS_THROUGH] not in ON_VALUES or not world.at_least(_V119, node):
        return bool(world.ask("passThrough", {"on": True, "off": False}))
    world.assume("pass-through holds for every client")
    return True


def dedicated(world: World, service: Service) -> bool:
    """Whether the load balancer is a dedicated one.

    Raises:
        Undecided: `elb.class` has a value that no page documents.
    """
    match stated_class(service, world.facts):
        case "performance":
            return True
        case "union":
            return False
        case "":
            # cce_10_0385: union is the default.
            world.assume("elb.class=union")
            return False
        case _:
            return bool(world.ask("elb.class", {"performance": True, "union": False}))


def stated_class(service: Service, facts: ClusterFacts) -> str:
    """The value of `elb.class`; where the annotation is silent, what the cloud tells; empty where both are."""
    told = _told(service, facts)
    return service.annotations.get(ELB_CLASS) or (told.kind if told else "")


def _told(service: Service, facts: ClusterFacts) -> CloudBalancer | None:
    return facts.balancers.get(service.annotations.get(ELB_ID, ""))


def load_balancer_class(service: Service, facts: ClusterFacts) -> str:
    """The kind of load balancer, or the documented default (cce_10_0385)."""
    return stated_class(service, facts) or "union"


def layer_seven(service: Service, port: ServicePort) -> bool:
    """Whether the listener speaks HTTP(S): then the load balancer itself is the endpoint's client (cce_10_0385)."""
    for entry in service.annotations.get(PROTOCOL_PORT, "").split(","):
        protocol, _, number = entry.strip().partition(":")
        if number == str(port.port) and protocol.lower() in ("http", "https"):
            return True
    return False


def keeps_client_address(world: World, service: Service, port: ServicePort) -> bool | None:
    """Whether the load balancer leaves the client's address in the packet; None where nobody knows.

    elb_ug_jt_0514, elb_ug_jt_0515: always on a dedicated one's layer-4 listeners, on a shared one's if asked for.
    cce_10_0916: in a standard cluster only together with policy Local.
    """
    stated = world.facts.preserves_client_ip.value
    if stated is not None or world.platform() is not Platform.CCE:
        return stated
    if layer_seven(service, port):
        return False
    if dedicated(world, service):
        return True
    if service.annotations.get(TRANSPARENT) != "true":
        world.assume(SHARED_SPEAKS)
        return False
    return service.external_policy is TrafficPolicy.LOCAL or world.category() is Category.TURBO


def kept_fact(service: Service, facts: ClusterFacts) -> Fact[object]:
    """Whether the client's address is kept, as a fact: as given, else as the kind of load balancer says.

    A shared one that nobody asked to keep it is taken not to; one whose listeners differ is left open.
    """
    given = facts.preserves_client_ip
    layers = {layer_seven(service, port) for port in service.ports}
    if given.known or given.withheld or facts.platform.value is not Platform.CCE or len(layers) > 1:
        return given
    if layers == {True}:
        return _kept(given, f"Service {service.ref} metadata.annotations[{PROTOCOL_PORT}]", value=False)
    kind = class_fact(service, facts)
    if kind.value == "performance":
        return replace(_kept(given, f"{kind.ref}: a dedicated one keeps it", value=True), origin=kind.origin)
    return _kept_by_shared(service, facts) if kind.value == "union" else given


def _kept_by_shared(service: Service, facts: ClusterFacts) -> Fact[object]:
    given = facts.preserves_client_ip
    if service.annotations.get(TRANSPARENT) != "true":
        return replace(_kept(given, SHARED_SPEAKS, value=False), origin=Origin.ASSUMED)
    category, local = facts.category.value, service.external_policy is TrafficPolicy.LOCAL
    if not local and category is None:
        return given
    annotation = f"Service {service.ref} metadata.annotations[{TRANSPARENT}]"
    return _kept(given, annotation, value=local or category is Category.TURBO)


def _kept(given: Fact[bool], ref: str, *, value: bool) -> Fact[object]:
    return Fact(name=given.name, value=value, origin=Origin.API, ref=ref)


def pass_through_of(facts: ClusterFacts, service: Service, kubelets: Iterable[str]) -> PassThrough:
    """Say what the annotation amounts to, without weighing: what is not known is unknown.

    `kubelets` are the nodes' versions, which count where no version was given.
    """
    value = service.annotations.get(PASS_THROUGH)
    return PassThrough(state=_state(facts, value, kubelets), value=value, origin=Origin.API)


def _state(facts: ClusterFacts, value: str | None, kubelets: Iterable[str]) -> PassThroughState:
    platform = facts.platform.value
    if platform is Platform.GENERIC:
        return PassThroughState.UNSUPPORTED
    if value is None or value in OFF_VALUES:
        return PassThroughState.OFF
    known = facts.version.value
    told = () if facts.version.withheld else kubelets
    spans = [span_of(known)] if known else [stated_span(each) for each in told] or [stated_span("")]
    if platform is Platform.CCE and all(high <= _exact(_V116) for _, high in spans):
        return PassThroughState.UNSUPPORTED
    sure = platform is Platform.CCE and value in ON_VALUES and all(low >= _exact(_V119) for low, _ in spans)
    return PassThroughState.ON if sure else PassThroughState.UNKNOWN


def _exact(version: Version) -> tuple[int, int, int]:
    return version.major, version.minor, version.patch or 0


def class_fact(service: Service, facts: ClusterFacts) -> Fact[str]:
    """The kind of load balancer as a fact: as annotated, else as the cloud tells, else the documented default."""
    value = service.annotations.get(ELB_CLASS)
    if value:
        ref = f"Service {service.ref} metadata.annotations[{ELB_CLASS}]"
        return Fact(name="elb.class", value=value, origin=Origin.API, ref=ref)
    if told := _told(service, facts):
        return Fact(name="elb.class", value=told.kind, origin=Origin.CLOUD, ref="ELB API, guaranteed")
    return Fact(name="elb.class", value="union", origin=Origin.ASSUMED, ref="cce_10_0385: the default")
