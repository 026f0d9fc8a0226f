"""The linked graph: nodes and dimensions are integers, every reference is an expression. Knows no text positions but places.

An expression says how a value is put together for one instance of a node. `Output` and `Element` are the two
that reach elsewhere; the rest is made of them. `type` is what is known before anything runs (`ANY`: nothing).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from dagcontent.kinds.control import VALUE_OF_GRAPH
from dagcontent.kinds.declaration import Kind
from dagcontent.spec.model import DimensionSpec, NodeSpec, Pipeline, Place, Ref
from dagcontent.values.types import Type

if TYPE_CHECKING:
    from networkx import DiGraph

__all__ = [
    "AllOf",
    "Asking",
    "AtLabel",
    "AtPosition",
    "Condition",
    "Conditions",
    "Dimension",
    "Element",
    "Expr",
    "FactStep",
    "FromFile",
    "Graph",
    "IndexStep",
    "Into",
    "Join",
    "KeyStep",
    "Label",
    "Literal",
    "LookUp",
    "MemberStep",
    "Node",
    "Output",
    "Pick",
    "Position",
    "SameAs",
    "Sequence",
    "StarStep",
    "Step",
    "Table",
    "Whole",
    "exprs_in",
    "is_several",
    "outputs_in",
]


class MemberStep(msgspec.Struct, frozen=True):
    """`.name` into JSON; `optional` when its type says that it may be missing."""

    name: str
    optional: bool = False


class IndexStep(msgspec.Struct, frozen=True):
    """`[0]` into a list."""

    position: int


class KeyStep(msgspec.Struct, frozen=True):
    """`[line.speaker]` into a table or list: the key is a value of this instance."""

    key: Expr


class StarStep(msgspec.Struct, frozen=True):
    """`[*]`: what follows applies to every element."""


class FactStep(msgspec.Struct, frozen=True):
    """`.duration`: a fact of an artifact or of text."""

    name: str


Step: TypeAlias = "MemberStep | IndexStep | KeyStep | StarStep | FactStep"


class SameAs(msgspec.Struct, frozen=True):
    """This instance's own position in a dimension that both share, shifted by `offset` (0 or less)."""

    dim: int
    offset: int = 0


class AllOf(msgspec.Struct, frozen=True):
    """Every position of the dimension: the value becomes a list."""


class AtPosition(msgspec.Struct, frozen=True):
    """A fixed position."""

    position: int


class AtLabel(msgspec.Struct, frozen=True):
    """A fixed label."""

    label: str


class LookUp(msgspec.Struct, frozen=True):
    """Chosen by a value: its text is a label, its integer a position, its list several of them."""

    by: Expr
    text: str


Pick: TypeAlias = "SameAs | AllOf | AtPosition | AtLabel | LookUp"


class Literal(msgspec.Struct, frozen=True):
    """A value written in the file or on the command line. `place` is None for the latter."""

    value: Any
    type: Type
    place: Place | None = None


class FromFile(msgspec.Struct, frozen=True):
    """A file beside the graph: an artifact, or text (`template` is its text, expanded once)."""

    path: str
    type: Type
    template: Expr | None = None


class Element(msgspec.Struct, frozen=True):
    """This instance's element of a dimension, or its neighbour's (`shift` -1 or 1), and a path into it."""

    dim: int
    shift: int
    steps: tuple[Step, ...]
    type: Type
    ref: Ref


class Whole(msgspec.Struct, frozen=True):
    """`${each.scene}`: the whole list of a dimension."""

    dim: int
    steps: tuple[Step, ...]
    type: Type


class Position(msgspec.Struct, frozen=True):
    """`${index.scene}`: from 0."""

    dim: int
    type: Type


class Label(msgspec.Struct, frozen=True):
    """`${label.scene}`."""

    dim: int
    type: Type


class Output(msgspec.Struct, frozen=True):
    """What another node made. One pick for each of its dimensions; `steps` apply to every chosen instance's value."""

    node: int
    picks: tuple[Pick, ...]
    steps: tuple[Step, ...]
    type: Type
    ref: Ref


class Into(msgspec.Struct, frozen=True):
    """A path into a written value that depends on the instance: `${params.voices[line.speaker]}`."""

    base: Literal
    steps: tuple[Step, ...]
    type: Type
    ref: Ref


class Join(msgspec.Struct, frozen=True):
    """Text put together from parts."""

    parts: tuple[str | Expr, ...]
    type: Type


class Sequence(msgspec.Struct, frozen=True):
    """A list written in the file, with references in it."""

    items: tuple[Expr, ...]
    type: Type


class Table(msgspec.Struct, frozen=True):
    """A table written in the file, with references in it."""

    items: tuple[tuple[str, Expr], ...]
    type: Type


Expr: TypeAlias = "Literal | FromFile | Element | Whole | Position | Label | Output | Into | Join | Sequence | Table"


class Condition(msgspec.Struct, frozen=True):
    """`when`: true, or compared by `test` ("true", "is", "is_not", "in") with `against`."""

    value: Expr
    test: str
    against: Expr | None = None


class Conditions(msgspec.Struct, frozen=True):
    """Several of which each must hold: those of the nodes that a graph stands for, from the outermost in, then a node's own."""

    every: tuple[Condition, ...]


class Dimension(msgspec.Struct, frozen=True):
    """A named list. `outer` are the dimensions its list differs over, in the order in which nodes must name them."""

    index: int
    name: str
    of: Expr
    outer: tuple[int, ...]
    element: Type
    spec: DimensionSpec

    @property
    def of_takes(self) -> bool:
        """Whether these are the takes of a node: the name is `NODE.take`, the elements are their numbers."""
        return self.name.endswith(".take")


