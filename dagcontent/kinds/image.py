"""Kinds of pictures."""

from __future__ import annotations

from typing import Final

from dagcontent.kinds.declaration import Effect, Kind, Param, tables_of
from dagcontent.kinds.schema import type_of_answer
from dagcontent.values.types import IMAGE, INTEGER, JSON, NUMBER, TEXT, list_of

__all__ = ["KINDS", "PLACES"]

PLACES: Final = (
    "center", "top", "bottom", "left", "right", "top-left", "top-right", "bottom-left", "bottom-right",
)  # fmt: skip
"""Where a part is taken from a picture, or put on one."""

_LAYER: Final = (
    Param("image", IMAGE, "a picture"),
    Param("text", TEXT, "words: they wrap, and shrink where they would not fit"),
    Param("color", TEXT, "a colour all over, as #rrggbb or #rrggbbaa; with `text`, that of the letters, else white"),
    Param(
        "box",
        list_of(INTEGER),
        "where it goes: [x, y, width, height] in px, from the upper left corner; what hangs over is cut off",
    ),
    Param("position", TEXT, "where it goes, or lies in its box", default="center", choices=PLACES),
    Param(
        "size",
        NUMBER,
        "of a picture or colour: the part of the whole that it fits into, 1 is all, left out: its own size; of text: "
        "height of a line as a part of the whole's height, left out: 0.06",
        minimum=0.001,
        maximum=1,
    ),
    Param(
        "fit",
        TEXT,
        "contain: all of it, inside `box` or `size`; cover: fill and cut; stretch",
        default="contain",
        choices=("contain", "cover", "stretch"),
    ),
    Param(
        "margin",
        NUMBER,
        "space to the edges of the whole, as a part of its shorter side, without `box`; left out: 0.05 for text",
        minimum=0,
        maximum=0.45,
    ),
    Param("opacity", NUMBER, "0 cannot be seen, 1 covers", default=1.0, minimum=0, maximum=1),
)

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
        "image.edit",
        "A picture changed as a prompt says.",
        (
            Param("image", IMAGE, "the picture", required=True),
            Param("prompt", TEXT, "what to change", required=True),
            Param("mask", IMAGE, "where to change it: white on black, as large as the picture"),
            Param("images", list_of(IMAGE), "further pictures to refer to"),
            Param("strength", NUMBER, "0 keeps the picture, 1 keeps nothing of it", minimum=0, maximum=1),
            Param("aspect", TEXT, "width to height, as 16:9"),
            Param("size", TEXT, "width and height, as 1280x720", unit="px"),
        ),
        IMAGE,
        Effect.PAID,
        facts=_FACTS,
        by_model=True,
        stand_ins=("card",),
        priced_by="image",
    ),
    Kind(
        "image.upscale",
        "A picture with more pixels.",
        (
            Param("image", IMAGE, "the picture", required=True),
            Param("factor", NUMBER, "times as wide and as high", minimum=1, maximum=16),
        ),
        IMAGE,
        Effect.PAID,
        facts=_FACTS,
        by_model=True,
        stand_ins=("lanczos",),
        priced_by="image",
    ),
    Kind(
        "image.remove_background",
        "A picture of its subject alone, the rest transparent.",
        (Param("image", IMAGE, "the picture", required=True),),
        IMAGE,
        Effect.PAID,
        facts=_FACTS,
        by_model=True,
        stand_ins=("key",),
        priced_by="image",
    ),
    Kind(
        "image.describe",
        "What is to be seen in pictures, as text or as JSON of a given form.",
        (
            Param("image", IMAGE, "the picture"),
            Param("images", list_of(IMAGE), "several pictures, seen together"),
            Param("prompt", TEXT, "what to look for"),
            Param("schema", JSON, "JSON Schema of the answer: the output is JSON"),
            Param("returns", JSON, 'short form of a schema: { title = "text", colors = ["text"] }'),
        ),
        TEXT,
        Effect.PAID,
        facts=("characters", "words"),
        by_model=True,
        stand_ins=("measure",),
        priced_by="token",
        one_of=(("image", "images"),),
        output_of=type_of_answer,
        gives="by `returns`",
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
        "image.crop",
        "A part of a picture.",
        (
            Param("image", IMAGE, "the picture", required=True),
            Param("box", list_of(INTEGER), "the part: [x, y, width, height] in px, from the upper left corner"),
            Param("width", INTEGER, "width of the part; left out: all of it", minimum=1, maximum=16384, unit="px"),
            Param("height", INTEGER, "height of the part; left out: all of it", minimum=1, maximum=16384, unit="px"),
            Param("aspect", TEXT, "width to height, as 16:9: the largest part of that shape"),
            Param("position", TEXT, "which part is kept, without `box`", default="center", choices=PLACES),
        ),
        IMAGE,
        Effect.LOCAL,
        facts=_FACTS,
        one_of=(("box", "width", "height", "aspect"),),
    ),
    Kind(
        "image.convert",
        "A picture in another file format.",
        (
            Param("image", IMAGE, "the picture", required=True),
            Param("format", TEXT, "file format", required=True, choices=("png", "jpeg", "webp")),
            Param("quality", INTEGER, "of jpeg and webp, 100 is the best; left out: 90", minimum=1, maximum=100),
            Param(
                "background",
                TEXT,
                "what is laid behind a picture that one can see through, as #rrggbb; left out: white in a jpeg, which "
                "cannot be seen through, nothing in the others",
            ),
        ),
        IMAGE,
        Effect.LOCAL,
        facts=_FACTS,
    ),
    Kind(
        "image.split",
        "A picture cut into rows and columns, in reading order.",
        (
            Param("image", IMAGE, "the picture", required=True),
            Param("rows", INTEGER, "parts from top to bottom; left out: one", minimum=1, maximum=100),
            Param("columns", INTEGER, "parts from left to right; left out: one", minimum=1, maximum=100),
        ),
        list_of(IMAGE),
        Effect.LOCAL,
        facts=_FACTS,
        one_of=(("rows", "columns"),),
    ),
    Kind(
        "image.compose",
        "Pictures, text and colours laid over one another.",
        (
            Param(
                "layers",
                tables_of(_LAYER),
                "what it is made of, the bottom first",
                required=True,
                fields=_LAYER,
                one_of=("image", "text", "color"),
            ),
            Param(
                "width",
                INTEGER,
                "width; left out: that of the bottom picture",
                minimum=1,
                maximum=16384,
                unit="px",
            ),
            Param(
                "height",
                INTEGER,
                "height; left out: that of the bottom picture",
                minimum=1,
                maximum=16384,
                unit="px",
            ),
        ),
        IMAGE,
        Effect.LOCAL,
        facts=_FACTS,
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
