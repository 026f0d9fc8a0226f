"""Pictures of every shape and mode, for the tests of what is made of pictures."""

from __future__ import annotations

import io
import random
from typing import Any

from hypothesis import strategies as st
from PIL import Image

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))
MODES = ("RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK")
TURNS = (1, 2, 3, 4, 5, 6, 7, 8)
ORIENTATION = 0x0112


def noise(size: tuple[int, int], mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Return a picture in which no two px are likely to be the same."""
    chance = random.Random(seed)
    bands = {"RGB": 3, "RGBA": 4, "L": 1, "LA": 2, "P": 3, "1": 1, "I;16": 2, "CMYK": 4}[mode]
    data = chance.randbytes(size[0] * size[1] * bands)
    if mode == "P":
        return Image.frombytes("RGB", size, data).quantize(16)
    if mode == "1":
        return Image.frombytes("L", size, data).convert("1")
    return Image.frombytes(mode, size, data)


def encoded(image: Image.Image, form: str = "PNG", **settings: Any) -> bytes:
    """Return the bytes of a picture's file."""
    into = io.BytesIO()
    image.save(into, format=form, **settings)
    return into.getvalue()


def turned(turn: int) -> Image.Exif:
    """Return what a camera that was held that way writes into its pictures."""
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    return exif
