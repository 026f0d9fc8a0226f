"""Kinds that decide what flows on: declarations. What a selection gives is worked out where its candidates are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.values.types import ANY, AUDIO, IMAGE, INTEGER, JSON, NUMBER, TEXT, VIDEO, list_of
from dagcontent.values.value import ABSENT, Value

__all__ = ["KINDS", "MEASURE", "METRICS", "VALUE_OF_GRAPH"]

METRICS: Final = ("sharpness", "similarity", "loudness")
_LOOKED_AT: Final = (list_of(VIDEO), list_of(AUDIO))


def _value(params: Mapping[str, Value]) -> Value:
    return params.get("value", ABSENT)


VALUE_OF_GRAPH: Final = Kind(
    "graph",
    "What a graph exports, or is given.",
    (Param("value", ANY, "the value"),),
    ANY,
    Effect.VALUE,
    evaluate=_value,
)
"""The kind of a node that holds one value on its way into a graph or out of it; nobody writes one."""

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
    Kind(
        "graph",
        "Another graph in the place of a node: its nodes are built as parts of this one.",
        (
            Param("path", TEXT, "its file, relative to this one, as ad.toml", required=True),
            Param("params", JSON, 'what its [params] are here: { language = "${lang}" }'),
        ),
        ANY,
        Effect.VALUE,
        gives="by `exports`",
        evaluate=_value,  # never asked for: such a node is taken apart when it is linked
        common=("kind", "each", "when", "needs"),
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
