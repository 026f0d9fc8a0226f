"""Sheets of models into those that are asked for: by price, by what they can do, by when they end. Knows no option.

What is chosen by a price stands in the order of its list price, the cheapest first.
"""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, get_args

import msgspec

from dagcontent.api.models import NANO, Sheet, rates_on
from dagcontent.catalog.ability import Ability, able, capabilities, capability
from dagcontent.catalog.model import Price, Unit, per
from dagcontent.errors import ConfigError
from dagcontent.values.quote import STALE_DAYS

__all__ = ["SOON_DAYS", "STALE_DAYS", "Wanted", "abilities", "chosen", "list_price", "stale", "unit_of", "with_prices"]

SOON_DAYS: Final = 90
"""A model that ends within so many days wants another in its place."""

_UNITS: Final[tuple[str, ...]] = get_args(Unit)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What models are asked for; what is not set filters nothing.

    `unit` is what the price that is looked at is for, `under_usd` the most of it; both in shown units: a million tokens,
    a thousand characters. `within_days` are the days until a model ends; `retired` are those that have ended, `stale`
    those with a price older than `STALE_DAYS`. `kind` is the one that `can` is asked of; empty: any.
    """

    kind: str = ""
    unit: str = ""
    under_usd: Decimal | None = None
    can: tuple[Ability, ...] = ()
    retired: bool = False
    within_days: int | None = None
    stale: bool = False

    @property
    def all(self) -> bool:
        """Whether nothing is asked for."""
        return self == Wanted(kind=self.kind)


def abilities(words: Iterable[str]) -> tuple[Ability, ...]:
    """Return what words of capabilities ask for. Raises ConfigError."""
    made = []
    for word in words:
        try:
            made.append(capability(word))
        except ValueError as error:
            known, name = capabilities(), word.partition(":")[0].strip()
            near = [] if name in known else difflib.get_close_matches(name[:40], known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}"
            hint = "as in --can duration:10, --can sound:no" if name in known else hint
            raise ConfigError(f"--can {word:.60}: {error}", hint=hint) from None
    return tuple(made)


def unit_of(text: str) -> str:
    """Return a unit of prices by its name, in the singular or plural. Raises ConfigError."""
    plain = " ".join(text.lower().replace("-", " ").replace("_", " ").split())
    for unit in _UNITS:
        if plain in {unit, f"{unit}s", unit.removeprefix("1000 ")}:
            return unit
    near = difflib.get_close_matches(plain[:40], _UNITS, n=1)
    raise ConfigError(
        f"there is no unit `{text:.40}`",
        hint=f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(_UNITS)}",
    )


def with_prices(found: Sequence[Sheet], own: Mapping[str, tuple[Price, ...]]) -> list[Sheet]:
    """Return models with the user's own prices in place of the catalog's."""
    return [
        msgspec.structs.replace(one, model=msgspec.structs.replace(one.model, prices=own[one.model.id]))
        if one.model.id in own
        else one
        for one in found
    ]


def chosen(found: Sequence[Sheet], wanted: Wanted, today: datetime.date) -> list[Sheet]:
    """Return the models that are asked for. Raises ConfigError for a price without a unit, where there are several."""
    if wanted.all:
        return list(found)
    kept = [one for one in found if one.gone == wanted.retired and _is_wanted(one, wanted, today)]
    unit = wanted.unit
    if wanted.under_usd is not None and not unit:
        unit = _one_unit(kept)
    if not unit:
        return kept
    priced = [(price, one) for one in kept if (price := list_price(one, unit, today)) is not None]
    if wanted.under_usd is not None:
        most = wanted.under_usd * NANO / per(unit)
        priced = [(price, one) for price, one in priced if price <= most]
    return [one for _, one in sorted(priced, key=lambda row: (row[0], row[1].model.id))]


def list_price(one: Sheet, unit: str, today: datetime.date) -> int | None:
    """Return the least list price of one unit that holds on a day, in nano-USD; None if nothing of it is billed by that.

    A part that is listed at nothing is there for the bound alone.
    """
    of_unit = [p for p in one.model.prices if p.unit == unit and any(rate.list_nano for rate in p.rates)]
    return sum(min(rate.list_nano for rate in rates_on(price, today)) for price in of_unit) if of_unit else None


def stale(price: Price, today: datetime.date) -> bool:
    """Tell whether a price was found too long ago to be believed without a look. What a package gives has no such day."""
    return price.date != datetime.date.min and (today - price.date).days > STALE_DAYS


def _is_wanted(one: Sheet, wanted: Wanted, today: datetime.date) -> bool:
    model = one.model
    kinds = [wanted.kind] if wanted.kind else model.kinds
    if wanted.can and not any(all(able(model, kind, asked) for asked in wanted.can) for kind in kinds):
        return False
    if wanted.stale and not any(stale(price, today) for price in model.prices):
        return False
    if wanted.within_days is None:
        return True
    return model.retired is not None and (model.retired - today).days <= wanted.within_days


def _one_unit(found: Sequence[Sheet]) -> str:
    """Return the unit that all of these are priced by. Raises ConfigError where there are several."""
    units = list(dict.fromkeys(price.unit for one in found for price in one.model.prices))
    if len(units) > 1:
        hint = f"add --unit with one of: {', '.join(units)}"
        raise ConfigError("--under is a price for one unit, and these models are priced by several", hint=hint)
    return units[0] if units else "call"
