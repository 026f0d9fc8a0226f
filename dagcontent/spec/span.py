"""Turn TOML text into the place of every key and value. Knows no meaning, and judges nothing.

Run only when there is something to show, over text that the parser accepted; over other text as far as it goes.
`spans[path]` is (key start, key end, value start, value end), offsets of the text. A table that is not inline has the
part of the first header (or dotted key) that names it as its key, and all of that header (or key) as its value.
"""

from __future__ import annotations

import contextlib
import re
from typing import Final

import tomli

from dagcontent.spec.model import TomlPath

__all__ = ["Scan", "Span", "decoded_offsets", "scan"]

Span = tuple[int, int, int, int]

_BLANK: Final = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_PART: Final = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\[^\n])*\"|'[^'\n]*'")
_TEXT: Final = re.compile(
    r"\"{3}(?:[^\"\\]+|\\.|\"{1,2}(?!\"))*+\"{3,5}|'{3}(?:[^']+|'{1,2}(?!'))*+'{3,5}|\"(?:[^\"\\\n]+|\\[^\n])*+\"|'[^'\n]*+'",
    re.DOTALL,
)
_BARE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ ][0-9]{2}:[0-9:.]+(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?|[^\s,\]}#\"'\[{=]+"
)
_ESCAPE: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[ \t]*\n[ \t\n]*|.)", re.DOTALL)
_MAX_DEPTH: Final = 100


class _Stop(Exception):  # noqa: N818 - never leaves this module
    """The text cannot be read from here on."""


class Scan:
    """What was found: `spans` of every path, `headers` of every table that has one, and names given `twice`."""

    def __init__(self) -> None:
        self.spans: dict[TomlPath, Span] = {}
        self.headers: dict[TomlPath, tuple[int, int]] = {}
        self.twice: list[tuple[TomlPath, Span, Span]] = []


def scan(text: str, stop: int | None = None) -> Scan:
    """Scan a document; with `stop`, no statement that begins after it."""
    scanner = _Scanner(text)
    with contextlib.suppress(_Stop):
        scanner.run(len(text) if stop is None else stop)
    return scanner.found


def decoded_offsets(text: str, start: int, end: int) -> list[int]:
    """Return, for each character of the string literal `text[start:end]`, where it begins; the end comes last."""
    quote = text[start]
    long = text.startswith(quote * 3, start) and end - start >= 6
    at = start + (3 if long else 1)
    end -= 3 if long else 1
    if long and text.startswith("\n", at):
        at += 1
    if quote == "'":
        return list(range(at, end + 1))
    offsets: list[int] = []
    while at < end:
        offsets.append(at)
        if text[at] != "\\":
            at += 1
            continue
        escape = _ESCAPE.match(text, at, end)
        if escape is None:
            break
        if escape[0].lstrip("\\ \t").startswith("\n"):
            offsets.pop()  # the end of a line that is joined to the next one: nothing stands there
        at = escape.end()
    return [*offsets, end]


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.found = Scan()
        self._arrays: dict[TomlPath, int] = {}
        self._inline: set[TomlPath] = set()

    def run(self, stop: int) -> None:
        table: TomlPath = ()
        at = self._blank(0)
        while at < len(self.text) and at <= stop:
            if self.text[at] == "[":
                at, table = self._header(at)
            else:
                at = self._pair(at, table, 0)
            at = self._blank(at)

    def _blank(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        return found.end() if found else at

    def _space(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def _expect(self, char: str, at: int) -> int:
        if not self.text.startswith(char, at):
            raise _Stop
        return at + len(char)

    def _key(self, at: int) -> tuple[list[tuple[str, int, int]], int]:
        """Return the parts of a dotted key, (name, start, end) each, and where it ends."""
        parts: list[tuple[str, int, int]] = []
        while True:
            at = self._space(at)
            part = _PART.match(self.text, at)
            if part is None:
                raise _Stop
            parts.append((_name(part[0]), at, part.end()))
            at = self._space(part.end())
            if not self.text.startswith(".", at):
                return parts, at
            at += 1

    def _header(self, start: int) -> tuple[int, TomlPath]:
        many = self.text.startswith("[[", start)
        parts, at = self._key(start + (2 if many else 1))
        end = self._expect("]]" if many else "]", at)
        path: TomlPath = ()
        for position, (name, key_start, key_end) in enumerate(parts):
            path = (*path, name)
            span = (key_start, key_end, start, end)
            last = position == len(parts) - 1
            if last and many:
                self._add(path, span)
                self._arrays[path] = self._arrays.get(path, -1) + 1
                path = (*path, self._arrays[path])
                self.found.spans[path] = span
            elif path in self._arrays and not last:
                path = (*path, self._arrays[path])
            elif last and (path in self.found.headers or path in self._inline or path in self._arrays):
                self.found.twice.append((path, self.found.spans[path], span))
            else:
                self.found.spans.setdefault(path, span)
        self.found.headers.setdefault(path, (start, end))
        return end, path

    def _add(self, path: TomlPath, span: Span) -> None:
        earlier = self.found.spans.setdefault(path, span)
        if earlier is not span and path not in self._arrays:
            self.found.twice.append((path, earlier, span))

    def _pair(self, start: int, table: TomlPath, depth: int) -> int:
        parts, at = self._key(start)
        key_end = parts[-1][2]
        path = table
        for name, part_start, part_end in parts[:-1]:
            path = (*path, name)
            if path in self._inline:
                self.found.twice.append((path, self.found.spans[path], (part_start, part_end, start, key_end)))
            self.found.spans.setdefault(path, (part_start, part_end, start, key_end))
        name, part_start, part_end = parts[-1]
        path = (*path, name)
        value = self._space(self._expect("=", at))
        end = self._value(value, path, depth)
        span = (part_start, part_end, value, end)
        earlier = self.found.spans.setdefault(path, span)
        if earlier is not span:
            self.found.twice.append((path, earlier, span))
        self._inline.add(path)
        return end

    def _value(self, at: int, path: TomlPath, depth: int) -> int:
        char = self.text[at : at + 1]
        if depth > _MAX_DEPTH:
            raise _Stop
        if char == "[":
            return self._array(at + 1, path, depth + 1)
        if char == "{":
            return self._inline_table(at + 1, path, depth + 1)
        token = (_TEXT if char in {'"', "'"} else _BARE).match(self.text, at)
        if token is None:
            raise _Stop
        return token.end()

    def _array(self, at: int, path: TomlPath, depth: int) -> int:
        position = 0
        at = self._blank(at)
        while not self.text.startswith("]", at):
            inner = (*path, position)
            end = self._value(at, inner, depth)
            self.found.spans.setdefault(inner, (at, end, at, end))
            position += 1
            at = self._blank(end)
            if not self.text.startswith("]", at):
                at = self._blank(self._expect(",", at))
        return at + 1

    def _inline_table(self, at: int, path: TomlPath, depth: int) -> int:
        at = self._blank(at)
        while not self.text.startswith("}", at):
            at = self._blank(self._pair(at, path, depth))
            if not self.text.startswith("}", at):
                at = self._blank(self._expect(",", at))
        return at + 1


def _name(written: str) -> str:
    if written[0] == "'":
        return written[1:-1]
    if written[0] != '"':
        return written
    if "\\" not in written:
        return written[1:-1]
    try:
        return str(tomli.loads(f"x = {written}")["x"])
    except ValueError:
        raise _Stop from None
