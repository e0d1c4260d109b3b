"""NetworkPolicy JSON into a `NetworkPolicy`."""

from bot.adapters.objects.metadata import opened, selector
from bot.adapters.objects.reader import Reader, ip_network
from bot.domain.objects import NetworkPolicy, PolicyPeer, PolicyRule, Protocol

_PORTS = 65535


def network_policy(body: object) -> NetworkPolicy | None:
    """Read a NetworkPolicy; None where it does not concern ingress.

    Raises:
        ShapeError: A field has a wrong type; the message names it.
    """
    reader, _, ref = opened("NetworkPolicy", body)
    spec = reader.within("spec")
    types = spec.texts("policyTypes")
    if types and "Ingress" not in types:
        return None
    return NetworkPolicy(
        ref=ref,
        pods=selector(spec.within("podSelector")),
        ingress=tuple(_rule(each) for each in spec.each("ingress")),
    )


def _rule(reader: Reader) -> PolicyRule:
    return PolicyRule(
        peers=tuple(_peer(each) for each in reader.each("from")),
        ports=tuple(
            (
                each.choice("protocol", Protocol, Protocol.TCP),
                each.number_or_text("port"),
                each.number("endPort", most=_PORTS),
            )
            for each in reader.each("ports")
        ),
    )


def _peer(reader: Reader) -> PolicyPeer:
    block = reader.within("ipBlock")
    return PolicyPeer(
        cidr=ip_network(block.text("cidr"), f"{block.where}.cidr") if block.has("cidr") else "",
        excepted=block.networks("except"),
        pods=selector(reader.within("podSelector")) if reader.has("podSelector") else None,
        namespaces=selector(reader.within("namespaceSelector")) if reader.has("namespaceSelector") else None,
    )
