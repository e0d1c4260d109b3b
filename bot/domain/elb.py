"""What a Service's annotations say about its CCE load balancer, and what pass-through amounts to."""

from collections.abc import Iterable

from bot.domain.cluster_facts import Category, ClusterFacts, Platform
from bot.domain.explanation import PassThrough, PassThroughState
from bot.domain.fact import Fact, Origin
from bot.domain.objects import ELB_CLASS, PASS_THROUGH, Service, ServicePort, TrafficPolicy
from bot.domain.possibility import World, span_of, stated_span
from bot.domain.version import Version

PROTOCOL_PORT = "kubernetes.io/elb.protocol-port"
TRANSPARENT = "kubernetes.io/elb.transparent-client-ip"
HOST_NETWORK = "kubernetes.io/hws-hostNetwork"
ON_VALUES = ("true", "onlyLocal")
OFF_VALUES = ("false", "")
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
    match service.annotations.get(ELB_CLASS):
        case "performance":
            return True
        case "union":
            return False
        case None | "":
            # cce_10_0385: union is the default.
            world.assume("elb.class=union")
            return False
        case _:
            return bool(world.ask("elb.class", {"performance": True, "union": False}))


def load_balancer_class(service: Service) -> str:
    """The value of `elb.class`, or the documented default (cce_10_0385)."""
    return service.annotations.get(ELB_CLASS) or "union"


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
    local = service.external_policy is TrafficPolicy.LOCAL or world.category() is Category.TURBO
    return local and service.annotations.get(TRANSPARENT) == "true"


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


def class_fact(service: Service) -> Fact[str]:
    """The kind of load balancer as a fact: `union`, `performance`, or the documented default."""
    value = service.annotations.get(ELB_CLASS)
    if value:
        ref = f"Service {service.ref} metadata.annotations[{ELB_CLASS}]"
        return Fact(name="elb.class", value=value, origin=Origin.API, ref=ref)
    return Fact(name="elb.class", value="union", origin=Origin.ASSUMED, ref="cce_10_0385: the default")
