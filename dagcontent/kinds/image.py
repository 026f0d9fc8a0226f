"""Kinds of pictures."""

from __future__ import annotations

from typing import Final

from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.values.types import IMAGE, INTEGER, NUMBER, TEXT, list_of

__all__ = ["KINDS"]

_FACTS = ("width", "height", "size_bytes", "media_type")

KINDS: Final = (
    Kind(
        "image.generate",
        "A picture made from a prompt.",
        (
            Param("prompt", TEXT, "what to show", required=True),
            Param("negative_prompt", TEXT, "what not to show"),
            Param("aspect", TEXT, "width to height, as 16:9"),
            Param("size", TEXT, "width and height, as 1280x720", unit="px"),
            Param("images", list_of(IMAGE), "reference pictures"),
            Param("style", TEXT, "manner of the picture"),
            Param("background", TEXT, "what lies behind", choices=("opaque", "transparent")),
        ),
        IMAGE,
        Effect.PAID,
        facts=_FACTS,
        by_model=True,
        stand_ins=("card",),
        priced_by="image",
    ),
    Kind(
        "image.resize",
        "A picture in another size.",
        (
            Param("image", IMAGE, "the picture", required=True),
            Param("width", INTEGER, "width", minimum=1, maximum=16384, unit="px"),
            Param("height", INTEGER, "height", minimum=1, maximum=16384, unit="px"),
            Param(
                "fit",
                TEXT,
                "contain: all of it, inside; cover: fill and cut; pad: fill with bars; stretch",
                default="contain",
                choices=("contain", "cover", "pad", "stretch"),
            ),
        ),
        IMAGE,
        Effect.LOCAL,
        facts=_FACTS,
        one_of=(("width", "height"),),
    ),
    Kind(
        "image.caption",
        "A picture with text set over it.",
        (
            Param("image", IMAGE, "the picture", required=True),
            Param("text", TEXT, "what to set", required=True),
            Param("position", TEXT, "where", default="bottom", choices=("top", "center", "bottom")),
            Param(
                "size",
                NUMBER,
                "height of a line, as a part of the picture's height",
                default=0.06,
                minimum=0.01,
                maximum=0.5,
            ),
            Param("color", TEXT, "colour of the letters, as #rrggbb", default="#ffffff"),
            Param("box", TEXT, "colour behind the letters, as #rrggbb or #rrggbbaa, or none", default="#000000a0"),
        ),
        IMAGE,
        Effect.LOCAL,
        facts=_FACTS,
    ),
    Kind(
        "image.grid",
        "Pictures side by side on one sheet.",
        (
            Param("images", list_of(IMAGE), "the pictures, in reading order", required=True),
            Param("columns", INTEGER, "pictures in a row; left out: about as wide as high", minimum=1, maximum=100),
            Param("gap", INTEGER, "space between them", default=16, minimum=0, maximum=1000, unit="px"),
            Param("captions", list_of(TEXT), "one text under each"),
        ),
        IMAGE,
        Effect.LOCAL,
        facts=_FACTS,
    ),
)
