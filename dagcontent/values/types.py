"""The types of the graph language. Knows no kind.

A `Type` has a name out of `NAMES`; a list has an `item`; a record has `fields`, each with whether it may be missing.
`ANY` stands where nothing can be said before the build (JSON without a schema).
"""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = [
    "ANY",
    "ARTIFACTS",
    "AUDIO",
    "BOOLEAN",
    "DOCUMENT",
    "IMAGE",
    "INTEGER",
    "JSON",
    "LIST",
    "NUMBER",
    "SUBTITLES",
    "TEXT",
    "VIDEO",
    "Field",
    "Type",
    "list_of",
    "record_of",
]

NAMES: Final = (
    "text", "json", "number", "integer", "boolean", "image", "audio", "video", "subtitles", "document",
    "list", "record", "any",
)  # fmt: skip
ARTIFACTS: Final = frozenset({"image", "audio", "video", "subtitles", "document"})


class Field(msgspec.Struct, frozen=True):
    """One field of a record type."""

    name: str
    type: Type
    optional: bool = False


class Type(msgspec.Struct, frozen=True):
    """A type of the graph language; `choices` limit a text."""

    name: str
    item: Type | None = None
    fields: tuple[Field, ...] = ()
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.name == "list" and self.item is not None:
            return f"list<{self.item}>"
        if self.name == "record":
            inside = ", ".join(f"{f.name}{'?' if f.optional else ''}: {f.type}" for f in self.fields)
            return "record{" + inside + "}"
        return self.name

    @property
    def artifact(self) -> bool:
        """Whether values of this type are artifacts in the CAS."""
        return self.name in ARTIFACTS

    def field(self, name: str) -> Field | None:
        """Return a record's field of that name."""
        return next((f for f in self.fields if f.name == name), None)


TEXT: Final = Type("text")
JSON: Final = Type("json")
NUMBER: Final = Type("number")
INTEGER: Final = Type("integer")
BOOLEAN: Final = Type("boolean")
IMAGE: Final = Type("image")
AUDIO: Final = Type("audio")
VIDEO: Final = Type("video")
SUBTITLES: Final = Type("subtitles")
DOCUMENT: Final = Type("document")
ANY: Final = Type("any")
LIST: Final = Type("list")
"""Any list as it is: lists in it stay lists."""


def list_of(item: Type) -> Type:
    """Return the type of a list whose elements have this type."""
    return Type("list", item=item)


def record_of(*fields: Field) -> Type:
    """Return the type of a table with these fields and no others."""
    return Type("record", fields=fields)
