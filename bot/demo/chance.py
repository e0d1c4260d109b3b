"""Worlds made at random: of any shape, with bad luck of any kind, and the same for the same seed."""

from random import Random
from typing import Literal

from bot.demo.cloud import Metering
from bot.demo.dataplane.balancer import Kind
from bot.demo.dataplane.rules import Mode
from bot.demo.scenario import PROBES, BalancerSpec, NoiseSpec, Scenario, deployment, nodes, service
from bot.demo.seam import Json

VIP, EIP = "192.168.10.9", "80.158.1.9"
VERSIONS = ("v1.19.16-r4", "v1.23.18-r0", "v1.25.16-r5", "v1.27.16-r2", "v1.29.2-r5", "v1.31.4-r0")
_OLDEST_NFTABLES = "v1.31"


def scenario(seed: int, *, period: float = 60.0) -> Scenario:
    """One load balancer with a Service `shop/checkout`, and maybe one `shop/api`; metrics every `period` seconds.

    Versions with nftables are those where it is not alpha any more. A Turbo cluster keeps policy Cluster, for
    Local is not supported there with Pods that have a network of their own (cce_10_0249).
    """
    dice = Random(seed)
    version = dice.choice(VERSIONS)
    modes: list[Mode] = ["iptables", "ipvs", *_maybe_nftables(version)]
    turbo = dice.random() < 0.2  # noqa: PLR2004 - one world in five
    balancer = BalancerSpec(name="shop-elb", kind=dice.choice(_KINDS), vip=VIP, eip=dice.choice((EIP, None)))
    placed = nodes(dice.randint(2, 5))
    return Scenario(
        version=version,
        mode=dice.choice(modes),
        category="turbo" if turbo else "standard",
        cluster_cidr=dice.choices(("10.0.0.0/16", None), (9, 1))[0],
        nodes=placed,
        namespaces=("shop", PROBES),
        balancers=(balancer,),
        manifests=_manifests(dice, balancer, turbo=turbo, most=len(placed)),
        noise=_noise(dice, balancer),
        frozen=_some(dice, [node.name for node in placed], share=0.1),
        unhealthy=tuple((balancer.name, a) for a in _some(dice, [n.address for n in placed], share=0.05)),
        sync_delay=dice.choice((0.05, 0.3, 2.0)),
        metering=_metering(dice, period),
        seed=seed,
    )


_KINDS: tuple[Kind, Kind] = ("shared", "dedicated")
_IDLE: tuple[Literal["zero", "missing"], ...] = ("zero", "missing")
_STAMPS: tuple[Literal["start", "end"], ...] = ("start", "end")
_POLICIES: tuple[Literal["Cluster", "Local"], ...] = ("Cluster", "Cluster", "Local")


def _maybe_nftables(version: str) -> tuple[Mode, ...]:
    return ("nftables",) if version >= _OLDEST_NFTABLES else ()


def _manifests(dice: Random, balancer: BalancerSpec, *, turbo: bool, most: int) -> tuple[Json, ...]:
    """The shop's checkout on port 443, and in one world of four a sibling on the same load balancer."""
    made = _workload(dice, balancer, "checkout", 443, turbo=turbo, most=most)
    if dice.random() < 1 / 4:
        made += _workload(dice, balancer, "api", 8443, turbo=turbo, most=most)
    return made


def _workload(
    dice: Random, balancer: BalancerSpec, name: str, port: int, *, turbo: bool, most: int
) -> tuple[Json, ...]:
    extra = {"pass_through": "true"} if dice.random() < 1 / 3 else {}
    if dice.random() < 1 / 3:
        extra["protocol_port"] = f"https:{port}"
    image = f"registry.example/shop/{name}:3.4"
    workload = deployment("shop", name, replicas=dice.randint(1, most), image=image, port=8080)
    front = service(
        "shop",
        name,
        port=port,
        target=8080,
        policy="Cluster" if turbo else dice.choice(_POLICIES),
        class_="union" if balancer.kind == "shared" else "performance",
        id=balancer.id,
        **extra,
    )
    return workload, front


def _noise(dice: Random, balancer: BalancerSpec) -> tuple[NoiseSpec, ...]:
    rate = dice.choice((0.0, 0.0, 0.5, 5.0, 50.0))
    quiet = balancer.eip is None or not rate
    return () if quiet else (NoiseSpec(address=balancer.eip or "", port=443, rate=rate),)


def _some(dice: Random, names: list[str], *, share: float) -> tuple[str, ...]:
    return tuple(name for name in names if dice.random() < share)


def _metering(dice: Random, period: float) -> Metering:
    return Metering(
        period=period,
        delay=period * dice.choice((0.0, 0.5, 1.0, 3.0)),
        idle=dice.choice(_IDLE),
        drop=dice.choice((0.0, 0.0, 0.05, 0.3)),
        decimals=dice.choice((None, 2, 0)),
        stamp=dice.choice(_STAMPS),
        seed=dice.randrange(2**16),
    )
