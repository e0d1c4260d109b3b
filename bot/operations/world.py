"""Everything the operations reach the world through, built once at the start and handed down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.config.settings import ClusterSettings, Settings
from bot.domain.explanation import Severity, Verdict
from bot.domain.objects import Ref
from bot.operations.edits import EditBudget
from bot.operations.redaction import Redaction
from bot.ports import Cloud, Clusters, Message, Messenger, Resolver, Store
from bot.render import Renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The ports, the settings and the clock."""

    settings: Settings
    clusters: Clusters
    clouds: Mapping[str, Cloud]
    """By cluster; none for a cluster without cloud settings or credentials."""
    store: Store
    messenger: Messenger
    renderer: Renderer
    clock: Callable[[], datetime]
    """UTC."""
    resolver: Resolver | None = None
    """None: host names are not resolved."""
    edits: EditBudget = field(default_factory=EditBudget)
    """Of this process: what may still be edited within the minute."""
    standings: dict[str, Mapping[Ref, Verdict]] = field(default_factory=dict)
    """By cluster: the worst verdict of each Service as the watch saw it last; nothing while there is no watch."""
    traps: dict[str, Mapping[Ref, frozenset[tuple[str, Severity]]]] = field(default_factory=dict)
    """By cluster: the findings of each Service that has any, likewise."""

    def cluster_settings(self, name: str) -> ClusterSettings:
        """Return a cluster's settings; the name is a configured one."""
        return self.settings.clusters[name]

    def knows(self, cluster: str) -> bool:
        """Whether a cluster is configured here; changes and runs outlive the configuration that they were made under."""
        return cluster in self.clusters.names()

    def message(self, template: str, **context: object) -> Message:
        """Render a message."""
        rendered = self._redaction.apply(self.renderer.message(template, **context))
        return Message(text=rendered["text"], blocks=rendered["blocks"])

    def view(self, template: str, **context: object) -> dict[str, Any]:
        """Render the Home tab, without what is to be left out."""
        return self._redaction.view(self.renderer.view(template, **context))

    def redacted(self, text: str) -> str:
        """Return a text that no template shows, without what is to be left out."""
        return self._redaction.text(text)

    @property
    def _redaction(self) -> Redaction:
        return Redaction(what=self.settings.redact, clusters=self.clusters)
