"""The configuration: environment variables and one YAML file, read once, all faults at once."""

from bot.config.database import database_url
from bot.config.faults import ConfigurationError
from bot.config.loading import configured_retention, load
from bot.config.secret import Secret
from bot.config.settings import (
    AccessKey,
    CloudSettings,
    ClusterSettings,
    IncidentSettings,
    Quiet,
    Settings,
    SlackSettings,
    UserPassword,
    VerificationSettings,
)

__all__ = [
    "AccessKey",
    "CloudSettings",
    "ClusterSettings",
    "ConfigurationError",
    "IncidentSettings",
    "Quiet",
    "Secret",
    "Settings",
    "SlackSettings",
    "UserPassword",
    "VerificationSettings",
    "configured_retention",
    "database_url",
    "load",
]
