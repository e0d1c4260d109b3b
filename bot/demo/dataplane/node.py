"""A simulated node: its kube-proxy follows the API some time late, and can be told not to."""

import asyncio
from collections.abc import Callable
from random import Random

from bot.demo.dataplane.iptables import IptablesRules
from bot.demo.dataplane.ipvs import IpvsRules
from bot.demo.dataplane.nftables import NftablesRules
from bot.demo.dataplane.packet import Entry, Handling, Packet
from bot.demo.dataplane.picture import Picture
from bot.demo.dataplane.rules import Mode, ProxyOptions, Rules

_WRITERS: dict[Mode, Callable[[Picture, ProxyOptions], Rules]] = {
    "iptables": IptablesRules,
    "ipvs": IpvsRules,
    "nftables": NftablesRules,
}


class ProxyNode:
    """One node's rules, written `delay` seconds after the first change since the last writing.

    A delay of 0 writes them before the next packet, which needs no event loop.
    """

    def __init__(self, picture: Picture, options: ProxyOptions, mode: Mode, delay: float) -> None:
        self._picture = picture
        self._mode = mode
        self._timer: asyncio.TimerHandle | None = None
        self._settled = asyncio.Event()
        self.options = options
        self.delay = delay
        self.frozen = False
        self.failed = False
        self.written = 0
        self._dirty = False
        self._rules = self._write()

    @property
    def rules(self) -> Rules:
        """The rules as they are programmed now."""
        if self._dirty and not self.frozen and self.delay <= 0:
            self._rules = self._write()
        return self._rules

    def handle(self, packet: Packet, entry: Entry, dice: Random) -> Handling:
        """Put a packet through the rules programmed now."""
        return self.rules.handle(packet, entry, dice)

    def changed(self) -> None:
        """Note that the API's objects changed, and write the rules when the delay is over."""
        self._dirty = True
        self._settled.clear()
        if not self.frozen and self.delay > 0 and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.delay, self._sync)

    def freeze(self) -> None:
        """Stop following the API: the rules stay as they are."""
        self.frozen = True
        self.stop()

    def thaw(self) -> None:
        """Follow the API again, with all that was missed."""
        self.frozen = False
        if self._dirty:
            self.changed()

    def stop(self) -> None:
        """Write no more rules."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def settled(self) -> None:
        """Wait until the rules hold every change known so far; a frozen node never gets there."""
        if self._dirty and (self.frozen or self.delay > 0):
            await self._settled.wait()

    def _sync(self) -> None:
        self._timer = None
        self._rules = self._write()

    def _write(self) -> Rules:
        self._dirty = False
        self.written += 1
        self._settled.set()
        return _WRITERS[self._mode](self._picture, self.options)
