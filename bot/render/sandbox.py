"""A sandbox for templates that somebody else wrote: what they may reach, and how much work one rendering may be.

Jinja's own sandbox hides what begins with an underscore and caps `range`; it bounds neither time nor memory, and
`"x" * 10**9`, a macro that calls itself twice or a list doubled forty times would stop the whole bot, for a template is
rendered where everything else runs. So every loop round, call, filter and concatenation is paid for from a budget,
and only filters, methods and names that are needed are there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from jinja2 import StrictUndefined, TemplateRuntimeError, Undefined, nodes, pass_context
from jinja2.compiler import CodeGenerator
from jinja2.filters import FILTERS as JINJAS
from jinja2.loaders import BaseLoader
from jinja2.runtime import Context, markup_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

BUDGET = 100_000
"""What one rendering may cost: a round of a loop or a call is 1, and so are 16 characters or items at work."""
LONGEST = 65_536
"""Characters of one value, and of a whole patch."""
MOST = 1_000
"""Numbers of one `range`."""
LARGEST = 10**15
"""The largest product."""
HEAVIEST = 10_000
"""Values inside one list or table, those inside its own lists counted too."""
_PER_COST = 16

FILTERS = (
    *(
        "abs",
        "capitalize",
        "count",
        "d",
        "default",
        "dictsort",
        "first",
        "int",
        "items",
        "join",
        "last",
        "length",
    ),
    *(
        "list",
        "lower",
        "map",
        "max",
        "min",
        "reject",
        "rejectattr",
        "replace",
        "round",
        "select",
        "selectattr",
    ),
    *("sort", "string", "title", "tojson", "trim", "unique", "upper"),
)
"""Jinja's filters that a template may use. Left out: what is random, what pads to any width, and what marks text as
safe without making it so."""
METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        {
            *("capitalize", "count", "endswith", "find", "isalnum", "isalpha", "isdigit", "lower", "lstrip"),
            *("removeprefix", "removesuffix", "rstrip", "split", "startswith", "strip", "title", "upper"),
        }
    ),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
}
_UNORDERED = (set, frozenset)
_ORDERING = frozenset({"sort", "length", "count", "max", "min"})
"""Filters whose result does not depend on the order that they were given."""

_left: ContextVar[int] = ContextVar("_left", default=BUDGET)


class TooMuchError(TemplateRuntimeError):
    """The template asks for more work, or more text, than a rendering may take."""


def pay(*values: object, cost: int = 1) -> None:
    """Take one step, and the size of what it works on, off the budget.

    Raises:
        TooMuchError: it is spent.
    """
    for value in values:
        if isinstance(value, Sized):
            cost += len(value) // _PER_COST
    left = _left.get() - cost
    _left.set(left)
    if left < 0:
        raise TooMuchError("it takes too much work")


def short(value: Any) -> Any:
    """Return the value, if it is no text that is too long."""
    if isinstance(value, str) and len(value) > LONGEST:
        raise TooMuchError(f"it makes a text of more than {LONGEST} characters")
    return value


@contextmanager
def budget() -> Iterator[None]:
    """Give one rendering its budget."""
    token = _left.set(BUDGET)
    try:
        yield
    finally:
        _left.reset(token)


class _Transformer(NodeTransformer):
    """Puts a toll booth into every loop, concatenation, list and table of a template."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja's naming
        self.generic_visit(node)
        node.iter = _filter("counted", node.iter)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        return _filter("joined", nodes.List(node.nodes, lineno=node.lineno))

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        return _filter("weighed", node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        return _filter("weighed", node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802 - as above
        self.generic_visit(node)
        return _filter("weighed", node) if node.ctx == "load" else node


def _filter(name: str, node: Any) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


_PULLING_IN: tuple[type[nodes.Node], ...] = (
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
)


class _Compiler(CodeGenerator):
    """Compiles a template with its toll booths."""

    def visit_Template(self, node: nodes.Template, frame: Any = None) -> None:  # noqa: N802 - as above
        alone = isinstance(self.environment, Sandbox) and self.environment.alone
        if alone and any(node.find(kind) for kind in _PULLING_IN):
            self.fail("a patch template stands alone: no include, import or extends", 1)
        super().visit_Template(_Transformer().visit(node), frame)

    def _output_child_to_const(self, node: nodes.Expr, frame: Any, finalize: Any) -> str:
        """Have constants of a template shown as everything else is: folded, they would be escaped for HTML."""
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for templates from `loader`.

    `finalize` makes every shown value safe. `alone`: a template may not pull in others.
    """

    code_generator_class = _Compiler
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, loader: BaseLoader, finalize: Callable[[Any], Any], *, alone: bool = False) -> None:
        self.alone = alone
        # A message is shortened to what Slack takes after it is rendered, so it may be longer before.
        self.longest = LONGEST if alone else 4 * LONGEST
        super().__init__(
            loader=loader,
            undefined=StrictUndefined,
            # With autoescape a macro's output is Markup, which finalize then leaves alone.
            autoescape=True,
            finalize=_shown(finalize),
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
        )
        self.globals = {"range": _range, "namespace": Namespace, "dict": _dict}
        self.filters = {name: _paid(name, JINJAS[name]) for name in FILTERS}
        self.filters |= {"counted": _counted, "joined": _joined, "weighed": _weighed}

    def rendered(self, path: str, context: Mapping[str, Any]) -> str:
        """Render a template within its budget, piece by piece so that it ends when it is too long.

        Raises:
            TemplateError: it cannot be loaded, compiled or rendered; or another of `BROKEN`.
        """
        size, pieces = 0, []
        with budget():
            for piece in self.get_template(path).generate(context):
                size += len(piece)
                if size > self.longest:
                    raise TooMuchError(f"it renders more than {self.longest} characters")
                pieces.append(piece)
        return "".join(pieces)

    def get_template(self, *args: Any, **kwargs: Any) -> Any:
        """Load a template; an include costs a step too."""
        pay()
        return super().get_template(*args, **kwargs)

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call something from inside a template."""
        pay(getattr(function, "__self__", None), *args, *kwargs.values())
        return short(super().call(context, function, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Calculate; what grows without bound does not."""
        pay()
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "+" and not numbers:
            return _weight(short(left + right))
        if operator == "**" or not numbers:
            raise TooMuchError(f"it may not use {operator} here")
        product = super().call_binop(context, operator, left, right)
        if abs(product) > LARGEST:
            raise TooMuchError("it calculates with numbers that are too large")
        return product

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Tell whether an attribute may be read: of texts and containers a few methods only."""
        if not super().is_safe_attribute(obj, attr, value):
            return False
        known = next((names for kind, names in METHODS.items() if isinstance(obj, kind)), None)
        return known is None or attr in known or not callable(value)


BROKEN = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a template may raise beside Jinja's own errors: it calculates, compares and calls like any program."""


def _shown(finalize: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def show(value: Any) -> Any:
        if isinstance(value, Undefined):
            return str(value)  # raises, and says which name it is
        if not isinstance(value, str) and (isinstance(value, Iterable | Namespace) or callable(value)):
            raise TemplateRuntimeError(f"it shows a {type(value).__name__}, which is no text")
        pay(value)
        return short(finalize(short(value)))

    return show


def _paid(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap one of Jinja's filters."""

    @wraps(function)
    def paid(*args: Any, **kwargs: Any) -> Any:
        pay(*args, *kwargs.values())
        if name not in _ORDERING and any(isinstance(each, _UNORDERED) for each in args):
            raise TemplateRuntimeError("it goes through a set, which has no order; sort it")
        if name == "replace":
            _replaceable(args)
        return short(function(*args, **kwargs))

    return paid


def _replaceable(args: tuple[Any, ...]) -> None:
    """Refuse a replacement that could grow too long before it is made; args end with text, old and new."""
    texts = [str(each) for each in args[1:4]]
    if len(texts) > 2 and texts[0].count(texts[1]) * len(texts[2]) > LONGEST:  # noqa: PLR2004 - text, old and new
        raise TooMuchError(f"it makes a text of more than {LONGEST} characters")


@pass_context  # so that Jinja does not calculate it while compiling
def _counted(_: Context, values: Iterable[Any]) -> Iterator[Any]:
    if isinstance(values, _UNORDERED):
        raise TemplateRuntimeError("it goes through a set, which has no order; sort it")
    for value in values:
        pay()
        yield value


@pass_context
def _joined(_: Context, values: list[Any]) -> Any:
    if any(isinstance(value, dict | list | tuple | set | frozenset) for value in values):
        raise TemplateRuntimeError("it joins what is no text")
    pay(*values)
    return short(markup_join(values))


@pass_context
def _weighed(_: Context, value: Any) -> Any:
    pay(value)
    return _weight(value)


def _weight(value: Any) -> Any:
    """Return the value, if it does not hold too much: what holds itself twice doubles at every step."""
    known: dict[int, int] = {}

    def weigh(part: Any) -> int:
        if not isinstance(part, dict | list | tuple):
            return 1
        if id(part) not in known:
            inner = part.values() if isinstance(part, dict) else part
            known[id(part)] = 1 + sum(weigh(each) for each in inner)
        return known[id(part)]

    if weigh(value) > HEAVIEST:
        raise TooMuchError("it makes a list that holds too much")
    return value


def _range(*args: int) -> range:
    numbers = range(*args)
    if len(numbers) > MOST:
        raise TooMuchError(f"it counts further than {MOST}")
    pay(cost=len(numbers))
    return numbers


def _dict(*args: Any, **kwargs: Any) -> dict[Any, Any]:
    made: dict[Any, Any] = _weight(dict(*args, **kwargs))
    return made
