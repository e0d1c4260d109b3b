"""Slack's Web API in our words."""

from bot.adapters.slack.messenger import SlackMessenger

__all__ = ["SlackMessenger"]
