"""What the operations ask of the world: clusters, cloud, store and messenger, in our own words."""

from bot.ports.cloud import Cloud, ClusterKind, Listener, LoadBalancerFacts, Metered, Metrics, Point
from bot.ports.cluster import (
    Changed,
    Cluster,
    Clusters,
    FoundProbe,
    Freshness,
    LiveService,
    ProbePod,
    ProbeState,
    TargetCount,
)
from bot.ports.errors import (
    AlreadyOpen,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Stale,
    Unavailable,
    Unreadable,
    WorldError,
)
from bot.ports.jobs import Job, Jobs, Later, Leased
from bot.ports.messenger import Message, Messenger, Person, Picture
from bot.ports.resolver import Resolver
from bot.ports.store import Changes, Incidents, Messages, Pause, Pauses, Runs, Store

__all__ = [
    "AlreadyOpen",
    "Changed",
    "Changes",
    "Cloud",
    "Cluster",
    "ClusterKind",
    "Clusters",
    "Conflict",
    "Forbidden",
    "FoundProbe",
    "Freshness",
    "Incidents",
    "Invalid",
    "Job",
    "Jobs",
    "Later",
    "Leased",
    "Listener",
    "LiveService",
    "LoadBalancerFacts",
    "Message",
    "Messages",
    "Messenger",
    "Metered",
    "Metrics",
    "NotFound",
    "Pause",
    "Pauses",
    "Person",
    "Picture",
    "Point",
    "ProbePod",
    "ProbeState",
    "Resolver",
    "Runs",
    "Stale",
    "Store",
    "TargetCount",
    "Unavailable",
    "Unreadable",
    "WorldError",
]
