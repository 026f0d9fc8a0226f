"""Turn a mistake's path into line, column and the words on a screen. Knows no rule of the graph language.

A path leads to a key, a value or a header; where it leads nowhere (what is missing has no place) its nearest
ancestor is shown. A path of two integers is a range of the text itself.
"""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dagcontent.spec.model import Place, TomlPath
from dagcontent.values.mistake import Mistake

if TYPE_CHECKING:
    from dagcontent.spec.span import Scan

__all__ = ["Further", "Located", "Source", "line_of", "locate", "locate_all", "render", "to_json", "visible"]

_MAX_SHOWN: Final = 96
_JOINERS: Final = frozenset("\u200c\u200d")
"""Parts of letters and of signs in some scripts; every other invisible mark is shown by its number."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Source:
    """One file's text as it was parsed, and how it is named on a screen. Scanned when first asked for a place."""

    def __init__(self, path: str, text: str, shown: str | None = None) -> None:
        self.path = path
        self.text = text
        self.shown = shown or path
        self._scan: Scan | None = None
        self._lines: list[int] | None = None
        self._decoded: tuple[int, list[int]] | None = None  # of the string asked for last: one may hold many mistakes

    def scanned(self) -> Scan:
        """Return the spans of this file."""
        if self._scan is None:
            from dagcontent.spec.span import scan  # noqa: PLC0415 - only what is shown needs places

            self._scan = scan(self.text)
        return self._scan

    def has_header(self, path: TomlPath) -> bool:
        """Tell whether the table at a path is written with a header of its own."""
        return path in self.scanned().headers

    def range_of(self, path: TomlPath, at: str = "value", within: tuple[int, int] | None = None) -> tuple[int, int]:
        """Return the offsets of what a path leads to."""
        if len(path) == 2 and isinstance(path[0], int) and isinstance(path[1], int):
            return path[0], path[1]
        found = self.scanned()
        while path and path not in found.spans:
            path, at, within = path[:-1], "header", None
        if not path:
            return 0, 0
        key_start, key_end, start, end = found.spans[path]
        if at == "header":
            return found.headers.get(path, (key_start, key_end))
        if at == "key":
            return key_start, key_end
        if within is not None and self.text[start : start + 1] in {'"', "'"}:
            from dagcontent.spec.span import decoded_offsets  # noqa: PLC0415

            if self._decoded is None or self._decoded[0] != start:
                self._decoded = (start, decoded_offsets(self.text, start, end))
            offsets = self._decoded[1]
            last = len(offsets) - 1
            return offsets[min(within[0], last)], offsets[min(within[1], last)]
        return start, end

    def line_column(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 1, the column in characters."""
        if self._lines is None:
            self._lines = [0, *(found.end() for found in re.finditer("\n", self.text))]
        line = bisect.bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def line(self, number: int) -> str:
        """Return the text of a line."""
        self.line_column(0)
        lines = self._lines or [0]
        end = lines[number] - 1 if number < len(lines) else len(self.text)
        return self.text[lines[number - 1] : end]


class Further(msgspec.Struct, frozen=True):
    """A further place that belongs to a mistake, with its label."""

    file: str
    line: int
    column: int
    label: str


class Located(msgspec.Struct, frozen=True):
    """A mistake with its place. `column` and `width` count characters of `source`, the text of that line."""

    file: str
    line: int
    column: int
    source: str
    width: int
    message: str
    caret: str = ""
    note: str = ""
    also: tuple[Further, ...] = ()
    warning: bool = False


def locate(sources: Sequence[Source], mistake: Mistake) -> Located:
    """Return a mistake with its place."""
    source = sources[mistake.file]
    start, end = source.range_of(mistake.path, mistake.at, mistake.within)
    line, column = source.line_column(start)
    text = source.line(line)
    width = max(1, min(end - start, len(text) - column + 1))
    also = tuple(_spot(sources[file], path, label) for file, path, label in mistake.also)
    return Located(
        source.shown, line, column, text, width, mistake.message, mistake.caret, mistake.note, also, mistake.warning
    )


def locate_all(sources: Sequence[Source], mistakes: Sequence[Mistake]) -> list[Located]:
    """Return every mistake with its place, in the order of files and lines."""
    found = [(m.file, *sources[m.file].range_of(m.path, m.at, m.within), i) for i, m in enumerate(mistakes)]
    return [locate(sources, mistakes[row[-1]]) for row in sorted(found)]


def line_of(sources: Sequence[Source], place: Place | None) -> int | None:
    """Return the line of a place, None where it has none (what came from the command line)."""
    if place is None or place.file >= len(sources):
        return None
    source = sources[place.file]
    return source.line_column(source.range_of(place.path)[0])[0]


def _spot(source: Source, path: TomlPath, label: str) -> Further:
    line, column = source.line_column(source.range_of(path, "header")[0])
    return Further(source.shown, line, column, label)


def to_json(located: Located) -> dict[str, Any]:
    """Return a mistake as JSON data."""
    return {
        "severity": "warning" if located.warning else "error",
        "message": located.message,
        "file": located.file,
        "line": located.line,
        "column": located.column,
        "width": located.width,
        "source": located.source,
        "hint": located.caret or None,
        "note": located.note or None,
        "also": [{"file": s.file, "line": s.line, "column": s.column, "label": s.label} for s in located.also],
    }


def _no_style(_role: str, text: str) -> str:
    return text


def render(located: Located, style: Callable[[str, str], str] = _no_style) -> str:
    """Return a mistake as lines of text. `style(role, text)` colours error, warning, place, gutter, caret and note."""
    word = "warning" if located.warning else "error"
    lines = [f"{style(word, word)}: {visible(located.message)}"]
    places = [f"{spot.file}:{spot.line}:{spot.column}" for spot in located.also]
    wide = max(map(len, places), default=0)
    also = [
        f"{style('gutter', '-->')} {style('place', visible(place))}{' ' * (wide - len(place))}    {visible(spot.label)}"
        for place, spot in zip(places, located.also, strict=True)
    ]
    if located.also and (located.also[0].line, located.also[0].file) == (located.line, located.file):
        lines += [f"  {row}" for row in also]  # a chain of places: the first of them is where it begins
    else:
        number = str(located.line)
        indent = " " * len(number)
        bar = style("gutter", f"{indent} |")
        shown, before, carets = _window(located.source, located.column - 1, located.width)
        pointer = style("caret", "^" * carets + (f" {visible(located.caret)}" if located.caret else ""))
        lines += [
            f"{indent}{style('gutter', '-->')} {style('place', f'{visible(located.file)}:{located.line}:{located.column}')}",
            bar,
            f"{style('gutter', f'{number} |')} {shown}",
            f"{bar} {' ' * before}{pointer}",
        ]
        lines += [f"{indent}{row}" for row in also]
    if located.note:
        indent = " " * len(str(located.line))
        lines += [
            style("gutter", f"{indent} |"),
            f"{style('gutter', f'{indent} =')} {style('note', visible(located.note))}",
        ]
    return "\n".join(line.rstrip() for line in lines)


def visible(text: str) -> str:
    """Return text that cannot move the cursor, change colours or turn the direction of reading."""
    if text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char == "\t":
        return "    "
    if char not in _JOINERS and unicodedata.category(char) in _UNSEEN:
        code = ord(char)
        return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    return char


def _cells(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) or unicodedata.category(char) == "Cf"
        else 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
        for char in text
    )  # fmt: skip


def _window(line: str, start: int, width: int) -> tuple[str, int, int]:
    """Return (the part of a line around the caret, cells before the caret, cells of the caret)."""
    left, right = 0, len(line)
    if len(line) > _MAX_SHOWN:
        left = max(0, min(start - _MAX_SHOWN // 3, len(line) - _MAX_SHOWN))
        right = min(len(line), left + _MAX_SHOWN)
    before = ("..." if left else "") + visible(line[left:start])
    marked = visible(line[start : min(start + width, right)])
    after = visible(line[min(start + width, right) : right]) + ("..." if right < len(line) else "")
    return before + marked + after, _cells(before), max(1, _cells(marked))
