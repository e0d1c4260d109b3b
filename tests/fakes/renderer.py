"""A renderer that is its own witness: it notes which template was rendered, and which way each of its choices went."""

from collections import defaultdict
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jinja2 import nodes, pass_context
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer

from bot.render import Renderer
from bot.render.sandbox import _Compiler

NOTED = "noted"


class Kind(StrEnum):
    """What chooses."""

    CONDITION = "if"
    PART = "and/or"
    """One side of an `and` or an `or`."""
    LOOP = "for"


@dataclass(frozen=True, slots=True)
class Choice:
    """One place of a template where its shape is chosen."""

    template: str
    line: int
    number: int
    kind: Kind
    words: str
    """The names that it depends on, for whoever reads a failure."""


class Choices:
    """What templates chose: whether a condition held, or a loop had anything to go through."""

    def __init__(self) -> None:
        self.places: dict[str, Choice] = {}
        """Every choice that the compiled templates have."""
        self.seen: defaultdict[str, set[bool]] = defaultdict(set)


class _Marker(NodeTransformer):
    """Has every condition of a template, each part of it and every loop say what it came to."""

    def __init__(self, template: str, places: dict[str, Choice]) -> None:
        self._template = template
        self._places = places

    def visit_If(self, node: nodes.If) -> nodes.Node:  # noqa: N802 - Jinja's naming
        self.generic_visit(node)
        node.test = self._marked(node.test, Kind.CONDITION)
        return node

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        node.test = self._marked(node.test, Kind.CONDITION)
        return node

    def visit_And(self, node: nodes.And) -> nodes.Node:  # noqa: N802 - as above
        return self._parts(node)

    def visit_Or(self, node: nodes.Or) -> nodes.Node:  # noqa: N802 - as above
        return self._parts(node)

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        node.iter = self._marked(node.iter, Kind.LOOP)
        node.test = self._marked(node.test, Kind.CONDITION) if node.test else None
        return node

    def _parts(self, node: Any) -> nodes.Node:
        self.generic_visit(node)
        node.left, node.right = (self._marked(side, Kind.PART) for side in (node.left, node.right))
        found: nodes.Node = node
        return found

    def _marked(self, node: Any, kind: Kind) -> Any:
        if isinstance(node, nodes.Const):
            return node
        number = sum(each.template == self._template for each in self._places.values())
        place = f"{self._template} {number}"
        self._places[place] = Choice(self._template, node.lineno, number, kind, _words(node))
        key = nodes.Const(place, lineno=node.lineno)
        return nodes.Filter(node, NOTED, [key], [], None, None, lineno=node.lineno)


def _words(node: Any) -> str:
    names = [each.name for each in node.find_all(nodes.Name)]
    names += [f".{each.attr}" for each in node.find_all(nodes.Getattr)]
    if isinstance(node, nodes.Name):
        names.insert(0, node.name)
    if isinstance(node, nodes.Getattr):
        names.insert(0, f".{node.attr}")
    return type(node).__name__ + " " + " ".join(dict.fromkeys(names))


class Witness(Renderer):
    """Renders as the renderer does, and notes."""

    def __init__(self) -> None:
        super().__init__()
        self.choices = choices = Choices()
        self.rendered: set[str] = set()

        class Compiler(_Compiler):
            def visit_Template(self, node: nodes.Template, frame: Any = None) -> None:  # noqa: N802 - Jinja's naming
                super().visit_Template(_Marker(str(self.name), choices.places).visit(node), frame)

        self._messages.code_generator_class = Compiler
        self._messages.filters[NOTED] = self._noted

    def _parsed_message(self, path: str, context: Any) -> dict[str, Any]:
        self.rendered.add(path)
        return super()._parsed_message(path, context)

    @contextmanager
    def watching(self) -> Iterator[Choices]:
        """Forget what was noted before, and note."""
        self.rendered.clear()
        self.choices.seen.clear()
        yield self.choices

    @property
    def _noted(self) -> Any:
        seen = self.choices.seen

        @pass_context  # so that Jinja does not calculate it while compiling
        def noted(_: Context, value: Any, place: str) -> Any:
            seen[place].add(len(value) > 0 if isinstance(value, Sized) else bool(value))
            return value

        return noted
