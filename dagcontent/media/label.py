"""Turn a few words into a plate that lies over a picture: it says that the picture is a draft. Knows no kind."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from dagcontent.media import picture
from dagcontent.media.fonts import suited
from dagcontent.media.lettering import draw, fitted

__all__ = ["labelled", "plate", "saved_plate"]

_GROUND = (16, 18, 22, 190)
_INK = (250, 248, 240, 255)


def plate(words: str, size: tuple[int, int]) -> Image.Image:
    """Return a clear picture of a size with the words on a dark plate in its upper left corner. Equal words, equal pixels."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    face, written = suited(" ".join(words.split()))
    side = min(size)
    margin, pad = max(1, side // 32), max(1, side // 48)
    room = (max(1, round(size[0] * 0.7)), max(1, size[1] // 6))
    block = fitted(written, face, room, max(6, side // 22), smallest=min(6, max(1, side // 22)), lines_max=2)
    if block.lines:
        corner = (margin + block.width + 2 * pad, margin + block.height + 2 * pad)
        ImageDraw.Draw(image).rectangle((margin, margin, *corner), fill=_GROUND)
        draw(image, block, (margin + pad, margin + pad), _INK)
    return image


def labelled(image: Image.Image, words: str) -> Image.Image:
    """Return a picture with the plate over it; a clear picture stays clear where the plate is not."""
    clear = image.mode == "RGBA"
    over = Image.alpha_composite(image.convert("RGBA"), plate(words, image.size))
    return over if clear else over.convert("RGB")


def saved_plate(words: str, size: tuple[int, int], folder: Path) -> Path:
    """Write the plate as a PNG and return its path."""
    return picture.save_png(plate(words, size), folder / "plate.png")
