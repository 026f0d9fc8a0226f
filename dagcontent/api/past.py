"""A store's runs into history: which there were, how they ended, what they made and cost. Needs no graph, calls nobody, writes nothing.

A run is one build that had something to make, or one `dagcontent jobs resume`. What it cost are the requests that it sent,
whoever went on with them later; what it made are the results that it committed, whoever had sent for them.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from dagcontent.api.jobs import held
from dagcontent.api.ledger import Since, SpendRow, summed
from dagcontent.api.result import Job
from dagcontent.errors import UsageError
from dagcontent.store import past, records
from dagcontent.store.past import PastRun
from dagcontent.store.store import Store, open_store
from dagcontent.values.record import FailedCharged, Record

__all__ = ["History", "Made", "RunDetail", "RunSummary", "list_runs", "short_runs", "show_run", "summaries"]

_SHORTEST: Final = len("20261125T101112")
_LONGER: Final = len("20261125T101112.123")
_MOST_AT_ONCE: Final = 500  # more are summed with all others, in one pass
_MOST_NAMED: Final = 3


class RunSummary(msgspec.Struct, frozen=True):
    """One run; `short` is as much of its id as names no other run of the store. `cost` sums the requests that it sent."""

    run: PastRun
    short: str
    cost: SpendRow


class History(msgspec.Struct, frozen=True):
    """Runs, the newest first, and how many of them there are with those that were not asked for."""

    rows: tuple[RunSummary, ...]
    total: int
    since: Since


class Made(msgspec.Struct, frozen=True):
    """One result that a run made. `nodes` are the instances that have it, as far as that is known; `error` of a failure that was paid for."""

    key: str
    nodes: tuple[str, ...]
    kind: str
    model: str
    cost_microusd: int
    seconds: float
    at_ms: int
    error: str | None = None


class RunDetail(msgspec.Struct, frozen=True):
    """One run with all that it made and sent. `outputs` are those of its graph that hold what it made, from its output folder.

    `damaged` results of it cannot be read.
    """

    summary: RunSummary
    made: tuple[Made, ...]
    requests: tuple[Job, ...]
    outputs: tuple[str, ...]
    damaged: int = 0


def list_runs(
    store: Path, *, graph: Path | None = None, since: Since | None = None, most: int | None = None
) -> History:
    """Return the newest runs, of one graph or since a moment; none where there is no store. Raises StoreError."""
    asked = since or Since()
    with open_store(store, write=False) as opened:
        found = past.runs_since(opened, _since_ms(asked), graph=None if graph is None else str(graph))
        return History(summaries(opened, found[:most]), len(found), asked)


def show_run(store: Path, prefix: str) -> RunDetail:
    """Return the run whose id begins so, with what it made. Raises UsageError, StoreError."""
    with open_store(store, write=False) as opened:
        (summary,) = summaries(opened, past.runs_since(opened, run=_id_of(opened, prefix.strip())))
        run = summary.run
        attempts = opened.attempts.list(run=run.id)
        found = past.records_of(opened, run)
        names = _names(opened, run, found.records, {one.key: one.intent.instance for one in attempts})
        return RunDetail(
            summary=summary,
            made=tuple(_made(record, names.get(record.key, ())) for record in found.records),
            requests=tuple(Job.of(one, held=held(opened, one)) for one in attempts),
            outputs=_outputs(opened, run, found.records),
            damaged=found.damaged,
        )


def short_runs(ids: Iterable[str]) -> dict[str, str]:
    """Return as much of each id as tells it from the others: to the second, to the millisecond, or all of it."""
    ordered = sorted(set(ids))
    made = {}
    for number, name in enumerate(ordered):
        beside = ordered[max(0, number - 1) : number] + ordered[number + 1 : number + 2]
        lengths = (_SHORTEST, _LONGER, len(name))
        made[name] = name[: next(n for n in lengths if n == len(name) or not _any_begins(beside, name[:n]))]
    return made


def _any_begins(names: Sequence[str], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in names)


def _since_ms(since: Since) -> int:
    return calendar.timegm(time.strptime(since.day, "%Y-%m-%d")) * 1000 if since.day else since.ms


def summaries(store: Store, found: Sequence[PastRun]) -> tuple[RunSummary, ...]:
    """Return runs with what they cost, and the shortest names that tell them from all others."""
    if not found:
        return ()
    short = short_runs(past.run_ids(store))
    wanted = [run.id for run in found] if len(found) <= _MOST_AT_ONCE else None
    costs = {row.name: row for row in summed("run", Since(), store.attempts.ledger("run", runs=wanted)).rows}
    return tuple(RunSummary(run, short.get(run.id, run.id), costs.get(run.id, SpendRow(name=run.id))) for run in found)


def _id_of(store: Store, prefix: str) -> str:
    """Return the id that begins so. Raises UsageError that says what there is."""
    ids = past.run_ids(store)
    found = [name for name in ids if prefix and name.startswith(prefix)]
    if len(found) == 1 or prefix in found:
        return prefix if prefix in found else found[0]
    short = short_runs(ids)
    if found:
        text = f"{len(found):,} runs begin with {prefix}: {_newest([short[name] for name in found])}"
        raise UsageError(text, hint="give more of the id")
    if not ids:
        raise UsageError(f"there is no run {prefix}: nothing was built", hint="dagcontent build GRAPH makes the first")
    raise UsageError(
        f"there is no run {prefix}; the newest: {_newest([short[name] for name in ids])}",
        hint="dagcontent runs --all lists every one there is",
    )


def _newest(names: Sequence[str]) -> str:
    shown = ", ".join(list(reversed(names))[:_MOST_NAMED])
    return f"{shown} and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else shown


def _names(store: Store, run: PastRun, found: Sequence[Record], paid: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Return key -> instances: those of the graph's last build, else those that requests were sent for."""
    wanted = {record.key for record in found}
    named: dict[str, list[str]] = {}
    for instance, key in store.last_build(run.graph, run.profile).items():
        if key in wanted:
            named.setdefault(key, []).append(instance)
    lacking = [one.key for one in found if one.key not in named and one.key not in paid and one.cost_microusd]
    sent = {**past.payers(store, lacking), **paid}
    return {**{key: (instance,) for key, instance in sent.items()}, **{k: tuple(v) for k, v in named.items()}}


def _made(record: Record, nodes: tuple[str, ...]) -> Made:
    manifest, outcome = record.manifest, record.outcome
    return Made(
        key=record.key, nodes=nodes, kind=manifest.kind, model=manifest.model, cost_microusd=record.cost_microusd,
        seconds=record.seconds, at_ms=record.at_ms,
        error=(outcome.message or outcome.error_class) if isinstance(outcome, FailedCharged) else None,
    )  # fmt: skip


def _outputs(store: Store, run: PastRun, found: Sequence[Record]) -> tuple[str, ...]:
    digests = {blob.digest for record in found for blob in records.blobs_of(record)}
    return tuple(sorted(path for path, one in store.outputs(run.graph).items() if one.digest in digests))
