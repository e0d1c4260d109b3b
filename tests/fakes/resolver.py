"""The resolver's twin in memory."""

from collections.abc import Sequence

from bot.ports import NotFound, WorldError


class MemoryResolver:
    """Answers one after the other, the last one for ever; an error is raised."""

    def __init__(self, *answers: Sequence[str] | WorldError) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def addresses(self, name: str) -> Sequence[str]:
        """Give the next answer."""
        self.asked.append(name)
        if not self._answers:
            raise NotFound("the name has no address")
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, WorldError):
            raise answer
        return answer
