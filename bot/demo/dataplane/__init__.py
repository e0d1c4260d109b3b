"""A simulated network: kube-proxies' rule tables, load balancers, and connections that walk through them."""

from bot.demo.dataplane.noise import Noise
from bot.demo.dataplane.plane import DataPlane
from bot.demo.dataplane.walk import Journey

__all__ = ["DataPlane", "Journey", "Noise"]
