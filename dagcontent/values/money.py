"""Money as integers: micro-USD, and caps on it. Knows no price."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Final, Literal

import msgspec

__all__ = [
    "MICRO",
    "MOST_USD",
    "Cap",
    "Ceiling",
    "Refused",
    "Room",
    "budget_for",
    "microusd",
    "typed_usd",
    "usd_decimal",
    "usd_text",
]

MICRO: Final = 1_000_000
"""Micro-USD in a dollar."""
_CENT: Final = MICRO // 100
MOST_USD: Final = 1_000_000
"""The highest budget that can be set: more is a slip of the keyboard."""


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


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Which cap kept a request from being sent, and what stood under it then: in micro-USD, or millionths of `measure`.

    `settled` and `held` are what was spent and reserved, `wanted` what the request could have used.
    """

    scope: str
    name: str
    said: str
    provider: str = ""
    measure: str = ""
    limit: int
    settled: int
    held: int
    wanted: int


def typed_usd(text: str) -> int:
    """Return dollars as people type them ("2.50", "$5") as micro-USD. Raises ValueError that says what is wrong with them.

    More exact than `microusd`: no exponent, no other script's digits, nothing that would be rounded.
    """
    plain = text.strip().removeprefix("$")
    if plain.startswith("-") and plain[1:].replace(".", "", 1).isdigit():
        raise ValueError("is less than nothing")
    if not (plain.isascii() and plain.replace(".", "", 1).isdigit()):
        raise ValueError("is no amount of money")
    if Decimal(plain) > MOST_USD:
        raise ValueError(f"is more than can be meant: the most is {MOST_USD:,} USD")
    if len(plain.partition(".")[2].rstrip("0")) > 6:
        raise ValueError("has more than six decimals")
    return microusd(plain)


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


def budget_for(amount_microusd: int) -> str:
    """Return the least --budget, in whole cents, under which an amount fits."""
    cents = -(-amount_microusd // _CENT)
    return f"{cents // 100}.{cents % 100:02d}"
