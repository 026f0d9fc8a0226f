"""Turn rows of cells into lines that fit a width. Knows no screen and no meaning.

A cell is text, or (role, text) for a coloured one. Columns are as wide as their longest cell; where a line would be too
long, the columns that may shrink give way, those with the most first, and their cells end in dots.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

__all__ = ["Cell", "aligned", "cells"]

Cell: TypeAlias = "str | tuple[str, str]"
_GAP: Final = 2
_LEAST: Final = 8


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) or unicodedata.category(char) == "Cf"
        else 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
        for char in text
    )  # fmt: skip


def aligned(
    rows: Sequence[Sequence[Cell]],
    width: int,
    style: Callable[[str, str], str] = lambda _role, text: text,
    *,
    indent: int = 2,
    shrink: Sequence[int] = (),
    right: Sequence[int] = (),
) -> list[str]:
    """Return one line a row. `shrink` are columns that may be cut, `right` those whose cells stand at the right."""
    if not rows:
        return []
    count = max(len(row) for row in rows)
    widths = [max((cells(_text(row[i])) for row in rows if i < len(row)), default=0) for i in range(count)]
    _fit(widths, width - indent - _GAP * (count - 1), shrink)
    return [_line(row, widths, style, indent, right) for row in rows]


def _fit(widths: list[int], room: int, shrink: Sequence[int]) -> None:
    """Take from the widest, a cell at a time, until all fit."""
    may = [i for i in shrink if i < len(widths)]
    while sum(widths) > room:
        widest = max(may, key=lambda i: widths[i], default=None)
        if widest is None or widths[widest] <= _LEAST:
            return
        widths[widest] -= 1


def _line(
    row: Sequence[Cell], widths: Sequence[int], style: Callable[[str, str], str], indent: int, right: Sequence[int]
) -> str:
    parts: list[str] = []
    last = max((i for i, cell in enumerate(row) if _text(cell)), default=-1)
    for i, cell in enumerate(row[: last + 1]):
        text = _cut(_text(cell), widths[i])
        pad = " " * (widths[i] - cells(text))
        shown = style(cell[0], text) if isinstance(cell, tuple) else text
        parts.append(pad + shown if i in right else shown if i == last else shown + pad)
    return " " * indent + (" " * _GAP).join(parts)


def _text(cell: Cell) -> str:
    return cell[1] if isinstance(cell, tuple) else cell


def _cut(text: str, width: int) -> str:
    if cells(text) <= width:
        return text
    kept = ""
    used = 0
    for char in text:
        wide = cells(char)
        if used + wide > width - 3:
            break
        kept, used = kept + char, used + wide
    return kept + "..."
