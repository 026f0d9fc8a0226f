"""The catalog into what is known of each model: prices, what it takes, how a lost answer is recovered; `check` asks the vendors."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dagcontent.catalog.load import VENDORS as CATALOGUED
from dagcontent.catalog.load import catalogued, find, models, names
from dagcontent.catalog.model import Model, Price, Rate, Slot, per
from dagcontent.errors import ConfigError
from dagcontent.kinds.registry import KINDS
from dagcontent.providers.registry import VENDORS

if TYPE_CHECKING:
    from dagcontent.providers.config import ProviderConfig
    from dagcontent.providers.gate_proxy import Proxies
    from dagcontent.providers.listing import Believed, Heard
    from dagcontent.providers.port import Operation

__all__ = ["NANO", "Sheet", "check", "document", "rates_on", "sheet", "sheets", "usd", "well_named_kind"]

NANO: Final = 1_000_000_000
"""Nano-USD in a dollar."""
"""How many units a shown price is for, where it is not one."""


class Sheet(msgspec.Struct, frozen=True):
    """One catalogued model. `operations` are the adapter's ways of calling, by the names of the catalog's: a kind, or
    "image.generate+images" where references are given. `gone`: it was retired by the day that was asked for.
    """

    model: Model
    operations: Mapping[str, Operation]
    gone: bool

    @property
    def recovery(self) -> str:
        """How a lost answer is recovered: "exact", "by-match", "ask", or several of them where operations differ."""
        if self.model.recovery is not None:
            return self.model.recovery
        found = {operation.recovery.value for operation in self.operations.values()}
        return ", ".join(word for word in ("exact", "by-match", "ask") if word in found)

    @property
    def successor(self) -> str:
        """The id of the model that is named to come after it; empty if none is."""
        return f"{self.model.provider}/{self.model.successor}" if self.model.successor else ""


def sheets(provider: str | None = None, kind: str | None = None, *, today: datetime.date) -> list[Sheet]:
    """Return every catalogued model, in the catalog's order; of one provider, of one kind. Raises ConfigError."""
    if provider is not None and not catalogued(provider):
        raise ConfigError(f"there are no models of `{provider}`", hint=_nearest(provider, CATALOGUED))
    if kind is not None:
        well_named_kind(kind)
    return [_sheet(model, today) for model in models(provider) if kind is None or kind in model.kinds]


def sheet(model_id: str, *, today: datetime.date) -> Sheet:
    """Return one model. Raises ConfigError, with the nearest name, for one that is not catalogued."""
    model = find(model_id)
    if model is not None:
        return _sheet(model, today)
    provider, _, name = model_id.partition("/")
    if not catalogued(provider):
        raise ConfigError(f"there are no models of `{provider}`", hint=_nearest(provider, CATALOGUED))
    near = difflib.get_close_matches(name[:120], names(provider), n=1)
    hint = f"did you mean `{provider}/{near[0]}`?" if near else f"dagcontent models {provider} lists what is catalogued"
    raise ConfigError(f"`{model_id:.120}` is not in the catalog", hint=hint)


def check(
    found: Sequence[Sheet], configs: Mapping[str, ProviderConfig], proxies: Proxies | None = None, *, whole: bool
) -> Iterator[Heard]:
    """Ask the vendors of these models whether the catalog is true, one after the other. Nothing of it costs money.

    `whole`: these are all that are catalogued of their vendors, so that what else they list is told. Raises ConfigError if
    no HTTP library is installed.
    """
    import anyio  # noqa: PLC0415 - a look at the catalog needs no event loop

    from dagcontent.providers.listing import ask  # noqa: PLC0415 - as above
    from dagcontent.providers.once import Gates  # noqa: PLC0415

    async def asked(provider: str) -> Heard:
        gates = Gates(proxies=proxies)
        try:
            believed = [_believed(one) for one in found if one.model.provider == provider]
            return await ask(configs[provider], gates, believed, whole=whole)
        except ImportError as error:
            hint = f"pip install 'dagcontent[{VENDORS[provider].extra}]'"
            raise ConfigError(f"{provider} cannot be asked: {error}", hint=hint) from error
        finally:
            await gates.aclose()

    for provider in dict.fromkeys(one.model.provider for one in found):
        yield anyio.run(asked, provider)


