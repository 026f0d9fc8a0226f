"""Turn a picture into the same picture in another file format. Knows no other change.

Equal pictures are equal bytes: no metadata is written, and every choice of an encoder is made here.
"""

from __future__ import annotations

from typing import Any, Final

from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.media import picture, probe
from dagcontent.media.arguments import required_blob, required_text, text_of, whole_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.sheet import opened

__all__ = ["convert"]

_GOOD: Final = 90
_WEBP_SIDE_MAX_PX: Final = 16383


def convert(call: Call) -> Made:
    """Return the picture as a PNG, JPEG or WebP file."""
    form, quality = required_text(call, "format"), whole_of(call, "quality")
    image = _on_ground(call, opened(call, required_blob(call, "image")), form)
    if form == "png":
        if quality is not None:
            text = "a png has no quality: it loses nothing"
            raise NodeError(text, hint="leave `quality` out, or choose jpeg or webp")
        path = picture.save_png(image, call.workdir / "converted.png")
    else:
        path = call.workdir / f"converted.{form}"
        image.info = {}
        image.save(path, format=form.upper(), **_settings(form, quality or _GOOD, image))
    media_type = f"image/{form}"
    call.progress(1.0)
    return Made(NewFile(path, "image", media_type, probe.measure(path, "image", media_type)), picture.made_with())


def _on_ground(call: Call, image: Image.Image, form: str) -> Image.Image:
    """Return the picture with something behind it, where it is asked for or needed; one that is opaque as it is."""
    written = text_of(call, "background")
    ground = picture.color_of(written or "#ffffff", "background")
    if ground[3] != 255:
        text = f"`background` can be seen through itself: {written}"
        raise NodeError(text, hint="write #rrggbb")
    if image.mode != "RGBA" or (written is None and form != "jpeg"):
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, ground), image).convert("RGB")


def _settings(form: str, quality: int, image: Image.Image) -> dict[str, Any]:
    if form == "jpeg":
        # Colour at half the resolution smears letters; where quality was asked for it is kept whole.
        return {"quality": quality, "subsampling": 0 if quality >= _GOOD else 2, "optimize": True}
    if max(image.size) > _WEBP_SIDE_MAX_PX:
        text = f"a webp has sides of at most {_WEBP_SIDE_MAX_PX} px, and the picture is {image.width}x{image.height} px"
        raise NodeError(text, hint="make it smaller with image.resize, or choose png or jpeg")
    return {"quality": quality, "method": 4}
