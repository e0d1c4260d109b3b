"""Single Services, straight at the API server: read, patched, and told about in a Kubernetes Event."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.adapters import objects
from bot.adapters.cluster.calls import Calls, Json
from bot.adapters.cluster.failure import AlreadyThere, sentence
from bot.adapters.cluster.kind import SERVICES
from bot.adapters.cluster.read_hash import read_hash
from bot.adapters.objects.ownership import last_applied, writers
from bot.adapters.objects.reader import Reader
from bot.domain.change import ServiceRef
from bot.domain.patch import FIELD_MANAGER
from bot.ports import LiveService, Unavailable, WorldError

log = logging.getLogger(__name__)

REASON = "PassThroughChanged"
_MESSAGE = 1024
"""Characters that the API server accepts in an Event's message."""
_NAME = 253


def _now() -> datetime:
    return datetime.now(UTC)


class Services:
    """Reads and writes of one cluster's Services."""

    def __init__(self, calls: Calls, *, seconds: float = 2.0, now: Callable[[], datetime] = _now) -> None:
        self._calls = calls
        self._seconds = seconds
        self._now = now

    async def read(self, service: ServiceRef) -> LiveService:
        """Read a Service; a person may be waiting, so this does not wait long."""
        return _live(service, await self._calls.get(_path(service), seconds=self._seconds))

    async def patch(
        self,
        service: ServiceRef,
        annotations: Mapping[str, str | None],
        *,
        resource_version: str,
        dry_run: bool,
    ) -> LiveService:
        """Send one merge patch of annotations. Never a PUT: CCE's webhook refuses what a stale copy drops."""
        body = {"metadata": {"resourceVersion": resource_version, "annotations": dict(annotations)}}
        query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict")]
        if dry_run:
            query.append(("dryRun", "All"))
        return _live(service, await self._calls.merge(_path(service), body, query))

    async def tell(self, service: ServiceRef, uid: str, *, key: str, message: str) -> None:
        """Record an Event. Its name comes from the key, so a second time is refused and that is fine."""
        event = self._event(service, uid, key, message)
        try:
            await self._calls.post(f"/api/v1/namespaces/{service.namespace}/events", event)
        except AlreadyThere:
            return
        except WorldError as error:
            log.warning("%s: no Event on %s: %s", self._calls.name, service, error)

    def _event(self, service: ServiceRef, uid: str, key: str, message: str) -> Json:
        at = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        mark = hashlib.sha256(key.encode()).hexdigest()[:16]
        text = message if len(message) <= _MESSAGE else message[: _MESSAGE - 1] + "…"
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "namespace": service.namespace,
                "name": f"{service.name[: _NAME - len(mark) - 1].rstrip('.-')}.{mark}",
            },
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Service",
                "namespace": service.namespace,
                "name": service.name,
                "uid": uid,
            },
            "type": "Normal",
            "reason": REASON,
            "message": text,
            "source": {"component": FIELD_MANAGER},
            "reportingComponent": FIELD_MANAGER,
            "reportingInstance": FIELD_MANAGER,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }


def _path(service: ServiceRef) -> str:
    return SERVICES.path(service.namespace, service.name)


def _live(ref: ServiceRef, raw: Mapping[str, Any]) -> LiveService:
    try:
        service = objects.service(raw)
    except objects.ShapeError as error:
        raise Unavailable(sentence(f"{ref} cannot be read: {error}")) from error
    return LiveService(
        ref=ref,
        uid=service.uid,
        resource_version=service.resource_version,
        annotations=service.annotations,
        read_hash=read_hash(raw),
        touched_by={key: manager for manager, keys in service.managers for key in keys},
        labels=service.labels,
        writers=writers(Reader(raw.get("metadata") or {}, str(ref))),
        last_applied=last_applied(service.annotations),
        created_at=_created(raw),
    )


def _created(raw: Mapping[str, Any]) -> datetime | None:
    """When the Service was made, as RFC 3339; None where that cannot be read."""
    try:
        made = datetime.fromisoformat(str((raw.get("metadata") or {}).get("creationTimestamp")))
    except ValueError:
        return None
    return made if made.tzinfo else made.replace(tzinfo=UTC)
