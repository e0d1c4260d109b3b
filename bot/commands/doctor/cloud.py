"""A cloud, checked: whether its APIs accept the credentials, and let the bot see what it would look for."""

from datetime import UTC, datetime, timedelta

from bot.adapters.cloud.api import CloudApi
from bot.commands.doctor.check import Check, fail, ok, warn
from bot.config.settings import CloudSettings, ClusterSettings
from bot.ports import Listener, NotFound, WorldError

_NOBODY = "00000000-0000-0000-0000-000000000000"
"""An id that no load balancer has: "not found" means that looking is allowed."""


async def checks(settings: ClusterSettings) -> list[Check]:
    """Ask ELB, Cloud Eye and CCE one harmless question each."""
    what = f"{settings.name}: cloud"
    if settings.cloud is None:
        return [warn(what, "not configured: the load balancer's own counters cannot be read")]
    if settings.cloud.credentials is None:
        variables = f"{settings.cloud.prefix}_ACCESS_KEY and {settings.cloud.prefix}_SECRET_KEY"
        return [
            warn(what, "no credentials: the load balancer's own counters cannot be read", f"set {variables}")
        ]
    api = CloudApi(settings.cloud)
    try:
        return [
            await _load_balancers(what, api),
            await _metrics(what, api),
            *await _cluster(what, api, settings.cloud),
            *_clock(what, api),
        ]
    finally:
        await api.close()


async def _load_balancers(what: str, api: CloudApi) -> Check:
    try:
        await api.load_balancer(_NOBODY)
    except NotFound:
        pass
    except WorldError as error:
        return fail(f"{what}, ELB", str(error), "allow the account to read load balancers of this project")
    return ok(f"{what}, ELB", "may be read")


async def _metrics(what: str, api: CloudApi) -> Check:
    now = datetime.now(UTC)
    nobody = Listener(id=_NOBODY, protocol="TCP", port=80)
    try:
        await api.metrics([nobody], start=now - timedelta(minutes=5), end=now)
    except NotFound:
        pass
    except WorldError as error:
        return fail(f"{what}, Cloud Eye", str(error), "allow the account to read metrics of this project")
    return ok(f"{what}, Cloud Eye", "may be read")


async def _cluster(what: str, api: CloudApi, settings: CloudSettings) -> list[Check]:
    if not settings.cluster_id:
        return [
            warn(f"{what}, CCE", "no clusterId: category and proxy mode are detected otherwise, or unknown")
        ]
    try:
        found = await api.cluster()
    except WorldError as error:
        return [
            warn(f"{what}, CCE", str(error), "check clusterId, and allow the account to read the cluster")
        ]
    facts = [fact for fact in (found.category, found.version, found.proxy_mode) if fact]
    return [ok(f"{what}, CCE", ", ".join(facts) or "tells nothing of the cluster")]


def _clock(what: str, api: CloudApi) -> list[Check]:
    skewed = api.skewed()
    return [fail(f"{what}, clock", skewed, "synchronise it: signed requests depend on it")] if skewed else []
