"""A unit against its last build: what differs, why it would run, and where that is written. Knows no text positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dagcontent.catalog.request import Request
from dagcontent.errors import NodeError
from dagcontent.graph.model import (
    Element,
    Expr,
    FromFile,
    Into,
    Join,
    Literal,
    MemberStep,
    Node,
    Output,
    Sequence,
    Table,
)
from dagcontent.plan.action import OPTIONS, SEED, carries, keyed_params
from dagcontent.plan.asking import Later
from dagcontent.plan.evaluate import Missing
from dagcontent.plan.model import FieldDiff
from dagcontent.plan.paid import ALWAYS, asked, is_paid
from dagcontent.plan.replaced import REPLACED
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Status, Unit
from dagcontent.spec.model import Place
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Manifest, Record
from dagcontent.values.types import ANY
from dagcontent.values.value import Value, contains_unknown

__all__ = ["MOST_COMPARED", "Explainer", "cause_of", "nearest_record"]

MOST_COMPARED = 256
"""Records of a family that are looked at to tell `run` from `maybe`; with more, it stays `maybe`."""


class Explainer:
    """Explains units of one resolution."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._graph = resolver.graph
        self._fanout = resolver.fanout
        self._encoder = Encoder()
        self._families: dict[tuple[str, str], list[Manifest] | None] = {}
        self._asked: tuple[Unit, Request] | None = None

    def known_params(self, unit: Unit) -> tuple[dict[str, Value], str]:
        """Return a unit's keyed parameters as far as they are known, and its model. Raises NodeError where they fit none."""
        today = self._resolver.inputs.today(unit) if unit.status is Status.PINNED else ()
        manifest = today[0] if today else unit.manifest
        if manifest is not None and manifest.kind != REPLACED:
            return manifest.params, manifest.model
        params = dict(unit.params or {})
        model = str(params.pop("model", ""))
        node = self._fanout.node_of(unit)
        return self._keyed(node, model, params, lambda: self.request(unit, node, model, params)), model

    def _keyed(self, node: Node, model: str, params: dict[str, Any], ask: Callable[[], Request]) -> dict[str, Value]:
        kind = node.kind
        known = {k: v for k, v in params.items() if not contains_unknown(v)}
        if is_paid(model):
            try:
                request = ask()
            except NodeError:
                request = asked(node, model, params, ALWAYS)  # what it made stays, though it has ended
            fit = {**params, **request.params}
            known = {k: v for k, v in fit.items() if not contains_unknown(v)}
        defaults = {p.name: self._encoder.encode(p.default) for p in kind.params if p.default is not None}
        keyed = keyed_params(kind, known, defaults, self._encoder)
        return keyed | {k: v for k, v in params.items() if contains_unknown(v)}

    def request(self, unit: Unit, node: Node, model: str, params: Mapping[str, Any]) -> Request:
        """Return the request of a paid unit as far as it is known; of the last unit that was asked for it is remembered.
        Raises NodeError.
        """
        if self._asked is None or self._asked[0] is not unit:
            self._asked = unit, asked(node, model, params, self._resolver.keys.today)
        return self._asked[1]

    def must_run(self, unit: Unit) -> bool:
        """Tell whether no earlier result can serve, whatever the unknown inputs turn out to be."""
        if unit.params is None:
            return False
        try:
            params, model = self.known_params(unit)
        except NodeError:
            return False
        return self._none_serves(unit, self._fanout.node_of(unit), model, params)

    def must_run_as(self, unit: Unit, later: Later) -> bool:
        """Tell the same of a model that may be asked when others were refused."""
        today = self._resolver.keys.today
        try:
            params = self._keyed(
                later.node, later.model, later.params, lambda: asked(later.node, later.model, later.params, today)
            )
        except NodeError:
            return False
        return self._none_serves(unit, later.node, later.model, params)

    def _none_serves(self, unit: Unit, node: Node, model: str, params: Mapping[str, Value]) -> bool:
        if node.spec.cache == "run":
            return False
        family = self._family(node.kind.name, model)
        if family is None:
            return False
        sample = self._resolver.decisions.sample(unit, node)
        last = sample.reroll + (node.spec.on_block.reroll if node.spec.on_block is not None else 0)
        family = [m for m in family if m.take == sample.take and sample.reroll <= m.reroll <= last]
        known = {k: self._bytes(v, node, model) for k, v in params.items() if not contains_unknown(v)}
        partly = {k: v for k, v in params.items() if contains_unknown(v)}
        return not any(self._may_match(m, known, partly, node) for m in family)

    def _family(self, kind: str, model: str) -> list[Manifest] | None:
        if (kind, model) not in self._families:
            records = self._resolver.lookup.family(kind, model, MOST_COMPARED + 1)
            full = len(records) > MOST_COMPARED
            realm = self._resolver.keys.realm(model)
            self._families[kind, model] = None if full else [r.manifest for r in records if r.manifest.realm == realm]
        return self._families[kind, model]

    def _may_match(self, old: Manifest, known: Mapping[str, bytes], partly: Mapping[str, Value], node: Node) -> bool:
        for name, data in known.items():
            if name not in old.params or self._bytes(old.params[name], node, old.model) != data:
                return False
        optional = {p.name for p in node.kind.params}
        return all(
            name in known or name in partly for name in old.params if name in optional or name in {SEED, OPTIONS}
        )

    def _bytes(self, value: Value, node: Node, model: str) -> bytes:
        return self._encoder.encode(value, carry=carries(node.kind, model))

    # -- differences --------------------------------------------------------------------------------------------

    def diff(self, unit: Unit, old: Record | None, *, everything: bool = False) -> tuple[FieldDiff, ...]:
        """Return the fields that differ from an earlier manifest; with `everything` the equal ones as well."""
        node = self._fanout.node_of(unit)
        try:
            params, model = self.known_params(unit)
        except NodeError:
            return ()
        then: Mapping[str, Value] = {} if old is None else old.manifest.params
        rows: list[FieldDiff] = []
        if old is not None and old.manifest.model != model:
            rows.append(FieldDiff("model", old.manifest.model, model, places=self._places_of(node, "model")))
        if old is not None and old.manifest.version != node.kind.version:
            rows.append(FieldDiff("version", old.manifest.version, node.kind.version))
        sample, choice = self._resolver.decisions.sample(unit, node), self._resolver.decisions.of(unit)
        if old is not None and old.manifest.reroll != sample.reroll:
            written_at = () if choice is None else (choice.place,)
            rows.append(FieldDiff("reroll", old.manifest.reroll, sample.reroll, places=written_at))
        written = dict(node.params)
        for name in sorted(
            {*params, *then}, key=lambda n: (n not in written, list(written).index(n) if n in written else 0)
        ):
            now, before = params.get(name), then.get(name)
            unknown = contains_unknown(now)
            same = (
                not unknown
                and name in params
                and name in then
                and self._bytes(now, node, model) == self._bytes(before, node, model)
            )
            if same and not everything:
                continue
            expr = written.get("returns" if name == "schema" and "schema" not in written else name)
            fields = self._fields(unit, name, expr, now, before) if not same else []
            if fields:
                rows += fields
                continue
            places, upstream = self._origins(node, name, expr, unit)
            rows.append(
                FieldDiff(f"params.{name}", before, None if unknown else now, not same, unknown, places, upstream)
            )
        return tuple(rows)

    def _fields(self, unit: Unit, name: str, expr: Expr | None, now: Value, before: Value) -> list[FieldDiff]:
        """Return the fields that differ in a list of as many tables as it had; of any other value nothing."""
        node = self._graph.nodes[unit.node]
        param = node.kind.param(name)
        if param is None or not param.fields or not isinstance(now, list) or not isinstance(before, list):
            return []
        tables = _tables(expr)
        if not len(now) == len(before) == len(tables):
            return []
        rows: list[FieldDiff] = []
        for position, (table, new, old) in enumerate(zip(tables, now, before, strict=True)):
            if table is None or not isinstance(new, dict) or not isinstance(old, dict):
                return []
            for field in {**old, **new}:
                unknown = contains_unknown(new.get(field))
                both = not unknown and field in new and field in old
                if both and self._bytes(new[field], node, "") == self._bytes(old[field], node, ""):
                    continue
                places, upstream = self._origins(node, name, table.get(field), unit)
                if not places and not upstream:
                    places = self._places_of(node, name)
                shown = None if unknown else new.get(field)
                rows.append(
                    FieldDiff(
                        f"params.{name}[{position}].{field}", old.get(field), shown, True, unknown, places, upstream
                    )
                )
        return rows

    def _places_of(self, node: Node, key: str) -> tuple[Place, ...]:
        return (node.spec.place_of(key),)

    def _origins(
        self, node: Node, name: str, expr: Expr | None, unit: Unit
    ) -> tuple[tuple[Place, ...], tuple[str, ...]]:
        if expr is None:
            return (self._places_of(node, name) if name in {SEED, OPTIONS} else ()), ()
        places: dict[Place, None] = {}
        upstream: dict[str, None] = {}
        for place, name_above in self._trace(expr, unit, 0):
            if place is not None:
                places[place] = None
            if name_above is not None:
                upstream[name_above] = None
        if not places and not upstream:
            places.update(dict.fromkeys(self._places_of(node, name)))
        return tuple(places), tuple(upstream)

    def _trace(self, expr: Expr, unit: Unit, depth: int) -> Iterable[tuple[Place | None, str | None]]:
        """Yield where the parts of a value are written, through references to values, and what else it comes from."""
        if depth > 20:
            return
        if isinstance(expr, Literal):
            yield expr.place, None
        elif isinstance(expr, Element):
            yield from self._trace_element(expr, unit, depth)
        elif isinstance(expr, Output):
            yield from self._trace_output(expr, unit, depth)
        elif isinstance(expr, FromFile):
            yield None, expr.path.rsplit("/", 1)[-1]
        elif isinstance(expr, Into):
            yield expr.base.place, None
        else:
            parts: Iterable[Any] = ()
            if isinstance(expr, Join):
                parts = (p for p in expr.parts if not isinstance(p, str))
            elif isinstance(expr, Sequence):
                parts = expr.items
            elif isinstance(expr, Table):
                parts = (item for _, item in expr.items)
            for part in parts:
                yield from self._trace(part, unit, depth + 1)

    def _trace_element(self, expr: Element, unit: Unit, depth: int) -> Iterable[tuple[Place | None, str | None]]:
        dim = self._graph.dimensions[expr.dim]
        here = self._fanout.scope_of(unit).get(expr.dim)
        if here is None:
            return
        if isinstance(dim.of, Literal) and dim.of.place is not None:
            path: tuple[str | int, ...] = (*dim.of.place.path, here + expr.shift)
            steps = [s.name for s in expr.steps if isinstance(s, MemberStep)]
            if len(steps) == len(expr.steps):
                path = (*path, *steps)
            yield Place(dim.of.place.file, path), None
        elif isinstance(dim.of, Sequence) and here + expr.shift in range(len(dim.of.items)):
            part, rest = dim.of.items[here + expr.shift], expr.steps
            while rest and isinstance(part, Table) and isinstance(step := rest[0], MemberStep):
                found = dict(part.items).get(step.name)
                if found is None:
                    break
                part, rest = found, rest[1:]
            if isinstance(part, Literal) and part.place is not None and all(isinstance(s, MemberStep) for s in rest):
                names = (s.name for s in rest if isinstance(s, MemberStep))
                yield Place(part.place.file, (*part.place.path, *names)), None
            else:
                yield from self._trace(part, unit, depth + 1)
        else:
            yield from self._trace(dim.of, unit, depth + 1)

    def _trace_output(self, expr: Output, unit: Unit, depth: int) -> Iterable[tuple[Place | None, str | None]]:
        try:
            chosen = self._resolver.evaluator.chosen(expr, self._fanout.scope_of(unit))
        except (NodeError, Missing):
            return  # a look-up that misses comes from nowhere
        if not isinstance(chosen, Unit):
            yield None, f"{self._graph.nodes[expr.node].name}[*]"
            return
        if chosen.status is Status.VALUE:
            for _, inner in self._graph.nodes[expr.node].params:
                yield from self._trace(inner, chosen, depth + 1)
        else:
            yield None, self._fanout.name(chosen)


