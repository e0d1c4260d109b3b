"""Who asks: each request is signed with an access key, or carries an IAM token that is renewed in time."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from bot.adapters.cloud.signing import Key, Request, authorization, stamp
from bot.config.settings import AccessKey, UserPassword
from bot.ports import Forbidden, Unavailable

Clock = Callable[[], datetime]


class Credentials(Protocol):
    """Adds what proves who asks."""

    async def headers(self, request: Request, headers: Mapping[str, str]) -> dict[str, str]:
        """Return `headers` and whatever authorises the request.

        Raises:
            Forbidden, Unavailable: No token could be had.
        """
        ...

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Take note that a request with these headers was refused; say whether others can be had."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """Return what must never be shown."""
        ...


class Signing:
    """Access key and secret key; read at every request, so that rotated ones are used at once."""

    def __init__(self, keys: AccessKey, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def headers(self, request: Request, headers: Mapping[str, str]) -> dict[str, str]:
        """Sign the request as it is sent."""
        key = self._key()
        signed = {**headers, "X-Sdk-Date": stamp(self._clock())}
        if key.token:
            signed["X-Security-Token"] = key.token
        return {**signed, "Authorization": authorization(key, request, signed)}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """A refused key stays refused, until its file holds another."""
        return self._keys.access_key.reveal() not in refused.get("Authorization", "")

    def secrets(self) -> tuple[str, ...]:
        """Return the keys."""
        key = self._key()
        return key.access, key.secret, key.token

    def _key(self) -> Key:
        token = self._keys.security_token
        return Key(
            access=self._keys.access_key.reveal(),
            secret=self._keys.secret_key.reveal(),
            token="" if token is None else token.reveal(),
        )


class Answer(NamedTuple):
    """What IAM answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Send = Callable[[Request, Mapping[str, str]], Awaitable[Answer]]

_EARLY = timedelta(minutes=10)
"""How long before its end a token is replaced, or a fifth of its life if that is shorter."""


class Token:
    """An IAM token, valid for 24 hours, for one project; after a change of password for half an hour at most.

    One request at a time asks for a token: IAM limits how many may be issued.
    """

    def __init__(self, login: UserPassword, project_id: str, send: Send, clock: Clock) -> None:
        self._login = login
        self._project_id = project_id
        self._send = send
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._until = datetime.min.replace(tzinfo=UTC)

    async def headers(self, request: Request, headers: Mapping[str, str]) -> dict[str, str]:
        """Add the token, a new one if this one is about to end."""
        del request
        async with self._lock:
            if not self._token or self._clock() >= self._until:
                await self._issue()
        return {**headers, "X-Auth-Token": self._token}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Drop a refused token, unless somebody who was refused before has a new one already."""
        if self._token == refused.get("X-Auth-Token"):
            self._token = ""
        return True

    def secrets(self) -> tuple[str, ...]:
        """Return password and token."""
        return self._login.password.reveal(), self._token

    async def _issue(self) -> None:
        body = json.dumps(self._question()).encode()
        headers = {"Content-Type": "application/json"}
        answer = await self._send(Request(method="POST", path="/v3/auth/tokens", body=body), headers)
        token = answer.headers.get("X-Subject-Token", "")
        if not token:
            raise Forbidden("IAM issued no token")
        self._token, self._until = token, self._end(answer.body)

    def _question(self) -> dict[str, Any]:
        user = {
            "domain": {"name": self._login.domain.reveal()},
            "name": self._login.username.reveal(),
            "password": self._login.password.reveal(),
        }
        return {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"id": self._project_id}},
            }
        }

    def _end(self, body: bytes) -> datetime:
        try:
            end = datetime.fromisoformat(json.loads(body)["token"]["expires_at"])
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable("IAM answered something unexpected") from error
        now = self._clock()
        return end - min(_EARLY, (end - now) / 5)
