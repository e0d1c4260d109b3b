"""NetworkPolicy JSON into a `NetworkPolicy`."""

from bot.adapters.objects.metadata import opened, selector
from bot.adapters.objects.reader import Reader, ip_network
from bot.domain.objects import NetworkPolicy, PolicyPeer, PolicyRule, Protocol

_PORTS = 65535


def network_policy(body: object) -> NetworkPolicy:
    """Read a NetworkPolicy.

    Without policyTypes it concerns ingress, and egress where it has rules for it (NetworkPolicySpec).

    Raises:
        ShapeError: A field has a wrong type; the message names it.
    """
    reader, _, ref = opened("NetworkPolicy", body)
    spec = reader.within("spec")
    types = spec.words("policyTypes", ("Ingress", "Egress"))
    egress = tuple(_rule(each, "to") for each in spec.each("egress"))
    return NetworkPolicy(
        ref=ref,
        pods=selector(spec.within("podSelector")),
        inward=not types or "Ingress" in types,
        outward="Egress" in types if types else bool(egress),
        ingress=tuple(_rule(each, "from") for each in spec.each("ingress")),
        egress=egress,
    )


def _rule(reader: Reader, peers: str) -> PolicyRule:
    return PolicyRule(
        peers=tuple(_peer(each) for each in reader.each(peers)),
        ports=tuple(
            (
                each.choice("protocol", Protocol, Protocol.TCP),
                each.port("port"),
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
