"""An aspect and a size into a picture's size as one model takes it. Knows no other parameter."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from dagcontent.catalog.fit import pixels_of, ratio
from dagcontent.catalog.model import Canvas
from dagcontent.errors import NodeError
from dagcontent.values.snap import Snap

__all__ = ["PRESETS", "Placed", "placed"]

PRESETS: Final = {
    "square_hd": (1024, 1024), "portrait_4_3": (768, 1024), "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768), "landscape_16_9": (1024, 576),
}  # fmt: skip
"""fal's words for sizes, in pixels."""

_BY_ASPECT: Final = {
    "1:1": "square_hd", "3:4": "portrait_4_3", "9:16": "portrait_16_9", "4:3": "landscape_4_3", "16:9": "landscape_16_9",
}  # fmt: skip
_NEAR: Final = 0.02  # sides are multiples: a ratio is met to within this part of it


class Placed(msgspec.Struct, frozen=True):
    """A size for the vendor (`value`; None: nothing is sent), for the key (`aspect`, `size`), and its pixels."""

    value: Any
    aspect: str | None
    size: str | None
    pixels: int | None
    note: str = ""


def placed(canvas: Canvas, aspect: str | None, size: str | None, snap: Snap | None, model: str) -> Placed:
    """Return the size that is asked for. Raises NodeError for one that the model does not make."""
    if size is not None:
        return _of_size(canvas, aspect, size, snap, model)
    aspect = aspect or canvas.aspect or None
    if aspect is None:
        return Placed(None, None, None, None)
    wide = ratio(aspect)
    if wide is None:
        raise NodeError(f"`{aspect:.40}` is no aspect", hint="write one as 16:9")
    if canvas.sizes:
        return _of_few(canvas, aspect, wide, snap, model)
    if not 1 / canvas.ratio - 1e-9 <= wide <= canvas.ratio + 1e-9:
        nearest = f"{canvas.ratio:g}:1" if wide > 1 else f"1:{canvas.ratio:g}"
        if snap not in {None, "error"}:
            made = placed(canvas, nearest, None, "error", model)
            return msgspec.structs.replace(made, note=f"aspect {aspect} -> {nearest}")
        text = f"`aspect` is {aspect}, and {model} goes from 1:{canvas.ratio:g} to {canvas.ratio:g}:1"
        raise NodeError(text, hint=f"choose one between them: the nearest is {nearest}")
    word = _BY_ASPECT.get(aspect) if canvas.form == "preset" else None
    if word is not None:
        width, height = PRESETS[word]
        if _allowed(canvas, width, height) is None:
            return Placed(word, aspect, None, width * height)
    width, height = _sides(canvas, aspect, wide)
    return Placed(_value(canvas, width, height), aspect, None, width * height)


def _of_size(canvas: Canvas, aspect: str | None, size: str, snap: Snap | None, model: str) -> Placed:
    if size in canvas.words:
        return Placed(size, aspect, size, None)
    sides = pixels_of(size)
    if sides is None:
        words = f", or one of: {', '.join(canvas.words)}" if canvas.words else ""
        raise NodeError(f"`{size:.40}` is no size", hint=f"write one as 1280x720{words}")
    wide = None if aspect is None else ratio(aspect)
    if wide is not None and abs(sides[0] / sides[1] / wide - 1) > _NEAR:
        raise NodeError(f"`size` {size} is not {aspect}", hint="leave one of them out")
    if canvas.sizes:
        return _of_few(canvas, aspect, sides[0] / sides[1], snap, model, size)
    why = _allowed(canvas, *sides)
    if why is None:
        return Placed(_value(canvas, *sides), aspect, f"{sides[0]}x{sides[1]}", sides[0] * sides[1])
    found = _snapped(canvas, sides, snap or "error")
    if found is None:
        nearest = _snapped(canvas, sides, "nearest")
        other = "" if nearest is None else f": the nearest is {nearest[0]}x{nearest[1]}"
        raise NodeError(f"`size` is {size}, and {model} takes {why}", hint=f"choose another size{other}")
    made = f"{found[0]}x{found[1]}"
    return Placed(_value(canvas, *found), aspect, made, found[0] * found[1], f"size {size} -> {made}")


def _snapped(canvas: Canvas, sides: tuple[int, int], snap: Snap) -> tuple[int, int] | None:
    """Return a size that the model makes in place of one that it does not; None where the way to it is closed."""
    if snap == "error":
        return None
    made = _nearest(canvas, *sides, snap)
    if _allowed(canvas, *made) is not None or not _on_the_way(sides, made, snap):
        return None
    return made


def _on_the_way(sides: tuple[int, int], made: tuple[int, int], snap: Snap) -> bool:
    """Tell whether no side shrinks on the way up, and none grows on the way down."""
    if snap == "up":
        return made[0] >= sides[0] and made[1] >= sides[1]
    return snap != "down" or (made[0] <= sides[0] and made[1] <= sides[1])


