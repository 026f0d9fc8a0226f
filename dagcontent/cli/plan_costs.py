"""Turn what the lines of a plan's table cost into cells that add up to the head's total. Knows no screen.

Every amount has the same number of decimals: what is likely and what it may be at most are rounded up, the least is rounded
down, and one amount stands where all three are the same. The totals are sums of what is shown. What nobody knows is `$?`, and
a sum with one of these in it is `$1.200 + $?`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from dagcontent.cli.columns import Cell
from dagcontent.cli.money import UNKNOWN, Range, digits_of, dollars

__all__ = ["Costs"]

_FREE: Final = "free"


class _Shown(msgspec.Struct, frozen=True):
    """A line's amounts as they are shown, in micro-USD; None: nobody knows."""

    low: int
    expected: int | None
    high: int | None

    @property
    def certain(self) -> bool:
        return self.low == self.expected == self.high


class Costs:
    """The money column of a table. A line of which nothing is bought has no range."""

    def __init__(self, lines: Sequence[Range | None]) -> None:
        highs = [line.high for line in lines if line is not None and line.high]
        likely = [line.expected for line in lines if line is not None and line.expected]
        self._digits = digits_of(highs or likely)
        self._lines = [None if line is None else self._shown(line) for line in lines]
        priced = [line for line in self._lines if line is not None]
        self.total = _Shown(
            sum(line.low for line in priced),
            _sum([line.expected for line in priced]),
            _sum([line.high for line in priced]),
        )
        self.unknown = sum(line.high is None for line in priced)
        self.paid = len(priced)

    @property
    def head(self) -> str:
        """The total in words: "$0.612 expected  ($0.531 to $0.878)"."""
        expected, least, most = self.sums
        if self.total.certain:
            return f"{most} expected"
        return f"{expected} expected  ({f'{least} to' if self.total.low else 'up to'} {most})"

    def amounts(self, free: Sequence[bool]) -> list[Cell]:
        """Return one cell a line; `free` says which lines are work that costs nothing."""
        lows = [self._text(line.low) for line in self._lines if line is not None and not line.certain and line.low]
        highs = [self._text(line.high) for line in self._lines if line is not None]
        low, high = max(map(len, lows), default=0), max(map(len, highs), default=0)
        made: list[Cell] = []
        for line, nothing in zip(self._lines, free, strict=True):
            if line is None:
                made.append(("dim", _FREE if nothing else ""))
            elif line.certain or (line.high is None and not line.low):
                made.append(self._text(line.high))
            elif not line.low:
                made.append(f"up to {self._text(line.high):>{high}}")
            else:
                made.append(f"{self._text(line.low):>{low}} to {self._text(line.high):>{high}}")
        return made

    def expected(self) -> list[str]:
        """Return what each line is expected to cost, a cell a line."""
        return ["" if line is None else self._text(line.expected) for line in self._lines]

    def bounds(self) -> list[tuple[str, str]]:
        """Return the least and the most of each line; of what nobody knows neither."""
        return [
            ("", "") if line is None
            else (self._text(line.low if line.low or line.high is not None else None), self._text(line.high))
            for line in self._lines
        ]  # fmt: skip

    @property
    def sums(self) -> tuple[str, str, str]:
        """What all lines cost: expected, least, most."""
        priced = [line for line in self._lines if line is not None]
        expected = self._sum([line.expected for line in priced])
        return expected, self._text(self.total.low), self._sum([line.high for line in priced])

    def shares(self) -> list[int | None]:
        """Return each line's part of what is expected, in whole percent; None where there is none to tell."""
        whole = self.total.expected
        if not whole:
            return [None] * len(self._lines)
        return [None if line is None else round(100 * (line.expected or 0) / whole) for line in self._lines]

    def dearest(self) -> int | None:
        """Return the line that is expected to cost most, if one does."""
        known = [(line.expected or 0, -i) for i, line in enumerate(self._lines) if line is not None]
        if len(known) < 2 or self.total.expected is None:
            return None
        (most, place), (second, _) = sorted(known, reverse=True)[:2]
        return -place if most > second else None

    def _sum(self, amounts: Sequence[int | None]) -> str:
        known = sum(amount or 0 for amount in amounts)
        if None not in amounts:
            return self._text(known)
        return f"{self._text(known)} + {UNKNOWN}" if known else UNKNOWN

    def _shown(self, line: Range) -> _Shown:
        if line.low == line.expected == line.high:
            amount = self._up(line.low)
            return _Shown(amount, amount, amount)
        unit: int = 10 ** (6 - self._digits)
        expected = None if line.expected is None else self._up(line.expected)
        return _Shown(line.low // unit * unit, expected, None if line.high is None else self._up(line.high))

    def _up(self, amount: int) -> int:
        unit: int = 10 ** (6 - self._digits)
        return -(-amount // unit) * unit

    def _text(self, amount: int | None) -> str:
        return UNKNOWN if amount is None else dollars(amount, self._digits)


def _sum(amounts: Sequence[int | None]) -> int | None:
    return None if None in amounts else sum(amount or 0 for amount in amounts)
