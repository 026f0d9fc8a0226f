"""Turn a recording whose words are known into a transcript, and any other into one that says it knows nothing.

`local/alignment` stands in for models that listen: words that travel with a recording are taken at their word; of a
sound nobody knows, there are segments over its whole length. Knows no vendor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.media.arguments import blob_of, flag_of, text_of
from dagcontent.media.call import Call, Made
from dagcontent.media.facts import known_facts

__all__ = ["transcribe"]

_VERSION: Final = "1"
_UNKNOWN: Final = ("not", "transcribed", "in", "a", "draft")
_SEGMENT_S: Final = 5.0
_PAUSE_S: Final = 0.8
_LONGEST_S: Final = 15.0
_ENDS: Final = (".", "!", "?", "…", "。", "！", "？")
_UNDETERMINED: Final = "und"

Row = dict[str, Any]


def transcribe(call: Call) -> Made:
    """Write down what is said in `audio` or `video`."""
    blob = blob_of(call, "audio") or blob_of(call, "video")
    if blob is None:
        text = "audio.transcribe has nothing to listen to"
        raise NodeError(text, hint="give `audio` or `video`")
    facts = known_facts(call, blob)
    words = [_word(row) for row in facts.get("alignment") or ()]
    groups = _sentences(words) if words else _silence(facts["duration_ms"] / 1000)
    speaker = "A" if flag_of(call, "diarize") else None
    segments = [_segment(number, group, speaker) for number, group in enumerate(groups)]
    call.progress(1.0)
    return Made(
        {
            "text": " ".join(segment["text"] for segment in segments),
            "language": text_of(call, "language") or _UNDETERMINED,
            "segments": segments,
            "words": [word for group in groups for word in group],
        },
        {"transcript": _VERSION},
    )


def _word(row: Mapping[str, Any]) -> Row:
    return {"text": str(row["text"]), "start": float(row["start"]), "end": float(row["end"])}


def _sentences(words: Sequence[Row]) -> list[list[Row]]:
    """Return words in groups that end at a full stop, at a pause, or when they grow too long."""
    groups: list[list[Row]] = [[]]
    for word in words:
        group = groups[-1]
        if group and (
            group[-1]["text"].endswith(_ENDS)
            or word["start"] - group[-1]["end"] > _PAUSE_S
            or word["end"] - group[0]["start"] > _LONGEST_S
        ):
            groups.append([])
        groups[-1].append(word)
    return groups


def _silence(seconds: float) -> list[list[Row]]:
    """Return groups of words that say that nothing is known, spread over the whole length."""
    count = max(1, round(seconds / _SEGMENT_S))
    step = seconds / count / len(_UNKNOWN)
    return [
        [
            {"text": text, "start": round(at * step, 3), "end": round((at + 1) * step, 3)}
            for at, text in enumerate(_UNKNOWN, start=part * len(_UNKNOWN))
        ]
        for part in range(count)
    ]


def _segment(number: int, words: Sequence[Row], speaker: str | None) -> Row:
    start, end = words[0]["start"], words[-1]["end"]
    return {
        "id": number, "start": start, "end": end, "seconds": round(end - start, 3), "speaker": speaker,
        "text": " ".join(word["text"] for word in words),
    }  # fmt: skip
