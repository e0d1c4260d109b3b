"""The objects: how they are created, changed and deleted, whoever asks."""

import random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.demo.kubernetes import allocation, defaults, ownership, schema, update, validation
from bot.demo.kubernetes.admission import Operation, Review, Webhook
from bot.demo.kubernetes.decoding import decoded
from bot.demo.kubernetes.history import History, Record
from bot.demo.kubernetes.patch import merged
from bot.demo.kubernetes.resources import BY_NAME, RESOURCES, Resource
from bot.demo.kubernetes.status import (
    ApiError,
    Cause,
    already_exists,
    bad_request,
    invalid_object,
    method_not_allowed,
    not_found,
)
from bot.demo.kubernetes.update import UNCONDITIONAL, Options, Preconditions
from bot.demo.seam import Json, Listener

SUFFIX = "bcdfghjklmnpqrstvwxz2456789"  # k8s.io/apimachinery/pkg/util/rand
NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def key_of(resource: Resource, namespace: str | None, name: str) -> str:
    """Return the key that orders an object as etcd does."""
    return f"{namespace}/{name}" if resource.namespaced else name


def wall_clock() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


class Storage:
    """Every object of the cluster, with the rules of its type; implements `seam.Objects`."""

    def __init__(
        self,
        *,
        seed: int = 0,
        node_ports: range = allocation.NODE_PORTS,
        clock: Callable[[], datetime] = wall_clock,
    ) -> None:
        self.history = History()
        self.webhooks: list[Webhook] = []
        self._clock = clock
        self._random = random.Random(seed)
        self._allocator = allocation.Allocator(seed=seed, node_ports=node_ports)
        for name in NAMESPACES:
            body = {"metadata": {"name": name}}
            self.insert(BY_NAME["namespaces"], None, body, Options(manager="kube-apiserver"))

    # What the simulated world asks (seam.Objects).

    def list(self, resource: str, namespace: str | None = None) -> list[Json]:
        """Return copies of the objects of a resource, of one namespace or of all."""
        return [record.copy() for record in self._records(resource, namespace)]

    def get(self, resource: str, namespace: str | None, name: str) -> Json | None:
        """Return a copy of an object, None if it is not there."""
        record = self.find(BY_NAME[resource], namespace, name)
        return record.copy() if record else None

    def create(self, resource: str, body: Mapping[str, Any], *, manager: str) -> Json:
        """Create an object, in the namespace that its metadata names, under the API's rules."""
        namespace = body.get("metadata", {}).get("namespace")
        return self.insert(BY_NAME[resource], namespace, dict(body), Options(manager=manager)).copy()

    def merge(
        self,
        resource: str,
        namespace: str | None,
        name: str,
        patch: Mapping[str, Any],
        *,
        manager: str,
        subresource: str | None = None,
    ) -> Json:
        """Apply a merge patch under the API's rules."""
        options = Options(manager=manager, subresource=subresource or "", patching=True)

        def change(live: Json) -> Json:
            return dict(merged(live, patch))

        return self.modify(BY_NAME[resource], namespace, name, change, options).copy()

    def delete(self, resource: str, namespace: str | None, name: str) -> None:
        """Delete an object; nothing happens when it is not there."""
        if self.find(BY_NAME[resource], namespace, name):
            self.remove(BY_NAME[resource], namespace, name, Options(manager="kube-controller-manager"))

    def subscribe(self, resource: str, listener: Listener) -> Callable[[], None]:
        """Call `listener` after every later change with the stored object itself, which it must not change."""
        listeners = self.history.shelf(resource).listeners
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def scan(self, resource: str, namespace: str | None = None) -> Iterator[Json]:
        """Yield the stored objects themselves, without copies; they must not be changed."""
        return (record.body for record in self._records(resource, namespace))

    def _records(self, resource: str, namespace: str | None) -> Sequence[Record]:
        shelf = self.history.shelf(resource)
        return shelf.now() if namespace is None else shelf.within(namespace)

    def bind(self, namespace: str, name: str, node: str) -> None:
        """Place a Pod on a node, as the scheduler's binding does."""
        options = Options(manager="kube-scheduler", patching=True, binding=True)

        def placed(live: Json) -> Json:
            return {**live, "spec": {**live["spec"], "nodeName": node}}

        self.modify(BY_NAME["pods"], namespace, name, placed, options)

    # What the HTTP server asks.

    @property
    def version(self) -> int:
        """Return the newest resourceVersion."""
        return self.history.version

    def find(self, resource: Resource, namespace: str | None, name: str) -> Record | None:
        """Return the current version of an object, None if it is not there."""
        return self.history.find(resource.storage, key_of(resource, namespace, name))

    def require(self, resource: Resource, namespace: str | None, name: str) -> Record:
        """Return the current version of an object; raises the 404."""
        record = self.find(resource, namespace, name)
        if record is None:
            raise not_found(resource, name)
        return record

    def insert(self, resource: Resource, namespace: str | None, body: Json, options: Options) -> Record:
        """Store a new object."""
        new = decoded(resource, body, options)
        self._place(resource, namespace, new["metadata"])
        name = new["metadata"]["name"]
        if self.find(resource, namespace, name):
            raise already_exists(resource, name)
        if (
            resource.has_status and resource.kind != "Node"
        ):  # a kubelet registers its Node together with its status
            new.pop("status", None)
        if resource.counts_generations:
            new["metadata"]["generation"] = 1
        self._settle(resource, new, None, options)
        return self._store(resource, new, None, options)

    def replace(
        self, resource: Resource, namespace: str | None, name: str, body: Json, options: Options
    ) -> tuple[Record, bool]:
        """Store an update (PUT), and tell whether it created the object."""
        given = body.get("metadata", {}) if isinstance(body.get("metadata", {}), dict) else {}
        if given.get("name", name) != name:
            raise bad_request(
                f"the name of the object ({given['name']}) does not match the name on the URL ({name})"
            )
        if (
            self.find(resource, namespace, name) is None
            and resource.created_by_update
            and not options.subresource
        ):
            return self.insert(resource, namespace, body, options), True
        if resource.custom and not given.get("resourceVersion"):
            cause = Cause.invalid("metadata.resourceVersion", "0x0", "must be specified for an update")
            raise invalid_object(resource, name, [cause])
        return self.modify(resource, namespace, name, lambda _live: body, options), False

    def modify(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        change: Callable[[Json], Json],
        options: Options,
    ) -> Record:
        """Store what `change` makes of an object; a change of nothing keeps its version."""
        record = self.require(resource, namespace, name)
        new = decoded(resource, change(record.copy()), options)
        return self._updated(resource, record, new, options)

    def apply(
        self, resource: Resource, namespace: str | None, name: str, config: Json, options: Options
    ) -> tuple[Record, bool]:
        """Store a server-side apply, and tell whether it created the object."""
        record = self.find(resource, namespace, name)
        config = decoded(resource, config, options)
        config["metadata"].setdefault("name", name)
        walker, mine = self._walker(resource, options), self._claim(resource, options)
        live = record.copy() if record else None
        new = ownership.applied(walker, live=live, config=config, mine=mine, force=options.force)
        new, _ = schema.pruned(resource, new)
        if record is None:
            return self.insert(resource, namespace, new, options), True
        return self._updated(resource, record, new, options), False

    def remove(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        options: Options,
        preconditions: Preconditions = UNCONDITIONAL,
    ) -> tuple[Record, bool]:
        """Delete an object, and tell whether it is gone; finalizers keep it with a deletionTimestamp."""
        record = self.require(resource, namespace, name)
        update.check_preconditions(resource, record, preconditions)
        self._admit("DELETE", resource, record.body, None, options)
        if options.dry_run:
            return record, True
        if resource.kind == "Namespace":
            self._empty(name)
        if record.body["metadata"].get("finalizers"):
            return self._condemn(resource, record), False
        return self._erase(resource, record.copy()), True

    # How a write goes.

    def _place(self, resource: Resource, namespace: str | None, metadata: Json) -> None:
        """Name a new object and put it into its namespace."""
        if metadata.get("resourceVersion"):
            raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
        if resource.namespaced:
            self._enter(resource, namespace, metadata)
        else:
            metadata.pop("namespace", None)
        if not metadata.get("name"):
            if not metadata.get("generateName"):
                cause = Cause.required("metadata.name", "name or generateName is required")
                raise invalid_object(resource, "", [cause])
            metadata["name"] = metadata["generateName"] + self.suffix()
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"):
            metadata.pop(name, None)
        metadata["uid"] = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        metadata["creationTimestamp"] = self.time

    def _enter(self, resource: Resource, namespace: str | None, metadata: Json) -> None:
        if namespace is None:
            raise method_not_allowed(resource)
        if metadata.setdefault("namespace", namespace) != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        self.require(BY_NAME["namespaces"], None, namespace)

    def _updated(self, resource: Resource, record: Record, new: Json, options: Options) -> Record:
        old = record.copy()
        update.guard(resource, record, new["metadata"], patching=options.patching)
        update.keep(resource, old, new, options)
        self._settle(resource, new, old, options)
        if update.same(old, new, ownership=options.operation == "Apply"):
            return record
        if resource.counts_generations and update.content(old) != update.content(new):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        return self._store(resource, new, record, options)

    def _settle(self, resource: Resource, new: Json, old: Json | None, options: Options) -> None:
        """Default, own, admit and validate an object; what is allocated comes last and is owned by nobody."""
        with schema.readable(resource):
            if not resource.custom:
                defaults.fill(new)
            if resource.kind == "Service" and old:
                allocation.carry(new, old)
            self._own(resource, new, old, options)
            self._admit("UPDATE" if old else "CREATE", resource, old, new, options)
            validation.check(resource, new, None if options.binding else old)
            if resource.kind == "Service":
                self._allocator.fill(resource, new, old)

    def _own(self, resource: Resource, new: Json, old: Json | None, options: Options) -> None:
        if options.operation == "Apply":
            return  # written by `ownership.applied`, which knows what was asked
        asked = new["metadata"].get("managedFields")
        if asked in ([], [{}]):
            new["metadata"].pop("managedFields")
            return
        walker, mine = self._walker(resource, options), self._claim(resource, options)
        ownership.note_update(walker, old=old, new=new, mine=mine)

    def _admit(
        self, operation: Operation, resource: Resource, old: Json | None, new: Json | None, options: Options
    ) -> None:
        metadata = (new or old or {})["metadata"]
        review = Review(
            operation=operation,
            resource=resource,
            subresource=options.subresource,
            namespace=metadata.get("namespace", ""),
            name=metadata["name"],
            old=old,
            new=new,
            user=options.user,
        )
        for webhook in self.webhooks:
            webhook(review)

    def _store(self, resource: Resource, new: Json, record: Record | None, options: Options) -> Record:
        key = key_of(resource, new["metadata"].get("namespace"), new["metadata"]["name"])
        if options.dry_run:
            return Record(key, new, self.version)
        metadata = new["metadata"]
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            return self._erase(resource, new)
        if resource.kind == "Service":
            self._allocator.note(record.body if record else None, new)
        return self.history.commit(resource.storage, key, new)

    def _condemn(self, resource: Resource, record: Record) -> Record:
        """Mark an object whose finalizers have work to do."""
        doomed = record.copy()
        if "deletionTimestamp" in doomed["metadata"]:
            return record
        doomed["metadata"] |= {"deletionTimestamp": self.time, "deletionGracePeriodSeconds": 0}
        return self.history.commit(resource.storage, record.key, doomed)

    def _erase(self, resource: Resource, body: Json) -> Record:
        if resource.kind == "Service":
            self._allocator.note(body, None)
        key = key_of(resource, body["metadata"].get("namespace"), body["metadata"]["name"])
        return self.history.commit(resource.storage, key, body, deleted=True)

    def _empty(self, namespace: str) -> None:
        """Delete everything in a namespace; finalizers are not waited for."""
        for resource in RESOURCES:
            if resource.namespaced and resource.stored_as is None:
                shelf = self.history.shelf(resource.storage)
                for record in shelf.within(namespace):
                    if record.key in shelf.records:
                        self._erase(resource, record.copy())

    # Small things.

    @property
    def time(self) -> str:
        """Return the time as metadata has it."""
        return self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")

    def suffix(self) -> str:
        """Return five characters as generateName appends them."""
        return "".join(self._random.choices(SUFFIX, k=5))

    def _walker(self, resource: Resource, options: Options) -> ownership.Walker:
        if options.subresource == "status":
            return ownership.Walker(resource, frozenset({"spec"}))
        return ownership.Walker(resource, frozenset({"status"}) if resource.has_status else frozenset())

    def _claim(self, resource: Resource, options: Options) -> ownership.Claim:
        claim = ownership.Claim(
            manager=options.manager,
            operation=options.operation,
            api_version=resource.api_version,
            time=self.time,
            fields=frozenset(),
        )
        return replace(claim, subresource=options.subresource)
