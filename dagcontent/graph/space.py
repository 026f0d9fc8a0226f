"""One graph's names among those of all: the file itself, or a graph that stands for a node. Knows no instances.

A graph within another is a space of its own: what is named in it is looked up there and nowhere else. Its nodes go over the
dimensions of the node that it stands for (`outer`) and then over their own; a reference from one to another keeps the outer
position. Two things lead out of a space: its params, which are expressions of the space outside, and its exports, which are
expressions of its own that are asked for outside. Where neither can be put in place of a reference, its value gets a node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from dagcontent.graph.judging import with_asked
from dagcontent.graph.model import (
    AllOf,
    AtLabel,
    AtPosition,
    Condition,
    Dimension,
    Element,
    Expr,
    IndexStep,
    Into,
    KeyStep,
    Label,
    MemberStep,
    Output,
    Pick,
    Position,
    SameAs,
    StarStep,
    Step,
    Table,
    Whole,
    exprs_in,
    is_several,
)
from dagcontent.graph.steps import BadReference, did_you_mean
from dagcontent.kinds.control import VALUE_OF_GRAPH
from dagcontent.kinds.declaration import Kind
from dagcontent.spec.model import NodeSpec, ParamSpec, Pipeline, Place, Ref
from dagcontent.values.types import ANY, Type

if TYPE_CHECKING:
    from dagcontent.graph.expressions import Expressions
    from dagcontent.graph.references import ReferenceCompiler

__all__ = ["NodeFace", "Space", "dims_in"]


class NodeFace(msgspec.Struct, frozen=True):
    """What others see of a node before it is linked."""

    index: int
    name: str
    kind: Kind
    dims: tuple[int, ...]
    type: Type


class Space:
    """The names of one graph. `node` is the one that it stands for in `parent`; `levels` count the dimensions of each such node.
    `written` are the graph as it is written and those around it; `pipeline` has the nodes too that selections ask.

    The linker fills it: `outer`, `faces`, and what turns references and values into expressions. `hide` makes a node of a
    value; `given` links what the node outside gives for a parameter.
    """

    references: ReferenceCompiler
    expressions: Expressions
    hide: Callable[[Space, str, Expr, Place], int]
    given: Callable[[Space, ParamSpec], Expr]

    def __init__(self, pipeline: Pipeline, parent: Space | None = None, node: NodeSpec | None = None) -> None:
        self.written: tuple[Pipeline, ...] = (pipeline, *(() if parent is None else parent.written))
        self.pipeline = with_asked(*self.written)
        self.parent = parent
        self.node = node
        self.prefix: str = "" if parent is None or node is None else f"{parent.prefix}{node.name}/"
        self.outer: tuple[int, ...] = ()
        self.levels: tuple[int, ...] = ()
        self.models: dict[str, str] = pipeline.models if parent is None else {**parent.models, **pipeline.models}
        lists = frozenset() if parent is None else parent.model_lists - pipeline.models.keys()
        self.model_lists: frozenset[str] = lists | pipeline.model_lists
        self.faces: dict[str, NodeFace] = {}
        self.params: dict[str, Expr] = {}
        self.conditions: tuple[Condition, ...] = ()
        self.ordering: tuple[Output, ...] = ()
        self.graphs = {name: Space(graph, self, pipeline.nodes[name]) for name, graph in pipeline.graphs.items()}
        self._exports: dict[str, Expr] = {}
        self._open: list[str] = []

    def walk(self) -> Iterator[Space]:
        """Yield this space and all in it, outer ones first."""
        yield self
        for inner in self.graphs.values():
            yield from inner.walk()

    def nodes(self) -> Iterator[tuple[Space, NodeSpec]]:
        """Yield every node in the order of the files, those of a graph where the node is that it stands for."""
        for name, spec in self.pipeline.nodes.items():
            if name in self.graphs:
                yield from self.graphs[name].nodes()
            elif spec.kind != VALUE_OF_GRAPH.name:
                yield self, spec

    def local(self, name: str) -> str:
        """Return the name that a dimension or node of this space has in it."""
        return name.removeprefix(self.prefix)

    @property
    def face(self) -> NodeFace:
        """What others see of the node that this graph stands for."""
        assert self.node is not None
        return NodeFace(-1, self.node.name, VALUE_OF_GRAPH, self.outer, ANY)

    @property
    def same(self) -> tuple[Pick, ...]:
        """This instance's own position in every outer dimension."""
        return tuple(SameAs(dim) for dim in self.outer)

    # -- what comes in ------------------------------------------------------------------------------------------

    def param(self, name: str) -> Expr | None:
        """Return the expression of a parameter. Raises BadReference for one that needs itself."""
        known = self.params.get(name)
        if known is not None or self.parent is None or name not in self.pipeline.params:
            return known
        self._enter(f"params.{name}")
        try:
            made = self.params[name] = self.given(self, self.pipeline.params[name])
        finally:
            self._open.pop()
        return made

    def into(self, name: str, expr: Expr, steps: tuple[Step, ...], kind: Type, ref: Ref) -> Expr:
        """Return a path into what a parameter was given."""
        inside, rest = _descended(expr, steps)
        narrowed = _narrowed(inside, rest)
        if narrowed is not None and isinstance(inside, Output):
            return Output(inside.node, *narrowed, kind, ref)
        if narrowed is not None and isinstance(inside, Element | Into):
            return msgspec.structs.replace(inside, steps=narrowed[1], type=kind, ref=ref)
        if not rest:
            return inside
        place = self.pipeline.params[name].place or Place(0, ())
        return Output(self.hide(self, f"params.{name}", expr, place), self.same, steps, kind, ref)

    # -- what goes out ------------------------------------------------------------------------------------------

    def export(self, name: str, ref: Ref) -> Expr:
        """Return the expression of an export. Raises BadReference where there is none."""
        spec = self.pipeline.exports.get(name)
        if spec is None:
            raise BadReference(
                f"`{self.face.name}` exports no `{name}`", did_you_mean(name, self.pipeline.exports), self.exports_known
            )
        if name not in self._exports:
            self._enter(ref.text)
            try:
                self._exports[name] = self.expressions.value(spec.value, spec.place, self.expressions.scope(self.outer))
            finally:
                self._open.pop()
        return self._exports[name]

    @property
    def exports_known(self) -> str:
        """Say what there is to be named."""
        names = ", ".join(self.pipeline.exports)
        return f"its [exports]: {names}" if names else "its file has no [exports]"

    def output(self, name: str, picks: tuple[Pick, ...], steps: tuple[Step, ...], kind: Type, ref: Ref) -> Output:
        """Return what is asked of an export: of the node that makes it where that can be said, else of its value's node."""
        expr = self._exports[name]
        own = len(self.outer)
        inside, rest = _descended(expr, steps)
        if isinstance(inside, Output) and inside.node in self._made_here and _fixed(inside, inside.picks[own:]):
            narrowed = _narrowed(inside, rest, own)
            if narrowed is not None:
                return Output(inside.node, (*picks, *narrowed[0]), narrowed[1], kind, ref)
        return Output(self.hide(self, name, expr, self.pipeline.exports[name].place), picks, steps, kind, ref)

    @cached_property
    def _made_here(self) -> frozenset[int]:
        """The nodes of this graph: each goes over the outer dimensions first."""
        return frozenset(face.index for space in self.walk() for face in space.faces.values())

    def _enter(self, what: str) -> None:
        if what in self._open:
            chain = " -> ".join([*self._open[self._open.index(what) :], what])
            raise BadReference(f"these need each other: {chain}")
        self._open.append(what)


