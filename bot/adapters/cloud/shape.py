"""Answers of another shape than documented."""

from bot.ports import Unavailable


class shaped:  # noqa: N801 - reads as a word at its only use: `with shaped("ELB")`
    """Turns an answer of another shape than documented into Unavailable."""

    def __init__(self, who: str) -> None:
        self._who = who

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, KeyError | TypeError | ValueError | AttributeError):
            raise Unavailable(f"{self._who} answered in a shape that is not documented") from error
