"""One `${...}` of the text into an expression. Knows which nodes and dimensions there are, not what they will hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from dagcontent.graph.model import (
    AllOf,
    AtLabel,
    AtPosition,
    Dimension,
    Element,
    Expr,
    FactStep,
    IndexStep,
    Into,
    KeyStep,
    Label,
    Literal,
    LookUp,
    Output,
    Pick,
    Position,
    SameAs,
    StarStep,
    Step,
    Whole,
    is_several,
)
from dagcontent.graph.space import NodeFace, Space, dims_in
from dagcontent.graph.steps import BadReference, did_you_mean, member, static_step
from dagcontent.graph.takes import TAKE, position_of
from dagcontent.graph.typing import selection_fact
from dagcontent.spec.model import Arg, Bracket, FieldStep, PathArg, Ref
from dagcontent.values.types import ANY, INTEGER, TEXT, Type, list_of

__all__ = ["ReferenceCompiler", "Scope"]


class Scope:
    """The dimensions that a string of `node` may speak of. An open scope (a dimension's `of`) takes in what is named."""

    def __init__(self, dims: Iterable[int] = (), *, open_: bool = False, node: str = "") -> None:
        self.node = node
        self.dims = list(dims)
        self.open = open_

    def holds(self, dim: int) -> bool:
        """Tell whether a dimension is in scope; an open scope learns it."""
        if dim not in self.dims and self.open:
            self.dims.append(dim)
        return dim in self.dims


class ReferenceCompiler:
    """Links references of one space to what is declared. `dimension` returns a dimension by name, linking it first if need be.

    `settle` is told of a node whose type is another's before its type is asked for.
    """

    settle: Callable[[str], None] | None = None

    def __init__(
        self,
        space: Space,
        nodes: Mapping[str, NodeFace],
        dimension_names: Iterable[str],
        dimension: Callable[[str], Dimension],
        by_index: Callable[[int], Dimension],
    ) -> None:
        self.space = space
        self.nodes = nodes
        self.dimension_names = frozenset(dimension_names)
        self.dimension = dimension
        self.by_index = by_index

    def link(self, ref: Ref, scope: Scope) -> Expr:
        """Return the expression of a reference. Raises BadReference."""
        root = ref.root
        if root == "params":
            return self._param(ref, scope)
        if root in {"prev", "next", "index", "label", "each"}:
            return self._of_dimension(ref, scope)
        if root in self.dimension_names:
            return self._element(ref, root, 0, ref.steps, scope)
        if root in self.space.graphs:
            return self._export(ref, self.space.graphs[root], scope)
        face = self.nodes.get(root)
        if root == TAKE:
            raise BadReference("a take has no element", "its number is `${index.take}`")
        if face is None:
            names = [*self.nodes, *self.space.graphs, *self.dimension_names, "params"]
            raise BadReference(
                f"nothing here is named `{root}`", did_you_mean(root, names) or "neither a node nor a dimension"
            )
        if face.kind.source and self.settle is not None:
            self.settle(root)
            face = self.nodes[root]
        return self._output(ref, face, scope)

    # -- params -------------------------------------------------------------------------------------------------

    def _param(self, ref: Ref, scope: Scope) -> Expr:
        if not ref.steps or not isinstance(ref.steps[0], FieldStep):
            raise BadReference("`params` needs a name: `${params.x}`", "name a parameter")
        name = ref.steps[0].name
        expr = self.space.param(name)
        if expr is None:
            names = self.space.params if self.space.parent is None else self.space.pipeline.params
            raise BadReference(f"no parameter `{name}` in [params]", did_you_mean(name, names) or "declare it there")
        steps, kind = self._steps(ref.steps[1:], expr.type, scope)
        if not isinstance(expr, Literal):
            return self._given(name, expr, steps, kind, ref, scope)
        if any(isinstance(step, KeyStep | FactStep) for step in steps):
            return Into(expr, steps, kind, ref)
        value = expr.value
        for step in steps:
            value = static_step(value, step, ref)
        return Literal(value, kind, expr.place)

    def _given(self, name: str, expr: Expr, steps: tuple[Step, ...], kind: Type, ref: Ref, scope: Scope) -> Expr:
        """Return a parameter that is no plain value: a file, or what is given to a graph that stands for a node."""
        for dim in dims_in(expr, self.by_index):
            if not scope.holds(dim):
                raise BadReference(f"`params.{name}` depends on `{self.by_index(dim).name}`, which has no element here")
        if not steps:
            return msgspec.structs.replace(expr, ref=ref) if isinstance(expr, Output | Element | Into) else expr
        if self.space.parent is None:
            raise BadReference(f"`params.{name}` is a file: there is no path into it", "")
        return self.space.into(name, expr, steps, kind, ref)

    # -- dimensions ---------------------------------------------------------------------------------------------

    def _of_dimension(self, ref: Ref, scope: Scope) -> Expr:
        if not ref.steps or not isinstance(ref.steps[0], FieldStep):
            raise BadReference(f"`{ref.root}` needs a dimension: `${{{ref.root}.scene}}`", "name a dimension")
        name, rest = self._dimension_name(ref, scope)
        if ref.root in {"prev", "next"}:
            if name.endswith(f".{TAKE}"):
                raise BadReference("a take has no element", "the take before this one is `${NODE[take-1]}`")
            return self._element(ref, name, -1 if ref.root == "prev" else 1, rest, scope)
        dim = self._dimension(name)
        if ref.root == "each":
            if any(outer not in scope.dims and not scope.open for outer in dim.outer):
                raise BadReference(
                    f"the lists of `{name}` differ by another dimension, which is not in scope here",
                    "name that dimension in `each` first",
                )
            steps, kind = self._steps(rest, list_of(dim.element), scope)
            return Whole(dim.index, steps, kind)
        if rest:
            raise BadReference(
                f"`{ref.root}.{name}` is {'a number' if ref.root == 'index' else 'text'}: no path goes into it"
            )
        self._in_scope(dim, scope)
        return Position(dim.index, INTEGER) if ref.root == "index" else Label(dim.index, TEXT)

    def _dimension_name(self, ref: Ref, scope: Scope) -> tuple[str, tuple[Any, ...]]:
        """Return the dimension after `index.`, `label.` or `each.`, and what follows it: `take`, `still.take` and others."""
        names = [step.name for step in ref.steps if isinstance(step, FieldStep)]
        if names[0] == TAKE:
            inside = [self._name(self.by_index(d)) for d in scope.dims if d not in self.space.outer]
            at = position_of((TAKE,), inside, scope.node)
            if at is None:
                raise BadReference(
                    "this has no takes here", "write takes = N, or name those of another node, as `${index.still.take}`"
                )
            return inside[at], ref.steps[1:]
        if len(ref.steps) > 1 and isinstance(ref.steps[1], FieldStep) and ".".join(names[:2]) in self.dimension_names:
            return ".".join(names[:2]), ref.steps[2:]
        return names[0], ref.steps[1:]

    def _element(self, ref: Ref, name: str, shift: int, steps: tuple[Any, ...], scope: Scope) -> Expr:
        dim = self._dimension(name)
        self._in_scope(dim, scope)
        linked, kind = self._steps(steps, dim.element, scope)
        return Element(dim.index, shift, linked, kind, ref)

    def _dimension(self, name: str) -> Dimension:
        if name not in self.dimension_names:
            raise BadReference(
                f"no dimension `{name}`", did_you_mean(name, self.dimension_names) or "declare it under [each]"
            )
        return self.dimension(name)

    def _name(self, dim: Dimension) -> str:
        return self.space.local(dim.name)

    def _in_scope(self, dim: Dimension, scope: Scope) -> None:
        if not scope.holds(dim.index):
            raise BadReference(
                f"this is not over the dimension `{self._name(dim)}`, so it has no element here",
                f'add `each = "{self._name(dim)}"` to the node, or write `${{each.{self._name(dim)}}}` for the whole list',
            )

    # -- outputs ------------------------------------------------------------------------------------------------

    def _output(self, ref: Ref, face: NodeFace, scope: Scope) -> Expr:
        picks, steps = self.chosen(ref, face, scope)
        last = steps[-1].name if steps and isinstance(steps[-1], FieldStep) else ""
        fact = selection_fact(face.kind, face.type, last)
        linked, kind = self._steps(steps if fact is None else steps[:-1], fact or face.type, scope)
        linked = linked if fact is None else (*linked, FactStep(last))
        return Output(face.index, picks, linked, _listed(kind, picks), ref)

    def _export(self, ref: Ref, graph: Space, scope: Scope) -> Expr:
        """Return what a graph that stands for a node gives: `${ad[es].film}`."""
        named = next((step for step in ref.steps if isinstance(step, FieldStep)), None)
        if named is None:
            text = f"`{ref.text}` is a graph: what it gives is named after it"
            raise BadReference(
                text, f"as ${{{ref.root}.{next(iter(graph.pipeline.exports), 'film')}}}", graph.exports_known
            )
        expr = graph.export(named.name, ref)
        picks, steps = self.chosen(ref, graph.face, scope, f".{named.name}")
        if not steps or steps[0] is not named:
            over = (
                ", ".join(self._name(self.by_index(d)) for d in graph.outer[len(self.space.outer) :]) or "no dimension"
            )
            raise BadReference(f"`{ref.root}` goes over {over}: there is a bracket too many before `.{named.name}`")
        linked, kind = self._steps(steps[1:], expr.type, scope)
        return graph.output(named.name, picks, linked, _listed(kind, picks), ref)

    def chosen(
        self, ref: Ref, face: NodeFace, scope: Scope, after: str = ""
    ) -> tuple[tuple[Pick, ...], tuple[Any, ...]]:
        """Return which instances of a node a reference chooses, and the steps that follow: `after` is what a message shows of them."""
        same = self.space.same
        for dim in self.space.outer:
            scope.holds(dim)
        dims = [self.by_index(d) for d in face.dims[len(same) :]]
        steps = ref.steps
        if dims and steps and isinstance(steps[0], Bracket):
            return (*same, *self._picks(steps[0], face, dims, scope)), steps[1:]
        shared = [_in_brackets(self._name(d), face.name) for d in dims if d.index in scope.dims]
        if shared:
            inside = ", ".join(shared)
            raise BadReference(
                f"`${{{face.name}{after}}}` holds all instances of `{face.name}`, and this node shares the dimension "
                f"`{shared[0]}` with it",
                f"write `${{{face.name}[{inside}]{after}}}` for this {shared[0]}'s, or `${{{face.name}[*]{after}}}` for all",
            )
        return (*same, *(AllOf(),) * len(dims)), steps

    def _picks(self, bracket: Bracket, face: NodeFace, dims: list[Dimension], scope: Scope) -> tuple[Pick, ...]:
        if len(bracket.args) == 1 and bracket.args[0].value is None:
            return (AllOf(),) * len(dims)
        chosen: dict[int, Pick] = {}
        for arg in bracket.args:
            position, pick = self._pick(arg, face, dims, chosen, scope)
            if position in chosen:
                raise BadReference(f"the dimension `{self._name(dims[position])}` is chosen twice", "")
            chosen[position] = pick
        return tuple(chosen.get(i, AllOf()) for i in range(len(dims)))

    def _pick(
        self, arg: Arg, face: NodeFace, dims: list[Dimension], chosen: Mapping[int, Pick], scope: Scope
    ) -> tuple[int, Pick]:
        names = [self._name(d) for d in dims]
        shown = [_in_brackets(name, face.name) for name in names]
        if arg.name is not None:
            named = position_of((arg.name,), names, face.name)
            if named is None:
                raise BadReference(
                    f"`{face.name}` is not over `{arg.name}`",
                    did_you_mean(arg.name, shown) or f"it is over {', '.join(shown)}",
                )
            return named, self._fixed_pick(arg, scope)
        same = position_of(arg.value.parts, names, face.name) if isinstance(arg.value, PathArg) else None
        if same is not None and isinstance(arg.value, PathArg):
            dim = dims[same]
            if not scope.holds(dim.index):
                raise BadReference(
                    f"this is not over `{names[same]}`, so there is no `this {shown[same]}`",
                    f'add `each = "{names[same]}"`, or write `${{{face.name}[*]}}` for all',
                )
            return same, SameAs(dim.index, arg.value.offset)
        if isinstance(arg.value, PathArg) and arg.value.parts == (TAKE,):
            raise BadReference(f"`{face.name}` has no takes", f"write takes = N in [node.{face.name}]")
        position = next((i for i in range(len(dims)) if i not in chosen), -1)
        if position < 0:
            raise BadReference(
                f"`{face.name}` has only {len(dims)} dimension{'s' * (len(dims) != 1)}: {', '.join(shown)}"
            )
        return position, self._fixed_pick(arg, scope)

    def _fixed_pick(self, arg: Arg, scope: Scope) -> Pick:
        value = arg.value
        if value is None:
            return AllOf()
        if isinstance(value, int):
            return AtPosition(value)
        if isinstance(value, str):
            return AtLabel(value)
        if value.offset:
            raise BadReference(
                f"`{'.'.join(value.parts)}` is no dimension of that node: only a dimension can be shifted"
            )
        return LookUp(self._path(value, scope), ".".join(value.parts))

    def _path(self, path: PathArg, scope: Scope) -> Expr:
        """Link the dotted path of a look-up: from a dimension in scope, `params`, `index` or `label`."""
        text = ".".join(path.parts)
        root = path.parts[0]
        if root not in self.dimension_names and root not in {"params", "index", "label"}:
            raise BadReference(
                f"`{text}` is not a way to choose: it starts at a dimension in scope, params, index or label",
                did_you_mean(root, [*self.dimension_names, "params", "index", "label"])
                or "a label is written in single quotes",
            )
        inner = Ref(text, root, tuple(FieldStep(p) for p in path.parts[1:]), 0, 0)
        expr = self.link(inner, scope)
        kind = expr.type.item if expr.type.name == "list" and expr.type.item is not None else expr.type
        if kind.name not in {"text", "integer", "any", "json"}:
            raise BadReference(f"`{text}` is {expr.type}: a label is text, a position an integer", "")
        return expr

    # -- steps --------------------------------------------------------------------------------------------------

    def _steps(self, steps: tuple[Any, ...], start: Type, scope: Scope) -> tuple[tuple[Step, ...], Type]:
        """Link a path into a value of a type; return the steps and the type at their end."""
        linked: list[Step] = []
        stars = 0
        kind = start
        for step in steps:
            made, kind = self._step(step, kind, scope)
            if isinstance(made, StarStep):
                stars += 1
            linked.append(made)
        for _ in range(stars):
            kind = list_of(kind)
        return tuple(linked), kind

    def _step(self, step: FieldStep | Bracket, kind: Type, scope: Scope) -> tuple[Step, Type]:
        if isinstance(step, FieldStep):
            return member(step.name, kind)
        if len(step.args) != 1 or step.args[0].name is not None:
            raise BadReference("brackets inside a value take one position, key, `*` or path", "")
        value = step.args[0].value
        if isinstance(value, str):
            return member(value, kind)
        if kind.name == "list" and kind.item is not None:
            inner = kind.item
        elif kind.name in {"any", "json"}:
            inner = ANY
        elif kind.name == "record" and isinstance(value, PathArg):
            inner = ANY
        else:
            raise BadReference(f"{kind} is not a list: no brackets go into it", "")
        if value is None:
            return StarStep(), inner
        if isinstance(value, int):
            return IndexStep(value), inner
        return KeyStep(self._path(value, scope)), inner


def _listed(kind: Type, picks: tuple[Pick, ...]) -> Type:
    """Return the type of what is chosen, a list for each dimension of which several are."""
    for pick in reversed(picks):
        if is_several(pick):
            kind = list_of(kind)
    return kind


def _in_brackets(dimension: str, node: str) -> str:
    """Return how a dimension of a node is named in its brackets."""
    return TAKE if dimension == f"{node}.{TAKE}" else dimension
