"""Turn a prompt into a picture with its title (`local/card`). Knows no vendor.

The scene and its colours come from the prompt's words, everything they leave open from its hash; the title is the
prompt's first clause (or what it quotes), set in the calm upper part of the scene.
"""

from __future__ import annotations

import hashlib
import math
import random
import re
from fractions import Fraction
from typing import Final

from PIL import Image, ImageDraw, ImageStat

from dagcontent.media import picture, probe
from dagcontent.media.arguments import PIXELS_MAX, aspect_of, blobs_of, required_text, size_of, text_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.canvas import Canvas, Color, blend, luminance
from dagcontent.media.fonts import suited
from dagcontent.media.lettering import Block, draw, fitted
from dagcontent.media.mood import Mood, mood_of, title_of
from dagcontent.media.scenery import paint_scene

__all__ = ["asked_size", "card_size", "generate", "paint"]

PIXELS: Final = 1280 * 720
PRESETS: Final = {
    "square": (512, 512), "square_hd": (1024, 1024), "portrait_4_3": (768, 1024), "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768), "landscape_16_9": (1024, 576),
}  # fmt: skip
"""Words for sizes that are known at more than one vendor."""
_SIDE: Final = re.compile(r"(?:auto_?)?(?P<side>\d{1,5}(?:\.\d)?)(?P<k>k?)")
_AUTO: Final = "auto"
CONTRAST_MIN: Final = 4.5
_MARGIN: Final = 0.1
_READABLE: Final = 0.7
_WHITE: Final[Color] = (255.0, 252.0, 245.0)


def generate(call: Call) -> Made:
    """Paint a card for `prompt`."""
    prompt = required_text(call, "prompt")
    tint = None
    references = blobs_of(call, "images")
    if references:
        from dagcontent.media.sheet import opened  # noqa: PLC0415 - only with references

        tint = _leading_color(opened(call, references[0]))
    image = paint(
        prompt,
        card_size(call),
        style=text_of(call, "style") or "",
        without=text_of(call, "negative_prompt") or "",
        tint=tint,
        clear=text_of(call, "background") == "transparent",
        salt="" if call.seed is None else str(call.seed),
    )
    path = picture.save_png(image, call.workdir / "card.png")
    call.progress(1.0)
    return Made(NewFile(path, "image", "image/png", probe.measure(path, "image", "image/png")), picture.made_with())


def card_size(call: Call) -> tuple[int, int]:
    """Return the size asked for: `size`, else as many px as 1280x720 in the shape of `aspect`."""
    return asked_size(call) or (1280, 720)


