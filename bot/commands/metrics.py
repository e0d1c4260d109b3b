"""What `/metrics` tells Prometheus; every name starts with `elb_passthrough_`."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.domain.explanation import Severity
from bot.ports import Clusters

Findings = Callable[[], Iterable[tuple[str, str, Severity, int]]]
"""Cluster, code, severity, and how many Services have the finding."""
Unheard = Callable[[], Iterable[tuple[str, int]]]
"""Cluster, and how many of its incidents cannot be posted."""
_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The process's counters; one registry for each, so that tests may make several."""

    def __init__(self, clusters: Clusters) -> None:
        self.registry = CollectorRegistry()
        self.acknowledged = Histogram(
            "elb_passthrough_acknowledge_seconds",
            "From a request of Slack's to its acknowledgement, its commit included",
            buckets=_FAST,
            registry=self.registry,
        )
        self.refused = Counter(
            "elb_passthrough_requests_refused",
            "Requests with a wrong or old signature",
            registry=self.registry,
        )
        self._jobs = Histogram(
            "elb_passthrough_job_seconds", "Attempts at jobs", ["kind", "outcome"], registry=self.registry
        )
        self._incidents = Gauge(
            "elb_passthrough_incidents",
            "Incidents that are not over, told or listed; counted by the replica that tells them",
            ["cluster", "severity"],
            registry=self.registry,
        )
        self.findings: Findings = tuple
        """Who counts findings, once somebody does."""
        self.unheard: Unheard = tuple
        """Who counts incidents that cannot be posted, once somebody does."""
        self.registry.register(_Clusters(clusters))
        self.registry.register(_Findings(self))
        self.registry.register(_Unheard(self))

    def observe(self, kind: str, outcome: str, seconds: float) -> None:
        """Count one attempt at a job."""
        self._jobs.labels(kind, outcome).observe(seconds)

    def incidents(self, cluster: str, live: Mapping[Severity, int]) -> None:
        """Set how many incidents of a cluster are not over."""
        for severity in Severity:
            self._incidents.labels(cluster, severity.value).set(live.get(severity, 0))

    def text(self) -> bytes:
        """Return the exposition."""
        return generate_latest(self.registry)


class _Clusters(Collector):
    """Asked at each scrape, so that a dead watch shows as growing age."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    def collect(self) -> Iterable[GaugeMetricFamily]:
        synced = GaugeMetricFamily(
            "elb_passthrough_cluster_synced", "Whether the cache is complete", labels=["cluster"]
        )
        age = GaugeMetricFamily(
            "elb_passthrough_cluster_age_seconds",
            "Since the API server was last heard of",
            labels=["cluster"],
        )
        for name in self._clusters.names():
            freshness = self._clusters.get(name).freshness()
            synced.add_metric([name], float(freshness.synced))
            if freshness.age is not None:
                age.add_metric([name], freshness.age)
        return (synced, age)


class _Findings(Collector):
    """Counted at each scrape: what a cluster has no longer is not there any more."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[GaugeMetricFamily]:
        found = GaugeMetricFamily(
            "elb_passthrough_findings",
            "Services with a finding, told or not; counted by every replica",
            labels=["cluster", "code", "severity"],
        )
        for cluster, code, severity, services in self._metrics.findings():
            found.add_metric([cluster, code, severity.value], float(services))
        return (found,)


class _Unheard(Collector):
    """Counted at each scrape, by whoever tells a cluster then."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[GaugeMetricFamily]:
        found = GaugeMetricFamily(
            "elb_passthrough_incidents_unheard",
            "Incidents that cannot be posted, for their channel is archived or the bot is not in it",
            labels=["cluster"],
        )
        for cluster, incidents in self._metrics.unheard():
            found.add_metric([cluster], float(incidents))
        return (found,)
