"""Numbers into words of few letters: lengths of time, sizes, counts, money. Knows no medium and no screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dagcontent.values.money import MICRO

__all__ = ["counted", "digits_of", "dollars", "seconds", "size"]

_USUAL: Final = 3


def seconds(value: float) -> str:
    """Return "0.3 s", "18.2 s", "3 min 12 s", "1 h 04 min"."""
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: int) -> str:
    """Return "812 B", "4.1 MB"."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95 or unit == "TB":
            return f"{value:.1f} {unit}"
    return ""


def counted(count: int, word: str, many: str = "") -> str:
    """Return "1 node", "2 nodes"."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"


def digits_of(amounts: Sequence[int]) -> int:
    """Return how many decimals a column of amounts needs: three, more where the smallest would vanish."""
    least = min((amount for amount in amounts if amount), default=MICRO)
    return next((digits for digits in range(_USUAL, 6) if least >= 10 ** (6 - digits)), 6)


def dollars(amount: int, digits: int | None = None, *, up: bool = False) -> str:
    """Return "$0.025"; `up` rounds an upper bound up."""
    kept = digits_of([amount]) if digits is None else digits
    unit = 10 ** (6 - kept)
    units = -(-amount // unit) if up else (amount + unit // 2) // unit
    return f"${units // 10**kept:,}.{units % 10**kept:0{kept}d}"
