"""A chat model that no catalog has into prices by token, from the package `genai-prices`. Knows no request.

The package is the extra `dagcontent[prices]`; without it there is no price. It is imported when such a model is first
asked for, and told to fetch nothing.
"""

from __future__ import annotations

import datetime
import importlib.util
import math
from decimal import Decimal
from functools import cache
from typing import Any, Final

from dagcontent.catalog.model import Price, Rate

__all__ = ["PACKAGE", "listed"]

PACKAGE: Final = "genai-prices"
_PROVIDERS: Final = frozenset({"openai", "google", "openrouter"})
_NANO: Final = 1_000_000_000
_FEW: Final = 1_000
_MARGIN: Final = Decimal("1.25")
"""Of an upper bound over the dearest of a model's rates: a list may have been raised since."""


@cache
def listed(provider: str, name: str) -> tuple[Price, ...]:
    """Return the prices of a model's tokens; nothing if the package is not there or does not know the model."""
    if provider not in _PROVIDERS or importlib.util.find_spec("genai_prices") is None:
        return ()
    import genai_prices  # noqa: PLC0415 - half a second, and rarely needed

    try:
        found = genai_prices.calc_price(
            genai_prices.Usage(input_tokens=_FEW, output_tokens=_FEW), name, provider_id=provider
        )
    except LookupError:
        return ()
    source = f"{PACKAGE} {genai_prices.__version__}"
    rates = found.model_price
    most_in = [
        _dearest(getattr(rates, field, None)) for field in ("input_mtok", "input_audio_mtok", "input_image_mtok")
    ]
    most_out = [_dearest(getattr(rates, field, None)) for field in ("output_mtok", "output_audio_mtok")]
    usual = (_base(getattr(rates, "input_mtok", None)), _base(getattr(rates, "output_mtok", None)))
    if usual[0] is None or usual[1] is None:  # priced by something else than tokens of text
        return ()
    return (
        _price("input token", usual[0], max(one for one in most_in if one is not None), source),
        _price("output token", usual[1], max(one for one in most_out if one is not None), source),
    )


def _base(rate: Any) -> Decimal | None:
    """Return a rate a million tokens; of tiers the first."""
    return None if rate is None else Decimal(getattr(rate, "base", rate))


def _dearest(rate: Any) -> Decimal | None:
    if rate is None:
        return None
    return max([Decimal(getattr(rate, "base", rate)), *(Decimal(tier.price) for tier in getattr(rate, "tiers", ()))])


def _price(unit: Any, usual: Decimal, most: Decimal, source: str) -> Price:
    nano = round(usual * _NANO / 1_000_000)
    bound = math.ceil(most * _MARGIN * _NANO / 1_000_000)
    return Price(
        unit=unit, rates=(Rate(list_nano=nano, bound_nano=bound),), source=source, date=datetime.date.min,
        confidence="package",
    )  # fmt: skip
