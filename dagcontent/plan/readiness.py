"""Which lists can be made, which nodes expanded, which linked: three counters a node or dimension. Knows no units.

a dimension's lists     wait for its outer dimensions' lists and for the expansion of the nodes they are made of
a node's expansion      waits for the lists of its dimensions
a node's links          wait for its own expansion and that of every node it refers to
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from dagcontent.graph.model import Graph, Node, outputs_in

__all__ = ["Readiness"]

_Step = Callable[[], None]


class Readiness:
    """Calls `open_lists(dim)`, `expand(node)` and `link(node)` each once, when their time has come."""

    def __init__(
        self,
        graph: Graph,
        needed: Collection[int],
        open_lists: Callable[[int], None],
        expand: Callable[[Node], None],
        link: Callable[[int], None],
    ) -> None:
        self._graph = graph
        self._needed = needed
        self._open_lists = open_lists
        self._expand = expand
        self._link = link
        self._list_waits: dict[int, int] = {}
        self._link_waits: dict[int, int] = {}
        self._after_list: dict[int, list[_Step]] = {}
        self._after_expansion: dict[int, list[_Step]] = {}
        self._expanded: set[int] = set()

    def start(self) -> None:
        """Begin with what waits for nothing."""
        nodes = [self._graph.nodes[i] for i in self._graph.order if i in self._needed]
        dims: dict[int, None] = {}
        for node in nodes:
            for dim in node.all_dims:
                self._expect_lists(dim, dims)
        for node in nodes:
            self._expect_node(node)
        for dim in [d for d in dims if self._list_waits[d] == 0]:
            self._open_lists(dim)

    def list_known(self, dim: int) -> None:
        """Note that every list of a dimension is known, or known not to come."""
        for step in self._after_list.pop(dim, ()):
            step()

    def expanded(self, node: int) -> None:
        """Note that a node's units are there."""
        self._expanded.add(node)
        self._less_to_link(node)
        for step in self._after_expansion.pop(node, ()):
            step()

    def linkable(self, node: int) -> bool:
        """Whether everything a node refers to is expanded, itself included."""
        return self._link_waits.get(node) == 0

    def _expect_lists(self, dim: int, known: dict[int, None]) -> None:
        if dim in known:
            return
        known[dim] = None
        linked = self._graph.dimensions[dim]
        for outer in linked.outer:
            self._expect_lists(outer, known)
        producers = {o.node for o in outputs_in(linked.of)}
        self._list_waits[dim] = len(linked.outer) + len(producers)

        def less() -> None:
            self._list_waits[dim] -= 1
            if self._list_waits[dim] == 0:
                self._open_lists(dim)

        for outer in linked.outer:
            self._after_list.setdefault(outer, []).append(less)
        for producer in producers:
            self._after_expansion.setdefault(producer, []).append(less)

    def _expect_node(self, node: Node) -> None:
        index = node.index
        expanded = self._expanded
        waiting = {o.node for o in node.sources if o.node not in expanded and o.node != index}
        self._link_waits[index] = len(waiting) + 1
        for producer in waiting:
            self._after_expansion.setdefault(producer, []).append(lambda: self._less_to_link(index))
        dims = node.all_dims
        if not dims:
            self._expand(node)
            return
        missing = len(dims)

        def less() -> None:
            nonlocal missing
            missing -= 1
            if missing == 0:
                self._expand(node)

        for dim in dims:
            self._after_list.setdefault(dim, []).append(less)

    def _less_to_link(self, node: int) -> None:
        self._link_waits[node] -= 1
        if self._link_waits[node] == 0:
            self._link(node)
