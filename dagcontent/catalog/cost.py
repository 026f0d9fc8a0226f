"""A model's prices and one call into a Quote: the list price, and a bound that it cannot exceed. Knows no budget.

What cannot be measured (a text still to be written, a clip still to be made) is taken at its most for the bound; where
there is no most, the bound is None: unknown is never zero.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from dagcontent.catalog.model import Model, Price, Rate, Slot
from dagcontent.kinds.registry import KINDS
from dagcontent.values.quote import Charge, Quote
from dagcontent.values.types import Type
from dagcontent.values.value import ABSENT, UNKNOWN, Blob, blobs_in, contains_unknown

__all__ = ["quote"]

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
    """The call does not say."""


class _Amount(msgspec.Struct, frozen=True):
    """How many units a call has, at least, likely and at most; None: nobody can say. `guessed`: the likely is a guess."""

    low: float
    expected: float | None
    high: float | None
    guessed: bool = False

    @classmethod
    def exactly(cls, units: float) -> _Amount:
        return cls(units, units, units)

    def map(self, change: Callable[[float], float]) -> _Amount:
        """Return it with every number changed alike; `change` must not fall where its argument rises."""
        return _Amount(
            change(self.low), None if self.expected is None else change(self.expected),
            None if self.high is None else change(self.high), self.guessed,
        )  # fmt: skip


_NOBODY_KNOWS: Final = _Amount(0.0, None, None)


def quote(
    model: Model,
    kind: str,
    params: Mapping[str, Any],
    fields: Mapping[str, Any],
    pixels: int | None,
    today: datetime.date | None = None,
    prices: Sequence[Price] | None = None,
) -> Quote:
    """Return what this call costs. `high` holds on all dates, `low` and `expected` at list prices of `today` (without one:
    of the day the catalog was written). `prices` hold in place of the model's own.
    """
    prices = model.prices if prices is None else prices
    day = today or model.as_of
    said = {**{name: _at(fields, name) for name in model.knobs}, **params}
    call = _Measured(model, kind, params, fields, pixels)
    charges = []
    low: float = 0.0
    expected: float | None = 0.0
    high: float | None = 0.0
    guessed = False
    for price in prices:
        listed = [rate.list_nano for rate in _rates(price, said, day)]
        bounds = [rate.bound_nano for rate in _rates(price, said, None)]
        amount = call.amount(price)
        guessed = guessed or amount.guessed
        if listed:
            low += min(listed) * amount.low
        expected = None if expected is None or amount.expected is None or not listed else (
            expected + max(listed) * amount.expected
        )  # fmt: skip
        high = None if high is None or amount.high is None or not bounds else high + max(bounds) * amount.high
        if listed and bounds:
            charges.append(
                Charge(
                    unit=price.unit, low=amount.low, expected=amount.expected, high=amount.high, nano=max(listed),
                    bound_nano=max(bounds), source=price.source,
                    date="" if price.date == datetime.date.min else price.date.isoformat(),
                    confidence=price.confidence,
                )
            )  # fmt: skip
    if not prices:
        return Quote(basis="most")
    basis = "most" if expected is None else "guess" if guessed else "list"
    return Quote(
        low=_micro(low), expected=None if expected is None else _micro(expected),
        high=None if high is None else _micro(high), charges=tuple(charges), basis=basis,
    )  # fmt: skip


def _micro(nano: float) -> int:
    return math.ceil(round(nano, 3) / _NANO)


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


class _Measured:
    """One call, and how many units of a price it has."""

    def __init__(
        self, model: Model, kind: str, params: Mapping[str, Any], fields: Mapping[str, Any], pixels: int | None
    ) -> None:
        self._model = model
        self._kind = kind
        self._params = params
        self._fields = fields
        self._pixels = pixels

    def amount(self, price: Price) -> _Amount:
        """Return a price's units. What cannot be measured is the price's own most, if it has one."""
        try:
            found = self._units(price)
        except _Unmeasured:
            found = _NOBODY_KNOWS
        if found.high is None and price.at_most is not None:
            found = _Amount(found.low, found.expected, price.at_most, found.guessed)
        if price.long is not None:
            found = self._of_long(found, price)
        return found.map(lambda units: units + price.plus) if price.plus else found

    def _units(self, price: Price) -> _Amount:
        unit, params = price.unit, self._params
        if unit in {"call", "image"}:
            return _Amount.exactly(1.0)
        if unit == "megapixel":
            return _Amount.exactly(_megapixels(price, params, self._pixels))
        if unit in _SECONDS:
            rounds, whole = price.rounds, _SECONDS[unit]
            seconds = self._seconds(price)
            if rounds:
                seconds = seconds.map(lambda one: math.ceil(one / rounds - 1e-9) * rounds)
            return seconds.map(lambda one: one / whole)
        if unit == "1000 characters":
            return self._characters()
        if unit == "input token":
            return _input_tokens(params)
        if unit == "output token":
            return _output_tokens(params, self._fields)
        if unit == "input image":
            return _Amount.exactly(float(self._images()))
        if unit == "input second":
            return _Amount.exactly(
                sum(_length(blob) for blob in _blobs(self._media()) if blob.type in {"audio", "video"})
            )
        raise _Unmeasured  # seconds of a machine: nobody knows before

    def _of_long(self, found: _Amount, price: Price) -> _Amount:
        """Return units that count for more, where so much is given that every token is dearer."""
        assert price.long is not None
        tokens, factor_in, factor_out = price.long
        given = self._given_tokens()
        factor = factor_in if price.unit == "input token" else factor_out

        def dearer(units: float | None, count: float | None) -> float | None:
            return units if units is None or count is None or count <= tokens else units * factor

        return _Amount(
            dearer(found.low, given.low) or 0.0, dearer(found.expected, given.expected),
            dearer(found.high, given.high), found.guessed,
        )  # fmt: skip

    def _given_tokens(self) -> _Amount:
        try:
            return _input_tokens(self._params)
        except _Unmeasured:
            return _NOBODY_KNOWS

    def _seconds(self, price: Price) -> _Amount:
        named = (price.by,) if price.by else _MEASURED.get(self._kind)
        values = [self._params[n] for n in named if n in self._params] if named else list(_blobs(self._media()))
        if named and not values:
            raise _Unmeasured
        found = [one for value in values if (one := self._of_time(named, value)) is not None]
        if not found:
            raise _Unmeasured
        likely = [one.expected for one in found if one.expected is not None]
        most = [one.high for one in found if one.high is not None]
        return _Amount(
            max(one.low for one in found), max(likely) if len(likely) == len(found) else None,
            max(most) if most else None,
        )  # fmt: skip

    def _media(self) -> dict[str, Any]:
        """Return the parameters that hold pictures, recordings or clips: what is still to be said elsewhere prices nothing."""
        declared = KINDS.get(self._kind)
        if declared is None:
            return dict(self._params)
        may = {param.name for param in declared.params if any(_is_media(one) for one in (param.type, *param.also))}
        return {name: value for name, value in self._params.items() if name in may}

    def _images(self) -> int:
        """Return how many pictures are given; one that is still to be made is one."""
        declared = KINDS.get(self._kind)
        single = (
            {param.name for param in declared.params if param.type.name == "image"} if declared is not None else set()
        )
        given = self._media()
        made = {name: value for name, value in given.items() if not (value is UNKNOWN and name in single)}
        return len(given) - len(made) + sum(1 for blob in _blobs(made) if blob.type == "image")

    def _of_time(self, named: tuple[str, ...] | None, value: Any) -> _Amount | None:
        """Return the seconds that a value stands for; None for what has no length, as a picture."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _Amount.exactly(float(value))
        if isinstance(value, Blob) and "duration_ms" in value.facts:
            return _Amount.exactly(float(value.facts["duration_ms"]) / 1000)
        if isinstance(value, Blob) and value.type not in {"audio", "video"}:
            return None
        slots = [s for s in self._model.slots.get(self._kind, ()) if named is None or s.param in named]
        longest = [limit for slot in slots if (limit := _longest(slot)) is not None]
        shortest = [limit for slot in slots if (limit := _shortest(slot)) is not None]
        return _Amount(min(shortest, default=0.0), None, max(longest, default=None))

    def _characters(self) -> _Amount:
        spoken = [self._params[name] for name in ("text", "lines", "prompt") if name in self._params][:1]
        if not spoken:
            raise _Unmeasured
        if not contains_unknown(spoken[0]):
            return _Amount.exactly(float(sum(len(text) for text in _texts(spoken[0]))))
        slots = self._model.slots.get(self._kind, ())
        limits = [slot.chars for slot in slots if slot.chars is not None]
        known = float(sum(len(text) for text in _texts(spoken[0])))
        return _Amount(known, None, float(max(limits)) if limits else None)


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


