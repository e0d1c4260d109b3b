"""What the cloud's API tells of one load balancer that a path or a finding reads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudBalancer:
    """One load balancer, as it was when the cloud was last asked."""

    kind: str
    """union | performance: the values of elb.class."""
    members: int = 0
    unhealthy: tuple[str, ...] = ()
    """ADDRESS:PORT of the members that fail the health check."""
