"""Pictures: announced to Slack, sent where Slack says, and shared in a conversation.

Source: docs.slack.dev/messaging/working-with-files, "Uploading files". An image block could show a file only once
Slack has worked on it, and only where its reader may see it (slackapi/bolt-python issue 1251); a shared file has
neither trouble.
"""

from urllib.parse import urlsplit

import aiohttp

from bot.adapters.slack.calls import Calls
from bot.adapters.slack.errors import passing, retry_after, silence
from bot.ports import Forbidden, Invalid, Picture, Unavailable

TIMEOUT = aiohttp.ClientTimeout(total=20)
MOST_ALT = 1000
"""Characters of a description, by Slack's limit."""


class Pictures:
    """Shares pictures; `api` is the Web API's base URL, whose host alone may ask for them without TLS."""

    def __init__(self, calls: Calls, session: aiohttp.ClientSession, *, api: str) -> None:
        self._calls = calls
        self._session = session
        self._api = urlsplit(api)

    async def share(self, channel: str, picture: Picture, *, comment: str, thread: str | None) -> None:
        """Share a picture in a channel, or in a thread of it.

        Raises:
            Forbidden, NotFound, Unavailable, Invalid: as named.
        """
        # A picture that was announced and never sent is nowhere to be seen, so this may be asked again.
        announced = await self._calls.read(
            "files.getUploadURLExternal",
            filename=picture.name,
            length=str(len(picture.data)),
            alt_txt=picture.alt[:MOST_ALT],
        )
        await self._send(str(announced.get("upload_url", "")), picture.data)
        await self._calls.write(
            "files.completeUploadExternal",
            files=[{"id": str(announced.get("file_id", "")), "title": picture.title}],
            channel_id=channel,
            thread_ts=thread,
            initial_comment=comment or None,
        )

    async def _send(self, url: str, data: bytes) -> None:
        if not self._allowed(url):
            raise Forbidden("Slack names no address for the picture that may be trusted")
        try:
            async with self._session.post(
                url,
                data=data,
                headers={"Content-Type": "application/octet-stream"},
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as response:
                status, wait = response.status, retry_after(response.headers)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"Slack does not take the picture: {silence(error)}") from error
        if passing(status):
            raise Unavailable(f"Slack answered the picture with {status}", retry_after=wait)
        if status >= 300:  # noqa: PLR2004 - HTTP's own number
            raise Invalid(f"Slack answered the picture with {status}")

    def _allowed(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return parts.scheme == "https" or (parts.scheme, parts.netloc) == (self._api.scheme, self._api.netloc)
