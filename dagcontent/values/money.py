"""Money as integers: micro-USD, and caps on it. Knows no price."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Final, Literal

import msgspec

__all__ = ["MICRO", "Cap", "Ceiling", "Room", "microusd", "usd_decimal", "usd_text"]

MICRO: Final = 1_000_000
"""Micro-USD in a dollar."""


class Cap(msgspec.Struct, frozen=True):
    """A ceiling: what `scope` `name` may have cost and reserved in all. For "day", `name` is a date in UTC, as 2026-11-22.

    With `provider`, only what was paid to that one counts.
    """

    scope: Literal["run", "graph", "day", "provider"]
    name: str
    limit_microusd: int
    said: str = ""
    """Where it was set, for people: "--budget"."""
    provider: str = ""


class Ceiling(msgspec.Struct, frozen=True):
    """A cap as it was configured, before it is known which run, graph and day it is for. `provider` narrows it to one vendor."""

    per: Literal["run", "graph", "day"]
    limit_microusd: int
    said: str
    """Where it was set, for people: "per_day_usd in /home/me/.config/dagcontent/config.toml"."""
    provider: str = ""


class Room(msgspec.Struct, frozen=True):
    """A ceiling, and what counts under it already: settled and reserved."""

    ceiling: Ceiling
    used_microusd: int = 0

    @property
    def left_microusd(self) -> int:
        """What may still be spent under it."""
        return max(0, self.ceiling.limit_microusd - self.used_microusd)


def microusd(usd: str | int | Decimal) -> int:
    """Return dollars, written exactly, as micro-USD, rounded up. Raises ValueError for what is no finite amount."""
    try:
        amount = Decimal(usd)
    except (InvalidOperation, TypeError):
        raise ValueError(f"{usd!r} is no amount of money") from None
    if not amount.is_finite():
        raise ValueError(f"{usd!r} is no amount of money")
    return int((amount * MICRO).to_integral_value(ROUND_CEILING))


def usd_text(amount_microusd: int, *, digits: int = 3) -> str:
    """Return "$0.025"; more digits where fewer would not say it exactly, six at most."""
    exact = Decimal(amount_microusd) / MICRO
    shown = max(digits, -int(exact.normalize().as_tuple().exponent))
    return f"${exact:.{min(shown, 6)}f}"


def usd_decimal(amount_microusd: int) -> str:
    """Return an amount as the decimal text of JSON documents: "0.025", without needless zeros."""
    text = f"{amount_microusd // MICRO}.{amount_microusd % MICRO:06d}".rstrip("0")
    return text.rstrip(".")
