"""Which nodes are asked for, and which are then needed. Knows no instances."""

from __future__ import annotations

from collections.abc import Iterable

from dagcontent.graph.model import Graph, Node, outputs_in

__all__ = ["closure", "root_nodes"]


def root_nodes(graph: Graph) -> list[int]:
    """Return the nodes that are asked for by themselves: all but those used only as alternatives of a lazy kind, or asked for a
    verdict, and what only such nodes use (unless it has an output of its own, or makes the list of a dimension: what goes over
    that is known only then).
    """
    if not any(node.kind.lazy or node.asking is not None for node in graph.nodes):
        return list(graph.order)
    alternatives: set[int] = set()
    users: dict[int, set[int]] = {}
    for node in graph.nodes:
        tried = _alternatives(node)
        alternatives |= tried
        for producer in graph.inputs_of(node):
            if producer not in tried:
                users.setdefault(producer, set()).add(node.index)
    listed = {o.node for dimension in graph.dimensions for o in outputs_in(dimension.of)}
    held_back: set[int] = set()
    for index in reversed(graph.order):
        used_by = users.get(index, set())
        inner = index in alternatives or (bool(used_by) and graph.nodes[index].output is None)
        if inner and index not in listed and used_by <= held_back:
            held_back.add(index)
    return [i for i in graph.order if i not in held_back]


def _alternatives(node: Node) -> set[int]:
    """Return the nodes that a node refers to as alternatives, or asks for a verdict, and in no other way."""
    if node.verdict is not None:
        return {node.verdict.node}
    if not node.kind.lazy:
        return set()
    tried = {o.node for name, expr in node.params if name == node.kind.lazy for o in outputs_in(expr)} - {node.index}
    others = {o.node for name, expr in node.params if name != node.kind.lazy for o in outputs_in(expr)}
    return tried - others - {o.node for o in (*node.when_outputs, *node.ordering)}


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
