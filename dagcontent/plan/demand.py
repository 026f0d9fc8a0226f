"""Which nodes are asked for, and which are then needed. Knows no instances."""

from __future__ import annotations

from collections.abc import Iterable

from dagcontent.graph.model import Graph, outputs_in

__all__ = ["closure", "root_nodes"]


def root_nodes(graph: Graph) -> list[int]:
    """Return the nodes that are asked for by themselves: all but those used only as alternatives of a lazy kind."""
    only_alternatives: set[int] = set()
    used: set[int] = set()
    for node in graph.nodes:
        lazy = node.kind.lazy
        if lazy:
            for name, expr in node.params:
                (only_alternatives if name == lazy else used).update(o.node for o in outputs_in(expr))
        else:
            used.update(o.node for o in node.outputs)
        used.update(o.node for o in (*node.when_outputs, *node.ordering))
    held_back = only_alternatives - used
    return [i for i in graph.order if i not in held_back]


def closure(graph: Graph, roots: Iterable[int]) -> set[int]:
    """Return the nodes that roots may need: themselves and everything above them."""
    found = set(roots)
    stack = list(found)
    while stack:
        for producer in graph.inputs_of(graph.nodes[stack.pop()]):
            if producer not in found:
                found.add(producer)
                stack.append(producer)
    return found
