"""Runs the command in this process, as its entry point would."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from tests.explain.manifests import Json, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Json:
        """The whole JSON answer."""
        found: Json = json.loads(self.out)
        return found

    @property
    def explanations(self) -> list[Json]:
        """The JSON answer's explanations."""
        document = self.document
        assert document["apiVersion"] == "elb-passthrough/v1"
        assert document["kind"] == "ExplanationList"
        found: list[Json] = document["explanations"]
        return found

    @property
    def paths(self) -> list[Json]:
        """The paths of the only explanation."""
        (explanation,) = self.explanations
        found: list[Json] = explanation["paths"]
        return found

    @property
    def path(self) -> Json:
        """The only path."""
        (only,) = self.paths
        return only


class Explain:
    """`elb-passthrough explain`, with files made from objects."""

    def __init__(
        self, directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.directory = directory
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def file(self, content: str | bytes, name: str = "input") -> str:
        """Write a file and give its path."""
        path = self.directory / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def run(self, *arguments: str, stdin: bytes = b"") -> Result:
        """Run with these arguments."""
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = main(["explain", *arguments])
        captured = self._capsys.readouterr()
        return Result(status=status, out=captured.out, err=captured.err)

    def json(self, *objects: Json, options: tuple[str, ...] = (), **more: Any) -> Result:
        """Run on a List of these objects and ask for JSON."""
        return self.run(self.file(listed(*objects)), "-o", "json", *options, **more)
