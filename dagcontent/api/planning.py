"""A loaded graph and a store into a Plan, and into the reason for one instance. Writes nothing but disposable caches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from dagcontent.api.ceilings import rooms
from dagcontent.api.files import BesideFiles
from dagcontent.api.loaded import LoadedGraph
from dagcontent.api.loading import wrong_graph
from dagcontent.api.result import WhyResult
from dagcontent.api.spending import with_recovery
from dagcontent.api.targets import Target, chosen_by, parse_target, parse_targets
from dagcontent.api.wiring import StoreLookup
from dagcontent.errors import ConfigError, NodeError, UsageError
from dagcontent.graph.roots import root_nodes
from dagcontent.plan.asking import Terms
from dagcontent.plan.explain import Explainer, nearest_record
from dagcontent.plan.model import FieldDiff, Plan
from dagcontent.plan.passed import passed_words
from dagcontent.plan.planner import make_plan, resolve_dry
from dagcontent.plan.replaced import behind
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Status, Unit
from dagcontent.plan.written import digests_of
from dagcontent.run.outputs import collisions
from dagcontent.store.store import Store
from dagcontent.values.attempt import AttemptState
from dagcontent.values.canonical import Encoder
from dagcontent.values.instances import instance_name, node_of
from dagcontent.values.money import Ceiling
from dagcontent.values.record import Record
from dagcontent.values.value import ActionKey

__all__ = [
    "asked_with",
    "check_offered",
    "check_outputs",
    "check_targets",
    "dry_resolver",
    "explain_instance",
    "new_resolver",
    "only_unit",
    "plan_graph",
]

_NEAREST_OF = 200


def new_resolver(
    loaded: LoadedGraph,
    store: Store,
    files: BesideFiles,
    targets: Sequence[Target],
    *,
    epoch: str | None,
    realms: Mapping[str, str] | None = None,
    terms: Terms | None = None,
) -> Resolver:
    """Return a resolver over a store's records. `terms` are those of today."""
    return Resolver(
        loaded.graph,
        StoreLookup(store, str(loaded.path)),
        files,
        epoch=epoch,
        targets=[t.node for t in targets] if targets else None,
        wanted=chosen_by(targets) if targets else None,
        realms=realms,
        terms=msgspec.structs.replace(terms or Terms(), today=datetime.now(UTC).date()),
    )


def plan_graph(  # noqa: PLR0913 - what a plan is asked
    loaded: LoadedGraph, store: Store, targets: Sequence[str] = (), *, explain: bool = True,
    realms: Mapping[str, str] | None = None, terms: Terms | None = None, ceilings: Sequence[Ceiling] = (),
    binding: bool = False, files: BesideFiles | None = None,
) -> Plan:  # fmt: skip
    """Return the dry run. Raises ConfigError, UsageError.

    `ceilings` are those that are known outside the graph, `terms` those on which models are asked. With `binding`, rows say
    what is written of them, so that a build can be held to it. `files` reads what stands beside the graph, and says
    afterwards what it read.
    """
    wanted = parse_targets(loaded.graph, targets)
    files = files or BesideFiles(Path(loaded.pipeline.folder), store.side)
    resolver = dry_resolver(loaded, store, wanted, realms, files, terms)
    check_targets(resolver, wanted)
    check_outputs(resolver)
    plan = make_plan(
        resolver,
        store.last_build(str(loaded.path), loaded.profile or ""),
        explain=explain,
        market=None if terms is None else terms.market,
    )
    rows = tuple(msgspec.structs.replace(r, why=_with_lines(loaded, r.why)) if r.why else r for r in plan.rows)
    warnings = (*loaded.warnings, *loaded.strays(resolver.decisions), *plan.warnings)
    plan = msgspec.structs.replace(plan, rows=rows, warnings=warnings, profile=loaded.profile)
    if not loaded.paid:
        return plan
    plan = _with_unsent(with_recovery(plan), store)
    if any(row.may_cost for row in plan.rows):
        budget = loaded.pipeline.budget_microusd
        found = rooms(store, str(loaded.path), budget, ceilings, datetime.now(UTC))
        plan = msgspec.structs.replace(plan, ceilings=found)
    return _bound(plan, resolver, files, realms or {}) if binding else plan


