"""Turn a mood into a painted scene: sea, city, forest, desert, space, mountains or ribbons. Knows no text.

Every scene leaves its upper third calm: a title stands there. Lengths are parts of the picture's sides, so that a
scene works in every shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from dagcontent.media.canvas import Canvas, Color, Point, blend
from dagcontent.media.mood import Mood
from dagcontent.media.seascape import paint_sea
from dagcontent.media.terrain import land, layers, peaks, ridge, sky, stars

__all__ = ["paint_scene"]


def paint_scene(canvas: Canvas, mood: Mood) -> None:
    """Paint the whole picture."""
    _PAINTERS[mood.scene](canvas, mood)
    if mood.words & {"snow", "winter", "snowy", "blizzard"}:
        _flakes(canvas)
    elif mood.words & {"rain", "rainy", "storm", "rainfall"}:
        _rain(canvas, mood)


def _mountains(canvas: Canvas, mood: Mood) -> None:
    _, height = canvas.size
    random = canvas.random
    sky(canvas, mood, 0.66)
    colors = layers(mood, 5)
    for i, color in enumerate(colors):
        base = 0.52 + 0.1 * i + random.uniform(-0.015, 0.015)
        line = peaks(canvas, base, (0.19, 0.15, 0.1)[i]) if i < 3 else ridge(canvas, base, (0.07, 0.05)[i - 3], 0.2)
        mist = blend(color, mood.low, 0.5 if i < 4 else 0.0)
        canvas.fill([land(canvas, line)], [(base - 0.12, color), (min(1.0, base + 0.16), mist), (1.0, mist)])
        if i == 0 and (mood.words & {"snow", "winter", "alps", "glacier", "peak", "summit"} or mood.time == "day"):
            _snowcaps(canvas, line, base)
        if i >= 3:
            _pines(
                canvas,
                line,
                color if i == 3 else mood.near,
                height * (0.035 if i == 3 else 0.075),
                0.5 if i == 3 else 0.32,
            )


def _snowcaps(canvas: Canvas, line: list[Point], base: float) -> None:
    _, height = canvas.size
    random = canvas.random
    level = height * (base - 0.07)
    lower = [(x, y + max(0.0, (level - y)) * random.uniform(0.3, 0.62)) for x, y in line]
    canvas.fill([[*line, *reversed(lower)]], [(0, (255.0, 255.0, 255.0))], 0.75)


def _pines(canvas: Canvas, line: list[Point], color: Color, size: float, density: float) -> None:
    random = canvas.random
    trees: list[list[Point]] = []
    width = canvas.size[0]
    x = random.uniform(-0.5, 0.5) * size
    while x < width + size:
        # Trees stand in groups: the gaps between are what makes it a wood and not a fence.
        if random.random() < density + 0.35 * math.sin(x / width * 9 + size):
            index = min(len(line) - 1, max(0, round(x / width * (len(line) - 1))))
            trees += _pine(x, line[index][1] + size * 0.12, size * random.uniform(0.6, 1.15))
        x += size * random.uniform(0.22, 0.5)
    canvas.fill(trees, [(0, color)])


def _pine(x: float, foot: float, size: float) -> list[list[Point]]:
    tiers = [
        [(x, foot - size * top), (x - size * half, foot - size * low), (x + size * half, foot - size * low)]
        for top, low, half in ((1.0, 0.62, 0.13), (0.8, 0.36, 0.19), (0.56, 0.08, 0.25))
    ]
    trunk = size * 0.03
    return [
        *tiers,
        [
            (x - trunk, foot - size * 0.1),
            (x + trunk, foot - size * 0.1),
            (x + trunk, foot + size * 0.1),
            (x - trunk, foot + size * 0.1),
        ],
    ]


def _city(canvas: Canvas, mood: Mood) -> None:
    width, height = canvas.size
    random = canvas.random
    sky(canvas, mood, 0.74)
    for i, color in enumerate(layers(mood, 3)):
        top, deep = (0.46, 0.56, 0.68)[i], (0.2, 0.2, 0.16)[i]
        unit = min(width, height) * (0.055, 0.08, 0.12)[i]
        blocks: list[list[Point]] = []
        lit: list[list[Point]] = []
        x = -unit * random.random()
        while x < width:
            wide = unit * random.uniform(0.7, 1.6)
            roof = height * (top + deep * random.uniform(-0.75, 0.75) * random.random())
            blocks.append([(x, roof), (x + wide, roof), (x + wide, height), (x, height)])
            blocks += _roof(canvas, x, wide, roof, unit)
            lit += _windows(canvas, x, wide, roof, unit * (0.16, 0.15, 0.13)[i], 0.5 if mood.dark else 0.16)
            x += wide * random.uniform(0.96, 1.12)
        mist = blend(color, mood.low, 0.45 if i < 2 else 0.0)
        canvas.fill(blocks, [(top - deep, color), (min(1.0, top + 0.25), mist), (1.0, mist if i < 2 else color)])
        glass = (255.0, 214.0, 130.0) if mood.dark else blend(mood.light, mood.low, 0.3)
        canvas.fill(lit, [(0, glass)], (0.35, 0.6, 0.85)[i] if mood.dark else 0.28)


def _roof(canvas: Canvas, x: float, wide: float, roof: float, unit: float) -> list[list[Point]]:
    random = canvas.random
    kind = random.random()
    middle = x + wide / 2
    if kind < 0.18:
        return [
            [
                (middle - unit * 0.02, roof),
                (middle, roof - unit * random.uniform(0.5, 1.1)),
                (middle + unit * 0.02, roof),
            ]
        ]
    if kind < 0.36:
        return [
            [
                (x + wide * 0.2, roof),
                (x + wide * 0.2, roof - unit * 0.25),
                (x + wide * 0.8, roof - unit * 0.25),
                (x + wide * 0.8, roof),
            ]
        ]
    if kind < 0.46:
        return [[(x, roof), (middle, roof - unit * 0.4), (x + wide, roof)]]
    return []


def _windows(canvas: Canvas, x: float, wide: float, roof: float, cell: float, share: float) -> list[list[Point]]:
    random = canvas.random
    height = canvas.size[1]
    columns = max(1, int((wide - cell) / cell))
    side = (wide - columns * cell) / 2
    windows: list[list[Point]] = []
    y = roof + cell
    while y < height:
        for column in range(columns):
            if random.random() < share:
                left = x + side + column * cell + cell * 0.25
                windows.append(
                    [(left, y), (left + cell * 0.5, y), (left + cell * 0.5, y + cell * 0.62), (left, y + cell * 0.62)]
                )
        y += cell * 1.45
    return windows


def _forest(canvas: Canvas, mood: Mood) -> None:
    height = canvas.size[1]
    random = canvas.random
    green = blend(mood.near, (22.0, 66.0, 44.0), 0.55 if mood.time != "dusk" else 0.25)
    if mood.words & {"autumn", "fall"}:
        green = blend(mood.near, (128.0, 58.0, 20.0), 0.6)
    sky(canvas, mood, 0.62)
    for i in range(5):
        part = (i / 4) ** 1.1
        color = blend(blend(mood.far, mood.low, 0.5), green if i < 4 else blend(green, (0.0, 0.0, 0.0), 0.45), part)
        base = 0.55 + 0.115 * i
        line = ridge(canvas, base, 0.045, 0.2)
        size = height * (0.075, 0.11, 0.16, 0.24, 0.34)[i] * min(1.0, canvas.size[0] / height + 0.35)
        mist = blend(color, mood.low, 0.5 if i < 4 else 0.0)
        _pines(canvas, line, color, size, 0.8 if i < 4 else 0.25)
        canvas.fill([land(canvas, line)], [(base - 0.05, color), (min(1.0, base + 0.12), mist), (1.0, mist)])
        if i == 2 and mood.time in ("dawn", "day"):
            _rays(canvas, mood)
    if mood.dark:
        for _ in range(16):
            place = (random.uniform(0, 1) * canvas.size[0], random.uniform(0.62, 0.95) * height)
            canvas.glow(place, height * 0.018, (255.0, 236.0, 140.0), 0.9)


def _rays(canvas: Canvas, mood: Mood) -> None:
    width, height = canvas.size
    random = canvas.random
    for _ in range(4):
        x = random.uniform(0.15, 0.8) * width
        lean, wide = width * 0.18, width * random.uniform(0.03, 0.08)
        canvas.fill(
            [[(x + lean, -2), (x + lean + wide * 0.6, -2), (x + wide - lean, height), (x - wide - lean, height)]],
            [(0, mood.light)],
            0.07,
        )


def _desert(canvas: Canvas, mood: Mood) -> None:
    width, height = canvas.size
    random = canvas.random
    sky(canvas, mood, 0.6)
    sand = blend(mood.far, (226.0, 158.0, 92.0), 0.65 if not mood.dark else 0.35)
    for i in range(4):
        part = i / 3
        base = 0.58 + 0.115 * i
        lit = blend(blend(sand, mood.low, 0.45 * (1 - part)), mood.near, 0.28 * part)
        shadow = blend(lit, mood.near, 0.42)
        middle, rise = random.uniform(0.25, 0.75), random.uniform(0.06, 0.11)
        crest = [
            (
                x / 60 * width,
                height * (base - rise * math.exp(-(((x / 60 - middle) * 3.1) ** 2)) + 0.02 * math.sin(x / 60 * 7 + i)),
            )
            for x in range(61)
        ]
        canvas.fill(
            [land(canvas, crest)],
            [(base - 0.1, lit), (min(1.0, base + 0.3), blend(lit, mood.near, 0.25)), (1.0, blend(lit, mood.near, 0.3))],
        )
        # The side away from the light: from the crest's top down in a curve.
        top = min(crest, key=lambda p: p[1])
        lee = [top, *[p for p in crest if p[0] > top[0]]]
        under = [
            (x, y + (x - top[0]) * 0.22 + height * 0.02 * math.sin((x - top[0]) / width * 6)) for x, y in reversed(lee)
        ]
        if len(lee) > 3:
            canvas.fill([[*lee, *under]], [(0, shadow)], 0.55)


def _space(canvas: Canvas, mood: Mood) -> None:
    width, height = canvas.size
    random = canvas.random
    short = min(width, height)
    deep = blend(mood.top, (3.0, 4.0, 14.0), 0.6)
    clouds = [
        (
            (random.uniform(0, 1) * width, random.uniform(0.2, 1) * height),
            short * random.uniform(0.5, 0.9),
            blend(mood.middle, color, 0.6),
            random.uniform(0.3, 0.5),
        )
        for color in ((120.0, 60.0, 170.0), (40.0, 110.0, 180.0), (190.0, 80.0, 110.0), mood.middle)
    ]
    canvas.ground([(0, deep), (0.6, blend(deep, mood.middle, 0.35)), (1, deep)], clouds)
    stars(canvas, 1.05, 420)
    x, y, radius = (
        width * random.uniform(0.62, 0.72),
        height * random.uniform(0.68, 0.76),
        short * random.uniform(0.25, 0.31),
    )
    planets = ((212.0, 120.0, 84.0), (96.0, 150.0, 196.0), (178.0, 140.0, 198.0), (122.0, 178.0, 150.0))
    base = blend(mood.light, planets[0] if mood.words & {"red", "mars"} else random.choice(planets), 0.75)
    canvas.glow((x, y), radius * 1.75, base, 0.5)
    tilt = random.uniform(-0.4, -0.2)
    ring = random.random() < 0.6
    if ring:
        _ring(canvas, x, y, radius, tilt, mood, front=False)
    canvas.discs([(x, y, radius, radius)], [(0, base)])
    for k in range(7):
        offset = (k - 3) / 3.6
        half = math.sqrt(max(0.0, 1 - offset**2)) * radius
        canvas.discs(
            [(x, y + offset * radius, half * 0.985, radius * random.uniform(0.03, 0.07))],
            [(0, blend(base, random.choice((mood.light, deep)), 0.4))],
            0.3,
        )
    # Night on the far side: a disc of shadow with the lit disc taken out of it.
    for step in range(26):
        shift = radius * (0.14 + 0.028 * step)
        outer = [
            (
                x + radius * 1.004 * math.cos(a / 60 * math.pi - math.pi / 2),
                y + radius * 1.004 * math.sin(a / 60 * math.pi - math.pi / 2),
            )
            for a in range(61)
        ]
        inner = [
            (
                x + (radius - shift) * math.cos(a / 60 * math.pi - math.pi / 2),
                y + radius * 1.004 * math.sin(a / 60 * math.pi - math.pi / 2),
            )
            for a in range(60, -1, -1)
        ]
        canvas.fill([[*outer, *inner]], [(0, deep)], 0.052)
    if ring:
        _ring(canvas, x, y, radius, tilt, mood, front=True)


def _ring(canvas: Canvas, x: float, y: float, radius: float, tilt: float, mood: Mood, *, front: bool) -> None:
    sweep = [a / 48 * math.pi + (0 if front else math.pi) for a in range(49)]
    for near, far, strength in ((1.35, 1.55, 0.5), (1.6, 1.9, 0.35)):
        outline = []
        for reach, angles in ((near, sweep), (far, list(reversed(sweep)))):
            for angle in angles:
                u, v = math.cos(angle) * reach * radius, math.sin(angle) * reach * radius * 0.28
                outline.append(
                    (x + u * math.cos(tilt) - v * math.sin(tilt), y + u * math.sin(tilt) + v * math.cos(tilt))
                )
        canvas.fill([outline], [(0, blend(mood.light, mood.middle, 0.35))], strength)


def _ribbons(canvas: Canvas, mood: Mood) -> None:
    width, height = canvas.size
    random = canvas.random
    short = min(width, height)
    x, y = width * random.uniform(0.6, 0.78), height * random.uniform(0.5, 0.58)
    canvas.ground(
        [(0, mood.top), (0.5, blend(mood.top, mood.middle, 0.75)), (1, mood.middle)],
        [((x, y), short * 0.9, mood.low, 0.45)],
    )
    radius = short * random.uniform(0.16, 0.22)
    canvas.discs([(x, y, radius, radius)], [(0, mood.light), (0.5, mood.light), (0.75, mood.low)], 0.92)
    waves = random.uniform(0.7, 1.3)
    for i in range(7):
        part = i / 6
        phase, swing = random.uniform(0, 6.28), random.uniform(0.035, 0.075)
        base = 0.56 + 0.075 * i
        line = [
            (
                k / 90 * width,
                height
                * (
                    base
                    + swing * math.sin(k / 90 * 6.28 * waves + phase)
                    + swing * 0.5 * math.sin(k / 90 * 11 + phase * 2)
                ),
            )
            for k in range(91)
        ]
        color = blend(blend(mood.low, mood.far, min(1.0, part * 1.8)), mood.near, max(0.0, part * 1.5 - 0.5))
        canvas.fill(
            [land(canvas, line)],
            [(base - 0.08, blend(color, mood.light, 0.22)), (base + 0.1, color), (1, blend(color, mood.near, 0.3))],
            0.93,
        )


def _flakes(canvas: Canvas) -> None:
    width, height = canvas.size
    random = canvas.random
    unit = min(width, height) / 720
    for count, size, strength in ((240, 1.2, 0.5), (90, 2.2, 0.65), (26, 4.0, 0.5)):
        flakes = []
        for _ in range(count):
            radius = size * unit * random.uniform(0.7, 1.3)
            flakes.append((random.uniform(0, width), random.uniform(0, height), radius, radius))
        canvas.discs(flakes, [(0, (255.0, 255.0, 255.0))], strength)


def _rain(canvas: Canvas, mood: Mood) -> None:
    width, height = canvas.size
    random = canvas.random
    unit = min(width, height) / 720
    drops = []
    for _ in range(260):
        x, y = random.uniform(0, width * 1.1), random.uniform(-0.05, 1) * height
        length, wide = random.uniform(18, 46) * unit, 0.7 * unit
        drops.append([(x, y), (x + wide, y), (x + wide - length * 0.22, y + length), (x - length * 0.22, y + length)])
    canvas.fill(drops, [(0, blend(mood.low, (255.0, 255.0, 255.0), 0.5))], 0.3)


_PAINTERS: Final[dict[str, Callable[[Canvas, Mood], None]]] = {
    "sea": paint_sea, "city": _city, "forest": _forest, "desert": _desert, "space": _space, "mountains": _mountains,
    "ribbons": _ribbons,
}  # fmt: skip
