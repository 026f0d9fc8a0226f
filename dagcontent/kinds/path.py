"""Turn a written path (`scenes[0].title`, `['Shot type']`, `[*]`) into what is there in a JSON value. Knows no kind."""

from __future__ import annotations

import re
from typing import Final

from dagcontent.errors import NodeError
from dagcontent.values.value import ABSENT, UNKNOWN, Value

__all__ = ["Way"]

_STEP: Final = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\['([^']*)'\]|\[(\*)\]")


class Way:
    """A path as its steps: names, positions, and None for every element of a list. Raises NodeError for one that is none."""

    def __init__(self, path: str, param: str) -> None:
        self.path = path
        self.param = param
        self._steps: list[str | int | None] = []
        position = 0
        while position < len(path):
            found = _STEP.match(path, position)
            if found is None:
                message = f"`{path}` is not a path: it cannot be read from `{path[position:]}` on"
                raise NodeError(message, hint="a path is written as in references: scenes[0].title, ['Shot type'], [*]")
            name, number, key, _star = found.groups()
            self._steps.append(int(number) if number is not None else name if name is not None else key)
            position = found.end()

    def walk(self, value: Value) -> Value:
        """Return what is at the end. Raises NodeError where it does not lead on."""
        return self._walk(value, 0)

    def look(self, value: Value) -> Value:
        """Return what is at the end; ABSENT where there is nothing."""
        try:
            return self._walk(value, 0)
        except NodeError:
            return ABSENT

    def _walk(self, value: Value, at: int) -> Value:
        for position in range(at, len(self._steps)):
            step = self._steps[position]
            if value is UNKNOWN:
                return UNKNOWN
            if step is None and isinstance(value, list):
                return [self._walk(item, position + 1) for item in value]
            if isinstance(step, int) and isinstance(value, list) and step < len(value):
                value = value[step]
            elif isinstance(step, str) and isinstance(value, dict) and step in value:
                value = value[step]
            else:
                there = ", ".join(value) if isinstance(value, dict) else type(value).__name__
                message = f"there is no `{'[*]' if step is None else step}` on the way of `{self.path}`"
                raise NodeError(message, facts=[("there is", there)], hint=f"correct `{self.param}`")
        return None if value is ABSENT else value
