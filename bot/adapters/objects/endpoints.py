"""EndpointSlice JSON into an `EndpointSlice`."""

from bot.adapters.objects.metadata import opened
from bot.adapters.objects.reader import Reader, ShapeError, ip_address
from bot.domain.objects import Endpoint, EndpointPort, EndpointSlice, Family, Protocol, Ref
from bot.domain.ranges import family_of

SERVICE_LABEL = "kubernetes.io/service-name"
_PORTS = 65535


def endpoint_slice(body: object) -> EndpointSlice:
    """Read an EndpointSlice.

    Raises:
        ShapeError: A field has a wrong type; the message names it.
    """
    reader, metadata, ref = opened("EndpointSlice", body)
    owner = metadata.strings("labels").get(SERVICE_LABEL)
    family = reader.choice("addressType", Family, Family.IPV4)
    return EndpointSlice(
        ref=ref,
        service=Ref(ref.namespace, owner) if owner else None,
        family=family.value,
        ports=tuple(_port(each) for each in reader.each("ports")),
        endpoints=tuple(_endpoint(each, family, ref.namespace) for each in reader.each("endpoints")),
    )


def _port(reader: Reader) -> EndpointPort:
    return EndpointPort(
        port=reader.number("port", most=_PORTS),
        name=reader.text("name"),
        protocol=reader.choice("protocol", Protocol, Protocol.TCP),
    )


def _endpoint(reader: Reader, family: Family, namespace: str) -> Endpoint:
    addresses = reader.texts("addresses")
    if not addresses:
        raise ShapeError(f"{reader.where}.addresses", None, "a list of at least one address")
    first = addresses[0]  # kube-proxy uses the first address only
    conditions = reader.within("conditions")
    hints = reader.within("hints")
    return Endpoint(
        ip=_address(first, family, f"{reader.where}.addresses[0]"),
        node=_node(reader),
        ready=conditions.flag("ready", default=True),
        serving=conditions.flag("serving", default=True),
        terminating=conditions.flag("terminating"),
        pod=_pod(reader.within("targetRef"), namespace),
        zone=reader.text("zone"),
        zone_hints=_names(hints, "forZones"),
        node_hints=_names(hints, "forNodes"),
    )


def _address(text: str, family: Family, where: str) -> str:
    if family is Family.FQDN:
        return text
    address = ip_address(text, where)
    if family_of(address) != family:
        raise ShapeError(where, text, f"an {family} address, as the slice's addressType says")
    return address


def _node(reader: Reader) -> str:
    # v1beta1 knew the node as a topology label only.
    former = (reader.within(key).text("kubernetes.io/hostname") for key in ("deprecatedTopology", "topology"))
    return reader.text("nodeName") or next(filter(None, former), "")


def _pod(target: Reader, namespace: str) -> Ref | None:
    if target.text("kind") != "Pod" or not target.text("name"):
        return None
    return Ref(target.text("namespace") or namespace, target.text("name"))


def _names(hints: Reader, key: str) -> tuple[str, ...]:
    return tuple(each.text("name") for each in hints.each(key))
