"""A node's parameters into those that a model takes, and the vendor's fields for them. Knows no clock and no network.

The same for the same arguments: it is asked for every instance of every paid node, before anything is spent.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import msgspec

from dagcontent.catalog.conventional import conventional
from dagcontent.catalog.cost import quote
from dagcontent.catalog.load import find, names
from dagcontent.catalog.market import Market
from dagcontent.catalog.model import Model
from dagcontent.catalog.request import Request
from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Kind
from dagcontent.values.quote import Quote
from dagcontent.values.snap import Snap

__all__ = ["Effective", "effective", "effective_of", "known_model", "request_of"]


class Effective(msgspec.Struct, frozen=True):
    """One request as it will be made.

    `params` are the kind's, complete: snapped, with the model's own defaults; they are keyed and priced. `fields` are the
    same in the vendor's names and forms, with `options` merged in; artifacts are Blobs in both. `notes` are for people.
    `quote` is what it costs. `model` is the vendor's own id. `recovery` is None where the operation's own class holds.
    """

    params: dict[str, Any]
    fields: dict[str, Any]
    notes: tuple[str, ...]
    quote: Quote
    operation: str
    recovery: str | None
    model: str


def effective(
    model_id: str,
    kind: Kind,
    params: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    seed: int | None = None,
    snap: Snap | None = None,
    today: datetime.date | None = None,
    market: Market | None = None,
) -> Effective:
    """Return the request that a node's parameters make of a model. UNKNOWN parts stay as they are.

    `snap` is "up", "down", "nearest", "error", or None: durations up, all else an error. `today` decides what is retired
    and which of dated prices is the list price; without it, the day the catalog was written. `market` says whose prices
    hold. Raises NodeError for what the model cannot do.
    """
    return effective_of(request_of(model_id, kind, params, options, seed, snap, today), today, market)


def effective_of(made: Request, today: datetime.date | None = None, market: Market | None = None) -> Effective:
    """Return a request with its cost."""
    model, kind, fields, own = made.model, made.kind, made.fields, made.params
    return Effective(
        own,
        fields,
        tuple(made.notes),
        quote(model, kind.name, own, fields, made.pixels, today, (market or Market()).prices_of(model)),
        _operation(model, kind.name, own),
        model.recovery,
        model.name,
    )


def request_of(
    model_id: str,
    kind: Kind,
    params: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    seed: int | None = None,
    snap: Snap | None = None,
    today: datetime.date | None = None,
) -> Request:
    """Return the same request without its cost: enough for a key. Raises NodeError."""
    made = Request(known_model(model_id, kind, today), kind, snap)
    made.take(params)
    if options:
        made.merge(options)
    made.sow(seed)
    return made


def known_model(model_id: str, kind: Kind, today: datetime.date | None = None) -> Model:
    """Return the model of a kind, by convention if it is not catalogued. Raises NodeError where there is none, or no more."""
    model = find(model_id)
    if model is None:
        model = conventional(model_id)
        if model is None or kind.name not in model.kinds:
            raise _unknown(model_id, kind)
    if model.gone(today):
        hint = f'write model = "{model.provider}/{model.successor}"' if model.successor else "choose another model"
        raise NodeError(f"{model_id} was retired on {model.retired}", hint=hint)
    if kind.name not in model.slots:
        others = f"it makes: {', '.join(model.kinds)}"
        raise NodeError(f"{model_id} does not make {kind.name}", hint=f"{others}; dagcontent models --kind {kind.name}")
    return model


def _operation(model: Model, kind: str, params: Mapping[str, Any]) -> str:
    if params.get("images"):
        with_images = model.operations.get(f"{kind}+images")
        if with_images is not None:
            return with_images
    return model.operations[kind]


def _unknown(model_id: str, kind: Kind) -> NodeError:
    vendor = model_id.partition("/")[0]
    there = [name for name in names(vendor) if (found := find(f"{vendor}/{name}")) and kind.name in found.kinds]
    facts = [("there is", ", ".join(f"{vendor}/{name}" for name in there[:8]))] if there else []
    hint = f"dagcontent models --kind {kind.name} lists what makes it"
    return NodeError(f"no model `{model_id}` is known that makes {kind.name}", facts=facts, hint=hint)
