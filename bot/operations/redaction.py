"""What a team does not want to see in Slack: addresses, or names of Pods and nodes too.

Only what people read is changed: buttons, links and ids work as before. Names of Services stay, for people have
to type them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Any

from bot.config.settings import Redact
from bot.domain.objects import Ref
from bot.ports import Clusters

ADDRESS, NAME = "(address)", "(name)"
_IPV4 = r"\b\d{1,3}(?:\.\d{1,3}){3}\b"
_IPV6 = r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}(?:[0-9a-fA-F]{1,4}|:)?(?![\w:])"
_ADDRESS = re.compile(f"{_IPV4}|{_IPV6}")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?:/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)?")
_READ = ("text", "title", "confirm", "deny", "label", "placeholder")
"""Keys of Block Kit under which people read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """What is left out, and the clusters whose names those are."""

    what: Redact
    clusters: Clusters

    def apply(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return a rendered message without what is to be left out."""
        if self.what is Redact.NONE:
            return message
        return {"text": self._text(message["text"]), "blocks": self._value(message["blocks"])}

    def view(self, view: dict[str, Any]) -> dict[str, Any]:
        """Return a rendered view without what is to be left out."""
        return view if self.what is Redact.NONE else {**view, "blocks": self._value(view["blocks"])}

    def text(self, text: str) -> str:
        """Return one text without it, as a picture shows it."""
        return text if self.what is Redact.NONE else self._text(text)

    def _value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._of_key(key, item) for key, item in value.items()}
        return [self._value(item) for item in value] if isinstance(value, list) else value

    def _of_key(self, key: str, item: Any) -> Any:
        return self._text(item) if key in _READ and isinstance(item, str) else self._value(item)

    def _text(self, text: str) -> str:
        if self.what is Redact.NAMES:
            text = _NAME.sub(self._name, text)
        return _ADDRESS.sub(_address, text)

    def _name(self, found: re.Match[str]) -> str:
        return NAME if any(map(partial(self._hidden, found[0]), self.clusters.names())) else found[0]

    def _hidden(self, word: str, cluster: str) -> bool:
        inventory = self.clusters.get(cluster).snapshot().inventory
        namespace, _, name = word.partition("/")
        ref = Ref(namespace, name)
        return word in inventory.nodes or (ref in inventory.pods and ref not in inventory.services)


def _address(found: re.Match[str]) -> str:
    """Replace what is an address; a time such as 10:20:30 is none."""
    try:
        ip_address(found[0])
    except ValueError:
        return found[0]
    return ADDRESS
