"""Turn a text into one that is marked as to be translated (`local/outline` of text.translate). Knows no vendor.

What the glossary says is put in; all else stays as it was, so that lengths, sentences and lines are like those of a
translation. The mark stands before every paragraph: nobody takes the draft for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from dagcontent.media.arguments import number_of, required_text
from dagcontent.media.call import Call, Made

__all__ = ["translate"]

_VERSION: Final = "1"
_WORDS_A_SECOND: Final = 2.4


def translate(call: Call) -> Made:
    """Mark `text` with `language`, words of the glossary replaced, cut to what can be said in `max_seconds`."""
    text, language = required_text(call, "text"), required_text(call, "language")
    glossary = call.params.get("glossary")
    if isinstance(glossary, Mapping):
        words = {str(word).lower(): str(other) for word, other in glossary.items() if str(word).strip()}
        if words:
            longest_first = sorted(words, key=lambda word: (-len(word), word))
            pattern = r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)"
            text = re.sub(pattern, lambda found: words[found[0].lower()], text, flags=re.IGNORECASE)
    limit = number_of(call, "max_seconds")
    if limit is not None:
        text = _cut(text, max(1, int(limit * _WORDS_A_SECOND)))
    mark = f"[{' '.join(language.split())}] "
    call.progress(1.0)
    return Made(re.sub(r"(?m)^(?=[^\S\n]*\S)", lambda _: mark, text), {"translate": _VERSION})


def _cut(text: str, words: int) -> str:
    """Return at most so many words of a text, the spaces between them as they are."""
    ends = [found.end() for found in re.finditer(r"\S+", text)]
    return text if len(ends) <= words else text[: ends[words - 1]]
