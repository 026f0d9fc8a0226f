"""Kinds of moving pictures and subtitles."""

from __future__ import annotations

from typing import Final

from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.kinds.schema import type_of_answer
from dagcontent.values.types import AUDIO, BOOLEAN, IMAGE, INTEGER, JSON, NUMBER, SUBTITLES, TEXT, VIDEO, list_of

__all__ = ["CLIP", "CLIP_FACTS", "CLIP_MEASURED", "KINDS"]

CLIP_FACTS = (
    "duration", "width", "height", "fps", "sample_rate", "channels", "alignment", "chapters", "size_bytes", "media_type",
)  # fmt: skip

CLIP_MEASURED = ("duration", "width", "height", "fps", "sample_rate", "channels", "size_bytes", "media_type")

CLIP = Param("video", VIDEO, "the clip", required=True)
_AUDIO = Param("audio", AUDIO, "what is said", required=True, also=(VIDEO,))
_FPS = Param("fps", NUMBER, "pictures a second", minimum=1, maximum=120)
_SIZE = Param("size", TEXT, "width and height, as 1280x720", unit="px")
_MOTION = Param(
    "motion",
    TEXT,
    "what the camera does over a picture",
    default="zoom_in",
    choices=("none", "zoom_in", "zoom_out", "pan_left", "pan_right", "pan_up", "pan_down"),
)
_KARAOKE = Param("karaoke", BOOLEAN, "light up each word as it is spoken", default=False)

