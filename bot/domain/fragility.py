"""Answers that hold only by today's placement of Pods."""

from bot.domain.hypothetical import Stage
from bot.domain.traveller import Traveller
from bot.domain.weigh import Outcome


def fragility(stage: Stage, traveller: Traveller, outcome: Outcome) -> str:
    """Say how a move of Pods alone would change the answer; empty where it would not."""
    return ""