def _shortest(slot: Slot) -> float | None:
    numbers = [float(v) for v in slot.values if isinstance(v, int | float) and not isinstance(v, bool)]
    return min(numbers) if numbers else slot.minimum


def _longest(slot: Slot) -> float | None:
    numbers = [float(v) for v in slot.values if isinstance(v, int | float) and not isinstance(v, bool)]
    return max(numbers) if numbers else slot.maximum if slot.seconds is None else slot.seconds


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from _texts(value.get("text", ""))


def _input_tokens(params: Mapping[str, Any]) -> _Amount:
    """Return the tokens of what is given: at most one a byte of text, and usually a quarter of that."""
    likely, most = _USUALLY["around"], _AT_MOST["around"]
    for value in params.values():
        if contains_unknown(value):
            raise _Unmeasured
        for blob in blobs_in(value):
            if blob.type == "image":
                of_it = 1.0
            elif blob.type in {"audio", "video"}:
                of_it = _length(blob)
            else:
                raise _Unmeasured
            likely += of_it * _USUALLY[blob.type]
            most += of_it * _AT_MOST[blob.type]
        written = 0
        if isinstance(value, str):
            written = len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, dict | list) and not any(True for _ in blobs_in(value)):
            written = len(json.dumps(value, default=str))
        likely += written * _USUALLY["byte"]
        most += written * _AT_MOST["byte"]
    return _Amount(min(likely, most), min(likely, most), most, guessed=True)


def _output_tokens(params: Mapping[str, Any], fields: Mapping[str, Any]) -> _Amount:
    for name in ("max_output_tokens", "max_completion_tokens", "max_tokens"):
        found = fields.get(name)
        if isinstance(found, int):
            # What is usual is not known before; a tenth of the most is shown where a graph says nothing.
            return _Amount(0.0, float(found) if params.get("max_tokens") else found / 10, float(found), guessed=True)
    raise _Unmeasured


def _at(fields: Mapping[str, Any], path: str) -> Any:
    found: Any = fields
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _length(blob: Blob) -> float:
    if "duration_ms" not in blob.facts:
        raise _Unmeasured
    return float(blob.facts["duration_ms"]) / 1000


def _is_media(type_: Type) -> bool:
    return type_.artifact or (type_.item is not None and _is_media(type_.item))


def _blobs(params: Mapping[str, Any]) -> Iterator[Blob]:
    for value in params.values():
        if contains_unknown(value):
            raise _Unmeasured
        yield from blobs_in(value)
