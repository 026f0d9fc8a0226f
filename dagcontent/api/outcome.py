"""What a build left in resolver and journal into one NodeResult an instance. Knows no screen and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator

from dagcontent.api.result import Job, NodeResult
from dagcontent.errors import AttemptDetached, AttemptUnresolved, NodeError, OverBudget, StoreDamaged
from dagcontent.plan.model import PlanRow
from dagcontent.plan.paid import is_paid
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Status, Unit
from dagcontent.store.store import Store
from dagcontent.values.attempt import Attempt
from dagcontent.values.record import Done, Record
from dagcontent.values.value import Blob, blobs_in

__all__ = ["known_rows", "node_results", "unlike"]


def node_results(resolver: Resolver, store: Store, run: str) -> list[NodeResult]:
    """Return what became of every instance of a build; `run` is its run, empty if nothing was to be made."""
    return _Outcomes(resolver, store, run).all()


class _Outcomes:
    def __init__(self, resolver: Resolver, store: Store, run: str) -> None:
        self._resolver = resolver
        self._store = store
        self._run = run

    def all(self) -> list[NodeResult]:
        units = self._resolver.fanout.all_units()
        return [result for unit in units if (result := self._of(unit)) is not None]

    def _of(self, unit: Unit) -> NodeResult | None:
        status, record = unit.status, unit.record
        if status is None or status is Status.VALUE:
            return None
        if self._resolver.graph.nodes[unit.node].hands_on and status is not Status.FAILED:
            return None
        name = self._resolver.fanout.name(unit)
        if record is not None and isinstance(record.outcome, Done):
            return self._made(unit, name, record, record.outcome)
        by = unit.status_by
        error = unit.error
        word = status.value if status in {Status.SKIPPED, Status.FAILED, Status.WAITING} else "blocked"
        if unit.held:  # in a build nothing else is unknown in the end
            return NodeResult(name, word, error="waits for a person", facts=self._candidates(unit))
        tried = self._attempts(unit) if status is Status.FAILED else []
        job = next((Job.of(one) for one in tried if one.blocks), None)
        if word == "failed" and isinstance(error, AttemptUnresolved | AttemptDetached) and (job or _named(error)):
            word = "unresolved"
        cost = sum(one.cost_microusd or 0 for one in tried if one.intent.run == self._run)
        return NodeResult(
            name, word, cost_microusd=cost, paid=cost > 0,
            error=None if error is None else error.message,
            hint=None if error is None else error.hint,
            facts=() if error is None else error.facts,
            by=None if by is None or by.node < 0 else self._resolver.fanout.name(by),
            over_budget=isinstance(error, OverBudget),
            refused=error.refused if isinstance(error, OverBudget) else None,
            job=job,
        )  # fmt: skip

    def _candidates(self, unit: Unit) -> tuple[tuple[str, str], ...]:
        """Return what a person is to choose from."""
        if unit.status is not Status.WAITING:
            return ()
        from dagcontent.api.picking import shown  # noqa: PLC0415 - most builds wait for nobody
        from dagcontent.plan.selection import candidates_of  # noqa: PLC0415 - as above

        resolver, node = self._resolver, self._resolver.graph.nodes[unit.node]
        params = resolver.inputs.params(unit, node)
        return tuple(shown(candidates_of(resolver.fanout, resolver.evaluator, unit, node, params)))

    def _made(self, unit: Unit, name: str, record: Record, outcome: Done) -> NodeResult:
        first = next(blobs_in(outcome.value), None)
        word = "ran" if unit.status is Status.RAN else "cutoff" if unit.upstream else "hit"
        pinned = unit.status is Status.PINNED
        word = "pinned" if pinned else word
        # What an earlier build sent and this one fetched was paid for then.
        here = word == "ran" and is_paid(record.manifest.model)
        return NodeResult(
            name, word, first.digest if isinstance(first, Blob) else None,
            seconds=record.seconds if word == "ran" else None, cost_microusd=record.cost_microusd,
            stale=self._resolver.moved(unit) if pinned else None,
            paid=here and any(one.intent.run == self._run for one in self._attempts(unit)),
        )  # fmt: skip

    def _attempts(self, unit: Unit) -> list[Attempt]:
        """Return the paid requests of an instance's key."""
        if unit.key is None or unit.manifest is None or not is_paid(unit.manifest.model):
            return []
        try:
            return self._store.attempts.list(key=unit.key)
        except StoreDamaged:  # verify tells of it; a summary is owed all the same
            return []


def known_rows(resolver: Resolver) -> list[PlanRow]:
    """Return the plan of a build that came out well: everything is there, or was skipped."""
    rows = []
    for unit in resolver.fanout.all_units():
        if unit.record is None and unit.status is not Status.SKIPPED:
            continue
        node = resolver.graph.nodes[unit.node]
        if node.hands_on:
            continue
        model = "" if unit.manifest is None else unit.manifest.model
        pinned = unit.status is Status.PINNED
        status = "skipped" if unit.record is None else "pinned" if pinned else "hit"
        cost = 0 if unit.record is None else unit.record.cost_microusd
        stale = resolver.moved(unit) if pinned else None
        name = resolver.fanout.name(unit)
        rows.append(PlanRow(name, node.kind.name, model, status, key=unit.key, cost_microusd=cost, stale=stale))
    return rows


def _named(error: NodeError) -> bool:
    """Whether an error is about a request that was sent."""
    return any(label == "attempt" for label, _ in error.facts)


def unlike(resolver: Resolver) -> Iterator[str]:
    """Yield how results that were paid for in this build differ from what was asked for. They are kept all the same."""
    for unit in resolver.fanout.all_units():
        if unit.status is Status.RAN and unit.record is not None and isinstance(unit.record.outcome, Done):
            for words in unit.record.outcome.extras.get("unlike", ()):
                yield f"{resolver.fanout.name(unit)}: {words}"