def _believed(one: Sheet) -> Believed:
    from dagcontent.providers.listing import Believed  # noqa: PLC0415 - as above

    model = one.model
    slots = [slot for of_kind in model.slots.values() for slot in of_kind]
    fields = {part for slot in slots for part in (slot.field, slot.length) if part}
    fields |= {*model.send, *model.knobs, *((model.seed.field,) if model.seed else ())}
    fields |= {model.canvas.field} if model.canvas else set()
    most: dict[str, int] = {}
    for price in model.prices:
        most[price.unit] = max(most.get(price.unit, 0), *(rate.bound_nano for rate in price.rates))
    ways = tuple(dict.fromkeys(operation.name for operation in one.operations.values()))
    tops, refused = (frozenset(name.partition(".")[0] for name in names) for names in (fields, model.refuse))
    return Believed(model.name, ways, tops, refused, most, one.gone)


def well_named_kind(kind: str) -> None:
    """Raise ConfigError, with the nearest name, for a kind that no model makes."""
    made = [one.name for one in KINDS.values() if one.by_model]
    if kind in made:
        return
    if kind in KINDS:
        raise ConfigError(f"{kind} needs no model", hint=f"dagcontent kinds {kind}")
    raise ConfigError(f"there is no kind `{kind:.80}`", hint=_nearest(kind, made))


def rates_on(price: Price, today: datetime.date | None) -> Iterator[Rate]:
    """Yield the rows of a price that can hold on a day; without one, on any."""
    seen: list[Mapping[str, Any]] = []
    for rate in price.rates:
        if today is not None and ((rate.since is not None and rate.since > today) or rate.when in seen):
            continue
        seen.append(rate.when)
        yield rate


def usd(nano: int, unit: str) -> str:
    """Return what a shown unit costs, in dollars: a thousand characters, a million tokens, or one of all else."""
    whole, rest = divmod(nano * per(unit), NANO)
    digits = f"{rest:09d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def document(one: Sheet, *, full: bool) -> dict[str, Any]:
    """Return a model as JSON data. `full` adds what it takes. Amounts are decimal texts, in dollars."""
    model = one.model
    made: dict[str, Any] = {
        "model": model.id,
        "provider": model.provider,
        "kinds": list(model.kinds),
        "prices": [_priced(price) for price in model.prices],
        "recovery": one.recovery,
        "retired": None if model.retired is None else model.retired.isoformat(),
        "gone": one.gone,
        "successor": one.successor or None,
        "confidence": model.confidence,
        "note": model.note or None,
        "as_of": model.as_of.isoformat(),
    }
    if not full:
        return made
    return made | {
        "operations": {
            use: {
                "operation": operation.name,
                "recovery": model.recovery or operation.recovery.value,
                "window": operation.window,
                "job": operation.handle,
                "cost": operation.cost,
            }
            for use, operation in one.operations.items()
        },
        "takes": {kind: [_slot(slot) for slot in slots] for kind, slots in model.slots.items()},
        "canvas": None if model.canvas is None else msgspec.to_builtins(model.canvas),
        "seed": None if model.seed is None else _slot(model.seed),
        "sends": model.send,
        "knobs": {name: {"values": list(knob.values), "default": knob.default} for name, knob in model.knobs.items()},
        "refuses": list(model.refuse),
    }


def _sheet(model: Model, today: datetime.date) -> Sheet:
    declared: Mapping[str, Operation] = {}
    if model.provider in VENDORS:
        declared = import_module(VENDORS[model.provider].module).OPERATIONS
    ways = {use: declared[name] for use, name in model.operations.items() if name in declared}
    return Sheet(model, ways, model.gone(today))


def _priced(price: Price) -> dict[str, Any]:
    return {
        "unit": price.unit,
        "per": per(price.unit) if price.unit.endswith("token") else 1,
        "rates": [
            {
                "usd": usd(rate.list_nano, price.unit),
                "at_most_usd": usd(rate.bound_nano, price.unit),
                "when": {name: list(values) for name, values in rate.when.items()},
                "since": None if rate.since is None else rate.since.isoformat(),
            }
            for rate in price.rates
        ],
        "measured_by": price.by or None,
        "at_most_units": price.at_most,
        "billed_in": price.rounds or None,
        "billed_on_top": price.plus or None,
        "source": price.source,
        "date": price.date.isoformat(),
        "confidence": price.confidence,
    }


def _slot(slot: Slot) -> dict[str, Any]:
    """Return what is said of a parameter; what is not said is left out."""
    default = Slot(param="")
    values = {name: getattr(slot, name) for name in slot.__struct_fields__}
    kept = {name: value for name, value in values.items() if value != getattr(default, name)}
    made: dict[str, Any] = msgspec.to_builtins({"param": slot.param, "field": slot.field or None, **kept})
    return made


def _nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    near = difflib.get_close_matches(name[:80], known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}"
