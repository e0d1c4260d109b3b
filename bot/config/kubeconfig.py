"""What a kubeconfig offers: its contexts, by name. Connecting is the cluster adapter's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.config.document import Faults, Place, open_document
from bot.config.environment import plain
from bot.config.faults import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubeconfig:
    """The contexts of one or more kubeconfig files, merged as kubectl does."""

    files: tuple[Path, ...]
    """Those that are there."""
    contexts: tuple[str, ...] = ()
    current: str = ""
    """The current context; the first file that names one decides."""


def kubeconfig_paths(environ: Mapping[str, str], cwd: Path) -> tuple[Path, ...]:
    """Return $KUBECONFIG's files (separated by colons), else ~/.kube/config."""
    listed = [part for part in plain(environ, "KUBECONFIG").split(":") if part]
    home = Path(environ.get("HOME") or Path.home())
    return tuple(cwd / part for part in listed) or (home / ".kube" / "config",)


def read_kubeconfig(paths: tuple[Path, ...]) -> Kubeconfig:
    """Read contexts; files that are not there are passed over, as kubectl does.

    Raises:
        ConfigurationError: a file cannot be read, or is no kubeconfig.
    """
    faults = Faults()
    files = tuple(path for path in paths if path.is_file())
    read = [parts for path in files if (parts := faults.attempt(_read, path))]
    faults.raise_any()
    return Kubeconfig(
        files=files,
        contexts=tuple(dict.fromkeys(name for names, _ in read for name in names)),
        current=next((current for _, current in read if current), ""),
    )


def _read(path: Path) -> tuple[list[str], str]:
    document = open_document(path, str(path))
    if document is None:
        return [], ""
    entries = document.entries()
    contexts = [item.entries() for item in _list(entries.get("contexts"))]
    current = entries.get("current-context")
    return [c["name"].text() for c in contexts if "name" in c], _scalar(current)


def _list(place: Place | None) -> list[Place]:
    return place.items() if place and isinstance(place.node, yaml.SequenceNode) else []


def _scalar(place: Place | None) -> str:
    if place is None:
        return ""
    if not isinstance(place.node, yaml.ScalarNode):
        raise ConfigurationError([f"{place.position}: current-context is no name"])
    return str(place.node.value)
