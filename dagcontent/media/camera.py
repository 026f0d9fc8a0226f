"""Turn a picture and a motion into the pictures of a clip, raw, one after the other. Knows no file, no kind and no encoder.

Theory. What the camera sees is a window of the picture, whose edges move by fractions of a px: cutting and scaling whole px, as
the usual zoom filter does, trembles. Each window is resampled once, from a copy an eighth larger than the clip, so that the
closest view is still sharp. That copy is held as the encoder wants it (BT.709, limited range, colour at half the size), with a
rim that the resampling may look into; the colour's samples sit above the left of their two px, as H.264 has it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final

from PIL import Image

from dagcontent.media.arguments import even
from dagcontent.media.sheet import fitted_into

__all__ = ["FPS", "LENGTH_S", "own_size", "seen"]

FPS: Final = Fraction(24)
LENGTH_S: Final = 4.0
_LONG_SIDE_PX: Final = 1280
_LARGER: Final = 1.125
_RIM_PX: Final = 4
_BT709: Final = (
    219 / 255 * 0.2126, 219 / 255 * 0.7152, 219 / 255 * 0.0722, 16,
    -224 / 255 * 0.2126 / 1.8556, -224 / 255 * 0.7152 / 1.8556, 224 / 255 * 0.9278 / 1.8556, 128,
    224 / 255 * 0.7874 / 1.5748, -224 / 255 * 0.7152 / 1.5748, -224 / 255 * 0.0722 / 1.5748, 128,
)  # fmt: skip


_preparing = threading.Lock()
"""Many pictures of one film are prepared one after the other: each is large for a moment."""


def own_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size in which a picture is filmed when none is asked for: its own, or smaller."""
    scale = min(1.0, _LONG_SIDE_PX / max(size))
    return round(size[0] * scale), round(size[1] * scale)


def seen(image: Callable[[], Image.Image], size: tuple[int, int], frames: int, motion: str) -> Iterator[bytes]:
    """Yield the planes of `frames` pictures of `size` (even px), in yuv420p: brightness, blue, red, and again.

    The picture, opened when the first of them is asked for, fills them, whatever its shape. Equal pictures give equal bytes.
    """
    factor = 1.0 if motion == "none" else _LARGER
    inner = even(size[0] * factor), even(size[1] * factor)
    with _preparing:
        planes = _planes(fitted_into(image(), (inner[0] + 2 * _RIM_PX, inner[1] + 2 * _RIM_PX), "cover"))
    shot = _shot(planes, inner, size, _window(motion, frames, 0))
    for number in range(frames):
        if number and motion != "none":
            shot = _shot(planes, inner, size, _window(motion, frames, number))
        yield from shot


def _planes(image: Image.Image) -> list[Image.Image]:
    flat = image
    if image.mode != "RGB":
        flat = Image.new("RGB", image.size, (0, 0, 0))
        flat.paste(image, (0, 0), image if "A" in image.getbands() else None)
    light, blue, red = flat.convert("RGB", _BT709).split()
    half = (image.width // 2, image.height // 2)
    return [light, *(plane.resize(half, Image.Resampling.BOX) for plane in (blue, red))]


def _shot(
    planes: list[Image.Image], inner: tuple[int, int], size: tuple[int, int], window: tuple[float, float, float, float]
) -> list[bytes]:
    left, top, right, bottom = (
        _RIM_PX + part * side for part, side in zip(window, (*inner, *inner), strict=True)
    )  # fmt: skip
    shot = [planes[0].resize(size, Image.Resampling.BICUBIC, (left, top, right, bottom)).tobytes()]
    aside = (right - left) / size[0] / 2
    half = ((left - aside) / 2, top / 2, (right - aside) / 2, bottom / 2)
    halved = (size[0] // 2, size[1] // 2)
    return shot + [plane.resize(halved, Image.Resampling.BICUBIC, half).tobytes() for plane in planes[1:]]


def _window(motion: str, frames: int, number: int) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of what is seen, as parts of the picture."""
    if motion == "none":
        return 0.0, 0.0, 1.0, 1.0
    # A slow camera: what it leaves out stays within the margin that pictures with text in them keep.
    depth = min(0.14 if "zoom" in motion else 0.09, max(0.05, 0.0011 * frames))
    t = min(1.0, number / max(1, frames - 1))
    out = {"zoom_in": depth * t, "zoom_out": depth * (1 - t)}.get(motion, depth)
    x = {"pan_right": t, "pan_left": 1 - t}.get(motion, 0.5)
    y = {"pan_down": t, "pan_up": 1 - t}.get(motion, 0.5)
    return out * x, out * y, 1 - out * (1 - x), 1 - out * (1 - y)
