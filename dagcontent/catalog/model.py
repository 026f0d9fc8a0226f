"""What is known of one model, as data: what it makes, what it takes, what it costs, when it ends.

Knows no network, no clock and no request; `effective` makes requests of it, `load` reads it from TOML.
"""

from __future__ import annotations

import datetime
from typing import Any, Literal

import msgspec

__all__ = ["Canvas", "Form", "Knob", "Metered", "Model", "Price", "Rate", "Slot", "Unit"]

Form = Literal["plain", "int", "number", "digits", "seconds", "ms", "list", "turns", "language3", "box"]
"""How a value is written for the vendor: as it is, 5, 5.5, "5", "5s", 5500, [x], [{text, voice}], eng for en,
{width, height}."""

Unit = Literal[
    "call", "image", "megapixel", "second", "minute", "hour", "1000 characters", "input token", "output token",
    "input image", "input second", "compute second",
]  # fmt: skip
"""What a price is for. Tokens are priced by the million; a megapixel begun counts; `call` is one song, one clip."""


def per(unit: str) -> int:
    """Return how many of a unit a list names the price of: a million tokens, a thousand characters, one of all else."""
    return 1_000_000 if unit.endswith("token") else 1000 if unit == "1000 characters" else 1


Metered = Literal[
    "cached token", "thought token", "input image token", "input audio token", "input video token",
    "output image token", "output audio token", "output video token", "credit",
]  # fmt: skip
"""What only an answer can count, and only a bill has prices of. A credit is what plans are billed in."""


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """How a model takes one parameter of a kind.

    `field` is the vendor's name, dotted where it lies in a table ("voice_settings.speed"); empty: it is taken, and the
    adapter writes it in a form of its own, or there is nothing to write. `values` are all that are allowed; else
    `minimum` to `maximum` in steps of `step`. `chars` and `most` bound a text's characters and a list's length,
    `seconds` a recording's or clip's length. `names` turn our word into the vendor's. `default` is sent, and keyed, when
    the graph says nothing. `length` is a field for the seconds of the medium that is given; `note` is said when the
    parameter is given.

    A `field` "audio_url|video_url" is the one for the medium's type.
    """

    param: str
    field: str = ""
    form: Form = "plain"
    values: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    chars: int | None = None
    most: int | None = None
    seconds: float | None = None
    required: bool = False
    default: Any = None
    names: dict[str, Any] = {}
    length: str = ""
    note: str = ""


class Canvas(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model takes `aspect` and `size` together, as a picture's size in pixels.

    `form`: "preset" is fal's word or {width, height}; "object" the latter only; "text" is "1024x768". An aspect becomes
    the size of about `area` pixels with sides that are multiples of `multiple`. `sizes` are all sizes there are, where
    there are few. `aspect` is what is made when the graph says nothing; without it nothing is sent.
    """

    field: str = "image_size"
    form: Literal["preset", "object", "text"] = "preset"
    area: int = 1_048_576
    multiple: int = 16
    least_side: int = 64
    most_side: int = 14_142
    least_px: int = 1
    most_px: int = 1 << 30
    ratio: float = 16.0
    sizes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    aspect: str = ""


class Knob(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of the vendor's that prices, and that no parameter is for: `options` may set it to one of `values`."""

    values: tuple[Any, ...]
    default: Any


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a price, in nano-USD a unit: the list price and our upper bound. The first row whose `when` fits holds.

    `when` names parameters or knobs with the values for which it holds; `since` the date from which on.
    """

    list_nano: int
    bound_nano: int
    when: dict[str, tuple[Any, ...]] = {}
    since: datetime.date | None = None


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """One component of what a call costs; a model's components are added.

    `by` names the parameter that is measured, where the kind does not say. `at_most` are units assumed for the bound
    when nothing can be measured; without it there is no bound. `rounds` are units that are billed whole; `plus` units
    billed on top. `long` is (input tokens, factor in, factor out) beyond which every token costs more. `credits` are what
    a unit takes of a plan that bills credits. A `date` of `date.min` is one that nobody says.
    """

    unit: Unit | Metered
    rates: tuple[Rate, ...]
    source: str
    date: datetime.date
    by: str = ""
    at_most: float | None = None
    rounds: float = 0.0
    plus: float = 0.0
    long: tuple[int, float, float] | None = None
    confidence: str = "listed"
    credits: float | None = None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model of one vendor. `name` is the vendor's own id; `id` is what a graph writes.

    `prices` are what a request is quoted by, `bill` what its answer's count is charged by, where that counts something else:
    a picture is quoted by the picture, and billed by its tokens.

    `operations` name the adapter's way of calling, by kind; "image.generate+images" is the way when references are given.
    `recovery` overrides the adapter's class. `slots` are by kind. `send` are fields that are always sent and that
    `options` may replace; `refuse` are fields that `options` may not set, because they price. `confidence` is of the
    fields: typed (in the vendor's package), doc (a page), code (others' code), unsure.
    """

    provider: str
    name: str
    kinds: tuple[str, ...]
    operations: dict[str, str]
    slots: dict[str, tuple[Slot, ...]]
    canvas: Canvas | None = None
    seed: Slot | None = None
    send: dict[str, Any] = {}
    knobs: dict[str, Knob] = {}
    refuse: tuple[str, ...] = ()
    prices: tuple[Price, ...] = ()
    bill: tuple[Price, ...] = ()
    recovery: str | None = None
    retired: datetime.date | None = None
    successor: str = ""
    confidence: str = "typed"
    note: str = ""
    catalogued: bool = True
    as_of: datetime.date = datetime.date(2026, 11, 22)

    @property
    def id(self) -> str:
        """Return `provider/name`."""
        return f"{self.provider}/{self.name}"

    def gone(self, today: datetime.date | None) -> bool:
        """Tell whether it is retired on a day; without one, on the day the catalog was written."""
        return self.retired is not None and self.retired <= (today or self.as_of)
