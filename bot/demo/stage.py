"""The whole demo: simulated cluster, cloud and Slack in this process, the unmodified bot in another."""

import tempfile
from pathlib import Path
from typing import Any

from bot.demo.bot_process import BotProcess
from bot.demo.knobs import register
from bot.demo.scenario import Scenario, prod
from bot.demo.slack import Workspace
from bot.demo.world import World

BOT_TOKEN = "xoxb-demo"
APP_TOKEN = "xapp-demo"
SIGNING_SECRET = "demo-signing-secret"


class Stage:
    """Starts everything, and stops it again.

    `socket_mode` lets the bot connect to Slack instead of being called; `verification` overrides times of the
    bot's ordinary configuration; `environ` adds to its environment.
    """

    def __init__(
        self,
        *,
        scenario: Scenario | None = None,
        socket_mode: bool = False,
        verification: dict[str, Any] | None = None,
        environ: dict[str, str] | None = None,
        config: dict[str, Any] | None = None,
    ) -> None:
        self.world = World(scenario or prod())
        self.slack = Workspace(
            bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET, app_token=APP_TOKEN if socket_mode else None
        )
        self._socket_mode = socket_mode
        period = f"{self.world.scenario.metering.period:g}s"
        self._verification = {"period": period, **VERIFICATION, **(verification or {})}
        self._environ = environ or {}
        self._config = config or {}
        register(self.slack, self.world)
        self._directory = tempfile.TemporaryDirectory(prefix="elb-passthrough-demo-")
        self.bot: BotProcess | None = None

    async def start(self, port: int = 0) -> str:
        """Start everything; return the URL of the page."""
        await self.world.start()
        url = await self.slack.start(port)
        self.bot = BotProcess(
            Path(self._directory.name),
            config=self._configuration(),
            kubeconfig=self.world.kubeconfig(),
            environ=self._environment(),
        )
        self.slack.request_url = self.bot.request_url
        self.slack.knobs.register(
            "kill", "Kill the bot", self._power_cut, group="Bot", hint="kill -9, and start it again"
        )
        await self.bot.start()
        return url

    async def stop(self) -> None:
        """Stop everything; the database and the log are gone then."""
        if self.bot is not None:
            await self.bot.stop()
        await self.slack.stop()
        await self.world.stop()
        self._directory.cleanup()

    async def restart_bot(self) -> None:
        """Kill the bot as a power cut would, and start it again over the same database."""
        if self.bot is None:
            return
        self.bot.kill()
        await self.bot.gone()
        await self.bot.start()

    async def _power_cut(self) -> str:
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

    def _configuration(self) -> dict[str, Any]:
        scenario, cloud = self.world.scenario, self.world.cloud_url
        return {
            "incidentChannel": "C02INC",
            "incidents": {"settle": SETTLE},
            "operators": ["S0PLATFORM"],
            "clusters": {
                scenario.name: {
                    "context": scenario.name,
                    "cloud": {
                        "provider": "otc",
                        "region": "eu-de",
                        "projectId": scenario.project,
                        "clusterId": scenario.cluster_id,
                        "endpoints": dict.fromkeys(("elb", "ces", "cce", "iam"), cloud),
                    },
                    "verification": self._verification,
                }
            },
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
