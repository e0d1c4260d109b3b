"""What every test shares: where nothing may be skipped, a skip is a failure."""

import os
import signal
from collections.abc import Generator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

# A shell that starts the suite in the background has it ignore Ctrl-C, and so would every program that a test starts
# to interrupt it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no counterexample. Where a result must be the same each time, the examples are; elsewhere new ones
# are drawn.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=bool(os.environ.get("ELB_PASSTHROUGH_NO_SKIPS")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")

R = TypeVar("R", pytest.TestReport, pytest.CollectReport)

_UNTRACED = (
    "tests/e2e/",
    "tests/torture/",
    "tests/demo/",
    "tests/explain/acceptance/",
    "tests/explain/test_input.py",
    "tests/worker/test_kill.py",
    "tests/adapters/cluster/test_soak.py",
    "tests/domain/test_path_laws.py",
    "tests/domain/test_verification_verdict.py",
    "tests/operations/test_measure_truth.py",
)
"""Tests that walk the same lines a thousand times, or in other processes: tracing them takes half of the whole time,
and the lines are reported as covered by the tests beside them."""


_LONG = ("tests/e2e/", "tests/torture/")
_SHARES = 4
"""The suite is dealt out to four workers in shares of neighbours (see WORKERS in the Makefile)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the tests of many repetitions out of the coverage report; begin each worker's share with a long one.

    The long ones wait more than they work: begun last, they would be waited for with idle processors.
    """
    for item in items:
        if item.nodeid.startswith(_UNTRACED):
            item.add_marker("no_cover")
    long = [item for item in items if item.nodeid.startswith(_LONG)]
    rest = [item for item in items if not item.nodeid.startswith(_LONG)]
    share = -(-len(rest) // _SHARES)
    items[:] = [
        item for n in range(_SHARES) for item in (*long[n::_SHARES], *rest[n * share : (n + 1) * share])
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one, where nothing may be skipped."""
    return _strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped file into a failed one, where nothing may be skipped."""
    return _strict((yield))


def _strict(report: R) -> R:
    if (
        report.outcome == "skipped"
        and not hasattr(report, "wasxfail")
        and os.environ.get("ELB_PASSTHROUGH_NO_SKIPS")
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be skipped: {_reason(report.longrepr)}"
    return report


def _reason(told: Any) -> str:
    """A skip tells file, line and reason; a skipped file does too."""
    return str(told[2]) if isinstance(told, tuple) else str(told)
