"""Dimensions into lists, nodes into units, references into the units they choose. Knows no keys and no records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from dagcontent.errors import NodeError
from dagcontent.graph.model import AllOf, AtLabel, AtPosition, Graph, LookUp, Node, Output, Pick, SameAs
from dagcontent.plan.unit import Closed, DimensionList, Status, Unit, instance_name
from dagcontent.spec.model import DimensionSpec
from dagcontent.values.value import ABSENT, UNKNOWN, Mark, Value

__all__ = ["MOST_INSTANCES", "Chosen", "Fanout", "Scope", "leaves", "list_of_value"]

MOST_INSTANCES = 1_000_000
"""Bound on the instances of one node: beyond it a product of dimensions is taken for a slip of the pen."""

Scope: TypeAlias = Mapping[int, "int | None"]
"""Dimension -> this instance's position."""

Chosen: TypeAlias = "Unit | Mark | list[Chosen]"


class Fanout:
    """All lists and units of one resolution. Lists are given once, by `close` or `give`."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.lists: dict[tuple[int, tuple[int | None, ...]], DimensionList | Closed] = {}
        self.single: list[Unit | None] = [None] * len(graph.nodes)
        self.many: list[dict[tuple[int | None, ...], Unit] | None] = [None] * len(graph.nodes)
        self._of_takes = [dim.of_takes for dim in graph.dimensions]
        self._outer_at: dict[tuple[int, int], tuple[int, ...]] = {}

    # -- lists --------------------------------------------------------------------------------------------------

    def list_at(self, dim: int, scope: Scope) -> DimensionList | Closed:
        """Return a dimension's list where the instance stands; Closed too where an outer list is."""
        outer = self.graph.dimensions[dim].outer
        coords = tuple(scope.get(o) for o in outer)
        if None in coords:
            return Closed(Status.MAYBE, None)
        return self.lists[dim, coords]

    def outer_coords(self, dim: int) -> Iterator[tuple[int, ...]]:
        """Yield every place at which a dimension has a list of its own; places under a closed list have none."""
        outer = self.graph.dimensions[dim].outer

        def walk(position: int, scope: dict[int, int | None]) -> Iterator[tuple[int, ...]]:
            if position == len(outer):
                yield tuple(scope[o] or 0 for o in outer)
                return
            listed = self.list_at(outer[position], scope)
            if isinstance(listed, Closed):
                return
            for i in range(len(listed.elements)):
                yield from walk(position + 1, {**scope, outer[position]: i})

        return walk(0, {})

    # -- units --------------------------------------------------------------------------------------------------

    def expand(self, node: Node) -> list[Unit]:
        """Make the units of a node, in order; one with a None coordinate stands for each list that is closed."""
        if not node.dims:
            unit = Unit(node.index, ())
            self.single[node.index] = unit
            return [unit]
        made: dict[tuple[int | None, ...], Unit] = {}
        for coords in self._coords(node):
            made[coords] = Unit(node.index, coords)
            if len(made) > MOST_INSTANCES:
                raise NodeError(
                    f"`{node.name}` would have more than {MOST_INSTANCES:,} instances",
                    hint="cross fewer dimensions, or shorten their lists",
                )
        self.many[node.index] = made
        return list(made.values())

    def _coords(self, node: Node) -> Iterator[tuple[int | None, ...]]:
        def walk(position: int, scope: dict[int, int | None]) -> Iterator[tuple[int | None, ...]]:
            if position == len(node.dims):
                yield tuple(scope[d] for d in node.dims)
                return
            dim = node.dims[position]
            listed = self.list_at(dim, scope)
            if isinstance(listed, Closed):
                rest = dict.fromkeys(node.dims[position:])
                yield tuple({**scope, **rest}[d] for d in node.dims)
                return
            for i in range(len(listed.elements)):
                yield from walk(position + 1, {**scope, dim: i})

        return walk(0, {})

    def units_of(self, node: int) -> list[Unit]:
        """Return every unit of a node, in order; nothing before it is expanded."""
        single = self.single[node]
        if single is not None:
            return [single]
        return list((self.many[node] or {}).values())

    def all_units(self) -> Iterator[Unit]:
        """Yield every unit there is, nodes in topological order."""
        for index in self.graph.order:
            yield from self.units_of(index)

    def scope_of(self, unit: Unit) -> Scope:
        """Return the unit's positions by dimension."""
        return dict(zip(self.graph.nodes[unit.node].dims, unit.coords, strict=True))

    def closed_over(self, unit: Unit) -> Closed | None:
        """Return why the list that a unit with a None coordinate stands for is closed."""
        scope: dict[int, int | None] = {}
        for dim, position in zip(self.graph.nodes[unit.node].dims, unit.coords, strict=True):
            listed = self.list_at(dim, scope)
            if isinstance(listed, Closed):
                return listed
            scope[dim] = position
        return None

    def node_of(self, unit: Unit) -> Node:
        """Return a unit's node as the model that the unit asks, or was served by, is asked."""
        return self.graph.nodes[unit.node].asked(unit.at)

    # -- names --------------------------------------------------------------------------------------------------

    def name(self, unit: Unit) -> str:
        """Return the instance's name: `still[intro]`, `still[*]` where the list is not known."""
        node = self.graph.nodes[unit.node]
        return instance_name(node.name, self.labels(unit), node.levels)

    def labels(self, unit: Unit) -> list[str]:
        """Return the unit's labels, `take=K` for a take, `*` where a list is not known."""
        found: list[str] = []
        scope: dict[int, int | None] = {}
        for dim, position in zip(self.graph.nodes[unit.node].dims, unit.coords, strict=True):
            listed = self.list_at(dim, scope)
            scope[dim] = position
            if position is None or isinstance(listed, Closed):
                found.append("*")
            else:
                found.append(f"take={position}" if self._of_takes[dim] else listed.labels[position])
        return found

    # -- choosing -----------------------------------------------------------------------------------------------

    def choose(self, output: Output, scope: Scope, value_of: Callable[[Any], Value]) -> Chosen:
        """Return the unit a reference chooses, or nested lists of them; ABSENT for an element before the first.

        `value_of` evaluates the expression of a look-up. Raises NodeError where a look-up misses.
        """
        single = self.single[output.node]
        if single is not None:
            return single
        node = self.graph.nodes[output.node]
        return self._choose(node, output, 0, {}, scope, value_of)

    def _choose(
        self, node: Node, output: Output, position: int, reached: dict[int, int | None], scope: Scope,
        value_of: Callable[[Any], Value],
    ) -> Chosen:  # fmt: skip
        units = self.many[node.index]
        assert units is not None
        if position == len(node.dims):
            return units[tuple(reached[d] for d in node.dims)]
        dim = node.dims[position]
        listed = self.list_at(dim, reached)
        if isinstance(listed, Closed):
            rest = dict.fromkeys(node.dims[position:])
            return units[tuple({**reached, **rest}[d] for d in node.dims)]
        pick = output.picks[position]
        found = self._positions(pick, listed, scope, value_of, node)
        if isinstance(found, list):
            return [self._choose(node, output, position + 1, {**reached, dim: i}, scope, value_of) for i in found]
        if isinstance(found, Mark):
            return found
        return self._choose(node, output, position + 1, {**reached, dim: found}, scope, value_of)

    def _positions(
        self, pick: Pick, listed: DimensionList, scope: Scope, value_of: Callable[[Any], Value], node: Node
    ) -> int | list[int] | Mark:
        count = len(listed.elements)
        if isinstance(pick, SameAs):
            here = scope.get(pick.dim)
            if here is None:
                return UNKNOWN
            there = here + pick.offset
            return there if 0 <= there < count else ABSENT
        if isinstance(pick, AllOf):
            return list(range(count))
        if isinstance(pick, AtPosition):
            return _position(pick.position, listed, node)
        if isinstance(pick, AtLabel):
            return _position(pick.label, listed, node)
        assert isinstance(pick, LookUp)
        by = value_of(pick.by)
        if isinstance(by, Mark):
            return by
        if isinstance(by, list):
            return [_position(item, listed, node) for item in by if item is not ABSENT]
        return _position(by, listed, node)


