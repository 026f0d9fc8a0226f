"""Turn timed words into subtitles: what is shown, from when to when. Knows no file format.

A subtitle holds at most `lines` lines of at most `characters`; it ends where a sentence ends, where speech pauses, or
where it is full. No two overlap, none is empty, and every word is in exactly one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

__all__ = ["Cue", "Word", "cues_of", "joined", "spread"]

PAUSE_S: Final = 0.9
HOLD_S: Final = 0.4
SHORTEST_S: Final = 0.7
LONGEST_S: Final = 7.0
_END = re.compile(r"[.!?…。！？]+[\"'”’)\]»]*$")  # noqa: RUF001 - the signs that end a sentence
_BREATH = re.compile(r"[,;:–—、，；：]+[\"'”’)\]»]*$")  # noqa: RUF001 - the signs that part one
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
    groups: list[list[Word]] = []
    for piece in pieces:
        group = groups[-1] if groups else None
        if group is None or _ends(group, piece, characters, lines):
            groups.append([piece])
        else:
            group.append(piece)
    groups = _without_orphans(groups, characters, lines)
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


def _ends(group: list[Word], following: Word, characters: int, lines: int) -> bool:
    """Tell whether a subtitle ends before the following word."""
    last = group[-1]
    if following.start - last.end > PAUSE_S * 1000 or following.end - group[0].start > LONGEST_S * 1000:
        return True
    if _END.search(last.text):
        return True
    if len(_greedy([*group, following], characters)) > lines:
        return True
    # A comma in the second half of a nearly full subtitle is a good place to stop.
    size = len(joined([word.text for word in group]))
    return bool(_BREATH.search(last.text)) and size > characters * lines * 0.7


def _without_orphans(groups: list[list[Word]], characters: int, lines: int) -> list[list[Word]]:
    """Share words with a last subtitle of a sentence that would hold one short word only."""
    for before, group in zip(groups, groups[1:], strict=False):
        alone = len(group) == 1 and len(before) > 3 and not _END.search(before[-1].text)  # noqa: PLR2004 - one of many
        near = group[0].start - before[-1].end <= PAUSE_S * 1000
        if alone and near and len(_greedy([before[-1], *group], characters)) <= lines:
            keep = max(2, len(before) * 2 // 3)
            moved = before[keep:]
            if len(_greedy([*moved, *group], characters)) <= lines:
                group[:0] = moved
                del before[keep:]
    return groups


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
