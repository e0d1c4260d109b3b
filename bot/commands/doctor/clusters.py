"""A cluster, checked: reachable, and what the bot may do there, by the cluster's own access reviews."""

import asyncio
from dataclasses import dataclass

from bot.adapters.cluster.failure import Unauthorized
from bot.adapters.cluster.kind import WATCHED, Kind
from bot.adapters.cluster.live import LiveCluster
from bot.adapters.cluster.owners import READABLE
from bot.commands.doctor.check import Check, State, fail, ok, warn
from bot.config.settings import PROBE_IMAGE, Clients, ClusterSettings
from bot.ports import Forbidden, WorldError

_RBAC = "grant it to the bot's account with a Role or ClusterRole"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """Something that the bot wants to do."""

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""
    namespace: str = ""
    """Empty: everywhere."""

    def __str__(self) -> str:
        what = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f"{self.verb} {what}{f' in {self.namespace}' if self.namespace else ''}"


async def checks(settings: ClusterSettings) -> list[Check]:
    """Ask for the version, and for every right that the configuration would use."""
    cluster = LiveCluster(settings)
    try:
        return await _checks(settings, cluster)
    finally:
        await cluster.close()


async def _checks(settings: ClusterSettings, cluster: LiveCluster) -> list[Check]:
    name = settings.name
    try:
        version = await cluster.version()
    except Unauthorized as error:
        return [fail(f"{name}: API server", str(error), "renew the account's credentials")]
    except Forbidden:
        version = "keeps its version to itself"
    except WorldError as error:
        return [
            fail(f"{name}: API server", str(error), "check context, network and the account's credentials")
        ]
    return [
        ok(f"{name}: API server", f"answers, {version or 'version unknown'}"),
        await _rights(cluster, f"{name}: reading", _reading(settings)),
        await _foreseeing(settings, cluster),
        await _writing(settings, cluster),
        *await _verifying(settings, cluster),
    ]


def _reading(settings: ClusterSettings) -> list[_Need]:
    return [
        _Need(verb=verb, resource=kind.plural, group=kind.group, namespace=space)
        for kind in WATCHED
        for space in _spaces(settings, kind)
        for verb in ("list", "watch")
    ]


async def _foreseeing(settings: ClusterSettings, cluster: LiveCluster) -> Check:
    """Whether the bot may ask what GitOps tools will do to a patch; it works without, and says less."""
    needs = [_Need(verb="get", resource=plural, group=group) for group, plural in READABLE]
    found = await _rights(cluster, f"{settings.name}: GitOps", needs)
    if found.state is not State.FAIL:
        return found
    unsaid = "cards will not say whether a patch is reverted"
    return warn(found.what, f"{found.told}: {unsaid}", f"{found.remedy}, if one of these tools is used")


def _spaces(settings: ClusterSettings, kind: Kind) -> tuple[str, ...]:
    return (settings.namespaces or ("",)) if kind.namespaced else ("",)


async def _writing(settings: ClusterSettings, cluster: LiveCluster) -> Check:
    what = f"{settings.name}: changing"
    if settings.read_only:
        return ok(what, "readOnly: nothing is ever written")
    spaces = settings.namespaces or ("",)
    needs = [_Need(verb=v, resource="services", namespace=s) for s in spaces for v in ("get", "patch")]
    needs += [_Need(verb="create", resource="events", namespace=s) for s in spaces]
    return await _rights(cluster, what, needs)


async def _verifying(settings: ClusterSettings, cluster: LiveCluster) -> list[Check]:
    what, how = f"{settings.name}: verification", settings.verification
    if settings.read_only or how.clients is Clients.NONE:
        return [warn(what, "no connections of its own: the load balancer's counters alone")]
    if how.clients is Clients.EXEC:
        needs = [
            # Over a websocket it is a GET; newer API servers ask for the right to create as well.
            _Need(verb=v, resource="pods", subresource="exec", namespace=s)
            for s in settings.namespaces or ("",)
            for v in ("create", "get")
        ]
        return [await _rights(cluster, what, needs)]
    verbs = ("create", "get", "list", "delete")
    found = [
        await _rights(cluster, what, [_Need(verb=v, resource="pods", namespace=how.namespace) for v in verbs])
    ]
    if how.image == PROBE_IMAGE:
        found.append(
            warn(
                f"{settings.name}: probe image",
                f"none is configured, so {how.image}",
                "set verification.image",
            )
        )
    return found


async def _rights(cluster: LiveCluster, what: str, needs: list[_Need]) -> Check:
    try:
        allowed = await asyncio.gather(*(_may(cluster, need) for need in needs))
    except WorldError as error:
        return fail(what, f"the access review failed: {error}", "check the account's credentials")
    lacking = [str(need) for need, yes in zip(needs, allowed, strict=True) if not yes]
    if lacking:
        return fail(what, f"may not {', '.join(lacking)}", _RBAC)
    return ok(what, "every right that is needed")


async def _may(cluster: LiveCluster, need: _Need) -> bool:
    return await cluster.may(
        need.verb, need.resource, group=need.group, namespace=need.namespace, subresource=need.subresource
    )
