"""Turn an amount in USD, as a number of the file, into micro-USD. Knows no budget."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dagcontent.spec.literal import Literals, Spot
from dagcontent.spec.words import a_value
from dagcontent.values.money import MICRO, MOST_USD, microusd

__all__ = ["usd_of"]


def usd_of(value: Any, key: str, spot: Spot, literals: Literals, most: int = MOST_USD) -> int | None:
    """Return an amount in micro-USD; None for what is none, or more than `most` USD, which is noted."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        literals.wrong(spot, f"`{key}` is an amount in USD, not {a_value(value)}", "write a number, as 5.00")
    elif not 0 <= value <= most:
        literals.wrong(spot, f"`{key}` cannot be {value}", f"from 0 to {most:,} USD")
    elif (
        microusd(str(value)) != Decimal(str(value)) * MICRO
    ):  # the digits as they were written: a binary fraction is off
        literals.wrong(spot, f"`{key}` has more than six decimals", "a millionth of a dollar is the least")
    else:
        return microusd(str(value))
    return None