def _with_unsent(plan: Plan, store: Store) -> Plan:
    """Return a plan that says which requests under way may turn out never to have been sent: nothing is known of them but the
    intent, and a list can prove it.
    """
    found = {row.attempt for row in plan.rows if row.status == "resume" and row.attempt is not None}
    if not found:
        return plan
    unsent = {one.id for one in store.attempts.list([AttemptState.INTENT]) if one.id in found}
    rows = [msgspec.structs.replace(row, unsent=True) if row.attempt in unsent else row for row in plan.rows]
    return msgspec.structs.replace(plan, rows=tuple(rows))


def _bound(plan: Plan, resolver: Resolver, files: BesideFiles, realms: Mapping[str, str]) -> Plan:
    """Return a plan whose paid rows say what is written of them, and whose hosts are asked."""
    digests = digests_of(
        resolver.graph, file_digest=files.digest_of,
        values=lambda node: [unit.value for unit in resolver.fanout.units_of(node) if unit.status is Status.VALUE],
    )  # fmt: skip
    rows = []
    for row in plan.rows:
        if row.may_cost:
            realm = realms.get(row.model.partition("/")[0], "")
            asks = digests[node_of(row.node)] + (f" at {realm}" if realm else "")
            row = msgspec.structs.replace(row, asks=asks)  # noqa: PLW2901 - the same row, completed
        rows.append(row)
    return msgspec.structs.replace(plan, rows=tuple(rows))


def explain_instance(
    loaded: LoadedGraph, store: Store, instance: str, realms: Mapping[str, str] | None = None
) -> WhyResult:
    """Return why one instance would run, against its last build or the nearest earlier result. Raises ConfigError."""
    targets = [parse_target(loaded.graph, instance)]
    alone = targets[0].node in root_nodes(loaded.graph)  # else it is asked for by a fallback, or not at all
    resolver = dry_resolver(loaded, store, asked_with(loaded, targets) if alone else (), realms)
    last = store.last_build(str(loaded.path), loaded.profile or "")
    plan = msgspec.structs.replace(make_plan(resolver, last), profile=loaded.profile)
    unit = only_unit(resolver, targets[0], instance)
    name = resolver.fanout.name(unit)
    row = next((r for r in plan.rows if r.node == name), None)
    explainer = Explainer(resolver)
    old, compared = _earlier(resolver, explainer, unit, last.get(name))
    asked = None not in unit.coords and unit.status is not None
    diffs = explainer.diff(unit, old, everything=True) if asked else ()
    return WhyResult(
        node=name,
        status="value" if row is None else row.status,
        cause=None if row is None else row.cause,
        compared_with=compared,
        at_ms=None if old is None else old.at_ms,
        run=None if old is None else old.run,
        diffs=_with_lines(loaded, diffs),
        plan=plan,
        error=None if unit.error is None else unit.error.message,
        notes=(
            *((f"in place of: {passed_words(unit.passed)}",) if unit.passed else ()),
            *(unit.notes or (row.price.notes if row is not None and row.price is not None else ())),
        ),
    )


def check_outputs(resolver: Resolver) -> None:
    """Find instances that would write one file, before either does. Raises UsageError."""
    try:
        found = collisions(resolver)
    except NodeError as error:
        raise UsageError(error.message, hint=error.hint) from None
    if found:
        first = found[0]
        raise UsageError(
            f"{first.first} and {first.second} would both write {first.path}",
            facts=[("pairs", str(len(found)))],
            hint="give each its own `output`; upper and lower case count as equal",
        )


