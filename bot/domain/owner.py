"""Who else has a say in a Service, and what becomes of a patch: the values that the decision is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One entry of a Service's managedFields, as far as annotations go."""

    manager: str
    operation: str = ""
    """`Apply` (server-side apply) or `Update` (everything else)."""
    at: datetime | None = None
    keys: tuple[str, ...] = ()
    """The annotations that it owns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a Service itself tells of those who look after it."""

    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    writers: tuple[Writer, ...] = ()
    last_applied: Mapping[str, str] | None = None
    """The annotations in last-applied-configuration; None: nobody applied it client-side."""

    @property
    def id(self) -> str:
        """`NAMESPACE/NAME`."""
        return f"{self.namespace}/{self.name}"

    def mark(self, key: str) -> str:
        """Return a label or an annotation of that name; tools read either."""
        return self.annotations.get(key) or self.labels.get(key) or ""

    def owners_of(self, key: str) -> tuple[Writer, ...]:
        """Return who owns an annotation; under server-side apply that may be several."""
        return tuple(writer for writer in self.writers if key in writer.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """One annotation that the patch sets, or (None) removes."""

    key: str
    after: str | None


class Tool(StrEnum):
    """What may look after a Service, in the words of the card."""

    APPLICATION = "Argo CD"
    KUSTOMIZATION = "Flux"
    HELM_RELEASE = "Flux’s helm-controller"
    HELM = "Helm"
    TERRAFORM = "Terraform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A trace of a tool on a Service."""

    tool: Tool
    name: str = ""
    """Of the Application, Kustomization, HelmRelease or release; empty where the trace does not tell."""
    namespace: str = ""
    """Empty: anywhere."""
    hint: bool = False
    """A label that others set too: it counts only if an object of that name says that it owns the Service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the desired state is kept."""

    repository: str = ""
    path: str = ""
    revision: str = ""
    chart: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        what = f"chart {self.chart}" if self.chart else self.path
        parts = [self.repository, what, f"revision {self.revision}" if self.revision else ""]
        return " · ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disregard:
    """Differences that Argo CD (`ignoreDifferences`) or Flux (`ignore`) is told to leave alone."""

    group: str = "*"
    kind: str = "*"
    name: str = ""
    namespace: str = ""
    pointers: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    """jq; Argo CD only."""
    managers: tuple[str, ...] = ()
    """Field managers; Argo CD only."""
    narrowed: bool = False
    """Whether it has a label or annotation selector, which is not evaluated here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Argo CD's Application (argoproj.io/v1alpha1), as far as it decides."""

    namespace: str
    name: str
    here: bool = True
    """Whether it deploys to the cluster that it lives in."""
    services: Mapping[str, str] | None = None
    """`NAMESPACE/NAME` of its Services → sync status; None: its status does not say."""
    automated: bool = False
    self_heal: bool = False
    options: frozenset[str] = frozenset()
    """`syncOptions`."""
    disregards: tuple[Disregard, ...] = ()
    paused: bool = False
    """`argocd.argoproj.io/skip-reconcile`."""
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kustomization:
    """Flux's Kustomization, as far as it decides."""

    namespace: str
    name: str
    here: bool = True
    services: Mapping[str, str] | None = None
    """As in Application, from the inventory; the status is empty."""
    interval: float | None = None
    """Seconds."""
    suspended: bool = False
    disregards: tuple[Disregard, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HelmRelease:
    """Flux's HelmRelease, as far as it decides."""

    namespace: str
    name: str
    here: bool = True
    services: Mapping[str, str] | None = None
    interval: float | None = None
    suspended: bool = False
    drift: str = "disabled"
    """`driftDetection.mode`: enabled | warn | disabled."""
    disregards: tuple[Disregard, ...] = ()
    sources: tuple[Source, ...] = ()


Owner = Application | Kustomization | HelmRelease


class Outlook(StrEnum):
    """What becomes of the patch; a worse one is further down."""

    FREE = "free"
    """Nobody else looks after the Service."""
    AGREES = "agrees"
    """It survives, for it makes the Service what its source declares."""
    SURVIVES = "survives"
    """It survives, and no source declares it."""
    UNKNOWN = "unknown"
    REVERTED = "reverted"


SEVERITY = tuple(Outlook)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a patch of one Service."""

    outlook: Outlook
    sentence: str = ""
    after: float | None = None
    """Seconds until it is reverted, about; None: at a moment that nobody knows, or never."""
    settles: float | None = None
    """Seconds after which the tool has looked at the Service once, whatever it does."""
    sources: tuple[Source, ...] = ()
    tool: Tool | None = None


def worst(fates: tuple[Fate, ...]) -> Fate:
    """Join what several tools do to several Services: the worst counts, and each is told once."""
    if not fates:
        return Fate(outlook=Outlook.FREE)
    leading = max(fates, key=lambda fate: (SEVERITY.index(fate.outlook), -(fate.after or 0.0)))
    soonest = [fate.after for fate in fates if fate.after is not None and fate.outlook is leading.outlook]
    latest = [fate.settles for fate in fates if fate.settles is not None]
    return Fate(
        outlook=leading.outlook,
        sentence=" ".join(dict.fromkeys(fate.sentence for fate in fates if fate.sentence)),
        after=min(soonest, default=None),
        settles=max(latest, default=None),
        sources=tuple(dict.fromkeys(source for fate in fates for source in fate.sources)),
        tool=leading.tool,
    )
