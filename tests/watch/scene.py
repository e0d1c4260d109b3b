"""A town with a watch: time passes, and whatever is due is done."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.config.settings import IncidentSettings
from bot.domain.incident import Incident, Phase
from bot.operations.world import World
from bot.watch import Watch
from tests.fakes.messenger import Posted
from tests.fakes.world import IPVS, Cluster, Town, shop

SETTLE = 120.0


@dataclass(slots=True, kw_only=True)
class Scene:
    """A town whose clusters are watched by one replica or several."""

    clusters: Sequence[Cluster] = ()
    incidents: IncidentSettings = field(default_factory=IncidentSettings)
    changed: dict[str, Any] = field(default_factory=dict)
    clouds: dict[str, Any] = field(default_factory=dict)
    town: Town = field(init=False)
    watches: list[Watch] = field(init=False)
    set_by: float = 0.0

    def __post_init__(self) -> None:
        """Build it; nobody has looked yet."""
        clusters = self.clusters or (shop(given=IPVS, policy="Local", value="true"),)
        self.town = Town(
            clusters=clusters, clouds=self.clouds, changed={"incidents": self.incidents, **self.changed}
        )
        self.watches = [self.watch()]

    @property
    def cluster(self) -> Cluster:
        """The only cluster, or the first."""
        return self.town.cluster

    def watch(self, world: World | None = None, **given: Any) -> Watch:
        """Another replica."""
        return Watch(world or self.town.world, cloud_every=300, steady=self.steady, **given)

    def steady(self) -> float:
        """What passed, however the clock was set."""
        return self.town.clock.seconds() - self.set_by

    def set_clock(self, seconds: float) -> None:
        """Put the time of day forward or back; nothing passes."""
        self.town.clock.now += timedelta(seconds=seconds)
        self.set_by += seconds

    async def look(self) -> None:
        """Let every replica look once, and do what is due."""
        for watch in self.watches:
            for watched in watch.clusters.values():
                await watched.once()
        await self.town.work()

    async def wait(self, seconds: float, step: float = 10.0) -> None:
        """Let time pass, with a look now and then, as the ticks would."""
        while seconds > 0:
            passed = min(step, seconds)
            self.town.clock.now += timedelta(seconds=passed)
            seconds -= passed
            await self.look()

    async def begun(self) -> "Scene":
        """Let the first look be over."""
        await self.look()
        await self.wait(SETTLE + 10)
        return self

    async def restart(self) -> None:
        """Kill every replica, and start one anew."""
        self.watches = [self.watch()]
        await self.look()

    @property
    def notices(self) -> list[Posted]:
        """What the incident channel has now."""
        return self.town.incidents()

    @property
    def told(self) -> list[str]:
        """What is to be read there."""
        return [posted.text for posted in self.notices]

    @property
    def rows(self) -> list[Incident]:
        """Every row, oldest first."""
        return list(self.town.store.incidents.rows.values())

    @property
    def row(self) -> Incident:
        """The only row."""
        (row,) = self.rows
        return row

    @property
    def phases(self) -> list[Phase]:
        """Where the rows stand, oldest first."""
        return [row.phase for row in self.rows]
