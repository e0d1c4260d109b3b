"""A client with what a walk needs of it."""

from dataclasses import dataclass

from bot.domain.explanation import Client
from bot.domain.packet import Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Traveller:
    """A client: what nodes take it for, where it runs, from which address it speaks.

    `addresses` are its own, a host process' are its node's; empty where they are not known. `name` is its name as
    an endpoint, to notice that it reaches itself.
    """

    client: Client
    sender: Sender
    node: str = ""
    addresses: tuple[str, ...] = ()
    name: str = ""

    def address(self, family: str) -> str | None:
        """The address of that family, None where it is not known."""
        for address in self.addresses:
            if (":" in address) == (family == "IPv6"):
                return address
        return None
