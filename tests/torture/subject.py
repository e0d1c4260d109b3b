"""What the changes of a torture are about: single Services, Services that need two approvals, groups on one ELB."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from bot.demo.scenario import BalancerSpec, Scenario, deployment, nodes, service

KEY = "kubernetes.io/elb.pass-through"
REQUESTER = "U01ALICE"
APPROVERS = ("U02BOB", "U06CAROL", "U07DAVE")
GROUP = "S0SRE"
"""The approvers as a user group."""
CHANNELS = 40
"""The bot keeps to one message a second in a channel, so that many channels are faster."""
TWICE = "pay"
"""The namespace whose policy asks for two approvals."""
_ROUND = 5
_PORTS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The Services that one change is about; under IPVS they are all on one load balancer."""

    number: int
    services: tuple[str, ...]
    """NAMESPACE/NAME; the first is the one that people name."""
    refused: bool = False
    """Whether a webhook refuses the patch of the one that people name, which is sent last."""

    @property
    def named(self) -> str:
        """What people write after the subcommand."""
        return self.services[0]

    @property
    def group(self) -> bool:
        """Whether several Services go together."""
        return len(self.services) > 1

    @property
    def approvals(self) -> int:
        """How many people must say yes: as many as the strictest namespace asks for."""
        return 2 if any(name.startswith(f"{TWICE}/") for name in self.services) else 1

    @property
    def channel(self) -> str:
        """Where it is proposed."""
        return f"C0T{self.number % CHANNELS:03}"

    @property
    def balancer(self) -> BalancerSpec:
        """The load balancer that its Services share."""
        n = self.number
        vip = f"192.168.{20 + n // _PORTS}.{n % _PORTS + 1}"
        return BalancerSpec(name=f"elb-{n:03}", kind="shared", vip=vip)


@cache
def subject(number: int) -> Subject:
    """Of five, one is a group of three in two namespaces, one needs two approvals; a third of the groups is refused."""
    match number % _ROUND:
        case 1:
            places = (("shop", "a"), ("shop", "b"), (TWICE, "c"))
            names = tuple(f"{space}/set-{number:03}-{letter}" for space, letter in places)
            return Subject(number=number, services=names, refused=number // _ROUND % 3 == 2)
        case 3:
            return Subject(number=number, services=(f"{TWICE}/web-{number:03}",))
    return Subject(number=number, services=(f"shop/web-{number:03}",))


def number_of(service: str) -> int:
    """Return the number in a Service's name."""
    return int(service.partition("-")[2][:3])


def scenario(count: int) -> Scenario:
    """A cluster in IPVS mode with everything that so many changes are about."""
    subjects = [subject(number) for number in range(count)]
    return Scenario(
        mode="ipvs",
        nodes=nodes(2),
        namespaces=("shop", TWICE, "elb-passthrough"),
        balancers=tuple(each.balancer for each in subjects),
        manifests=(
            deployment("shop", "web", replicas=2, image="registry.example/web", port=8080),
            *(manifest for each in subjects for manifest in _manifests(each)),
        ),
    )


def _manifests(each: Subject) -> Iterator[dict[str, object]]:
    for place, full in enumerate(each.services):
        space, _, name = full.partition("/")
        yield service(space, name, port=80 + place, target=8080, class_="union", id=each.balancer.id)
