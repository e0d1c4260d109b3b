"""One situation: manifests, a question, and what the contract and the sources say of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .asking import Answer, contradictions, explain
from .table import expected
from .world import WEB_A, WEB_B, Document, cluster, service, slice_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """One question with one path for an answer, unless `cells` is empty.

    `cells` are verdict, way, endpoints, source and ends, as in `table`; `codes` are findings that must be there, or
    with `!` must not; `missing` are facts that the answer must name.
    """

    name: str
    documents: tuple[Document, ...]
    options: tuple[str, ...] = ()
    cells: str = ""
    codes: str = ""
    missing: str = ""
    source: str

    def __str__(self) -> str:
        """The name that pytest shows."""
        return self.name.replace(" ", "-")

    def asked(self) -> Answer:
        """What the command line says."""
        return explain(self.documents, *self.options)

    def asked_of_all(self) -> Answer:
        """What the command line says of every class of client."""
        return explain(self.documents)

    def differences(self) -> dict[str, Any]:
        """Everything in which the answer is not as expected."""
        answer = self.asked()
        if answer.status != 0:
            return {"status": (0, answer.status, answer.err)}
        found: dict[str, Any] = self._of_path(answer.path) if self.cells else {}
        return found | self._of_codes(answer.codes) | _laws(answer.paths)

    def _of_path(self, path: Document) -> dict[str, Any]:
        found: dict[str, Any] = dict(expected(*self.cells.split()).differs(path))
        if lacking := set(self.missing.split()) - set(path["missing"]):
            found["missing"] = (sorted(lacking), path["missing"])
        return found

    def _of_codes(self, codes: set[str]) -> dict[str, Any]:
        words = self.codes.split()
        lacking = {word for word in words if not word.startswith("!")} - codes
        superfluous = {word[1:] for word in words if word.startswith("!")} & codes
        return (
            {"codes": (sorted(lacking), sorted(superfluous), sorted(codes))} if lacking | superfluous else {}
        )


def _laws(paths: Iterable[Document]) -> dict[str, Any]:
    broken = [law for path in paths for law in contradictions(path)]
    return {"laws": broken} if broken else {}


def usual(
    facts: Document,
    *more: Document,
    endpoints: Sequence[Document] = (WEB_A, WEB_B),
    **of_service: Any,
) -> tuple[Document, ...]:
    """The usual Service with its two endpoints in the usual cluster."""
    return (facts, service(**of_service), slice_of("web", endpoints), *cluster(), *more)
