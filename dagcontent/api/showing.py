"""One instance and a store into what is known of its result: value, files, facts, provenance. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from dagcontent.api.loaded import LoadedGraph
from dagcontent.api.planning import dry_resolver, only_unit
from dagcontent.api.result import Job
from dagcontent.api.targets import parse_target
from dagcontent.errors import DagcontentError, UsageError
from dagcontent.plan.paid import is_paid
from dagcontent.plan.passed import Passed
from dagcontent.plan.replaced import behind, file_of
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.selection import Candidate
from dagcontent.plan.served import Serving
from dagcontent.plan.unit import Status, Unit
from dagcontent.store.cas import BlobDamaged
from dagcontent.store.store import Store
from dagcontent.values.attempt import AttemptState
from dagcontent.values.record import Done, Record
from dagcontent.values.value import ActionKey, Blob, Value, blobs_in, contains_unknown

__all__ = ["Artifact", "Replacement", "ShowResult", "show_instance"]


class Artifact(msgspec.Struct, frozen=True):
    """One file of a result. `path` is in the store, or beside the graph; None if its bytes are gone or damaged."""

    digest: str
    type: str
    media_type: str
    size_bytes: int
    facts: dict[str, Any]
    path: str | None


class Replacement(msgspec.Struct, frozen=True):
    """A person's file that stands for a result: its name, whether the inputs have moved since (None: not known), and what it
    takes the place of, as far as that is in the store.
    """

    file: str
    stale: bool | None
    instead_of: str | None
    original: Any = None
    artifacts: tuple[Artifact, ...] = ()
    at_ms: int | None = None
    model: str = ""
    cost_microusd: int = 0


class ShowResult(msgspec.Struct, frozen=True):
    """What is known of an instance's result.

    `status` is today's: hit, value, or, for the result of an earlier build, that of a plan (`stale`). `value` holds
    artifacts as Blobs. `outputs` are the files beside the graph that hold an artifact of it, as they were written.
    `cost_microusd` is what it cost when it was made, `job` the paid request that it came from; `passed` are the models that were
    refused before the one that made it. `replaced`: a person made it. `served_by` is the alternative that a fallback is. Of a
    selection, `candidates` are those it chose from, and `chosen` the positions of what it gives, the best first.
    """

    node: str
    kind: str
    model: str
    status: str
    value: Any
    artifacts: tuple[Artifact, ...] = ()
    outputs: tuple[str, ...] = ()
    key: str | None = None
    run: str | None = None
    at_ms: int | None = None
    seconds: float | None = None
    made_with: dict[str, str] = {}
    stale: bool = False
    cost_microusd: int = 0
    job: Job | None = None
    replaced: Replacement | None = None
    served_by: str | None = None
    candidates: tuple[Candidate, ...] = ()
    chosen: tuple[int, ...] = ()
    passed: tuple[Passed, ...] = ()


def show_instance(
    loaded: LoadedGraph, store: Store, instance: str, realms: Mapping[str, str] | None = None
) -> ShowResult:
    """Return what is known of an instance. Raises ConfigError for a name that is none, UsageError if there is no result."""
    targets = [parse_target(loaded.graph, instance)]
    resolver = dry_resolver(loaded, store, targets, realms)
    unit = only_unit(resolver, targets[0], instance)
    name = resolver.fanout.name(unit)
    record = unit.record
    stale = record is None and unit.status is not Status.VALUE
    if stale:
        last = store.last_build(str(loaded.path), loaded.profile or "").get(name)
        record = None if last is None else resolver.lookup.find(ActionKey(last))
    value = unit.value if record is None else _value(record)
    if unit.status is Status.WAITING and loaded.graph.nodes[unit.node].kind.passes:
        value, stale = _asked(resolver, unit), False
    if stale and record is None:
        _refuse(unit, name)
    if contains_unknown(value):
        raise UsageError(f"{name} depends on what is not made yet", hint="build it first")
    return _result(loaded, store, resolver, unit, value, record, stale=stale)


def _asked(resolver: Resolver, unit: Unit) -> Value:
    """Return what a gate shows while a person is still to look at it. Raises UsageError where that is not made yet."""
    node = resolver.graph.nodes[unit.node]
    value: Value = resolver.inputs.params(unit, node)[node.kind.passes]
    if contains_unknown(value):
        name = resolver.fanout.name(unit)
        raise UsageError(f"what {name} shows is still to be made", hint="build it first")
    return value


def _result(
    loaded: LoadedGraph,
    store: Store,
    resolver: Resolver,
    unit: Unit,
    value: Value,
    record: Record | None,
    *,
    stale: bool,
) -> ShowResult:
    node = loaded.graph.nodes[unit.node]
    artifacts = tuple(_artifact(store, resolver, blob) for blob in dict.fromkeys(blobs_in(value)))
    digests = {artifact.digest for artifact in artifacts}
    folder = Path(loaded.pipeline.output_dir)
    written = store.outputs(str(loaded.path)).items() if node.output is not None else ()
    outputs = [str(folder / path) for path, output in written if output.digest in digests and (folder / path).is_file()]
    status = "value" if unit.status is Status.VALUE else "run" if unit.status is None else unit.status.value
    return ShowResult(
        node=resolver.fanout.name(unit),
        kind=node.kind.name,
        model=record.manifest.model if record is not None else "",
        status=status,
        value=value,
        artifacts=artifacts,
        outputs=tuple(outputs),
        key=None if record is None else record.key,
        run=None if record is None else record.run,
        at_ms=None if record is None else record.at_ms,
        seconds=None if record is None else record.seconds,
        made_with={} if record is None else record.made_with,
        stale=stale,
        cost_microusd=0 if record is None else record.cost_microusd,
        job=None if record is None else _job(store, record),
        replaced=None if record is None else _replacement(store, resolver, unit, record),
        passed=() if stale else unit.passed,
        served_by=_served_by(resolver, unit),
        candidates=_candidates(resolver, unit),
        chosen=chosen.positions if (chosen := resolver.inputs.selecting.made.get(unit)) is not None else (),
    )


def _replacement(store: Store, resolver: Resolver, unit: Unit, record: Record) -> Replacement | None:
    """Return what a person's file stands for; None for a result that was made."""
    file = file_of(record)
    if file is None:
        return None
    key = record.manifest.params.get("instead_of")
    moved = resolver.moved(unit) if unit.record is record else None
    old = behind(record, resolver.lookup.find)
    if old is None or not isinstance(old.outcome, Done):
        return Replacement(file, moved, key)
    value: Value = old.outcome.value
    return Replacement(
        file, moved, key, value, tuple(_artifact(store, resolver, blob) for blob in dict.fromkeys(blobs_in(value))),
        old.at_ms, old.manifest.model, old.cost_microusd,
    )  # fmt: skip


