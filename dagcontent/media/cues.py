"""Turn timed words into subtitles: what is shown, from when to when. Knows no file format.

A subtitle holds at most `lines` lines of at most `characters`; it ends where a sentence ends, where speech pauses, or
where it is full. No two overlap, none is empty, and every word is in exactly one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

import msgspec

__all__ = ["Cue", "Word", "cues_of", "joined", "spread"]

PAUSE_S: Final = 0.9
HOLD_S: Final = 0.15
SHORTEST_S: Final = 0.7
LONGEST_S: Final = 7.0
_END = re.compile(r"[.!?…。！？]+[\"'”’)\]»]*$")
_BREATH = re.compile(r"[,;:–—、，；：]+[\"'”’)\]»]*$")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


class Word(msgspec.Struct, frozen=True):
    """A word and when it is spoken, in ms."""

    text: str
    start: int
    end: int


class Cue(msgspec.Struct, frozen=True):
    """One subtitle: its lines, each a list of words; shown from `start` to `end`, in ms."""

    start: int
    end: int
    lines: tuple[tuple[Word, ...], ...]

    @property
    def text(self) -> str:
        """The lines as they are written."""
        return "\n".join(joined([word.text for word in line]) for line in self.lines)

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in order."""
        return tuple(word for line in self.lines for word in line)


def joined(texts: Sequence[str]) -> str:
    """Return words as one line: with spaces between, except in scripts that set none."""
    line = ""
    for text in texts:
        tight = line and text and _UNSPACED.match(line[-1]) and _UNSPACED.match(text[0])
        line = text if not line else f"{line}{text}" if tight else f"{line} {text}"
    return line


def cues_of(words: Sequence[Word], characters: int, lines: int) -> list[Cue]:
    """Return the subtitles of words in their order. A word longer than a line is cut into several."""
    pieces = _ordered([piece for word in words for piece in _cut(word, characters)])
    groups = [group for passage in _passages(pieces) for group in _parted(passage, characters, lines)]
    cues: list[Cue] = []
    for index, group in enumerate(groups):
        following = groups[index + 1][0].start if index + 1 < len(groups) else None
        start, end = group[0].start, group[-1].end
        # A subtitle stays a little after its last word, so that it can be read; never into the next.
        end = max(end + round(HOLD_S * 1000), start + round(SHORTEST_S * 1000))
        if following is not None:
            end = min(end, following)
        cues.append(Cue(start, max(end, start + 1), _broken(group, characters, lines)))
    return cues


def spread(text: str, start: int, end: int) -> list[Word]:
    """Return the words of plain text, spread over a span by their length; sentence ends take a breath."""
    found = text.split()
    weights = [len(word) + 2 + (6 if _END.search(word) else 3 if _BREATH.search(word) else 0) for word in found]
    total = sum(weights) or 1
    words: list[Word] = []
    done = 0
    for word, weight in zip(found, weights, strict=True):
        first = start + (end - start) * done // total
        done += weight
        last = start + (end - start) * done // total
        words.append(Word(word, first, max(first, last)))
    return words


def _cut(word: Word, characters: int) -> list[Word]:
    text = word.text.strip()
    if not text:
        return []
    if " " in text and len(text) > characters:
        return [piece for part in spread(text, word.start, word.end) for piece in _cut(part, characters)]
    parts = [text[i : i + characters] for i in range(0, len(text), characters)]
    span = word.end - word.start
    return [
        Word(part, word.start + span * i // len(parts), word.start + span * (i + 1) // len(parts))
        for i, part in enumerate(parts)
    ]


def _ordered(words: list[Word]) -> list[Word]:
    """Return words that never begin before the one before them, each at least 1 ms later than that began."""
    ordered: list[Word] = []
    for word in words:
        start = max(word.start, ordered[-1].start + 1 if ordered else 0)
        ordered.append(Word(word.text, start, max(word.end, start + 1)))
    return ordered


def _passages(words: Sequence[Word]) -> list[list[Word]]:
    """Return words in runs that end with a sentence, or where speech pauses."""
    passages: list[list[Word]] = []
    for index, word in enumerate(words):
        before = words[index - 1] if index else None
        if before is None or _END.search(before.text) or word.start - before.end > PAUSE_S * 1000:
            passages.append([])
        passages[-1].append(word)
    return passages


def _parted(words: list[Word], characters: int, lines: int) -> list[list[Word]]:
    """Return a passage in the best parts that fit: few, evenly filled, ending at a comma where there is one.

    best[i] is the least cost of the words before i, and where its last part begins; a part has few words, so this is
    linear in the length of the passage.
    """
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(words) + 1):
        found = (math.inf, end - 1)
        for begin in range(end - 1, -1, -1):
            part = words[begin:end]
            if end - begin > 1 and not _fits(part, characters, lines):
                break
            cost = best[begin][0] + _cost(part, characters * lines, last=end == len(words))
            if cost < found[0]:
                found = (cost, begin)
        best.append(found)
    parts: list[list[Word]] = []
    end = len(words)
    while end:
        begin = best[end][1]
        parts.append(words[begin:end])
        end = begin
    return parts[::-1]


def _fits(part: Sequence[Word], characters: int, lines: int) -> bool:
    return part[-1].end - part[0].start <= LONGEST_S * 1000 and len(_greedy(part, characters)) <= lines


def _cost(part: Sequence[Word], most: int, *, last: bool) -> float:
    empty = 1 - min(1.0, sum(len(word.text) + 1 for word in part) / most)
    short = part[-1].end - part[0].start < SHORTEST_S * 1000
    return 1.0 + 1.2 * empty**2 + (0.0 if last or _BREATH.search(part[-1].text) else 0.6) + (0.8 if short else 0.0)


def _greedy(words: Sequence[Word], characters: int) -> list[list[Word]]:
    rows: list[list[Word]] = []
    for word in words:
        if rows and len(joined([w.text for w in [*rows[-1], word]])) <= characters:
            rows[-1].append(word)
        else:
            rows.append([word])
    return rows


def _broken(words: Sequence[Word], characters: int, lines: int) -> tuple[tuple[Word, ...], ...]:
    """Return balanced lines: as few as there must be, the longest as short as it can be."""
    rows = _greedy(words, characters)
    low = max((len(word.text) for word in words), default=1)
    for width in range(low, characters):
        narrow = _greedy(words, width)
        if len(narrow) <= len(rows):
            return tuple(tuple(row) for row in narrow)
    return tuple(tuple(row) for row in rows[: max(lines, len(rows))])
