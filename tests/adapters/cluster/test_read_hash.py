"""The fingerprint of what a traffic path is read from."""

import copy
from typing import Any

import pytest

from bot.adapters.cluster.read_hash import read_hash

SERVICE: dict[str, Any] = {
    "metadata": {
        "name": "checkout",
        "resourceVersion": "7",
        "labels": {"app": "checkout"},
        "annotations": {"kubernetes.io/elb.class": "union", "note": "x"},
    },
    "spec": {"type": "LoadBalancer", "ports": [{"port": 443}], "healthCheckNodePort": 31694},
    "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.9"}]}},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Change one field."""
    body = copy.deepcopy(SERVICE)
    *way, last = path.split("|")
    inside: dict[str, Any] = body
    for step in way:
        inside = inside.setdefault(step, {})
    inside[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata|annotations|kubernetes.io/elb.pass-through", "true"),
        ("metadata|annotations|kubernetes.io/elb.mark", "0"),
        ("metadata|annotations|note", "y"),
        ("metadata|labels|team", "shop"),
        ("metadata|resourceVersion", "8"),
        ("spec|healthCheckNodePort", 32769),
        ("status|conditions", []),
    ],
)
def test_what_the_path_does_not_read_does_not_count(path: str, value: Any) -> None:
    """Bookkeeping, and the annotation that the change is about."""
    assert read_hash(changed(path, value)) == read_hash(SERVICE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata|annotations|kubernetes.io/elb.class", "performance"),
        ("metadata|annotations|kubernetes.io/elb.id", "1"),
        ("metadata|annotations|kubernetes.io/hws-hostNetwork", "true"),
        ("spec|externalTrafficPolicy", "Local"),
        ("spec|ports", [{"port": 80}]),
        ("spec|selector", {"app": "other"}),
        ("spec|loadBalancerSourceRanges", ["10.0.0.0/8"]),
        ("status|loadBalancer", {"ingress": [{"ip": "10.0.0.10"}]}),
    ],
)
def test_what_the_path_reads_counts(path: str, value: Any) -> None:
    """Any of it supersedes a proposal."""
    assert read_hash(changed(path, value)) != read_hash(SERVICE)


def test_the_order_of_keys_does_not_count() -> None:
    """JSON objects have none."""
    backwards = dict(reversed(list(SERVICE.items())))
    assert read_hash(backwards) == read_hash(SERVICE)


def test_an_empty_object_has_a_fingerprint() -> None:
    """Nothing is required to be there."""
    assert len(read_hash({})) == 64
