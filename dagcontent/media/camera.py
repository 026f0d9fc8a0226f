"""Turn a picture and a motion into the pictures of a clip, raw, one after the other. Knows no file, no kind and no encoder.

Theory. What the camera sees is a window of the picture, whose edges move by fractions of a px: cutting and scaling whole px, as
the usual zoom filter does, trembles. Pillow can resample any window, but takes four times as long as libswscale, which knows
whole px only; `window` finds whole numbers that come near. The copies of the picture that are scaled are larger than the clip, so that
the closest view is sharp, and held as the encoder wants them: BT.709, limited range, colour at half the size, its samples
above the left of their two px.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Final

from PIL import Image

from dagcontent.media.sheet import fitted_into
from dagcontent.media.window import NEAR_PX, REACH_PX, Span, nearest

__all__ = ["FPS", "LENGTH_S", "own_size", "seen"]

FPS: Final = Fraction(24)
LENGTH_S: Final = 4.0
_LONG_SIDE_PX: Final = 1280
_LARGER: Final = (1.21, 1.27)
"""How much larger the copies are. With these two, windows are off by 0.03 px, at most by 0.12."""
_RIM_PX: Final = REACH_PX + 4
_ALIGNED_TO: Final = 512
"""Rows of frames are longer than their pictures by less than this."""
_BT709: Final = (
    219 / 255 * 0.2126, 219 / 255 * 0.7152, 219 / 255 * 0.0722, 16,
    -224 / 255 * 0.2126 / 1.8556, -224 / 255 * 0.7152 / 1.8556, 224 / 255 * 0.9278 / 1.8556, 128,
    224 / 255 * 0.7874 / 1.5748, -224 / 255 * 0.7152 / 1.5748, -224 / 255 * 0.0722 / 1.5748, 128,
)  # fmt: skip
_preparing = threading.Lock()
"""Many pictures of one film are prepared one after the other: each is large for a moment."""

Window = tuple[float, float, float, float]
"""Left, top, right and bottom, as parts of the picture."""


def own_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size in which a picture is filmed when none is asked for: its own, or smaller."""
    scale = min(1.0, _LONG_SIDE_PX / max(size))
    return round(size[0] * scale), round(size[1] * scale)


