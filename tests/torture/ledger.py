"""The ledger: what Slack and the API server saw, as values, and beside it what the database says in the end.

Everything that is counted is counted from here, so that a ledger that is wrong on purpose shows that counting works.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command that somebody gave; acknowledged, it must come to something."""

    at: float
    number: int
    acknowledged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicked:
    """A button that somebody pressed."""

    at: float
    number: int
    who: str
    action: str
    acknowledged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Patched:
    """A patch that is no dry run, and that the API server accepted; `value` None removed the key."""

    at: float
    service: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a card said at some moment, from the text of the message as Slack got it."""

    label: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What somebody was told in private."""

    at: float
    who: str
    channel: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A change's card as it stands in Slack in the end, and as the database's row would be drawn."""

    label: str
    text: str
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A change as the database has it in the end."""

    label: str
    number: int
    phase: str
    open: bool
    decisions: tuple[str, ...]
    """Its events that decide: approved, rejected, withdrawn."""
    note: str = ""


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Everything that was seen."""

    asked: list[Asked] = field(default_factory=list)
    clicked: list[Clicked] = field(default_factory=list)
    patched: list[Patched] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    """What was acknowledged and came to nothing while somebody waited for it."""
    turned: dict[str, int] = field(default_factory=dict)
    """How often the annotation of a Service was seen to become "true", by a watch on the API server."""
    values: Mapping[str, str | None] = field(default_factory=dict)
    """The annotation of each Service in the end."""
    cards: list[Card] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    """The key of each message of the bot's that stands in a channel or a thread in the end."""
    tracebacks: list[str] = field(default_factory=list)
    chain: str = ""
    """Where the audit log's chain is broken; empty: it is whole."""
    written_over: int = 0
    """How often one version wrote over what the next one had written."""
    dropped: Sequence[str] = ()
    """What got lost by that."""
