"""The simulated cloud's one server: who calls, what goes wrong, which service answers."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.demo.cloud.accounts import Accounts
from bot.demo.cloud.answer import gateway_error, unauthorised
from bot.demo.cloud.cce import CceApi, ClusterRecord
from bot.demo.cloud.ces import CloudEye
from bot.demo.cloud.elb import ElbApi
from bot.demo.cloud.fault import Fault, Faults
from bot.demo.cloud.iam import IamApi
from bot.demo.cloud.series import Meter, Metering
from bot.demo.cloud.signature import Incoming
from bot.demo.dataplane import DataPlane

SERVICES = ("elb", "ces", "cce", "iam")
_KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request that was answered; no headers, so that no secret is kept."""

    service: str
    method: str
    path: str
    status: int


class CloudServer:
    """ELB, Cloud Eye, CCE and IAM of one project, over one data plane."""

    def __init__(
        self,
        plane: DataPlane,
        *,
        project: str,
        accounts: Accounts,
        metering: Metering | None = None,
        clusters: tuple[ClusterRecord, ...] = (),
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._project = project
        self._runner: web.AppRunner | None = None
        self.accounts = accounts
        self._clock = clock or plane.clock
        self.meter = Meter(self._clock, metering or Metering())
        self.faults = Faults()
        self.log: deque[Entry] = deque(maxlen=_KEPT)
        self.counts: Counter[str] = Counter()
        self.cce = CceApi()
        self.cce.clusters = {c.id: c for c in clusters}
        self._services = {
            "elb": ElbApi(plane, project).routes(),
            "ces": CloudEye(plane.elb, self.meter).routes(),
            "cce": self.cce.routes(),
            "iam": IamApi(accounts, project).routes(),
        }

    async def start(self, port: int = 0) -> str:
        """Serve on the loopback interface; the base URL of all four services."""
        app = web.Application(middlewares=[self._edge])
        for routes in self._services.values():
            app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        bound: int = self._runner.addresses[0][1]
        return f"http://127.0.0.1:{bound}"

    async def stop(self) -> None:
        """Answer nothing more; requests that hang are let go."""
        self.faults.release()
        if self._runner is not None:
            await self._runner.cleanup()

    def set_fault(self, service: str, fault: Fault | None) -> None:
        """Let one service ("elb", "ces", "cce", "iam") misbehave, or (None) behave again."""
        if service not in SERVICES:
            raise ValueError(f"no such service: {service}")
        self.faults.set(service, fault)

    def set_metering(self, metering: Metering, *, listener: str | None = None) -> None:
        """Measure one listener, or every listener without its own metering, like this from now on."""
        self.meter.set(metering, listener=listener)

    @web.middleware
    async def _edge(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        service = _service_of(request.path)
        answer = await self._answer(service, request, handler)
        answer.headers["Date"] = formatdate(self._clock(), usegmt=True)
        self.counts[service] += 1
        self.log.append(
            Entry(service=service, method=request.method, path=request.path, status=answer.status)
        )
        return answer

    async def _answer(self, service: str, request: web.Request, handler: Handler) -> web.StreamResponse:
        faulty = await self.faults.apply(service)
        if faulty is not None:
            return faulty
        if isinstance(request.match_info.http_exception, web.HTTPException):
            text = "The API does not exist or has not been published in the environment"
            return gateway_error(HTTPStatus.NOT_FOUND, "APIGW.0101", text)
        refusal = None if service == "iam" else self.accounts.admit(await _incoming(request))
        if refusal is not None:
            return unauthorised(refusal)
        if request.match_info.get("project", self._project) != self._project:
            text = "The IAM user is forbidden in the currently selected region"
            return gateway_error(HTTPStatus.FORBIDDEN, "APIGW.0302", text)
        return await handler(request)


def _service_of(path: str) -> str:
    if path.startswith("/V1.0/"):
        return "ces"
    if path.startswith("/api/v3/"):
        return "cce"
    return "iam" if path.startswith("/v3/auth/") else "elb"


async def _incoming(request: web.Request) -> Incoming:
    return Incoming(
        method=request.method,
        path=request.rel_url.raw_path,
        query=request.rel_url.raw_query_string,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
    )
