"""What a vendor's answer counts into a Cost: amounts by the unit that each is priced in. Knows no price.

Tokens are told apart as bills tell them apart: read and written, from a cache, thought, and those of pictures, sound and
film. A count that cannot be, as one below zero, makes the whole report doubtful.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from dagcontent.providers.answers import number, table, words
from dagcontent.providers.port import Cost

__all__ = ["doubtful", "metered", "modal_tokens", "token_cost"]

_MEDIA: Final = ("image", "audio", "video")


def doubtful(value: Any) -> bool:
    """Tell whether this is meant as an amount and cannot be one: below zero, or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return False
    return not math.isfinite(amount) or amount < 0


def metered(value: Any, unit: str) -> Cost:
    """Return one amount that a vendor tells, as in a header; nothing where it tells none."""
    units = number(value)
    if units is None:
        return Cost(doubt=f"{words(value, 40)} {unit}s" if doubtful(value) else "")
    return Cost(units=units, unit=unit)


def token_cost(data: Mapping[str, Any], *, made: str = "output token") -> Cost:
    """Return the tokens of `usage` in OpenAI's forms: of Chat Completions, Responses, pictures and transcripts.

    `made` is what the tokens that went out are of, where the answer does not say.
    """
    usage = table(data.get("usage"))
    given = table(next((usage[n] for n in usage if n.startswith(("prompt", "input")) and n.endswith("_details")), None))
    out = table(
        next((usage[n] for n in usage if n.startswith(("completion", "output")) and n.endswith("_details")), None)
    )
    counts = [usage.get(n) for n in ("prompt_tokens", "input_tokens", "completion_tokens", "output_tokens")]
    odd = next((one for one in (*counts, *given.values(), *out.values()) if doubtful(one)), None)
    if odd is not None:
        return Cost(doubt=f"{words(odd, 40)} tokens")
    read = number(usage.get("prompt_tokens", usage.get("input_tokens")))
    wrote = number(usage.get("completion_tokens", usage.get("output_tokens")))
    if read is None and wrote is None:
        return Cost()
    into = modal_tokens("input", read or 0.0, {name: given.get(f"{name}_tokens") for name in _MEDIA})
    cached = min(number(given.get("cached_tokens")) or 0.0, into[0][1])
    outof = modal_tokens("output", wrote or 0.0, {name: out.get(f"{name}_tokens") for name in _MEDIA}, plain=made)
    used = ((into[0][0], into[0][1] - cached), ("cached token", cached), *into[1:], *outof)
    return Cost(units=(read or 0.0) + (wrote or 0.0), unit="token", used=_told(used))


def modal_tokens(way: str, total: float, by: Mapping[str, Any], *, plain: str = "") -> tuple[tuple[str, float], ...]:
    """Return tokens of one `way` ("input", "output") by what they are of; first what is of nothing named: `plain`, or words."""
    named = [(f"{way} {name} token", number(by.get(name)) or 0.0) for name in _MEDIA]
    return ((plain or f"{way} token", max(0.0, total - sum(count for _, count in named))), *named)


def _told(amounts: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Return the amounts without those of nothing; something is left, where there is nothing but nothing."""
    rows = tuple(amounts)
    return tuple(row for row in rows if row[1]) or rows[:1]
