"""Answers through a response_url: a way that Slack names in each payload, and that we trust only so far."""

import logging
from collections.abc import Collection
from json import JSONDecodeError, loads
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from bot.adapters.slack.errors import REFUSED_CONTENT, passing, retry_after, silence
from bot.adapters.slack.ladder import ladder
from bot.ports import Forbidden, Invalid, Message, NotFound, Unavailable

log = logging.getLogger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=10)
_SPENT = frozenset({"used_url", "expired_url", "no_service"})


class _Reply(NamedTuple):
    """What came back; `code` is Slack's word for what is wrong."""

    status: int
    code: str
    wait: float | None


class ResponseUrls:
    """Posts to response_urls of the hosts that are allowed, and follows no redirect."""

    def __init__(self, session: aiohttp.ClientSession, hosts: Collection[str]) -> None:
        self._session = session
        self._hosts = frozenset(hosts)

    async def answer(self, url: str, message: Message, *, replace: bool, in_channel: bool) -> None:
        """Answer; where the blocks are refused in a plainer form, in the end by the sentence alone.

        Raises:
            Forbidden: the URL names a host that is not allowed; nothing was sent.
            NotFound: it is used up, or too old.
            Unavailable, Invalid: as named.
        """
        if not self._allowed(url):
            raise Forbidden("the response_url names a host that SLACK_RESPONSE_HOSTS does not list")
        told = {"response_type": "in_channel" if in_channel else "ephemeral", "replace_original": replace}
        *richer, last = ladder(message)
        for form in richer:
            reply = await self._post(url, {"text": form.text, "blocks": list(form.blocks), **told})
            if reply.code not in REFUSED_CONTENT:
                break
            log.warning("Slack refused an answer (%s); sending it in a plainer form", reply.code)
        else:
            reply = await self._post(url, {"text": last.text, "blocks": list(last.blocks), **told})
        _judge(reply)

    def _allowed(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            named = {parts.netloc.lower(), parts.hostname or ""}
        except ValueError:
            return False
        return (
            parts.scheme in ("https", "http")
            and "@" not in parts.netloc
            and not named.isdisjoint(self._hosts)
        )

    async def _post(self, url: str, body: dict[str, Any]) -> _Reply:
        try:
            async with self._session.post(url, json=body, timeout=TIMEOUT, allow_redirects=False) as response:
                text = await response.text(errors="replace")
                return _Reply(response.status, _code(text), retry_after(response.headers))
        except aiohttp.InvalidURL as error:
            raise Forbidden("the response_url is no address") from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"Slack's response_url does not answer: {silence(error)}") from error


def _code(text: str) -> str:
    """Slack's error code: in a JSON body, or the body itself."""
    try:
        body = loads(text)
    except JSONDecodeError:
        return text.strip()[:50]
    return str(body.get("error", "")) if isinstance(body, dict) else ""


def _judge(reply: _Reply) -> None:
    if reply.code in _SPENT or reply.status in (404, 410):
        raise NotFound("the response_url is used up or too old")
    if passing(reply.status):
        raise Unavailable(f"Slack's response_url answered {reply.status}", retry_after=reply.wait)
    if reply.status >= 300 or reply.code in REFUSED_CONTENT:  # noqa: PLR2004 - HTTP's own number
        raise Invalid(f"Slack's response_url answered {reply.status}")
