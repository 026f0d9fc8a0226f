"""The catalog, and the models of a graph, into what wants looking after: prices that are old, models that end, and what it
costs to go over to the next one. Knows no screen; writes nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dagcontent.api.choosing import SOON_DAYS, stale
from dagcontent.api.loaded import LoadedGraph
from dagcontent.api.planning import dry_resolver
from dagcontent.catalog.check import problems
from dagcontent.catalog.load import find, models
from dagcontent.catalog.market import Market
from dagcontent.catalog.model import Model
from dagcontent.errors import NodeError
from dagcontent.graph.model import Node
from dagcontent.plan.evaluate import Missing
from dagcontent.plan.paid import ALWAYS, is_paid, price_of
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Status, Unit
from dagcontent.store.store import open_store
from dagcontent.values.money import usd_decimal
from dagcontent.values.quote import Quote

__all__ = ["Change", "OfCatalog", "Upkeep", "document", "of_catalog", "of_graph"]


class Change(msgspec.Struct, frozen=True):
    """A node that goes over to its model's successor.

    `requests` are its instances whose request is known, `open` says that there may be more. `now` and `then` are what all
    of them cost at the model and at its successor, None where there is none; `lacks` is what the successor cannot do of them.
    """

    node: str
    file: str
    line: int
    requests: int
    open: bool
    now: Quote | None
    then: Quote | None
    lacks: tuple[str, ...] = ()


class Upkeep(msgspec.Struct, frozen=True):
    """One model of a graph. `days` are those until it ends, below 0 since then; None: no end is known.

    `old` are its prices that were found too long ago, as (unit, date, source).
    """

    model: str
    nodes: tuple[str, ...]
    retired: str | None = None
    days: int | None = None
    successor: str = ""
    changes: tuple[Change, ...] = ()
    old: tuple[tuple[str, str, str], ...] = ()

    @property
    def ended(self) -> bool:
        """Whether it is no more."""
        return self.days is not None and self.days <= 0

    @property
    def due(self) -> bool:
        """Whether something is to be done about it."""
        return bool(self.old) or self.ends

    @property
    def ends(self) -> bool:
        """Whether it is no more, or will soon not be."""
        return self.days is not None and self.days <= SOON_DAYS


class OfCatalog(msgspec.Struct, frozen=True):
    """Counts over the catalog: models there are, that end soon, and that are no more; those with an old price of the first."""

    models: int
    ending: int
    ended: int
    stale: int


def of_catalog(market: Market, today: datetime.date) -> OfCatalog:
    """Return the counts."""
    known = models()
    there = [model for model in known if not model.gone(today)]
    ending = [model for model in there if model.retired is not None and (model.retired - today).days <= SOON_DAYS]
    old = [model for model in there if any(stale(price, today) for price in market.own.get(model.id, model.prices))]
    return OfCatalog(len(there), len(ending), len(known) - len(there), len(old))


def of_graph(
    loaded: LoadedGraph, store: Path, market: Market, today: datetime.date, realms: Mapping[str, str] | None = None
) -> tuple[Upkeep, ...]:
    """Return every paid model that a graph names, in the order of its nodes. Raises ConfigError, StoreError."""
    with open_store(store, write=False) as opened:
        resolver = dry_resolver(loaded, opened, (), realms)
    units: dict[str, dict[str, list[Unit]]] = {}
    for unit in resolver.fanout.all_units():
        if unit.node < 0 or unit.status in {None, Status.SKIPPED, Status.BLOCKED}:
            continue
        model = _model_of(resolver, unit)
        if is_paid(model):
            units.setdefault(model, {}).setdefault(resolver.graph.nodes[unit.node].name, []).append(unit)
    return tuple(_of_model(_Going(loaded, resolver, market, today), model, nodes) for model, nodes in units.items())


def document(found: Upkeep) -> dict[str, Any]:
    """Return a model's upkeep as JSON data. Amounts are decimal texts, in dollars."""
    return {
        "model": found.model,
        "nodes": list(found.nodes),
        "retired": found.retired,
        "days_left": found.days,
        "gone": found.ended,
        "successor": found.successor or None,
        "changes": [
            {
                "node": one.node, "file": one.file, "line": one.line, "requests": one.requests, "more": one.open,
                "now_usd": _amounts(one.now), "then_usd": _amounts(one.then), "cannot": list(one.lacks),
            }
            for one in found.changes
        ],
        "old_prices": [{"unit": unit, "date": date, "source": source} for unit, date, source in found.old],
    }  # fmt: skip


