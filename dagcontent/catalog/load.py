"""The vendors' TOML files into Models, each read when it is first asked for. Knows no request.

A `[family.F]` holds what models share; a model, or another family, names it and lays its own keys over it: tables are
merged key by key, `without` takes parameters away. A parameter is a field's name, `true` for the same name, `false`
for one that is taken and has no field, or a table of `Slot`'s keys; `range` is its minimum and maximum.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from dagcontent.catalog.model import Canvas, Form, Knob, Metered, Model, Price, Rate, Slot, Unit, per
from dagcontent.catalog.third import catalog_of, package_of
from dagcontent.errors import ConfigError, DagcontentError, InternalError
from dagcontent.kinds.registry import KINDS

__all__ = ["VENDORS", "catalogued", "find", "models", "names"]

VENDORS: Final = ("fal", "elevenlabs", "google", "openai", "openrouter")
"""Vendors with a catalog of ours, one TOML file each."""

_NANO: Final = 1_000_000_000
_WHOLE: Final = frozenset({"int", "digits", "seconds"})


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model, or family, as it stands in the file after families were laid beneath it."""

    family: str = ""
    kinds: list[str] = []
    operation: str | dict[str, str] = "queue"
    takes: dict[str, Any] = {}
    takes_in: dict[str, dict[str, Any]] = {}
    without: list[str] = []
    canvas: Canvas | None = None
    seed: Any = None
    send: dict[str, Any] = {}
    knobs: dict[str, Knob] = {}
    refuse: list[str] = []
    price: Any = None
    bill: Any = None
    recovery: str | None = None
    retired: datetime.date | None = None
    successor: str = ""
    confidence: str = "typed"
    note: str = ""


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    field: str | None = None
    form: Form = "plain"
    values: list[Any] = []
    range: tuple[float, float] | None = None
    step: float | None = None
    chars: int | None = None
    most: int | None = None
    seconds: float | None = None
    required: bool = False
    default: Any = None
    names: dict[str, Any] = {}
    length: str = ""
    note: str = ""


class _PriceRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    unit: Unit | Metered
    source: str
    usd: float | None = None
    bound: float | None = None  # of a line of a bill: what it says itself
    rates: list[dict[str, Any]] = []
    date: datetime.date | None = None
    by: str = ""
    at_most: float | None = None
    rounds: float = 0.0
    plus: float = 0.0
    long: tuple[int, float, float] | None = None
    confidence: str = "listed"
    credits: float | None = None


class _Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    date: datetime.date


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    as_of: datetime.date
    source: dict[str, _Source]
    family: dict[str, dict[str, Any]] = {}
    model: dict[str, dict[str, Any]] = {}
    forms: dict[str, dict[str, Any]] = {}


@cache
def find(model_id: str) -> Model | None:
    """Return a catalogued model by `provider/name`; None if there is no entry of it. Reads that vendor's file only.

    Raises ConfigError for a catalog of another package that cannot be read.
    """
    vendor, _, name = model_id.partition("/")
    if not catalogued(vendor):
        return None
    file = _file(vendor)
    return _model(vendor, name, file) if name in file.model else None


def models(provider: str | None = None) -> tuple[Model, ...]:
    """Return every model of our catalogs, in the files' order; of one vendor, if it is named, one of another package too."""
    wanted = VENDORS if provider is None else (provider,)
    return tuple(found for vendor in wanted for name in names(vendor) if (found := find(f"{vendor}/{name}")))


def names(provider: str) -> tuple[str, ...]:
    """Return the vendor's own ids of all its catalogued models; nothing is read of them."""
    return tuple(_file(provider).model) if catalogued(provider) else ()


def catalogued(provider: str) -> bool:
    """Tell whether there is a catalog of a provider: ours, or one of another package."""
    return provider in VENDORS or catalog_of(provider) is not None


@cache
def _file(vendor: str) -> _File:
    import tomli  # noqa: PLC0415 - a build of hits asks for no model

    try:
        path = Path(__file__).with_name(f"{vendor}.toml") if vendor in VENDORS else catalog_of(vendor)
        written = path.read_text(encoding="utf-8") if path is not None else ""
        return msgspec.convert(tomli.loads(written), _File)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise _unreadable(vendor, f"the catalog of {vendor} cannot be read: {error}") from error


def _unreadable(vendor: str, text: str) -> DagcontentError:
    if vendor in VENDORS:
        return InternalError(text)
    return ConfigError(text, hint=f"look at the package {package_of(vendor)}, or uninstall it")


