"""One budget for the edits that may wait: how far verifications are.

Slack lets an app edit about fifty messages a minute (chat.update, tier 3), cards and notices among them. However many
verifications run at once, their progress takes no more than half of that; a message is then edited less often.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
PER_MINUTE = 25


@dataclass(slots=True)
class EditBudget:
    """Counts the edits of the last minute."""

    most: int = PER_MINUTE
    _spent: deque[datetime] = field(default_factory=deque)

    def take(self, now: datetime) -> float:
        """Take one edit out of the budget; else say after how many seconds there is one."""
        while self._spent and self._spent[0] <= now - MINUTE:
            self._spent.popleft()
        if len(self._spent) >= self.most:
            return (self._spent[0] + MINUTE - now).total_seconds()
        self._spent.append(now)
        return 0.0
