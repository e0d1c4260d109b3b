"""Calls of the Web API: our errors for Slack's, and one word in the log where the app lacks a right."""

import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.errors import LACKING, code_of, silence, translated
from bot.ports import Unavailable

log = logging.getLogger(__name__)

_SILENT = (TimeoutError, aiohttp.ClientError, SlackClientError, OSError, EOFError)
Json = dict[str, Any]


class Calls:
    """One client, used for what changes something and for what only reads."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._told: set[tuple[str, str]] = set()

    async def write(self, method: str, **arguments: Any) -> Json:
        """Call a method that changes something: once, for it may have happened where no answer comes.

        Raises:
            Unavailable, Forbidden, NotFound, Invalid: as named.
        """
        return await self._answer(method, json=_given(arguments))

    async def read(self, method: str, **arguments: Any) -> Json:
        """Call a method that reads; once more where the connection broke. Raises as write.

        Slack's reading methods take a form, and pass over a JSON body.
        """
        form = _given(arguments)
        try:
            return await self._answer(method, data=form)
        except Unavailable as error:
            if not isinstance(error.__cause__, aiohttp.ClientConnectionError):
                raise
        return await self._answer(method, data=form)

    async def _answer(self, method: str, *, json: Json | None = None, data: Json | None = None) -> Json:
        try:
            answer = await self._client.api_call(method, json=json, data=data)
        except SlackApiError as error:
            self._lacking(method, code_of(error))
            raise translated(error, method) from error
        except _SILENT as error:
            raise Unavailable(f"Slack does not answer {method}: {silence(error)}") from error
        return answer.data if isinstance(answer.data, dict) else {}

    def _lacking(self, method: str, code: str) -> None:
        """Say once what the app cannot do, and what would help."""
        if code in LACKING and (method, code) not in self._told:
            self._told.add((method, code))
            log.error(
                "Slack refuses %s (%s): what needs it is left out until the app is installed from app-manifest.yml",
                method,
                code,
            )


def _given(arguments: Mapping[str, Any]) -> Json:
    return {name: value for name, value in arguments.items() if value is not None}
