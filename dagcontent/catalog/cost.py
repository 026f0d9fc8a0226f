"""A model's prices and one call into micro-USD: the list price, and a bound that it cannot exceed. Knows no budget.

What cannot be measured (a text still to be written, a clip still to be made) is taken at its most for the bound; where
there is no most, the bound is None: unknown is never zero.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dagcontent.catalog.model import Model, Price, Rate, Slot
from dagcontent.values.value import ABSENT, UNKNOWN, Blob, blobs_in, contains_unknown

__all__ = ["bound_microusd", "list_microusd"]

_MEASURED: Final[dict[str, tuple[str, ...]]] = {
    "video.generate": ("duration",),
    "video.extend": ("seconds", "duration"),
    "sound.generate": ("duration",),
    "music.generate": ("duration",),
    "video.avatar": ("audio",),
    "video.lipsync": ("video", "audio"),
    "speech.dub": ("media",),
}
"""What a second is a second of, by kind; elsewhere it is the longest recording or clip that is given."""

_MEGAPIXEL: Final = 1024 * 1024
_SECONDS: Final[dict[str, float]] = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
_AT_MOST: Final = {"image": 4_000.0, "audio": 50.0, "video": 800.0, "byte": 1.0, "around": 1_000.0}
_USUALLY: Final = {"image": 1_100.0, "audio": 32.0, "video": 150.0, "byte": 0.25, "around": 100.0}
"""Tokens of a picture, of a second of sound or film, of a byte of text, and of what an adapter says around it."""

_NANO: Final = 1000


class _Unmeasured(Exception):  # noqa: N818 - a state, not an error
    """The call does not say, and the catalog has no most."""


def bound_microusd(
    model: Model, kind: str, params: Mapping[str, Any], fields: Mapping[str, Any], pixels: int | None
) -> int | None:
    """Return what this call can cost at most, in micro-USD, over all dates; None if nobody can say."""
    return _total(model, kind, params, fields, pixels, bound=True, today=None)


def list_microusd(
    model: Model,
    kind: str,
    params: Mapping[str, Any],
    fields: Mapping[str, Any],
    pixels: int | None,
    today: datetime.date | None = None,
) -> int | None:
    """Return what it costs at list prices on a day (without one: when the catalog was written); None if unknown."""
    return _total(model, kind, params, fields, pixels, bound=False, today=today or model.as_of)


def _total(
    model: Model,
    kind: str,
    params: Mapping[str, Any],
    fields: Mapping[str, Any],
    pixels: int | None,
    *,
    bound: bool,
    today: datetime.date | None,
) -> int | None:
    if not model.prices:
        return None
    said = {**{name: _at(fields, name) for name in model.knobs}, **params}
    nano = 0.0
    try:
        for price in model.prices:
            units = _units(model, price, kind, params, fields, pixels, most=bound)
            each = max((_nano(rate, bound=bound) for rate in _rates(price, said, today)), default=None)
            if each is None:
                return None
            nano += each * units
    except _Unmeasured:
        return None
    return math.ceil(round(nano, 3) / _NANO)


def _nano(rate: Rate, *, bound: bool) -> int:
    return rate.bound_nano if bound else rate.list_nano


def _rates(price: Price, said: Mapping[str, Any], today: datetime.date | None) -> Iterator[Rate]:
    """Yield the rows that can hold: on a day the first, without one every date's; more where a value is still unknown."""
    for rate in price.rates:
        if rate.since is not None and today is not None and rate.since > today:
            continue
        holds = [said.get(name, ABSENT) is UNKNOWN or said.get(name) in values for name, values in rate.when.items()]
        if not all(holds):
            continue
        yield rate
        unknown = any(said.get(name, ABSENT) is UNKNOWN for name in rate.when)
        if not unknown and (rate.since is None or today is not None):
            return


def _units(
    model: Model,
    price: Price,
    kind: str,
    params: Mapping[str, Any],
    fields: Mapping[str, Any],
    pixels: int | None,
    *,
    most: bool,
) -> float:
    """Return how many units a call has. `most` takes what cannot be measured at its most."""
    unit = price.unit
    try:
        if unit in {"call", "image"}:
            units = 1.0
        elif unit == "megapixel":
            units = _megapixels(price, params, pixels)
        elif unit in _SECONDS:
            seconds = _seconds(model, price, kind, params, most=most)
            if price.rounds:
                seconds = math.ceil(seconds / price.rounds - 1e-9) * price.rounds
            units = seconds / _SECONDS[unit]
        elif unit == "1000 characters":
            units = float(_characters(model, kind, params, most=most))
        elif unit == "input token":
            units = _input_tokens(params, most=most)
        elif unit == "output token":
            units = _output_tokens(price, params, fields, most=most)
        elif unit == "input image":
            units = float(sum(1 for blob in _blobs(params) if blob.type == "image"))
        elif unit == "input second":
            units = sum(_length(blob) for blob in _blobs(params) if blob.type in {"audio", "video"})
        else:  # seconds of a machine: nobody knows before
            raise _Unmeasured
    except _Unmeasured:
        if price.at_most is None or not most:
            raise
        units = price.at_most
    if price.long is not None:
        tokens, factor_in, factor_out = price.long
        if _input_tokens(params, most=most) > tokens:
            units *= factor_in if unit == "input token" else factor_out
    return units + price.plus


