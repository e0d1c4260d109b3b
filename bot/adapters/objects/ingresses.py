"""Ingress JSON into an `Ingress`."""

from bot.adapters.objects.metadata import opened
from bot.adapters.objects.reader import Reader
from bot.domain.objects import Ingress, host_name


def ingress(body: object) -> Ingress:
    """Read an Ingress.

    Raises:
        ShapeError: A field has a wrong type; the message names it.
    """
    reader, metadata, ref = opened("Ingress", body)
    spec = reader.within("spec")
    annotations = metadata.strings("annotations")
    return Ingress(
        ref=ref,
        class_name=spec.text("ingressClassName") or annotations.get("kubernetes.io/ingress.class", ""),
        annotations=annotations,
        addresses=tuple(
            name
            for each in reader.within("status").within("loadBalancer").each("ingress")
            for name in (each.address("ip"), host_name(each.text("hostname")))
            if name
        ),
        services=tuple(sorted(_services(spec))),
    )


def _services(spec: Reader) -> set[str]:
    backends = [spec.within("defaultBackend")]
    for rule in spec.each("rules"):
        backends += [path.within("backend") for path in rule.within("http").each("paths")]
    # networking.k8s.io/v1beta1 had the name one level higher.
    names = {backend.within("service").text("name") or backend.text("serviceName") for backend in backends}
    return names - {""}
