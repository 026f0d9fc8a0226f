"""A value against the type it should have: what of it does not fit, and where. Knows no node and no file."""

from __future__ import annotations

from typing import Any, Final

from dagcontent.values.types import Type
from dagcontent.values.value import Blob

__all__ = ["misfit"]

_WORDS: Final = {
    "text": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false", "list": "a list", "record": "a table",
}  # fmt: skip


def misfit(value: Any, want: Type, where: str = "") -> str:
    """Return the first thing that does not fit, with its place in the value; empty if all does."""
    if want.name in {"any", "json"}:
        return ""
    if want.name == "list":
        if not isinstance(value, list):
            return _other(value, want, where)
        items = (misfit(item, want.item, f"{where}[{at}]") for at, item in enumerate(value) if want.item is not None)
        return next((found for found in items if found), "")
    if want.name == "record":
        return _record(value, want, where)
    if want.artifact:
        return "" if isinstance(value, Blob) and value.type == want.name else _other(value, want, where)
    if not _is(value, want.name):
        return _other(value, want, where)
    if want.choices and value not in want.choices:
        return f"{where or 'it'} is {value!r}, and it is one of: {', '.join(want.choices)}"
    return ""


def _record(value: Any, want: Type, where: str) -> str:
    if not isinstance(value, dict):
        return _other(value, want, where)
    prefix = f"{where}." if where else ""
    for name in value:
        if want.field(name) is None:
            return f"{prefix}{name} is no field of it: {', '.join(field.name for field in want.fields)}"
    for field in want.fields:
        if field.name in value:
            found = misfit(value[field.name], field.type, prefix + field.name)
            if found:
                return found
        elif not field.optional:
            return f"{prefix}{field.name} is missing"
    return ""


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "text":
        return isinstance(value, str)
    if name == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return name == "number" and isinstance(value, int | float)


def _other(value: Any, want: Type, where: str) -> str:
    return f"{where or 'it'} is {_named(value)}, and {_WORDS.get(want.name, want.name)} is wanted"


def _named(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, Blob):
        return value.type
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else f"{'the text ' if isinstance(value, str) else ''}{value!r:.40}"
