"""Run the workspace alone: `python -m bot.demo.slack --request-url http://127.0.0.1:3000/slack/events`."""

import argparse
import asyncio

from bot.demo.slack.workspace import Workspace


def main() -> None:
    """Serve until interrupted, for whichever app is given these tokens and this API URL."""
    parser = argparse.ArgumentParser(
        prog="python -m bot.demo.slack", description="A simulated Slack workspace."
    )
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--request-url", help="the app's request URL; leave out for Socket Mode")
    parser.add_argument("--bot-token", default="xoxb-demo")
    parser.add_argument("--app-token", default="xapp-demo")
    parser.add_argument("--signing-secret", default="demo-signing-secret")
    try:
        asyncio.run(_serve(parser.parse_args()))
    except KeyboardInterrupt:
        print("\nStopped.")


async def _serve(args: argparse.Namespace) -> None:
    workspace = Workspace(
        bot_token=args.bot_token,
        signing_secret=args.signing_secret,
        app_token=None if args.request_url else args.app_token,
        request_url=args.request_url,
    )
    print(f"Workspace      {await workspace.start(args.port)}")
    print(f"Web API        SLACK_API_URL={workspace.api_url}")
    print(f"Response URLs  SLACK_RESPONSE_HOSTS={workspace.response_host}")
    try:
        await asyncio.Event().wait()
    finally:
        await workspace.stop()


if __name__ == "__main__":
    main()
