"""Turn a prompt into a picture with its title (`local/card`). Knows no vendor."""

from __future__ import annotations

import hashlib
import math

from PIL import Image

from dagcontent.media import picture, probe
from dagcontent.media.arguments import aspect_of, required_text, size_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.fonts import suited
from dagcontent.media.lettering import draw, fitted

__all__ = ["card_size", "generate", "paint"]

PIXELS = 1280 * 720


def generate(call: Call) -> Made:
    """Paint a card for `prompt`."""
    prompt = required_text(call, "prompt")
    image = paint(prompt, card_size(call))
    path = picture.save_png(image, call.workdir / "card.png")
    return Made(NewFile(path, "image", "image/png", probe.measure(path, "image", "image/png")), picture.made_with())


def card_size(call: Call) -> tuple[int, int]:
    """Return the size asked for: `size`, else as many px as 1280x720 in the shape of `aspect`."""
    size = size_of(call) if "size" in call.params else None
    if size is not None:
        return size
    ratio = aspect_of(call)
    if ratio is None:
        return 1280, 720
    height = math.sqrt(PIXELS / ratio)
    return round(height * ratio / 8) * 8, round(height / 8) * 8


def paint(prompt: str, size: tuple[int, int]) -> Image.Image:
    """Return the picture."""
    seed = hashlib.sha256(prompt.encode()).digest()
    image = Image.new("RGB", size, (seed[0] // 3, seed[1] // 3, seed[2] // 2))
    face, text = suited(prompt)
    block = fitted(text, face, (round(size[0] * 0.8), round(size[1] * 0.5)), round(min(size) * 0.12))
    draw(image, block, (round(size[0] * 0.1), round(size[1] * 0.4)), (255, 255, 255))
    return image
