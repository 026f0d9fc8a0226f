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

__all__ = ["paint_scene"]


def paint_scene(canvas: Canvas, mood: Mood) -> None:
    """Paint the whole picture."""
    _PAINTERS[mood.scene](canvas, mood)
    if mood.words & {"snow", "winter", "snowy", "blizzard"}:
        _flakes(canvas)
    elif mood.words & {"rain", "rainy", "storm", "rainfall"}:
        _rain(canvas, mood)


def _sky(canvas: Canvas, mood: Mood, horizon: float, *, body: bool = True) -> Point:
    """Paint sky and sun or moon; return where that stands, in px."""
    width, height = canvas.size
    random = canvas.random
    x = width * random.choice((random.uniform(0.6, 0.78), random.uniform(0.62, 0.8), random.uniform(0.3, 0.4)))
    high = {"night": 0.62, "dawn": 0.86, "day": 0.6, "dusk": 0.88, "storm": 0.65}[mood.time]
    y = height * horizon * high
    short = min(width, height)
    stops = [(0.0, mood.top), (horizon * 0.55, mood.middle), (horizon, mood.low), (1.0, mood.low)]
    canvas.ground(stops, [((x, y), short * 0.95, mood.light, 0.5), ((x, y), short * 0.32, mood.light, 0.55)])
    if mood.time == "night":
        _stars(canvas, horizon, 150)
    if body and mood.time != "storm":
        radius = short * {"night": 0.05, "dawn": 0.075, "day": 0.055, "dusk": 0.085}[mood.time]
        canvas.discs([(x, y, radius, radius)], [(0, blend(mood.light, (255.0, 255.0, 255.0), 0.35))])
        if mood.time == "night":
            spots = [(x + radius * dx, y + radius * dy, radius * r, radius * r) for dx, dy, r in ((-0.3, -0.2, 0.22), (0.25, 0.3, 0.3), (0.35, -0.35, 0.13))]
            canvas.discs(spots, [(0, blend(mood.light, mood.middle, 0.3))], 0.35)
    if mood.time in ("day", "storm", "dawn"):
        _clouds(canvas, mood, horizon)
    return x, y


def _stars(canvas: Canvas, until: float, count: int) -> None:
    width, height = canvas.size
    random = canvas.random
    unit = min(width, height) / 720
    for size, part, strength in ((0.7, 0.7, 0.55), (1.1, 0.25, 0.8), (1.8, 0.05, 1.0)):
        stars = []
        for _ in range(round(count * part)):
            radius = size * unit * random.uniform(0.8, 1.3)
            stars.append((random.uniform(0, width), random.uniform(0, height * until * 0.95), radius, radius))
        canvas.discs(stars, [(0, (255.0, 250.0, 235.0))], strength)


def _clouds(canvas: Canvas, mood: Mood, horizon: float) -> None:
    width, height = canvas.size
    random = canvas.random
    white = blend(mood.low, (255.0, 255.0, 255.0), 0.6)
    for _ in range(5 if mood.time == "storm" else 3):
        x, y = random.uniform(-0.1, 1.0) * width, random.uniform(0.4, 0.85) * height * horizon
        length = random.uniform(0.18, 0.38) * width
        puffs = []
        for step in range(14):
            part = step / 13
            bulge = math.sin(part * math.pi)
            size = length * (0.03 + 0.055 * bulge * random.uniform(0.6, 1.2))
            puffs.append((x + part * length, y - size * 0.5, size * 1.8, size * 0.8))
        for lift, strength in ((0.0, 0.22), (0.012, 0.2)):
            canvas.discs([(cx, cy - lift * height, a * (1 - lift * 12), b) for cx, cy, a, b in puffs], [(0, white)], strength)


