"""The way to one API server: kubeconfig, in-cluster account or credential plugin, and TLS, as kubectl does them.

Credentials age while the process runs. Tokens are asked for anew before they expire; a 401, or a server whose
certificate is not trusted, makes everything be read again, so that a rotated kubeconfig, client certificate, authority
or service account is picked up without a restart.
"""

import asyncio
import math
import os
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.incluster_config import InClusterConfigLoader
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger
from yarl import URL

from bot import __version__
from bot.config.settings import ClusterSettings

# The client's classes carry no annotations; Any says so once, here.
_Client: Any = ApiClient
_Configuration: Any = Configuration
_Loader: Any = KubeConfigLoader
_Merger: Any = KubeConfigMerger
_InCluster: Any = InClusterConfigLoader

T = TypeVar("T")
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts a Pod's own account."""
_PLUGIN = 15.0
"""Seconds that a credential plugin may take."""
_REREAD = 60.0
"""Seconds for which credentials without an expiry are believed, as the client does in-cluster."""
_SKEW = 30.0
"""Seconds before its expiry at which a token is replaced."""
_RENEWALS = 5.0
"""Seconds between two readings of everything after a 401."""


class Flight(Generic[T]):
    """Work that several callers want at the same time: done once, and not undone when one of them gives up.

    A credential plugin may take longer than a caller on the interactive path has; the next caller finds the
    result.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[T] | None = None

    @property
    def under_way(self) -> bool:
        """Whether it is being done now."""
        return self._task is not None and not self._task.done()

    async def join(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the work under way, or start it."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(work())
            self._task.add_done_callback(_seen)
        return await asyncio.shield(self._task)

    async def land(self) -> None:
        """Break off what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))


def _seen(task: asyncio.Task[Any]) -> None:
    """Mark a failure as seen even if every caller has gone."""
    if not task.cancelled():
        task.exception()


