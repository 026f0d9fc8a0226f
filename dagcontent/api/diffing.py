"""Two runs of a store into what changed from one to the other: instances, requests, artifacts, money. Needs no graph, writes nothing.

A run left a map of which result each instance had at its end: what it made, and what it found or did not ask for. A run
that left none (it died, it runs, or its store was older) is known by what it made, as far as that has names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from dagcontent.api.past import RunSummary, id_of, names_of, summaries
from dagcontent.errors import StoreDamaged, UsageError
from dagcontent.plan.between import Change, Step, fields_between, steps_between
from dagcontent.plan.model import FieldDiff
from dagcontent.plan.replaced import file_of, is_replaced, kind_replaced
from dagcontent.store import past
from dagcontent.store.past import PastRun
from dagcontent.store.store import Store, open_store
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Done, FailedCharged, Record
from dagcontent.values.value import Blob, blobs_in

__all__ = ["NodeDiff", "Place", "Result", "RunDiff", "Side", "diff_runs"]

_RESUMED: Final = "jobs"


class Place(msgspec.Struct, frozen=True):
    """An artifact and where its bytes are: in the store (None: not there), and in outputs as they were last written."""

    blob: Blob
    path: str | None
    outputs: tuple[str, ...] = ()


class Result(msgspec.Struct, frozen=True):
    """One result, as far as the store has it: without a record all but the key is unknown. `file`: a person gave it."""

    key: str
    kind: str = ""
    model: str = ""
    value: Any = None
    error: str | None = None
    cost_microusd: int = 0
    run: str = ""
    artifacts: tuple[Place, ...] = ()
    known: bool = False
    file: str | None = None


class NodeDiff(msgspec.Struct, frozen=True):
    """One instance in both runs. `fields` of its requests differ; `alike` says that another request gave the same content."""

    node: str
    change: Change
    old: Result | None
    new: Result | None
    fields: tuple[FieldDiff, ...] = ()
    alike: bool = False


class Side(msgspec.Struct, frozen=True):
    """One of the runs. `whole`: it left a map, so that what it lacks was not there; `why` says why not."""

    summary: RunSummary
    whole: bool
    why: str = ""


class RunDiff(msgspec.Struct, frozen=True):
    """Two runs, and every instance of either. Where one is not known whole, `untold` counts instances that only the other has."""

    old: Side
    new: Side
    rows: tuple[NodeDiff, ...]
    untold: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Instances by what became of them."""
        made = dict.fromkeys(("changed", "appeared", "gone", "same"), 0)
        for row in self.rows:
            made[row.change] += 1
        return made


def diff_runs(store: Path, first: str, second: str | None = None) -> RunDiff:
    """Return what changed between two runs, each named by the beginning of its id; of one, since the one before of its graph
    and profile. Raises UsageError, StoreError.
    """
    with open_store(store, write=False) as opened:
        if second is None:
            new = id_of(opened, first.strip())
            old = _before(opened, new)
        else:
            old, new = id_of(opened, first.strip()), id_of(opened, second.strip())
        both = {one.run.id: one for one in summaries(opened, [_run(opened, old), _run(opened, new)])}
        return _Comparing(opened).of(both[old], both[new])


def _run(store: Store, name: str) -> PastRun:
    return past.runs_since(store, run=name)[0]


def _before(store: Store, name: str) -> str:
    run = _run(store, name)
    if run.graph == _RESUMED:
        raise UsageError("a run of `jobs resume` has none before it", hint="name two runs: dagcontent runs lists them")
    earlier = [
        one.id for one in past.runs_since(store, graph=run.graph) if one.id < name and one.profile == run.profile
    ]
    if not earlier:
        raise UsageError(
            f"there is no earlier run of this graph than {name}", hint="name two runs: dagcontent runs lists them"
        )
    return earlier[0]