class Asking(msgspec.Struct, frozen=True):
    """What a node asks about the candidates of the selection `of`: their scores by a judge, or by a metric.

    Its parameters are made of these: in which order it sees candidates depends on what they are.
    """

    of: str
    what: str  # "judge" or "metric"
    candidates: Expr
    references: Expr | None = None
    rubric: Expr | None = None
    metric: Expr | None = None


class Node(msgspec.Struct, frozen=True):
    """One linked node.

    `params` are its parameters as expressions. `wholes` are dimensions it speaks of as a list (`${each.x}`). `outputs` are all `Output`s in its keyed inputs (parameters, model,
    options, seed), `ordering` those of `needs`. `model` is "" for kinds without one. `models` are the aliases that its file knows,
    `model_lists` the names of those that stand for several. `fallbacks` are the same node as each further model of its list is asked.
    In a graph within a graph `levels` says how many of its dimensions are of each node that stands around it.
    `verdict` is what a selection asks for once its candidates are known, if it must; `asking` is what the node that is asked goes by.
    """

    index: int
    name: str
    kind: Kind
    spec: NodeSpec
    dims: tuple[int, ...]
    params: tuple[tuple[str, Expr], ...]
    model: Expr | None
    options: Expr | None
    seed: Expr | None
    when: Condition | Conditions | None
    ordering: tuple[Output, ...]
    output: Expr | None
    type: Type
    outputs: tuple[Output, ...]
    when_outputs: tuple[Output, ...]
    wholes: tuple[int, ...] = ()
    levels: tuple[int, ...] = ()
    models: dict[str, str] = {}
    model_lists: frozenset[str] = frozenset()

    @property
    def hands_on(self) -> bool:
        """Whether it only holds a value on its way into a graph or out of it: it stands in no file, and has no row."""
        return self.kind is VALUE_OF_GRAPH

    verdict: Output | None = None
    asking: Asking | None = None
    fallbacks: tuple[Node, ...] = ()

    @property
    def sources(self) -> tuple[Output, ...]:
        """All that it waits for, whenever that is."""
        found = (*self.outputs, *self.when_outputs, *self.ordering)
        return found if self.verdict is None else (*found, self.verdict)

    def asked(self, at: int) -> Node:
        """Return the node as the model at a position of its list is asked."""
        return self.fallbacks[at - 1] if at else self

    @property
    def all_dims(self) -> tuple[int, ...]:
        """The dimensions whose lists must be known before the node can be expanded and linked."""
        return (*self.dims, *self.wholes) if self.wholes else self.dims


class Graph:
    """All nodes and dimensions of one file, linked. `order` is a topological order of node indices."""

    def __init__(self, pipeline: Pipeline, nodes: list[Node], dimensions: list[Dimension], order: list[int]) -> None:
        self.pipeline = pipeline
        self.name = pipeline.name
        self.nodes = nodes
        self.dimensions = dimensions
        self.order = order

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """Nodes by name."""
        return {node.name: node for node in self.nodes}

    def inputs_of(self, node: Node) -> tuple[int, ...]:
        """Return the indices of every node that this one waits for, directly or for its dimensions' lists."""
        found: dict[int, None] = {}
        for output in node.sources:
            found[output.node] = None
        for dim in node.all_dims:
            for output in outputs_in(self.dimensions[dim].of):
                found[output.node] = None
        found.pop(node.index, None)
        return tuple(found)

    def to_networkx(self) -> DiGraph[str]:
        """Return a networkx DiGraph: one vertex a node (by name, with `kind` and `model`), edges producer to consumer."""
        from dagcontent.graph.analysis import to_networkx  # noqa: PLC0415 - networkx is slow to import

        return to_networkx(self)


def is_several(pick: Pick) -> bool:
    """Tell whether a pick leaves several instances: the value becomes a list."""
    return isinstance(pick, AllOf) or (isinstance(pick, LookUp) and pick.by.type.name == "list")


def exprs_in(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and everything inside it."""
    yield expr
    inner: tuple[Any, ...] = ()
    if isinstance(expr, Join):
        inner = tuple(part for part in expr.parts if not isinstance(part, str))
    elif isinstance(expr, Sequence):
        inner = expr.items
    elif isinstance(expr, Table):
        inner = tuple(item for _, item in expr.items)
    elif isinstance(expr, FromFile) and expr.template is not None:
        inner = (expr.template,)
    for part in inner:
        yield from exprs_in(part)
    if isinstance(expr, Output):
        for pick in expr.picks:
            if isinstance(pick, LookUp):
                yield from exprs_in(pick.by)
    if isinstance(expr, Output | Element | Whole | Into):
        for step in expr.steps:
            if isinstance(step, KeyStep):
                yield from exprs_in(step.key)


def outputs_in(expr: Expr | None) -> tuple[Output, ...]:
    """Return every `Output` inside an expression."""
    if expr is None or isinstance(expr, Literal):
        return ()
    if isinstance(expr, Output) and not any(isinstance(p, LookUp) for p in expr.picks):
        return (expr,)
    if isinstance(expr, Join):
        # The most frequent by far: asked of every prompt, and a generator within a generator takes three times as long.
        found: list[Output] = []
        for part in expr.parts:
            if not isinstance(part, str):
                found += outputs_in(part)
        return tuple(found)
    return tuple(part for part in exprs_in(expr) if isinstance(part, Output))
