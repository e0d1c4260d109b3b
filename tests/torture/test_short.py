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
        report = await torture(tmp_path, changes=8, replicas=replicas, database_url=url)
    assert report.clean, report.lines()
    assert report.approved + report.rejected == 8
    assert report.duplicates <= report.killed
