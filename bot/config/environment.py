"""The environment variables: which there are, and how each is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.config.document import Faults
from bot.config.faults import ConfigurationError
from bot.config.secret import Secret
from bot.config.settings import AccessKey, SlackSettings, UserPassword

Environ = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable, as docs/configuration.md shows it."""

    name: str
    default: str = ""
    secret: bool = False
    """Whether NAME_FILE may name a file that holds it."""


VARIABLES = (
    Variable(name="SLACK_BOT_TOKEN", default="required", secret=True),
    Variable(name="SLACK_SIGNING_SECRET", default="required without SLACK_APP_TOKEN", secret=True),
    Variable(name="SLACK_APP_TOKEN", secret=True),
    Variable(name="SLACK_API_URL", default="https://slack.com/api/"),
    Variable(name="SLACK_RESPONSE_HOSTS", default="hooks.slack.com"),
    Variable(name="HOST", default="127.0.0.1"),
    Variable(name="PORT", default="3000"),
    Variable(name="DATABASE_URL", default="sqlite:///elb-passthrough.sqlite3", secret=True),
    Variable(name="ELB_PASSTHROUGH_CONFIG", default="elb-passthrough.yaml"),
    Variable(name="ELB_PASSTHROUGH_DEBUG"),
    Variable(name="KUBECONFIG", default="~/.kube/config"),
    Variable(name="CLOUD_ACCESS_KEY", secret=True),
    Variable(name="CLOUD_SECRET_KEY", secret=True),
    Variable(name="CLOUD_SECURITY_TOKEN", secret=True),
    Variable(name="CLOUD_USERNAME", secret=True),
    Variable(name="CLOUD_PASSWORD", secret=True),
    Variable(name="CLOUD_DOMAIN", secret=True),
)


def plain(environ: Environ, name: str, default: str = "") -> str:
    """Return a variable; one that is empty is not set."""
    return environ.get(name, "").strip() or default


def secret(environ: Environ, name: str, cwd: Path) -> Secret | None:
    """Return a secret from NAME, or from the file that NAME_FILE names; None where neither is set.

    Raises:
        ConfigurationError: both are set, or the file cannot be read.
    """
    value, file = plain(environ, name), plain(environ, f"{name}_FILE")
    if value and file:
        raise ConfigurationError([f"{name} and {name}_FILE are both set; leave one of them out"])
    if value:
        return Secret(name, value)
    if not file:
        return None
    try:
        return Secret.from_file(name, cwd / Path(file).expanduser())
    except ValueError as error:
        raise ConfigurationError([f"{name}_FILE {error}"]) from error


class Wire(NamedTuple):
    """Where the web server listens."""

    host: str
    port: int


def read_wire(environ: Environ) -> Wire:
    """Read HOST and PORT; port 0 lets the system choose one.

    Raises:
        ConfigurationError: PORT is no port.
    """
    port = plain(environ, "PORT", "3000")
    if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:  # noqa: PLR2004 - the largest TCP port
        raise ConfigurationError([f"PORT is '{port}'; it may be a number from 0 to 65535"])
    return Wire(plain(environ, "HOST", "127.0.0.1"), int(port))


def read_slack(environ: Environ, cwd: Path, *, required: bool) -> SlackSettings:
    """Read how Slack is reached.

    Raises:
        ConfigurationError: a token is missing though `required`, or is of the wrong kind.
    """
    faults = Faults()
    bot = faults.attempt(secret, environ, "SLACK_BOT_TOKEN", cwd)
    signing = faults.attempt(secret, environ, "SLACK_SIGNING_SECRET", cwd)
    app = faults.attempt(secret, environ, "SLACK_APP_TOKEN", cwd)
    api_url = faults.attempt(_api_url, environ)
    hosts = faults.attempt(_response_hosts, environ)
    faults.problems += [*_mixed_up(bot, app), *(_missing(environ, bot, signing, app) if required else ())]
    faults.raise_any()
    return SlackSettings(
        bot_token=bot,
        signing_secret=signing,
        app_token=app,
        api_url=api_url or "",
        response_hosts=hosts or frozenset(),
    )


