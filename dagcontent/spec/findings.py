"""Collect the mistakes of one pass over a graph. Knows no rule: those who find mistakes bring the words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dagcontent.spec.model import Place, TomlPath
from dagcontent.spec.nearest import nearest
from dagcontent.values.mistake import Mistake

__all__ = ["MAX_MISTAKES", "Findings"]

MAX_MISTAKES: Final = 1_000
_MAX_SUGGESTIONS: Final = 300


class Findings:
    """Mistakes in the order they were found. `count` goes on where the list ends: nobody mends thousands at once.

    Suggestions stop after some hundreds: each costs a comparison of names.
    """

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.count = 0
        self._suggested = 0

    def note(self, mistake: Mistake) -> None:
        """Note one mistake."""
        self.count += 1
        if self.count <= MAX_MISTAKES:
            self.mistakes.append(mistake)
        elif self.count == MAX_MISTAKES + 1:
            message = f"there are more mistakes than these {MAX_MISTAKES:,}"
            self.mistakes.append(Mistake(message, mistake.file, mistake.path, "header"))

    def add(
        self,
        file: int,
        path: TomlPath,
        message: str,
        *,
        at: str = "value",
        caret: str = "",
        note: str = "",
        within: tuple[int, int] | None = None,
        also: tuple[tuple[int, TomlPath, str], ...] = (),
    ) -> None:
        """Note one mistake, by its fields."""
        self.note(Mistake(message, file, path, at, within, caret, note, also))

    def at_key(self, place: Place, message: str, caret: str = "", note: str = "") -> None:
        """Note a mistake whose caret goes under the key."""
        self.note(Mistake(message, place.file, place.path, "key", None, caret, note))

    def at_value(self, place: Place, message: str, caret: str = "", note: str = "") -> None:
        """Note a mistake whose caret goes under the value."""
        self.note(Mistake(message, place.file, place.path, "value", None, caret, note))

    def later(self, place: Place, what: str, instead: str = "", *, at: str = "key") -> None:
        """Note what is of the language and cannot be used yet."""
        message = f"{what} not available yet in this version"
        self.note(Mistake(message, place.file, place.path, at, None, instead))

    def near(self, name: str, names: Iterable[str]) -> str | None:
        """Return the known name that is most like this one."""
        self._suggested += 1
        return nearest(name, names) if self._suggested <= _MAX_SUGGESTIONS else None

    def suggestion(self, name: str, names: Iterable[str]) -> str:
        """Return "did you mean `x`?", or nothing."""
        found = self.near(name, names)
        return f"did you mean `{found}`?" if found else ""