def _position(by: Value, listed: DimensionList, node: Node) -> int:
    if isinstance(by, str):
        found = listed.positions.get(by)
        if found is not None:
            return found
    elif isinstance(by, int) and not isinstance(by, bool) and 0 <= by < len(listed.elements):
        return by
    shown = ", ".join(listed.labels[:12]) + (", ..." if len(listed.labels) > 12 else "")
    raise NodeError(f"`{node.name}` has no instance {by!r:.60}", facts=[("there is", shown or "nothing: its list is empty")],
                    hint="a look-up takes a label as text or a position as an integer")  # fmt: skip


def leaves(chosen: Chosen) -> Iterator[Unit]:
    """Yield every unit that a reference chooses, in order."""
    if isinstance(chosen, Unit):
        yield chosen
    elif isinstance(chosen, list):
        for item in chosen:
            yield from leaves(item)


def list_of_value(spec: DimensionSpec, value: Value) -> DimensionList | Closed:
    """Return the list a dimension is made of. Raises NodeError for another type, or one longer than its `max`."""
    if value is UNKNOWN:
        return Closed(Status.MAYBE, None)
    if not isinstance(value, list):
        raise NodeError(f"the dimension `{spec.name}` is made of a list, and this is none", hint="correct its `of`")
    if spec.max is not None and len(value) > spec.max:
        if spec.over != "cut":
            raise NodeError(
                f"the list of `{spec.name}` has {len(value)} elements, and its `max` is {spec.max}",
                hint='raise `max`, or write over = "cut" to take the first ones',
            )
        value = value[: spec.max]
    return DimensionList(value, spec.id)
