"""A page of a LIST, read object by object.

`json.loads` holds the interpreter for the whole page; here every object is decoded on its own, so that the
caller can pause between two of them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_DECODER = json.JSONDecoder()
_BLANK = " \t\r\n"


@dataclass(slots=True)
class Page:
    """One page; `version` and `more` are set when `items` is exhausted."""

    text: str
    version: str = ""
    """The resourceVersion at which the list was taken."""
    more: str = ""
    """The token of the next page; empty on the last one."""
    _at: int = field(default=0, init=False)

    def items(self) -> Iterator[Any]:
        """Yield every object.

        Raises:
            ValueError: This is no JSON object with a list of items.
        """
        self._expect("{")
        while not self._met("}"):
            key = self._value()
            self._expect(":")
            if key == "items":
                yield from self._elements()
            else:
                self._keep(key, self._value())
            self._met(",")

    def _elements(self) -> Iterator[Any]:
        if self.text.startswith("null", self._skip()):
            self._value()
            return
        self._expect("[")
        while not self._met("]"):
            yield self._value()
            self._met(",")

    def _keep(self, key: Any, value: Any) -> None:
        if key == "metadata" and isinstance(value, dict):
            self.version = str(value.get("resourceVersion", ""))
            self.more = str(value.get("continue") or "")

    def _value(self) -> Any:
        value, self._at = _DECODER.raw_decode(self.text, self._skip())
        return value

    def _skip(self) -> int:
        while self._at < len(self.text) and self.text[self._at] in _BLANK:
            self._at += 1
        return self._at

    def _met(self, sign: str) -> bool:
        if not self.text.startswith(sign, self._skip()):
            return False
        self._at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._met(sign):
            raise ValueError(f"{sign!r} expected at {self._at}")
