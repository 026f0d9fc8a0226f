"""Turn a mood into a painted sea, with what the words put on it: boats, a lighthouse, lanterns. Knows no text."""

from __future__ import annotations

from dagcontent.media.canvas import Canvas, blend
from dagcontent.media.mood import Mood
from dagcontent.media.terrain import land, layers, ridge, sky

__all__ = ["paint_sea"]


def paint_sea(canvas: Canvas, mood: Mood) -> None:
    """Paint sky, headlands, water and the light on it, and what the words name."""
    width, height = canvas.size
    random = canvas.random
    horizon = 0.62
    sun, _ = sky(canvas, mood, horizon)
    for i, color in enumerate(layers(mood, 4)[:2]):
        side = random.choice((-1, 1))
        line = ridge(canvas, horizon - 0.012 * (1 - i), 0.05 + 0.02 * i, 0.7)
        # A headland: it sinks into the sea towards the middle.
        fall = [(x, y + height * 0.22 * max(0.0, 0.35 + side * (x / width - 0.5) * 1.6)) for x, y in line]
        canvas.fill([land(canvas, fall)], [(0, color)])
    deep = blend(mood.near, mood.top, 0.45)
    water = [
        (0.0, mood.low),
        (horizon, blend(mood.low, mood.middle, 0.5)),
        (horizon + 0.12, blend(mood.middle, deep, 0.6)),
        (1.0, deep),
    ]
    canvas.fill([[(0, height * horizon), (width, height * horizon), (width, height), (0, height)]], water)
    _glitter(canvas, mood, sun, horizon)
    if mood.words & {"lighthouse", "cliff", "keeper"}:
        _lighthouse(canvas, mood, horizon)
    if (
        mood.words
        & {
            "boat",
            "boats",
            "ship",
            "ships",
            "sail",
            "sailing",
            "fisherman",
            "pirate",
            "captain",
            "harbour",
            "harbor",
            "regatta",
        }
        or random.random() < 0.45
    ):
        _boats(canvas, mood, horizon)
    if mood.dark and mood.words & {
        "lantern",
        "lanterns",
        "harbour",
        "harbor",
        "port",
        "lights",
        "pier",
        "town",
        "dock",
        "candle",
    }:
        _lanterns(canvas, horizon)


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
        hull = [
            (x - size * 0.42, y - size * 0.1),
            (x + size * 0.46, y - size * 0.13),
            (x + size * 0.3, y + size * 0.03),
            (x - size * 0.3, y + size * 0.03),
        ]
        mast = [
            (x - size * 0.012, y - size),
            (x + size * 0.012, y - size),
            (x + size * 0.012, y - size * 0.1),
            (x - size * 0.012, y - size * 0.1),
        ]
        main = [
            (x + size * 0.03, y - size * 0.96),
            (x + size * 0.03, y - size * 0.17),
            (x + size * 0.42, y - size * 0.19),
        ]
        fore = [
            (x - size * 0.03, y - size * 0.88),
            (x - size * 0.03, y - size * 0.17),
            (x - size * 0.34, y - size * 0.16),
        ]
        dark = blend(mood.near, (0.0, 0.0, 0.0), 0.2)
        canvas.fill([hull, mast], [(0, dark)])
        canvas.fill([main, fore], [(0, blend(mood.light, mood.middle, 0.35 if not mood.dark else 0.6))])
        canvas.discs(
            [(x, y + size * (0.07 + 0.05 * i), size * (0.36 - 0.05 * i), size * 0.012) for i in range(5)],
            [(0, dark)],
            0.45,
        )


def _lighthouse(canvas: Canvas, mood: Mood, horizon: float) -> None:
    width, height = canvas.size
    short = min(width, height)
    x, foot, size = width * 0.8, height * (horizon + 0.03), short * 0.33
    rock = [
        (x - size * 0.75, foot + size * 0.22),
        (x - size * 0.4, foot - size * 0.02),
        (x - size * 0.1, foot - size * 0.07),
        (x + size * 0.18, foot - size * 0.03),
        (x + size * 0.45, foot + size * 0.09),
        (x + size * 0.8, foot + size * 0.22),
    ]
    if mood.dark or mood.time == "storm":
        lamp = (x, foot - size * 1.0)
        for tilt in (0.1, 0.16):
            beam = [
                lamp,
                (x - short * 1.8, lamp[1] + short * (tilt - 0.1)),
                (x - short * 1.8, lamp[1] + short * (tilt + 0.1)),
            ]
            canvas.fill([beam], [(0, mood.light)], 0.1)
    tower = [
        (x - size * 0.11, foot),
        (x - size * 0.07, foot - size * 0.92),
        (x + size * 0.07, foot - size * 0.92),
        (x + size * 0.11, foot),
    ]
    canvas.fill([tower], [(0, blend((245.0, 240.0, 232.0), mood.middle, 0.55 if mood.dark else 0.1))])
    red = blend((196.0, 62.0, 52.0), mood.near, 0.5 if mood.dark else 0.1)
    bands = []
    for low, high in ((0.18, 0.36), (0.54, 0.72)):
        wide, thin = 0.11 - 0.043 * low, 0.11 - 0.043 * high
        bands.append(
            [
                (x - size * wide, foot - size * low),
                (x - size * thin, foot - size * high),
                (x + size * thin, foot - size * high),
                (x + size * wide, foot - size * low),
            ]
        )
    canvas.fill(bands, [(0, red)])
    dark = blend(mood.near, (0.0, 0.0, 0.0), 0.2)
    room = [
        (x - size * 0.05, foot - size * 0.95),
        (x - size * 0.05, foot - size * 1.06),
        (x + size * 0.05, foot - size * 1.06),
        (x + size * 0.05, foot - size * 0.95),
    ]
    deck = [
        (x - size * 0.1, foot - size * 0.91),
        (x - size * 0.1, foot - size * 0.95),
        (x + size * 0.1, foot - size * 0.95),
        (x + size * 0.1, foot - size * 0.91),
    ]
    roof = [(x - size * 0.075, foot - size * 1.06), (x, foot - size * 1.17), (x + size * 0.075, foot - size * 1.06)]
    canvas.fill([room], [(0, (255.0, 226.0, 150.0))])
    canvas.fill([deck, roof, rock], [(0, dark)])
    if mood.dark:
        canvas.glow((x, foot - size), size * 0.5, (255.0, 226.0, 150.0), 0.8)


def _lanterns(canvas: Canvas, horizon: float) -> None:
    width, height = canvas.size
    random = canvas.random
    short = min(width, height)
    warm = (255.0, 190.0, 92.0)
    lamps = [
        (width * (i + random.uniform(0.2, 0.8)) / 9, height * (horizon + random.uniform(-0.012, 0.02)))
        for i in range(9)
    ]
    for x, y in lamps:
        canvas.glow((x, y), short * random.uniform(0.05, 0.085), warm, 0.75)
        canvas.discs([(x, y, short * 0.006, short * 0.006)], [(0, (255.0, 240.0, 200.0))])
        dashes = [
            (
                x + random.gauss(0, 0.006) * short,
                y + short * (0.02 + 0.014 * k),
                short * random.uniform(0.004, 0.016),
                short * 0.0022,
            )
            for k in range(14)
        ]
        canvas.discs(dashes, [(0, warm)], 0.5)
