"""Kinds that change a clip on this machine."""

from __future__ import annotations

from typing import Final

from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.kinds.video import CLIP, CLIP_FACTS
from dagcontent.values.types import IMAGE, INTEGER, NUMBER, TEXT, VIDEO

__all__ = ["KINDS"]

_PLACES = (
    "top", "center", "bottom", "left", "right", "top_left", "top_right", "bottom_left", "bottom_right",
)  # fmt: skip


def _cut(name: str, text: str, *params: Param, one_of: tuple[tuple[str, ...], ...] = ()) -> Kind:
    return Kind(
        name, text, (CLIP, *params), VIDEO, Effect.LOCAL, facts=CLIP_FACTS, carries=True, one_of=one_of
    )  # fmt: skip


KINDS: Final = (
    _cut(
        "video.trim",
        "A part of a clip.",
        Param("start", NUMBER, "where it begins", default=0.0, minimum=0, maximum=86400, unit="s"),
        Param("end", NUMBER, "where it ends; left out: with the clip", minimum=0.001, maximum=86400, unit="s"),
        Param(
            "snap_to",
            TEXT,
            "frame: exactly there; word: no spoken word is cut; keyframe: a little longer, and copied, not encoded again",
            default="frame",
            choices=("frame", "word", "keyframe"),
        ),
    ),
    _cut(
        "video.speed",
        "A clip, faster or slower; voices keep their pitch.",
        Param("factor", NUMBER, "2 is twice as fast", required=True, minimum=0.1, maximum=10),
    ),
    _cut(
        "video.resize",
        "A clip in another size.",
        Param("width", INTEGER, "width", minimum=16, maximum=8192, unit="px"),
        Param("height", INTEGER, "height", minimum=16, maximum=8192, unit="px"),
        Param(
            "fit",
            TEXT,
            "contain: all of it, inside; cover: fill and cut; pad: fill with bars; stretch",
            default="contain",
            choices=("contain", "cover", "pad", "stretch"),
        ),
        one_of=(("width", "height"),),
    ),
    _cut(
        "video.reframe",
        "A clip in another shape.",
        Param("aspect", TEXT, "width to height, as 9:16", required=True),
        Param(
            "mode",
            TEXT,
            "crop: cut at the sides; pad: whole, on black; blur: whole, on a blurred copy of itself",
            default="crop",
            choices=("crop", "pad", "blur"),
        ),
        Param("x", NUMBER, "with crop, what is kept: 0 the left edge, 1 the right", default=0.5, minimum=0, maximum=1),
    ),
    _cut(
        "video.overlay",
        "A clip with a picture or another clip laid over it.",
        Param("over", IMAGE, "what is laid over it; a clip is not heard", required=True, also=(VIDEO,)),
        Param("start", NUMBER, "from when on", default=0.0, minimum=0, maximum=86400, unit="s"),
        Param("end", NUMBER, "until when; left out: as long as there is of it", minimum=0.001, maximum=86400, unit="s"),
        Param("position", TEXT, "where", default="bottom_right", choices=_PLACES),
        Param("scale", NUMBER, "its width as a part of the clip's; left out: its own", minimum=0.01, maximum=1),
        Param("opacity", NUMBER, "0 is not seen, 1 hides what is below", default=1.0, minimum=0, maximum=1),
    ),
    _cut(
        "video.convert",
        "A clip in another format, coding or look.",
        Param("format", TEXT, "kind of file", default="mp4", choices=("mp4", "webm", "mov")),
        Param(
            "codec", TEXT, "how pictures are coded; left out: the usual one", choices=("h264", "h265", "vp9", "av1")
        ),
        Param("quality", INTEGER, "0 is small, 100 is good", minimum=0, maximum=100),
        Param("filter", TEXT, "a look", default="none", choices=("none", "gray", "sepia", "denoise", "sharpen")),
    ),
    Kind(
        "video.frame",
        "One picture of a clip.",
        (
            CLIP,
            Param("at", NUMBER, "a time, or first or last; left out: first", minimum=0, also=(TEXT,), choices=("first", "last"), unit="s"),
        ),
        IMAGE,
        Effect.LOCAL,
        facts=("width", "height", "size_bytes", "media_type"),
    ),
)  # fmt: skip