def _tables(expr: Expr | None) -> list[Mapping[str, Expr] | None]:
    """Return what is written for each table of a list; None for one that is not written as a table."""
    if isinstance(expr, Literal):
        given = expr.value if isinstance(expr.value, list) else [expr.value]
        return [_literals(expr, item, position) for position, item in enumerate(given)]
    items = expr.items if isinstance(expr, Sequence) else (expr,)
    return [
        dict(item.items)
        if isinstance(item, Table)
        else _literals(item, item.value)
        if isinstance(item, Literal)
        else None
        for item in items
    ]


def _literals(whole: Literal, table: Any, position: int | None = None) -> Mapping[str, Expr] | None:
    if not isinstance(table, dict):
        return None
    at = () if position is None or not isinstance(whole.value, list) else (position,)
    there = whole.place
    return {
        key: Literal(value, ANY, None if there is None else Place(there.file, (*there.path, *at, key)))
        for key, value in table.items()
    }


def cause_of(unit: Unit, old: Record | None, diffs: tuple[FieldDiff, ...]) -> str:
    """Return why there is no hit: `new`, `upgrade`, `edit` (something written changed) or `upstream`."""
    if old is None:
        return "new"
    changed = [d for d in diffs if d.changed]
    if changed and all(d.field == "version" for d in changed):
        return "upgrade"
    if any(not d.unknown and (d.places or not d.upstream) for d in changed):
        return "edit"
    return "upstream" if changed or unit.upstream else "new"


def nearest_record(records: Iterable[Record], params: Mapping[str, Value], encoder: Encoder) -> Record | None:
    """Return the record whose manifest differs from these parameters in the fewest fields."""

    def distance(record: Record) -> int:
        names = {*params, *record.manifest.params}
        return sum(
            contains_unknown(params.get(n))
            or n not in params
            or n not in record.manifest.params
            or encoder.encode(params[n]) != encoder.encode(record.manifest.params[n])
            for n in names
        )

    return min(records, key=distance, default=None)
