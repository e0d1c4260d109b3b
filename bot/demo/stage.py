"""The whole demo: simulated cluster, cloud and Slack in this process, the unmodified bot in another."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.demo.bot_process import BotNotReadyError, BotProcess
from bot.demo.knobs import register
from bot.demo.scenario import Scenario, prod
from bot.demo.seam import Json
from bot.demo.slack import App, Workspace
from bot.demo.slack.people import Trial
from bot.demo.slack.workspace import PATIENCE
from bot.demo.world import World

BOT_TOKEN = "xoxb-demo"
APP_TOKEN = "xapp-demo"
SIGNING_SECRET = "demo-signing-secret"


class Stage:
    """Starts everything, and stops it again.

    `others` are further clusters beside the first one, `trials` what the page offers to try in them. `socket_mode`
    lets the bot connect to Slack instead of being called; `verification` overrides times of the bot's ordinary
    configuration; `environ` adds to its environment; `patience` is Slack's, which nobody's busy machine should wear out.
    """

    def __init__(
        self,
        *,
        scenario: Scenario | None = None,
        others: Sequence[Scenario] = (),
        trials: tuple[Trial, ...] = (),
        socket_mode: bool = False,
        verification: dict[str, Any] | None = None,
        environ: dict[str, str] | None = None,
        config: dict[str, Any] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.world = World(scenario or prod())
        self.worlds = (self.world, *(World(each) for each in others))
        self.slack = Workspace(
            bot_token=BOT_TOKEN,
            signing_secret=SIGNING_SECRET,
            app_token=APP_TOKEN if socket_mode else None,
            app=App(trials=trials),
            patience=patience,
        )
        self._socket_mode = socket_mode
        period = f"{self.world.scenario.metering.period:g}s"
        self._verification = {"period": period, **VERIFICATION, **(verification or {})}
        self._environ = environ or {}
        self._config = config or {}
        register(self.slack, *self.worlds)
        self._directory = tempfile.TemporaryDirectory(prefix="elb-passthrough-demo-")
        self.bot: BotProcess | None = None

    async def start(self, port: int = 0) -> str:
        """Start everything; return the URL of the page."""
        for world in self.worlds:
            await world.start()
        url = await self.slack.start(port)
        self.bot = BotProcess(
            Path(self._directory.name),
            config=self._configuration(),
            kubeconfig=self._kubeconfig(),
            environ=self._environment(),
        )
        self.slack.request_url = self.bot.request_url
        self.slack.knobs.register(
            "kill",
            "kill -9 the bot",
            self._power_cut,
            group="Break the bot",
            hint="and start it again over its database",
        )
        self.slack.knobs.register(
            "mend",
            "Put everything right",
            self._mend,
            group="Enough?",
            hint="turns every switch back that is on",
        )
        await self._start_bot(self.bot)
        return url

    async def _start_bot(self, bot: BotProcess) -> None:
        """Start the bot; until it is there, what people do on the page waits for it."""
        presence = self.slack.state.presence
        presence.tell("starting")
        try:
            await bot.start()
        except BotNotReadyError:
            presence.tell("unknown")
            raise
        presence.tell("there")

    async def stop(self) -> None:
        """Stop everything; the database and the log are gone then."""
        if self.bot is not None:
            await self.bot.stop()
        await self.slack.stop()
        for world in self.worlds:
            await world.stop()
        self._directory.cleanup()

    async def restart_bot(self) -> None:
        """Kill the bot as a power cut would, and start it again over the same database."""
        if self.bot is None:
            return
        self.slack.state.presence.tell("starting")
        self.bot.kill()
        await self.bot.gone()
        await self._start_bot(self.bot)

    async def _mend(self, _target: str) -> str:
        turned = await self.slack.knobs.mend()
        switches = "1 switch was" if turned == 1 else f"{turned} switches were"
        return f"{switches} turned back." if turned else "Nothing was wrong."

    async def _power_cut(self, _target: str) -> str:
        await self.restart_bot()
        return "The bot was killed and is back; it goes on where it was."

    def _environment(self) -> dict[str, str]:
        scenario = self.world.scenario
        way = (
            {"SLACK_APP_TOKEN": APP_TOKEN} if self._socket_mode else {"SLACK_SIGNING_SECRET": SIGNING_SECRET}
        )
        return {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            **way,
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_RESPONSE_HOSTS": self.slack.response_host,
            "CLOUD_ACCESS_KEY": scenario.access_key.access,
            "CLOUD_SECRET_KEY": scenario.access_key.secret,
            **self._environ,
        }

    def _kubeconfig(self) -> Json:
        """Return the bot's kubeconfig: a context for each cluster."""
        every = [world.kubeconfig() for world in self.worlds]
        lists = {key: [each[key][0] for each in every] for key in ("clusters", "users", "contexts")}
        return {**every[0], **lists}

    def _cluster(self, world: World) -> Json:
        scenario = world.scenario
        known: Json = {"context": scenario.name, "verification": self._verification}
        if scenario.platform != "cce":
            return {**known, "kubeProxyMode": scenario.mode}
        cloud: Json = {
            "provider": "otc",
            "region": "eu-de",
            "projectId": scenario.project,
            "clusterId": scenario.cluster_id,
            "endpoints": dict.fromkeys(("elb", "ces", "cce", "iam"), world.cloud_url),
        }
        return {**known, "cloud": cloud}

    def _configuration(self) -> dict[str, Any]:
        return {
            "incidentChannel": "C02INC",
            "incidents": {"settle": SETTLE},
            "operators": ["S0PLATFORM"],
            "clusters": {world.scenario.name: self._cluster(world) for world in self.worlds},
            "policies": [
                {
                    "match": {"cluster": "*", "namespace": "*"},
                    "view": ["*"],
                    "propose": ["U01ALICE", "S0SRE"],
                    "approve": ["S0SRE"],
                }
            ],
            **self._config,
        }


SETTLE = "3s"
"""Two minutes, unless configured: nobody who turns a knob waits for so long."""
VERIFICATION: dict[str, Any] = {"baseline": "3s", "window": "12s", "watch": "10m"}
"""Real ones last minutes; the period is the simulated cloud's own."""
