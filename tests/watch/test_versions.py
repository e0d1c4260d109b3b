"""Incidents while a newer version watches the same clusters."""

from collections.abc import Sequence
from contextlib import suppress

from bot.domain.explanation import Severity
from bot.domain.incident import Incident, Phase
from bot.domain.incident_rule import CHANGED, SIBLINGS
from bot.ports import Job, Unreadable
from tests.fakes.world import CHECKOUT
from tests.watch.scene import Scene
from tests.watch.test_watch import many


async def test_what_only_a_newer_version_understands_is_left_to_it_and_the_rest_is_told() -> None:
    """A rolling upgrade: one incident is of a rule of tomorrow, another cannot be read, a third is ordinary."""
    scene = await Scene(clusters=[many(3, value=None)]).begun()
    store = scene.town.store.incidents
    tomorrow = Incident(
        id="i-tomorrow",
        cluster="prod",
        group="cluster",
        rule="a-rule-of-tomorrow",
        title="something that nobody has thought of yet",
        severity=Severity.ERROR,
        since=scene.town.clock(),
        members=(),
        phase=Phase.OPEN,
    )
    store.rows[tomorrow.id] = tomorrow
    ordinary = store.open

    async def half_read(incident: Incident, *, jobs: Sequence[Job] = ()) -> Incident:
        if incident.rule == CHANGED.code:
            raise Unreadable("incident i-yesterday")
        return await ordinary(incident, jobs=jobs)

    store.open = half_read  # type: ignore[method-assign]  # the row of one key is of another version
    scene.cluster.annotate(CHECKOUT, "true", by="kubectl-edit")
    for _ in range(30):
        with suppress(Unreadable):
            await scene.wait(10)
    assert {row.rule for row in scene.rows} == {tomorrow.rule, SIBLINGS.code}
    assert store.rows[tomorrow.id] == tomorrow
    store.open = ordinary  # type: ignore[method-assign]  # it can be read now
    await scene.wait(130)
    assert CHANGED.code in {row.rule for row in scene.rows}
