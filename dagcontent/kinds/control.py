"""Kinds that decide what flows on: declarations. What a selection gives is worked out where its candidates are known."""

from __future__ import annotations

from typing import Final

from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.values.types import ANY, AUDIO, IMAGE, INTEGER, JSON, NUMBER, TEXT, VIDEO, list_of

__all__ = ["KINDS", "MEASURE", "METRICS"]

METRICS: Final = ("sharpness", "similarity", "loudness")
_LOOKED_AT: Final = (list_of(VIDEO), list_of(AUDIO))

KINDS: Final = (
    Kind(
        "select",
        "One of a list, or its best few: by place, by a person, by a judge or a measure.",
        (
            Param(
                "from", list_of(ANY), "what to choose from, as ${still[scene]} for this scene's takes", required=True
            ),
            Param(
                "by",
                TEXT,
                "who chooses; a person does it with dagcontent pick, a judge is the `model`",
                required=True,
                choices=("first", "human", "judge", "metric"),
            ),
            Param("rubric", TEXT, "what a judge goes by, as: product clearly visible, no garbled text"),
            Param("judges", INTEGER, "how often a judge is asked; the scores are averaged", minimum=1, maximum=15),
            Param("max_tokens", INTEGER, "upper bound of a judge's answer, with its thoughts", minimum=1),
            Param(
                "references",
                list_of(IMAGE),
                "what a judge or `similarity` compares with, as the photo of the product",
                also=_LOOKED_AT,
            ),
            Param("metric", TEXT, "what is measured; the highest is best", choices=METRICS),
            Param("scores", JSON, "one number for each candidate, from other nodes; of lists, the mean"),
            Param("top", INTEGER, "give a list of so many, best first; all where there are fewer", minimum=1),
        ),
        ANY,
        Effect.VALUE,
        facts=("label", "position", "score"),
        gives="an element",
        chooses="from",
        questions="text.generate",
    ),
)

MEASURE: Final = Kind(
    "media.measure",
    "A number for each of some pictures, clips or recordings.",
    (
        Param("media", list_of(IMAGE), "what to measure", required=True, also=_LOOKED_AT),
        Param("metric", TEXT, "what is measured", required=True, choices=METRICS),
        Param("references", list_of(IMAGE), "what `similarity` compares with", also=_LOOKED_AT),
    ),
    list_of(NUMBER),
    Effect.LOCAL,
)
"""What a selection by a metric has made for it; no node of a file is of this kind."""
