"""Every sentence by which somebody is refused, read from the source: `raise Refused(…)`, and what it is made of.

A sentence is found as a pattern: its own words, with anything in the place of what is filled in. Where it comes from a
function, a constant or a variable, that is followed; what a decision of the domain says is read where it is refused.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import getsource
from pathlib import Path

HERE = Path(__file__).parents[2] / "bot"
ROOMS = ("operations", "listeners")
DECISIONS: Mapping[str, str] = {
    "bot.domain.approval": "refuse",
    "bot.domain.policy": "refuse",
    "bot.domain.request": "Outcome",
    "bot.listeners.grammar": "Mistake",
}
"""Modules whose decisions an operation hands on, and what makes one."""
CONSTANTS = ("bot.listeners.desk", "bot.listeners.tasks", "bot.operations.rights")
"""Modules whose sentences are constants."""
HANDED_ON = ("unmarked", "ended")
"""Functions whose argument is the sentence."""
DEEP = 6
"""How many names and functions a sentence is followed through."""
WORDS = 3
"""A pattern of fewer words of its own says nothing by itself."""


@dataclass(frozen=True, slots=True, order=True)
class Sentence:
    """One sentence of ours, and the module in which it stands."""

    module: str
    pattern: str
    shown: str
    """As it stands there, with … for what is filled in."""

    def said_in(self, text: str) -> bool:
        """Whether a text holds it."""
        return re.search(self.pattern, text, re.DOTALL) is not None


@cache
def refusals() -> frozenset[Sentence]:
    """Find all of them."""
    found: set[Sentence] = set()
    for file in sorted(path for room in ROOMS for path in (HERE / room).glob("*.py")):
        module = _Module(f"bot.{file.parent.name}.{file.stem}")
        for function in module.functions():
            for call in _calls(function, "Refused"):
                found |= set(module.sentences(call.args[0], function))
    for name, maker in DECISIONS.items():
        module = _Module(name)
        for function in module.functions():
            for call in _calls(function, maker):
                found |= {each for node in _said(call) for each in module.sentences(node, function)}
    for name in CONSTANTS:
        module = _Module(name)
        found |= {each for node in module.constants() for each in module.sentences(node, module.tree)}
    return frozenset(found)


def _said(call: ast.Call) -> list[ast.expr]:
    """Where a decision's sentence stands; what is proposed is no refusal."""
    given = {each.arg: each.value for each in call.keywords}
    answer = given.get("answer")
    if isinstance(answer, ast.Attribute) and answer.attr == "PROPOSE":
        return []
    return [given["sentence"]] if "sentence" in given else call.args[1:2]


class _Module:
    """One module's source, and how its names are looked up."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tree = ast.parse(getsource(import_module(name)))

    def functions(self) -> Iterator[ast.AST]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def constants(self) -> Iterator[ast.expr]:
        """Its sentences that have a name."""
        for node in self.tree.body:
            match node:
                case ast.Assign(value=ast.Constant(value=str(text)) as value) if text.endswith("."):
                    yield value

    def sentences(self, node: ast.AST | None, scope: ast.AST, depth: int = 0) -> Iterator[Sentence]:
        """What an expression may come to."""
        if depth > DEEP:
            return
        match node:
            case ast.Constant(value=str(text)):
                yield from self._one([text])
            case ast.JoinedStr(values=values):
                yield from self._one([str(v.value) if isinstance(v, ast.Constant) else None for v in values])
            case ast.Call(func=ast.Name(id=name)) if name not in HANDED_ON:
                yield from self._called(name, depth + 1)
            case ast.Name(id=name):
                yield from self._named(name, scope, depth + 1)
        for each in _either(node):
            yield from self.sentences(each, scope, depth + 1)

    def _one(self, parts: list[str | None]) -> Iterator[Sentence]:
        own = " ".join(part for part in parts if part)
        if len(re.findall(r"[A-Za-z]{2,}", own)) < WORDS:
            return
        pattern = "".join(".*?" if part is None else re.escape(part) for part in parts)
        yield Sentence(self.name, pattern.removeprefix(".*?"), "".join(p or "…" for p in parts))

    def _called(self, name: str, depth: int) -> Iterator[Sentence]:
        home, function = self._defined(name)
        if function is None:
            return
        for node in ast.walk(function):
            if isinstance(node, ast.Return):
                yield from home.sentences(node.value, function, depth)

    def _named(self, name: str, scope: ast.AST, depth: int) -> Iterator[Sentence]:
        for where in (scope, self.tree):
            for node in ast.walk(where) if where is scope else where.body:  # type: ignore[attr-defined]  # a module has a body
                match node:
                    case (
                        ast.Assign(targets=[ast.Name(id=found)], value=value)
                        | ast.NamedExpr(target=ast.Name(id=found), value=value)
                    ) if found == name:
                        yield from self.sentences(value, scope, depth)
        home = self._imported(name)
        if home is not None:
            yield from home._named(name, home.tree, depth)

    def _defined(self, name: str) -> tuple["_Module", ast.AST | None]:
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                return self, node
        home = self._imported(name)
        return home._defined(name) if home is not None else (self, None)

    def _imported(self, name: str) -> "_Module | None":
        for node in ast.walk(self.tree):
            if (
                isinstance(node, ast.ImportFrom)
                and (node.module or "").startswith("bot.")
                and name in [alias.name for alias in node.names]
            ):
                return _Module(str(node.module))
        return None


def _either(node: ast.AST | None) -> Sequence[ast.AST]:
    """The expressions that an expression's text may come from."""
    found: Sequence[ast.AST] = []
    match node:
        case ast.JoinedStr(values=values):
            found = [value.value for value in values if isinstance(value, ast.FormattedValue)]
        case ast.BoolOp(values=values) | ast.Dict(values=values):
            found = values
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
            found = [one, other]
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in HANDED_ON:
            found = arguments
        case ast.Call(func=ast.Attribute(value=value, attr="get" | "strip"), args=arguments):
            found = [value, *arguments]
        case ast.Subscript(value=value) | ast.Await(value=value):
            found = [value]
    return found


def _calls(function: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node
