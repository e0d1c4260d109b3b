"""Conditions: what has to be so for a rule to be met, where not every possible world meets it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.explanation import Path, Trace
from bot.domain.possibility import VERSION
from bot.domain.version_span import merged
from bot.domain.ways import fact_of, is_supposed

_OR = " or "
Supposed = Mapping[str, str]
"""Of each fact that a trace supposes something about: its values, as shown."""


@dataclass(slots=True)
class Conditions:
    """What the traces of some paths suppose, by the rules that they meet."""

    paths: Sequence[Path]
    met: dict[str, list[Supposed]] = field(default_factory=dict)
    values: dict[str, dict[str, None]] = field(default_factory=dict)
    """Every value that is supposed of a fact anywhere."""

    def __post_init__(self) -> None:
        for trace in (trace for path in self.paths for trace in path.traces):
            supposed = {fact_of(each): each for each in trace.assuming if is_supposed(each)}
            for name, each in supposed.items():
                self.values.setdefault(name, {}).update(dict.fromkeys(each.split(_OR)))
            for rule in {hop.rule for hop in trace.hops}:
                self.met.setdefault(rule, []).append(supposed)

    def of(self, rules: Collection[str]) -> str:
        """Introduce what these rules say: plainly, by what has to be so, or by what it depends on."""
        traces = [supposed for rule in rules for supposed in self.met.get(rule, ())]
        shared = [name for name in (traces or [{}])[0] if all(name in trace for trace in traces)]
        values = {
            name: _few(name, (part for trace in traces for part in trace[name].split(_OR))) for name in shared
        }
        words = [
            _shown(name, found)
            for name, found in values.items()
            if found and {*found} != {*_few(name, self.values[name])}
        ]
        return f"If {', '.join(words)}: " if words else self._perhaps(rules)

    def _perhaps(self, rules: Collection[str]) -> str:
        """Where no one fact says when: whether every client that meets the rules may as well not meet them."""
        concerned = [path for path in self.paths if any(_meets(trace, rules) for trace in path.traces)]
        names = dict.fromkeys(name for path in concerned for name in path.missing_for_way or path.missing)
        unsure = bool(concerned) and all(_otherwise(path, rules) for path in concerned)
        return f"Perhaps (it depends on {' and '.join(names)}, not known): " if unsure and names else ""


def _few(name: str, parts: Iterable[str]) -> list[str]:
    """Each value once; of versions the fewest stretches that say the same, none where those are every version."""
    each = dict.fromkeys(parts)
    return list(merged(name, each) if name == VERSION else each)


def _meets(trace: Trace, rules: Collection[str]) -> bool:
    return any(hop.rule in rules for hop in trace.hops)


def _otherwise(path: Path, rules: Collection[str]) -> bool:
    """Whether the path has a trace without the rules that is there in some worlds only."""
    return any(not _meets(trace, rules) and any(map(is_supposed, trace.assuming)) for trace in path.traces)


def _shown(name: str, values: list[str]) -> str:
    """`kubeProxy.mode=iptables or nftables`."""
    plain = f"{name}="
    first, *others = values
    same = all(each.startswith(plain) for each in values)
    return _OR.join([first, *((each.removeprefix(plain) if same else each) for each in others)])