class _Going(msgspec.Struct, frozen=True):
    """What changes are reckoned with."""

    loaded: LoadedGraph
    resolver: Resolver
    market: Market
    today: datetime.date


def _of_model(going: _Going, model: str, nodes: Mapping[str, Sequence[Unit]]) -> Upkeep:
    known = find(model)
    if known is None:
        return Upkeep(model, tuple(nodes))
    prices = () if known.gone(going.today) else going.market.prices_of(known)
    old = tuple((p.unit, p.date.isoformat(), p.source) for p in prices if stale(p, going.today))
    found = Upkeep(model, tuple(nodes), old=old)
    if known.retired is None:
        return found
    after = _successor(known, going.today)
    found = msgspec.structs.replace(
        found, retired=known.retired.isoformat(), days=(known.retired - going.today).days, successor=after
    )
    if not found.ends:
        return found
    changes = tuple(_change(going, model, after, units) for units in nodes.values())
    return msgspec.structs.replace(found, changes=changes)


def _successor(model: Model, today: datetime.date) -> str:
    """Return the first model of those that come after one, each after the other, that is not gone itself."""
    seen = {model.id}
    while model.successor:
        name = f"{model.provider}/{model.successor}"
        found = find(name)
        if found is None or found.id in seen or not found.gone(today):
            return name
        seen.add(found.id)
        model = found
    return ""


def _change(going: _Going, model: str, after: str, units: Sequence[Unit]) -> Change:
    node = going.resolver.graph.nodes[units[0].node]
    place = node.spec.place_of("model")
    file, line = going.loaded.line_of(place) or ("", 0)
    asked = [params for unit in units if None not in unit.coords and (params := _params(going, unit)) is not None]
    lacks = (
        dict.fromkeys(text for params in asked for text in _lacks(node, after, params, going.today)) if after else {}
    )
    now = [price_of(node, model, params, ALWAYS, going.market).quote for params in asked]
    then = [price_of(node, after, params, going.today, going.market).quote for params in asked]
    is_open = any(None in unit.coords for unit in units)
    return Change(
        node.name, file, line, len(asked), is_open, _sum(now), _sum(then) if after and not lacks else None, tuple(lacks)
    )


def _params(going: _Going, unit: Unit) -> dict[str, Any] | None:
    try:
        params = going.resolver.inputs.params(unit, going.resolver.graph.nodes[unit.node])
    except (NodeError, Missing):
        return None
    return {name: value for name, value in params.items() if name != "model"}


def _lacks(node: Node, model: str, params: Mapping[str, Any], today: datetime.date) -> Iterator[str]:
    own = {name: value for name, value in params.items() if name not in {"options", "seed"}}
    for problem in problems(model, node.kind, own, params.get("options"), node.spec.snap, today):
        if not problem.warning:
            yield problem.message


def _model_of(resolver: Resolver, unit: Unit) -> str:
    node = resolver.graph.nodes[unit.node]
    if unit.manifest is not None:
        return unit.manifest.model
    if isinstance(node.spec.model, str):
        return node.spec.model
    if node.model is None or None in unit.coords:
        return ""
    try:
        return str(resolver.inputs.params(unit, node).get("model", ""))
    except (NodeError, Missing):
        return ""


def _sum(quotes: Sequence[Quote]) -> Quote | None:
    """Return what several requests cost together; None for none of them, or where nobody knows a price."""
    if not quotes or not all(quote.charges for quote in quotes):
        return None
    expected = [quote.expected for quote in quotes if quote.expected is not None]
    high = [quote.high for quote in quotes if quote.high is not None]
    return Quote(
        low=sum(quote.low for quote in quotes), expected=sum(expected) if len(expected) == len(quotes) else None,
        high=sum(high) if len(high) == len(quotes) else None,
        charges=tuple(charge for quote in quotes for charge in quote.charges),
    )  # fmt: skip


def _amounts(quote: Quote | None) -> dict[str, str | None] | None:
    if quote is None:
        return None
    amounts = {"low": quote.low, "expected": quote.expected, "high": quote.high}
    return {name: None if amount is None else usd_decimal(amount) for name, amount in amounts.items()}
