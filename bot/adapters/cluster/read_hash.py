"""A fingerprint of the part of a Service that its traffic path is read from.

A proposal carries it: if it differs when the change is applied, people approved something else. Left out on
purpose: the pass-through annotation (the change is about it), `healthCheckNodePort` (allocated by the API server,
and never the same in a dry run), labels, and what the CCE controller merely notes down.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bot.domain.objects import PASS_THROUGH

SPEC = (
    "allocateLoadBalancerNodePorts",
    "clusterIP",
    "clusterIPs",
    "externalIPs",
    "externalTrafficPolicy",
    "internalTrafficPolicy",
    "ipFamilies",
    "loadBalancerClass",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
    "ports",
    "publishNotReadyAddresses",
    "selector",
    "sessionAffinity",
    "trafficDistribution",
    "type",
)
"""The fields of `spec` that count."""

PREFIX = "kubernetes.io/elb."
BESIDES = ("kubernetes.io/hws-hostNetwork",)
"""Annotations that count: these, and those with the prefix."""

NOTES = (PASS_THROUGH, f"{PREFIX}mark", f"{PREFIX}custom-eip-status")
"""Annotations with the prefix that do not count."""


def read_hash(service: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of what counts of a Service as the API server sent it."""
    spec = service.get("spec") or {}
    annotations = (service.get("metadata") or {}).get("annotations") or {}
    balancer = (service.get("status") or {}).get("loadBalancer") or {}
    counts = {
        "spec": {key: spec[key] for key in SPEC if spec.get(key) is not None},
        "annotations": {key: value for key, value in annotations.items() if _counts(key)},
        "ingress": balancer.get("ingress") or [],
    }
    return hashlib.sha256(json.dumps(counts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _counts(key: str) -> bool:
    return key in BESIDES or (key.startswith(PREFIX) and key not in NOTES)