def _of_few(
    canvas: Canvas, aspect: str | None, wide: float, snap: Snap | None, model: str, size: str | None = None
) -> Placed:
    """Choose among the few sizes there are: the one of that size, else of that ratio, else the nearest if it may be.

    A ratio has no up and no down: the nearest ratio is taken for both.
    """
    known = {text: sides for text in canvas.sizes if (sides := pixels_of(text))}
    asked = size if size is not None else str(aspect)
    if size in known:
        return Placed(_value(canvas, *known[size]), aspect, size, known[size][0] * known[size][1])
    sides = None if size is None else pixels_of(size)

    def apart(text: str) -> tuple[float, float]:
        wide_, high = known[text]
        area = 0.0 if sides is None else abs(math.log(wide_ * high / sides[0] / sides[1]))
        return round(abs(math.log(wide_ / high / wide)), 6), area

    nearest = min(known, key=apart)
    open_to = known if sides is None else [text for text in known if _on_the_way(sides, known[text], snap or "error")]
    if sides is None or snap == "nearest":
        best = nearest
    else:
        best = min(open_to, key=lambda text: abs(apart(text)[1]), default="")
    width, height = known[best or nearest]
    exact = size is None and abs(width / height / wide - 1) <= _NEAR
    key = "aspect" if size is None else "size"
    if not best or (not exact and snap in {None, "error"}):
        text = f"`{key}` is {asked}, and {model} takes the sizes {', '.join(canvas.sizes)}"
        raise NodeError(text, hint=f'write size = "{nearest}", the nearest')
    if exact:
        return Placed(_value(canvas, width, height), aspect, None, width * height)
    return Placed(_value(canvas, width, height), None, best, width * height, f"{key} {asked} -> size {best}")


def _value(canvas: Canvas, width: int, height: int) -> Any:
    return f"{width}x{height}" if canvas.form == "text" else {"width": width, "height": height}


def _allowed(canvas: Canvas, width: int, height: int) -> str | None:
    """Return what a size breaks, in words; None if the model makes it."""
    if width % canvas.multiple or height % canvas.multiple:
        return f"sides that are multiples of {canvas.multiple}"
    if min(width, height) < canvas.least_side or max(width, height) > canvas.most_side:
        return f"sides of {canvas.least_side} to {canvas.most_side} px"
    if not canvas.least_px <= width * height <= canvas.most_px:
        return f"{canvas.least_px} to {canvas.most_px} pixels in all"
    if max(width, height) > min(width, height) * canvas.ratio:
        return f"ratios up to {canvas.ratio:g}:1"
    return None


def _sides(canvas: Canvas, aspect: str, wide: float) -> tuple[int, int]:
    """Return the largest size of that ratio with at most `area` pixels; exactly of it where multiples allow that."""
    area = max(canvas.area, canvas.least_px)
    first, _, second = aspect.partition(":")
    if first.isdigit() and second.isdigit():
        common = math.gcd(int(first), int(second))
        unit_w, unit_h = int(first) // common * canvas.multiple, int(second) // common * canvas.multiple
        times = math.isqrt(area // (unit_w * unit_h))
        while times > 1 and max(unit_w, unit_h) * times > canvas.most_side:
            times -= 1
        if times >= 1 and unit_w * unit_h * times * times >= max(canvas.least_px, area // 2):
            return unit_w * times, unit_h * times
    return _nearest(canvas, *_scaled(area, wide))


def _scaled(area: int, wide: float) -> tuple[int, int]:
    return max(1, int(math.sqrt(area * wide))), max(1, int(math.sqrt(area / wide)))


def _nearest(canvas: Canvas, width: int, height: int, snap: Snap = "nearest") -> tuple[int, int]:
    """Return the size nearest to this one that keeps the bounds, as far as multiples let its ratio stay.

    On the way up or down, sides are rounded that way.
    """
    factor = 1.0
    if width * height > canvas.most_px:
        factor = math.sqrt(canvas.most_px / (width * height))
    elif width * height < canvas.least_px:
        factor = math.sqrt(canvas.least_px / (width * height))
    if max(width, height) * factor > canvas.most_side:
        factor = canvas.most_side / max(width, height)
    if min(width, height) * factor < canvas.least_side:
        factor = canvas.least_side / min(width, height)
    grows = width * height < canvas.least_px
    whole = math.ceil if grows else math.floor if width * height * factor * factor > canvas.most_px * 0.98 else round
    if snap in {"up", "down"}:
        whole = math.ceil if snap == "up" else math.floor
    sides = [max(canvas.multiple, whole(side * factor / canvas.multiple) * canvas.multiple) for side in (width, height)]
    return sides[0], sides[1]
