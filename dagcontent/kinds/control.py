"""Kinds that decide what flows on: declarations, and the pure functions of those that are values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.values.types import ANY, JSON, TEXT, list_of
from dagcontent.values.value import ABSENT, Value

__all__ = ["KINDS", "VALUE_OF_GRAPH"]


def _first(params: Mapping[str, Value]) -> Value:
    """Return the first of a list: what is chosen unless a person says otherwise."""
    candidates = params["from"]
    if not isinstance(candidates, list) or not candidates:
        raise NodeError("there is nothing to choose from: the list is empty", hint="look at what `from` refers to")
    return candidates[0]


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
        "One of a list, chosen by its place or by a person.",
        (
            Param(
                "from", list_of(ANY), "what to choose from, as ${still[scene]} for this scene's takes", required=True
            ),
            Param(
                "by",
                TEXT,
                "who chooses; a person does it with dagcontent pick",
                required=True,
                choices=("first", "human"),
                later=("judge", "metric"),
            ),
        ),
        ANY,
        Effect.VALUE,
        gives="an element",
        evaluate=_first,
        chooses="from",
        later=("rubric", "references", "metric", "scores", "top"),
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
