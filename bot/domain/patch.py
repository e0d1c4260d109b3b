"""What a patch may touch: annotations on a short list, and nothing else, whatever a template renders."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from bot.domain.objects import PASS_THROUGH

FIELD_MANAGER = "elb-passthrough-bot"
"""Ours, in `managedFields`; see the public contract, "Names that others see"."""

PROTECTED_DOMAINS = (
    "kubernetes.io",
    "k8s.io",
    "huawei.com",
    "huaweicloud.com",
    "otc.t-systems.com",
    "cce.cloud.com",
    "yangtse.io",
    "amazonaws.com",
    "azure.com",
    "google.com",
    "googleapis.com",
    "alibabacloud.com",
    "aliyun.com",
    "tencent.com",
    "oraclecloud.com",
    "digitalocean.com",
    "hetzner.cloud",
    "argoproj.io",
    "fluxcd.io",
    "helm.sh",
    "hashicorp.com",
    "terraform.io",
    "cattle.io",
    "crossplane.io",
    "openshift.io",
    "istio.io",
    "cilium.io",
)
"""Domains whose keys steer Kubernetes, a cloud or a GitOps tool: no template may set them."""


class PatchRefusedError(Exception):
    """The template rendered something that may not be sent; the message says what, in one sentence."""


def allowed_annotations(patch: object, extra: AbstractSet[str] = frozenset()) -> dict[str, str | None]:
    """Return the annotations that a rendered merge patch sets, if it does nothing but that.

    Args:
        patch: the parsed output of a patch template.
        extra: keys beside pass-through that the configuration allows (`patches.allow`).

    Raises:
        PatchRefusedError: it touches anything but `metadata.annotations`, a key that is not allowed, or a
            pass-through value other than "true" or removal.
    """
    metadata = _only_key(patch, "metadata", "the patch")
    annotations = _only_key(metadata, "annotations", "metadata")
    if not isinstance(annotations, Mapping) or not annotations:
        raise PatchRefusedError("the template renders no annotation")
    return {_key(key, extra): _value(key, value) for key, value in annotations.items()}


def as_asked(annotations: Mapping[str, str | None], value: str | None) -> dict[str, str | None]:
    """Return a patch's annotations, if they do to pass-through what the card says: set it, or (None) remove it.

    Raises:
        PatchRefusedError: they leave it alone, or do the opposite.
    """
    if PASS_THROUGH not in annotations:
        raise PatchRefusedError("the template leaves pass-through as it is")
    if annotations[PASS_THROUGH] != value:
        done, wanted = (_did(each) for each in (annotations[PASS_THROUGH], value))
        raise PatchRefusedError(f"the template {done} pass-through where the change {wanted} it")
    return dict(annotations)


def _did(value: str | None) -> str:
    return "removes" if value is None else "sets"


def protected(key: str) -> bool:
    """Whether an annotation key belongs to Kubernetes, a cloud or a GitOps tool."""
    domain = key.partition("/")[0].lower().strip(".") if "/" in key else ""
    return any(domain == name or domain.endswith("." + name) for name in PROTECTED_DOMAINS)


def _only_key(value: object, key: str, where: str) -> Any:
    if not isinstance(value, Mapping) or set(value) != {key}:
        raise PatchRefusedError(f"{where} may hold {key} and nothing else")
    return value[key]


def _key(key: object, extra: AbstractSet[str]) -> str:
    if key == PASS_THROUGH:
        return PASS_THROUGH
    if not isinstance(key, str) or protected(key):
        raise PatchRefusedError(f"the template may not set {key}")
    if key not in extra:
        raise PatchRefusedError(f"the template sets {key}, which patches.allow does not list")
    return key


def _value(key: object, value: object) -> str | None:
    if value is None or (isinstance(value, str) and (key != PASS_THROUGH or value == "true")):
        return value
    if key == PASS_THROUGH:
        raise PatchRefusedError('pass-through may only be set to "true" or removed')
    raise PatchRefusedError(f"the value of {key} must be a string")
