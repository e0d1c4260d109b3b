"""An aiohttp application on a loopback port."""

from aiohttp import web

LOOPBACK = "127.0.0.1"


class Listening:
    """A server that may be started and stopped once."""

    def __init__(self, application: web.Application) -> None:
        self._application = application
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://{LOOPBACK}:{self._port}"

    async def start(self, port: int) -> str:
        """Listen and return the URL. A client that leaves ends its handler, so that no watch outlives it."""
        self._runner = web.AppRunner(
            self._application, access_log=None, handler_cancellation=True, shutdown_timeout=0.5
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, port).start()
        self._port = self._runner.addresses[0][1]
        return self.url

    async def stop(self) -> None:
        """Close the port."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
