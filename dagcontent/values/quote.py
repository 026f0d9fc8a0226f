"""What a request would cost, as three amounts and the components they are made of. Knows no model and no catalog.

    low <= expected <= high      micro-USD; None where nobody can say

`low` and `expected` are list prices of the least and the likely amount; `high` is the most that may be billed: the largest
amount at the price's upper bound. That is what is reserved.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

import msgspec

__all__ = ["STALE_DAYS", "Charge", "Quote"]

STALE_DAYS: Final = 90
"""A price that was found longer ago may not hold any more."""

_NANO: Final = 1000
"""Nano-USD in a micro-USD."""


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """One component of a quote: so many units at such a price, found in a source on a date (ISO).

    `low`, `expected` and `high` are amounts of `unit`, None where nobody can say; `nano` is the list price of one unit in
    nano-USD and `bound_nano` the most that it may have become since.
    """

    unit: str
    low: float
    expected: float | None
    high: float | None
    nano: int
    bound_nano: int
    source: str = ""
    date: str = ""
    confidence: str = ""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What one request costs at least, likely and at most, in micro-USD. `basis` says where `expected` is from.

    "list": all of it was measured. "guess": of what is usual for such a request. "history": of what this node made
    before. "prompt": of what the prompt asks for. "most": nobody can say more than the upper bound.
    """

    low: int = 0
    expected: int | None = None
    high: int | None = None
    charges: tuple[Charge, ...] = ()
    basis: str = "list"

    def with_likely(self, units: Collection[str], amount: float) -> Quote:
        """Return it with so much of these units expected, at most what there can be."""
        charges = tuple(
            msgspec.structs.replace(one, expected=amount if one.high is None else min(amount, one.high))
            if one.unit in units
            else one
            for one in self.charges
        )
        parts = [None if one.expected is None else one.nano * one.expected for one in charges]
        known = [part for part in parts if part is not None]
        expected = math.ceil(sum(known) / _NANO) if len(known) == len(parts) else None
        return msgspec.structs.replace(self, charges=charges, expected=expected)

    @property
    def source(self) -> str:
        """Where the prices are from."""
        return ", ".join(dict.fromkeys(charge.source for charge in self.charges if charge.source))

    @property
    def date(self) -> str:
        """The day of the oldest of the prices, as ISO; empty where there is none."""
        return min((charge.date for charge in self.charges if charge.date), default="")
