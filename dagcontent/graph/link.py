"""A Pipeline into a linked Graph, or into all its mistakes. Knows no prices, no store, no content of files.

Order of work: parameters, faces of nodes (kind, dimensions, output type), dimensions (which may name nodes and
each other), nodes. A graph that stands for a node is a space of names of its own; its nodes are linked among all others,
with the dimensions of that node before their own.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import date

import msgspec

from dagcontent.graph.alternatives import check_alternatives
from dagcontent.graph.check import check_node
from dagcontent.graph.chosen import type_passed_on
from dagcontent.graph.cycle import topological_order
from dagcontent.graph.decided import check_choices
from dagcontent.graph.expressions import Expressions
from dagcontent.graph.inline import (
    all_of,
    conditions_of,
    outputs_of_when,
    placed,
    read_beside,
    value_node,
    wholes_in,
)
from dagcontent.graph.judging import check_selections, with_verdicts
from dagcontent.graph.model import Condition, Dimension, Expr, Graph, Literal, MemberStep, Node, Output, outputs_in
from dagcontent.graph.references import ReferenceCompiler, Scope
from dagcontent.graph.roots import without_held_back
from dagcontent.graph.space import NodeFace, Space
from dagcontent.graph.steps import BadReference, did_you_mean
from dagcontent.graph.takes import TAKE, take_dimensions
from dagcontent.graph.typing import fits
from dagcontent.kinds.registry import kind_of
from dagcontent.kinds.schema import schema_at
from dagcontent.spec.composition import told
from dagcontent.spec.model import DimensionSpec, NodeSpec, ParamSpec, Pipeline, Place, Ref, Template
from dagcontent.spec.params import declared_type
from dagcontent.values.mistake import Mistake
from dagcontent.values.types import ANY, Type, list_of

__all__ = ["Linked", "link"]


class Linked(msgspec.Struct, frozen=True):
    """A graph, or None where a cycle forbids one; and every mistake found."""

    graph: Graph | None
    mistakes: tuple[Mistake, ...]


def link(pipeline: Pipeline, broken: Collection[str] = (), today: date | None = None) -> Linked:
    """Link a pipeline. `broken` names what the loader could not read: a reference to it is no second mistake.

    `today` decides which models have ended; without it, the day their catalog was written.
    """
    return _Linker(pipeline, frozenset(broken), today).run()


class _Linker:
    def __init__(self, pipeline: Pipeline, broken: frozenset[str], today: date | None) -> None:
        self.pipeline = pipeline
        self.broken = broken
        self.today = today
        self.mistakes: list[Mistake] = []
        self.root = Space(pipeline)
        self.spaces = list(self.root.walk())
        self.specs: dict[str, DimensionSpec] = {}
        self.homes: dict[str, Space] = {}
        for space in self.spaces:
            own = space.pipeline.dimensions | take_dimensions(space.pipeline)
            self.specs |= {space.prefix + name: spec for name, spec in own.items()}
            self.homes |= {space.prefix + name: space for name in own}
            self._open(space, own)
        self.dimension_index = {name: i for i, name in enumerate(self.specs)}
        self.linked_dims: dict[str, Dimension] = {}
        self.linking: list[str] = []
        self.written = list(self.root.nodes())
        self.values: dict[str, tuple[int, Space, str, Expr, Place]] = {}
        self.whole: dict[int, str] = {}
        self._names = list(self.specs)

    def _open(self, space: Space, dimensions: Collection[str]) -> None:
        """Give a space what links its references and its values."""

        def dimension(name: str) -> Dimension:
            return self._dimension(space.prefix + name)

        space.references = ReferenceCompiler(space, space.faces, dimensions, dimension, self._dimension_by_index)
        space.expressions = Expressions(space.references, self.broken, self.mistakes)
        space.hide, space.given = self._hide, self._given

    def run(self) -> Linked:
        for spec in self.pipeline.params.values():
            place = spec.place or Place(0, ("params", spec.name))
            self.root.params[spec.name] = self.root.expressions.value(spec.value, place, Scope())
        for space in self.spaces[1:]:
            self._go_over(space)
        for index, (space, node) in enumerate(self.written):
            kind = kind_of(node.kind)
            dims = (*space.outer, *(self.dimension_index[d] for d in self._known_dims(node, space)))
            space.faces[node.name] = NodeFace(index, node.name, kind, dims, kind.output_type(node.params))
        for settle in [type_passed_on(s.pipeline.nodes, s.faces, s.references) for s in self.spaces]:
            settle()
        dimensions = [self._dimension(name) for name in self._names]
        for space in self.spaces[1:]:
            self._inherit(space)
        for space in self.spaces:
            for name in space.pipeline.exports:
                with suppress(BadReference):  # as above
                    space.export(name, Ref(name, name, (), 0, 0))
        nodes = with_verdicts([self._node(spec, space) for space, spec in self.written])
        nodes += [value_node(*value) for value in self.values.values()]
        pipeline = self._whole(nodes)
        # What a selection refers to is linked for whom it asks as well, and what a node refers to for each model of its list.
        self.mistakes[:] = dict.fromkeys(self.mistakes)
        for space in self.spaces:
            types = {name: face.type for name, face in space.faces.items()}
            self.mistakes.extend(check_selections(space.written, types))
        self.mistakes.extend(check_choices(pipeline))
        order, cycles = topological_order(pipeline, nodes, dimensions)
        self.mistakes.extend(cycles)
        if not cycles:
            for linked in nodes:
                self.mistakes.extend(check_node(linked, nodes, dimensions, self.today))
                self.mistakes.extend(check_alternatives(linked))
        graph = None if cycles else without_held_back(Graph(pipeline, nodes, dimensions, order), self.whole)
        mistakes = self.mistakes
        if pipeline.composed:  # a graph that stands for two nodes is linked twice
            mistakes = list(dict.fromkeys(told(mistake, pipeline.composed) for mistake in mistakes))
        return Linked(graph, tuple(mistakes))

    # -- graphs that stand for nodes ----------------------------------------------------------------------------

    def _go_over(self, space: Space) -> None:
        """Give a graph the dimensions of the node that it stands for."""
        assert space.parent is not None and space.node is not None  # noqa: PT018 - told to the type checker
        own = tuple(self.dimension_index[d] for d in self._known_dims(space.node, space.parent))
        space.outer = (*space.parent.outer, *own)
        space.levels = (*space.parent.levels, len(own))

    def _inherit(self, space: Space) -> None:
        """Give a graph the conditions of the node that it stands for, and link what is given to it and what it exports."""
        assert space.parent is not None and space.node is not None  # noqa: PT018 - as above
        self._check_outer(space.node, space.outer, space.parent)
        scope = Scope(space.outer)
        when = self._condition(space.node, scope, space.parent)
        space.conditions = (*space.parent.conditions, *(() if when is None else (when,)))
        space.ordering = (*space.parent.ordering, *self._needs(space.node, scope, space.parent))
        for spec in space.pipeline.params.values():
            with suppress(BadReference):  # said where it is used
                space.param(spec.name)

    def _given(self, space: Space, spec: ParamSpec) -> Expr:
        """Return what a parameter of a graph is: what its node gives, in the names of outside, or else its default."""
        place = spec.place or Place(0, ("params", spec.name))
        if spec.kind != "given" or space.parent is None:
            alone = ReferenceCompiler(space, {}, (), self._dimension, self._dimension_by_index)
            return Expressions(alone, self.broken, self.mistakes).value(spec.value, place, Scope())
        expr = space.parent.expressions.value(spec.value, place, Scope(space.outer))
        wanted = declared_type(spec.type) if spec.type is not None else None
        if wanted is not None and not fits(expr.type, wanted):
            name = os.path.basename(space.pipeline.files[0])
            self._mistake(f"`{spec.name}` of {name} takes {wanted}, and this is {expr.type}", place, "")
            return Literal(None, ANY, place)
        return expr

    def _hide(self, space: Space, name: str, expr: Expr, place: Place) -> int:
        """Return the index of the node of a value, made once."""
        full = space.prefix + name
        if full not in self.values:
            self.values[full] = (len(self.written) + len(self.values), space, name, expr, place)
        return self.values[full][0]

    def _whole(self, nodes: Sequence[Node]) -> Pipeline:
        """Return the pipeline with the nodes and dimensions of all graphs in it."""
        if len(self.spaces) == 1:
            return self.root.pipeline
        specs = {node.name: node.spec for node in nodes[: len(self.written)]}
        return msgspec.structs.replace(self.root.pipeline, nodes=specs, dimensions=self.specs)

    # -- dimensions ---------------------------------------------------------------------------------------------

    def _known_dims(self, node: NodeSpec, space: Space) -> list[str]:
        """Return the dimensions that a node names, by the names that they have among all."""
        known: list[str] = []
        local = space.references.dimension_names
        for position, name in enumerate(node.each):
            of_node, dot, _ = name.partition(".")
            if of_node in self.broken and name not in local:
                continue
            if name not in local or name == f"{node.name}.{TAKE}":
                caret = did_you_mean(name, local) or "declare it under [each]"
                if dot and of_node in space.pipeline.nodes:
                    caret = (
                        "its own takes need no word in `each`"
                        if of_node == node.name
                        else f"write takes = N in [node.{of_node}]"
                    )
                self._mistake(f"no dimension `{name}` to go over", node.place_of("each"), caret, sub=(position,))
            elif name in known:
                self._mistake(f"the dimension `{name}` is named twice", node.place_of("each"), "", sub=(position,))
            else:
                known.append(name)
        own = [f"{node.name}.{TAKE}"] if node.takes is not None else []
        return [space.prefix + name for name in (*known, *own)]

    def _dimension_by_index(self, index: int) -> Dimension:
        return self._dimension(self._names[index])

    def _dimension(self, name: str) -> Dimension:
        known = self.linked_dims.get(name)
        if known is not None:
            return known
        spec, space = self.specs[name], self.homes[name]
        index = self.dimension_index[name]
        place = Place(spec.place.file, (*spec.place.path, "of")) if isinstance(spec.of, Template) else spec.place
        if name in self.linking:
            path = " -> ".join([space.local(n) for n in (*self.linking[self.linking.index(name) :], name)])
            self._mistake(f"dimensions that need each other: {path}", place, "")
            return Dimension(index, name, Literal([], list_of(ANY)), (), ANY, spec)
        self.linking.append(name)
        scope = Scope(open_=True)
        of = space.expressions.value(spec.of, self._of_place(spec), scope)
        self.linking.pop()
        element = self._element_type(of, spec, place)
        outer = self._all_outer(scope.dims)
        if space.prefix:
            spec = msgspec.structs.replace(spec, name=name)
        made = Dimension(index, name, of, outer, element, self._bounded(spec, of))
        self.linked_dims[name] = made
        return made

    def _bounded(self, spec: DimensionSpec, of: Expr) -> DimensionSpec:
        """Return a dimension with the longest list that the schema of its maker allows, where it says no `max` itself."""
        if spec.max is not None or not isinstance(of, Output) or of.node >= len(self.written):
            return spec
        path = [step.name if isinstance(step, MemberStep) else "*" for step in of.steps]
        maker = self.written[of.node][1]
        most = (schema_at(maker.params, path) or {}).get("maxItems")
        allowed = isinstance(most, int) and not isinstance(most, bool)
        return msgspec.structs.replace(spec, max=most) if allowed else spec

    @staticmethod
    def _of_place(spec: DimensionSpec) -> Place:
        # The short form [each] NAME = LIST has no `of` key of its own; the loader's place then leads to the list.
        path = spec.place.path
        return spec.place if len(path) > 1 and path[-1] == "of" else Place(spec.place.file, (*path, "of"))

    def _all_outer(self, dims: list[int]) -> tuple[int, ...]:
        """Return the dimensions a list differs over, outermost first, with those of their own lists before them."""
        found: dict[int, None] = {}
        for dim in dims:
            for outer in self._dimension(self._names[dim]).outer:
                found[outer] = None
            found[dim] = None
        return tuple(found)

    def _element_type(self, of: Expr, spec: DimensionSpec, place: Place) -> Type:
        if of.type.name == "list":
            return of.type.item or ANY
        if of.type.name not in {"any", "json"}:
            self._mistake(f"the dimension `{spec.name}` is made of a list, and this is {of.type}", place, "give a list")
        return ANY

    # -- nodes --------------------------------------------------------------------------------------------------

    def _node(self, spec: NodeSpec, space: Space) -> Node:
        face, expressions = space.faces[spec.name], space.expressions
        self._check_outer(spec, face.dims, space)
        scope = Scope(face.dims, node=spec.name)
        params = tuple(
            (name, expressions.value(value, spec.place_of(name), scope)) for name, value in spec.params.items()
        )
        params = read_beside(space, face.kind, params)
        fixed = Scope(d for d in face.dims if isinstance(self._dimension(self._names[d]).of, Literal))
        model = None if spec.model is None else expressions.value(spec.model, spec.place_of("model"), fixed)
        options = expressions.value(spec.options, spec.place_of("options"), scope) if spec.options else None
        seed = None if spec.seed is None else expressions.value(spec.seed, spec.place_of("seed"), scope)
        output = None if spec.output is None else expressions.value(spec.output, spec.place_of("output"), scope)
        output = placed(space, output)
        when = conditions_of(space, self._condition(spec, scope, space))
        keyed = [e for _, expr in params for e in outputs_in(expr)]
        for extra in (model, options, seed, output):
            keyed.extend(outputs_in(extra))
        everything = (*(expr for _, expr in params), model, options, seed, output)
        return Node(
            index=face.index,
            name=space.prefix + spec.name,
            kind=face.kind,
            spec=msgspec.structs.replace(spec, name=space.prefix + spec.name) if space.prefix else spec,
            dims=face.dims,
            params=params,
            model=model,
            options=options,
            seed=seed,
            when=when,
            ordering=(*space.ordering, *self._needs(spec, scope, space)),
            output=output,
            type=face.type,
            outputs=tuple(keyed),
            when_outputs=outputs_of_when(when),
            wholes=wholes_in(everything, face.dims) if self._names else (),
            levels=space.levels,
            models=space.models,
            model_lists=space.model_lists,
            fallbacks=tuple(self._fallback(one, tuple(keyed), space) for one in spec.fallbacks),
        )

    def _fallback(self, spec: NodeSpec, outputs: tuple[Output, ...], space: Space) -> Node:
        """Link a node as a further model of its list is asked."""
        node = self._node(spec, space)
        if any(one not in outputs for one in node.outputs):
            text = f"`{spec.model}` has an input of its own, which would be made though it may never be asked"
            self._mistake(
                text, spec.place_of("model"), "refer to params and elements here; to other nodes in the node itself"
            )
        return node

    def _check_outer(self, spec: NodeSpec, dims: tuple[int, ...], space: Space) -> None:
        for position, dim in enumerate(dims):
            linked = self._dimension(self._names[dim])
            missing = [space.local(self._names[o]) for o in linked.outer if o not in dims[:position]]
            if missing:
                name = space.local(linked.name)
                first = [*missing, name]
                self._mistake(
                    f"the lists of `{name}` differ by `{missing[0]}`, so a node over it is over `{missing[0]}` first",
                    spec.place_of("each"),
                    f"write each = {first}".replace("'", '"'),
                )

    def _condition(self, spec: NodeSpec, scope: Scope, space: Space) -> Condition | None:
        when = spec.when
        if when is None or when is True:
            return None
        place = spec.place_of("when")
        if not isinstance(when, dict):
            value = space.expressions.value(when, place, scope)
            if value.type.name not in {"boolean", "any", "json"}:
                self._mistake(
                    f"`when` is true or false, and this is {value.type}", place, "compare it: { value = ..., is = ... }"
                )
            return Condition(value, "true")
        test = next((t for t in ("is", "is_not", "in") if t in when), "true")
        value = space.expressions.value(when.get("value"), Place(place.file, (*place.path, "value")), scope)
        against = None
        if test != "true":
            against = space.expressions.value(when[test], Place(place.file, (*place.path, test)), scope)
        return Condition(value, test, against)

    def _needs(self, spec: NodeSpec, scope: Scope, space: Space) -> tuple[Output, ...]:
        found: list[Output] = []
        for position, ref in enumerate(spec.needs):
            place = spec.place_of("needs")
            bare = not ref.steps
            try:
                # `needs = "ok"` means all instances, even where a dimension is shared.
                within = Scope() if bare else scope
                if ref.root in space.graphs:
                    graph = space.graphs[ref.root]
                    every = all_of(graph, space.references.chosen(ref, graph.face, within)[0], ref)
                    self.whole |= {id(output): graph.prefix for output in every}
                    found.extend(every)
                    continue
                linked = space.references.link(ref, within)
            except BadReference as bad:
                if not space.expressions.is_broken(ref):
                    self._mistake(bad.message, place, bad.caret, sub=(position,))
                continue
            if isinstance(linked, Output):
                found.append(linked)
            else:
                self._mistake(f"`{ref.text}` is no node: only a node can be needed", place, "", sub=(position,))
        return tuple(found)

    def _mistake(self, message: str, place: Place, caret: str, *, sub: tuple[int, ...] = ()) -> None:
        self.mistakes.append(Mistake(message, place.file, (*place.path, *sub), "value", None, caret))
