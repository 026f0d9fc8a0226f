"""What a node of a graph within a graph has from outside: where its files go, where it looks for them, its conditions.

Knows no names: references were linked before.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence

from dagcontent.graph.model import (
    AllOf,
    Condition,
    Conditions,
    Expr,
    Join,
    Label,
    Literal,
    Node,
    Output,
    Pick,
    Whole,
    exprs_in,
    outputs_in,
)
from dagcontent.graph.space import Space
from dagcontent.kinds.control import VALUE_OF_GRAPH
from dagcontent.kinds.declaration import Effect, Kind
from dagcontent.spec.model import NodeSpec, Place, Ref
from dagcontent.values.types import TEXT

__all__ = ["all_of", "conditions_of", "outputs_of_when", "placed", "read_beside", "value_node", "wholes_in"]


def placed(space: Space, output: Expr | None) -> Expr | None:
    """Return the file name of an output under `NODE/LABEL/`, a folder for each node that its graph stands for."""
    if output is None or space.parent is None or (isinstance(output, Literal) and not isinstance(output.value, str)):
        return output
    chain: list[Space] = []
    at: Space | None = space
    while at is not None and at.parent is not None:
        chain.insert(0, at)
        at = at.parent
    parts: list[str | Expr] = []
    done = 0
    for inner, count in zip(chain, space.levels, strict=True):
        parts.append(f"{inner.face.name}/")
        for dim in space.outer[done : done + count]:
            parts += [Label(dim, TEXT), "/"]
        done += count
    if isinstance(output, Literal):
        parts.append(str(output.value))
    else:
        parts += output.parts if isinstance(output, Join) else (output,)
    return Join(tuple(parts), TEXT)


def read_beside(space: Space, kind: Kind, params: tuple[tuple[str, Expr], ...]) -> tuple[tuple[str, Expr], ...]:
    """Return parameters with a pattern of files that begins at the outermost folder: it is written relative to the graph's own."""
    if space.parent is None or kind.effect is not Effect.FILES:
        return params
    folder = os.path.relpath(space.pipeline.folder, space.written[-1].folder)  # the outermost
    if folder == ".":
        return params
    before = glob.escape(folder.replace(os.sep, "/")) + "/"
    return tuple((name, _after(before, expr) if name == "pattern" else expr) for name, expr in params)


def _after(before: str, expr: Expr) -> Expr:
    if isinstance(expr, Literal):
        return Literal(before + str(expr.value), TEXT, expr.place)
    return Join((before, *(expr.parts if isinstance(expr, Join) else (expr,))), TEXT)


def conditions_of(space: Space, own: Condition | None) -> Condition | Conditions | None:
    """Return the `when` of a node: its own after those of all nodes that its graph stands for."""
    if not space.conditions:
        return own
    every = (*space.conditions, *(() if own is None else (own,)))
    return Conditions(every) if len(every) > 1 else every[0]


def outputs_of_when(when: Condition | Conditions | None) -> tuple[Output, ...]:
    """Return what a `when` refers to."""
    if when is None:
        return ()
    every = when.every if isinstance(when, Conditions) else (when,)
    return tuple(output for one in every for expr in (one.value, one.against) for output in outputs_in(expr))


def all_of(graph: Space, picks: tuple[Pick, ...], ref: Ref) -> tuple[Output, ...]:
    """Return every node of a graph, at the instances of it that `picks` choose."""
    return tuple(
        Output(face.index, (*picks, *(AllOf(),) * (len(face.dims) - len(picks))), (), face.type, ref)
        for inner in graph.walk()
        for face in inner.faces.values()
    )


def wholes_in(exprs: Sequence[Expr | None], dims: Sequence[int]) -> tuple[int, ...]:
    """Return the dimensions of which expressions speak as a list, but for those that are gone over."""
    found = {
        part.dim
        for expr in exprs
        if expr is not None and not isinstance(expr, Literal)
        for part in exprs_in(expr)
        if isinstance(part, Whole) and part.dim not in dims
    }
    return tuple(sorted(found))


def value_node(index: int, space: Space, name: str, expr: Expr, place: Place) -> Node:
    """Return the node of a value on its way into a graph or out of it."""
    when = conditions_of(space, None)
    full = f"{space.prefix[:-1]}.{name}"
    return Node(
        index=index,
        name=full,
        kind=VALUE_OF_GRAPH,
        spec=NodeSpec(full, VALUE_OF_GRAPH.name, place, {}, options={}, tags={}, origin={"value": place}),
        dims=space.outer,
        params=(("value", expr),),
        model=None,
        options=None,
        seed=None,
        when=when,
        ordering=space.ordering,
        output=None,
        type=expr.type,
        outputs=outputs_in(expr),
        when_outputs=outputs_of_when(when),
        wholes=wholes_in([expr], space.outer),
        levels=space.levels,
    )