def _missing(environ: Environ, bot: Secret | None, signing: Secret | None, app: Secret | None) -> list[str]:
    problems = []
    if not (bot or _given(environ, "SLACK_BOT_TOKEN")):
        problems.append("SLACK_BOT_TOKEN is not set: the bot token (xoxb-…) of the Slack app")
    if not (signing or app or _given(environ, "SLACK_SIGNING_SECRET") or _given(environ, "SLACK_APP_TOKEN")):
        problems.append(
            "SLACK_SIGNING_SECRET is not set: Slack's requests cannot be checked without it; "
            "SLACK_APP_TOKEN (xapp-…) for Socket Mode would do too"
        )
    return problems


def _given(environ: Environ, name: str) -> bool:
    """Whether it was set at all; what is wrong with it is told elsewhere."""
    return bool(plain(environ, name) or plain(environ, f"{name}_FILE"))


def _mixed_up(bot: Secret | None, app: Secret | None) -> list[str]:
    problems = []
    if bot and bot.reveal().startswith("xapp-"):
        problems.append(
            "SLACK_BOT_TOKEN holds an app-level token (xapp-…), which belongs into SLACK_APP_TOKEN"
        )
    if app and app.reveal().startswith("xoxb-"):
        problems.append("SLACK_APP_TOKEN holds a bot token (xoxb-…), which belongs into SLACK_BOT_TOKEN")
    return problems


def _api_url(environ: Environ) -> str:
    url = plain(environ, "SLACK_API_URL", SlackSettings().api_url)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(["SLACK_API_URL is no address such as https://slack.com/api/"])
    return url.rstrip("/") + "/"


def _response_hosts(environ: Environ) -> frozenset[str]:
    words = plain(environ, "SLACK_RESPONSE_HOSTS", "hooks.slack.com").lower().split(",")
    hosts = frozenset(word.strip() for word in words if word.strip())
    wrong = sorted(
        host for host in hosts if not re.fullmatch(r"(\[[0-9a-f:]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", host)
    )
    if wrong:
        raise ConfigurationError(
            [f"SLACK_RESPONSE_HOSTS names '{wrong[0]}', which is no host such as hooks.slack.com"]
        )
    return hosts


def read_credentials(environ: Environ, prefix: str, cwd: Path) -> AccessKey | UserPassword | None:
    """Read a cloud's credentials from the variables of one prefix; None where none is set.

    Raises:
        ConfigurationError: a part is missing, or both kinds are given.
    """
    keys = _several(environ, cwd, prefix, ("ACCESS_KEY", "SECRET_KEY"), ("SECURITY_TOKEN",))
    user = _several(environ, cwd, prefix, ("USERNAME", "PASSWORD", "DOMAIN"), ())
    if keys and user:
        raise ConfigurationError(
            [f"{prefix}_ACCESS_KEY and {prefix}_USERNAME are both set; leave one kind of credentials out"]
        )
    if keys:
        return AccessKey(
            access_key=keys["ACCESS_KEY"],
            secret_key=keys["SECRET_KEY"],
            security_token=keys.get("SECURITY_TOKEN"),
        )
    if user:
        return UserPassword(username=user["USERNAME"], password=user["PASSWORD"], domain=user["DOMAIN"])
    return None


def _several(
    environ: Environ, cwd: Path, prefix: str, needed: tuple[str, ...], optional: tuple[str, ...]
) -> dict[str, Secret]:
    faults = Faults()
    found = {n: faults.attempt(secret, environ, f"{prefix}_{n}", cwd) for n in (*needed, *optional)}
    given = {n: s for n, s in found.items() if s is not None}
    lacking = [n for n in needed if not _given(environ, f"{prefix}_{n}")]
    if given and lacking:
        faults.problems.append(
            f"{prefix}_{lacking[0]} is not set, but {prefix}_{min(given)} is: they go together"
        )
    faults.raise_any()
    return given
