"""Every configured cluster, each with a life of its own."""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from bot.adapters.cluster.live import LiveCluster
from bot.adapters.cluster.pace import Pace, Timing
from bot.ports import NotFound

log = logging.getLogger(__name__)


class KubeClusters:
    """`bot.ports.Clusters`: one task for each cluster, so that one which hangs or lies slows no other."""

    def __init__(self, clusters: Iterable[LiveCluster], *, timing: Timing | None = None) -> None:
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._timing = timing or Timing()
        self._tasks: list[asyncio.Task[None]] = []

    def names(self) -> Sequence[str]:
        """Return the configured names, in the configuration's order."""
        return tuple(self._clusters)

    def get(self, name: str) -> LiveCluster:
        """Return one cluster.

        Raises:
            NotFound: No cluster of that name is configured.
        """
        if name not in self._clusters:
            raise NotFound(f"no cluster is called {name}")
        return self._clusters[name]

    def start(self) -> None:
        """Begin to watch; returns at once, whether or not a cluster answers."""
        self._tasks = [
            asyncio.create_task(self._keep(cluster), name=f"cluster {name}")
            for name, cluster in self._clusters.items()
        ]

    async def close(self) -> None:
        """Stop watching and close every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for cluster in self._clusters.values():
            await cluster.close()

    async def _keep(self, cluster: LiveCluster) -> None:
        """Keep one cluster's watch alive: an error of ours there is logged, and costs no other cluster."""
        pace = Pace(self._timing)
        while True:
            try:
                await cluster.run()
            except Exception:  # the edge of one cluster
                log.exception("the watch of %s broke off", cluster.name)
                cluster.broke()
            await asyncio.sleep(pace.after(0))
