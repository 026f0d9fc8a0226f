"""Turn text that holds JSON into its value, or into the place where it stops being JSON. Knows no graph.

Models like to put JSON between fences, with a word before and after: what stands in the one fence of a text is read. More
is not guessed: JSON that lacks a bracket is a mistake to be seen.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.values.types import Type
from dagcontent.values.value import Value

__all__ = ["misfit", "parsed"]

_FENCE: Final = re.compile(r"(```+|~~~+)\s*([\w+-]*)")
_ESCAPED_HALF: Final = re.compile(r"\\ud[89a-f]", re.IGNORECASE)
_INT64: Final = 2**63
_DEEPEST: Final = 200
_SHOWN: Final = 32


class _Block(msgspec.Struct, frozen=True):
    """What stands between two fences: the word behind the first, the text, and the number of lines before it."""

    language: str
    text: str
    line: int


class _UnfitError(ValueError):
    """JSON that says what no value here can be."""


def parsed(text: str) -> Value:
    """Return the value of JSON, which may stand between fences. Raises NodeError with line, column and what is there."""
    plain = text.removeprefix("\ufeff")
    if not plain.strip():
        raise NodeError("there is no JSON: the text is empty", hint="look at what `text` refers to")
    try:
        return _read(plain)
    except json.JSONDecodeError as error:
        blocks = _fenced(plain)
        if not blocks:
            raise _broken(plain, 0, error) from None
    marked = [block for block in blocks if block.language == "json"] or blocks
    if len(marked) > 1:
        message = f"there are {len(marked)} blocks between fences, and one is meant"
        raise NodeError(message, hint="ask for JSON alone, or cut the text first")
    block = marked[0]
    try:
        return _read(block.text)
    except json.JSONDecodeError as error:
        raise _broken(block.text, block.line, error) from None


def _read(text: str) -> Value:
    try:
        value: Value = json.loads(
            text, parse_constant=_no_constant, parse_int=_whole, parse_float=_finite, object_pairs_hook=_table
        )
        if _ESCAPED_HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NodeError("this JSON holds half a character", hint="look at its \\ud... escapes") from None
    except _UnfitError as error:
        raise NodeError(f"this JSON cannot be used: {error}", hint="look at what made it") from None
    except RecursionError:
        raise NodeError("this JSON is nested too deeply", hint=f"at most {_DEEPEST} levels") from None
    if _depth(value) > _DEEPEST:
        raise NodeError("this JSON is nested too deeply", hint=f"at most {_DEEPEST} levels")
    return value


def misfit(value: Value, type_: Type, path: str = "") -> str:
    """Return where a value is not of a type, and what is there instead; nothing where it fits."""
    where = f"`{path}`" if path else "the whole"
    if type_.name == "list":
        if not isinstance(value, list):
            return f"{where} is {_what(value)}, and a list is meant"
        if type_.item is None:
            return ""
        inner = type_.item
        return next((found for i, item in enumerate(value) if (found := misfit(item, inner, f"{path}[{i}]"))), "")
    if type_.name == "record":
        return _misfit_of_table(value, type_, path, where)
    fits = {
        "text": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "integer": isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer(),
    }
    if not fits.get(type_.name, True):
        return f"{where} is {_what(value)}, and {_meant(type_)} is meant"
    if type_.choices and value not in type_.choices:
        return f"{where} is {_what(value)}, and it is one of: {', '.join(type_.choices)}"
    return ""


def _misfit_of_table(value: Value, type_: Type, path: str, where: str) -> str:
    if not isinstance(value, dict):
        return f"{where} is {_what(value)}, and a table is meant"
    for field in type_.fields:
        if field.name not in value or (value[field.name] is None and field.optional):
            if not field.optional:
                return f"{where} has no `{field.name}`; there is: {', '.join(value) or 'nothing'}"
            continue
        found = misfit(value[field.name], field.type, f"{path}.{field.name}".removeprefix("."))
        if found:
            return found
    strange = [name for name in value if type_.field(name) is None]
    return f"{where} has `{strange[0]}`, which was not asked for" if strange else ""


def _meant(type_: Type) -> str:
    return {"text": "text", "boolean": "true or false", "number": "a number", "integer": "a whole number"}[type_.name]


def _what(value: Value) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None:
        return "null"
    shown = json.dumps(value, ensure_ascii=False) if isinstance(value, bool | int | float | str) else str(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


def _fenced(text: str) -> list[_Block]:
    """Return what stands between fences; one that is not closed goes to the end: an answer was cut off there."""
    blocks: list[_Block] = []
    fence, language, start, rows = "", "", 0, text.split("\n")
    for number, row in enumerate([*rows, ""]):
        bare = row.strip()
        if not fence:
            found = _FENCE.match(bare)
            if found is not None:
                fence, language, start = found[1], found[2].lower(), number + 1
        elif bare == fence or number == len(rows):
            blocks.append(_Block(language, "\n".join(rows[start:number]), start))
            fence = ""
    return blocks


def _broken(text: str, line: int, error: json.JSONDecodeError) -> NodeError:
    rows = text.split("\n")
    row = rows[error.lineno - 1] if error.lineno <= len(rows) else ""
    start = max(0, error.colno - 1 - _SHOWN)
    excerpt = row[start : error.colno - 1 + _SHOWN].strip() or "the end of the text"
    said = error.msg[:1].lower() + error.msg[1:]
    message = f"this is no JSON from line {line + error.lineno}, column {error.colno} on: {said}"
    hint = "cut off? raise `max_tokens` of what made it" if error.pos >= len(text.rstrip()) else "look at what made it"
    return NodeError(message, facts=[("there", excerpt)], hint=hint)


def _no_constant(word: str) -> Any:
    raise _UnfitError(f"{word} is no number")


def _whole(digits: str) -> int | float:
    if len(digits) > 20 or not -_INT64 <= int(digits) < _INT64:
        raise _UnfitError(f"{digits[:_SHOWN]} does not fit into 64 bits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _UnfitError(f"{digits[:_SHOWN]} is larger than any number here")
    return value


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _UnfitError(f"`{twice}` stands twice in one table")
    return made


def _depth(value: Value) -> int:
    deepest, level = 0, [value]
    while level:
        level = [
            inner
            for item in level
            if isinstance(item, list | dict)
            for inner in (item if isinstance(item, list) else item.values())
        ]
        deepest += 1
    return deepest