def check_offered(loaded: LoadedGraph, plan: Plan) -> None:
    """Find nodes that only a model which is no more could make, before others are paid for. Raises GraphError."""
    needed = {node_of(row.node) for row in plan.rows if row.status in {"failed", "run"}}
    found = [mistake for node, mistake in loaded.ended.items() if node in needed]
    if found:
        raise wrong_graph(found[0].file, found)


def check_targets(resolver: Resolver, targets: Sequence[Target]) -> None:
    """Find targets that name no instance of a node whose instances are known. Raises ConfigError."""
    for target in targets:
        wanted = chosen_by([target])
        units = resolver.fanout.units_of(target.node)
        if wanted is not None and units and not any(wanted(resolver.fanout, unit) for unit in units):
            _refuse(resolver, target)


def _refuse(resolver: Resolver, target: Target) -> None:
    names = [resolver.fanout.name(u) for u in resolver.fanout.units_of(target.node)]
    node = resolver.graph.nodes[target.node]
    shown = ["*" if label is None else f"#{label}" if isinstance(label, int) else label for label in target.labels]
    name = instance_name(node.name, shown, node.levels) if node.levels else f"{node.name}[{','.join(shown)}]"
    known = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    hint = f"there is: {known}" if names else "its list is empty"
    raise ConfigError(f"no instance `{name}`", hint=hint)


def _with_lines(loaded: LoadedGraph, diffs: Sequence[FieldDiff]) -> tuple[FieldDiff, ...]:
    return tuple(msgspec.structs.replace(d, lines=tuple(loaded.lines_of(d))) for d in diffs)


def dry_resolver(
    loaded: LoadedGraph, store: Store, targets: Sequence[Target], realms: Mapping[str, str] | None = None,
    files: BesideFiles | None = None, terms: Terms | None = None,
) -> Resolver:  # fmt: skip
    """Return a resolver that was driven to its end, every miss answered with UNKNOWN."""
    files = files or BesideFiles(Path(loaded.pipeline.folder), store.side)
    epoch = store.open_epoch(str(loaded.path), loaded.profile or "")
    with store.snapshot():
        resolver = new_resolver(loaded, store, files, targets, epoch=epoch, realms=realms, terms=terms)
        resolve_dry(resolver)
    return resolver


def asked_with(loaded: LoadedGraph, targets: Sequence[Target]) -> Sequence[Target]:
    """Return what is to be resolved to compare targets with today: of what is pinned the inputs are not asked for by itself."""
    pinned = {choice.node for choice in loaded.pipeline.choices if choice.stays}
    names = {loaded.graph.nodes[target.node].name for target in targets}
    return () if pinned & names else targets


def only_unit(resolver: Resolver, target: Target, instance: str) -> Unit:
    """Return the one unit that a target names. Raises ConfigError for none and for several."""
    wanted = chosen_by([target])
    units = [u for u in resolver.fanout.units_of(target.node) if wanted is None or wanted(resolver.fanout, u)]
    if not units:
        known = ", ".join(resolver.fanout.name(u) for u in resolver.fanout.units_of(target.node)[:12])
        raise ConfigError(f"no instance `{instance}`", hint=f"there is: {known}" if known else "its list is empty")
    if len(units) > 1:
        known = ", ".join(resolver.fanout.name(u) for u in units[:12])
        raise ConfigError(f"`{instance}` names {len(units)} instances", hint=f"name one: {known}")
    return units[0]


def _earlier(resolver: Resolver, explainer: Explainer, unit: Unit, last: str | None) -> tuple[Record | None, str]:
    if last is not None:
        record = behind(resolver.lookup.find(ActionKey(last)), resolver.lookup.find)
        if record is not None:
            return record, "last"
    params, model = explainer.known_params(unit)
    kind = resolver.graph.nodes[unit.node].kind.name
    record = nearest_record(resolver.lookup.family(kind, model, _NEAREST_OF), params, Encoder())
    return record, "nothing" if record is None else "nearest"
