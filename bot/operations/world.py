"""Everything the operations reach the world through, built once at the start and handed down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.config.settings import ClusterSettings, Settings
from bot.operations.redaction import Redaction
from bot.ports import Cloud, Clusters, Message, Messenger, Store
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

    def cluster_settings(self, name: str) -> ClusterSettings:
        """Return a cluster's settings; the name is a configured one."""
        return self.settings.clusters[name]

    def message(self, template: str, **context: object) -> Message:
        """Render a message."""
        rendered = Redaction(what=self.settings.redact, clusters=self.clusters).apply(
            self.renderer.message(template, **context)
        )
        return Message(text=rendered["text"], blocks=rendered["blocks"])
