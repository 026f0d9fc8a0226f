"""Turn the pixels of any colour mode into sRGB of 8 bits, RGB or RGBA. Knows no file.

A picture that says of which colours its numbers are (an ICC profile: Display P3, Adobe RGB, a press's CMYK) is converted,
since what is written here says nothing and is taken for sRGB. A profile that cannot be read is passed over.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageChops, ImageMath

__all__ = ["in_srgb"]

_CLEAR: Final = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})
_PROFILE_BYTES_MAX: Final = 8 * 1024 * 1024
_SAME: Final = 3
"""Two profiles that differ by no more in any colour are one: sRGB comes in many spellings."""


def in_srgb(image: Image.Image) -> Image.Image:
    """Return the picture in sRGB: RGBA where it says that one may see through it, else RGB."""
    profile = image.info.get("icc_profile")
    image, alpha = _apart(image)
    if isinstance(profile, bytes) and 0 < len(profile) <= _PROFILE_BYTES_MAX:
        image = _converted(image, profile)
    image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    image.info = {}
    return image


def _apart(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return a picture in 8 bits as L, RGB or CMYK, and what of it can be seen, or None for all."""
    if image.mode.startswith("I"):
        return _of_16_bits(image)
    if image.mode in _CLEAR or "transparency" in image.info:
        clear = image.convert("RGBA")
        return clear.convert("RGB"), clear.getchannel("A")
    if image.mode in ("L", "RGB", "CMYK"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _of_16_bits(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    # Pillow's own conversion cuts off: all that is brighter than 255 of 65,535 would be white.
    wide = image.convert("I")
    grey: Image.Image = ImageMath.lambda_eval(lambda of: (of["i"] + 128) / 257, i=wide)
    unseen = image.info.get("transparency")
    alpha: Image.Image | None = None
    if isinstance(unseen, int):
        alpha = ImageMath.lambda_eval(lambda of: (of["i"] != unseen) * 255, i=wide).convert("L")
    return grey.convert("L"), alpha


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    from PIL import ImageCms  # noqa: PLC0415 - most pictures have no profile

    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            image.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if image.mode == "RGB" and _is_srgb(transform):
            return image
        made = ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return image if made is None else made


def _is_srgb(transform: object) -> bool:
    from PIL import ImageCms  # noqa: PLC0415 - as above

    steps = range(0, 256, 51)
    colors = bytes(part for red in steps for green in steps for blue in steps for part in (red, green, blue))
    cube = Image.frombytes("RGB", (len(colors) // 3, 1), colors)
    made = ImageCms.applyTransform(cube, transform)  # type: ignore[arg-type]
    if made is None:
        return False
    return max(high for _, high in ImageChops.difference(cube, made).getextrema()) <= _SAME  # type: ignore[misc]
