"""Turn the bytes of a TOML file into text that is safe to parse, or say where it is not. Knows no TOML value.

Theory. Parsers of TOML have inputs on which they take minutes or run out of stack; limits that no graph meets keep
all of those away. One pass, linear, mostly inside the regular expression engine: `_PLAIN` takes any number of lines of
the usual forms in one call (possessive, so it never backtracks); `_TOKEN` takes the rest apart, token by token.
Where a document is not TOML the pass goes on somehow: the parser stops at that place anyway.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

__all__ = ["MAX_BYTES", "Refused", "guard"]

MAX_BYTES: Final = 16 * 1024 * 1024
_MAX_LINE_BYTES: Final = 64 * 1024
_MAX_KEY_PARTS: Final = 32
_MAX_NESTING: Final = 64
_MAX_DIGITS: Final = 20
_MAX_KEYS: Final = 2_000_000

_BARE_KEY = r"[A-Za-z0-9_-]++"
_SHORT_KEY = rf"{_BARE_KEY}(?:\.(?:{_BARE_KEY}|\"[^\"\\\n]*+\")){{0,31}}+"
_STRING = r"\"(?!\"\")[^\"\\\n]*+\"|'(?!'')[^'\n]*+'"
_ATOM = rf"(?:{_STRING}|[A-Za-z0-9_+.:-]{{1,20}}+(?=[ \t\n,\]}}\#]))"
_GAP = r"(?:[ \t\n]++|\#[^\n]*+\n)*+"
_LIST = rf"\[{_GAP}(?:{_ATOM}{_GAP}(?:,{_GAP}|(?=\])))*+\]"
_TABLE = rf"\{{{_GAP}(?:{_SHORT_KEY}[ \t]*+=[ \t]*+(?:{_ATOM}|{_LIST}){_GAP}(?:,{_GAP}|(?=\}})))*+\}}"
_HEADER = rf"\[{_SHORT_KEY}\]|\[\[{_SHORT_KEY}\]\]"
_LINE = rf"(?:{_SHORT_KEY}[ \t]*+=[ \t]*+(?:{_ATOM}|{_LIST}|{_TABLE})|{_HEADER})?+[ \t]*+(?:\#[^\n]*+)?+\n"
_PLAIN: Final = re.compile(rf"(?:{_LINE})++")
_PAIRS: Final = re.compile(rf"(?:{_GAP}{_SHORT_KEY}[ \t]*+=[ \t]*+(?:{_ATOM}|{_LIST}|{_TABLE}){_GAP},)++")
_ITEMS: Final = re.compile(rf"(?:{_ATOM}|{_LIST}|{_TABLE}|[ \t\n,]++|\#[^\n]*+\n)++")
_ITEMS_NEST: Final = 2
"""Levels that `_PAIRS` and `_ITEMS` may step over."""

_TOKEN: Final = re.compile(
    r"""
      (?P<space>    [ \t]++ | \#[^\n]*+ )
    | (?P<newline>  \n )
    | (?P<text>     \"{3} (?: [^"\\]++ | \\.? | \"{1,2}+(?!\") )*+ (?:\"{3,5}+)?+
                  | '{3} (?: [^']++ | '{1,2}+(?!') )*+ (?:'{3,5}+)?+
                  | \" (?: [^"\\\n]++ | \\[^\n]? )*+ \"?+
                  | ' [^'\n]*+ '?+ )
    | (?P<word>     [A-Za-z0-9_+:-]++ )
    | (?P<open>     [\[{] )
    | (?P<close>    [\]}] )
    | (?P<mark>     . )
    """,
    re.VERBOSE | re.DOTALL,
)
_LONG_NUMBER: Final = re.compile(r"[+-]?(?:0[xob][0-9a-fA-F_]+|[0-9][0-9_]*)")


class Refused(msgspec.Struct, frozen=True):
    """Why a file is not parsed, and the range of its text where that shows (offsets of the decoded text)."""

    message: str
    start: int = 0
    end: int = 0
    hint: str = ""


def guard(data: bytes, *, toml: bool = True) -> tuple[str, Refused | None]:
    r"""Return the text, with `\n` at the end of every line, and why it must not be parsed.

    With `toml=False` only what concerns any text is looked at. Where it cannot be decoded, what could be is returned, with marks for the rest.
    """
    if len(data) > MAX_BYTES:
        return "", Refused(f"the file has {len(data):,} bytes; a graph has at most {MAX_BYTES:,}", hint="split it")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        text, at = data.decode("utf-8", "replace"), len(data[: error.start].decode("utf-8"))
        shown = " ".join(f"{byte:02x}" for byte in data[error.start : error.end])
        return text, Refused(f"this is not UTF-8: {shown}", at, at + 1, "save the file as UTF-8")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    nul = text.find("\0")
    if nul >= 0:
        return text, Refused("a NUL character", nul, nul + 1, "remove it: TOML is plain text")
    return text, (_long_line(text) or _scan(text)) if toml else None


def _long_line(text: str) -> Refused | None:
    # In characters first, four bytes each at most: encoding every line would cost more than the rest of the guard.
    lines = text.split("\n")
    if max(map(len, lines)) * 4 <= _MAX_LINE_BYTES:
        return None
    start = 0
    for line in lines:
        if len(line) * 4 > _MAX_LINE_BYTES and len(line.encode("utf-8", "replace")) > _MAX_LINE_BYTES:
            message = f"a line longer than {_MAX_LINE_BYTES // 1024} KiB"
            return Refused(message, start, start + 1, "put long texts into a file of their own: { file = F }")
        start += len(line) + 1
    return None


class _Count:
    """Where the pass is: inside which brackets, in a key or in a value, and how much of each there was."""

    __slots__ = ("after_dot", "header", "in_value", "keys", "parts", "stack")

    def __init__(self) -> None:
        self.stack: list[str] = []
        self.in_value = False
        self.header = False
        self.after_dot = False
        self.parts = 0
        self.keys = 0


def _scan(text: str) -> Refused | None:
    size = len(text)
    at = 0
    count = _Count()
    # Every key but those of headers has its `=`: a bound that needs no pass, and few documents come near it.
    few = text.count("=") + text.count("[") < _MAX_KEYS
    while at < size:
        plain = _PLAIN.match(text, at)
        if plain is not None:
            if not few:
                count.keys += text.count("=", at, plain.end())
            at = plain.end()
            if count.keys > _MAX_KEYS:
                return _too_many(at)
        at, refused = _statement(text, at, size, count)
        if refused is not None:
            return refused
    return None


def _statement(text: str, at: int, size: int, count: _Count) -> tuple[int, Refused | None]:
    """Take one statement apart, up to the end of its last line."""
    count.stack.clear()
    count.in_value = count.header = count.after_dot = False
    count.parts = 0
    match = _TOKEN.match
    while at < size:
        if count.stack and len(count.stack) + _ITEMS_NEST <= _MAX_NESTING:
            usual = None
            if count.in_value and count.stack[-1] == "[":
                usual = _ITEMS.match(text, at)
            elif not count.in_value and not count.parts:
                usual = _PAIRS.match(text, at)
            if usual is not None:
                count.keys += text.count("=", at, usual.end())
                at = usual.end()
                if count.keys > _MAX_KEYS:
                    return at, _too_many(at - 1)
        token = match(text, at)
        if token is None:  # cannot be: `mark` takes anything
            break
        kind, start, at = token.lastgroup, at, token.end()
        if kind == "newline" and not count.stack:
            break
        refused = _token(text, kind, start, at, count)
        if refused is not None:
            return at, refused
    return at, None


def _token(text: str, kind: str | None, start: int, end: int, count: _Count) -> Refused | None:
    if kind in {"word", "text"}:
        if count.in_value:
            if kind == "word" and end - start > _MAX_DIGITS:
                return _long_number(text, start, end)
            return None
        if not count.after_dot:
            count.parts = 0
            count.keys += 1
        count.after_dot = False
        count.parts += 1
        if count.parts > _MAX_KEY_PARTS:
            return Refused(f"a key with more than {_MAX_KEY_PARTS} parts", start, end, "no key of a graph is that deep")
        return _too_many(start) if count.keys > _MAX_KEYS else None
    if kind == "open":
        return _opened(text, start, end, count)
    if kind == "close":
        if count.stack:
            count.stack.pop()
        count.in_value = bool(count.stack)
        return None
    if kind == "mark":
        _mark(text[start], count)
    return None


def _opened(text: str, start: int, end: int, count: _Count) -> Refused | None:
    if not count.in_value and not count.parts:
        return None  # the bracket of a header: what follows is a key
    count.stack.append(text[start])
    count.in_value = text[start] == "["
    count.after_dot = False
    count.parts = 0
    if len(count.stack) > _MAX_NESTING:
        return Refused(f"more than {_MAX_NESTING} lists and tables inside one another", start, end, "flatten it")
    return None


def _mark(char: str, count: _Count) -> None:
    if char == "=":
        count.in_value = True
    elif char == "." and not count.in_value:
        count.after_dot = True
    elif char == "," and count.stack:
        count.in_value = count.stack[-1] == "["
        count.parts = 0


def _long_number(text: str, start: int, end: int) -> Refused | None:
    found = _LONG_NUMBER.fullmatch(text, start, end)
    if found is None or text[start - 1 : start] == ".":
        return None
    digits = sum(char.isalnum() for char in found[0]) - (2 if found[0][:2] in {"0x", "0o", "0b"} else 0)
    if digits <= _MAX_DIGITS:
        return None
    return Refused(f"a number with more than {_MAX_DIGITS} digits", start, end, "write it in quotes if it is text")


def _too_many(at: int) -> Refused:
    return Refused(f"more than {_MAX_KEYS:,} keys", at, at + 1, "split the graph")
