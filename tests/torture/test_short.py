from pathlib import Path

import pytest

from tests.adapters.store.databases import BACKENDS, empty_database
from tests.torture.run import torture


@pytest.mark.parametrize("backend", BACKENDS)
async def test_nothing_is_lost_done_twice_or_unapproved_under_a_short_torture(
    backend: str, tmp_path: Path
) -> None:
    """Races, lost answers and SIGKILL, over real wires; `make torture` is the long one."""
    with empty_database(backend, tmp_path) as url:
        replicas = 1 if backend == "sqlite" else 2
        # Where there are two, one of them is of the next version, and each comes back as the other.
        report = await torture(
            tmp_path, changes=7, replicas=replicas, database_url=url, quota=1, versions=replicas > 1
        )
    assert report.clean, "\n".join(report.lines())
    assert sum(report.phases.values()) >= 7
    assert report.rolled == replicas
    assert report.duplicates <= report.deaths