def _ridge(canvas: Canvas, base: float, rough: float, sharp: float) -> list[Point]:
    """Return a line of hills from left to right: halved again and again, each half moved by chance."""
    width, height = canvas.size
    random = canvas.random
    points = [random.uniform(-1, 1), random.uniform(-1, 1)]
    amount = 1.0
    while len(points) < 200:
        amount *= 0.5 + 0.08 * sharp
        middle = [(a + b) / 2 + random.uniform(-amount, amount) for a, b in zip(points, points[1:], strict=False)]
        points = [p for pair in zip(points, middle, strict=False) for p in pair] + [points[-1]]
    if sharp < 0.5:
        points = _smooth(_smooth(points, 12), 8)
    most = max(map(abs, points))
    step = width / (len(points) - 1)
    return [(i * step, height * (base - rough * p / most)) for i, p in enumerate(points)]


def _peaks(canvas: Canvas, base: float, high: float) -> list[Point]:
    """Return a line of steep mountains: the highest of several cones at each place, roughened."""
    width, height = canvas.size
    random = canvas.random
    rough = _ridge(canvas, 0.0, high * 0.13, 1.0)
    # A tall picture shows fewer mountains, not narrower ones.
    count = max(3, round(7 * min(1.4, width / height) / 1.4))
    cones = [
        ((i + random.uniform(0.1, 0.9)) / count, random.uniform(0.45, 1.0), random.uniform(0.75, 1.15), random.uniform(0.75, 1.15))
        for i in range(-1, count + 1)
    ]
    reach = 1.5 / count
    line = []
    for x, y in rough:
        at = x / width
        top = max(h - abs(at - place) / reach * (left if at < place else right) for place, h, left, right in cones)
        line.append((x, y + height * (base - high * max(-0.4, top))))
    return line


def _smooth(points: list[float], reach: int) -> list[float]:
    return [
        sum(points[max(0, i - reach) : i + reach + 1]) / len(points[max(0, i - reach) : i + reach + 1]) for i in range(len(points))
    ]


def _land(canvas: Canvas, line: list[Point]) -> list[Point]:
    width, height = canvas.size
    return [(-2.0, height + 2.0), (-2.0, line[0][1]), *line, (width + 2.0, line[-1][1]), (width + 2.0, height + 2.0)]


def _layers(mood: Mood, count: int) -> list[Color]:
    """Return the colours of layers from far, where the air takes most of it, to near."""
    hazy = blend(mood.far, mood.low, 0.22)
    return [blend(hazy, mood.near, (i / (count - 1)) ** 1.15) for i in range(count)]


def _mountains(canvas: Canvas, mood: Mood) -> None:
    _, height = canvas.size
    random = canvas.random
    _sky(canvas, mood, 0.66)
    colors = _layers(mood, 5)
    for i, color in enumerate(colors):
        base = 0.52 + 0.1 * i + random.uniform(-0.015, 0.015)
        line = _peaks(canvas, base, (0.19, 0.15, 0.1)[i]) if i < 3 else _ridge(canvas, base, (0.07, 0.05)[i - 3], 0.2)
        mist = blend(color, mood.low, 0.5 if i < 4 else 0.0)
        canvas.fill([_land(canvas, line)], [(base - 0.12, color), (min(1.0, base + 0.16), mist), (1.0, mist)])
        if i == 0 and (mood.words & {"snow", "winter", "alps", "glacier", "peak", "summit"} or mood.time == "day"):
            _snowcaps(canvas, line, base)
        if i >= 3:
            _pines(canvas, line, color if i == 3 else mood.near, height * (0.035 if i == 3 else 0.075), 0.5 if i == 3 else 0.32)


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
    return [*tiers, [(x - trunk, foot - size * 0.1), (x + trunk, foot - size * 0.1), (x + trunk, foot + size * 0.1), (x - trunk, foot + size * 0.1)]]


