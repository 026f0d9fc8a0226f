"""A unit and what it refers to into waiting: who settles before whom. Knows no expression's value and no order of work.

Every step is O(edges touched).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dagcontent.graph.model import AllOf, Output
from dagcontent.plan.evaluate import Evaluator
from dagcontent.plan.fanout import Fanout, leaves
from dagcontent.plan.unit import Group, State, Unit

__all__ = ["Waiting"]


class Waiting:
    """The edges between the units of one resolution. `demand` asks for a unit that nobody has asked for yet."""

    def __init__(self, fanout: Fanout, evaluator: Evaluator, demand: Callable[[Unit], None]) -> None:
        self._fanout = fanout
        self._evaluator = evaluator
        self._demand = demand
        self._groups: dict[int, Group] = {}

    def wait_for(self, unit: Unit, producer: Unit) -> None:
        """Make a unit wait for another, which is then asked for."""
        if producer.state is State.NEW:
            self._demand(producer)
        if producer.state is not State.SETTLED:
            if producer.dependents is None:
                producer.dependents = []
            producer.dependents.append(unit)
            unit.pending += 1
        else:
            unit.open |= producer.open

    def await_output(self, unit: Unit, output: Output, scope: Any) -> None:
        """Make a unit wait for what a reference chooses. Raises NodeError where a look-up misses."""
        single = self._fanout.single[output.node]
        if single is not None:
            self.wait_for(unit, single)
        elif all(isinstance(p, AllOf) for p in output.picks):
            self.wait_for(unit, self._group(output.node))
        else:
            chosen = self._evaluator.chosen(output, scope)
            for producer in leaves(chosen):
                self.wait_for(unit, producer)

    def _group(self, node: int) -> Unit:
        """Return a unit that settles when all of a node's have: thousands may wait for thousands at the cost of both."""
        group = self._groups.get(node)
        if group is None:
            group = self._groups[node] = Group(node, ())
            group.enter(State.WAITING)
            for unit in self._fanout.units_of(node):
                self.wait_for(group, unit)
            if group.pending == 0:
                group.enter(State.SETTLED)
        return group
