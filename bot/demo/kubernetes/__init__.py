"""The simulated Kubernetes of the demo and of the tests: API server, kubelets, controllers and CCE's own parts."""

from bot.demo.kubernetes.access import Rule, User
from bot.demo.kubernetes.cluster import Cluster
from bot.demo.kubernetes.server import ApiServer
from bot.demo.kubernetes.storage import Storage

__all__ = ["ApiServer", "Cluster", "Rule", "Storage", "User"]
