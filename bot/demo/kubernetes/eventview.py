"""Events of events.k8s.io/v1, which are stored as core/v1 Events."""

from bot.demo.seam import Json

NEW_TO_CORE = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
CORE_TO_NEW = {core: new for new, core in NEW_TO_CORE.items()}


def to_core(body: Json) -> Json:
    """Return an events.k8s.io/v1 Event as core/v1 has it."""
    renamed = {NEW_TO_CORE.get(name, name): value for name, value in body.items()}
    return renamed | {"kind": "Event", "apiVersion": "v1"}


def from_core(body: Json) -> Json:
    """Return a core/v1 Event as events.k8s.io/v1 has it."""
    renamed = {CORE_TO_NEW.get(name, name): value for name, value in body.items()}
    return renamed | {"kind": "Event", "apiVersion": "events.k8s.io/v1"}
