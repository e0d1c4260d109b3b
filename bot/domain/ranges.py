"""Whether an address lies in address blocks, remembered because the same ones are asked again and again."""

import ipaddress
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def network(text: str) -> Network:
    """Read an address block; host bits are dropped."""
    return ipaddress.ip_network(text.strip(), strict=False)


@lru_cache(maxsize=65536)
def contains(blocks: tuple[str, ...], address: str) -> bool:
    """Whether one of the blocks holds the address."""
    ip = ipaddress.ip_address(address)
    return any(ip in network(block) for block in blocks)


def of_family(blocks: tuple[str, ...], family: str) -> tuple[str, ...]:
    """The blocks of one address family, `IPv4` or `IPv6`; kube-proxy keeps a Service's families apart."""
    return tuple(block for block in blocks if (":" in block) == (family == "IPv6"))


@lru_cache(maxsize=1024)
def covers_everything(blocks: tuple[str, ...], family: str) -> bool:
    """Whether every address of the family lies in one of the blocks."""
    mine = map(network, of_family(blocks, family))
    if family == "IPv6":
        six = (block for block in mine if isinstance(block, ipaddress.IPv6Network))
        return ipaddress.IPv6Network("::/0") in ipaddress.collapse_addresses(six)
    four = (block for block in mine if isinstance(block, ipaddress.IPv4Network))
    return ipaddress.IPv4Network("0.0.0.0/0") in ipaddress.collapse_addresses(four)


def family_of(address: str) -> str:
    """`IPv6` or `IPv4`."""
    return "IPv6" if ":" in address else "IPv4"
