"""Amounts of what vendors sell (characters, seconds, pictures) into integers, and caps on them. Knows no price and no catalog.

An amount is counted in millionths of its measure, rounded up: sums of them are exact. Units of one measure add up, whatever
they are priced by: a minute of music and ten seconds of film are seventy seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from dagcontent.values.quote import Quote

__all__ = ["MEASURES", "MILLIONTHS", "Amounts", "UnitCap", "UnitCeiling", "amount_text", "amounts_of"]

MILLIONTHS: Final = 1_000_000
_MOST: Final = 1 << 52  # more is no amount, but something that went wrong

MEASURES: Final[Mapping[str, tuple[str, int]]] = {
    "call": ("call", 1),
    "image": ("image", 1),
    "megapixel": ("megapixel", 1),
    "second": ("second", 1),
    "minute": ("second", 60),
    "hour": ("second", 3600),
    "1000 characters": ("character", 1000),
    "input token": ("input token", 1),
    "output token": ("output token", 1),
    "input image": ("input image", 1),
    "input second": ("input second", 1),
    "compute second": ("compute second", 1),
}
"""The units of price lists: what each is a number of, and how many."""

_QUOTED: Final[Mapping[str, tuple[str, int]]] = {**MEASURES, "1000 characters": ("character", 1)}
"""The same as quotes count them: a text by its characters, whatever the price is for."""

Amounts = dict[str, int | None]
"""Measure -> the most that a request may use of it, in millionths; None: nobody can say."""


class UnitCap(msgspec.Struct, frozen=True):
    """A ceiling on amounts: what all requests of `scope` `name` to one provider may use of a measure, in millionths.

    `unknown`: whether a request may be sent of which nobody knows how much it uses. The rest as a `Cap`'s.
    """

    scope: Literal["run", "graph", "day"]
    name: str
    provider: str
    measure: str
    limit: int
    said: str = ""
    unknown: bool = False


class UnitCeiling(msgspec.Struct, frozen=True):
    """A cap on amounts as it was configured, before it is known which run, graph and day it is for."""

    per: Literal["run", "graph", "day"]
    provider: str
    measure: str
    limit: int
    said: str


def amounts_of(quote: Quote, output: str) -> Amounts:
    """Return the most that a request may use of each measure: of what it is billed by, one call, and the picture it makes.

    `output` is the type of its result: a picture is one, whatever it is billed by. Where no price is known nobody knows how
    it is billed, and every measure is None.
    """
    amounts: Amounts = {} if quote.charges else {measure: None for measure, _ in MEASURES.values()}
    for charge in quote.charges:
        measure, factor = _QUOTED.get(charge.unit, (charge.unit, 1))
        one = None if charge.high is None else _millionths(charge.high * factor)
        known = amounts.get(measure, 0)
        amounts[measure] = None if one is None or known is None else known + one
    for measure in ("call", "image") if output == "image" else ("call",):
        amounts[measure] = max(amounts.get(measure) or 0, MILLIONTHS)
    return amounts


def _millionths(amount: float) -> int | None:
    if not math.isfinite(amount) or not 0 <= amount <= _MOST / MILLIONTHS:
        return None
    return math.ceil(round(amount * MILLIONTHS, 3))


def amount_text(millionths: int, measure: str) -> str:
    """Return "1 image", "2.5 seconds", "40,000 characters"."""
    whole, rest = divmod(millionths, MILLIONTHS)
    digits = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{whole:,}{digits} {measure}{'' if millionths == MILLIONTHS else 's'}"
