"""An instance and a store into every result that it ever had. Writes nothing.

What was paid for is on the journal, under the instance's name in this graph. Free results are not written down by instance:
those found are the samples of today's request, that of the last build, and, for a node without dimensions that is the
graph's only one of its kind, results of its kind and model that differ from today's request in one parameter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from dagcontent.api.loaded import LoadedGraph
from dagcontent.api.planning import asked_with, check_targets, dry_resolver
from dagcontent.api.targets import chosen_by, parse_target
from dagcontent.errors import UsageError
from dagcontent.graph.model import Node
from dagcontent.kinds.declaration import WORKED_OUT
from dagcontent.plan.explain import Explainer
from dagcontent.plan.model import FieldDiff
from dagcontent.plan.replaced import REPLACED, file_of, is_replaced, kind_replaced
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Status, Unit
from dagcontent.store.store import Store
from dagcontent.values.attempt import AttemptState
from dagcontent.values.record import FailedCharged, Record

__all__ = ["Past", "Taken", "TakesResult", "takes_of"]

_MOST_SAMPLES: Final = 64
"""Samples that are looked for beyond the one that a person asked for."""
_MOST: Final = 1_000
_FAMILY: Final = 200


class Taken(msgspec.Struct, frozen=True):
    """One result of an instance. `now`: a build would use it. `there`: its bytes are in the store. `error`: it failed, and was
    charged. `differs` are the fields of its request that are not today's. `file`: a person gave it.
    """

    key: str
    take: int
    reroll: int
    model: str
    at_ms: int
    run: str
    cost_microusd: int
    there: bool
    now: bool
    pinned: bool
    value: Any = None
    error: str | None = None
    differs: tuple[FieldDiff, ...] = ()
    file: str | None = None


class TakesResult(msgspec.Struct, frozen=True):
    """What one instance ever was, newest first."""

    node: str
    rows: tuple[Taken, ...]


def takes_of(
    loaded: LoadedGraph, store: Store, text: str, realms: Mapping[str, str] | None = None
) -> tuple[TakesResult, ...]:
    """Return what every instance that a text names ever was. Raises ConfigError for a name that is none, UsageError for a node
    that makes nothing.
    """
    target = parse_target(loaded.graph, text)
    resolver = dry_resolver(loaded, store, asked_with(loaded, [target]), realms)
    check_targets(resolver, [target])
    node = loaded.graph.nodes[target.node]
    if node.kind.effect in WORKED_OUT:
        asked = "" if node.verdict is None else loaded.graph.nodes[node.verdict.node].name
        hint = f"name whom it asks: {asked}" if asked else "name another node"
        raise UsageError(f"{node.kind.name} is worked out each time: {node.name} has no results", hint=hint)
    wanted = chosen_by([target])
    units = [u for u in resolver.fanout.units_of(target.node) if wanted is None or wanted(resolver.fanout, u)]
    history = Past(loaded, store, resolver)
    return tuple(history.of(unit, node) for unit in units if None not in unit.coords)


class Past:
    """What the units of one resolution ever were."""

    def __init__(self, loaded: LoadedGraph, store: Store, resolver: Resolver) -> None:
        self._loaded = loaded
        self._store = store
        self._resolver = resolver
        self._explainer = Explainer(resolver)
        self._graph_id = str(loaded.path)
        self._last = store.last_build(self._graph_id, loaded.profile or "")
        charged = store.attempts.list([AttemptState.CHARGED])
        self._failed = [(a.intent.instance, a.intent.key) for a in charged if a.intent.graph == self._graph_id]

    def of(self, unit: Unit, node: Node) -> TakesResult:
        """Return what a unit ever was."""
        name = self._resolver.fanout.name(unit)
        records: dict[str, Record] = {}
        asked: set[str] = set()
        for key in self._keys(unit, name):
            asked.add(key)
            if key not in records and (record := self._store.get(key)) is not None:
                records[key] = record
        for record in [*self._alike(unit, node), *self._given(node, asked)]:
            records.setdefault(record.key, record)
        rows = sorted((self._row(unit, record) for record in records.values()), key=lambda row: -row.at_ms)
        return TakesResult(name, tuple(rows))

    def _keys(self, unit: Unit, name: str) -> Iterator[str]:
        if unit.record is not None:
            yield unit.record.key
        if name in self._last:
            yield self._last[name]
        yield from self._store.attempts.committed(self._graph_id, name, _MOST)
        yield from (key for instance, key in self._failed if instance == name)
        manifest = unit.manifest
        if is_replaced(unit.record) and unit.record is not None:
            yield str(unit.record.manifest.params.get("instead_of", ""))
            manifest = next(iter(self._resolver.inputs.today(unit)), None)
        if manifest is not None:
            for reroll in range(manifest.reroll + _MOST_SAMPLES):
                yield self._resolver.keys.key(msgspec.structs.replace(manifest, reroll=reroll))

    def _alike(self, unit: Unit, node: Node) -> Sequence[Record]:
        """Return free results that were most likely this unit's; none where they may well have been another node's."""
        alone = not node.dims and sum(other.kind is node.kind for other in self._loaded.graph.nodes) == 1
        if not alone or unit.manifest is None or unit.manifest.model.partition("/")[0] not in {"", "local"}:
            return ()
        family = self._store.family(node.kind.name, unit.manifest.model, _FAMILY)
        return [record for record in family if len(self._differs(unit, record)) <= 1]

    def _given(self, node: Node, keys: set[str]) -> Iterator[Record]:
        """Yield the files that a person put in the place of one of these results, at any time."""
        for record in self._store.family(REPLACED, "", _FAMILY):
            if kind_replaced(record) == node.kind.name and record.manifest.params.get("instead_of") in keys:
                yield record

    def _differs(self, unit: Unit, record: Record) -> tuple[FieldDiff, ...]:
        if is_replaced(record):
            return ()
        return tuple(
            msgspec.structs.replace(diff, lines=tuple(self._loaded.lines_of(diff)))
            for diff in self._explainer.diff(unit, record)
            if diff.changed and diff.field != "reroll"
        )

    def _row(self, unit: Unit, record: Record) -> Taken:
        outcome, manifest = record.outcome, record.manifest
        failed = isinstance(outcome, FailedCharged)
        now = unit.record is not None and unit.record.key == record.key
        return Taken(
            key=record.key, take=manifest.take, reroll=manifest.reroll, model=manifest.model, at_ms=record.at_ms,
            run=record.run, cost_microusd=record.cost_microusd, there=not failed and not self._store.missing_blobs(record),
            now=now, pinned=now and unit.status is Status.PINNED,
            value=None if isinstance(outcome, FailedCharged) else outcome.value,
            error=outcome.message if isinstance(outcome, FailedCharged) else None, differs=self._differs(unit, record),
            file=file_of(record),
        )  # fmt: skip
