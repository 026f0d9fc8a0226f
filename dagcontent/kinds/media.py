"""Kinds of any medium: what looks at a thing, or writes beside it, and gives it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dagcontent.kinds.declaration import Effect, Kind, Param, tables_of
from dagcontent.kinds.video import CLIP_FACTS
from dagcontent.values.types import ANY, AUDIO, BOOLEAN, IMAGE, NUMBER, TEXT, VIDEO, Type, list_of

__all__ = ["KINDS"]


_CHAPTER: Final = (
    Param("title", TEXT, "what the part is called", required=True),
    Param("start", NUMBER, "where it begins", required=True, minimum=0, maximum=86400, unit="s"),
    Param("end", NUMBER, "where it ends; left out: where the next begins", minimum=0, maximum=86400, unit="s"),
)


def _as_it_is(given: Type, _params: Mapping[str, Any]) -> Type:
    return given


KINDS: Final = (
    Kind(
        "media.check",
        "The same media, if it keeps the bounds; else the node fails.",
        (
            Param("media", AUDIO, "a recording, a clip or a picture", required=True, also=(VIDEO, IMAGE)),
            Param("min_duration", NUMBER, "the shortest it may be", minimum=0, maximum=86400, unit="s"),
            Param("max_duration", NUMBER, "the longest it may be", minimum=0, maximum=86400, unit="s"),
            Param("not_silent", BOOLEAN, "something is to be heard: -60 LUFS or more", default=False),
            Param("not_black", BOOLEAN, "black for no more than half of it", default=False),
            Param("not_frozen", BOOLEAN, "without motion for no more than half of it", default=False),
            Param("loudness", list_of(NUMBER), "within 1 LU of a number, or between two, in LUFS"),
            Param("size", TEXT, "width and height that it must have, as 1280x720", unit="px"),
        ),
        ANY,
        Effect.LOCAL,
        facts=(*CLIP_FACTS, "report"),
        carries=True,
        gives="as `media`",
        like="media",
        output_like=_as_it_is,
    ),
    Kind(
        "metadata.write",
        "A recording or clip with title, chapters and cover in its file.",
        (
            Param("media", AUDIO, "an mp3, m4a or mp4", required=True, also=(VIDEO,)),
            Param("title", TEXT, "what it is called"),
            Param("artist", TEXT, "who made it"),
            Param(
                "chapters",
                tables_of(_CHAPTER),
                "its parts; left out: those that travel with it",
                fields=_CHAPTER,
            ),
            Param("cover", IMAGE, "its picture, as PNG or JPEG"),
        ),
        ANY,
        Effect.LOCAL,
        facts=CLIP_FACTS,
        carries=True,
        one_of=(("title", "artist", "chapters", "cover"),),
        gives="as `media`",
        like="media",
        output_like=_as_it_is,
    ),
)
