"""A graph and what earlier results took into the longest time from each node to the end. Knows no clock."""

from __future__ import annotations

from dagcontent.graph.model import Node
from dagcontent.kinds.declaration import WORKED_OUT
from dagcontent.plan.resolver import Resolver

__all__ = ["RemainingTime"]

_GUESS_S = {"video": 8.0, "subtitles": 2.0, "speech": 1.0, "audio": 1.0, "image": 0.3}
_GUESS_OTHER_S = 0.1
_LEARN_FROM = 8


class RemainingTime:
    """Estimates the seconds from a node to the end of the graph along its longest path. Computed when first asked.

    A kind and model takes what its latest records took; without any, a guess by its medium.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._by_kind: dict[tuple[str, str], float] = {}
        self._known: list[float] | None = None

    def __call__(self, node: int) -> float:
        """Return the seconds from a node to the end, its own included."""
        if self._known is None:
            self._known = self._compute()
        return self._known[node]

    def _compute(self) -> list[float]:
        graph = self._resolver.graph
        below = [0.0] * len(graph.nodes)
        total = [0.0] * len(graph.nodes)
        for index in reversed(graph.order):
            node = graph.nodes[index]
            total[index] = below[index] + self._seconds(node)
            for producer in graph.inputs_of(node):
                below[producer] = max(below[producer], total[index])
        return total

    def _seconds(self, node: Node) -> float:
        if node.kind.effect in WORKED_OUT:
            return 0.0
        model = node.spec.model if isinstance(node.spec.model, str) else ""
        family = (node.kind.name, model)
        if family not in self._by_kind:
            records = self._resolver.lookup.family(*family, _LEARN_FROM)
            guess = _GUESS_S.get(node.kind.name.split(".")[0], _GUESS_OTHER_S)
            self._by_kind[family] = sum(r.seconds for r in records) / len(records) if records else guess
        return self._by_kind[family]
