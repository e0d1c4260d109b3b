"""What a cold `explain` loads, and that it stays quick."""

import json
import subprocess
import sys
from pathlib import Path

from tests.explain.manifests import GENERIC, cluster, listed

HEAVY = (
    "slack_bolt",
    "slack_sdk",
    "kubernetes",
    "sqlalchemy",
    "pydantic",
    "aiohttp",
    "jinja2",
    "asyncio",
    "alembic",
)
PROBE = """
import json, sys
from bot.__main__ import main
status = main(["explain", sys.argv[1], "-o", "json"])
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""


def loaded(path: Path) -> set[str]:
    """The modules that a fresh interpreter has loaded after explaining a file."""
    run = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", PROBE, str(path)], capture_output=True, check=True, text=True
    )
    status, modules = json.loads(run.stderr.splitlines()[-1])
    assert status == 0
    return {module.partition(".")[0] for module in modules}


def test_explaining_a_file_loads_neither_slack_nor_the_kubernetes_client(tmp_path: Path) -> None:
    """Nor a database, a web server, or a template engine."""
    path = tmp_path / "cluster.json"
    path.write_text(listed(*cluster(), GENERIC))
    assert not loaded(path) & set(HEAVY)


def test_json_input_does_not_load_the_yaml_parser(tmp_path: Path) -> None:
    """Who pipes JSON does not pay for YAML."""
    path = tmp_path / "cluster.json"
    path.write_text(listed(*cluster(), GENERIC))
    assert "yaml" not in loaded(path)
