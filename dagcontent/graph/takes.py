"""The takes of nodes into dimensions of their own, named `NODE.take`. Knows no instances.

Such a dimension is the last of its node's, its elements are the numbers of the takes. Another node can go over it as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from dagcontent.spec.model import DimensionSpec, Pipeline

__all__ = ["TAKE", "position_of", "take_dimensions"]

TAKE = "take"


def take_dimensions(pipeline: Pipeline) -> dict[str, DimensionSpec]:
    """Return the dimension of every node's takes, by name."""
    made: dict[str, DimensionSpec] = {}
    for node in pipeline.nodes.values():
        if node.takes is not None:
            name = f"{node.name}.{TAKE}"
            place = node.place_of("takes")
            made[name] = DimensionSpec(name, list(range(node.takes)), None, node.takes, "stop", place)
    return made


def position_of(parts: Sequence[str], names: Sequence[str], own: str = "") -> int | None:
    """Return which of some dimensions a path in brackets names: `scene`, `still.take`, or `take` for that of `own`.

    Where the node has none of its own, `take` is the only one it goes over.
    """
    wanted = ".".join(parts)
    if wanted == TAKE:
        there = [name for name in names if name.endswith(f".{TAKE}")]
        wanted = f"{own}.{TAKE}" if f"{own}.{TAKE}" in there or len(there) != 1 else there[0]
    return names.index(wanted) if wanted in names else None
