"""Host names, in our words."""

from collections.abc import Sequence
from typing import Protocol


class Resolver(Protocol):
    """The names of the network that the bot is in."""

    async def addresses(self, name: str) -> Sequence[str]:
        """Return every address that a host name has now, IPv4 and IPv6.

        Raises:
            NotFound: it has none.
            Unavailable: nobody answers.
        """
        ...
