"""IAM: tokens for a name and a password."""

from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from bot.demo.cloud.accounts import Accounts, Login
from bot.demo.seam import Json


class IamApi:
    """Issues tokens scoped to the one project."""

    def __init__(self, accounts: Accounts, project: str) -> None:
        self._accounts = accounts
        self._project = project

    def routes(self) -> list[web.RouteDef]:
        """What the server serves for this service."""
        return [web.post("/v3/auth/tokens", self.issue)]

    async def issue(self, request: web.Request) -> web.Response:
        """A token in the header X-Subject-Token, by the password method."""
        try:
            login = _login(await request.json())
        except (ValueError, KeyError, TypeError):
            return _error(HTTPStatus.BAD_REQUEST, "The request body is invalid")
        issued = self._accounts.issue(login)
        if issued is None:
            return _error(HTTPStatus.UNAUTHORIZED, "The username or password is wrong.")
        token, expires = issued
        shown = {
            "expires_at": _stamp(expires),
            "issued_at": _stamp(expires - self._accounts.token_lifetime),
            "methods": ["password"],
            "project": {"id": self._project, "domain": {"name": login.domain}},
            "user": {"name": login.name, "domain": {"name": login.domain}},
            "roles": [],
            "catalog": [],
        }
        created = web.json_response({"token": shown}, status=HTTPStatus.CREATED)
        created.headers["X-Subject-Token"] = token
        return created


def _login(body: Json) -> Login:
    identity = body["auth"]["identity"]
    if "password" not in identity["methods"]:
        raise ValueError("methods")
    user = identity["password"]["user"]
    return Login(domain=user["domain"]["name"], name=user["name"], password=user["password"])


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def _error(status: HTTPStatus, message: str) -> web.Response:
    body = {"error": {"code": status.value, "message": message, "title": status.phrase}}
    return web.json_response(body, status=status)
