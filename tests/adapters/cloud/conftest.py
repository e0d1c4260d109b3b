"""The simulated cloud, and the adapter that asks it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.adapters.cloud.api import CloudApi
from bot.adapters.cloud.gateway import Patience
from bot.config.secret import Secret
from bot.config.settings import AccessKey, CloudSettings, Provider, UserPassword
from bot.ports import Cloud, Listener, Point
from tests.demo.cloud.caller import KEY, LOGIN, PROJECT, World, world

Credentials = AccessKey | UserPassword


def keys(access: str = KEY.access, secret: str = KEY.secret, token: str | None = None) -> AccessKey:
    """Make an access key."""
    return AccessKey(
        access_key=Secret("CLOUD_ACCESS_KEY", access),
        secret_key=Secret("CLOUD_SECRET_KEY", secret),
        security_token=None if token is None else Secret("CLOUD_SECURITY_TOKEN", token),
    )


def login(password: str = LOGIN.password) -> UserPassword:
    """Make a user and password."""
    return UserPassword(
        username=Secret("CLOUD_USERNAME", LOGIN.name),
        password=Secret("CLOUD_PASSWORD", password),
        domain=Secret("CLOUD_DOMAIN", LOGIN.domain),
    )


@dataclass
class Rests:
    """Takes the place of sleeping: notes how long, and lets nobody wait."""

    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        """Rest."""
        self.taken.append(seconds)


def settings(url: str, credentials: Credentials, **changes: Any) -> CloudSettings:
    """Configure a cloud whose services are all at one address."""
    values: dict[str, Any] = {
        "provider": Provider.OTC,
        "region": "eu-de",
        "project_id": PROJECT,
        "cluster_id": "c-prod",
        "credentials": credentials,
        "endpoints": dict.fromkeys(("elb", "ces", "cce", "iam"), url),
    }
    return CloudSettings(**(values | changes))


async def points(cloud: Cloud, listener: Listener, *, start: datetime, end: datetime) -> list[Point]:
    """Ask for one listener's new connections."""
    (found,) = (await cloud.metrics([listener], start=start, end=end)).each
    return list(found.new_connections)


@pytest.fixture
async def w() -> AsyncIterator[World]:
    """A cloud over a cluster with one shared load balancer; its clock stands still."""
    async with world() as made:
        yield made


@pytest.fixture
def rests() -> Rests:
    """How long the adapter rested."""
    return Rests()


Ask = Callable[..., CloudApi]


@pytest.fixture
async def ask(w: World, rests: Rests) -> AsyncIterator[Ask]:
    """Make adapters that ask `w`."""
    made: list[CloudApi] = []

    def build(
        credentials: Credentials | None = None,
        *,
        patience: Patience | None = None,
        ahead: float = 0.0,
        **changes: Any,
    ) -> CloudApi:
        api = CloudApi(
            settings(w.url, credentials or keys(), **changes),
            clock=lambda: datetime.fromtimestamp(w.clock.now + ahead, UTC),
            sleep=rests,
            patience=patience,
        )
        made.append(api)
        return api

    yield build
    for api in made:
        await api.close()
