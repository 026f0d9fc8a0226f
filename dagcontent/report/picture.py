"""Turn a linked graph and the rows of its plan into what a picture shows: a box a node, and arrows. Knows no form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from dagcontent.graph.analysis import layers, reduced_edges
from dagcontent.graph.model import Graph, Literal, Node, Sequence
from dagcontent.kinds.declaration import WORKED_OUT
from dagcontent.plan.model import PlanRow
from dagcontent.values.instances import node_of

__all__ = ["FAMILIES", "STATUSES", "Box", "Picture", "picture_of"]

FAMILIES: Final = ("text", "image", "sound", "video", "subtitles", "other")
STATUSES: Final = ("hit", "run", "maybe", "skipped", "failed", "blocked")
_FAMILY: Final = {
    "text": "text", "json": "text", "list": "text", "image": "image", "speech": "sound", "audio": "sound",
    "sound": "sound", "music": "sound", "video": "video", "subtitles": "subtitles",
}  # fmt: skip


class Box(msgspec.Struct, frozen=True):
    """One node. `many` says over what it fans out ("x3 scene"); `statuses` counts its instances, in STATUSES' order.

    A `value` is worked out by the planner: it has no status. `output` says that its result is put beside the graph.
    """

    name: str
    kind: str
    family: str
    model: str = ""
    many: str = ""
    value: bool = False
    output: bool = False
    statuses: tuple[tuple[str, int], ...] = ()

    @property
    def status(self) -> str:
        """Return "2 hit 1 run", or nothing."""
        return " ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in self.statuses)


class Picture(msgspec.Struct, frozen=True):
    """Boxes in layers, each box after all it uses; arrows from what is used to who uses it, those implied left out."""

    name: str
    description: str
    layers: tuple[tuple[Box, ...], ...]
    arrows: tuple[tuple[str, str], ...]
    profile: str | None = None

    @property
    def boxes(self) -> list[Box]:
        """All boxes, layer by layer."""
        return [box for layer in self.layers for box in layer]

    @property
    def counts(self) -> dict[str, int]:
        """Instances by status."""
        made = dict.fromkeys(STATUSES, 0)
        for box in self.boxes:
            for status, count in box.statuses:
                made[status] = made.get(status, 0) + count
        return {status: count for status, count in made.items() if count}


def picture_of(graph: Graph, rows: Iterable[PlanRow] = ()) -> Picture:
    """Return a graph's picture; without rows it says nothing of what is made."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        mine = counts.setdefault(node_of(row.node), {})
        mine[row.status] = mine.get(row.status, 0) + 1
    made = {node.name: _box(graph, node, counts.get(node.name, {})) for node in graph.nodes}
    order = {name: i for i, name in enumerate(made)}
    ranks = tuple(tuple(made[name] for name in sorted(layer, key=order.__getitem__)) for layer in layers(graph))
    arrows = tuple(sorted(reduced_edges(graph), key=lambda e: (order[e[0]], order[e[1]])))
    return Picture(graph.name, graph.pipeline.description, ranks, arrows, graph.pipeline.profile)


def _box(graph: Graph, node: Node, counts: dict[str, int]) -> Box:
    known = [status for status in STATUSES if status in counts]
    others = sorted(counts.keys() - set(STATUSES))
    return Box(
        name=node.name,
        kind=node.kind.name,
        family=_FAMILY.get(node.kind.name.partition(".")[0], "other"),
        model=node.spec.model if isinstance(node.spec.model, str) else "",
        many="  ".join(_dimension(graph, dim) for dim in node.dims),
        value=node.kind.effect in WORKED_OUT,
        output=node.output is not None,
        statuses=tuple((status, counts[status]) for status in (*known, *others)),
    )


def _dimension(graph: Graph, index: int) -> str:
    dim = graph.dimensions[index]
    name = dim.name.rpartition("/")[2]
    if isinstance(dim.of, Literal) and isinstance(dim.of.value, list):
        return f"x{len(dim.of.value):,} {name}"
    if isinstance(dim.of, Sequence):
        return f"x{len(dim.of.items):,} {name}"
    return f"each {name}"
