"""Where people find a cluster's load balancers in the cloud's own console.

A link is given only to what a public page shows the address of, and only where the settings alone say whose cloud it
is: no name, annotation or answer has a part in it.
"""

from typing import assert_never
from urllib.parse import quote

from bot.config.settings import CloudSettings, Provider
from bot.operations.world import World

_HUAWEICLOUD = "https://console.huaweicloud.com/vpc/?region={region}#/elb/list"
"""The list of load balancers, which the vendor's README of huaweicloud-solution-website-om-based-on-log-tank-service
calls the "ELB console". The page of one load balancer is documented nowhere."""
_OTC = "https://console.otc.t-systems.com/console/?region={region}#/home"
"""The console's first page in that region: no page says where the load balancers are."""

_EUROPE = "eu-west-101"
"""Huawei Cloud Europe, whose console is at another address."""
_OF_OTC = frozenset({"eu-de", "eu-nl"})
"""The regions of that console; the Swiss cloud has its own."""


def console(cloud: CloudSettings | None) -> str:
    """Return the address of a cloud's console in its region; empty where it is not known.

    Whoever configures an ELB endpoint of their own may well run a cloud of their own, with another console.
    """
    if cloud is None or "elb" in cloud.endpoints:
        return ""
    match cloud.provider:
        case Provider.HUAWEICLOUD:
            return "" if cloud.region == _EUROPE else _HUAWEICLOUD.format(region=quote(cloud.region, safe=""))
        case Provider.OTC:
            return _OTC.format(region=cloud.region) if cloud.region in _OF_OTC else ""
        case _:
            assert_never(cloud.provider)


def console_of(world: World, cluster: str) -> str:
    """Return where the console of a cluster's cloud is; empty where that is not known, or the cluster is gone."""
    return console(world.cluster_settings(cluster).cloud) if world.knows(cluster) else ""
