"""What nodes ask for as it is written, as one digest each. Knows no records: what is made above a node does not change it.

A key says what is asked of a model once every input is there. Before that a row of a plan has none, and this stands in: the
node's kind and expressions, the digests of all nodes and lists they refer to, and the bytes of the files they read. Two
plans in which it is the same ask for the same, however far the one has come since the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from dagcontent.graph.model import FromFile, Graph, Node
from dagcontent.kinds.declaration import Effect
from dagcontent.values.canonical import Encoder
from dagcontent.values.value import Blob, Mark, Value

__all__ = ["digests_of"]

_NO_MEANING: Final = frozenset({"place", "ref", "text", "type"})
"""Fields of an expression that say where it stands and what is known of it, and not what it is."""


def digests_of(
    graph: Graph, *, file_digest: Callable[[str], str], values: Callable[[int], Sequence[Value]]
) -> dict[str, str]:
    """Return the digest of every node, by name. `file_digest` knows files by their path ("" if it is not there), `values`
    what the nodes that read files gave.
    """
    written = _Written(graph, file_digest, values)
    for index in graph.order:  # producers first
        written.nodes[index] = written.node(graph.nodes[index])
    return {graph.nodes[index].name: digest for index, digest in written.nodes.items()}


class _Written:
    """One graph's digests as they are found."""

    def __init__(
        self, graph: Graph, file_digest: Callable[[str], str], values: Callable[[int], Sequence[Value]]
    ) -> None:
        self._graph = graph
        self._file_digest = file_digest
        self._values = values
        self._encoder = Encoder()
        self._dimensions: dict[int, str] = {}
        self.nodes: dict[int, str] = {}

    def node(self, node: Node) -> str:
        """Return a node's digest; those of its producers are there."""
        read = self._values(node.index) if node.kind.effect is Effect.FILES else ()
        choices = [c for c in self._graph.pipeline.choices if c.node == node.name]
        return self._digest(
            [
                node.kind.name,
                node.kind.version,
                [self._dimension(dim) for dim in node.all_dims],
                {name: self._plain(expr) for name, expr in node.params},
                [self._plain(one) for one in (node.model, node.options, node.seed, node.when, node.ordering)],
                [list(node.spec.optional), str(node.spec.cache)],
                list(read),
                *([] if node.verdict is None else [self.nodes[node.verdict.node]]),
                *([[[c.instance, c.about, c.reroll, c.pin] for c in choices]] if choices else []),
            ]
        )

    def _dimension(self, index: int) -> str:
        if index not in self._dimensions:
            dim = self._graph.dimensions[index]
            outer = [self._dimension(one) for one in dim.outer]
            of = self._plain(dim.of)
            self._dimensions[index] = self._digest([dim.name, dim.spec.id, dim.spec.max, dim.spec.over, outer, of])
        return self._dimensions[index]

    def _plain(self, value: Any) -> Any:
        """Return an expression as data that has a canonical form."""
        if isinstance(value, FromFile):
            return ["file", self._file_digest(value.path), self._plain(value.template)]
        if isinstance(value, msgspec.Struct) and not isinstance(value, Blob):
            fields = {
                name: self._field(name, getattr(value, name))
                for name in value.__struct_fields__
                if name not in _NO_MEANING
            }
            return [type(value).__name__, fields]
        if isinstance(value, list | tuple):
            return [self._plain(item) for item in value]
        if isinstance(value, dict):
            return {str(name): self._plain(item) for name, item in value.items()}
        if isinstance(value, Mark):
            return ["mark", value.name]
        return value

    def _field(self, name: str, value: Any) -> Any:
        if name == "node":
            return self.nodes[value]
        return self._dimension(value) if name == "dim" else self._plain(value)

    def _digest(self, data: Any) -> str:
        return hashlib.sha256(self._encoder.encode(data)).hexdigest()
