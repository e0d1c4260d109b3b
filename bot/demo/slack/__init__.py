"""A simulated Slack workspace, for any Slack app: Web API, deliveries, people and a page in the browser."""

from bot.demo.slack.acts import CannotError
from bot.demo.slack.courier import Ack
from bot.demo.slack.message import Message
from bot.demo.slack.people import App, Channel, Command, Person, Shortcut, UserGroup
from bot.demo.slack.view import View
from bot.demo.slack.workspace import Workspace

__all__ = [
    "Ack",
    "App",
    "CannotError",
    "Channel",
    "Command",
    "Message",
    "Person",
    "Shortcut",
    "UserGroup",
    "View",
    "Workspace",
]