def _megapixels(price: Price, params: Mapping[str, Any], pixels: int | None) -> float:
    if price.by:  # of what is given, enlarged
        if params.get(price.by) is None:
            return 0.0
        blobs = list(blobs_in(params.get(price.by, ABSENT)))
        if not blobs or any("width" not in b.facts or "height" not in b.facts for b in blobs):
            raise _Unmeasured
        factor = params.get("factor", 1)
        if not isinstance(factor, int | float):
            raise _Unmeasured
        return float(sum(math.ceil(b.facts["width"] * b.facts["height"] * factor * factor / _MEGAPIXEL) for b in blobs))
    if pixels is None:
        raise _Unmeasured
    return float(math.ceil(pixels / _MEGAPIXEL))


def _seconds(model: Model, price: Price, kind: str, params: Mapping[str, Any], *, most: bool) -> float:
    named = (price.by,) if price.by else _MEASURED.get(kind)
    values = [params[name] for name in named if name in params] if named else list(_blobs(params))
    if named and not values:
        raise _Unmeasured
    found = [_of_time(model, kind, named, value, most=most) for value in values]
    timed = [seconds for seconds in found if seconds is not None]
    if not timed:
        raise _Unmeasured
    return max(timed)


def _of_time(model: Model, kind: str, named: tuple[str, ...] | None, value: Any, *, most: bool) -> float | None:
    """Return the seconds that a value stands for; None for what has no length, as a picture."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, Blob) and "duration_ms" in value.facts:
        return float(value.facts["duration_ms"]) / 1000
    if isinstance(value, Blob) and value.type not in {"audio", "video"}:
        return None
    if not most:
        raise _Unmeasured
    limits = [_longest(slot) for slot in model.slots.get(kind, ()) if named is None or slot.param in named]
    known = [limit for limit in limits if limit is not None]
    if not known:
        raise _Unmeasured
    return max(known)


def _longest(slot: Slot) -> float | None:
    numbers = [float(v) for v in slot.values if isinstance(v, int | float) and not isinstance(v, bool)]
    return max(numbers) if numbers else slot.maximum if slot.seconds is None else slot.seconds


def _characters(model: Model, kind: str, params: Mapping[str, Any], *, most: bool) -> int:
    spoken = [params[name] for name in ("text", "lines", "prompt") if name in params][:1]
    if not spoken:
        raise _Unmeasured
    if contains_unknown(spoken[0]):
        limits = [slot.chars for slot in model.slots.get(kind, ()) if slot.chars is not None]
        if not limits or not most:
            raise _Unmeasured
        return max(limits)
    return sum(len(text) for text in _texts(spoken[0]))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from _texts(value.get("text", ""))


def _input_tokens(params: Mapping[str, Any], *, most: bool) -> float:
    """Return the tokens of what is given: at most one a byte of text, and usually a quarter of that."""
    each = _AT_MOST if most else _USUALLY
    total = each["around"]
    for value in params.values():
        if contains_unknown(value):
            raise _Unmeasured
        for blob in blobs_in(value):
            if blob.type == "image":
                total += each["image"]
            elif blob.type in {"audio", "video"}:
                total += _length(blob) * each[blob.type]
            else:
                raise _Unmeasured
        if isinstance(value, str):
            total += len(value.encode("utf-8", "surrogatepass")) * each["byte"]
        elif isinstance(value, dict | list) and not any(True for _ in blobs_in(value)):
            total += len(json.dumps(value, default=str)) * each["byte"]
    return total


def _output_tokens(price: Price, params: Mapping[str, Any], fields: Mapping[str, Any], *, most: bool) -> float:
    for name in ("max_output_tokens", "max_completion_tokens", "max_tokens"):
        found = fields.get(name)
        if isinstance(found, int):
            # What is usual is not known before; a tenth of the most is shown where a graph says nothing.
            return float(found) if most or params.get("max_tokens") else found / 10
    if price.at_most is None:
        raise _Unmeasured
    return price.at_most


def _at(fields: Mapping[str, Any], path: str) -> Any:
    found: Any = fields
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _length(blob: Blob) -> float:
    if "duration_ms" not in blob.facts:
        raise _Unmeasured
    return float(blob.facts["duration_ms"]) / 1000


def _blobs(params: Mapping[str, Any]) -> Iterator[Blob]:
    for value in params.values():
        if contains_unknown(value):
            raise _Unmeasured
        yield from blobs_in(value)
