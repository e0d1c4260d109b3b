"""This machine's clock beside the cloud's, as the Date headers of its answers tell it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

WORTH_SAYING = 60.0
"""Seconds by which the clocks may differ before it is worth a sentence."""
BELIEVED = 86_400.0
"""Seconds; a cloud that seems to be further away is not followed: a signature for another day is not made for it."""


KEPT = 1.0
"""Seconds for which servers keep a Date that they have once written."""


@dataclass(slots=True)
class Clocks:
    """By how much this machine's clock is ahead of the cloud's.

    A Date header tells whole seconds, and an answer takes time: each narrows the difference down to a range, and
    ranges are intersected. A difference that may be none is none; so it is while no answer has told a Date.
    """

    least: float = float("-inf")
    most: float = float("inf")

    def compare(self, date: str, asked: datetime, answered: datetime) -> None:
        """Learn from one answer: its Date header, and when by this machine it was asked for and there."""
        try:
            told = parsedate_to_datetime(date)
            least = (asked - told).total_seconds() - 1
            most = (answered - told).total_seconds()
        except (ValueError, TypeError):
            return  # no date, or none that says its zone
        if least > self.most or most < self.least:  # one of the clocks was set meanwhile
            self.least, self.most = least, most
        else:
            self.least, self.most = max(least, self.least), min(most, self.most)

    @property
    def ahead(self) -> float | None:
        """Seconds by which this machine's clock is ahead, 0 where it may be right; None: the cloud's is not believed."""
        if self._may_agree:
            return 0.0
        return self._middle if abs(self._middle) <= BELIEVED else None

    def theirs(self, ours: datetime) -> datetime:
        """What the cloud's clock shows when this machine's shows `ours`, as far as is known."""
        return ours - timedelta(seconds=self.ahead or 0.0)

    def sentence(self) -> str:
        """Say it if the clocks differ much; empty if they do not, or are not compared yet."""
        if self._may_agree or abs(self._middle) < WORTH_SAYING:
            return ""
        way = "ahead of" if self._middle > 0 else "behind"
        return f"this machine's clock is {abs(self._middle):.0f} s {way} the cloud's"

    @property
    def _may_agree(self) -> bool:
        return self.least <= KEPT and self.most >= -KEPT

    @property
    def _middle(self) -> float:
        return (self.least + self.most) / 2
