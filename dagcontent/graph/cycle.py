"""Nodes into a topological order, or into the mistakes of their cycles. Knows no instances.

An edge to an earlier element (`[scene-1]`) is no edge of the order: instances it joins follow one another.
"""

from __future__ import annotations

from collections import deque

from dagcontent.graph.model import Dimension, Node, Output, SameAs, outputs_in
from dagcontent.spec.model import Pipeline
from dagcontent.values.mistake import Mistake

__all__ = ["topological_order"]


def topological_order(
    pipeline: Pipeline, nodes: list[Node], dimensions: list[Dimension]
) -> tuple[list[int], list[Mistake]]:
    """Return node indices, producers first (ties by the order in the file), and one mistake for each cycle found."""
    del pipeline
    of_dimension = [tuple({o.node for o in outputs_in(d.of)}) for d in dimensions]
    inputs = [_inputs(node, of_dimension) for node in nodes]
    consumers: list[list[int]] = [[] for _ in nodes]
    missing = [0] * len(nodes)
    for index, producers in enumerate(inputs):
        missing[index] = len(producers)
        for producer in producers:
            consumers[producer].append(index)
    ready = deque(i for i, count in enumerate(missing) if count == 0)
    order: list[int] = []
    while ready:
        index = ready.popleft()
        order.append(index)
        for consumer in consumers[index]:
            missing[consumer] -= 1
            if missing[consumer] == 0:
                ready.append(consumer)
    if len(order) == len(nodes):
        return order, []
    left = {i for i, count in enumerate(missing) if count > 0}
    return order, _cycles(nodes, dimensions, {i: [p for p in inputs[i] if p in left] for i in left})


def _inputs(node: Node, of_dimension: list[tuple[int, ...]]) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for output in node.sources:
        if not _earlier(output):
            found[output.node] = None
    for dim in node.all_dims:
        for producer in of_dimension[dim]:
            found[producer] = None
    return tuple(found)


def _earlier(output: Output) -> bool:
    return any(isinstance(pick, SameAs) and pick.offset < 0 for pick in output.picks)


def _cycles(nodes: list[Node], dimensions: list[Dimension], edges: dict[int, list[int]]) -> list[Mistake]:
    from dagcontent.graph.analysis import cycles  # noqa: PLC0415 - networkx is slow to import

    return [_mistake(nodes, dimensions, path) for path in cycles(edges)]


def _mistake(nodes: list[Node], dimensions: list[Dimension], path: list[int]) -> Mistake:
    """Word one cycle: consumer -> producer -> ... -> consumer, each edge at the line it is written on."""
    names = [nodes[i].name for i in path]
    also = []
    for consumer, producer in zip(path, [*path[1:], path[0]], strict=True):
        file, where, label = _edge(nodes[consumer], nodes[producer], dimensions)
        also.append((file, where, label))
    file, where, _ = also[0]
    return Mistake(
        f"a cycle: {' -> '.join([*names, names[0]])}",
        file,
        where,
        note="a node may depend on itself only through an earlier element: `[scene-1]`",
        also=tuple(also),
    )


def _edge(consumer: Node, producer: Node, dimensions: list[Dimension]) -> tuple[int, tuple[str | int, ...], str]:
    spec = consumer.spec

    def at(key: str) -> tuple[int, tuple[str | int, ...], str]:
        place = spec.origin.get(key)
        label = f"{consumer.name} uses {producer.name} as {key}"
        if place is not None:
            return place.file, place.path, label
        return spec.place.file, (*spec.place.path, key), label

    for name, expr in consumer.params:
        if any(o.node == producer.index and not _earlier(o) for o in outputs_in(expr)):
            return at(name)
    for key, outputs in (("when", consumer.when_outputs), ("needs", consumer.ordering)):
        if any(o.node == producer.index for o in outputs):
            return at(key)
    for dim in consumer.all_dims:
        if any(o.node == producer.index for o in outputs_in(dimensions[dim].of)):
            place = dimensions[dim].spec.place
            label = f"{consumer.name} is over {dimensions[dim].name}, made of {producer.name}"
            return place.file, place.path, label
    return at("options")
