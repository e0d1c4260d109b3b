"""kube-proxy in nftables mode (alpha 1.29, GA 1.33): iptables' decisions, refusals at other hooks.

Sources: kubernetes pkg/proxy/nftables/proxier.go; #131765, #132456 and #133969 (1.34).
"""

from collections.abc import Mapping
from typing import ClassVar

from bot.demo.dataplane.chains import Flight
from bot.demo.dataplane.iptables import HOOKS, IptablesRules
from bot.demo.dataplane.packet import Entry, Fate

CHECKED_AFTER_NAT = 34  # #132456: until then filter-output ran before dnat


class NftablesRules(IptablesRules):
    """The kube-proxy table of one node."""

    # Observed with kube-proxy 1.36: a host client is refused too where nobody is behind the address.
    hooks: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **HOOKS,
        "OUTPUT": (*HOOKS["OUTPUT"], "KUBE-EXTERNAL-SERVICES"),
    }

    def before_nat(self, flight: Flight, entry: Entry) -> Fate | None:
        """Until 1.34 a host client's packet was checked for endpoints before it was translated."""
        if entry is Entry.OUTPUT and self.options.minor < CHECKED_AFTER_NAT:
            return self.run_filter(("KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES"), flight)
        return None
