"""The vendors' public price lists, as their fakes charge by them: what was counted into micro-USD. Knows no catalog.

Written down apart from the catalog, and summed in another way, on purpose: what a build says that it paid is compared with
what is charged by these. A charge is rounded up to a micro-dollar, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Final

__all__ = ["by_tokens", "by_units"]

_TOKENS: Final[Mapping[str, Mapping[str, str]]] = {
    "gpt-6-sol": {"in": "2", "out": "10"},
    "gpt-6.1-sol": {"in": "2", "out": "10"},
    "gpt-6-luna": {"in": "0.1", "out": "0.5"},
    "gpt-5.5": {"in": "5", "out": "30"},
    "gemini-3.5-flash": {"in": "1.5", "out": "9"},
    "gemini-3.5-flash-lite": {"in": "0.3", "out": "2.5"},
    "gemini-3.8-flash": {"in": "0.75", "out": "3.75", "in 2027-01-01": "1.5", "out 2027-01-01": "7.5"},
    "gemini-3.1-flash-image": {"in": "0.5", "out": "60"},
    "gemini-3-pro-image": {"in": "2", "out": "120"},
    "gemini-3.5-transcribe": {"in": "2", "out": "12"},
    "gemini-omni-1.1-flash": {"in": "1.5", "out": "17.5"},
}
"""USD a million tokens; a price with a date holds from then on."""
_UNITS: Final[Mapping[str, str]] = {
    "elevenlabs credit": "0.00008",
    "fal-ai/flux/dev units": "0.025",
    "fal-ai/flux/schnell units": "0.003",
    "fal-ai/kokoro/american-english units": "0.02",
    "fal-ai/kling-video/v3/pro/image-to-video units": "0.168",
    "fal-ai/kling-video/v3/pro/image-to-video silent units": "0.112",
}
"""USD a unit, of a model or of all of a vendor's."""
_MICRO: Final = Decimal(1_000_000)


def by_tokens(model: str, read: float, wrote: float, at_ms: int) -> int | None:
    """Return what tokens cost at that moment; None where this list has no such model."""
    row = _TOKENS.get(model)
    if row is None:
        return None
    day = datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
    usd = Decimal(0)
    for way, count in (("in", read), ("out", wrote)):
        since = max((name for name in row if name.startswith(way) and name.partition(" ")[2] <= day), key=len)
        usd += Decimal(str(count)) * Decimal(row[since])  # a dollar a million is a micro-dollar each
    return int(usd.to_integral_value(ROUND_CEILING))


def by_units(vendor: str, model: str, units: float, unit: str) -> int | None:
    """Return what a vendor's units cost; None where this list has no price of them."""
    usd = _UNITS.get(f"{model} {unit}", _UNITS.get(f"{vendor} {unit}"))
    return None if usd is None else int((Decimal(str(units)) * Decimal(usd) * _MICRO).to_integral_value(ROUND_CEILING))
