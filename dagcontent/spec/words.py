"""Turn types and TOML values into the words of a message. Knows no rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from dagcontent.values.types import Type

__all__ = ["DRAFT", "a_type", "a_value", "listed"]

DRAFT: Final = "draft"
"""The profile that is there without being written."""

_ONE = {
    "text": "text", "json": "JSON", "number": "a number", "integer": "a whole number", "boolean": "true or false",
    "image": "a picture", "audio": "a recording", "video": "a clip", "subtitles": "subtitles",
    "document": "a document", "record": "a table", "any": "any value", "list": "a list",
}  # fmt: skip
_MANY = {
    "text": "texts", "json": "JSON values", "number": "numbers", "integer": "whole numbers", "image": "pictures",
    "audio": "recordings", "video": "clips", "document": "documents", "record": "tables",
}  # fmt: skip


def a_type(types: Sequence[Type]) -> str:
    """Return "a number", "a list of pictures", "a recording or a clip"."""
    words: list[str] = []
    for type_ in types:
        if type_.name == "list" and type_.item is not None:
            word = f"a list of {_MANY.get(type_.item.name, type_.item.name)}"
        else:
            word = _ONE.get(type_.name, type_.name)
        if word not in words:
            words.append(word)
    return " or ".join(words)


def a_value(value: Any) -> str:
    """Return what a TOML value is: "text", "a whole number", "a date"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a number"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, dt.time):
        return "a time of day"
    return "a date"


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return names joined by commas, the end cut off where there are very many."""
    shown = ", ".join(names[:most])
    return f"{shown}, and {len(names) - most} more" if len(names) > most else shown
