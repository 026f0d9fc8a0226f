"""Turn the parameters of a call into typed Python values. Knows no kind, no graph and no file.

The engine has checked types already; what is checked here is what only a medium can know (a size that is one).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from dagcontent.errors import InternalError, NodeError
from dagcontent.kinds.registry import KINDS
from dagcontent.media.call import Call
from dagcontent.values.value import ABSENT, Blob, Value

__all__ = [
    "aspect_of", "blob_of", "blobs_of", "even", "flag_of", "fps_of", "number_of", "numbers_of", "required_blob",
    "required_text", "rows_of", "size_of", "text_of", "texts_of", "whole_of", "wholes_of",
]  # fmt: skip

SIDE_MAX_PX = 16384
PIXELS_MAX = 64_000_000
_SIZE = re.compile(r"\s*(\d{1,5})\s*[x×*]\s*(\d{1,5})\s*", re.IGNORECASE)
_ASPECT = re.compile(r"\s*(\d{1,5}(?:\.\d{1,3})?)\s*[:/x]\s*(\d{1,5}(?:\.\d{1,3})?)\s*")
_NTSC = {23.976: (24000, 1001), 29.97: (30000, 1001), 59.94: (60000, 1001), 119.88: (120000, 1001)}


def text_of(call: Call, name: str) -> str | None:
    """Return a text parameter, or None when it was left out."""
    value = _given(call, name)
    return None if value is None else str(value)


def required_text(call: Call, name: str) -> str:
    """Return a text that must not be empty. Raises NodeError."""
    value = text_of(call, name)
    if value is None or not value.strip():
        text = f"`{name}` of {call.kind} is empty"
        raise NodeError(text, hint=f"give `{name}` some text")
    return value


def number_of(call: Call, name: str) -> float | None:
    """Return a number, or None when it was left out."""
    value = _given(call, name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(call, name, "a number", value)
    return float(value)


def whole_of(call: Call, name: str) -> int | None:
    """Return an integer, or None when it was left out."""
    value = number_of(call, name)
    return None if value is None else round(value)


def wholes_of(call: Call, name: str) -> list[int] | None:
    """Return a list of integers, or None when it was left out."""
    value = _given(call, name)
    if value is None:
        return None
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, int) for item in items):
        raise _wrong(call, name, "a list of integers", value)
    return [item for item in items if isinstance(item, int)]


def flag_of(call: Call, name: str) -> bool:
    """Return a boolean; left out is False."""
    return _given(call, name) is True


def blob_of(call: Call, name: str) -> Blob | None:
    """Return an artifact, or None when it was left out."""
    value = _given(call, name)
    if value is None or isinstance(value, Blob):
        return value
    raise _wrong(call, name, "an artifact", value)


def required_blob(call: Call, name: str) -> Blob:
    """Return an artifact that must be there. Raises NodeError."""
    blob = blob_of(call, name)
    if blob is None:
        text = f"`{name}` of {call.kind} is missing"
        raise NodeError(text, hint=f"give `{name}`")
    return blob


def blobs_of(call: Call, name: str) -> list[Blob]:
    """Return a list of artifacts; left out is the empty list, a single one a list of one."""
    value = _given(call, name)
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    blobs: list[Blob] = []
    for item in items:
        if not isinstance(item, Blob):
            raise _wrong(call, name, "a list of artifacts", item)
        blobs.append(item)
    return blobs


def texts_of(call: Call, name: str) -> list[str] | None:
    """Return a list of texts, or None when it was left out."""
    value = _given(call, name)
    if value is None:
        return None
    if not isinstance(value, list):
        raise _wrong(call, name, "a list of texts", value)
    return [str(item) for item in value]


def numbers_of(call: Call, name: str) -> list[float]:
    """Return a list of numbers; left out is the empty list, a single one a list of one."""
    value = _given(call, name)
    items = value if isinstance(value, list) else [] if value is None else [value]
    numbers: list[float] = []
    for item in items:
        if isinstance(item, bool) or not isinstance(item, int | float):
            raise _wrong(call, name, "a list of numbers", item)
        numbers.append(float(item))
    return numbers


def rows_of(call: Call, name: str) -> list[dict[str, Any]]:
    """Return a list of tables, each with the defaults of its fields; left out is the empty list."""
    value = _given(call, name)
    param = KINDS[call.kind].param(name)
    defaults = {field.name: field.default for field in param.fields} if param is not None else {}
    rows = value if isinstance(value, list) else [] if value is None else [value]
    return [
        defaults | {key: item for key, item in row.items() if item is not ABSENT}
        for row in rows
        if isinstance(row, dict)
    ]


def size_of(call: Call, name: str = "size") -> tuple[int, int] | None:
    """Return (width, height) in px out of `1280x720`, or None when it was left out. Raises NodeError."""
    value = text_of(call, name)
    if value is None:
        return None
    found = _SIZE.fullmatch(value)
    if found is None:
        text = f"`{name}` is not a size: {value!r}"
        raise NodeError(text, hint="write width x height in px, as 1280x720")
    width, height = int(found[1]), int(found[2])
    if not (16 <= width <= SIDE_MAX_PX and 16 <= height <= SIDE_MAX_PX and width * height <= PIXELS_MAX):
        text = f"`{name}` is out of bounds: {width}x{height}"
        raise NodeError(
            text, hint=f"each side 16 to {SIDE_MAX_PX} px, at most {PIXELS_MAX // 1_000_000} megapixels in all"
        )
    return width, height


def aspect_of(call: Call) -> Fraction | None:
    """Return width / height out of `16:9`, or None when it was left out. Raises NodeError."""
    value = text_of(call, "aspect")
    if value is None:
        return None
    found = _ASPECT.fullmatch(value)
    ratio = Fraction(found[1]) / Fraction(found[2]) if found is not None and Fraction(found[2]) else Fraction(0)
    if not Fraction(1, 8) <= ratio <= 8:
        text = f"`aspect` is not a shape that can be made: {value!r}"
        raise NodeError(text, hint="write width to height, as 16:9, 9:16 or 1:1; at most 8:1")
    return ratio


def fps_of(call: Call, default: Fraction) -> Fraction:
    """Return pictures a second as a fraction; 29.97 and its kin mean the television rates."""
    value = number_of(call, "fps")
    if value is None:
        return default
    for name, rate in _NTSC.items():
        if abs(value - name) < 0.002:
            return Fraction(*rate)
    return Fraction(value).limit_denominator(1001)


def even(value: float | Fraction) -> int:
    """Return the nearest even number of px, at least 2: pictures with half-size colour need even sides."""
    return max(2, round(value / 2) * 2)


def _given(call: Call, name: str) -> Value:
    value = call.params.get(name)
    return None if value is ABSENT else value


def _wrong(call: Call, name: str, wanted: str, value: object) -> InternalError:
    return InternalError(f"`{name}` of {call.kind} should be {wanted}, not {type(value).__name__}")
