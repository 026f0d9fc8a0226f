"""Turn the components of a quote into words: how many units, at what price, found where and when. Knows no screen.

image  1 at $0.025, at most $0.032 (fal.ai/pricing, 2026-09-20)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from dagcontent.plan.model import Plan, PlanRow
from dagcontent.values.quote import STALE_DAYS, Charge

__all__ = ["amount_words", "charge_words", "counted_unit", "oldest_and_old", "price_words", "source_words"]

_UNKNOWN: Final = "?"
_NANO: Final = 10**9
_MILLION: Final = 10**6
_BY_THOUSAND: Final = "1000 characters"
_WHOLE_FROM: Final = 100
_BASES: Final[Mapping[str, str]] = {
    "list": "measured",
    "guess": "the likely amount is a guess at what is usual",
    "history": "the likely amount is from earlier results",
    "prompt": "the likely amount is from the prompt",
    "most": "nobody can say more than the most",
}


def charge_words(row: PlanRow) -> list[str]:
    """Return what a row's price is made of, a line a component, and where the likely amount is from."""
    if row.price is None:
        return []
    quote = row.price.quote
    if not quote.charges:
        return ["no price is known"]
    lines = [
        f"{amount_words(charge)} at {price_words(charge.nano, charge.unit)}"
        + ("" if charge.bound_nano == charge.nano else f", at most {price_words(charge.bound_nano, charge.unit)}")
        + f" ({source_words(charge)})"
        for charge in quote.charges
    ]
    if quote.basis != "list":
        lines.append(_BASES.get(quote.basis, quote.basis))
    if row.is_list:
        most = "any number of" if row.items_max is None else f"at most {row.items_max:,}"
        lines.append(f"each of {most} instances")
    return lines


def amount_words(charge: Charge) -> str:
    """Return "1 image", "0 to 4,096 output tokens, likely 410"."""
    low, likely, high = _number(charge.low), _number(charge.expected), _number(charge.high)
    unit = _units(counted_unit(charge.unit), high)
    if low == likely == high:
        return f"{high} {unit}"
    middle = "" if charge.expected is None or likely in {low, high} else f", likely {likely}"
    return f"{low} to {high} {unit}{middle}"


def counted_unit(unit: str) -> str:
    """Return what the amounts of a charge are numbers of: where prices are by the thousand, that is one."""
    return "character" if unit == _BY_THOUSAND else unit


def price_words(nano: int, unit: str) -> str:
    """Return the price of one unit; of tokens that of a million, of characters that of a thousand."""
    if unit == _BY_THOUSAND:
        return f"${_decimal(Decimal(nano * 1000) / _NANO)} a thousand"
    if unit.endswith("token"):
        return f"${_decimal(Decimal(nano * _MILLION) / _NANO)} a million"
    return f"${_decimal(Decimal(nano) / _NANO)}"


def source_words(charge: Charge) -> str:
    """Return where a price is from, when it was found, and how sure it is."""
    known = [word for word in (charge.source, charge.date) if word] or ["no source"]
    return ", ".join([*known, *(["unsure"] if charge.confidence == "unsure" else [])])


def oldest_and_old(plan: Plan, today: date) -> tuple[str, int]:
    """Return the day of the oldest price of what would be bought, and how many prices are old; "" and 0 without one."""
    charges = {
        (row.model, charge.unit, charge.date)
        for row in plan.paid
        if row.price is not None
        for charge in row.price.quote.charges
        if charge.date
    }
    dates: Sequence[str] = [day for _, _, day in charges]
    old = sum((today - date.fromisoformat(day)).days > STALE_DAYS for day in dates)
    return min(dates, default=""), old


def _number(amount: float | None) -> str:
    if amount is None:
        return _UNKNOWN
    return f"{amount:,.0f}" if amount >= _WHOLE_FROM else f"{amount:.3f}".rstrip("0").rstrip(".")


def _units(unit: str, number: str) -> str:
    if number == "1" or unit.endswith("s"):
        return unit
    return f"{unit}s"


def _decimal(amount: Decimal) -> str:
    text = f"{amount:.9f}".rstrip("0")
    whole, _, part = text.partition(".")
    return f"{int(whole):,}.{part:0<2}"
