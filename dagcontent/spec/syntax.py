"""Turn the parser's complaint into a mistake that says what would be right. Knows TOML, no graph language."""

from __future__ import annotations

from dagcontent.values.mistake import Mistake

__all__ = ["explain"]


def explain(file: int, text: str, message: str, at: int) -> Mistake:
    """Return the mistake at an offset of the text."""
    return Mistake(message, file, (at, at + 1))
