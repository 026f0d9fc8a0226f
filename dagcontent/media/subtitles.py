"""Turn spoken words, a transcript or plain text into a subtitle file (subtitles.build). Knows no picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagcontent.errors import NodeError
from dagcontent.media.arguments import number_of, text_of, whole_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.cues import Word, cues_of, spread
from dagcontent.media.subtitle_file import FORMATS, write

__all__ = ["build"]

WORDS_PER_SECOND = 2.5
WORDS_MAX = 1_000_000


def build(call: Call) -> Made:
    """Write subtitles. Raises NodeError when there is nothing to show, and for words without times."""
    words = _words(call)
    start, end, offset = number_of(call, "start"), number_of(call, "end"), number_of(call, "offset") or 0.0
    first = 0 if start is None else round(start * 1000)
    last = None if end is None else round(end * 1000)
    shift = round(offset * 1000)
    kept = [
        Word(word.text, max(0, word.start + shift), max(0, word.end + shift))
        for word in words
        if word.start >= first and (last is None or word.start < last) and word.end + shift >= 0
    ]
    if not kept:
        text = "there are no words to show"
        raise NodeError(text, hint="check `start`, `end` and `offset`, and that the source is not empty")
    cues = cues_of(kept, whole_of(call, "max_characters") or 36, whole_of(call, "max_lines") or 2)
    name = text_of(call, "format") or "srt"
    media_type, suffix = FORMATS[name]
    path = call.workdir / f"subtitles{suffix}"
    path.write_bytes(write(cues, name).encode("utf-8"))
    call.progress(1.0)
    return Made(NewFile(path, "subtitles", media_type, {}), {})


def _words(call: Call) -> list[Word]:
    alignment, transcript, text = call.params.get("alignment"), call.params.get("transcript"), text_of(call, "text")
    if alignment is not None:
        return _timed(alignment, "alignment")
    if transcript is not None:
        if not isinstance(transcript, Mapping):
            raise _unlike("transcript")
        if transcript.get("words"):
            return _timed(transcript["words"], "transcript")
        parts = _timed(transcript.get("segments"), "transcript")
        return [word for part in parts for word in spread(part.text, part.start, part.end)]
    if text is None or not text.split():
        message = "subtitles.build has nothing to show"
        raise NodeError(message, hint="give `alignment`, `transcript`, or `text` with words in it")
    seconds = number_of(call, "duration") or len(text.split()) / (
        number_of(call, "words_per_second") or WORDS_PER_SECOND
    )
    return spread(text, 0, round(seconds * 1000))


def _timed(rows: Any, name: str) -> list[Word]:
    if not isinstance(rows, list) or len(rows) > WORDS_MAX:
        raise _unlike(name)
    words: list[Word] = []
    for row in rows:
        if not isinstance(row, Mapping) or not all(_time(row.get(key)) for key in ("start", "end")):
            raise _unlike(name)
        start, end = round(row["start"] * 1000), round(row["end"] * 1000)
        words.append(Word(" ".join(str(row.get("text", "")).split()), start, max(start, end)))
    return words


def _time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e7


def _unlike(name: str) -> NodeError:
    form = "[{text, start, end}], seconds" if name == "alignment" else "{segments: [{text, start, end}], words: [...]}"
    return NodeError(
        f"`{name}` is not of its form",
        facts=[("expected", form)],
        hint=f"give `{name}` as it came, as ${{voice.alignment}}",
    )
