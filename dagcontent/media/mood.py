"""Turn the words of a prompt into a scene and its colours. Knows no pixel."""

from __future__ import annotations

import colorsys
import random
import re
from typing import Final

import msgspec

from dagcontent.media.canvas import Color, blend

__all__ = ["Mood", "mood_of", "title_of"]

SCENES: Final[dict[str, str]] = {
    "sea": "sea ocean harbour harbor port boat boats ship ships sail sailing island lighthouse water lake river beach coast "
    "bay wave waves fish fisherman whale tide shore pier anchor swim surf dock lagoon",
    "city": "city town street streets office building buildings skyline tower skyscraper urban downtown market metro traffic "
    "apartment company startup shop bridge rooftop neon crowd factory business tokyo york london berlin paris",
    "forest": "forest forests tree trees wood woods garden jungle leaf leaves nature park pine oak fox bear deer wolf bird "
    "birds moss mushroom spring autumn fall plant plants flower flowers meadow",
    "desert": "desert sand dune dunes sahara camel oasis canyon cactus pyramid egypt savanna drought nomad caravan",
    "space": "space star stars planet planets galaxy rocket universe cosmos astronaut orbit mars moonbase satellite comet "
    "nebula science future robot telescope alien spaceship",
    "mountains": "mountain mountains hill hills alps peak peaks valley summit snow glacier journey road trail climb hike "
    "highland cliff ridge village shepherd sheep cloud clouds sky horizon dragon castle",
}
TIMES: Final[dict[str, str]] = {
    "night": "night midnight moon moonlight dark darkness stars star lantern lanterns candle dream sleep neon midnight ghost",
    "dawn": "dawn sunrise morning early begin beginning spring wake hope pink tea breakfast first",
    "day": "day noon sun sunny bright blue summer clear happy cheerful fresh spring market garden",
    "dusk": "dusk sunset evening twilight golden autumn fall warm fire orange end farewell harvest home lights",
    "storm": "storm rain rainy fog mist grey gray cloudy winter cold sad snow lonely rainfall thunder wind",
}
# Sky from top to horizon, far land, near land, light: colours as #rrggbb.
_PALETTES: Final[dict[str, tuple[str, ...]]] = {
    "night": ("#070b22", "#14204a", "#31457f", "#2b3c6e", "#060a1c", "#ffe9b8"),
    "dawn": ("#46507f", "#c98a9c", "#ffd3ae", "#b08ba3", "#2e2a45", "#fff1d0"),
    "day": ("#2f7fc4", "#7cbce6", "#e3f3f7", "#86b3c9", "#1d4a4f", "#fffbe6"),
    "dusk": ("#2b1d4f", "#a8395b", "#ff9a55", "#8f4160", "#1c1230", "#ffe0a0"),
    "storm": ("#3a4653", "#7b8b97", "#c9d2d3", "#84939b", "#222b33", "#f3f7f5"),
}
_HUES: Final = {
    "red": 0.0, "orange": 0.07, "gold": 0.12, "golden": 0.12, "yellow": 0.14, "green": 0.36, "teal": 0.48, "turquoise": 0.48,
    "blue": 0.6, "violet": 0.75, "purple": 0.77, "pink": 0.92,
}  # fmt: skip
_MUTED: Final = frozenset("noir monochrome greyscale grayscale sepia vintage".split())
_TITLE_CHARACTERS = 64


class Mood(msgspec.Struct, frozen=True):
    """What to paint: the scene, the time of day, and colours (sky from the top down, land far and near, light)."""

    scene: str
    time: str
    top: Color
    middle: Color
    low: Color
    far: Color
    near: Color
    light: Color
    words: frozenset[str]

    @property
    def dark(self) -> bool:
        """Whether lamps would be lit."""
        return self.time in ("night", "dusk")


def mood_of(prompt: str, *, style: str = "", without: str = "", tint: Color | None = None, seed: random.Random) -> Mood:
    """Return the mood of a prompt. What its words leave open is decided by `seed`."""
    words = _words(f"{prompt} {style}") - _words(without)
    scene = _best(SCENES, words) or seed.choice(("mountains", "ribbons", "ribbons", "sea", "mountains"))
    time = _best(TIMES, words) or seed.choice(
        ("night",) if scene == "space" else ("dawn", "day", "dusk", "dusk", "night")
    )
    colors = [_color(text) for text in _PALETTES[time]]
    shift = seed.uniform(-0.035, 0.035)
    colors = [_turned(color, shift) for color in colors]
    hue = next((value for name, value in _HUES.items() if name in words), None)
    if hue is not None:
        tint = _of_hue(hue)
    if tint is not None:
        colors = [*(blend(c, _as_light(tint, c), 0.38) for c in colors[:5]), colors[5]]
    if words & _MUTED:
        warm = (1.06, 1.0, 0.86) if words & {"sepia", "vintage"} else (1.0, 1.0, 1.0)
        colors = [_grey(color, warm) for color in colors]
    top, middle, low, far, near, light = colors
    return Mood(scene, time, top, middle, low, far, near, light, frozenset(words))


def title_of(prompt: str) -> str:
    """Return the words to set: what is quoted, else the first clause, cut at a word."""
    quoted = re.search(r"[\"“„«]([^\"”“»]{2,80})[\"”“»]", prompt)
    if quoted is not None:
        return " ".join(quoted[1].split())
    first = re.split(r"(?<=[.!?…])\s|[,;:\n(]\s*|\s[-–—]\s", prompt.strip(), maxsplit=1)[0].strip(" .,;:")
    text = " ".join((first or prompt).split())
    if len(text) > _TITLE_CHARACTERS:
        text = text[:_TITLE_CHARACTERS].rsplit(" ", 1)[0] + "…"
    return text[:1].upper() + text[1:]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def _best(table: dict[str, str], words: set[str]) -> str | None:
    scores = {name: len(words & set(row.split())) for name, row in table.items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] else None


def _color(text: str) -> Color:
    return float(int(text[1:3], 16)), float(int(text[3:5], 16)), float(int(text[5:7], 16))


def _turned(color: Color, by: float) -> Color:
    hue, light, full = colorsys.rgb_to_hls(*(part / 255 for part in color))
    red, green, blue = colorsys.hls_to_rgb((hue + by) % 1, light, full)
    return red * 255, green * 255, blue * 255


def _of_hue(hue: float) -> Color:
    red, green, blue = colorsys.hls_to_rgb(hue, 0.5, 0.7)
    return red * 255, green * 255, blue * 255


def _as_light(tint: Color, color: Color) -> Color:
    """Return the tint, as light as the colour is."""
    hue, _, full = colorsys.rgb_to_hls(*(part / 255 for part in tint))
    _, light, _ = colorsys.rgb_to_hls(*(part / 255 for part in color))
    red, green, blue = colorsys.hls_to_rgb(hue, light, full)
    return red * 255, green * 255, blue * 255


def _grey(color: Color, warm: Color) -> Color:
    level = 0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2]
    return min(255.0, level * warm[0]), min(255.0, level * warm[1]), min(255.0, level * warm[2])