def _model(vendor: str, name: str, file: _File) -> Model:
    try:
        entry = msgspec.convert(_merged(file.model[name], file, ()), _Entry)
        return _made(vendor, name, entry, file)
    except (msgspec.ValidationError, KeyError, ValueError) as error:
        raise _unreadable(vendor, f"the catalog's entry of {vendor}/{name} cannot be read: {error!r}") from error


def _made(vendor: str, name: str, entry: _Entry, file: _File) -> Model:
    kinds = tuple(entry.kinds)
    by_kind = entry.operation if isinstance(entry.operation, dict) else dict.fromkeys(kinds, entry.operation)
    return Model(
        provider=vendor,
        name=name,
        kinds=kinds,
        operations=by_kind,
        slots={kind: _slots(kind, entry, file.forms) for kind in kinds},
        canvas=entry.canvas,
        seed=None if entry.seed is None or "seed" in entry.without else _slot("seed", entry.seed, {}),
        send=entry.send,
        knobs=entry.knobs,
        refuse=tuple(entry.refuse),
        prices=_prices(entry.price, file),
        bill=_prices(entry.bill, file),
        recovery=entry.recovery,
        retired=entry.retired,
        successor=entry.successor,
        confidence=entry.confidence,
        note=entry.note,
        as_of=file.as_of,
    )


def _merged(table: dict[str, Any], file: _File, seen: tuple[str, ...]) -> dict[str, Any]:
    family = table.get("family")
    if family is None:
        return table
    if family in seen:
        raise ValueError(f"families name each other: {', '.join(seen)}")
    return _over(_merged(file.family[family], file, (*seen, family)), table)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a table over another. Prices and lists are replaced whole."""
    made = dict(below)
    for key, value in above.items():
        old = made.get(key)
        both = isinstance(value, dict) and isinstance(old, dict) and key not in {"price", "bill"}
        made[key] = _over(old, value) if both and old is not None else value
    return made


def _slots(kind: str, entry: _Entry, forms: Mapping[str, dict[str, Any]]) -> tuple[Slot, ...]:
    """Return how a kind's parameters are taken, in the order in which its declaration names them."""
    rows = {**entry.takes, **entry.takes_in.get(kind, {})}
    declared = KINDS.get(kind)
    if declared is not None:
        order = [param.name for param in declared.params]
        rows = {param: rows[param] for param in order if param in rows}
    return tuple(_slot(param, row, forms) for param, row in rows.items() if param not in entry.without)


def _slot(param: str, written: Any, forms: Mapping[str, dict[str, Any]]) -> Slot:
    if isinstance(written, bool):
        return Slot(param=param, field=param if written else "")
    if isinstance(written, str):
        return Slot(param=param, field=written)
    if "like" in written:
        written = _over(forms[written["like"]], {k: v for k, v in written.items() if k != "like"})
    row = msgspec.convert(written, _Row)
    low, high = row.range or (None, None)
    return Slot(
        param=param,
        field=param if row.field is None else row.field,
        form=row.form,
        values=tuple(row.values or row.names),
        minimum=low,
        maximum=high,
        step=row.step or (1 if row.form in _WHOLE and row.range else None),
        chars=row.chars,
        most=row.most,
        seconds=row.seconds,
        required=row.required,
        default=row.default,
        names=row.names,
        length=row.length,
        note=row.note,
    )


def _prices(written: Any, file: _File) -> tuple[Price, ...]:
    rows = written if isinstance(written, list) else [] if written is None else [written]
    return tuple(_price(row, file) for row in rows)


def _price(written: Any, file: _File) -> Price:
    row = msgspec.convert(written, _PriceRow)
    rates = row.rates or [{"usd": row.usd, "bound": row.bound}]
    return Price(
        unit=row.unit,
        rates=tuple(_rate(rate, row.unit) for rate in rates),
        source=file.source[row.source].text,
        date=row.date or file.source[row.source].date,
        by=row.by,
        at_most=row.at_most,
        rounds=row.rounds,
        plus=row.plus,
        long=row.long,
        confidence=row.confidence,
        credits=None if row.credits is None else row.credits / per(row.unit),
    )


def _rate(written: Mapping[str, Any], unit: str) -> Rate:
    when = {k: tuple(v) if isinstance(v, list) else (v,) for k, v in written.items() if k not in _RATE_KEYS}
    each = per(unit)
    usd = written["usd"]
    bound = usd if written.get("bound") is None else written["bound"]
    return Rate(
        list_nano=round(usd * _NANO / each),
        bound_nano=round(bound * _NANO / each),
        when=when,
        since=written.get("since"),
    )


_RATE_KEYS: Final = frozenset({"usd", "bound", "since"})
