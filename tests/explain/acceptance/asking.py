"""Asks the command line in process, and reads its answer as any script would."""

import io
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.__main__ import main

Document = dict[str, Any]

ENDS = {
    "reachable": {"deliver"},
    "unreachable": {"drop", "reject", "reply-lost", "no-backend", "abort"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one run printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def explanations(self) -> list[Document]:
        """Every Service's explanation."""
        listed: list[Document] = json.loads(self.out)["explanations"]
        return listed

    @property
    def paths(self) -> list[Document]:
        """Every path of every Service."""
        return [path for one in self.explanations for path in one["paths"]]

    @property
    def path(self) -> Document:
        """The only path."""
        (one,) = self.paths
        return one

    @property
    def codes(self) -> set[str]:
        """The findings' codes."""
        return {finding["code"] for one in self.explanations for finding in one["findings"]}

    def severity(self, code: str) -> str:
        """How bad the finding of this code is."""
        found = {f["severity"] for one in self.explanations for f in one["findings"] if f["code"] == code}
        return "/".join(sorted(found))


def run(*arguments: str) -> Answer:
    """Run the command line."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(list(arguments))
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else 1
    return Answer(status=status, out=out.getvalue(), err=err.getvalue())


def explain(documents: Iterable[Document], *options: str, output: str = "json") -> Answer:
    """Explain these documents as one file holds them."""
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [d for d in documents if d["kind"] != "ClusterFacts"],
    }
    told = [d for d in documents if d["kind"] == "ClusterFacts"]
    return explain_text(json.dumps({**listed, "items": [*told, *listed["items"]]}), *options, output=output)


def explain_text(text: str, *options: str, output: str = "json", name: str = "cluster.yaml") -> Answer:
    """Explain a file with this text."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(text, encoding="utf-8")
        return run("explain", str(file), "-o", output, *options)


@cache
def rules() -> frozenset[str]:
    """Every id and code of the page of rules."""
    page = Path(__file__).parents[3] / "docs" / "rules.md"
    return frozenset(re.findall(r"^\| `([a-z0-9.-]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE))


def contradictions(path: Document) -> list[str]:
    """What in this path cannot be so, whatever the situation: the contract's laws of one path."""
    ends = [trace["end"] for trace in path["traces"]]
    found = [*_verdict(path["verdict"], set(ends)), *_hops(path), *_endpoints(path)]
    if path["client"]["kind"] == "external" and path["viaLoadBalancer"] is not True:
        found.append("an outside client always crosses the load balancer")
    if path["verdict"] == "undetermined" and not path["missing"]:
        found.append("undetermined, and nothing is missing")
    if path["verdict"] != "undetermined" and path["missing"]:
        found.append(f"{path['verdict']}, and {path['missing']} is missing")
    return found


def _verdict(verdict: str, ends: set[str]) -> list[str]:
    if not ends:
        return [f"{verdict} without a trace"] if verdict != "undetermined" else []
    bad = ENDS["unreachable"]
    wrong = {
        "reachable": not ends <= ENDS["reachable"],
        "unreachable": not ends <= bad,
        "ambiguous": not (ends & bad and ends & ENDS["reachable"]),
    }
    return [f"{verdict} with {sorted(ends)}"] if wrong.get(verdict) else []


def _hops(path: Document) -> list[str]:
    unknown = {hop["rule"] for trace in path["traces"] for hop in trace["hops"]} - rules()
    unknown |= {reason["code"] for reason in path["reasons"]} - rules() - {"undetermined"}
    empty = any(not trace["hops"] for trace in path["traces"])
    return [f"no such rule: {sorted(unknown)}"] * bool(unknown) + ["a trace without hops"] * empty


def _endpoints(path: Document) -> list[str]:
    delivered = sorted({trace["endpoint"] for trace in path["traces"] if trace["end"] == "deliver"})
    return [f"endpoints {path['endpoints']}, traces deliver {delivered}"] * (path["endpoints"] != delivered)


def only(paths: Sequence[Document], **client: str) -> Document:
    """The path of this client."""
    (one,) = [p for p in paths if client.items() <= p["client"].items()]
    return one
