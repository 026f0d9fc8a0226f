"""A Graph into settled units, one at a time: the whole incremental state of a plan or a build. Knows no clock, no I/O.

Theory. Nodes are expanded into units when the lists of their dimensions are known; a unit is linked to the units
it chooses when all nodes it refers to are expanded and somebody has asked for it; it is evaluated when its inputs
are settled. A miss becomes an `Action`, handed out by `take`. The driver answers each with `settled`: a plan
with UNKNOWN, a build with what came of it. Nothing else differs, so the dry run is the run.

    NEW -> WAITING -> READY -> SETTLED          READY: only misses; hits and values go straight to SETTLED
    WAITING -> SETTLED                          at once, for a unit that is pinned: its inputs are not waited for
    SETTLED -> READY                            `reopen`: a stored result turned out to be lost
    READY -> READY                              what was asked was refused, and another model is asked (`asking.py`)

A unit waits in phases: its `when` first, then its inputs; for a lazy kind one alternative after another; for a selection the verdict.
Units nobody asks for (alternatives not needed, nodes outside the targets) stay NEW.
A selection that waits for a person is `waiting`, its value unknown: what depends on it (`held`) is `maybe`, in a build too.
Every step is O(edges touched). Weakness: a node over lists made per element waits for all of those lists.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dagcontent.errors import InternalError, NodeError
from dagcontent.graph.model import Graph, Node, Output, outputs_in
from dagcontent.graph.roots import root_nodes
from dagcontent.kinds.declaration import WORKED_OUT
from dagcontent.plan.action import Action, Keys
from dagcontent.plan.asking import Asking, Terms
from dagcontent.plan.decisions import Decisions
from dagcontent.plan.demand import closure
from dagcontent.plan.evaluate import Evaluator, Missing
from dagcontent.plan.fanout import Fanout, Scope, list_of_value
from dagcontent.plan.inputs import Inputs
from dagcontent.plan.lazy import Alternatives
from dagcontent.plan.paid import sticky
from dagcontent.plan.ports import Files, Lookup
from dagcontent.plan.readiness import Readiness
from dagcontent.plan.unit import Closed, DimensionList, Group, ListJob, State, Status, Unit
from dagcontent.plan.waiting import Waiting
from dagcontent.values.record import Done, FailedCharged, Record
from dagcontent.values.value import ABSENT, UNKNOWN, ActionKey, Mark, contains_unknown

__all__ = ["Resolver"]

_WHEN, _INPUTS = 0, 1  # phases of a unit; those of a lazy kind go on from there


class Resolver:
    """See the module's text. `targets` are the nodes asked for (default: all but mere alternatives), `wanted` picks their units.

    `realms` keep the results of other hosts apart; `terms` are those on which models are asked.
    """

    def __init__(
        self, graph: Graph, lookup: Lookup, files: Files, *, epoch: str | None = None,
        targets: Iterable[int] | None = None, wanted: Callable[[Fanout, Unit], bool] | None = None,
        realms: Mapping[str, str] | None = None, terms: Terms | None = None,
    ) -> None:  # fmt: skip
        self.graph = graph
        self.lookup = lookup
        self.files = files
        self.fanout = Fanout(graph)
        terms = terms or Terms()
        self.keys = Keys(epoch=epoch, realms=realms, today=terms.today)
        self.evaluator = Evaluator(self.fanout, files)
        self.alternatives = Alternatives(self.fanout, self.evaluator)
        self._waiting = Waiting(self.fanout, self.evaluator, self._demand)
        self.warnings: list[str] = []
        self._wanted = wanted
        self._reopened = False
        self._lists_open = False
        roots = root_nodes(graph) if targets is None else list(targets)
        self._root_set = frozenset(roots)
        self.needed = closure(graph, roots)
        self._actions: list[Action] = []
        self._links: deque[Unit] = deque()
        self._ready: deque[Unit] = deque()
        self._open_lists: dict[int, int] = {}
        self.decisions = Decisions(graph, self.fanout)
        self.inputs = Inputs(self.fanout, self.evaluator, self.keys, lookup, files, self.decisions)
        self.asking = Asking(self.inputs, lookup, terms)
        self._readiness = Readiness(graph, self.needed, self._open_dim, self._expand, self._make_linkable)
        self._readiness.start()
        self._drain()

    # -- the two calls of a driver ------------------------------------------------------------------------------

    def take(self) -> list[Action]:
        """Return the misses found since the last call. Each must be answered by `settled` once."""
        self._drain()
        taken, self._actions = self._actions, []
        return taken

    def settled(
        self, unit: Unit, outcome: Record | Mark | NodeError, *, foreign: bool = False, last: bool = False
    ) -> bool:
        """Answer an action: the record that was made (or found: `foreign`), UNKNOWN in a plan, or why it failed.

        Returns False if the unit failed; where another model takes its place, which `last` forbids, it has not.
        """
        if unit.state is not State.READY:
            text = f"{self.fanout.name(unit)} is {unit.state.value}, not ready: it cannot be settled"
            raise InternalError(text)
        if self._reopened:
            self.evaluator.forget()
        if isinstance(outcome, Record) and isinstance(outcome.outcome, FailedCharged):
            outcome = sticky(outcome, outcome.outcome)  # another build's
        if isinstance(outcome, Record):
            self._use(unit, outcome, Status.HIT if foreign else Status.RAN)
        elif not isinstance(outcome, NodeError):
            unit.value = UNKNOWN
            self._settle(unit, Status.RUN)
        elif last or not self.asking.refused(unit, self.graph.nodes[unit.node], outcome):
            self._fail(unit, self.asking.final(unit, outcome) if unit.passed else outcome)
        else:
            self._look_up(unit, self.graph.nodes[unit.node], None)
        return unit.status is not Status.FAILED

    def reopen(self, producer: Unit, consumer: Unit) -> None:
        """Run a settled unit again for a consumer that is READY and found its stored result gone or damaged."""
        self._reopened = True
        if producer.state is State.SETTLED:
            producer.enter(State.READY)
            producer.status = None
            self._actions.append(self.inputs.action(producer))
        consumer.enter(State.WAITING)
        consumer.phase = _INPUTS
        self._waiting.wait_for(consumer, producer)

    def finished(self) -> bool:
        """Whether every unit that was asked for is settled."""
        return not self._ready and all(u.state in {State.SETTLED, State.NEW} for u in self.fanout.all_units())

    def moved(self, unit: Unit) -> bool | None:
        """Tell whether a pinned unit's inputs have moved; None where that is not known. To be asked when all is settled."""
        return self.inputs.moved(unit)

    def is_root(self, unit: Unit) -> bool:
        """Whether a unit is asked for by itself, not only by others."""
        return unit.node in self._root_set and (self._wanted is None or self._wanted(self.fanout, unit))

    # -- expansion ----------------------------------------------------------------------------------------------

    def _open_dim(self, dim: int) -> None:
        """Evaluate a dimension's lists, each as soon as what it is made of is settled."""
        places = list(self.fanout.outer_coords(dim))
        self._open_lists[dim] = len(places)
        if not places:
            self._readiness.list_known(dim)
            return
        linked = self.graph.dimensions[dim]
        for coords in places:
            job = ListJob(dim, coords)
            job.enter(State.WAITING)
            scope = dict(zip(linked.outer, coords, strict=True))
            for output in outputs_in(linked.of):
                self._waiting.await_output(job, output, scope)
            if job.pending == 0:
                self._ready.append(job)

    def _close_list(self, job: ListJob) -> None:
        dim, coords = job.dim, job.coords
        linked = self.graph.dimensions[dim]
        scope = dict(zip(linked.outer, coords, strict=True))
        job.enter(State.SETTLED)
        made: DimensionList | Closed
        try:
            value = self.evaluator.value(linked.of, scope)
            made = list_of_value(linked.spec, value)
            made.open = job.open
            self._lists_open = self._lists_open or job.open != 0
            if isinstance(made, DimensionList) and made.repeats:
                self.warnings.append(made.warning(linked.name))
        except Missing as missing:
            made = Closed(missing.status, missing.by)
        except NodeError as error:
            job.error = error
            job.status = Status.FAILED
            made = Closed(Status.FAILED, job)
        self.fanout.lists[dim, coords] = made
        self._open_lists[dim] -= 1
        if self._open_lists[dim] == 0:
            self._readiness.list_known(dim)

    def _expand(self, node: Node) -> None:
        units = self.fanout.expand(node)
        self.decisions.match(node, units)
        for unit in units:
            if None in unit.coords:
                self._settle_closed(unit)
        for unit in units if node.index in self._root_set else ():
            if self.is_root(unit):
                self._demand(unit)
        self._readiness.expanded(node.index)

    def _make_linkable(self, node: int) -> None:
        self._links.extend(u for u in self.fanout.units_of(node) if u.state is State.WAITING)

    def _settle_closed(self, unit: Unit) -> None:
        closed = self.fanout.closed_over(unit)
        status = Status.MAYBE if closed is None else closed.status
        unit.status_by = None if closed is None else closed.by
        unit.open = 0 if closed is None else closed.open
        if closed is not None and isinstance(closed.by, ListJob):
            unit.error = closed.by.error  # its own list is at fault: nothing above it is
            status = Status.FAILED
        elif status is Status.FAILED:
            status = Status.BLOCKED
        unit.value = UNKNOWN
        self._settle(unit, status)

    # -- waiting ------------------------------------------------------------------------------------------------

    def _demand(self, unit: Unit) -> None:
        if unit.state is not State.NEW:
            return
        unit.enter(State.WAITING)
        if self._readiness.linkable(unit.node):
            self._links.append(unit)

    def _link(self, unit: Unit) -> None:
        node, decided = self.graph.nodes[unit.node], self.decisions.of(unit)
        scope = self.fanout.scope_of(unit) if node.dims else {}
        for dim in node.all_dims if self._lists_open else ():
            unit.open |= self.fanout.list_at(dim, scope).open
        try:
            if unit.phase == _WHEN and node.when is not None:
                for output in node.when_outputs:
                    self._waiting.await_output(unit, output, scope)
            elif decided is not None and decided.stays:
                self._use_pinned(unit, self.inputs.kept(node, decided))
                return
            else:
                unit.phase = max(unit.phase, _INPUTS)
                for output in node.ordering if unit.phase == _INPUTS else ():
                    self._waiting.await_output(unit, output, scope)
                for output in self._inputs_of_phase(node, unit.phase, scope):
                    self._waiting.await_output(unit, output, scope)
        except NodeError as error:
            self._fail(unit, error)
            return
        except Missing as missing:
            unit.status_by = missing.by
            self._settle(unit, missing.status)
            return
        if unit.pending == 0:
            self._ready.append(unit)

    def _inputs_of_phase(self, node: Node, phase: int, scope: Scope) -> Iterable[Output]:
        at = phase - _INPUTS
        if node.kind.lazy:
            return outputs_in(self.alternatives.at(node, at, scope))
        return (node.verdict,) if at and node.verdict is not None else node.outputs

    # -- progress -----------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        while self._links or self._ready:
            while self._ready:
                unit = self._ready.popleft()
                if isinstance(unit, ListJob):
                    self._close_list(unit)
                elif unit.state is State.WAITING and unit.pending == 0:
                    self._evaluate(unit)
            if self._links:
                unit = self._links.popleft()
                if unit.state is State.WAITING:
                    self._link(unit)

    def _evaluate(self, unit: Unit) -> None:
        node = self.graph.nodes[unit.node]
        try:
            if unit.phase == _WHEN and node.when is not None:
                self._evaluate_when(unit, node)
            elif node.kind.lazy:
                self._evaluate_lazy(unit, node)
            else:
                self.inputs.check_needs(unit, node)
                self._evaluate_inputs(unit, node)
        except Missing as missing:
            unit.status_by = missing.by
            self._settle(unit, missing.status)
        except NodeError as error:
            self._fail(unit, error)

    def _evaluate_when(self, unit: Unit, node: Node) -> None:
        assert node.when is not None
        holds = self.evaluator.holds(node.when, self.fanout.scope_of(unit))
        if holds is False or (holds is UNKNOWN and unit.stopped):  # a person is to say first whether it is to be made
            self._settle(unit, Status.SKIPPED if holds is False else Status.MAYBE)
            return
        unit.phase = _INPUTS
        self._link(unit)

    def _evaluate_lazy(self, unit: Unit, node: Node) -> None:
        free = self.inputs.check_needs(unit, node, strictly=unit.stopped)
        value = self.alternatives.first_of(node, unit.phase - _INPUTS, unit)
        if value is ABSENT:
            unit.phase += 1
            self._link(unit)
            return
        unit.value = value if free else UNKNOWN
        self._settle(unit, Status.MAYBE if unit.value is UNKNOWN else Status.VALUE)

    def _evaluate_inputs(self, unit: Unit, node: Node) -> None:
        inputs, params = self.inputs, self.inputs.params(unit, node)
        if node.kind.asks:
            at = unit.phase > _INPUTS
            chooses = node.kind.chooses
            said = (
                inputs.selecting.of(unit, node, params, asked=at)
                if chooses
                else self.decisions.passed(unit, node, params)
            )
            if said is None:
                unit.phase += 1  # nobody has decided it: whom it asks is asked for now
                self._link(unit)
            else:
                unit.value, status = said
                self._settle(unit, status)
        elif any(contains_unknown(value) for value in params.values()):
            unit.params = params
            unit.value = UNKNOWN
            self._settle(unit, Status.MAYBE)
        elif node.kind.effect in WORKED_OUT:
            unit.value = inputs.evaluated(node, params)
            self._settle(unit, Status.VALUE)
        else:
            self._look_up(unit, node, params)

    def _look_up(self, unit: Unit, node: Node, params: dict[str, Any] | None) -> None:
        """Use what is there of a unit, or have it made. Without `params`: what it asked for last was refused."""
        try:
            record = self.asking.look_up(unit, node, params)
        except Missing as missing:
            unit.status_by = missing.by
            self._settle(unit, missing.status)
        except NodeError as error:
            self._fail(unit, error)
        else:
            if record is not None and isinstance(record.outcome, Done):
                self._use(unit, record, Status.HIT)
                return
            if unit.state is not State.READY:
                unit.enter(State.READY)
            self._actions.append(self.inputs.action(unit))

    def _fail(self, unit: Unit, error: NodeError) -> None:
        unit.error = error
        self._settle(unit, Status.FAILED)

    def _use_pinned(self, unit: Unit, record: Record) -> None:
        """Give a unit the result that stays, whatever its inputs are: they are not asked for."""
        unit.key, unit.manifest = ActionKey(record.key), record.manifest
        self._use(unit, record, Status.PINNED)

    def _use(self, unit: Unit, record: Record, status: Status) -> None:
        unit.record = record
        assert isinstance(record.outcome, Done)
        unit.value = record.outcome.value
        unit.params = None
        self._settle(unit, status)

    # -- transitions --------------------------------------------------------------------------------------------

    def _settle(self, unit: Unit, status: Status) -> None:
        unit.settle(status)
        unit.enter(State.SETTLED)
        waiting: list[tuple[Unit, list[Unit] | None]] = [(unit, unit.dependents)] if unit.dependents else []
        unit.dependents = None
        while waiting:
            done, dependents = waiting.pop()
            above = done.upstream or done.status in {Status.RAN, Status.RUN}
            for dependent in dependents or ():
                dependent.upstream = dependent.upstream or above
                dependent.open |= done.open
                dependent.pending -= 1
                if dependent.pending:
                    continue
                if isinstance(dependent, Group):
                    dependent.enter(State.SETTLED)
                    waiting.append((dependent, dependent.dependents))
                    dependent.dependents = None
                else:
                    self._ready.append(dependent)
