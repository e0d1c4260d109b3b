"""Questions to the cloud's services: authorised, repeated while it makes sense, and never for long."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import aiohttp
from yarl import URL

from bot.adapters.cloud.clocks import WORTH_SAYING, Clocks
from bot.adapters.cloud.credentials import Answer, Credentials, Signing, Token
from bot.adapters.cloud.endpoints import endpoint
from bot.adapters.cloud.refusal import is_passing, refusal
from bot.adapters.cloud.signing import Query, Request, encoded, escaped
from bot.config.settings import AccessKey, CloudSettings
from bot.ports import Unavailable

Json = dict[str, Any]
Sleep = Callable[[float], Awaitable[None]]

_TRIES = 4
_FIRST = 0.5
_PATIENCE = 10.0
"""Seconds: the longest Retry-After that is waited out; a caller with less time asks again by itself."""
_LARGEST = 8 * 2**20
_REDIRECT = 300


def utc() -> datetime:
    """Return the time now."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one question may take, in seconds."""

    answer: float = 5.0
    """One request."""
    whole: float = 20.0
    """All its repetitions, waits included."""


class OtherShapeError(Unavailable):
    """The answer is no JSON object."""


class Gateway:
    """The cloud's services of one project."""

    def __init__(
        self,
        settings: CloudSettings,
        *,
        session: aiohttp.ClientSession | None = None,
        clock: Callable[[], datetime] = utc,
        sleep: Sleep = asyncio.sleep,
        patience: Patience | None = None,
    ) -> None:
        if settings.credentials is None:
            raise ValueError("a cloud without credentials cannot be asked")
        self._settings = settings
        self._session = session
        self._own = session is None
        self._clock = clock
        self._sleep = sleep
        self._patience = patience or Patience()
        self._random = random.SystemRandom()
        self.clocks = Clocks()
        self._credentials = self._credentials_of(settings)

    async def get(self, service: str, path: str, query: Query = ()) -> Json:
        """Ask one question.

        Raises:
            Forbidden, NotFound, Invalid, Unavailable: As named.
        """
        answer = await self._patiently(service, Request(method="GET", path=path, query=query))
        return _table(service, answer.body)

    async def post(self, service: str, path: str, body: bytes) -> Json:
        """Ask one question that is too long for an address; it changes nothing, so it is repeated like any other.

        Raises:
            Forbidden, NotFound, Invalid, Unavailable: As named.
        """
        answer = await self._patiently(service, Request(method="POST", path=path, body=body))
        return _table(service, answer.body)

    async def pages(self, service: str, path: str, query: Query, items: str) -> AsyncIterator[Json]:
        """Yield the items of every page, following the marker; raises as get."""
        marker = ""
        while True:
            page = await self.get(service, path, [*query, *([("marker", marker)] if marker else [])])
            for item in page.get(items) or []:
                yield item
            following = str((page.get("page_info") or {}).get("next_marker") or "")
            if not following or following == marker:
                return
            marker = following

    def skewed(self) -> str:
        """Say it if this machine's clock and the cloud's differ; empty if they do not."""
        return self.clocks.sentence()

    async def close(self) -> None:
        """Close the connections."""
        if self._own and self._session is not None:
            await self._session.close()
            self._session = None

    # -- one question

    async def _patiently(self, service: str, request: Request) -> Answer:
        try:
            async with asyncio.timeout(self._patience.whole):
                return await self._again(service, request)
        except TimeoutError as error:
            seconds = self._patience.whole
            raise Unavailable(f"{service.upper()} did not answer within {seconds:g} s") from error

    async def _again(self, service: str, request: Request) -> Answer:
        """Repeat what may succeed a moment later; raise what will not."""
        for tries in range(1, _TRIES):
            try:
                answer = await self._authorised(service, request)
            except Unavailable:
                await self._sleep(self._rest(tries, ""))
                continue
            if not is_passing(answer.status):
                return self._good(service, answer)
            await self._sleep(self._rest(tries, answer.headers.get("Retry-After", "")))
        return self._good(service, await self._authorised(service, request))

    async def _authorised(self, service: str, request: Request) -> Answer:
        """Send a request; once more with a new token, or by the cloud's clock, if it was refused.

        A signature that is more than 15 minutes off is refused. The answer says by its Date what time it is there.
        """
        before = self.clocks.ahead or 0.0
        headers = await self._headers(service, request)
        answer = await self._send(service, request, headers)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        learnt = abs((self.clocks.ahead or 0.0) - before) >= WORTH_SAYING
        if self._credentials.renew(headers) or learnt:
            answer = await self._send(service, request, await self._headers(service, request))
        return answer

    async def _headers(self, service: str, request: Request) -> dict[str, str]:
        plain = {
            "Content-Type": "application/json",
            "Host": URL(endpoint(self._settings, service)).raw_authority,
            "X-Project-Id": self._settings.project_id,
        }
        return await self._credentials.headers(request, plain)

    async def _issue(self, request: Request, headers: Mapping[str, str]) -> Answer:
        return self._good("iam", await self._send("iam", request, headers))

    def _good(self, service: str, answer: Answer) -> Answer:
        if answer.status < _REDIRECT:
            return answer
        secrets, skew = self._credentials.secrets(), self.skewed()
        raise refusal(service, answer.status, answer.body, secrets=secrets, skew=skew)

    def _rest(self, tries: int, asked: str) -> float:
        rest = _FIRST * 2.0 ** (tries - 1) * self._random.uniform(0.5, 1.0)
        return max(rest, min(float(asked), _PATIENCE)) if asked.isdecimal() else rest

    async def _send(self, service: str, request: Request, headers: Mapping[str, str]) -> Answer:
        url = endpoint(self._settings, service) + escaped(request.path)
        if request.query:
            url += f"?{encoded(request.query)}"
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=True)
        timeout, asked = aiohttp.ClientTimeout(total=self._patience.answer), self._clock()
        try:
            async with self._session.request(
                request.method,
                URL(url, encoded=True),  # exactly as it was signed
                headers=headers,
                data=request.body or None,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                self.clocks.compare(response.headers.get("Date", ""), asked, self._clock())
                return Answer(response.status, response.headers, await _bounded(response))
        except TimeoutError as error:
            told = f"{service.upper()} did not answer within {self._patience.answer:g} s"
            raise Unavailable(told) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{service.upper()} cannot be reached ({_why(error)})") from error

    def _theirs(self) -> datetime:
        """The time by the cloud's clock."""
        return self.clocks.theirs(self._clock())

    def _credentials_of(self, settings: CloudSettings) -> Credentials:
        if isinstance(settings.credentials, AccessKey):
            return Signing(settings.credentials, self._theirs)
        assert settings.credentials is not None
        return Token(settings.credentials, settings.project_id, self._issue, self._theirs)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LARGEST:
            raise Unavailable(f"an answer is larger than {_LARGEST} bytes")
    return bytes(body)


def _table(service: str, body: bytes) -> Json:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise OtherShapeError(f"{service.upper()} answered with something that is not JSON") from error
    if not isinstance(value, dict):
        raise OtherShapeError(f"{service.upper()} answered with something that is no object")
    return value


def _why(error: BaseException) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted"
        case aiohttp.ClientConnectorError():
            return (error.os_error.strerror or "no connection").lower()
    return "the connection broke off"
