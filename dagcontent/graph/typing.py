"""Types of literals, of steps into values, and whether a value of one type fits a parameter of another. Knows no nodes."""

from __future__ import annotations

from typing import Any, Final

from dagcontent.kinds.declaration import Kind, Param
from dagcontent.values.types import (
    ANY,
    AUDIO,
    BOOLEAN,
    INTEGER,
    JSON,
    NUMBER,
    TEXT,
    Field,
    Type,
    list_of,
    record_of,
)

__all__ = [
    "FACT_TYPES",
    "SELECTION_FACTS",
    "fits",
    "fits_param",
    "innermost",
    "joinable",
    "selection_fact",
    "type_of_literal",
    "united",
]

FACT_TYPES: Final = {
    "duration": NUMBER,
    "width": INTEGER,
    "height": INTEGER,
    "fps": NUMBER,
    "sample_rate": INTEGER,
    "channels": INTEGER,
    "size_bytes": INTEGER,
    "media_type": TEXT,
    "alignment": JSON,
    "chapters": JSON,
    "report": JSON,
    "characters": INTEGER,
    "words": INTEGER,
    "name": TEXT,
}

SELECTION_FACTS: Final = {"label": TEXT, "position": INTEGER, "score": NUMBER}
"""Facts of what a selection gave: not of the artifact or the text, but of how it was come by."""

_JSON_LIKE = frozenset({"text", "number", "integer", "boolean", "json", "any", "record", "list"})
_AS_TEXT = frozenset({"text", "number", "integer", "boolean", "json", "any", "record"})


def type_of_literal(value: Any) -> Type:
    """Return the type of a TOML value; fields that only some tables of a list have are optional."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INTEGER
    if isinstance(value, float):
        return NUMBER
    if isinstance(value, str):
        return TEXT
    if isinstance(value, list):
        return list_of(united([type_of_literal(item) for item in value]))
    if isinstance(value, dict):
        return record_of(*(Field(str(k), type_of_literal(v)) for k, v in value.items()))
    return ANY


def united(types: list[Type]) -> Type:
    """Return the narrowest type that all of these are."""
    if not types:
        return ANY
    first = types[0]
    if all(t == first for t in types):
        return first
    if all(t.name == "record" for t in types):
        names = dict.fromkeys(f.name for t in types for f in t.fields)
        return record_of(*(_united_field(name, types) for name in names))
    if all(t.name == "list" and t.item is not None for t in types):
        return list_of(united([t.item for t in types if t.item is not None]))
    if all(t.name in {"integer", "number"} for t in types):
        return NUMBER
    if all(t.name == "text" for t in types):
        return TEXT
    return ANY


def _united_field(name: str, records: list[Type]) -> Field:
    there = [f for f in (r.field(name) for r in records) if f is not None]
    optional = len(there) < len(records) or any(f.optional for f in there)
    return Field(name, united([f.type for f in there]), optional)


def selection_fact(kind: Kind, made: Type, name: str) -> Type | None:
    """Return the type of a fact of a selection whose output is `made`; None where that is none: a path into JSON goes into the
    value.
    """
    inner = made.item or ANY if made.name == "list" else made
    if not kind.chooses or name not in SELECTION_FACTS or not (inner.artifact or inner.name == "text"):
        return None
    return list_of(SELECTION_FACTS[name]) if made.name == "list" else SELECTION_FACTS[name]


def innermost(found: Type) -> Type:
    """Return what is in a list, however deep; lists in lists are one list to choose from."""
    while found.name == "list":
        found = found.item or ANY
    return found


def joinable(kind: Type) -> bool:
    """Tell whether a value of this type can be a part of joined text: media may not."""
    if kind.name == "list":
        return kind.item is None or joinable(kind.item)
    return not kind.artifact


def fits_param(have: Type, param: Param) -> bool:
    """Tell whether a value of a type may be given for a parameter."""
    return any(fits(have, want) for want in (param.type, *param.also))


def fits(have: Type, want: Type) -> bool:
    """Tell whether a value of type `have` is accepted where `want` is asked, before anything is known of it.

    Lists take nested lists and single values; text takes what has a text form; audio takes a video's sound.
    """
    if have.name == "any" or want.name == "any":
        return True
    if want.name == "list" and want.item is None:
        return have.name in {"list", "json"}
    if want.name == "list":
        assert want.item is not None
        inner = innermost(have)
        return fits(inner, want.item) or (have.name == "list" and inner.name == "any")
    if want.name == "json":
        return have.name in _JSON_LIKE
    if want.name == "text":
        return have.name in _AS_TEXT or (have.name == "list" and have.item is not None and fits(have.item, TEXT))
    if want.name == "number":
        return have.name in {"number", "integer", "json"}
    if want == AUDIO:
        return have.name in {"audio", "video"}
    if have.name == "json":
        return want.name in _JSON_LIKE
    return have.name == want.name
