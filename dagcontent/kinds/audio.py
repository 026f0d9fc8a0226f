"""Kinds of speech, sound and music."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dagcontent.kinds.declaration import Effect, Kind, Param, tables_of
from dagcontent.values.types import (
    AUDIO,
    BOOLEAN,
    INTEGER,
    JSON,
    NUMBER,
    TEXT,
    VIDEO,
    Field,
    Type,
    list_of,
    record_of,
)

__all__ = ["KINDS"]

_FACTS = ("duration", "sample_rate", "channels", "alignment", "chapters", "size_bytes", "media_type")
_MEASURED = ("duration", "sample_rate", "channels", "size_bytes", "media_type")

_AUDIO: Final = Param("audio", AUDIO, "the recording", required=True, also=(VIDEO,))

_TRACK: Final = (
    _AUDIO,
    Param("gain_db", NUMBER, "louder or softer", default=0.0, minimum=-60, maximum=30, unit="dB"),
    Param("duck", BOOLEAN, "lowered while a track that does not duck sounds", default=False),
    Param("start", NUMBER, "when it begins", default=0.0, minimum=0, maximum=86400, unit="s"),
    Param("loop", BOOLEAN, "over again, as long as the longest of the others sounds", default=False),
)

_TRANSCRIPT: Final = record_of(
    Field("text", TEXT),
    Field("language", TEXT),
    Field(
        "segments",
        list_of(
            record_of(
                Field("id", INTEGER),
                Field("start", NUMBER),
                Field("end", NUMBER),
                Field("seconds", NUMBER),
                Field("speaker", TEXT, optional=True),
                Field("text", TEXT),
            )
        ),
    ),
    Field("words", list_of(record_of(Field("text", TEXT), Field("start", NUMBER), Field("end", NUMBER)))),
)


def _dubbed(params: Mapping[str, Any]) -> Type:
    """Return the type of what is dubbed. A reference says none before it is known: a video also serves as its sound."""
    return AUDIO if getattr(params.get("media"), "type", "") == "audio" else VIDEO


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
        stand_ins=("espeak", "piper"),
        priced_by="character",
    ),
    Kind(
        "speech.dialogue",
        "Lines spoken by several voices, as one recording with the time of every word.",
        (
            Param("lines", JSON, 'who says what, in order: [{ speaker = "anna", text = "..." }]', required=True),
            Param("voices", JSON, 'the voice of each speaker: { anna = "Rachel" }', required=True),
            Param("gap", NUMBER, "silence between lines", minimum=0, maximum=10, unit="s"),
        ),
        AUDIO,
        Effect.PAID,
        facts=_FACTS,
        by_model=True,
        stand_ins=("espeak",),
        priced_by="character",
    ),
    Kind(
        "speech.convert",
        "Speech as it was said, in another voice.",
        (
            _AUDIO,
            Param("voice", TEXT, "who is to say it", required=True),
        ),
        AUDIO,
        Effect.PAID,
        facts=_MEASURED,
        by_model=True,
        stand_ins=("pitch",),
        carries_here=True,
        priced_by="minute",
    ),
    Kind(
        "speech.dub",
        "A recording or a clip, spoken in another language.",
        (
            Param("media", AUDIO, "the recording or clip", required=True, also=(VIDEO,)),
            Param("language", TEXT, "the language it is to be in, as de", required=True),
        ),
        VIDEO,
        Effect.PAID,
        facts=("duration", "width", "height", "fps", "sample_rate", "channels", "size_bytes", "media_type"),
        by_model=True,
        stand_ins=("label",),
        carries_here=True,
        priced_by="minute",
        output_of=_dubbed,
        gives="as `media`",
    ),
    Kind(
        "audio.transcribe",
        "What is said in a recording or a clip, by sentence and by word, with times in seconds.",
        (
            Param("audio", AUDIO, "the recording", also=(VIDEO,)),
            Param("video", VIDEO, "the clip"),
            Param("language", TEXT, "language code, as en or de; left out: found out"),
            Param("diarize", BOOLEAN, "tell speakers apart", default=False),
        ),
        _TRANSCRIPT,
        Effect.PAID,
        by_model=True,
        stand_ins=("alignment",),
        carries_here=True,
        priced_by="minute",
        one_of=(("audio", "video"),),
    ),
    Kind(
        "sound.generate",
        "A sound made from a prompt.",
        (
            Param("prompt", TEXT, "what is to be heard", required=True),
            Param("duration", NUMBER, "length", required=True, minimum=0.1, maximum=600, unit="s"),
            Param("loop", BOOLEAN, "its end goes on into its beginning", default=False),
        ),
        AUDIO,
        Effect.PAID,
        facts=_MEASURED,
        by_model=True,
        stand_ins=("tone",),
        priced_by="second",
    ),
    Kind(
        "music.generate",
        "Music made from a prompt.",
        (
            Param("prompt", TEXT, "what is to be heard", required=True),
            Param("duration", NUMBER, "length", required=True, minimum=1, maximum=3600, unit="s"),
            Param("loop", BOOLEAN, "its end goes on into its beginning", default=False),
            Param("instrumental", BOOLEAN, "without singing", default=False),
            Param("lyrics", TEXT, "what is sung"),
        ),
        AUDIO,
        Effect.PAID,
        facts=_MEASURED,
        by_model=True,
        stand_ins=("tone",),
        priced_by="second",
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
    Kind(
        "audio.trim",
        "The part of a recording between two times.",
        (
            _AUDIO,
            Param("start", NUMBER, "where it begins; left out: at the beginning", minimum=0, maximum=86400, unit="s"),
            Param("end", NUMBER, "where it ends; left out: at the end", minimum=0, maximum=86400, unit="s"),
        ),
        AUDIO,
        Effect.LOCAL,
        facts=_FACTS,
        carries=True,
        one_of=(("start", "end"),),
    ),
    Kind(
        "audio.fade",
        "A recording that comes out of silence, or goes into it.",
        (
            _AUDIO,
            Param("in", NUMBER, "how long it comes", minimum=0, maximum=3600, unit="s"),
            Param("out", NUMBER, "how long it goes", minimum=0, maximum=3600, unit="s"),
        ),
        AUDIO,
        Effect.LOCAL,
        facts=_FACTS,
        carries=True,
        one_of=(("in", "out"),),
    ),
    Kind(
        "audio.normalize",
        "A recording as loud as is asked for (EBU R128).",
        (
            _AUDIO,
            Param(
                "lufs",
                NUMBER,
                "how loud it is to be; peaks stay below -1 dBTP",
                default=-16.0,
                minimum=-60,
                maximum=-5,
                unit="LUFS",
            ),
        ),
        AUDIO,
        Effect.LOCAL,
        facts=_FACTS,
        carries=True,
    ),
    Kind(
        "audio.fit",
        "A recording brought to a length: faster, or with silence after it.",
        (
            _AUDIO,
            Param("seconds", NUMBER, "how long it is to be", required=True, minimum=0.1, maximum=86400, unit="s"),
            Param(
                "max_speed",
                NUMBER,
                "times as fast at most; beyond it the node fails",
                default=1.15,
                minimum=1,
                maximum=4,
            ),
        ),
        AUDIO,
        Effect.LOCAL,
        facts=_FACTS,
        carries=True,
    ),
    Kind(
        "audio.convert",
        "A recording in another file format.",
        (
            _AUDIO,
            Param(
                "format",
                TEXT,
                "file format; m4a holds AAC",
                required=True,
                choices=("mp3", "wav", "flac", "m4a", "opus"),
            ),
            Param(
                "bitrate",
                NUMBER,
                "of mp3 (192), m4a (160) and opus (96)",
                minimum=8,
                maximum=512,
                unit="kbit/s",
            ),
        ),
        AUDIO,
        Effect.LOCAL,
        facts=_FACTS,
        carries=True,
    ),
    Kind(
        "audio.mix",
        "Recordings that sound together.",
        (Param("tracks", tables_of(_TRACK), "what sounds together", required=True, fields=_TRACK),),
        AUDIO,
        Effect.LOCAL,
        facts=_FACTS,
        carries=True,
    ),
    Kind(
        "audio.place",
        "Recordings on a line of time, each at its own start, as for a dub.",
        (
            Param("clips", list_of(AUDIO), "the recordings", required=True, also=(list_of(VIDEO),)),
            Param("starts", list_of(NUMBER), "when each begins, one a recording, in seconds", required=True),
            Param(
                "duration",
                NUMBER,
                "length of the whole; left out: until the last one ends",
                minimum=0.1,
                maximum=86400,
                unit="s",
            ),
            Param("bed", AUDIO, "a recording under the whole", also=(VIDEO,)),
        ),
        AUDIO,
        Effect.LOCAL,
        facts=_FACTS,
        carries=True,
    ),
)
