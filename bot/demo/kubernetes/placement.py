"""Which node a Pod may run on: affinity, selectors, taints and cordons, in the scheduler's own words."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bot.demo.kubernetes.selectors import labels_of
from bot.demo.seam import Json

CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
HARD = frozenset({"NoSchedule", "NoExecute"})
OPERATORS: Mapping[str, Callable[[str | None, list[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _values: value is not None,
    "DoesNotExist": lambda value, _values: value is None,
    "Gt": lambda value, values: value is not None and int(value) > int(values[0]),
    "Lt": lambda value, values: value is not None and int(value) < int(values[0]),
}


def _expression(expression: Json, value: str | None) -> bool:
    compare = OPERATORS.get(expression["operator"])
    return compare is not None and compare(value, expression.get("values", []))


def _term(term: Json, node: Json) -> bool:
    labels = labels_of(node)
    wanted = [_expression(each, labels.get(each["key"])) for each in term.get("matchExpressions", [])]
    wanted += [_expression(each, node["metadata"]["name"]) for each in term.get("matchFields", [])]
    return bool(wanted) and all(wanted)


def _wanted(pod: Json, node: Json) -> bool:
    labels = labels_of(node)
    chosen = pod["spec"].get("nodeSelector", {})
    if any(labels.get(key) != value for key, value in chosen.items()):
        return False
    affinity = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or any(_term(term, node) for term in required.get("nodeSelectorTerms", []))


def _tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")


def _untolerated(pod: Json, taints: Iterable[Json]) -> Json | None:
    tolerations = pod["spec"].get("tolerations", [])
    for taint in taints:
        if taint["effect"] in HARD and not any(_tolerates(each, taint) for each in tolerations):
            return taint
    return None


def refusal(pod: Json, node: Json) -> str | None:
    """Return why the scheduler would not place a Pod on a node; None if it would."""
    if node["spec"].get("unschedulable") and _untolerated(pod, [CORDON]):
        return "node(s) were unschedulable"
    others = [taint for taint in node["spec"].get("taints", []) if taint["key"] != CORDON["key"]]
    if taint := _untolerated(pod, others):
        return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    if not _wanted(pod, node):
        return "node(s) didn't match Pod's node affinity/selector"
    return None


def explained(refusals: Mapping[str, int], nodes: int) -> str:
    """Return the message of the condition PodScheduled when no node is left."""
    if not nodes:
        return "no nodes available to schedule pods"
    reasons = ", ".join(sorted(f"{count} {reason}" for reason, count in refusals.items()))
    none = f"0/{nodes} nodes are available:"
    return f"{none} {reasons}. preemption: {none} {nodes} Preemption is not helpful for scheduling."


def owner_of(pod: Json) -> Any:
    """Return what a Pod's siblings have in common: its controller, or itself."""
    for owner in pod["metadata"].get("ownerReferences", []):
        if owner.get("controller"):
            return owner["uid"]
    return pod["metadata"]["uid"]


def choose(pod: Json, nodes: Iterable[Json], pods: Iterable[Json]) -> tuple[str | None, str]:
    """Return the node for a Pod, or None and why.

    Siblings are spread first, then all Pods; equal nodes go by name.
    """
    refusals: Counter[str] = Counter()
    free = []
    total = 0
    for node in nodes:
        total += 1
        why = refusal(pod, node)
        if why is None:
            free.append(node["metadata"]["name"])
        else:
            refusals[why] += 1
    if not free:
        return None, explained(refusals, total)
    siblings: Counter[str] = Counter()
    load: Counter[str] = Counter()
    for other in pods:
        place = other["spec"].get("nodeName", "")
        load[place] += 1
        siblings[place] += owner_of(other) == owner_of(pod)
    return min(free, key=lambda name: (siblings[name], load[name], name)), ""
