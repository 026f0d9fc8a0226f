"""Lazy units that are settled into which alternative served, what was passed over for it, and what is not needed then.

Knows no store. What is passed over failed, or was blocked by what did, and nothing but fallbacks that were served asked for it:
a failure that nobody feels. What is not needed was not asked for: it stands behind the alternative that served.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from dagcontent.errors import NodeError
from dagcontent.graph.model import Expr, Node, Output, outputs_in
from dagcontent.graph.roots import root_nodes
from dagcontent.plan.evaluate import Missing
from dagcontent.plan.fanout import leaves
from dagcontent.plan.model import Served
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import State, Status, Unit

__all__ = ["Serving"]

_BAD = frozenset({Status.FAILED, Status.BLOCKED})


class Serving:
    """Who serves the lazy units of a resolution. To be asked when all is settled."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._fanout = resolver.fanout
        self.served: list[Served] = []
        self.unneeded: set[Unit] = set()
        self.passed: set[Unit] = set()
        graph = resolver.graph
        lazy = [node for node in graph.nodes if node.kind.lazy]
        self.any = bool(lazy)
        self._lazy = [(node, unit) for node in lazy for unit in self._fanout.units_of(node.index)]
        if not lazy:
            return
        roots = frozenset(root_nodes(graph, within=resolver.needed))
        self._inner = frozenset(node.index for node in graph.nodes) - roots
        for node, unit in self._lazy:
            if unit.status is Status.VALUE:
                self._look_at(node, unit)

    def spares(self, asked: Collection[Unit]) -> dict[Unit, str]:
        """Return the units that are begun only if an alternative comes to nothing, each with that one's name. `asked` are those that
        are asked for if none does.
        """
        found: dict[Unit, str] = {}
        for node, unit in self._lazy:
            if unit.status is not Status.MAYBE or None in unit.coords:
                continue
            before = ""
            try:
                for expr in self._resolver.alternatives.of(node, self._fanout.scope_of(unit)):
                    above = list(self._units(expr, unit))
                    spare: set[Unit] = set()
                    self._walk(above, spare, lambda one: one.settled and one not in asked and one not in found)
                    found.update(dict.fromkeys(spare, before))
                    before = self._fanout.name(above[0]) if len(above) == 1 else self._fanout.name(unit)
            except (NodeError, Missing):
                continue  # the unit says so itself
        return found

    def _look_at(self, node: Node, unit: Unit) -> None:
        scope, alternatives = self._fanout.scope_of(unit), self._resolver.alternatives
        found = False
        try:
            for position, expr in enumerate(alternatives.of(node, scope)):
                above = list(self._units(expr, unit))
                if found:
                    self._walk(above, self.unneeded, lambda one: one.state is State.NEW)
                elif alternatives.came_to_nothing(expr, scope):
                    self._walk(above, self.passed, self._is_passed)
                else:
                    found = True
                    by = self._fanout.name(above[0]) if len(above) == 1 else ""
                    self.served.append(Served(self._fanout.name(unit), by, position))
        except (NodeError, Missing):
            return  # a look-up that misses, in an alternative that nobody needs

    def _is_passed(self, unit: Unit) -> bool:
        return unit.status in _BAD and unit.node in self._inner and not self._resolver.is_root(unit)

    def _walk(self, units: Iterable[Unit], into: set[Unit], belongs: Callable[[Unit], bool]) -> None:
        """Add units, and what is above them, as far as they belong there."""
        stack = list(units)
        while stack:
            unit = stack.pop()
            if unit.node >= 0 and unit not in into and belongs(unit):
                into.add(unit)
                node = self._resolver.graph.nodes[unit.node]
                for output in node.sources:
                    stack.extend(self._chosen(output, unit))

    def _units(self, expr: Expr, unit: Unit) -> Iterator[Unit]:
        for output in outputs_in(expr):
            yield from self._chosen(output, unit)

    def _chosen(self, output: Output, unit: Unit) -> Iterator[Unit]:
        try:
            yield from leaves(self._resolver.evaluator.chosen(output, self._fanout.scope_of(unit)))
        except (NodeError, Missing):
            return