class Connection:
    """A client for one cluster, made at its first use."""

    def __init__(
        self,
        settings: ClusterSettings,
        *,
        environment: Mapping[str, str] = os.environ,
        account: Path = ACCOUNT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = settings.name
        self.namespace: str | None = None
        """The context's or the account's own namespace, once connected."""
        self._settings = settings
        self._environment = environment
        self._account = account
        self._clock = clock
        self._opening: Flight[None] = Flight()
        self._tokens: Tokens | None = None
        self._client: Any = None
        self._opened = 0.0
        self._retired: list[Any] = []

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where the API server is: its host, once connected; a name is given as it is."""
        host = URL(self._client.configuration.host).host if self._client is not None else None
        return (host,) if host else ()

    async def client(self) -> Any:
        """Return the API client.

        Raises:
            ConfigException: The kubeconfig, account or plugin cannot be used; the message says why.
        """
        if self._client is None:
            await self._opening.join(self._open)
        return self._client

    async def renew(self, refused: Any) -> bool:
        """Read everything again because this client's credentials were refused; say whether that is new.

        Raises:
            ConfigException: As client.
        """
        if self._client is not refused:
            return True
        if not self._opening.under_way and self._clock() - self._opened < _RENEWALS:
            return False
        await self._opening.join(self._open)
        return True

    async def close(self) -> None:
        """Close every connection."""
        await self._opening.land()
        if self._tokens is not None:
            await self._tokens.flight.land()
        if self._client is not None:
            self._retired.append(self._client)
            self._client = None
        await self._bury()

    async def _bury(self) -> None:
        for client in self._retired:
            await client.close()
        self._retired = []

    async def _open(self) -> None:
        self._opened = self._clock()
        configuration = _Configuration()
        if self._in_cluster():
            self._load_account(configuration)
        else:
            await self._load_kubeconfig(configuration)
        client = await asyncio.to_thread(_Client, configuration)  # reads certificates from the disk
        client.user_agent = f"elb-passthrough-bot/{__version__}"
        # Watches still read from the old client; it is closed when its successor is replaced.
        await self._bury()
        self._retired = [] if self._client is None else [self._client]
        self._client = client

    def _paths(self) -> str:
        if self._settings.kubeconfig is not None:
            return str(self._settings.kubeconfig)
        return self._environment.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")

    def _in_cluster(self) -> bool:
        asked = self._settings
        if asked.in_cluster or asked.context or asked.kubeconfig:
            return asked.in_cluster
        there = any(Path(path).expanduser().exists() for path in self._paths().split(os.pathsep) if path)
        return not there and "KUBERNETES_SERVICE_HOST" in self._environment

    def _load_account(self, configuration: Any) -> None:
        loader = _InCluster(
            token_filename=str(self._account / "token"),
            cert_filename=str(self._account / "ca.crt"),
            environ=self._environment,
        )
        loader.load_and_set(configuration)
        own = self._account / "namespace"
        self.namespace = own.read_text().strip() if own.exists() else None

    async def _load_kubeconfig(self, configuration: Any) -> None:
        paths = self._paths()
        merged = await asyncio.to_thread(_merged, paths)
        loader = _Loader(config_dict=merged, config_base_path=None, active_context=self._settings.context)
        self.namespace = dict(loader.current_context["context"]).get("namespace")
        self._tokens = Tokens(loader, self._clock)
        await self._tokens.load(configuration)
        configuration.refresh_api_key_hook = self._tokens.refresh


class Tokens:
    """Keeps a kubeconfig's token fresh; the client's own loader reads it once and never again.

    https://github.com/kubernetes-client/python, `kubernetes/aio/config/kube_config.py`: `refresh_token` is a loop
    that an application would have to run. A hook that every call passes does the same without a task.
    """

    def __init__(self, loader: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._loader = loader
        self._clock = clock
        self._due = 0.0
        self.flight: Flight[None] = Flight()  # without it, N calls at expiry run the plugin N times

    async def load(self, configuration: Any) -> None:
        """Fill a configuration for the first time.

        Raises:
            ConfigException: A plugin gave nothing, or the kubeconfig is incomplete.
        """
        try:
            async with asyncio.timeout(_PLUGIN):
                await self._loader.load_and_set(configuration)
        except TimeoutError:
            raise ConfigException("its credential plugin did not answer") from None
        except (ValueError, TypeError) as error:
            raise ConfigException(f"its credentials are malformed ({type(error).__name__})") from error
        if self._gave_nothing(configuration):
            raise ConfigException("its credential plugin gave neither a token nor a certificate")
        self._due = self._clock() + self._lifetime()

    async def refresh(self, configuration: Any) -> None:
        """Replace a token that is about to expire; the client calls this before every request."""
        if self._clock() >= self._due:
            self._loader.__dict__.pop("exec_plugin_expiry", None)
            await self.flight.join(lambda: self.load(configuration))

    def _lifetime(self) -> float:
        expiry = getattr(self._loader, "exec_plugin_expiry", None)
        if expiry is None:
            # A plugin's token without an expiry is good until it is refused, as for kubectl.
            return math.inf if self._plugin() else _REREAD
        left = float((expiry - datetime.now(UTC)).total_seconds())
        return max(0.0, left - min(_SKEW, left / 5))

    def _gave_nothing(self, configuration: Any) -> bool:
        # The loader logs a plugin's failure and goes on without credentials.
        return self._plugin() and not configuration.api_key and not configuration.cert_file

    def _plugin(self) -> bool:
        return "exec" in (self._loader._user or {})  # noqa: SLF001 - the loader tells it nowhere else


def _merged(paths: str) -> Any:
    try:
        merged = _Merger(paths).config
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigException(f"{paths} is no kubeconfig ({type(error).__name__})") from error
    except OSError as error:
        raise ConfigException(f"{paths} cannot be read ({error.strerror})") from error
    if merged is None:
        raise ConfigException(f"there is no kubeconfig at {paths}")
    return merged
