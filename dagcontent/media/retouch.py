"""Turn a picture into another one without a model: `local/card` of image.edit, `local/lanczos`, `local/key`.

They stand in for models that cost money: what comes out has the size and the channels that were asked for, and whoever
looks at it sees that it is a draft. Knows no vendor.
"""

from __future__ import annotations

import hashlib
import math
import random
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageStat

from dagcontent.media import picture, probe
from dagcontent.media.arguments import PIXELS_MAX, blob_of, number_of, required_blob, required_text
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.card import asked_size
from dagcontent.media.label import labelled
from dagcontent.media.mood import mood_of
from dagcontent.media.sheet import fitted_into, opened

__all__ = ["FACTOR", "edit", "remove_background", "upscale"]

FACTOR: Final = 2.0
"""How much larger, where nobody says."""
_STRENGTH: Final = 0.35
_NEAR, _FAR = 24, 56  # of 255: how unlike the edge a colour is where it begins, and ends, to be the subject
_LEAST, _MOST = 0.03, 0.97


def edit(call: Call) -> Made:
    """Tint `image` with the light of `prompt`, where `mask` is white, and say what was asked for."""
    prompt = required_text(call, "prompt")
    image = opened(call, required_blob(call, "image"))
    size = asked_size(call, image.size)
    if size is not None:
        image = fitted_into(image, size, "cover")
    salt = "" if call.seed is None else str(call.seed)
    seed = hashlib.sha256(f"{prompt}\x00{salt}".encode("utf-8", "surrogatepass")).digest()
    mood = mood_of(prompt, seed=random.Random(seed))  # noqa: S311 - for variety, not for secrets
    strength = number_of(call, "strength")
    part = _STRENGTH if strength is None else 0.1 + 0.8 * strength
    light = tuple(round(channel) for channel in mood.light)
    tinted = Image.blend(image.convert("RGB"), Image.new("RGB", image.size, light), part)
    mask = blob_of(call, "mask")
    if mask is not None:
        where = opened(call, mask).convert("L").resize(image.size)
        tinted = Image.composite(tinted, image.convert("RGB"), where)
    if image.mode == "RGBA":
        tinted.putalpha(image.getchannel("A"))
    return _made(call, labelled(tinted, f"draft edit: {prompt}"), "edited")


def upscale(call: Call) -> Made:
    """Return `image` `factor` times as wide and as high: scaled, not imagined. At most as large as can be opened again."""
    image = opened(call, required_blob(call, "image"))
    factor = number_of(call, "factor") or FACTOR
    factor = min(factor, math.sqrt(PIXELS_MAX / (image.width * image.height)))
    size = (max(1, int(image.width * factor)), max(1, int(image.height * factor)))
    return _made(call, image.resize(size, Image.Resampling.LANCZOS), "larger")


def remove_background(call: Call) -> Made:
    """Make clear what is coloured like the edge of `image`; where that is nearly all or nothing, all but an oval."""
    image = opened(call, required_blob(call, "image")).convert("RGB")
    soft = image.filter(ImageFilter.GaussianBlur(max(1.0, min(image.size) / 200)))
    edge = Image.new("L", image.size, 0)
    thick = max(1, min(image.size) // 40)
    ImageDraw.Draw(edge).rectangle((0, 0, image.width - 1, image.height - 1), outline=255, width=thick)
    ground = tuple(round(channel) for channel in ImageStat.Stat(image, edge).median)
    bands = ImageChops.difference(soft, Image.new("RGB", image.size, ground)).split()
    unlike = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    alpha = unlike.point([max(0, min(255, (v - _NEAR) * 255 // (_FAR - _NEAR))) for v in range(256)])
    if not _LEAST <= ImageStat.Stat(alpha).mean[0] / 255 <= _MOST:
        alpha = Image.new("L", image.size, 0)
        across, down = image.width // 8, image.height // 8
        ImageDraw.Draw(alpha).ellipse((across, down, image.width - across, image.height - down), fill=255)
    image.putalpha(alpha)
    return _made(call, image, "cut")


def _made(call: Call, image: Image.Image, name: str) -> Made:
    path = picture.save_png(image, call.workdir / f"{name}.png")
    call.progress(1.0)
    return Made(NewFile(path, "image", "image/png", probe.measure(path, "image", "image/png")), picture.made_with())
