"""Questions about the shape of a graph, answered with networkx, which is imported nowhere else. Knows no instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import networkx as nx

if TYPE_CHECKING:
    from dagcontent.graph.model import Graph

__all__ = ["critical_path", "cycles", "layers", "reduced_edges", "to_networkx"]


def to_networkx(graph: Graph) -> nx.DiGraph[str]:
    """Return one vertex a node (by name, with `kind`, `model` and `dims`), edges from producer to consumer."""
    made: nx.DiGraph[str] = nx.DiGraph(name=graph.name)
    for node in graph.nodes:
        model = node.spec.model if isinstance(node.spec.model, str) else ""
        dims = [graph.dimensions[d].name for d in node.dims]
        made.add_node(node.name, kind=node.kind.name, model=model, dims=dims)
    for node in graph.nodes:
        for producer in graph.inputs_of(node):
            made.add_edge(graph.nodes[producer].name, node.name)
    return made


def cycles(edges: Mapping[int, Sequence[int]]) -> list[list[int]]:
    """Return one shortest cycle for each strongly connected part, as vertices along the edges given."""
    made: nx.DiGraph[int] = nx.DiGraph()
    made.add_edges_from((a, b) for a, targets in edges.items() for b in targets)
    found = []
    for part in nx.strongly_connected_components(made):
        first = min(part)
        if len(part) == 1 and not made.has_edge(first, first):
            continue
        inside = made.subgraph(part)
        if inside.has_edge(first, first):
            found.append([first])
            continue
        ways = (nx.shortest_path(inside, after, first) for after in sorted(inside.successors(first)))
        shortest = min(ways, key=len)
        found.append([first, *shortest[:-1]])
    return sorted(found)


def _acyclic(graph: Graph) -> nx.DiGraph[str]:
    made = to_networkx(graph)
    position = {graph.nodes[i].name: rank for rank, i in enumerate(graph.order)}
    made.remove_edges_from([(a, b) for a, b in made.edges if position[a] >= position[b]])
    return made


def reduced_edges(graph: Graph) -> list[tuple[str, str]]:
    """Return the edges that a picture needs: those that no longer way implies (transitive reduction)."""
    return list(nx.transitive_reduction(_acyclic(graph)).edges)


def layers(graph: Graph) -> list[list[str]]:
    """Return node names by the length of the longest way to them: the rows of a picture."""
    return [list(layer) for layer in nx.topological_generations(_acyclic(graph))]


def critical_path(graph: Graph, seconds: Mapping[str, float]) -> list[str]:
    """Return the chain of nodes that takes longest, given seconds a node (0 where none are known)."""
    made = _acyclic(graph)
    for _, target, data in made.edges(data=True):
        data["weight"] = seconds.get(target, 0.0)
    source = "\0start"  # lets the first node's own time count
    for name in [n for n in made.nodes if made.in_degree(n) == 0]:
        made.add_edge(source, name, weight=seconds.get(name, 0.0))
    path: list[str] = nx.dag_longest_path(made)
    return path[1:] if path and path[0] == source else path