def seen(image: Callable[[], Image.Image], size: tuple[int, int], frames: int, motion: str) -> Iterator[bytes]:
    """Yield the planes of `frames` pictures of `size` (even px), in yuv420p: brightness, blue, red, and again.

    The picture, opened when the first of them is asked for, fills them, whatever its shape. Equal pictures give equal bytes.
    """
    with _preparing:
        planes = _planes(_filling(image(), size))
    half = (size[0] // 2, size[1] // 2)
    # A sample of colour is a quarter of its own width left of the middle of what it stands for.
    lenses = _Lens(planes[:1], size), _Lens(planes[1:], half, aside=-0.25, near_px=2 * NEAR_PX)
    if motion == "none":
        still = [plane for lens in lenses for plane in lens.whole()]
        for _ in range(frames):
            yield from still
        return
    for number in range(frames):
        window = _window(motion, frames, number)
        for lens in lenses:
            yield from lens.through(window)


class _Lens:
    """Planes of a picture, of which a window is resampled to a size, moved to the right by a part of a px of what is seen."""

    def __init__(
        self, planes: Sequence[Image.Image], size: tuple[int, int], aside: float = 0.0, near_px: float = NEAR_PX
    ) -> None:
        self._planes, self._size, self._aside, self._near = planes, size, aside, near_px
        self._scaler = _Scaler()
        self._copies: dict[tuple[int, int], list[_Plane]] = {}

    def whole(self) -> Iterator[bytes]:
        """Yield all of the picture."""
        for plane in self._planes:
            aside = 1 + self._aside * plane.width / self._size[0]
            box = (aside, 1.0, aside + plane.width, plane.height + 1.0)
            yield _rimmed(plane, 1).resize(self._size, Image.Resampling.BICUBIC, box).tobytes()

    def through(self, window: Window) -> Iterator[bytes]:
        """Yield what is seen through a window."""
        across, down = (self._span(axis, window[axis], window[axis + 2]) for axis in (0, 1))
        which = (across.copy, down.copy)
        if which not in self._copies:
            self._copies[which] = [self._copy(plane, which) for plane in self._planes]
        for copy in self._copies[which]:
            part = (across.first, down.first, across.end - across.first, down.end - down.first)
            scaled = self._scaler.scaled(copy, part, (across.scaled, down.scaled))
            yield scaled.part(across.skipped, down.skipped, *self._size)

    def _copy(self, plane: Image.Image, which: tuple[int, int]) -> _Plane:
        size = (self._inner(0, which[0]), self._inner(1, which[1]))
        whole = (0, 0, plane.width, plane.height)
        made = self._scaler.scaled(_Plane.of(plane), whole, size)
        return _Plane.of(_rimmed(Image.frombytes("L", size, made.part(0, 0, *size)), _RIM_PX))

    def _inner(self, axis: int, copy: int) -> int:
        return round(self._size[axis] * _LARGER[copy])

    def _span(self, axis: int, begin: float, end: float) -> Span:
        windows = []
        for copy in range(len(_LARGER)):
            inner = self._inner(axis, copy)
            aside = self._aside * inner * (end - begin) / self._size[axis] if axis == 0 else 0.0
            windows.append((_RIM_PX + inner * begin + aside, _RIM_PX + inner * end + aside))
        return nearest(windows, self._size[axis], self._near)


class _Plane:
    """Samples in rows, one byte each, of which the first ones of a row are meant."""

    def __init__(self, data: memoryview, row: int) -> None:
        self._data, self._row = data, row

    @classmethod
    def of(cls, image: Image.Image) -> _Plane:
        """Return those of a grey picture, with something after the last row for what reaches beyond it."""
        return cls(memoryview(image.tobytes() + bytes(image.width + _ALIGNED_TO)), image.width)

    def part(self, left: int, top: int, wide: int, high: int) -> bytes:
        """Return the rows of a part. What it reaches beyond the right edge is of no meaning."""
        begin = top * self._row + left
        return b"".join([self._data[at : at + wide] for at in range(begin, begin + high * self._row, self._row)])


class _Scaler:
    """libswscale, for planes. The same sizes in a row cost less."""

    def __init__(self) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter  # noqa: PLC0415 - takes 0.1 to 0.4 s

        self._reformatter = VideoReformatter()
        self._how = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT

    def scaled(self, plane: _Plane, part: tuple[int, int, int, int], size: tuple[int, int]) -> _Plane:
        """Return a part (left, top, width, height) of a plane in another size."""
        import av  # noqa: PLC0415 - as above

        left, top, wide, high = part
        frame = av.VideoFrame(wide, high, "gray")
        given = frame.planes[0]
        given.update(plane.part(left, top, given.line_size, high))
        made = self._reformatter.reformat(frame, *size, "gray", interpolation=self._how, threads=1).planes[0]
        return _Plane(memoryview(made), made.line_size)


def _filling(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture in the shape of `size`, no smaller than it is, and no larger than it is looked at."""
    scale = min(_LARGER[-1], image.width / size[0], image.height / size[1])
    shape = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    filling = fitted_into(image, shape, "cover")
    if filling.mode == "RGB":
        return filling
    flat = Image.new("RGB", filling.size, (0, 0, 0))
    flat.paste(filling, (0, 0), filling if "A" in filling.getbands() else None)
    return flat


def _planes(image: Image.Image) -> list[Image.Image]:
    light, blue, red = image.convert("RGB", _BT709).split()
    half = (max(1, round(image.width / 2)), max(1, round(image.height / 2)))
    return [light, *(plane.resize(half, Image.Resampling.BOX) for plane in (blue, red))]


def _rimmed(plane: Image.Image, rim: int) -> Image.Image:
    """Return a plane that goes on for `rim` px beyond its edges, as they are."""
    wide, high = plane.size
    whole = Image.new("L", (wide + 2 * rim, high + 2 * rim))
    whole.paste(plane, (rim, rim))
    for at, column in ((0, rim), (wide + rim, wide + rim - 1)):
        edge = whole.crop((column, rim, column + 1, high + rim))
        whole.paste(edge.resize((rim, high), Image.Resampling.NEAREST), (at, rim))
    for at, line in ((0, rim), (high + rim, high + rim - 1)):
        edge = whole.crop((0, line, whole.width, line + 1))
        whole.paste(edge.resize((whole.width, rim), Image.Resampling.NEAREST), (0, at))
    return whole


def _window(motion: str, frames: int, number: int) -> Window:
    # A slow camera: what it leaves out stays within the margin that pictures with text in them keep.
    depth = min(0.14 if "zoom" in motion else 0.09, max(0.05, 0.0011 * frames))
    t = min(1.0, number / max(1, frames - 1))
    out = {"zoom_in": depth * t, "zoom_out": depth * (1 - t)}.get(motion, depth)
    x = {"pan_right": t, "pan_left": 1 - t}.get(motion, 0.5)
    y = {"pan_down": t, "pan_up": 1 - t}.get(motion, 0.5)
    return out * x, out * y, 1 - out * (1 - x), 1 - out * (1 - y)
