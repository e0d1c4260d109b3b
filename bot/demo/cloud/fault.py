"""What can be wrong with a cloud service, on purpose."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from bot.demo.cloud.answer import gateway_error, service_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How a service misbehaves: late by `latency` seconds, silent, or with an error status.

    `times` counts the requests that it still hits; None hits all of them.
    """

    latency: float = 0.0
    hang: bool = False
    status: HTTPStatus | None = None
    times: int | None = None


class Faults:
    """The fault of each service, if it has one."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._left: dict[str, int] = {}
        self._released = asyncio.Event()

    def set(self, service: str, fault: Fault | None) -> None:
        """Let a service misbehave from now on, or (None) behave again."""
        self._faults.pop(service, None)
        self._left.pop(service, None)
        if fault is not None:
            self._faults[service] = fault
            if fault.times is not None:
                self._left[service] = fault.times

    def release(self) -> None:
        """Let every hanging request go."""
        self._released.set()

    async def apply(self, service: str) -> web.Response | None:
        """Do what the fault says; an answer where it replaces the service's own."""
        fault = self._faults.get(service)
        if fault is None or not self._hits(service):
            return None
        if fault.latency:
            await asyncio.sleep(fault.latency)
        if fault.hang:
            await self._released.wait()
        return self._error(service, fault.status) if fault.status else None

    def _hits(self, service: str) -> bool:
        left = self._left.get(service)
        if left is None:
            return True
        self._left[service] = left - 1
        return left > 0

    def _error(self, service: str, status: HTTPStatus) -> web.Response:
        match status:
            case HTTPStatus.TOO_MANY_REQUESTS:
                text = "The throttling threshold has been reached: policy user over ratelimit,limit:60,time:1 minute"
                return gateway_error(status, "APIGW.0308", text)
            case HTTPStatus.FORBIDDEN:
                text = f"Policy doesn't allow [{service}:*:get] to be performed"
                return service_error(service, status, text, "ces.0017" if service == "ces" else None)
            case _:
                return service_error(service, status, "Internal service error.")
