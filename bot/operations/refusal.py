"""The answer no, or nothing to do: said to the person, and nothing was changed."""

from collections.abc import Sequence

from bot.domain.entitled import PERSONAL
from bot.domain.policy import NOBODY_MAY, Cause, Decision
from bot.domain.words import who_may as named


class Refused(Exception):  # noqa: N818 - an answer to a person, not a fault of the program
    """A request that comes to nothing; the message is the sentence for the person.

    `who_may` are the Slack ids of those who could do it, all but `but`; the sentence names them. `passing` says that
    the same request may come to something in a minute, because something does not answer now. `member` says that
    somebody who is a member of their groups by now may be told this too.
    """

    def __init__(
        self,
        sentence: str,
        *,
        who_may: Sequence[str] = (),
        but: Sequence[str] = (),
        passing: bool = False,
        member: bool = True,
    ) -> None:
        said = f"{sentence} {named(who_may, but)} may." if who_may else sentence
        grouped = member and any(id_.startswith("S") for id_ in who_may)
        super().__init__(f"{said} {LOOKED_UP}" if grouped else said)
        self.passing = passing


LOOKED_UP = "Who is in a user group is looked up once a minute."


def refused(decision: Decision) -> Refused:
    """Make the answer of a decision that is a no."""
    nobody = decision.cause in PERSONAL and not decision.who_may and NOBODY_MAY not in decision.why
    return Refused(
        f"{decision.why} {NOBODY_MAY}" if nobody else decision.why,
        who_may=decision.who_may,
        but=decision.but,
        passing=decision.cause is Cause.UNKNOWN,
        member=decision.cause is Cause.NOT_ENTITLED,
    )