def _sea(canvas: Canvas, mood: Mood) -> None:
    width, height = canvas.size
    random = canvas.random
    horizon = 0.62
    sun, _ = _sky(canvas, mood, horizon)
    for i, color in enumerate(_layers(mood, 4)[:2]):
        side = random.choice((-1, 1))
        line = _ridge(canvas, horizon - 0.012 * (1 - i), 0.05 + 0.02 * i, 0.7)
        # A headland: it sinks into the sea towards the middle.
        fall = [(x, y + height * 0.22 * max(0.0, 0.35 + side * (x / width - 0.5) * 1.6)) for x, y in line]
        canvas.fill([_land(canvas, fall)], [(0, color)])
    deep = blend(mood.near, mood.top, 0.45)
    water = [(0.0, mood.low), (horizon, blend(mood.low, mood.middle, 0.5)), (horizon + 0.12, blend(mood.middle, deep, 0.6)), (1.0, deep)]
    canvas.fill([[(0, height * horizon), (width, height * horizon), (width, height), (0, height)]], water)
    _glitter(canvas, mood, sun, horizon)
    if mood.words & {"lighthouse", "cliff", "keeper"}:
        _lighthouse(canvas, mood, horizon)
    if mood.words & {"boat", "boats", "ship", "ships", "sail", "sailing", "fisherman", "pirate", "captain", "harbour", "harbor", "regatta"} or random.random() < 0.45:
        _boats(canvas, mood, horizon)
    if mood.dark and mood.words & {"lantern", "lanterns", "harbour", "harbor", "port", "lights", "pier", "town", "dock", "candle"}:
        _lanterns(canvas, mood, horizon)


def _glitter(canvas: Canvas, mood: Mood, sun: float, horizon: float) -> None:
    width, height = canvas.size
    random = canvas.random
    short = min(width, height)
    dashes, waves = [], []
    for step in range(150):
        depth = (step / 150) ** 1.5
        y = height * (horizon + 0.004 + (1 - horizon) * depth)
        reach = short * (0.03 + 0.17 * depth)
        length = short * (0.006 + 0.04 * depth) * random.uniform(0.5, 1.4)
        dashes.append((sun + random.gauss(0, 0.55) * reach, y, length, max(0.6, height * 0.0011 * (1 + 3 * depth))))
        waves.append((random.uniform(0, width), y, length * 2.2, max(0.5, height * 0.0009 * (1 + 3 * depth))))
    canvas.discs(waves, [(0, blend(mood.low, mood.middle, 0.3))], 0.16)
    canvas.discs(dashes, [(0, mood.light)], 0.6)


def _boats(canvas: Canvas, mood: Mood, horizon: float) -> None:
    width, height = canvas.size
    random = canvas.random
    short = min(width, height)
    for depth in (0.1, 0.34)[: random.choice((1, 2, 2))]:
        size = short * (0.09 + 0.34 * depth)
        x, y = width * random.uniform(0.2, 0.55 if depth > 0.2 else 0.8), height * (horizon + (1 - horizon) * depth)
        hull = [(x - size * 0.42, y - size * 0.1), (x + size * 0.46, y - size * 0.13), (x + size * 0.3, y + size * 0.03), (x - size * 0.3, y + size * 0.03)]
        mast = [(x - size * 0.012, y - size), (x + size * 0.012, y - size), (x + size * 0.012, y - size * 0.1), (x - size * 0.012, y - size * 0.1)]
        main = [(x + size * 0.03, y - size * 0.96), (x + size * 0.03, y - size * 0.17), (x + size * 0.42, y - size * 0.19)]
        fore = [(x - size * 0.03, y - size * 0.88), (x - size * 0.03, y - size * 0.17), (x - size * 0.34, y - size * 0.16)]
        dark = blend(mood.near, (0.0, 0.0, 0.0), 0.2)
        canvas.fill([hull, mast], [(0, dark)])
        canvas.fill([main, fore], [(0, blend(mood.light, mood.middle, 0.35 if not mood.dark else 0.6))])
        canvas.discs([(x, y + size * (0.07 + 0.05 * i), size * (0.36 - 0.05 * i), size * 0.012) for i in range(5)], [(0, dark)], 0.45)


