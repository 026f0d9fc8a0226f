"""A prompt into the length that it asks for. Knows no model: a guess for the expected cost alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["CHARACTERS_A_WORD", "WORDS_A_SECOND", "asked_words"]

CHARACTERS_A_WORD: Final = 6
"""Of plain English, with the space behind it."""
WORDS_A_SECOND: Final = 2.5
"""Of a voice that takes its time."""
_WORDS_IN: Final[Mapping[str, float]] = {
    "word": 1, "character": 1 / CHARACTERS_A_WORD, "sentence": 15, "line": 10, "paragraph": 80, "page": 400,
    "second": WORDS_A_SECOND, "minute": 60 * WORDS_A_SECOND,
}  # fmt: skip
_SPELLED: Final = {
    name: number
    for number, name in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split(),
        1,
    )
} | {"a": 1, "an": 1, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "hundred": 100}
_ASKED: Final = re.compile(
    rf"\b(?P<count>\d{{1,6}}|{'|'.join(_SPELLED)})[ -]+(?:[^\W\d]+[ -]+){{0,2}}?(?P<unit>{'|'.join(_WORDS_IN)})s?\b",
    re.IGNORECASE,
)
_LONGEST_READ: Final = 20_000


def asked_words(prompt: str) -> float | None:
    """Return how many words a prompt asks for, as "at most twelve words" or "a 30-second text"; None if it says no length.

    Of several lengths the finest unit counts, and of those the largest: "two sentences of at most ten words" are words.
    """
    found = [
        (_WORDS_IN[match["unit"].lower()], _number(match["count"]) * _WORDS_IN[match["unit"].lower()])
        for match in _ASKED.finditer(prompt[:_LONGEST_READ])
    ]
    exact = [words for each, words in found if each <= 1]
    return max(exact or [words for _, words in found], default=None)


def _number(text: str) -> float:
    return float(text) if text.isdigit() else float(_SPELLED[text.lower()])
