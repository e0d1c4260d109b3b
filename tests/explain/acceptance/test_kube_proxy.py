"""Who reaches the address by kube-proxy's own rules: mode by version by policy by client.

Two backends (node-a, node-b); node-c has none. Outside clients arrive at node ports, client addresses are kept.
Sources: pkg/proxy/{iptables,ipvs,nftables}/proxier.go of the versions named, TestLoadBalancer,
TestExternalTrafficPolicyLocal, TestExternalTrafficPolicyCluster, and a real kube-proxy 1.36 watched on the wire.
"""

from itertools import product

import pytest

from .asking import contradictions, explain
from .table import expected, rows
from .world import CLIENTS, WEB_A, WEB_B, cluster, plain, service, slice_of

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


def spread(text):
    """One situation per mode, version and client."""
    return [
        pytest.param(mode, version, policy, client, cells, id=f"{mode}-{version}-{policy}-{client}")
        for modes, versions, policy, clients, *cells in rows(text)
        for mode, version, client in product(modes.split(","), versions.split(","), clients.split(","))
    ]


def ask(facts, policy, *options):
    """The one path of the usual Service in the usual cluster."""
    documents = [facts, service(policy=policy), slice_of("web", [WEB_A, WEB_B]), *cluster()]
    answer = explain(documents, *options)
    assert answer.status == 0, answer.err
    return answer.path


def judge(path, cells):
    """Hold the answer to its line of the table."""
    assert expected(*cells).differs(path) == {}
    assert contradictions(path) == []


@pytest.mark.parametrize(("mode", "version", "policy", "client", "cells"), spread(TABLE))
def test_a_client_fares_as_kube_proxy_of_this_mode_and_version_treats_it(mode, version, policy, client, cells):
    """The table above, all facts known."""
    judge(ask(plain(mode, version), policy, "--from", CLIENTS[client]), cells)


@pytest.mark.parametrize(("mode", "version", "policy", "client", "cells"), spread(NO_DETECTOR))
def test_without_a_detector_pods_are_strangers(mode, version, policy, client, cells):
    """iptables and nftables know local Pods by the detector alone; IPVS has none to miss."""
    proxy = {"localDetector": False, "clusterCIDR": None}
    judge(ask(plain(mode, version, kubeProxy=proxy), policy, "--from", CLIENTS[client]), cells)


@pytest.mark.parametrize("delivery", ["nodeport", "vip"])
@pytest.mark.parametrize(("mode", "version", "policy", "node", "cells"), spread(ARRIVES))
def test_the_node_that_the_packet_arrives_at_decides(mode, version, policy, node, cells, delivery):
    """Outside, `--arrives-at`: pkg/proxy TestExternalTrafficPolicyLocal “external to LB IP / NodePort”."""
    told = plain(mode, version, loadBalancer={"delivery": delivery})
    judge(ask(told, policy, "--from", "external", "--arrives-at", node), cells)
