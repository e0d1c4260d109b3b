"""Decision tables as text: one line a situation, one word a cell."""

from dataclasses import dataclass

VERDICTS = {"yes": "reachable", "no": "unreachable", "some": "ambiguous", "?": "undetermined"}
VIA = {"lb": True, "direct": False, "either": None}
ENDPOINTS = {
    "both": ["default/web-a", "default/web-b"],
    "a": ["default/web-a"],
    "b": ["default/web-b"],
    "-": [],
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What the contract and the sources say of one path; `None` where they leave it open."""

    verdict: str
    via: bool | None
    endpoints: list[str]
    source: str | None
    ends: frozenset[str]

    def differs(self, path: dict[str, object]) -> dict[str, tuple[object, object]]:
        """Field → (expected, answered)."""
        traces = path["traces"]
        assert isinstance(traces, list)
        pairs = {
            "verdict": (self.verdict, path["verdict"]),
            "viaLoadBalancer": (self.via, path["viaLoadBalancer"]),
            "endpoints": (self.endpoints, path["endpoints"]),
            "ends": (sorted(self.ends), sorted({trace["end"] for trace in traces})),
        }
        if self.source:
            pairs["sourceIP"] = (self.source, path["sourceIP"])
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def expected(verdict: str, via: str, endpoints: str, source: str, ends: str) -> Expected:
    """Read five cells. `*` as the source: the sources leave it open; ends are joined by `+`."""
    return Expected(
        verdict=VERDICTS[verdict],
        via=VIA[via],
        endpoints=ENDPOINTS[endpoints],
        source=None if source == "*" else "unknown" if source == "-" else source,
        ends=frozenset(ends.split("+")),
    )


def rows(text: str) -> list[list[str]]:
    """Cells of every line that is not empty and not a comment."""
    kept = (line.partition("#")[0].split() for line in text.splitlines())
    return [cells for cells in kept if cells]
