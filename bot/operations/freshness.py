"""How far an answer from the cache can be trusted, in a sentence."""

from bot.domain.words import duration, unmarked
from bot.ports import Cluster

STALE_AFTER = 60.0
"""Seconds without a word from the API server after which an answer says so."""


def stale(cluster: Cluster) -> str:
    """Say what is wrong with what is known of a cluster; nothing: it is up to date."""
    freshness = cluster.freshness()
    if freshness.problem:
        return f"{cluster.name} does not answer as it should: {unmarked(freshness.problem)}"
    if not freshness.synced:
        return f"{cluster.name} has not been read completely yet."
    if freshness.age is not None and freshness.age > STALE_AFTER:
        return f"{cluster.name} was last heard of {duration(freshness.age)} ago; this may be out of date."
    return ""
