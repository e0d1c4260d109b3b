"""Host names as this machine resolves them; nobody outside is asked here."""

import socket
from collections.abc import Sequence

import pytest

from bot.adapters.resolver import SystemResolver
from bot.ports import NotFound, Unavailable


@pytest.mark.parametrize(
    "name",
    ["", "localhost", "lb", "127.1", "2130706433", "0x7f.1", "a..b", "-a.example", "a b.example", "x" * 300],
)
async def test_only_a_full_host_name_is_asked_for(name: str) -> None:
    """What a resolver would read as an address, or look up in the bot's own search domains, is no host name."""
    asked: list[str] = []

    async def ask(name: str) -> Sequence[str]:
        asked.append(name)
        return ["127.0.0.1"]

    with pytest.raises(NotFound):
        await SystemResolver(ask).addresses(name)
    assert asked == []


async def test_every_address_comes_once_and_the_name_is_taken_from_the_root() -> None:
    """With its final dot no search domain is tried."""
    asked: list[str] = []

    async def ask(name: str) -> Sequence[str]:
        asked.append(name)
        return ["10.9.0.9", "2001:db8::9", "10.9.0.9"]

    assert await SystemResolver(ask).addresses("LB.example.com") == ["10.9.0.9", "2001:db8::9"]
    assert asked == ["lb.example.com."]


@pytest.mark.parametrize(
    ("number", "error"), [(socket.EAI_NONAME, NotFound), (socket.EAI_AGAIN, Unavailable)]
)
async def test_a_name_that_is_not_there_is_told_from_nobody_answering(
    number: int, error: type[Exception]
) -> None:
    """The first stays so; the second may pass."""

    async def ask(_: str) -> Sequence[str]:
        raise socket.gaierror(number, "no")

    with pytest.raises(error):
        await SystemResolver(ask).addresses("lb.example.com")
