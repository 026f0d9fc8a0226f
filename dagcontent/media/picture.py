"""Turn picture files into Pillow images and back, guarded against bombs. Knows no kind.

Only four formats are read, their header is judged before a pixel is decoded, and PNG is written in one way only,
so that equal pictures are equal bytes.
"""

from __future__ import annotations

import re
import struct
import warnings
from pathlib import Path

import PIL
from PIL import Image, ImageOps, UnidentifiedImageError

from dagcontent.errors import NodeError
from dagcontent.media.arguments import PIXELS_MAX
from dagcontent.media.colors import in_srgb

__all__ = ["FORMATS", "color_of", "made_with", "open_picture", "save_png"]

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")

# Pillow only warns at its own limit; ours is judged below, and its warning must not pass for a success.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
# What a damaged EXIF makes it say is for us, not for the screen: the picture is whole.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")

_PIXELS = re.compile(r"\((\d+) pixels\)")
_HEX = re.compile(r"#?(?P<long>[0-9a-f]{8}|[0-9a-f]{6})|#?(?P<short>[0-9a-f]{4}|[0-9a-f]{3})", re.IGNORECASE)


def made_with() -> dict[str, str]:
    """Return the version of Pillow."""
    return {"pillow": PIL.__version__}


def open_picture(path: Path) -> Image.Image:
    """Return the picture, upright, in sRGB, as RGB or RGBA of 8 bits, decoded whole. Raises NodeError naming the file.

    Of several frames it is the first.
    """
    called = path.name
    try:
        with Image.open(path, formats=FORMATS) as file:
            if file.width * file.height > PIXELS_MAX:
                raise _too_large(called, f"{file.width}x{file.height} px")
            file.load()
            return in_srgb(_upright(file))
    except NodeError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        pixels = _PIXELS.search(str(error))
        said = f"{int(pixels[1]) // 1_000_000:,} megapixels" if pixels is not None else str(error)
        raise _too_large(called, said) from error
    except UnidentifiedImageError as error:
        text = f"{called} is not a picture, or its beginning is damaged"
        raise NodeError(text, hint="a PNG, JPEG, WebP or GIF file is expected") from error
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError, IndexError, KeyError, TypeError) as error:
        # Decoders of damaged files raise whatever they stumble over.
        text = f"{called} is damaged or cut off: {error}"
        raise NodeError(text, hint="a whole PNG, JPEG, WebP or GIF file is expected") from error


def _too_large(called: str, size: str) -> NodeError:
    text = f"{called} is too large to be opened: {size}"
    return NodeError(text, hint=f"make it smaller: at most {PIXELS_MAX // 1_000_000} megapixels")


def _upright(file: Image.Image) -> Image.Image:
    """Return a picture turned as its camera says; one whose EXIF cannot be read as it stands."""
    try:
        return ImageOps.exif_transpose(file)
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        OverflowError,
        LookupError,
        TypeError,
        struct.error,
        UserWarning,
    ):
        return file


def save_png(image: Image.Image, path: Path) -> Path:
    """Write a PNG without any metadata and return its path."""
    clean = image if image.mode in ("RGB", "RGBA") else image.convert("RGB")
    clean.info = {}
    # Level 3: a fifth larger than the best and five times as fast.
    clean.save(path, format="PNG", compress_level=3)
    return path


def color_of(value: str, name: str) -> tuple[int, int, int, int]:
    """Return (red, green, blue, alpha) out of `#rgb`, `#rrggbb` or `#rrggbbaa`. Raises NodeError."""
    found = _HEX.fullmatch(value.strip())
    if found is None:
        text = f"`{name}` is not a colour: {value!r}"
        raise NodeError(text, hint="write #rrggbb or #rrggbbaa, as #ffcc00")
    digits = found["long"] or "".join(digit * 2 for digit in found["short"])
    parts = [int(digits[i : i + 2], 16) for i in range(0, len(digits), 2)]
    return parts[0], parts[1], parts[2], parts[3] if len(parts) > 3 else 255
