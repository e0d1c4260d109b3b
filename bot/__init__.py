"""elb-passthrough: who reaches a Kubernetes load balancer, how, and how to change it safely."""

__version__ = "0.1.0"
