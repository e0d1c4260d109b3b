"""The annotation keys of a CCE load balancer, and which of them a key that is none of them was meant to be."""

from difflib import SequenceMatcher
from functools import lru_cache

DOMAIN = "kubernetes.io"
READ = (
    "elb.pass-through",
    "elb.class",
    "elb.id",
    "elb.autocreate",
    "elb.transparent-client-ip",
    "elb.protocol-port",
    "elb.cert-id",
    "elb.acl-id",
    "elb.health-check-flag",
    "elb.lb-algorithm",
    "hws-hostNetwork",
)
"""Those that a path or a finding depends on."""
_NAMES = (
    "acl-status acl-type actions adaptive-weight canary canary-weight client-ca-cert-id client_timeout conditions "
    "cors-allow-credentials cors-allow-headers cors-allow-methods cors-allow-origin cors-expose-headers "
    "cors-max-age custom-eip-id custom-eip-status eip-id enable-cross-vpc enable-transparent-client-ip "
    "enterpriseID gzip-enabled headers health-check-option health-check-options http2-enable ingress-order "
    "instance-reclaim-policy ip keepalive_timeout keep-listener l4-flavor-name l7-flavor-name listen-ports "
    "listener-master-ingress mark member_timeout pool-protocol port proxy-protocol-enable rewrite-target "
    "rule-priority-enabled security security-pool-protocol security_policy_id session-affinity-flag "
    "session-affinity-mode session-affinity-option slow-start slowstart ssl-redirect subnet-id tags "
    "tls-certificate-id tls-certificate-ids tls-ciphers-policy virsubnet-id x-forwarded-clientcert "
    "x-forwarded-for-port x-forwarded-host x-forwarded-port"
)
OTHERS = frozenset(f"elb.{name}" for name in _NAMES.split())
"""Further ones of cce_10_0385 and its neighbours, of cce_10_0251 (Ingress), and of the open controller."""
_NAME_ALIKE, _DOMAIN_ALIKE = 0.85, 0.75


@lru_cache(maxsize=4096)
def meant(key: str) -> str:
    """The key that this one is nearly, but not quite; empty where it is one, or near none."""
    domain, _, name = key.rpartition("/")
    right = domain == DOMAIN
    if (right and name in READ) or name in OTHERS or not _is_domain(domain):
        return ""
    best = max(READ, key=lambda each: _likeness(name, each))
    return f"{DOMAIN}/{best}" if _likeness(name, best) >= _NAME_ALIKE else ""


def _is_domain(text: str) -> bool:
    """Whether this was meant for the domain of CCE's keys: right, left out, or misspelt."""
    return text in {"", "k8s.io"} or SequenceMatcher(None, text.lower(), DOMAIN).ratio() >= _DOMAIN_ALIKE


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _bare(one), _bare(other)).ratio()


def _bare(name: str) -> str:
    """Letters and digits alone: whatever else differs is easily mistyped."""
    return "".join(each for each in name.lower() if each.isalnum())
