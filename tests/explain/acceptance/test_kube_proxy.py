"""Who reaches the address by kube-proxy's own rules: mode by version by policy by client.

Two backends (node-a, node-b); node-c has none. Outside clients arrive at node ports, client addresses are kept.
Sources: pkg/proxy/{iptables,ipvs,nftables}/proxier.go of the versions named, TestLoadBalancer,
TestExternalTrafficPolicyLocal, TestExternalTrafficPolicyCluster, and a real kube-proxy 1.36 watched on the wire.
"""

from collections.abc import Callable
from itertools import product

import pytest

from .situation import Situation, usual
from .table import rows
from .world import CLIENTS, Document, plain

# modes | versions | policy | clients | verdict | way | endpoints | source | ends
TABLE = """
# Cluster: every mode and version masquerades and uses all endpoints (KUBE-EXT, KUBE-LOAD-BALANCER, external chain).
iptables,ipvs  1.14.10,1.19.16,1.23.4,1.24.0,1.29.1,1.36.0  Cluster  client-a,client-c,stray-a,stray-c  yes direct both node deliver
iptables,ipvs  1.14.10,1.15.12,1.23.4,1.25.1,1.28.3,1.34.1  Cluster  node-a,node-c,agent-a,agent-c,web-a  yes direct both node deliver
nftables       1.29.1,1.31.0,1.33.1,1.34.1  Cluster  client-a,client-c,stray-c,node-a,node-c,agent-c,web-a  yes direct both node deliver
iptables,ipvs  1.14.10,1.24.0,1.36.0  Cluster  outside  yes lb both node deliver
nftables       1.31.0,1.36.0  Cluster  outside  yes lb both node deliver

# Local, a Pod that is recognised: as if it went out and came back in (iptables/proxier.go at 1.14:1214, 1.30:1251).
iptables  1.14.10,1.15.12,1.19.16,1.23.4,1.24.0,1.25.1,1.26.3,1.28.3,1.30.3,1.36.0  Local  client-a,client-c  yes direct both preserved deliver
nftables  1.29.1,1.30.3,1.31.0,1.33.1,1.34.1,1.36.0  Local  client-a,client-c  yes direct both preserved deliver
# A Pod outside of clusterCIDR is a stranger: local endpoints or nothing.
iptables  1.14.10,1.19.16,1.24.0,1.25.1,1.30.3,1.36.0  Local  stray-a  yes direct a preserved deliver
iptables  1.14.10,1.19.16,1.24.0,1.25.1,1.30.3,1.36.0  Local  stray-c  no  direct - -         drop
nftables  1.30.3,1.33.1,1.36.0  Local  stray-a  yes direct a preserved deliver
nftables  1.30.3,1.33.1,1.36.0  Local  stray-c  no  direct - -         drop
# Host processes: only since #77523 (1.15).
iptables  1.14.10  Local  node-a,agent-a  yes direct a *  deliver
iptables  1.14.10  Local  node-c,agent-c  no  direct - -  drop
iptables  1.15.12,1.19.16,1.23.4,1.24.0,1.25.1,1.28.3,1.30.3,1.36.0  Local  node-a,agent-a,node-c,agent-c  yes direct both node deliver
# nftables: a host without a local endpoint is dropped on output until 1.34 (#131765, #132456).
nftables  1.29.1,1.30.3,1.31.0,1.33.1,1.34.1,1.36.0  Local  node-a,agent-a  yes direct both node deliver
nftables  1.29.1,1.30.3,1.31.0,1.33.1  Local  node-c,agent-c  no  direct -    -    drop
nftables  1.34.1,1.36.0                Local  node-c,agent-c  yes direct both node deliver
# A backend that may pick itself is masqueraded then (KUBE-SEP), and keeps its address otherwise.
iptables  1.14.10,1.24.0,1.30.3,1.36.0  Local  web-a  yes direct both unknown deliver
nftables  1.30.3,1.34.1  Local  web-a  yes direct both unknown deliver

# IPVS, Local: the virtual server holds this node's endpoints; none: empty until 1.23, all from 1.24 (#97081).
ipvs  1.14.10,1.19.16,1.23.4,1.24.0,1.26.3,1.30.3,1.36.0  Local  client-a,stray-a  yes direct a preserved deliver
ipvs  1.14.10,1.19.16,1.23.4  Local  client-c,stray-c,node-c,agent-c  no direct - - reject
ipvs  1.24.0,1.25.1,1.28.3,1.30.3,1.36.0  Local  client-c,stray-c  yes direct both preserved deliver
ipvs  1.24.0,1.25.1,1.28.3,1.30.3,1.36.0  Local  node-c,agent-c  no direct - - reply-lost
ipvs  1.14.10,1.23.4,1.24.0,1.36.0  Local  node-a,agent-a  yes direct a lb deliver
ipvs  1.14.10,1.23.4,1.24.0,1.36.0  Local  web-a  yes direct a node deliver

# Outside, Local: the load balancer picks nodes with a ready endpoint; the client is kept.
iptables,ipvs  1.14.10,1.23.4,1.24.0,1.36.0  Local  outside  yes lb both preserved deliver
nftables       1.31.0,1.33.1,1.36.0  Local  outside  yes lb both preserved deliver
"""

