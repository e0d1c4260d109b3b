"""What the cloud answers, and the shapes of its errors: each service has its own."""

from http import HTTPStatus
from itertools import count

from aiohttp import web

from bot.demo.seam import Json

_REQUESTS = count(1)


def request_id() -> str:
    """An id of 32 hexadecimal digits, as every answer carries one."""
    return f"{next(_REQUESTS):032x}"


def found(body: Json) -> web.Response:
    """200 with the answer and its request id."""
    return web.json_response({**body, "request_id": request_id()})


def gateway_error(status: HTTPStatus, code: str, message: str) -> web.Response:
    """An error of the API gateway, which stands before every service."""
    body = {"error_msg": message, "error_code": code, "request_id": request_id()}
    return web.json_response(body, status=status)


def unauthorised(reason: str) -> web.Response:
    """401 for a wrong or missing signature or token."""
    text = f"Incorrect IAM authentication information: {reason}"
    return gateway_error(HTTPStatus.UNAUTHORIZED, "APIGW.0301", text)


def service_error(service: str, status: HTTPStatus, message: str, code: str | None = None) -> web.Response:
    """An error in the shape of the service that makes it."""
    match service:
        case "ces":
            return _ces_error(status, code or "ces.0007", message)
        case "cce":
            return _cce_error(status, code or f"CCE.01{status.value}001", message)
        case _:
            return gateway_error(status, code or f"ELB.8{status.value}", message)


def _ces_error(status: HTTPStatus, code: str, message: str) -> web.Response:
    body = {
        "http_code": status.value,
        "message": {"details": message, "code": code},
        "encoded_authorization_message": None,
    }
    return web.json_response(body, status=status)


def _cce_error(status: HTTPStatus, code: str, message: str) -> web.Response:
    body = {
        "errorCode": code,
        "errorMessage": message,
        "error_code": code,
        "error_msg": message,
        "message": message,
        "code": status.value,
        "reason": status.phrase.replace(" ", ""),
    }
    return web.json_response(body, status=status)
