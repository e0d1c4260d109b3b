"""Configuration traps."""

from bot.domain.rule import Rule

RULES: tuple[Rule, ...] = ()