NO_DETECTOR = """
iptables  1.14.10,1.19.16,1.25.1,1.36.0  Local    client-a  yes direct a preserved deliver
iptables  1.14.10,1.19.16,1.25.1,1.36.0  Local    client-c  no  direct - -         drop
iptables  1.19.16,1.36.0                 Local    node-c    yes direct both node   deliver
iptables  1.24.0,1.36.0                  Local    web-a     yes direct a node      deliver
iptables  1.19.16,1.36.0                 Cluster  client-c  yes direct both node   deliver
nftables  1.31.0,1.36.0                  Local    client-a  yes direct a preserved deliver
nftables  1.31.0,1.36.0                  Local    client-c  no  direct - -         drop
nftables  1.36.0                         Local    node-c    yes direct both node   deliver
ipvs      1.23.4                         Local    client-c  no  direct - -         reject
ipvs      1.24.0,1.36.0                  Local    client-c  yes direct both preserved deliver
ipvs      1.24.0,1.36.0                  Local    node-c    no  direct - -         reply-lost
"""

ARRIVES = """
# policy decides at the node that the load balancer picked, whatever its health check says
iptables  1.14.10,1.24.0,1.25.1,1.36.0  Cluster  node-c  yes lb both node deliver
ipvs      1.14.10,1.24.0,1.36.0         Cluster  node-c  yes lb both node deliver
nftables  1.31.0,1.36.0                 Cluster  node-c  yes lb both node deliver
iptables  1.14.10,1.24.0,1.25.1,1.36.0  Local    node-c  no  lb - - drop
nftables  1.31.0,1.33.1,1.34.1,1.36.0   Local    node-c  no  lb - - drop
ipvs      1.14.10,1.19.16,1.23.4        Local    node-c  no  lb - - reject
ipvs      1.24.0,1.28.3,1.36.0          Local    node-c  no  lb - - reply-lost
iptables  1.14.10,1.24.0,1.36.0         Local    node-a  yes lb a preserved deliver
ipvs      1.14.10,1.24.0,1.36.0         Local    node-b  yes lb b preserved deliver
nftables  1.31.0,1.36.0                 Local    node-b  yes lb b preserved deliver
"""


def spread(
    text: str, facts: Callable[[str, str], Document], source: str, *, arrives: bool = False
) -> list[Situation]:
    """One situation per mode, version and client of every line."""
    return [
        Situation(
            name=f"{mode} {version} {policy} {client}",
            documents=usual(facts(mode, version), policy=policy),
            options=("--from", "external", "--arrives-at", client)
            if arrives
            else ("--from", CLIENTS[client]),
            cells=" ".join(cells),
            source=source,
        )
        for modes, versions, policy, clients, *cells in rows(text)
        for mode, version, client in product(modes.split(","), versions.split(","), clients.split(","))
    ]


def undetected(mode: str, version: str) -> Document:
    """Without --cluster-cidr and --detect-local-mode."""
    return plain(mode, version, kubeProxy={"localDetector": False, "clusterCIDR": None})


def as_vip(mode: str, version: str) -> Document:
    """The load balancer leaves the destination as it is."""
    return plain(mode, version, loadBalancer={"delivery": "vip"})


SITUATIONS = [
    *spread(TABLE, plain, "proxier.go of the version; TestExternalTrafficPolicyLocal, …Cluster"),
    *spread(NO_DETECTOR, undetected, "iptables/proxier.go at v1.30:1251, localDetector.IsImplemented"),
    *spread(ARRIVES, plain, "TestExternalTrafficPolicyLocal: external to NodePort", arrives=True),
    *spread(ARRIVES, as_vip, "TestExternalTrafficPolicyLocal: external to LB IP", arrives=True),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_a_client_fares_as_kube_proxy_of_this_mode_and_version_treats_it(situation: Situation) -> None:
    """The tables above, all facts known."""
    assert situation.differences() == {}
