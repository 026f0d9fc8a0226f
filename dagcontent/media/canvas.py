"""Turn gradients, glows and outlines into pixels without bands or jagged edges. Knows no scene.

Colour is computed in floating point and dithered when it becomes 8 bits; outlines are drawn three times as large and
made smaller. All chance comes from one seeded source, so equal seeds are equal pictures.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageMath

__all__ = ["Canvas", "Color", "blend", "luminance"]

Color = tuple[float, float, float]
Point = tuple[float, float]
Box = tuple[int, int, int, int]
Stops = Sequence[tuple[float, Color]]

_FINE = 3
_STEPS = 48


def blend(one: Color, other: Color, part: float) -> Color:
    """Return the colour that lies `part` of the way from one to the other."""
    return (
        one[0] + (other[0] - one[0]) * part,
        one[1] + (other[1] - one[1]) * part,
        one[2] + (other[2] - one[2]) * part,
    )


def luminance(color: Sequence[float]) -> float:
    """Return relative luminance, 0 to 1, of an sRGB colour (WCAG 2)."""
    parts = [c / 255 / 12.92 if c <= 10.31 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


class Canvas:
    """A picture being painted. `image` is what is painted, `cover` where anything but the ground was."""

    def __init__(self, size: tuple[int, int], seed: bytes) -> None:
        self.size = size
        self.random = random.Random(seed)  # noqa: S311 - for variety, not for secrets
        noise = self.random.randbytes(size[0] * size[1])
        self._grain = Image.frombytes("L", size, noise).convert("F")
        self.image = Image.new("RGB", size)
        self.cover = Image.new("L", size)

    def ground(self, stops: Stops, glows: Sequence[tuple[Point, float, Color, float]] = ()) -> None:
        """Fill everything with a vertical gradient, and glows of (centre, radius, colour, strength) on it."""
        planes = self._planes(stops)
        for center, radius, color, strength in glows:
            mask = self._disc_of_light(center, radius)
            share = strength / 255.0
            planes = [
                ImageMath.lambda_eval(functools.partial(_towards, color=c, share=share), p=plane, m=mask)
                for plane, c in zip(planes, color, strict=True)
            ]
        self.image = self._dithered(planes)

    def fill(self, outlines: Sequence[Sequence[Point]], stops: Stops, opacity: float = 1.0) -> None:
        """Fill outlines, in px, with a vertical gradient over the whole picture's height."""
        boxes = [
            (min(x for x, _ in o), min(y for _, y in o), max(x for x, _ in o), max(y for _, y in o))
            for o in outlines
            if o
        ]
        box = self._box(boxes)
        if box is None:
            return
        large, pen = self._pen(box)
        for outline in outlines:
            pen.polygon([((x - box[0]) * _FINE, (y - box[1]) * _FINE) for x, y in outline], fill=255)
        self._through(large, box, stops, opacity)

    def discs(self, discs: Sequence[tuple[float, float, float, float]], stops: Stops, opacity: float = 1.0) -> None:
        """Fill ellipses (x, y, half width, half height)."""
        boxes = [(x - across, y - down, x + across, y + down) for x, y, across, down in discs]
        box = self._box(boxes)
        if box is None:
            return
        large, pen = self._pen(box)
        for one in boxes:
            left, top, right, bottom = ((v - box[i % 2]) * _FINE for i, v in enumerate(one))
            pen.ellipse((left, top, right, bottom), fill=255)
        self._through(large, box, stops, opacity)

    def glow(self, center: Point, radius: float, color: Color, strength: float) -> None:
        """Let light fall on what is painted."""
        light = self._disc_of_light(center, radius)
        mask: Image.Image = ImageMath.lambda_eval(
            lambda a: a["m"] * strength + (a["n"] - 128.0) / 160.0, m=light, n=self._grain
        )
        self.image.paste(_whole(color), (0, 0, *self.size), mask.convert("L"))

    def shade(self, stops: Sequence[tuple[float, float]], color: Color) -> None:
        """Lay a colour over everything, as strongly as (place, 0 to 1) says from top to bottom."""
        plane = self._plane([(at, (value * 255, 0.0, 0.0)) for at, value in stops], 0)
        mask: Image.Image = ImageMath.lambda_eval(lambda a: a["m"] + (a["n"] - 128.0) / 128.0, m=plane, n=self._grain)
        self.image.paste(_whole(color), (0, 0, *self.size), mask.convert("L"))

    def finish(self, strength: float = 3.0) -> Image.Image:
        """Return the picture with a fine grain over it."""
        planes = [
            ImageMath.lambda_eval(
                lambda a: a["p"] + (a["n"] - 128.0) * (strength / 128.0) + 0.5, p=band.convert("F"), n=self._grain
            )
            for band in self.image.split()
        ]
        return Image.merge("RGB", [plane.convert("L") for plane in planes])

    def _box(self, boxes: Sequence[tuple[float, float, float, float]]) -> Box | None:
        """Return the part of the picture that boxes touch: nothing outside of it has to be drawn or smoothed."""
        if not boxes:
            return None
        left, top = max(0, math.floor(min(b[0] for b in boxes))), max(0, math.floor(min(b[1] for b in boxes)))
        right = min(self.size[0], math.ceil(max(b[2] for b in boxes)) + 1)
        bottom = min(self.size[1], math.ceil(max(b[3] for b in boxes)) + 1)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _pen(self, box: Box) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        large = Image.new("L", ((box[2] - box[0]) * _FINE, (box[3] - box[1]) * _FINE))
        return large, ImageDraw.Draw(large)

    def _through(self, large: Image.Image, box: Box, stops: Stops, opacity: float) -> None:
        mask = large.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BOX)
        if opacity < 1:
            mask = mask.point([round(value * opacity) for value in range(256)])
        if len(stops) == 1:
            self.image.paste(_whole(stops[0][1]), box, mask)
        else:
            self.image.paste(self._dithered(self._planes(stops, box), box), box, mask)
        self.cover.paste(255, box, mask)

    def _planes(self, stops: Stops, box: Box | None = None) -> list[Image.Image]:
        return [self._plane(stops, channel, box) for channel in range(3)]

    def _plane(self, stops: Stops, channel: int, box: Box | None = None) -> Image.Image:
        left, top, right, bottom = box or (0, 0, *self.size)
        strip = Image.new("F", (1, _STEPS))
        for row in range(_STEPS):
            strip.putpixel((0, row), _between(stops, row / (_STEPS - 1), channel))
        # The strip's ends are at the centres of its first and last px: scaled from there to there.
        first, span = 0.5, (_STEPS - 1) / self.size[1]
        part = (0, first + top * span, 1, first + bottom * span)
        return strip.resize((right - left, bottom - top), Image.Resampling.BICUBIC, box=part)

    def _dithered(self, planes: Sequence[Image.Image], box: Box | None = None) -> Image.Image:
        grain = self._grain if box is None else self._grain.crop(box)
        bands = [
            ImageMath.lambda_eval(lambda a: a["p"] + a["n"] / 255.0, p=plane, n=grain).convert("L") for plane in planes
        ]
        return Image.merge("RGB", bands)

    def _disc_of_light(self, center: Point, radius: float) -> Image.Image:
        light = Image.new("F", self.size)
        side = max(2, round(radius * 2))
        # 0 at the edge, rising softly; Pillow's own gradient is 0 in the middle.
        soft = Image.radial_gradient("L").point([round(255 * (max(0.0, 1 - v / 180)) ** 2) for v in range(256)])
        disc = soft.convert("F").resize((side, side), Image.Resampling.BICUBIC)
        light.paste(disc, (round(center[0] - side / 2), round(center[1] - side / 2)))
        return light


def _towards(planes: Any, *, color: float, share: float) -> Any:
    """Move plane `p` towards a colour where the mask `m` is light. Arguments are Pillow's arithmetic operands."""
    return planes["p"] + (color - planes["p"]) * planes["m"] * share


def _between(stops: Stops, at: float, channel: int) -> float:
    before = stops[0]
    for stop in stops:
        if stop[0] >= at:
            span = stop[0] - before[0]
            part = (at - before[0]) / span if span > 0 else 0.0
            return before[1][channel] + (stop[1][channel] - before[1][channel]) * part
        before = stop
    return before[1][channel]


def _whole(color: Sequence[float]) -> Any:
    return tuple(min(255, max(0, round(part))) for part in color)