def _lighthouse(canvas: Canvas, mood: Mood, horizon: float) -> None:
    width, height = canvas.size
    short = min(width, height)
    x, foot, size = width * 0.8, height * (horizon + 0.03), short * 0.33
    rock = [(x - size * 0.75, foot + size * 0.22), (x - size * 0.4, foot - size * 0.02), (x - size * 0.1, foot - size * 0.07), (x + size * 0.18, foot - size * 0.03), (x + size * 0.45, foot + size * 0.09), (x + size * 0.8, foot + size * 0.22)]
    if mood.dark or mood.time == "storm":
        lamp = (x, foot - size * 1.0)
        for tilt in (0.1, 0.16):
            beam = [lamp, (x - short * 1.8, lamp[1] + short * (tilt - 0.1)), (x - short * 1.8, lamp[1] + short * (tilt + 0.1))]
            canvas.fill([beam], [(0, mood.light)], 0.1)
    tower = [(x - size * 0.11, foot), (x - size * 0.07, foot - size * 0.92), (x + size * 0.07, foot - size * 0.92), (x + size * 0.11, foot)]
    canvas.fill([tower], [(0, blend((245.0, 240.0, 232.0), mood.middle, 0.55 if mood.dark else 0.1))])
    red = blend((196.0, 62.0, 52.0), mood.near, 0.5 if mood.dark else 0.1)
    bands = []
    for low, high in ((0.18, 0.36), (0.54, 0.72)):
        wide, thin = 0.11 - 0.043 * low, 0.11 - 0.043 * high
        bands.append([(x - size * wide, foot - size * low), (x - size * thin, foot - size * high), (x + size * thin, foot - size * high), (x + size * wide, foot - size * low)])
    canvas.fill(bands, [(0, red)])
    dark = blend(mood.near, (0.0, 0.0, 0.0), 0.2)
    room = [(x - size * 0.05, foot - size * 0.95), (x - size * 0.05, foot - size * 1.06), (x + size * 0.05, foot - size * 1.06), (x + size * 0.05, foot - size * 0.95)]
    deck = [(x - size * 0.1, foot - size * 0.91), (x - size * 0.1, foot - size * 0.95), (x + size * 0.1, foot - size * 0.95), (x + size * 0.1, foot - size * 0.91)]
    roof = [(x - size * 0.075, foot - size * 1.06), (x, foot - size * 1.17), (x + size * 0.075, foot - size * 1.06)]
    canvas.fill([room], [(0, (255.0, 226.0, 150.0))])
    canvas.fill([deck, roof, rock], [(0, dark)])
    if mood.dark:
        canvas.glow((x, foot - size), size * 0.5, (255.0, 226.0, 150.0), 0.8)


def _lanterns(canvas: Canvas, mood: Mood, horizon: float) -> None:
    width, height = canvas.size
    random = canvas.random
    short = min(width, height)
    warm = (255.0, 190.0, 92.0)
    lamps = [(width * (i + random.uniform(0.2, 0.8)) / 9, height * (horizon + random.uniform(-0.012, 0.02))) for i in range(9)]
    for x, y in lamps:
        canvas.glow((x, y), short * random.uniform(0.05, 0.085), warm, 0.75)
        canvas.discs([(x, y, short * 0.006, short * 0.006)], [(0, (255.0, 240.0, 200.0))])
        dashes = [(x + random.gauss(0, 0.006) * short, y + short * (0.02 + 0.014 * k), short * random.uniform(0.004, 0.016), short * 0.0022) for k in range(14)]
        canvas.discs(dashes, [(0, warm)], 0.5)