class _Comparing:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._outputs: dict[str, dict[str, list[str]]] = {}
        self._encoder = Encoder()

    def of(self, old: RunSummary, new: RunSummary) -> RunDiff:
        before, after = self._side(old), self._side(new)
        then, now = self._map(before, after.summary.run), self._map(after, before.summary.run)
        steps = steps_between(then, now)
        told = [step for step in steps if _is_told(step, before, after)]
        rows = tuple(self._row(step, before.summary.run, after.summary.run) for step in told)
        return RunDiff(before, after, rows, len(steps) - len(told))

    def _side(self, summary: RunSummary) -> Side:
        run = summary.run
        try:
            whole = self._store.run_map(run.id) is not None
        except StoreDamaged:
            return Side(summary, whole=False, why="which results it left cannot be read")
        if whole:
            return Side(summary, whole=True)
        words = {"running": "it is still running", "died": "it ended without a word"}
        older = "it only went on with paid requests" if run.graph == _RESUMED else "it left no list of its results"
        return Side(summary, whole=False, why=words.get(run.status, older))

    def _map(self, side: Side, other: PastRun) -> Mapping[str, str]:
        run = side.summary.run
        if side.whole:
            return self._store.run_map(run.id) or {}
        made = [one for one in past.records_of(self._store, run).records if isinstance(one.outcome, Done)]
        paid = {one.key: one.intent.instance for one in self._store.attempts.list(run=run.id)}
        names = names_of(self._store, run, made, paid)
        try:
            known = self._store.run_map(other.id) or {}
        except StoreDamaged:
            known = {}
        keys = {record.key for record in made}
        named = {name: key for key, found in names.items() for name in found if key in keys}
        return named | {name: key for name, key in known.items() if key in keys}

    def _row(self, step: Step, before: PastRun, after: PastRun) -> NodeDiff:
        if step.change == "same":
            return NodeDiff(step.node, "same", Result(str(step.old)), Result(str(step.new)))
        old, then = self._result(step.old, before.graph)
        new, now = self._result(step.new, after.graph)
        made = not (is_replaced(then) or is_replaced(now))  # what a person gave was not asked for
        fields = fields_between(then.manifest, now.manifest) if then is not None and now is not None and made else ()
        return NodeDiff(step.node, step.change, old, new, fields, self._alike(then, now))

    def _alike(self, old: Record | None, new: Record | None) -> bool:
        if old is None or new is None or not isinstance(old.outcome, Done) or not isinstance(new.outcome, Done):
            return False
        return self._encoder.encode(old.outcome.value) == self._encoder.encode(new.outcome.value)

    def _result(self, key: str | None, graph: str) -> tuple[Result | None, Record | None]:
        if key is None:
            return None, None
        try:
            record = self._store.get(key)
        except StoreDamaged:
            record = None
        if record is None:
            return Result(key), None
        outcome = record.outcome
        value = None if isinstance(outcome, FailedCharged) else outcome.value
        made = Result(
            key=key, kind=kind_replaced(record), file=file_of(record), model=record.manifest.model, value=value,
            error=(outcome.message or outcome.error_class) if isinstance(outcome, FailedCharged) else None,
            cost_microusd=record.cost_microusd, run=record.run, known=True,
            artifacts=tuple(self._place(blob, graph) for blob in dict.fromkeys(blobs_in(value))),
        )  # fmt: skip
        return made, record

    def _place(self, blob: Blob, graph: str) -> Place:
        if graph not in self._outputs:
            by_digest: dict[str, list[str]] = {}
            for path, one in sorted(self._store.outputs(graph).items()):
                by_digest.setdefault(one.digest, []).append(path)
            self._outputs[graph] = by_digest
        there = self._store.cas.has(blob.digest, blob.size_bytes)
        where = str(self._store.cas.path_of(blob.digest)) if there else None
        return Place(blob, where, tuple(self._outputs[graph].get(blob.digest, ())))


def _is_told(step: Step, before: Side, after: Side) -> bool:
    """Whether an instance can be compared: what a run lacks whose map is not known may have been there."""
    return (step.old is not None or before.whole) and (step.new is not None or after.whole)
