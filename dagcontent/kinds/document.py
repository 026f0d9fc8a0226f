"""Kinds of documents: PDF files."""

from __future__ import annotations

from typing import Final

from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.values.types import DOCUMENT, IMAGE, INTEGER, TEXT, list_of

__all__ = ["KINDS"]

KINDS: Final = (
    Kind(
        "document.pages",
        "The pages of a PDF as pictures.",
        (
            Param("document", DOCUMENT, "the PDF file", required=True),
            Param("dpi", INTEGER, "px an inch: 150 makes A4 1240x1754 px", default=150, minimum=20, maximum=600),
        ),
        list_of(IMAGE),
        Effect.LOCAL,
        facts=("width", "height", "size_bytes", "media_type"),
    ),
    Kind(
        "document.text",
        "The text of each page of a PDF.",
        (Param("document", DOCUMENT, "the PDF file", required=True),),
        list_of(TEXT),
        Effect.LOCAL,
        facts=("characters", "words"),
    ),
)