def _descended(expr: Expr, steps: tuple[Step, ...]) -> tuple[Expr, tuple[Step, ...]]:
    """Go into a table as it is written, as far as steps lead."""
    while steps and isinstance(expr, Table) and isinstance(steps[0], MemberStep):
        expr, steps = dict(expr.items)[steps[0].name], steps[1:]
    return expr, steps


def _narrowed(expr: Expr, steps: tuple[Step, ...], own: int = 0) -> tuple[tuple[Pick, ...], tuple[Step, ...]] | None:
    """Return the picks (those after `own`) and steps of a path into an expression; None where they cannot say it.

    A position in a list of instances is a pick of one, so that the others are not waited for.
    """
    if not isinstance(expr, Output | Element | Into):
        return None
    picks: list[Pick] = []
    for pick in expr.picks[own:] if isinstance(expr, Output) else ():
        if not steps or not is_several(pick):
            picks.append(pick)
        elif isinstance(pick, AllOf) and isinstance(steps[0], StarStep):
            picks.append(pick)
            steps = steps[1:]
        elif isinstance(pick, AllOf) and isinstance(steps[0], IndexStep) and not _may_miss(expr.steps):
            picks.append(AtPosition(steps[0].position))
            steps = steps[1:]
        else:
            return None
    if steps and any(isinstance(step, StarStep) for step in expr.steps):
        return None  # it would go into each
    return tuple(picks), (*expr.steps, *steps)


def _may_miss(steps: Sequence[Step]) -> bool:
    """Tell whether a value may be left out of a list, so that the others move up."""
    return any(isinstance(step, MemberStep) and step.optional for step in steps)


def _fixed(expr: Output, picks: Sequence[Pick]) -> bool:
    """Tell whether an expression means the same wherever it is evaluated, but for the outer positions."""
    return all(isinstance(pick, AllOf | AtPosition | AtLabel) for pick in picks) and not any(
        isinstance(step, KeyStep) for step in expr.steps
    )


def dims_in(expr: Expr, by_index: Callable[[int], Dimension]) -> Iterator[int]:
    """Yield the dimensions whose position an expression needs to know."""
    for part in exprs_in(expr):
        if isinstance(part, Element | Position | Label):
            yield part.dim
        elif isinstance(part, Whole):
            yield from by_index(part.dim).outer
        elif isinstance(part, Output):
            yield from (pick.dim for pick in part.picks if isinstance(pick, SameAs))
