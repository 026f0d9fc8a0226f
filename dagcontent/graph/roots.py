"""A linked graph into the nodes of it that are asked for by themselves. Knows no instances."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from dagcontent.graph.model import Graph, Node, Output, outputs_in

__all__ = ["root_nodes", "without_held_back"]


def without_held_back(graph: Graph, whole: Mapping[int, str]) -> Graph:
    """Return a graph in which whoever needs a whole graph waits for what that one makes when it is built alone. `whole` says of such
    `needs`, by identity, how the names begin of the nodes that are meant.
    """
    if not whole:
        return graph
    asked = {prefix: frozenset(root_nodes(graph, prefix)) for prefix in set(whole.values())}

    def holds(output: Output) -> bool:
        prefix = whole.get(id(output))
        return prefix is None or output.node in asked[prefix]

    nodes = [
        msgspec.structs.replace(node, ordering=tuple(filter(holds, node.ordering))) if node.ordering else node
        for node in graph.nodes
    ]
    return Graph(graph.pipeline, nodes, graph.dimensions, graph.order)


def root_nodes(graph: Graph, prefix: str = "", within: Collection[int] | None = None) -> list[int]:
    """Return the nodes that are asked for by themselves: all but those used only as alternatives of a lazy kind, or asked for a
    verdict, and what only such nodes use (unless it has an output of its own, or makes the list of a dimension: what goes over
    that is known only then). Only nodes whose names begin with `prefix` are looked at, as if there were no others: those of a
    graph that stands for a node, as when it is built alone. With `within`, users that are not among those nodes do not count.
    """
    order = [index for index in graph.order if graph.nodes[index].name.startswith(prefix)]
    nodes = [graph.nodes[index] for index in order]
    if not any(node.kind.lazy or node.asking is not None for node in nodes):
        return order
    alternatives: set[int] = set()
    users: dict[int, set[int]] = {}
    for node in nodes:
        if within is not None and node.index not in within:
            continue
        tried = _alternatives(node)
        alternatives |= tried
        for producer in graph.inputs_of(node):
            if producer not in tried:
                users.setdefault(producer, set()).add(node.index)
    listed = {o.node for dimension in graph.dimensions for o in outputs_in(dimension.of)}
    held_back: set[int] = set()
    for index in reversed(order):
        used_by = users.get(index, set())
        inner = index in alternatives or (bool(used_by) and graph.nodes[index].output is None)
        if inner and index not in listed and used_by <= held_back:
            held_back.add(index)
    return [i for i in order if i not in held_back]


def _alternatives(node: Node) -> set[int]:
    """Return the nodes that a node refers to as alternatives, or asks for a verdict, and in no other way."""
    if node.verdict is not None:
        return {node.verdict.node}
    if not node.kind.lazy:
        return set()
    tried = {o.node for name, expr in node.params if name == node.kind.lazy for o in outputs_in(expr)} - {node.index}
    others = {o.node for name, expr in node.params if name != node.kind.lazy for o in outputs_in(expr)}
    return tried - others - {o.node for o in (*node.when_outputs, *node.ordering)}
