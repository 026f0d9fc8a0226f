"""What a build left in resolver and journal into one NodeResult an instance. Knows no screen and runs nothing."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from dagcontent.api.result import Job, NodeResult
from dagcontent.errors import AttemptDetached, AttemptUnresolved, NodeError, OverBudget, StoreDamaged
from dagcontent.kinds.declaration import WORKED_OUT
from dagcontent.plan.model import PlanRow, Served
from dagcontent.plan.paid import is_paid
from dagcontent.plan.passed import served_words
from dagcontent.plan.replaced import file_of
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.served import Serving
from dagcontent.plan.unit import Status, Unit
from dagcontent.store.store import Store
from dagcontent.values.attempt import Attempt
from dagcontent.values.record import Done, Record
from dagcontent.values.value import Blob, blobs_in

__all__ = ["counts_of", "elsewhere", "known_rows", "node_results", "served_in", "status_of", "unlike"]

_COUNTED: Final = (
    "hit", "ran", "cutoff", "skipped", "failed", "blocked", "unresolved", "unneeded", "waiting", "pinned", "passed_over",
)  # fmt: skip
_NAMED = 3


def node_results(
    resolver: Resolver, store: Store, run: str, placed: Mapping[str, str] = types.MappingProxyType({})
) -> list[NodeResult]:
    """Return what became of every instance of a build; `run` is its run, empty if nothing was to be made. `placed` are the files that
    artifacts were placed at, by digest.
    """
    return _Outcomes(resolver, store, run, placed).all()


def counts_of(nodes: Iterable[NodeResult], resolver: Resolver) -> dict[str, int]:
    """Return how many instances came to what."""
    counts = dict.fromkeys(_COUNTED, 0)
    for node in nodes:
        counts[node.status] += 1
    made = resolver.graph.nodes
    counts["unneeded"] = sum(u.status is None and not made[u.node].hands_on for u in resolver.fanout.all_units())
    return counts


def status_of(nodes: Iterable[NodeResult], counts: Mapping[str, int], *, interrupted: bool) -> str:
    """Return how a build ended: the first that holds."""
    if interrupted:
        return "interrupted"
    if counts["unresolved"]:
        return "unresolved"
    if any(node.over_budget for node in nodes):
        return "budget"
    if counts["failed"] or (counts["blocked"] and not counts["waiting"]):
        return "failed"
    return "waiting" if counts["waiting"] else "ok"


class _Outcomes:
    def __init__(self, resolver: Resolver, store: Store, run: str, placed: Mapping[str, str]) -> None:
        self._resolver = resolver
        self._store = store
        self._run = run
        self._placed = placed
        self._passed = Serving(resolver).passed

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
            return self._held(unit, name, word)
        tried = self._attempts(unit) if status is Status.FAILED else []
        job = next((Job.of(one) for one in tried if one.blocks), None)
        if word == "failed" and isinstance(error, AttemptUnresolved | AttemptDetached) and (job or _named(error)):
            word = "unresolved"
        cost = sum(one.cost_microusd or 0 for one in tried if one.intent.run == self._run)
        word = "passed_over" if unit in self._passed and word in {"failed", "blocked"} else word
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

    def _held(self, unit: Unit, name: str, word: str) -> NodeResult:
        """Return what a person is asked, with what there is to look at; or what waits for that."""
        said = "waits for a person"
        if unit.status is not Status.WAITING:
            return NodeResult(name, word, error=said)
        from dagcontent.api.picking import shown  # noqa: PLC0415 - most builds wait for nobody

        resolver, node = self._resolver, self._resolver.graph.nodes[unit.node]
        params = resolver.inputs.params(unit, node)
        found = resolver.inputs.selecting.candidates(unit, node, params)
        if node.kind.chooses:
            return NodeResult(name, word, error=said, facts=tuple(shown(found)), asks="pick")
        from dagcontent.api.approving import shown_of, title_of  # noqa: PLC0415 - as above

        shows = shown_of(found, self._placed)
        return NodeResult(name, word, error=said, asks="approve", title=title_of(params), shows=shows)

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
            stale=self._resolver.moved(unit) if pinned else None, replaced=file_of(record),
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
    unneeded = Serving(resolver).unneeded
    for unit in resolver.fanout.all_units():
        node = resolver.graph.nodes[unit.node]
        if node.hands_on:
            continue
        if unit in unneeded and node.kind.effect not in WORKED_OUT:
            model = node.spec.model if isinstance(node.spec.model, str) else ""
            rows.append(PlanRow(resolver.fanout.name(unit), node.kind.name, model, "unneeded"))
        if unit.record is None and unit.status is not Status.SKIPPED:
            continue
        model = "" if unit.manifest is None else unit.manifest.model
        pinned = unit.status is Status.PINNED
        status = "skipped" if unit.record is None else "pinned" if pinned else "hit"
        cost = 0 if unit.record is None else unit.record.cost_microusd
        stale = resolver.moved(unit) if pinned else None
        name = resolver.fanout.name(unit)
        rows.append(
            PlanRow(
                name, node.kind.name, model, status, key=unit.key, cost_microusd=cost, stale=stale, replaced=file_of(unit.record),
                passed=unit.passed,
            )
        )  # fmt: skip
    return rows


def _named(error: NodeError) -> bool:
    """Whether an error is about a request that was sent."""
    return any(label == "attempt" for label, _ in error.facts)


def elsewhere(resolver: Resolver) -> Iterator[str]:
    """Yield what another model made than the first of its list, or another sample: nothing is different unsaid."""
    alike: dict[str, list[str]] = {}
    for unit in resolver.fanout.all_units():
        if unit.passed and unit.manifest is not None and unit.record is not None:
            words = served_words(unit.manifest.model, unit.passed)
            alike.setdefault(words, []).append(resolver.fanout.name(unit))
    for words, names in alike.items():
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        yield f"{', '.join(names[:_NAMED])}{more}: {words}"


def served_in(resolver: Resolver) -> tuple[Served, ...]:
    """Return by which alternatives fallbacks are served."""
    return tuple(Serving(resolver).served)


def unlike(resolver: Resolver) -> Iterator[str]:
    """Yield how results that were paid for in this build differ from what was asked for. They are kept all the same."""
    for unit in resolver.fanout.all_units():
        if unit.status is Status.RAN and unit.record is not None and isinstance(unit.record.outcome, Done):
            for words in unit.record.outcome.extras.get("unlike", ()):
                yield f"{resolver.fanout.name(unit)}: {words}"
