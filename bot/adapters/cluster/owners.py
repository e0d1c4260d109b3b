"""Reads the objects by which GitOps tools look after a Service, where the bot may and they are there."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.adapters.cluster.calls import Calls, Json
from bot.adapters.cluster.failure import sentence
from bot.adapters.objects import ShapeError
from bot.adapters.objects.ownership import application, helm_release, kustomization
from bot.domain.owner import Mark, Owner, Tool
from bot.ports import Forbidden, NotFound, Unavailable

ARGO_NAMESPACE = "argocd"
"""Where Argo CD lives unless somebody chose otherwise."""
_NAME = re.compile(r"[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?")
"""Names come from annotations, which may hold anything, and go into a URL's path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One kind of object: where it is served, newest version first, and how it is read."""

    group: str
    versions: tuple[str, ...]
    plural: str
    read: Callable[[object], Owner]
    home: str = ""
    """The namespace to look into where all of them may not be listed."""


_KINDS = {
    Tool.APPLICATION: _Kind(
        group="argoproj.io",
        versions=("v1alpha1",),
        plural="applications",
        read=application,
        home=ARGO_NAMESPACE,
    ),
    Tool.KUSTOMIZATION: _Kind(
        group="kustomize.toolkit.fluxcd.io",
        versions=("v1", "v1beta2"),
        plural="kustomizations",
        read=kustomization,
    ),
    Tool.HELM_RELEASE: _Kind(
        group="helm.toolkit.fluxcd.io",
        versions=("v2", "v2beta2"),
        plural="helmreleases",
        read=helm_release,
    ),
}

READABLE = tuple((kind.group, kind.plural) for kind in _KINDS.values())
"""Group and plural of each; what the bot has to be allowed to read."""


class Owners:
    """One cluster's Applications, Kustomizations and HelmReleases."""

    def __init__(self, calls: Calls, *, seconds: float = 2.0) -> None:
        self._calls = calls
        self._seconds = seconds

    async def find(self, mark: Mark) -> Sequence[Owner]:
        """Read the objects of a mark's name; none where the cluster does not know the kind.

        Raises:
            Forbidden: The bot may not read them.
            Unavailable: No answer in time, or one that cannot be understood.
        """
        kind = _KINDS.get(mark.tool)
        if kind is None or not _NAME.fullmatch(mark.name) or not _NAME.fullmatch(mark.namespace or "any"):
            return ()
        for version in kind.versions:
            try:
                found = await self._look(kind, version, mark)
                return [kind.read(each) for each in found]
            except NotFound:
                continue
            except ShapeError as error:
                raise Unavailable(sentence(f"it cannot be understood: {error}")) from error
        return ()

    async def _look(self, kind: _Kind, version: str, mark: Mark) -> Sequence[Json]:
        root = f"/apis/{kind.group}/{version}"
        if mark.namespace:
            return [await self._get(f"{root}/namespaces/{mark.namespace}/{kind.plural}/{mark.name}")]
        query = [("fieldSelector", f"metadata.name={mark.name}")]
        try:
            listed = await self._calls.get(f"{root}/{kind.plural}", query, seconds=self._seconds)
        except Forbidden:
            if not kind.home:
                raise
            return [await self._get(f"{root}/namespaces/{kind.home}/{kind.plural}/{mark.name}")]
        items = listed.get("items")
        return [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []

    async def _get(self, path: str) -> Json:
        return await self._calls.get(path, seconds=self._seconds)
