"""Collect the mistakes of one pass over a graph. Knows no rule: those who find mistakes bring the words."""

from __future__ import annotations

from collections.abc import Iterable

from dagcontent.spec.model import Place, TomlPath
from dagcontent.spec.nearest import did_you_mean
from dagcontent.values.mistake import Mistake

__all__ = ["Findings"]

_MAX_SUGGESTIONS = 300


class Findings:
    """Mistakes in the order they were found. Suggestions stop after some hundreds: each costs a comparison of names."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self._suggested = 0

    def add(  # noqa: PLR0913 - one argument a field of the mistake
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
        warning: bool = False,
    ) -> None:
        """Note one mistake."""
        self.mistakes.append(Mistake(message, file, path, at, within, caret, note, also, warning))

    def at_key(self, place: Place, message: str, caret: str = "", note: str = "") -> None:
        """Note a mistake whose caret goes under the key."""
        self.mistakes.append(Mistake(message, place.file, place.path, "key", None, caret, note))

    def at_value(self, place: Place, message: str, caret: str = "", note: str = "") -> None:
        """Note a mistake whose caret goes under the value."""
        self.mistakes.append(Mistake(message, place.file, place.path, "value", None, caret, note))

    def later(self, place: Place, what: str, instead: str = "", *, at: str = "key") -> None:
        """Note what is of the language and cannot be used yet."""
        message = f"{what} not available yet in this version"
        self.mistakes.append(Mistake(message, place.file, place.path, at, None, instead))

    def suggestion(self, name: str, names: Iterable[str]) -> str:
        """Return "did you mean `x`?", or nothing."""
        self._suggested += 1
        return did_you_mean(name, names) if self._suggested <= _MAX_SUGGESTIONS else ""