def _city(canvas: Canvas, mood: Mood) -> None:
    width, height = canvas.size
    random = canvas.random
    _sky(canvas, mood, 0.74)
    for i, color in enumerate(_layers(mood, 3)):
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
        return [[(middle - unit * 0.02, roof), (middle, roof - unit * random.uniform(0.5, 1.1)), (middle + unit * 0.02, roof)]]
    if kind < 0.36:
        return [[(x + wide * 0.2, roof), (x + wide * 0.2, roof - unit * 0.25), (x + wide * 0.8, roof - unit * 0.25), (x + wide * 0.8, roof)]]
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
                windows.append([(left, y), (left + cell * 0.5, y), (left + cell * 0.5, y + cell * 0.62), (left, y + cell * 0.62)])
        y += cell * 1.45
    return windows


def _forest(canvas: Canvas, mood: Mood) -> None:
    height = canvas.size[1]
    random = canvas.random
    green = blend(mood.near, (22.0, 66.0, 44.0), 0.55 if mood.time != "dusk" else 0.25)
    if mood.words & {"autumn", "fall"}:
        green = blend(mood.near, (128.0, 58.0, 20.0), 0.6)
    _sky(canvas, mood, 0.62)
    for i in range(5):
        part = (i / 4) ** 1.1
        color = blend(blend(mood.far, mood.low, 0.5), green if i < 4 else blend(green, (0.0, 0.0, 0.0), 0.45), part)
        base = 0.55 + 0.115 * i
        line = _ridge(canvas, base, 0.045, 0.2)
        size = height * (0.075, 0.11, 0.16, 0.24, 0.34)[i] * min(1.0, canvas.size[0] / height + 0.35)
        mist = blend(color, mood.low, 0.5 if i < 4 else 0.0)
        _pines(canvas, line, color, size, 0.8 if i < 4 else 0.25)
        canvas.fill([_land(canvas, line)], [(base - 0.05, color), (min(1.0, base + 0.12), mist), (1.0, mist)])
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
        canvas.fill([[(x + lean, -2), (x + lean + wide * 0.6, -2), (x + wide - lean, height), (x - wide - lean, height)]], [(0, mood.light)], 0.07)


def _desert(canvas: Canvas, mood: Mood) -> None:
    width, height = canvas.size
    random = canvas.random
    _sky(canvas, mood, 0.6)
    sand = blend(mood.far, (226.0, 158.0, 92.0), 0.65 if not mood.dark else 0.35)
    for i in range(4):
        part = i / 3
        base = 0.58 + 0.115 * i
        lit = blend(blend(sand, mood.low, 0.45 * (1 - part)), mood.near, 0.28 * part)
        shadow = blend(lit, mood.near, 0.42)
        middle, rise = random.uniform(0.25, 0.75), random.uniform(0.06, 0.11)
        crest = [(x / 60 * width, height * (base - rise * math.exp(-(((x / 60 - middle) * 3.1) ** 2)) + 0.02 * math.sin(x / 60 * 7 + i))) for x in range(61)]
        canvas.fill([_land(canvas, crest)], [(base - 0.1, lit), (min(1.0, base + 0.3), blend(lit, mood.near, 0.25)), (1.0, blend(lit, mood.near, 0.3))])
        # The side away from the light: from the crest's top down in a curve.
        top = min(crest, key=lambda p: p[1])
        lee = [top, *[p for p in crest if p[0] > top[0]]]
        under = [(x, y + (x - top[0]) * 0.22 + height * 0.02 * math.sin((x - top[0]) / width * 6)) for x, y in reversed(lee)]
        if len(lee) > 3:
            canvas.fill([[*lee, *under]], [(0, shadow)], 0.55)


