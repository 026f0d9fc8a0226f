"""Kinds of speech and sound."""

from __future__ import annotations

from typing import Final

from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.values.types import AUDIO, NUMBER, TEXT, VIDEO, list_of

__all__ = ["KINDS"]

_FACTS = ("duration", "sample_rate", "channels", "alignment", "chapters", "size_bytes", "media_type")

KINDS: Final = (
    Kind(
        "speech.generate",
        "A text spoken by a voice, with the time of every word.",
        (
            Param("text", TEXT, "what to say", required=True),
            Param("voice", TEXT, "who says it", required=True),
            Param("language", TEXT, "language code, as en or de"),
            Param("speed", NUMBER, "1 is the voice's own", default=1.0, minimum=0.25, maximum=4),
            Param("stability", NUMBER, "evenness of the delivery", minimum=0, maximum=1),
            Param("similarity", NUMBER, "closeness to the voice", minimum=0, maximum=1),
            Param("style", NUMBER, "strength of the voice's style", minimum=0, maximum=1),
            Param("previous_text", TEXT, "what was said before"),
            Param("next_text", TEXT, "what is said after"),
            Param("format", TEXT, "file format", choices=("wav", "mp3", "flac", "opus")),
        ),
        AUDIO,
        Effect.PAID,
        facts=_FACTS,
        by_model=True,
        stand_ins=("espeak",),
        priced_by="character",
    ),
    Kind(
        "audio.concat",
        "Recordings one after another.",
        (
            Param("clips", list_of(AUDIO), "the recordings, in order", required=True, also=(list_of(VIDEO),)),
            Param("gap", NUMBER, "silence between them", default=0.0, minimum=0, maximum=60, unit="s"),
            Param("crossfade", NUMBER, "overlap of neighbours", default=0.0, minimum=0, maximum=30, unit="s"),
            Param("titles", list_of(TEXT), "one a recording: they become chapters"),
        ),
        AUDIO,
        Effect.LOCAL,
        facts=_FACTS,
        carries=True,
    ),
)
