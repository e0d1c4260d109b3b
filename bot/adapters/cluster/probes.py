"""Probe Pods of one cluster: started, looked at, and swept away."""

from collections.abc import AsyncIterator
from urllib.parse import quote

from bot.adapters.cluster import probe_pod
from bot.adapters.cluster.calls import Calls, Json
from bot.adapters.cluster.failure import AlreadyThere
from bot.adapters.cluster.kind import PODS
from bot.config.settings import VerificationSettings
from bot.ports import Conflict, Forbidden, FoundProbe, Invalid, NotFound, ProbePod, ProbeState, Unavailable

_PAGE = "500"


class Probes:
    """The Pods of ours in one cluster's probe namespace."""

    def __init__(self, calls: Calls, settings: VerificationSettings) -> None:
        self._calls = calls
        self._settings = settings
        self._path = PODS.path(settings.namespace)

    async def start(self, pod: ProbePod) -> None:
        """Create a probe Pod; one that is there already is left alone.

        Raises:
            Forbidden: RBAC, quota, admission or Pod security refused it, or there is no such namespace.
            Invalid: The API server finds it malformed, or host networking is not opted in.
            Unavailable: No answer.
        """
        if pod.host_network and not self._settings.host_network:
            raise Invalid("probes on the host's network are not opted in (verification.hostNetwork)")
        try:
            await self._calls.post(self._path, probe_pod.manifest(pod, self._settings))
        except AlreadyThere:
            return
        except Conflict as error:  # two Pods at once against one quota: it may be free a moment later
            raise Unavailable(str(error)) from error
        except NotFound as error:
            raise Forbidden(f"the probes' namespace {self._settings.namespace} is not there") from error

    async def state(self, name: str) -> ProbeState:
        """Look at a probe Pod."""
        try:
            return probe_pod.state(await self._calls.get(self._one(name)))
        except NotFound:
            return ProbeState(phase="gone", why="the Pod is no longer there")

    async def every(self) -> list[FoundProbe]:
        """List our Pods."""
        return [probe_pod.found(pod) async for pod in self._ours()]

    async def sweep(self, run: str) -> int:
        """Delete our Pods of one run; return how many.

        The Pod's UID goes along as a precondition, so that a stranger's Pod which has taken the name since is
        not deleted in its stead.
        """
        swept = 0
        async for pod in self._ours():
            if probe_pod.run_of(pod) == run:
                swept += await self._delete(pod["metadata"])
        return swept

    async def _delete(self, metadata: Json) -> bool:
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": metadata["uid"]},
        }
        try:
            await self._calls.delete(self._one(metadata["name"]), body)
        except (NotFound, Conflict):
            return False
        return True

    async def _ours(self) -> AsyncIterator[Json]:
        more = ""
        label, value = probe_pod.OWNED
        while True:
            query = [("labelSelector", f"{label}={value}"), ("limit", _PAGE)]
            page = await self._calls.get(self._path, [*query, *([("continue", more)] if more else [])])
            for pod in page.get("items") or []:
                if probe_pod.is_ours(pod):
                    yield pod
            more = (page.get("metadata") or {}).get("continue") or ""
            if not more:
                return

    def _one(self, name: str) -> str:
        return f"{self._path}/{quote(name, safe='')}"
