"""The engine against real packets through a real kube-proxy (v1.36, iptables and nftables).

`tests/observed/record.py` says how the recordings are made.
"""

from pathlib import Path

import pytest

from bot.domain.explanation import End, Verdict
from tests.observed.recording import RECORDINGS, Recording

pytestmark = pytest.mark.parametrize("file", RECORDINGS, ids=lambda file: file.stem)
MANY = 3
"""Up to so many endpoints, each is seen within the connections that a client opened."""


@pytest.fixture(scope="module")
def recordings() -> dict[Path, Recording]:
    """Return every recording, read once."""
    return {file: Recording(file) for file in RECORDINGS}


def test_who_gets_there_is_who_got_there(recordings: dict[Path, Recording], file: Path) -> None:
    """Verdict, and whether the load balancer was crossed, are those of the packets."""
    recording = recordings[file]
    wrong = [
        (seen, way.verdict, way.via_load_balancer)
        for seen in recording.seen
        for way in [recording.answer(seen)]
        if (way.verdict, way.via_load_balancer) != (seen.verdict, seen.crossed)
    ]
    assert recording.seen
    assert not wrong


def test_whoever_answered_may_answer(recordings: dict[Path, Recording], file: Path) -> None:
    """Nobody answered who may not, and whoever may did answer one of those who may get to them."""
    recording = recordings[file]
    wrong, silent = [], dict[tuple[str, frozenset[str]], set[str]]()
    for seen in recording.seen:
        may = frozenset(recording.answer(seen).endpoints)
        if not seen.endpoints <= may:
            wrong.append((seen, may))
        if seen.service not in recording.affine:
            silent.setdefault((seen.service, may), set(may)).difference_update(seen.endpoints)
    assert not wrong
    assert not {asked: names for asked, names in silent.items() if names}


def test_backends_see_the_source_that_they_saw(recordings: dict[Path, Recording], file: Path) -> None:
    """Each backend saw a kind of source address that one of its traces tells; a single kind is the path's."""
    recording = recordings[file]
    wrong = []
    for seen in recording.seen:
        way = recording.answer(seen)
        told = {(trace.endpoint, trace.source) for trace in way.traces if trace.end is End.DELIVER}
        single = {source for _, source in told}
        if not seen.sources <= told or (len(single) == 1 and {way.source_ip} != single):
            wrong.append((seen, told))
    assert not wrong


def test_a_failure_looks_as_it_looked(recordings: dict[Path, Recording], file: Path) -> None:
    """Refused is a reject; a timeout is a packet or a reply that was lost."""
    recording = recordings[file]
    wrong = []
    for seen in recording.seen:
        if seen.verdict is Verdict.UNREACHABLE:
            ends = {trace.end for trace in recording.answer(seen).traces}
            if not ends <= seen.ends | {End.NO_BACKEND}:
                wrong.append((seen, ends))
    assert not wrong
