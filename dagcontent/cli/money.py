"""Turn amounts and the prices of a plan's rows into words and ranges. Knows no screen.

On screens an upper bound is rounded up and all else to the nearest; documents have every digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from dagcontent.api.result import BuildResult
from dagcontent.errors import ConfigError
from dagcontent.plan.model import BUYS, PlanRow
from dagcontent.report.quantities import digits_of, dollars
from dagcontent.values.money import budget_for, typed_usd, usd_decimal

__all__ = [
    "BUYS", "UNKNOWN", "Range", "budget_for", "digits_of", "dollars", "given_budget", "money_words", "most_text", "range_of", "shown", "total",
]  # fmt: skip

UNKNOWN: Final = "$?"


class Range(msgspec.Struct, frozen=True):
    """What something costs at least, by the list, and at most, in micro-USD; None: nobody knows."""

    low: int = 0
    expected: int | None = 0
    high: int | None = 0

    def document(self) -> dict[str, str | None]:
        """Return it as documents have it."""
        return {
            "low": usd_decimal(self.low),
            "expected": None if self.expected is None else usd_decimal(self.expected),
            "high": None if self.high is None else usd_decimal(self.high),
        }


def range_of(row: PlanRow) -> Range:
    """Return what a row costs: nothing, unless it would be paid for. A list of unknown length counts at its longest."""
    if row.price is None or not row.may_cost:
        return Range()
    quote, most = row.price.quote, row.most_microusd
    if not row.buys:
        return Range(0, 0, most)
    expected = quote.high if quote.expected is None else quote.expected
    if row.instead_of is not None:  # as a rule the alternative before it serves
        return Range(0, 0, most)
    if not row.is_list:
        return Range(quote.low if row.status == "run" else 0, expected, most)
    likely = row.items_expected or row.items_max
    return Range(0, None if expected is None or likely is None else expected * likely, most)


def total(rows: Iterable[PlanRow]) -> tuple[Range, list[str]]:
    """Return the sum of what is known, and the nodes whose bound is not: with one of them nobody knows the most."""
    low = expected = high = 0
    unpriced = []
    for row in rows:
        one = range_of(row)
        low += one.low
        expected += one.expected or 0
        high += one.high or 0
        if one.high is None:
            unpriced.append(row.node)
    return Range(low, expected, high), unpriced


def most_text(amount: int | None) -> str:
    """Return "up to $0.053", or that nobody knows."""
    return "nobody knows how much" if amount is None else f"up to {dollars(amount, up=True)}"


def money_words(result: BuildResult) -> list[str]:
    """Return what a build spent, reserves and was spared."""
    spent, reserved, saved = result.spent_microusd, result.reserved_microusd, result.saved_microusd
    words = [f"{dollars(spent) if spent else '$0'} spent"] if spent or reserved else []
    words += [f"{dollars(reserved, up=True)} reserved"] if reserved else []
    return words + ([f"{dollars(saved)} not spent again"] if saved else [])


def shown(amounts: Sequence[int | None]) -> list[str]:
    """Return a column of upper bounds, all with the same number of decimals; nothing for what is free."""
    digits = digits_of([amount for amount in amounts if amount])
    return [UNKNOWN if amount is None else dollars(amount, digits, up=True) if amount else "" for amount in amounts]


def given_budget(text: str) -> int:
    """Return the amount of a --budget, in micro-USD. Raises ConfigError."""
    try:
        return typed_usd(text)
    except ValueError as error:
        raise ConfigError(f"--budget {text} {error}", hint="as in: --budget 2.50") from None
