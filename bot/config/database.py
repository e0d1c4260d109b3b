"""Which database: DATABASE_URL, checked, and the warning about disks that do not last."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from bot.config.environment import secret
from bot.config.faults import ConfigurationError
from bot.config.secret import Secret

_DEFAULT_NAME = "elb-passthrough.sqlite3"
_SCHEMES = re.compile(r"(postgres|postgresql|postgresql\+psycopg)://", re.IGNORECASE)
_SQLITE = "sqlite:///"
_EPHEMERAL = {
    "DYNO": "Heroku",
    "K_SERVICE": "Cloud Run",
    "RENDER": "Render",
    "RAILWAY_ENVIRONMENT": "Railway",
    "VCAP_APPLICATION": "Cloud Foundry",
}


def database_url(environ: Mapping[str, str], cwd: Path) -> Secret:
    """Return DATABASE_URL, by default an SQLite file in the working directory.

    `postgres://` (Heroku's) is rewritten to `postgresql://`, and a relative SQLite path made absolute.

    Raises:
        ConfigurationError: it names no database that can be used; the message holds no password.
    """
    given = secret(environ, "DATABASE_URL", cwd)
    if given is None:
        return Secret("DATABASE_URL", f"{_SQLITE}{cwd / _DEFAULT_NAME}")
    url = given.reveal()
    if url.startswith("sqlite:"):
        return Secret("DATABASE_URL", f"{_SQLITE}{_sqlite_file(url, cwd)}")
    if not _SCHEMES.match(url):
        raise ConfigurationError(
            ["DATABASE_URL is no address such as sqlite:///elb-passthrough.sqlite3 or postgresql://host/name"]
        )
    if find_spec("psycopg") is None:
        raise ConfigurationError(
            [
                "DATABASE_URL names PostgreSQL, but its driver is not installed: pip install 'elb-passthrough[postgres]'"
            ]
        )
    return given.shaped(lambda value: _SCHEMES.sub("postgresql://", value, count=1))


def disk_warning(url: Secret, environ: Mapping[str, str]) -> str:
    """Return one sentence if the database is an SQLite file on a disk that a restart empties; else nothing."""
    if not url.reveal().startswith(_SQLITE):
        return ""
    platform = next((name for variable, name in _EPHEMERAL.items() if environ.get(variable)), "")
    if not platform and environ.get("KUBERNETES_SERVICE_HOST") and _on_root_disk(url):
        platform = "a Pod without a volume"
    if not platform:
        return ""
    return (
        f"DATABASE_URL is an SQLite file on {platform}, whose disk does not last: open changes, the audit log and "
        "the history are lost with each restart; use postgresql://"
    )


def _on_root_disk(url: Secret) -> bool:
    parent = Path(url.reveal().removeprefix(_SQLITE)).parent
    return parent.exists() and parent.stat().st_dev == Path("/").stat().st_dev


def _sqlite_file(url: str, cwd: Path) -> Path:
    path = url.removeprefix(_SQLITE)
    if path == url or path in {"", ":memory:"}:
        raise ConfigurationError(["DATABASE_URL names no file; write sqlite:///elb-passthrough.sqlite3"])
    file = cwd / path
    if not file.parent.is_dir():
        raise ConfigurationError([f"DATABASE_URL names {file}, but there is no directory {file.parent}"])
    return file