def asked_size(call: Call, own: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """Return the size that `size` and `aspect` ask for, of a picture whose own size may be known; None if they do not.

    Vendors have words for sizes ("2K": as many px as a square of 2048): they mean the same here.
    """
    word = (text_of(call, "size") or _AUTO).strip().lower()
    pixels = _pixels_of(word)
    if word != _AUTO and pixels is None:
        return PRESETS.get(word) or size_of(call)
    ratio = aspect_of(call)
    if ratio is None and pixels is None:
        return None
    if ratio is None:
        ratio = Fraction(*own) if own is not None else Fraction(1)
    if pixels is None:
        pixels = PIXELS if own is None else own[0] * own[1]
    height = math.sqrt(pixels / ratio)
    return max(8, round(height * ratio / 8) * 8), max(8, round(height / 8) * 8)


def _pixels_of(word: str) -> int | None:
    """Return how many px a word for a size means: 0.5k, 2k, auto_2k, 512 (a side)."""
    found = _SIDE.fullmatch(word)
    if found is None:
        return None
    side = float(found["side"]) * (1024 if found["k"] else 1)
    return round(min(max(side, 16.0), math.sqrt(PIXELS_MAX)) ** 2)


def paint(
    prompt: str,
    size: tuple[int, int],
    *,
    style: str = "",
    without: str = "",
    tint: Color | None = None,
    clear: bool = False,
    salt: str = "",
) -> Image.Image:
    """Return the picture. Equal arguments give equal pixels."""
    seed = hashlib.sha256(f"{prompt}\x00{style}\x00{salt}".encode("utf-8", "surrogatepass")).digest()
    mood = mood_of(prompt, style=style, without=without, tint=tint, seed=random.Random(seed))  # noqa: S311 - for variety
    canvas = Canvas(size, seed)
    paint_scene(canvas, mood)
    # A little darkness at the lower edge holds the picture together.
    canvas.shade([(0.0, 0.0), (0.75, 0.0), (1.0, 0.3)], blend(mood.near, (0.0, 0.0, 0.0), 0.5))
    block, at = _title(title_of(prompt), size)
    ink = _ink(canvas, mood, block, at)
    image = canvas.finish()
    if clear:
        image.putalpha(canvas.cover)
    if block.lines:
        _accent(image, block, at, mood, ink)
        draw(image, block, at, tuple(round(part) for part in ink) + ((255,) if clear else ()), bold=0.012)
    return image


def _title(text: str, size: tuple[int, int]) -> tuple[Block, tuple[int, int]]:
    width, height = size
    face, written = suited(text)
    if len("".join(written.split())) < _READABLE * len("".join(text.split())):
        written = ""  # a few letters out of a title in another script are worse than no title
    left = round(width * _MARGIN)
    # Wide pictures leave their right half to the scene; tall ones give the title their whole width.
    room = (
        round(width * (0.62 if width > height * 1.2 else 1 - 2 * _MARGIN)),
        round(height * (0.34 if width > height * 1.2 else 0.26)),
    )
    largest = round(min(min(size) * 0.125, height * 0.13))
    block = fitted(written, face, room, largest, smallest=max(6, min(size) // 40), lines_max=4)
    return block, (left, round(height * (0.11 if width > height * 1.2 else 0.12)))


def _ink(canvas: Canvas, mood: Mood, block: Block, at: tuple[int, int]) -> Color:
    """Return the colour of the letters; shade what lies behind until the contrast is enough everywhere."""
    if not block.lines:
        return _WHITE
    dark = blend(mood.near, (0.0, 0.0, 0.0), 0.35)
    behind = _behind(canvas, block, at)
    light_ink = min(_contrast(_WHITE, color) for color in behind)
    dark_ink = min(_contrast(dark, color) for color in behind)
    # Light letters unless dark ones are clearly better: they sit more calmly on a sky.
    ink, under = (
        (dark, _WHITE)
        if dark_ink > light_ink * 1.6 and dark_ink > 3
        else (_WHITE, blend(mood.top, (0.0, 0.0, 0.0), 0.65))
    )
    bottom = (at[1] + block.height) / canvas.size[1]
    for _ in range(12):
        if min(_contrast(ink, color) for color in _behind(canvas, block, at)) >= CONTRAST_MIN:
            break
        canvas.shade([(0.0, 0.2), (bottom, 0.16), (min(1.0, bottom + 0.22), 0.0), (1.0, 0.0)], under)
    return ink


def _behind(canvas: Canvas, block: Block, at: tuple[int, int]) -> list[Color]:
    """Return what lies behind the letters in a grid of patches: their mean colours."""
    box = (
        at[0],
        at[1],
        min(canvas.size[0], at[0] + max(1, block.width)),
        min(canvas.size[1], at[1] + max(1, block.height)),
    )
    small = canvas.image.crop(box).resize((8, 6), Image.Resampling.BOX)
    data = small.tobytes()
    return [(float(data[i]), float(data[i + 1]), float(data[i + 2])) for i in range(0, len(data), 3)]


def _contrast(one: Color, other: Color) -> float:
    a, b = luminance(one), luminance(other)
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


def _accent(image: Image.Image, block: Block, at: tuple[int, int], mood: Mood, ink: Color) -> None:
    """Draw a short bar above the title."""
    color = blend(mood.light, ink, 0.25)
    thick = max(2, round(block.size * 0.08))
    top = at[1] - round(block.size * 0.32) - thick
    if top > 0:
        # Drawn on whole px: its edges need no smoothing.
        fill = tuple(round(part) for part in color) + ((255,) if image.mode == "RGBA" else ())
        ImageDraw.Draw(image).rectangle((at[0], top, at[0] + round(block.size * 1.1), top + thick - 1), fill=fill)


def _leading_color(image: Image.Image) -> Color:
    """Return the most colourful of the picture's main colours."""
    small = image.convert("RGB").resize((64, 64), Image.Resampling.BOX).quantize(6).convert("RGB")
    colors = small.getcolors(64 * 64) or []
    found = [(count, color) for count, color in colors if isinstance(color, tuple)]
    if not found:
        mean = ImageStat.Stat(small).mean
        return mean[0], mean[1], mean[2]
    _, best = max(found, key=lambda row: row[0] ** 0.5 * (max(row[1][:3]) - min(row[1][:3]) + 8))
    return float(best[0]), float(best[1]), float(best[2])
