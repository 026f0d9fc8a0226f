"""A Pipeline into a linked Graph, or into all its mistakes. Knows no prices, no store, no content of files.

Order of work: parameters, faces of nodes (kind, dimensions, output type), dimensions (which may name nodes and
each other), nodes. A string that cannot be linked is one mistake and becomes a literal of type ANY, so that the
rest is still checked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

import msgspec

from dagcontent.graph.alternatives import check_alternatives
from dagcontent.graph.check import check_node
from dagcontent.graph.chosen import type_passed_on
from dagcontent.graph.cycle import topological_order
from dagcontent.graph.decided import check_choices
from dagcontent.graph.judging import check_selections, with_asked, with_verdicts
from dagcontent.graph.model import (
    Condition,
    Dimension,
    Expr,
    FromFile,
    Graph,
    Join,
    Literal,
    MemberStep,
    Node,
    Output,
    Sequence,
    Table,
    Whole,
    exprs_in,
    outputs_in,
)
from dagcontent.graph.references import BadReference, NodeFace, ReferenceCompiler, Scope, did_you_mean
from dagcontent.graph.takes import TAKE, take_dimensions
from dagcontent.graph.typing import joinable, type_of_literal, united
from dagcontent.kinds.registry import kind_of
from dagcontent.kinds.schema import schema_at
from dagcontent.spec.model import (
    AssetPath,
    Bracket,
    DimensionSpec,
    FieldStep,
    FileText,
    NodeSpec,
    ParamSpec,
    PathArg,
    Pipeline,
    Place,
    Ref,
    Template,
)
from dagcontent.values.mistake import Mistake
from dagcontent.values.types import ANY, TEXT, Field, Type, list_of, record_of

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
        self.written = pipeline
        self.pipeline = with_asked(pipeline)
        self.broken = broken
        self.today = today
        self.mistakes: list[Mistake] = []
        self.params: dict[str, Expr] = {}
        self.specs = pipeline.dimensions | take_dimensions(self.pipeline)
        self.dimension_index = {name: i for i, name in enumerate(self.specs)}
        self.linked_dims: dict[str, Dimension] = {}
        self.linking: list[str] = []
        self.faces: dict[str, NodeFace] = {}
        self.references = ReferenceCompiler(
            self.params, self.faces, self.dimension_index, self._dimension, self._dimension_by_index
        )
        self._names = list(self.specs)

    def run(self) -> Linked:
        for spec in self.pipeline.params.values():
            self._param(spec)
        for index, node in enumerate(self.pipeline.nodes.values()):
            kind = kind_of(node.kind)
            dims = tuple(self.dimension_index[d] for d in self._known_dims(node))
            self.faces[node.name] = NodeFace(index, node.name, kind, dims, kind.output_type(node.params))
        type_passed_on(self.pipeline.nodes, self.faces, self.references)
        dimensions = [self._dimension(name) for name in self._names]
        nodes = with_verdicts([self._node(spec) for spec in self.pipeline.nodes.values()])
        self.mistakes = list(
            dict.fromkeys(self.mistakes)
        )  # a selection's references are linked for whom it asks as well
        self.mistakes.extend(check_selections(self.written, nodes))
        self.mistakes.extend(check_choices(self.pipeline))
        order, cycles = topological_order(self.pipeline, nodes, dimensions)
        self.mistakes.extend(cycles)
        if not cycles:
            for linked in nodes:
                self.mistakes.extend(check_node(linked, nodes, dimensions, self.pipeline.models, self.today))
                self.mistakes.extend(check_alternatives(linked))
        graph = None if cycles else Graph(self.pipeline, nodes, dimensions, order)
        return Linked(graph, tuple(self.mistakes))

    # -- params and dimensions ----------------------------------------------------------------------------------

    def _param(self, spec: ParamSpec) -> None:
        place = spec.place or Place(0, ("params", spec.name))
        expr = self._value(spec.value, place, Scope())
        self.params[spec.name] = expr

    def _known_dims(self, node: NodeSpec) -> list[str]:
        known: list[str] = []
        for position, name in enumerate(node.each):
            of_node, dot, _ = name.partition(".")
            if of_node in self.broken and name not in self.dimension_index:
                continue
            if name not in self.dimension_index or name == f"{node.name}.{TAKE}":
                caret = did_you_mean(name, self.dimension_index) or "declare it under [each]"
                if dot and of_node in self.pipeline.nodes:
                    caret = (
                        "its own takes need no word in `each`"
                        if of_node == node.name
                        else f"write takes = N in [node.{of_node}]"
                    )
                self._mistake(f"no dimension `{name}` to go over", self._place(node, "each"), caret, sub=(position,))
            elif name in known:
                self._mistake(f"the dimension `{name}` is named twice", self._place(node, "each"), "", sub=(position,))
            else:
                known.append(name)
        return [*known, f"{node.name}.{TAKE}"] if node.takes is not None else known

    def _dimension_by_index(self, index: int) -> Dimension:
        return self._dimension(self._names[index])

    def _dimension(self, name: str) -> Dimension:
        known = self.linked_dims.get(name)
        if known is not None:
            return known
        spec = self.specs[name]
        index = self.dimension_index[name]
        place = Place(spec.place.file, (*spec.place.path, "of")) if isinstance(spec.of, Template) else spec.place
        if name in self.linking:
            path = " -> ".join([*self.linking[self.linking.index(name) :], name])
            self._mistake(f"dimensions that need each other: {path}", place, "")
            return Dimension(index, name, Literal([], list_of(ANY)), (), ANY, spec)
        self.linking.append(name)
        scope = Scope(open_=True)
        of = self._value(spec.of, self._of_place(spec), scope)
        self.linking.pop()
        element = self._element_type(of, spec, place)
        outer = self._all_outer(scope.dims)
        made = Dimension(index, name, of, outer, element, self._bounded(spec, of))
        self.linked_dims[name] = made
        return made

    def _bounded(self, spec: DimensionSpec, of: Expr) -> DimensionSpec:
        """Return a dimension with the longest list that the schema of its maker allows, where it says no `max` itself."""
        if spec.max is not None or not isinstance(of, Output):
            return spec
        path = [step.name if isinstance(step, MemberStep) else "*" for step in of.steps]
        maker = list(self.pipeline.nodes.values())[of.node]
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

    def _node(self, spec: NodeSpec) -> Node:
        face = self.faces[spec.name]
        self._check_outer(spec, face)
        scope = Scope(face.dims, node=spec.name)
        params = tuple(
            (name, self._value(value, self._place(spec, name), scope)) for name, value in spec.params.items()
        )
        fixed = Scope(d for d in face.dims if isinstance(self._dimension(self._names[d]).of, Literal))
        model = None if spec.model is None else self._value(spec.model, self._place(spec, "model"), fixed)
        options = self._value(spec.options, self._place(spec, "options"), scope) if spec.options else None
        seed = None if spec.seed is None else self._value(spec.seed, self._place(spec, "seed"), scope)
        output = None if spec.output is None else self._value(spec.output, self._place(spec, "output"), scope)
        when = self._condition(spec, scope)
        keyed = [e for _, expr in params for e in outputs_in(expr)]
        for extra in (model, options, seed, output):
            keyed.extend(outputs_in(extra))
        everything = (*(expr for _, expr in params), model, options, seed, output)
        return Node(
            index=face.index,
            name=spec.name,
            kind=face.kind,
            spec=spec,
            dims=face.dims,
            params=params,
            model=model,
            options=options,
            seed=seed,
            when=when,
            ordering=self._needs(spec, scope),
            output=output,
            type=face.type,
            outputs=tuple(keyed),
            when_outputs=() if when is None else (*outputs_in(when.value), *outputs_in(when.against)),
            wholes=self._wholes(everything, face.dims),
        )

    def _wholes(self, exprs: Iterable[Expr | None], dims: tuple[int, ...]) -> tuple[int, ...]:
        if not self._names:
            return ()
        found = {
            part.dim
            for expr in exprs
            if expr is not None and not isinstance(expr, Literal)
            for part in exprs_in(expr)
            if isinstance(part, Whole) and part.dim not in dims
        }
        return tuple(sorted(found))

    def _check_outer(self, spec: NodeSpec, face: NodeFace) -> None:
        for position, dim in enumerate(face.dims):
            linked = self._dimension(self._names[dim])
            missing = [self._names[o] for o in linked.outer if o not in face.dims[:position]]
            if missing:
                first = [*missing, linked.name]
                self._mistake(
                    f"the lists of `{linked.name}` differ by `{missing[0]}`, so a node over it is over `{missing[0]}` first",
                    self._place(spec, "each"),
                    f"write each = {first}".replace("'", '"'),
                )

    def _condition(self, spec: NodeSpec, scope: Scope) -> Condition | None:
        when = spec.when
        if when is None or when is True:
            return None
        place = self._place(spec, "when")
        if not isinstance(when, dict):
            value = self._value(when, place, scope)
            if value.type.name not in {"boolean", "any", "json"}:
                self._mistake(
                    f"`when` is true or false, and this is {value.type}", place, "compare it: { value = ..., is = ... }"
                )
            return Condition(value, "true")
        test = next((t for t in ("is", "is_not", "in") if t in when), "true")
        value = self._value(when.get("value"), Place(place.file, (*place.path, "value")), scope)
        against = None
        if test != "true":
            against = self._value(when[test], Place(place.file, (*place.path, test)), scope)
        return Condition(value, test, against)

    def _needs(self, spec: NodeSpec, scope: Scope) -> tuple[Output, ...]:
        found: list[Output] = []
        for position, ref in enumerate(spec.needs):
            place = self._place(spec, "needs")
            bare = not ref.steps
            try:
                # `needs = "ok"` means all instances, even where a dimension is shared.
                linked = self.references.link(ref, Scope() if bare else scope)
            except BadReference as bad:
                if not self._is_broken(ref):
                    self._mistake(bad.message, place, bad.caret, sub=(position,))
                continue
            if isinstance(linked, Output):
                found.append(linked)
            else:
                self._mistake(f"`{ref.text}` is no node: only a node can be needed", place, "", sub=(position,))
        return tuple(found)

    # -- values -------------------------------------------------------------------------------------------------

    def _value(self, value: Any, place: Place, scope: Scope) -> Expr:
        """Return the expression of a TOML value: a literal, unless there is a reference or a file in it."""
        if isinstance(value, str):
            return Literal(value, TEXT, place)
        if isinstance(value, Template):
            return self._template(value, place, scope)
        if isinstance(value, FileText):
            template = None if value.template is None else self._value(value.template, place, scope)
            return FromFile(value.path, TEXT, template)
        if isinstance(value, AssetPath):
            return FromFile(value.path, Type(value.type))
        if isinstance(value, list):
            items = [self._value(item, _below(place, i), scope) for i, item in enumerate(value)]
            if all(isinstance(item, Literal) for item in items):
                # Not `value`: an item may be a reference to a parameter, which is a literal by now.
                known = [item.value for item in items if isinstance(item, Literal)]
                return Literal(known, type_of_literal(known), place)
            return Sequence(tuple(items), list_of(united([item.type for item in items])))
        if isinstance(value, dict):
            fields = {k: self._value(v, _below(place, k), scope) for k, v in value.items()}
            if all(isinstance(item, Literal) for item in fields.values()):
                table = {key: item.value for key, item in fields.items() if isinstance(item, Literal)}
                return Literal(table, type_of_literal(table), place)
            return Table(tuple(fields.items()), record_of(*(Field(k, e.type) for k, e in fields.items())))
        return Literal(value, type_of_literal(value), place)

    def _template(self, template: Template, place: Place, scope: Scope) -> Expr:
        whole = template.whole
        if whole is not None:
            return self._reference(whole, place, scope)
        parts: list[str | Expr] = []
        for part in template.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            expr = self._reference(part, place, scope)
            if not joinable(expr.type):
                self._mistake(
                    f"`{part.text}` is {expr.type}: media cannot be joined into text",
                    place,
                    "",
                    within=(part.start, part.end),
                )
            parts.append(expr)
        return Join(tuple(parts), TEXT)

    def _reference(self, ref: Ref, place: Place, scope: Scope) -> Expr:
        try:
            return self.references.link(ref, scope)
        except BadReference as bad:
            if not self._is_broken(ref):
                self._mistake(bad.message, place, bad.caret, within=(ref.start, ref.end), note=bad.note)
            return Literal(None, ANY, place)

    def _is_broken(self, ref: Ref) -> bool:
        names = {ref.root, *(s.name for s in ref.steps[:1] if isinstance(s, FieldStep))}
        for step in ref.steps:
            if isinstance(step, Bracket):
                names.update(a.value.parts[0] for a in step.args if isinstance(a.value, PathArg))
        return not self.broken.isdisjoint(names)

    @staticmethod
    def _place(spec: NodeSpec, key: str) -> Place:
        known = spec.origin.get(key)
        return known if known is not None else Place(spec.place.file, (*spec.place.path, key))

    def _mistake(
        self,
        message: str,
        place: Place,
        caret: str,
        *,
        within: tuple[int, int] | None = None,
        note: str = "",
        sub: tuple[int, ...] = (),
    ) -> None:
        self.mistakes.append(Mistake(message, place.file, (*place.path, *sub), "value", within, caret, note))


def _below(place: Place, key: str | int) -> Place:
    return Place(place.file, (*place.path, key))
