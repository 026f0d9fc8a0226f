"""`[price]` of the user's configuration into a Market: prices in place of the catalog's, and what a plan's credits cost.

Knows no request. A file beside a graph came with the graph: it sets no price, which would let it spend more under a budget.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, get_args

from dagcontent.catalog.market import Market
from dagcontent.catalog.model import Price, Rate, Unit, per
from dagcontent.providers.registry import VENDORS
from dagcontent.spec.findings import Findings
from dagcontent.spec.words import a_value, listed

__all__ = ["check_prices"]

_UNITS: Final[tuple[str, ...]] = get_args(Unit)
_KEYS: Final = ("unit", "usd", "at_most_usd", "when", "date", "billed_in", "billed_on_top")
_CREDITS: Final = "credits"
_NANO: Final = 1_000_000_000
_MOST_USD: Final = 100_000
_YOURS: Final = "your configuration"


def check_prices(table: Any, findings: Findings) -> Market:
    """Note every mistake of `[price]`; return what is right of it."""
    if not isinstance(table, Mapping):
        findings.add(0, ("price",), f"`price` is a table, not {a_value(table)}", at="key",
                     caret='write [price."fal/fal-ai/flux/dev"]')  # fmt: skip
        return Market()
    own: dict[str, tuple[Price, ...]] = {}
    credit: dict[str, int] = {}
    for name, value in table.items():
        if name == _CREDITS:
            credit = _credits(value, findings)
            continue
        provider, _, model = name.partition("/")
        if not model or provider not in VENDORS:
            findings.add(0, ("price", name), f"`{name}` is no model: prices are for one as provider/name", at="key",
                         caret=findings.suggestion(provider, VENDORS), note=f"providers are: {listed(list(VENDORS))}")  # fmt: skip
            continue
        rows = value if isinstance(value, list) else [value]
        made = [
            _row(("price", name, *((i,) if isinstance(value, list) else ())), row, findings)
            for i, row in enumerate(rows)
        ]
        if rows and all(one is not None for one in made):
            own[name] = _together([one for one in made if one is not None])
    return Market(own=own, credit_nano=credit)


def _row(path: tuple[str | int, ...], row: Any, findings: Findings) -> Price | None:
    """Return one row of a price; None after it is noted what is wrong with it."""
    if not isinstance(row, Mapping):
        findings.add(0, path, f"a price is a table, not {a_value(row)}", caret='as { unit = "image", usd = 0.02 }')
        return None
    wrong = [name for name in row if name not in _KEYS]
    for name in wrong:
        findings.add(0, (*path, name), f"there is no setting `{name}` of a price", at="key",
                     caret=findings.suggestion(name, _KEYS), note=f"it has: {listed(list(_KEYS))}")  # fmt: skip
    unit = row.get("unit")
    if unit not in _UNITS:
        said = (
            "is missing"
            if unit is None
            else f"`{unit}` is none"
            if isinstance(unit, str)
            else f"{a_value(unit)} is none"
        )
        findings.add(0, (*path, "unit") if unit is not None else path, f"`unit` is what a price is for: {said}",
                     caret=findings.suggestion(unit, _UNITS) if isinstance(unit, str) else "",
                     note=f"units are: {listed(list(_UNITS))}")  # fmt: skip
        return None
    usd = _nano((*path, "usd"), row.get("usd"), unit, findings) if "usd" in row else None
    if "usd" not in row:
        findings.add(0, path, "`usd` is missing: what a unit costs, in USD", caret="as usd = 0.02")
    most = _nano((*path, "at_most_usd"), row["at_most_usd"], unit, findings) if "at_most_usd" in row else usd
    if usd is None or most is None or wrong:
        return None
    if most < usd:
        findings.add(0, (*path, "at_most_usd"), "`at_most_usd` is less than `usd`: it is what budgets reserve")
        return None
    when, date = _when(path, row.get("when", {}), findings), _date(path, row.get("date"), findings)
    extra = [_count((*path, name), row.get(name, 0), findings) for name in ("billed_in", "billed_on_top")]
    if when is None or date is None or None in extra:
        return None
    return Price(
        unit=unit, rates=(Rate(list_nano=usd, bound_nano=most, when=when),), source=_YOURS, date=date,
        rounds=extra[0] or 0.0, plus=extra[1] or 0.0, confidence="yours",
    )  # fmt: skip


def _together(rows: list[Price]) -> tuple[Price, ...]:
    """Return rows of one unit as one price with several rates, the conditional ones first; other units are added to it."""
    made: dict[str, Price] = {}
    for row in sorted(rows, key=lambda row: not row.rates[0].when):
        known = made.get(row.unit)
        if known is not None:
            row = Price(**{n: getattr(row, n) for n in row.__struct_fields__} | {"rates": (*known.rates, *row.rates)})  # noqa: PLW2901 - the same, with those before it
        made[row.unit] = row
    return tuple(made.values())


def _credits(value: Any, findings: Findings) -> dict[str, int]:
    if not isinstance(value, Mapping):
        findings.add(0, ("price", _CREDITS), f"`credits` is a table, not {a_value(value)}",
                     caret="as { elevenlabs = 0.18 }: USD for 1,000 credits")  # fmt: skip
        return {}
    made = {}
    for name, usd in value.items():
        if name not in VENDORS:
            findings.add(0, ("price", _CREDITS, name), f"there is no provider `{name}`", at="key",
                         caret=findings.suggestion(name, VENDORS))  # fmt: skip
            continue
        nano = _nano(("price", _CREDITS, name), usd, "1000 characters", findings)
        if nano is not None:
            made[name] = nano
    return made


def _nano(path: tuple[str | int, ...], value: Any, unit: str, findings: Findings) -> int | None:
    """Return dollars as nano-USD for one unit; tokens are priced by the million, characters by the thousand."""
    try:
        amount = None if isinstance(value, bool) else Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError):
        amount = None
    if amount is None or not amount.is_finite() or not 0 <= amount <= _MOST_USD:
        shown = value if isinstance(value, int | float) and not isinstance(value, bool) else a_value(value)
        findings.add(0, path, f"`{path[-1]}` is an amount from 0 to {_MOST_USD:,} USD, not {shown}")
        return None
    return round(amount * _NANO / per(unit))


def _when(path: tuple[str | int, ...], value: Any, findings: Findings) -> dict[str, tuple[Any, ...]] | None:
    if not isinstance(value, Mapping):
        findings.add(0, (*path, "when"), f"`when` is a table of parameters, not {a_value(value)}",
                     caret='as { resolution = "1080p" }')  # fmt: skip
        return None
    return {name: tuple(one) if isinstance(one, list) else (one,) for name, one in value.items()}


def _date(path: tuple[str | int, ...], value: Any, findings: Findings) -> datetime.date | None:
    if value is None:
        return datetime.date.min
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    findings.add(0, (*path, "date"), f"`date` is the day it was found on, not {a_value(value)}", caret="as 2026-11-30")
    return None


def _count(path: tuple[str | int, ...], value: Any, findings: Findings) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return float(value)
    findings.add(0, path, f"`{path[-1]}` is a number of units, not {a_value(value)}")
    return None