def _space(canvas: Canvas, mood: Mood) -> None:
    width, height = canvas.size
    random = canvas.random
    short = min(width, height)
    deep = blend(mood.top, (3.0, 4.0, 14.0), 0.6)
    clouds = [
        ((random.uniform(0, 1) * width, random.uniform(0.2, 1) * height), short * random.uniform(0.5, 0.9), blend(mood.middle, color, 0.6), random.uniform(0.3, 0.5))
        for color in ((120.0, 60.0, 170.0), (40.0, 110.0, 180.0), (190.0, 80.0, 110.0), mood.middle)
    ]
    canvas.ground([(0, deep), (0.6, blend(deep, mood.middle, 0.35)), (1, deep)], clouds)
    _stars(canvas, 1.05, 420)
    x, y, radius = width * random.uniform(0.62, 0.72), height * random.uniform(0.68, 0.76), short * random.uniform(0.25, 0.31)
    base = blend(mood.light, random.choice(((212.0, 120.0, 84.0), (96.0, 150.0, 196.0), (178.0, 140.0, 198.0), (122.0, 178.0, 150.0))), 0.75)
    canvas.glow((x, y), radius * 1.75, base, 0.5)
    tilt = random.uniform(-0.4, -0.2)
    ring = random.random() < 0.6
    if ring:
        _ring(canvas, x, y, radius, tilt, mood, front=False)
    canvas.discs([(x, y, radius, radius)], [(0, base)])
    for k in range(7):
        offset = (k - 3) / 3.6
        half = math.sqrt(max(0.0, 1 - offset**2)) * radius
        canvas.discs([(x, y + offset * radius, half * 0.985, radius * random.uniform(0.03, 0.07))], [(0, blend(base, random.choice((mood.light, deep)), 0.4))], 0.3)
    # Night on the far side: a disc of shadow with the lit disc taken out of it.
    for step in range(26):
        shift = radius * (0.14 + 0.028 * step)
        outer = [(x + radius * 1.004 * math.cos(a / 60 * math.pi - math.pi / 2), y + radius * 1.004 * math.sin(a / 60 * math.pi - math.pi / 2)) for a in range(61)]
        inner = [(x + (radius - shift) * math.cos(a / 60 * math.pi - math.pi / 2), y + radius * 1.004 * math.sin(a / 60 * math.pi - math.pi / 2)) for a in range(60, -1, -1)]
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
                outline.append((x + u * math.cos(tilt) - v * math.sin(tilt), y + u * math.sin(tilt) + v * math.cos(tilt)))
        canvas.fill([outline], [(0, blend(mood.light, mood.middle, 0.35))], strength)


def _ribbons(canvas: Canvas, mood: Mood) -> None:
    width, height = canvas.size
    random = canvas.random
    short = min(width, height)
    x, y = width * random.uniform(0.6, 0.78), height * random.uniform(0.5, 0.58)
    canvas.ground([(0, mood.top), (0.5, blend(mood.top, mood.middle, 0.75)), (1, mood.middle)], [((x, y), short * 0.9, mood.low, 0.45)])
    radius = short * random.uniform(0.16, 0.22)
    canvas.discs([(x, y, radius, radius)], [(0, mood.light), (0.5, mood.light), (0.75, mood.low)], 0.92)
    waves = random.uniform(0.7, 1.3)
    for i in range(7):
        part = i / 6
        phase, swing = random.uniform(0, 6.28), random.uniform(0.035, 0.075)
        base = 0.56 + 0.075 * i
        line = [
            (k / 90 * width, height * (base + swing * math.sin(k / 90 * 6.28 * waves + phase) + swing * 0.5 * math.sin(k / 90 * 11 + phase * 2)))
            for k in range(91)
        ]
        color = blend(blend(mood.low, mood.far, min(1.0, part * 1.8)), mood.near, max(0.0, part * 1.5 - 0.5))
        canvas.fill([_land(canvas, line)], [(base - 0.08, blend(color, mood.light, 0.22)), (base + 0.1, color), (1, blend(color, mood.near, 0.3))], 0.93)


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
    "sea": _sea, "city": _city, "forest": _forest, "desert": _desert, "space": _space, "mountains": _mountains,
    "ribbons": _ribbons,
}  # fmt: skip
