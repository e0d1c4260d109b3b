"""`bot.ports.Resolver`, as this machine resolves names."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence

from bot.ports import NotFound, Unavailable

_NAME = re.compile(
    r"(?=.{4,253}\Z)([0-9a-z_]([0-9a-z_-]{0,61}[0-9a-z_])?\.)+[a-z]([0-9a-z-]{0,61}[0-9a-z])?", re.ASCII
)
"""A name with a domain, whose last part is no number: `localhost` and `127.1` are none."""
_LASTING = {socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_FAIL}

Ask = Callable[[str], Awaitable[Sequence[str]]]


class SystemResolver:
    """Asks the operating system, without its search domains: the name is taken from the root."""

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask = ask or _system

    async def addresses(self, name: str) -> Sequence[str]:
        """Resolve a name; each address once, in order."""
        plain = name.lower().removesuffix(".")
        if not _NAME.fullmatch(plain):
            raise NotFound("it is no full host name")
        try:
            found = await self._ask(f"{plain}.")
        except socket.gaierror as error:
            kind = NotFound if error.errno in _LASTING else Unavailable
            raise kind("the name has no address" if kind is NotFound else "no name server answers") from error
        except UnicodeError as error:
            raise NotFound("it is no full host name") from error
        return list(dict.fromkeys(found))


async def _system(name: str) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
