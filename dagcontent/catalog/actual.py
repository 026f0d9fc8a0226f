"""What a vendor counted of one answer, and a model's prices on that day, into what it charges. Knows no quote and no budget.

    sum of (amount x price of its unit)     in nano-USD, exactly; rounded up to a micro-dollar once, as the bill does

Nothing is guessed: an amount without a price, and a price of something that was not counted, make it None.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec

from dagcontent.catalog.market import Market
from dagcontent.catalog.model import Model, Price, Rate

__all__ = ["Charged", "charged"]

_NANO: Final = 1000
_ONE: Final = Fraction(1)
_PRICED_AS: Final[Mapping[str, tuple[str, ...]]] = {
    "cached token": ("cached token", "input token"),
    "thought token": ("thought token", "output token"),
    "input image token": ("input image token", "input token"),
    "input video token": ("input video token", "input token"),
}
"""What an amount is charged as: the first that the model has a price of. Sound is never charged as words: it costs more."""
_LESS: Final = frozenset({("cached token", "input token")})
"""Where the second is dearer than what is charged: an upper bound, and no exact cost."""
_MEASURES: Final[Mapping[str, tuple[tuple[str, Fraction], ...]]] = {
    "second": (("second", _ONE), ("minute", Fraction(1, 60)), ("hour", Fraction(1, 3600))),
    # fal counts in the unit that its price is for, whatever that is; characters, here priced singly, by the thousand.
    "unit": (
        *((unit, _ONE) for unit in ("call", "image", "megapixel", "second", "minute", "hour", "compute second")),
        ("1000 characters", Fraction(1000)),
    ),
    "character": (("1000 characters", _ONE),),
}
"""Units that are told, and the units that they are priced in, with how many of those one is."""


class Charged(msgspec.Struct, frozen=True):
    """What an answer costs, in micro-USD. Not `exact`: it costs no more than that."""

    microusd: int
    exact: bool = True


def charged(
    model: Model,
    params: Mapping[str, Any],
    fields: Mapping[str, Any],
    amounts: Sequence[tuple[str, float]],
    day: datetime.date,
    market: Market | None = None,
) -> Charged | None:
    """Return what `amounts`, each (unit, how many), cost on a day; None where the prices do not say.

    `params` are the kind's and `fields` the vendor's, as they were sent: rates depend on them. `market` says whose prices hold.
    """
    lines = (market or Market()).bill_of(model)
    if not amounts or not lines:
        return None
    said = {**{name: _at(fields, name) for name in model.knobs}, **params}
    given = sum(count for unit, count in amounts if unit.startswith("input") or unit == "cached token")
    nano, exact, covered = Fraction(0), True, set[int]()
    for unit, count in amounts:
        found = _line_of(unit, lines)
        if found is None:
            return None
        line, times = found
        rate = _rate(line, said, day)
        if rate is None:
            return None
        covered.add(id(line))
        exact = exact and (not count or (unit, line.unit) not in _LESS)
        # Through the text of the number: what a header says as 1.05 is 1.05.
        nano += Fraction(repr(count)) * times * rate.list_nano * _dearer(unit, line, given)
    if not all(id(line) in covered or line.unit.endswith("token") or _free(line, said, day) for line in lines):
        return None
    return Charged(math.ceil(nano / _NANO), exact)


def _line_of(unit: str, lines: Sequence[Price]) -> tuple[Price, Fraction] | None:
    """Return the price of a unit, and how many of the price's unit one of it is."""
    if unit == "unit" and len(lines) != 1:
        return None  # nobody says which of them is counted
    ways = _MEASURES.get(unit) or tuple((name, _ONE) for name in _PRICED_AS.get(unit, (unit,)))
    return next(((line, times) for name, times in ways for line in lines if line.unit == name), None)


def _rate(line: Price, said: Mapping[str, Any], day: datetime.date) -> Rate | None:
    """Return the first row that holds on a day."""
    return next(
        (
            rate for rate in line.rates
            if (rate.since is None or rate.since <= day)
            and all(said.get(name) in values for name, values in rate.when.items())
        ),
        None,
    )  # fmt: skip


def _free(line: Price, said: Mapping[str, Any], day: datetime.date) -> bool:
    rate = _rate(line, said, day)
    return rate is not None and rate.list_nano == 0


def _dearer(unit: str, line: Price, given: float) -> Fraction:
    """Return by how much a token is dearer where so many are given."""
    if line.long is None or given <= line.long[0]:
        return _ONE
    went_in = unit.startswith("input") or unit == "cached token"
    return Fraction(repr(line.long[1 if went_in else 2]))


def _at(fields: Mapping[str, Any], path: str) -> Any:
    found: Any = fields
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
