"""What flows along the edges of a graph: JSON data, text and artifacts. Knows no file and no store.

A `Value` is None, a bool, an int, a float, a str, a `Blob`, a list of values or a dict from str to values.
Values are never changed once made: caches are keyed by their identity.
Two marks stand where a value is not: `UNKNOWN` (still to be made) and `ABSENT` (left out).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, NewType, TypeAlias

import msgspec

__all__ = [
    "ABSENT",
    "CARRIED_FACTS",
    "MALFORMED",
    "UNKNOWN",
    "ActionKey",
    "Blob",
    "Digest",
    "Mark",
    "Value",
    "blobs_in",
    "contains_unknown",
    "decode_value",
    "encode_value",
    "fact_of",
    "wire_decode_hook",
    "wire_encode_hook",
]

Digest = NewType("Digest", str)
"""SHA-256 of bytes, 64 lower-case hex digits."""

ActionKey = NewType("ActionKey", str)
"""SHA-256 of a manifest's canonical bytes, 64 lower-case hex digits."""


class Mark(Enum):
    """Stands where a value is not."""

    # No texts: msgspec would write an enum as its value, and a mark that strays into a record would be read as text.
    UNKNOWN = object()
    ABSENT = object()  # noqa: PIE796 - another object


UNKNOWN: Final = Mark.UNKNOWN
"""The value depends on content that is still to be made."""
ABSENT: Final = Mark.ABSENT
"""There is no value: a neighbour beyond the end, a missing `?` field, a skipped optional input."""

CARRIED_FACTS: Final = ("alignment", "chapters")
"""Facts that bytes do not determine: they travel along and are keyed by kinds that carry them."""


class Blob:
    """An artifact: its bytes by digest, and what was measured of it once, at commit.

    `type` is one of image, audio, video, subtitles, document. `facts` hold integers and rationals as measured:
    `duration_ms`, `width`, `height` (px), `fps` ([numerator, denominator]), `sample_rate` (Hz), `channels`,
    `content` (digest of the decoded picture or sound, or of what we coded), and the carried `alignment`
    ([{text, start, end}], seconds) and `chapters` ([{title, start, end}], seconds).
    Equality is by digest and type: facts are no part of identity.
    """

    # No msgspec struct: those cannot stand in a union with tables on the wire.
    __slots__ = ("digest", "facts", "media_type", "name", "size_bytes", "type")

    def __init__(
        self,
        digest: Digest,
        type: str,  # noqa: A002 - the design's word for it
        media_type: str,
        size_bytes: int,
        facts: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        self.digest = digest
        self.type = type
        self.media_type = media_type
        self.size_bytes = size_bytes
        self.facts: dict[str, Any] = facts or {}
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blob) and (self.digest, self.type) == (other.digest, other.type)

    def __hash__(self) -> int:
        return hash((self.digest, self.type))

    def __repr__(self) -> str:
        return f"Blob({self.type} {self.digest[:12]} {self.media_type} {self.size_bytes} B)"


Value: TypeAlias = "None | bool | int | float | str | Blob | Mark | list[Value] | dict[str, Value]"


def blobs_in(value: Value) -> Iterator[Blob]:
    """Yield every artifact inside a value, in order, repeats included."""
    if isinstance(value, Blob):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from blobs_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from blobs_in(item)


def contains_unknown(value: Value) -> bool:
    """Tell whether any part of a value is still to be made."""
    if value is UNKNOWN:
        return True
    if isinstance(value, list):
        return any(contains_unknown(item) for item in value)
    if isinstance(value, dict):
        return any(contains_unknown(item) for item in value.values())
    return False


def fact_of(value: Value, name: str) -> Value:
    """Return a fact of an artifact or of text in the units of the graph language; ABSENT if it has none.

    Seconds for `duration`, frames per second for `fps`, pixels, Hz; see `graph-format`'s table of references.
    """
    if isinstance(value, str):
        if name == "characters":
            return len(value)
        return len(value.split()) if name == "words" else ABSENT
    if not isinstance(value, Blob):
        return ABSENT
    facts = value.facts
    if name == "duration":
        return facts["duration_ms"] / 1000 if "duration_ms" in facts else ABSENT
    if name == "fps":
        return facts["fps"][0] / facts["fps"][1] if "fps" in facts else ABSENT
    if name == "size_bytes":
        return value.size_bytes
    if name == "media_type":
        return value.media_type
    if name == "name":
        return value.name if value.name is not None else ABSENT
    found: Value = facts.get(name, ABSENT)
    return found


MALFORMED: Final = (UnicodeDecodeError, RecursionError)
"""What msgspec raises beside DecodeError: for text that is none, and for nesting beyond reading."""

_BLOB_EXT = 1
_fields = msgspec.msgpack.Encoder()
_decode_fields = msgspec.msgpack.Decoder(tuple[str, str, str, int, dict[str, Any], str | None])


def wire_encode_hook(obj: object) -> object:
    """Give msgspec the wire form of what it does not know: a Blob is MessagePack extension 1."""
    if isinstance(obj, Blob):
        row = (obj.digest, obj.type, obj.media_type, obj.size_bytes, obj.facts, obj.name)
        return msgspec.msgpack.Ext(_BLOB_EXT, _fields.encode(row))
    text = f"{type(obj).__name__} has no wire form"
    raise NotImplementedError(text)


def wire_decode_hook(code: int, data: memoryview) -> object:
    """Read what `wire_encode_hook` wrote; refuse any other extension."""
    if code != _BLOB_EXT:
        text = f"unknown extension {code}"
        raise msgspec.DecodeError(text)
    digest, kind, media_type, size, facts, name = _decode_fields.decode(data)
    return Blob(Digest(digest), kind, media_type, size, facts, name)


_encoder = msgspec.msgpack.Encoder(enc_hook=wire_encode_hook)
_decoder = msgspec.msgpack.Decoder(ext_hook=wire_decode_hook)


def encode_value(value: Value) -> bytes:
    """Return the stored form of a value (MessagePack; not canonical: keys are made by `canonical`)."""
    return _encoder.encode(value)


def decode_value(data: bytes) -> Value:
    """Read the stored form of a value. Raises `msgspec.DecodeError` for anything else."""
    try:
        value: Value = _decoder.decode(data)
    except MALFORMED as error:
        raise msgspec.DecodeError(str(error)) from error
    return value
