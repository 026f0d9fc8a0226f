"""Times of characters into words with their times. Knows no request and no file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

__all__ = ["aligned"]

# Scripts that set no spaces between words: each sign is a word of its own, as where speech is made locally.
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(rf"[{_UNSPACED}][^\w\s]*|[^\s{_UNSPACED}]+")
# What directs a voice is not said: <break time="1s"/>, and [whispers] in the models that take it.
_MARKUP: Final = re.compile(r"<[A-Za-z/][^<>]{0,200}>")
_DIRECTION: Final = re.compile(r"\[[^\[\]]{1,200}\]")


class _Times(msgspec.Struct, frozen=True):
    characters: list[str]
    character_start_times_seconds: list[float]
    character_end_times_seconds: list[float]


def aligned(given: Any, breaks: Iterable[int] = (), *, directed: bool = False) -> list[dict[str, Any]]:
    """Return [{text, start, end}], seconds, of the times of characters; empty where there are none that can be used.

    `breaks` are characters at which a word begins in any case. `directed`: text in [brackets] directs and is not said.
    """
    try:
        times = msgspec.convert(given, _Times)
    except msgspec.ValidationError:
        return []
    starts, ends = times.character_start_times_seconds, times.character_end_times_seconds
    if not len(times.characters) == len(starts) == len(ends):
        return []
    text, owners = _spaced(times.characters, set(breaks))
    text = _MARKUP.sub(_blank, text)
    text = _DIRECTION.sub(_blank, text) if directed else text
    rows: list[dict[str, Any]] = []
    before = 0.0
    for found in _WORD.finditer(text):
        first, last = owners[found.start()], owners[found.end() - 1]
        start, end = starts[first], ends[last]
        if not (math.isfinite(start) and math.isfinite(end)):
            return []
        start = max(before, start)
        end = max(start, end)
        rows.append({"text": found[0], "start": round(start, 3), "end": round(end, 3)})
        before = start
    return rows


def _spaced(characters: Sequence[str], breaks: set[int]) -> tuple[str, list[int]]:
    """Return the text and, for each of its signs, the entry it belongs to; a space stands at every break."""
    parts: list[str] = []
    owners: list[int] = []
    for index, character in enumerate(characters):
        part = f" {character}" if index in breaks else character
        parts.append(part)
        owners.extend([index] * len(part))
    return "".join(parts), owners


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])