def _served_by(resolver: Resolver, unit: Unit) -> str | None:
    """Return the alternative that a fallback is, where one instance made it."""
    if not resolver.graph.nodes[unit.node].kind.lazy:
        return None
    name = resolver.fanout.name(unit)
    return next((one.by for one in Serving(resolver).served if one.node == name and one.by), None)


def _candidates(resolver: Resolver, unit: Unit) -> tuple[Candidate, ...]:
    node = resolver.graph.nodes[unit.node]
    if not node.kind.chooses:
        return ()
    return tuple(resolver.inputs.selecting.candidates(unit, node, resolver.inputs.params(unit, node)))


def _job(store: Store, record: Record) -> Job | None:
    """Return the paid request that a record came from: the last of its key that was settled by one."""
    if not is_paid(record.manifest.model):
        return None
    found = store.attempts.list([AttemptState.COMMITTED], key=record.key)
    return Job.of(found[-1]) if found else None


def _value(record: Record) -> Value:
    if not isinstance(record.outcome, Done):
        raise UsageError(record.outcome.message, hint="its last attempt failed")
    value: Value = record.outcome.value
    return value


def _refuse(unit: Unit, name: str) -> None:
    if unit.status is Status.SKIPPED:
        raise UsageError(
            f"{name} has no result: it is skipped", hint="its `when`, or that of a node it needs, does not hold"
        )
    if unit.status is Status.WAITING:
        raise UsageError(f"{name} has no result yet: a person is to choose", hint="dagcontent pick says which")
    error: DagcontentError | None = unit.error
    if error is not None:
        raise UsageError(f"{name} has no result: {error.message}", facts=error.facts, hint=error.hint)
    raise UsageError(f"{name} has no result yet", hint="build it first")


def _artifact(store: Store, resolver: Resolver, blob: Blob) -> Artifact:
    path: str | None
    try:
        path = str(store.cas.verified_path(blob.digest))
    except BlobDamaged:
        path = getattr(resolver.files, "paths", {}).get(blob.digest)
    return Artifact(blob.digest, blob.type, blob.media_type, blob.size_bytes, blob.facts, path)
