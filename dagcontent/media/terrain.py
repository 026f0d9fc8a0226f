"""Turn a mood into sky and lines of land: what several scenes are made of. Knows no scene and no text."""

from __future__ import annotations

import math
from itertools import pairwise

from dagcontent.media.canvas import Canvas, Color, Point, blend
from dagcontent.media.mood import Mood

__all__ = ["land", "layers", "peaks", "ridge", "sky", "stars"]


def sky(canvas: Canvas, mood: Mood, horizon: float, *, body: bool = True) -> Point:
    """Paint sky and sun or moon; return where that stands, in px."""
    width, height = canvas.size
    random = canvas.random
    # To the right: the title stands on the left.
    x = width * random.uniform(0.62, 0.82)
    high = {"night": 0.62, "dawn": 0.86, "day": 0.6, "dusk": 0.88, "storm": 0.65}[mood.time]
    y = height * horizon * high
    short = min(width, height)
    stops = [(0.0, mood.top), (horizon * 0.55, mood.middle), (horizon, mood.low), (1.0, mood.low)]
    canvas.ground(stops, [((x, y), short * 0.95, mood.light, 0.5), ((x, y), short * 0.32, mood.light, 0.55)])
    if mood.time == "night":
        stars(canvas, horizon, 150)
    if body and mood.time != "storm":
        radius = short * {"night": 0.05, "dawn": 0.075, "day": 0.055, "dusk": 0.085}[mood.time]
        canvas.discs([(x, y, radius, radius)], [(0, blend(mood.light, (255.0, 255.0, 255.0), 0.35))])
        if mood.time == "night":
            spots = [
                (x + radius * dx, y + radius * dy, radius * r, radius * r)
                for dx, dy, r in ((-0.3, -0.2, 0.22), (0.25, 0.3, 0.3), (0.35, -0.35, 0.13))
            ]
            canvas.discs(spots, [(0, blend(mood.light, mood.middle, 0.3))], 0.35)
    if mood.time in ("day", "storm", "dawn"):
        _clouds(canvas, mood, horizon)
    return x, y


def stars(canvas: Canvas, until: float, count: int) -> None:
    """Strew stars of three sizes down to a part of the height."""
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
            canvas.discs(
                [(cx, cy - lift * height, a * (1 - lift * 12), b) for cx, cy, a, b in puffs], [(0, white)], strength
            )


def ridge(canvas: Canvas, base: float, rough: float, sharp: float) -> list[Point]:
    """Return a line of hills from left to right: halved again and again, each half moved by chance."""
    width, height = canvas.size
    random = canvas.random
    points = [random.uniform(-1, 1), random.uniform(-1, 1)]
    amount = 1.0
    while len(points) < 200:
        amount *= 0.5 + 0.08 * sharp
        middle = [(a + b) / 2 + random.uniform(-amount, amount) for a, b in pairwise(points)]
        points = [p for pair in zip(points, middle, strict=False) for p in pair] + [points[-1]]
    if sharp < 0.5:
        points = _smooth(_smooth(points, 12), 8)
    most = max(map(abs, points))
    step = width / (len(points) - 1)
    return [(i * step, height * (base - rough * p / most)) for i, p in enumerate(points)]


def peaks(canvas: Canvas, base: float, high: float) -> list[Point]:
    """Return a line of steep mountains: the highest of several cones at each place, roughened."""
    width, height = canvas.size
    random = canvas.random
    rough = ridge(canvas, 0.0, high * 0.13, 1.0)
    # A tall picture shows fewer mountains, not narrower ones.
    count = max(3, round(7 * min(1.4, width / height) / 1.4))
    cones = [
        (
            (i + random.uniform(0.1, 0.9)) / count,
            random.uniform(0.45, 1.0),
            random.uniform(0.75, 1.15),
            random.uniform(0.75, 1.15),
        )
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
        sum(points[max(0, i - reach) : i + reach + 1]) / len(points[max(0, i - reach) : i + reach + 1])
        for i in range(len(points))
    ]


def land(canvas: Canvas, line: list[Point]) -> list[Point]:
    """Return the outline of all that lies below a line."""
    width, height = canvas.size
    return [(-2.0, height + 2.0), (-2.0, line[0][1]), *line, (width + 2.0, line[-1][1]), (width + 2.0, height + 2.0)]


def layers(mood: Mood, count: int) -> list[Color]:
    """Return the colours of layers from far, where the air takes most of it, to near."""
    hazy = blend(mood.far, mood.low, 0.22)
    return [blend(hazy, mood.near, (i / (count - 1)) ** 1.15) for i in range(count)]
