"""The page: static files, and the headers that keep a browser from loading anything else."""

from importlib.resources import files

from aiohttp import web

_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_KINDS = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def routes() -> list[web.RouteDef]:
    """Return the routes of the page and its files."""
    return [web.get("/", _index), web.get("/page/{name}", _file), web.get("/favicon.ico", _icon)]


async def _index(_request: web.Request) -> web.Response:
    return _answer("index.html")


async def _icon(_request: web.Request) -> web.Response:
    return _answer("icon.svg")


async def _file(request: web.Request) -> web.Response:
    return _answer(request.match_info["name"])


def _answer(name: str) -> web.Response:
    found = {each.name: each for each in files(__name__).iterdir()}
    kind = _KINDS.get(name.rsplit(".", 1)[-1])
    if name not in found or kind is None:
        raise web.HTTPNotFound
    return web.Response(text=found[name].read_text("utf-8"), content_type=kind, headers=_HEADERS)
