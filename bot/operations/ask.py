"""Questions: answered from the caches at once, changing nothing, with the database down too (but `history`)."""

from bot.operations.help import help_for
from bot.operations.history import history
from bot.operations.listing import listing
from bot.operations.status import by_button, share, status
from bot.operations.way_out import OFF

__all__ = ["OFF", "by_button", "help_for", "history", "listing", "share", "status"]
