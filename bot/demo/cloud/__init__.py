"""A simulated cloud: ELB v3, Cloud Eye, CCE and IAM on one loopback port."""

from bot.demo.cloud.accounts import AccessKey, Accounts, Login
from bot.demo.cloud.cce import ClusterRecord
from bot.demo.cloud.fault import Fault
from bot.demo.cloud.series import Metering
from bot.demo.cloud.server import CloudServer

__all__ = ["AccessKey", "Accounts", "CloudServer", "ClusterRecord", "Fault", "Login", "Metering"]