KINDS: Final = (
    Kind(
        "video.generate",
        "A clip made from a prompt, a picture, or both.",
        (
            Param("prompt", TEXT, "what happens"),
            Param("start_image", IMAGE, "first picture"),
            Param("end_image", IMAGE, "last picture"),
            Param("images", list_of(IMAGE), "reference pictures"),
            Param("duration", NUMBER, "length", minimum=0.1, maximum=600, unit="s"),
            Param("aspect", TEXT, "width to height, as 16:9"),
            Param("resolution", TEXT, "shorter side, as 720p"),
            _FPS,
            Param("sound", BOOLEAN, "with sound"),
        ),
        VIDEO,
        Effect.PAID,
        facts=CLIP_FACTS,
        by_model=True,
        stand_ins=("kenburns",),
        priced_by="second",
        one_of=(("prompt", "start_image"),),
    ),
    Kind(
        "video.edit",
        "A clip changed as a prompt says.",
        (
            CLIP,
            Param("prompt", TEXT, "what to change"),
            Param("strength", NUMBER, "0 keeps the clip, 1 keeps nothing of it", minimum=0, maximum=1),
        ),
        VIDEO,
        Effect.PAID,
        facts=CLIP_MEASURED,
        by_model=True,
        stand_ins=("tint",),
        carries_here=True,
        priced_by="second",
    ),
    Kind(
        "video.extend",
        "A clip that goes on.",
        (
            CLIP,
            Param("prompt", TEXT, "what happens next"),
            Param("seconds", NUMBER, "how much longer it becomes", minimum=0.1, maximum=600, unit="s"),
        ),
        VIDEO,
        Effect.PAID,
        facts=CLIP_MEASURED,
        by_model=True,
        stand_ins=("hold",),
        carries_here=True,
        priced_by="second",
    ),
    Kind(
        "video.upscale",
        "A clip with more pixels.",
        (
            CLIP,
            Param("factor", NUMBER, "times as wide and as high", minimum=1, maximum=16),
        ),
        VIDEO,
        Effect.PAID,
        facts=CLIP_MEASURED,
        by_model=True,
        stand_ins=("lanczos",),
        carries_here=True,
        priced_by="second",
    ),
    Kind(
        "video.avatar",
        "A picture of somebody who says what is heard.",
        (
            Param("image", IMAGE, "who speaks", required=True),
            _AUDIO,
            Param("prompt", TEXT, "how it is said, and what is done"),
        ),
        VIDEO,
        Effect.PAID,
        facts=CLIP_MEASURED,
        by_model=True,
        stand_ins=("kenburns",),
        carries_here=True,
        priced_by="second",
    ),
    Kind(
        "video.lipsync",
        "A clip whose lips follow another recording.",
        (
            CLIP,
            _AUDIO,
        ),
        VIDEO,
        Effect.PAID,
        facts=CLIP_MEASURED,
        by_model=True,
        stand_ins=("mux",),
        carries_here=True,
        priced_by="second",
    ),
    Kind(
        "video.soundtrack",
        "A clip with the sounds of what happens in it.",
        (
            CLIP,
            Param("prompt", TEXT, "what is to be heard"),
        ),
        VIDEO,
        Effect.PAID,
        facts=CLIP_MEASURED,
        by_model=True,
        stand_ins=("tone",),
        priced_by="second",
    ),
    Kind(
        "video.describe",
        "What happens in a clip, as text or as JSON of a given form.",
        (
            CLIP,
            Param("prompt", TEXT, "what to look for"),
            Param("schema", JSON, "JSON Schema of the answer: the output is JSON"),
            Param("returns", JSON, 'short form of a schema: { title = "text", shots = ["text"] }'),
        ),
        TEXT,
        Effect.PAID,
        facts=("characters", "words"),
        by_model=True,
        stand_ins=("measure",),
        priced_by="token",
        output_of=type_of_answer,
        gives="by `returns`",
    ),
    Kind(
        "video.from_still",
        "A picture as a clip, with a slow camera.",
        (
            Param("image", IMAGE, "the picture", required=True),
            Param("duration", NUMBER, "length; left out: that of the sound", minimum=0.1, maximum=3600, unit="s"),
            Param("audio", AUDIO, "the sound under it", also=(VIDEO,)),
            _MOTION,
            _SIZE,
            _FPS,
        ),
        VIDEO,
        Effect.LOCAL,
        facts=CLIP_FACTS,
        carries=True,
        one_of=(("duration", "audio"),),
    ),
    Kind(
        "video.concat",
        "Clips and pictures one after another: sizes, rates and missing sound are brought together.",
        (
            Param(
                "clips",
                list_of(VIDEO),
                "the clips, in order; a picture among them becomes one, with a slow camera",
                required=True,
                also=(list_of(IMAGE),),
            ),
            Param(
                "audio",
                AUDIO,
                "one recording under the whole, or a list with one a clip, each starting with its clip",
                also=(list_of(AUDIO), VIDEO, list_of(VIDEO)),
            ),
            Param(
                "subtitles",
                SUBTITLES,
                "drawn into the pictures: one for the whole, or a list with one a clip, each starting with its clip",
                also=(list_of(SUBTITLES),),
            ),
            _KARAOKE,
            Param("titles", list_of(TEXT), "one a clip: they become chapters"),
            Param(
                "picture_seconds",
                NUMBER,
                "how long a picture is seen that has no recording of its own",
                default=4.0,
                minimum=0.1,
                maximum=3600,
                unit="s",
            ),
            _MOTION,
            Param(
                "transition",
                TEXT,
                "how one clip becomes the next",
                default="cut",
                choices=("cut", "fade", "dissolve", "wipe", "slide"),
            ),
            Param(
                "transition_seconds", NUMBER, "overlap of neighbours", default=0.5, minimum=0.04, maximum=10, unit="s"
            ),
            _SIZE,
            _FPS,
            Param("fit", TEXT, "how a clip of another shape fits", default="pad", choices=("pad", "cover", "stretch")),
        ),
        VIDEO,
        Effect.LOCAL,
        facts=CLIP_FACTS,
        carries=True,
    ),
    Kind(
        "video.mux",
        "A clip with a sound.",
        (
            Param("video", VIDEO, "the pictures", required=True),
            Param("audio", AUDIO, "the sound", required=True, also=(VIDEO,)),
            Param(
                "fit",
                TEXT,
                "if lengths differ: pad the shorter with silence or black, trim to the shorter, loop or freeze the pictures",
                default="pad",
                choices=("pad", "trim", "loop", "freeze"),
            ),
            Param(
                "keep_original_db", NUMBER, "keep the clip's own sound at this gain", minimum=-60, maximum=12, unit="dB"
            ),
        ),
        VIDEO,
        Effect.LOCAL,
        facts=CLIP_FACTS,
        carries=True,
    ),
    Kind(
        "subtitles.build",
        "Subtitles from spoken words, a transcript, or plain text.",
        (
            Param("alignment", JSON, "words with their times, as ${voice.alignment}"),
            Param("transcript", JSON, "a transcript of audio.transcribe"),
            Param("text", TEXT, "plain text, spread over `duration`"),
            Param("duration", NUMBER, "length of plain text", minimum=0.1, unit="s"),
            Param("words_per_second", NUMBER, "pace of plain text when there is no duration", minimum=0.2, maximum=20),
            Param("start", NUMBER, "leave out what is before", minimum=0, unit="s"),
            Param("end", NUMBER, "leave out what is after", minimum=0, unit="s"),
            Param("offset", NUMBER, "shift by", default=0.0, unit="s"),
            Param("format", TEXT, "file format", default="srt", choices=("srt", "vtt", "ass")),
            Param("max_characters", INTEGER, "of a line", default=36, minimum=8, maximum=120),
            Param("max_lines", INTEGER, "of a subtitle", default=2, minimum=1, maximum=4),
        ),
        SUBTITLES,
        Effect.LOCAL,
        facts=("size_bytes", "media_type"),
        one_of=(("alignment", "transcript", "text"),),
    ),
    Kind(
        "subtitles.burn",
        "A clip with subtitles drawn into its pictures.",
        (
            Param("video", VIDEO, "the clip", required=True),
            Param("subtitles", SUBTITLES, "the subtitles", required=True),
            Param("font", TEXT, "name of an installed font; left out: the built-in one"),
            Param(
                "size",
                NUMBER,
                "height of a line, as a part of the shorter side",
                default=0.06,
                minimum=0.01,
                maximum=0.3,
            ),
            Param("position", TEXT, "where", default="bottom", choices=("top", "center", "bottom")),
            _KARAOKE,
        ),
        VIDEO,
        Effect.LOCAL,
        facts=CLIP_FACTS,
        carries=True,
    ),
)
