"""The answer no, or nothing to do: said to the person, and nothing was changed."""

from collections.abc import Sequence

from bot.domain.words import people


class Refused(Exception):  # noqa: N818 - an answer to a person, not a fault of the program
    """A request that comes to nothing; the message is the sentence for the person.

    `who_may` are the Slack ids of those who could do it; the sentence names them. `passing` says that the same
    request may come to something in a minute, because something does not answer now.
    """

    def __init__(self, sentence: str, *, who_may: Sequence[str] = (), passing: bool = False) -> None:
        super().__init__(f"{sentence} {people(who_may)} may." if who_may else sentence)
        self.passing = passing
