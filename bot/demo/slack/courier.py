"""Couriers carry a payload to the bot: as a signed HTTP request, or through a Socket Mode connection."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import aiohttp

Json = dict[str, Any]
ParcelKind = Literal["slash_commands", "interactive", "events_api"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is carried; `retry` is the number and reason of an event's further attempt."""

    kind: ParcelKind
    payload: Json
    retry: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """How the bot acknowledged.

    `error` is "" or what Slack would show: "operation_timeout" (no answer within the limit), "dispatch_failed"
    (no connection, or another status than 200); people's own mistakes on the page have other words. `ms` is
    how long it took.
    """

    status: int | None = None
    error: str = ""
    body: Json | None = None
    text: str = ""
    ms: float = 0.0
    no_retry: bool = False

    @property
    def ok(self) -> bool:
        """Whether the bot acknowledged in time."""
        return not self.error


class Courier(Protocol):
    """Carries one parcel and brings the answer."""

    async def carry(self, parcel: Parcel, limit: float) -> Ack:
        """Return how the bot acknowledged, waiting at most `limit` seconds."""
        ...


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return Slack's v0 signature of a request (docs.slack.dev/authentication/verifying-requests-from-slack)."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class HttpCourier:
    """Sends signed requests to the app's request URL."""

    def __init__(self, *, url: Callable[[], str | None], secret: str, clock: Callable[[], float]) -> None:
        self._url = url
        self._secret = secret
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def carry(self, parcel: Parcel, limit: float) -> Ack:
        """Return how the bot acknowledged, waiting at most `limit` seconds."""
        start = time.perf_counter()
        url = self._url()
        if url is None:
            return Ack(error="dispatch_failed")
        try:
            return await self._post(url, parcel, limit, start)
        except TimeoutError:
            return Ack(error="operation_timeout", ms=_since(start))
        except aiohttp.ClientError:
            return Ack(error="dispatch_failed", ms=_since(start))

    async def _post(self, url: str, parcel: Parcel, limit: float, start: float) -> Ack:
        body, content_type = encoded(parcel)
        headers = self._headers(parcel, body) | {"Content-Type": content_type}
        timeout = aiohttp.ClientTimeout(total=limit)
        async with self._open().post(url, data=body, headers=headers, timeout=timeout) as answer:
            text = await answer.text()
            return Ack(
                status=answer.status,
                error="" if answer.status == HTTPStatus.OK else "dispatch_failed",
                body=_json(text) if answer.content_type == "application/json" else None,
                text=text,
                ms=_since(start),
                no_retry=answer.headers.get("X-Slack-No-Retry") == "1",
            )

    def _headers(self, parcel: Parcel, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock()))
        headers = {
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._secret, timestamp, body),
        }
        if parcel.retry is not None:
            headers["X-Slack-Retry-Num"] = str(parcel.retry[0])
            headers["X-Slack-Retry-Reason"] = parcel.retry[1]
        return headers

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def close(self) -> None:
        """End the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def encoded(parcel: Parcel) -> tuple[bytes, str]:
    """Return the body and content type of a parcel, as Slack sends it over HTTP."""
    form = "application/x-www-form-urlencoded"
    match parcel.kind:
        case "slash_commands":
            return urlencode(parcel.payload).encode(), form
        case "interactive":
            return urlencode({"payload": json.dumps(parcel.payload)}).encode(), form
        case "events_api":
            return json.dumps(parcel.payload).encode(), "application/json"


def _json(text: str) -> Json | None:
    try:
        body = json.loads(text)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
