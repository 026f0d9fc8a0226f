"""A vendor's words and segments into the one form of a transcript. Knows no vendor.

{text, language, segments: [{id, start, end, seconds, speaker, text}], words: [{text, start, end}]}: times in seconds,
`speaker` and `language` None where nobody said. A vendor that times words only gets its segments from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from dagcontent.providers.answers import number

__all__ = ["Span", "span", "transcript"]

_PAUSE_S: Final = 0.8
_LONGEST_S: Final = 15.0
_ENDS: Final = (".", "!", "?", "…", "。", "！", "？")


class Span(msgspec.Struct, frozen=True):
    """Some text and its time, in seconds."""

    text: str
    start: float
    end: float
    speaker: str | None = None


def span(text: Any, start: Any, end: Any, speaker: Any = None) -> Span | None:
    """Return a span of what a vendor wrote; None if it has no text or no beginning. A missing end is the beginning."""
    first, last = number(start), number(end)
    if not isinstance(text, str) or not text.strip() or first is None:
        return None
    return Span(
        text.strip(), first, max(first, last if last is not None else first), None if speaker is None else str(speaker)
    )


def transcript(
    text: str, language: str | None, segments: Iterable[Span | None], words: Iterable[Span | None]
) -> dict[str, Any]:
    """Return a transcript."""
    timed = [word for word in words if word is not None]
    rows = [row for row in segments if row is not None] or _sentences(timed)
    return {
        "text": text,
        "language": language,
        "segments": [
            {
                "id": index, "start": row.start, "end": row.end, "seconds": round(row.end - row.start, 3),
                "speaker": row.speaker, "text": row.text,
            }
            for index, row in enumerate(rows)
        ],
        "words": [{"text": word.text, "start": word.start, "end": word.end} for word in timed],
    }  # fmt: skip


def _sentences(words: Sequence[Span]) -> list[Span]:
    """Return words as sentences: they end at a full stop, a pause, another speaker, or when they grow too long."""
    rows: list[Span] = []
    group: list[Span] = []
    for word in words:
        if group and (
            group[-1].text.endswith(_ENDS)
            or word.start - group[-1].end > _PAUSE_S
            or word.speaker != group[-1].speaker
            or word.end - group[0].start > _LONGEST_S
        ):
            rows.append(_joined(group))
            group = []
        group.append(word)
    return [*rows, _joined(group)] if group else rows


def _joined(group: Sequence[Span]) -> Span:
    return Span(
        " ".join(word.text for word in group), group[0].start, max(word.end for word in group), group[0].speaker
    )
