"""Nodes that are asked for into all that they may need. Knows no instances."""

from __future__ import annotations

from collections.abc import Iterable

from dagcontent.graph.model import Graph

__all__ = ["closure"]


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
