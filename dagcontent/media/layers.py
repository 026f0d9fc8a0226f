"""Turn layers, pictures, words and colours, into one picture: the bottom first. Knows no file format.

A layer that covers everything is taken as it is, so one layer alone is that layer, px for px. The result can be seen
through where no layer covers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.media import picture, probe
from dagcontent.media.arguments import PIXELS_MAX, whole_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.cut import placed
from dagcontent.media.fonts import checked
from dagcontent.media.lettering import LEADING, Align, draw, fitted
from dagcontent.media.sheet import fitted_into, opened
from dagcontent.values.value import Blob

__all__ = ["compose"]

_LINE: Final = 0.06
_MARGIN: Final = 0.05
_SMALLEST_PX: Final = 6
_LINES_MAX: Final = 400


class _Area(msgspec.Struct, frozen=True):
    """Where a layer goes, in px of the whole."""

    left: int
    top: int
    width: int
    height: int


class _Layer(msgspec.Struct, frozen=True):
    """One layer as it was asked for; `name` is how it is called in messages."""

    name: str
    image: Image.Image | None
    text: str | None
    color: str | None
    box: list[int] | None
    position: str
    size: float | None
    fit: str
    margin: float | None
    opacity: float


def compose(call: Call) -> Made:
    """Return the layers over one another."""
    given: Any = call.params["layers"]
    found = (_layer(call, position, table) for position, table in enumerate(given))
    layers = [layer for layer in found if layer is not None]
    if not layers:
        text = "`layers` of image.compose holds nothing to show"
        raise NodeError(text, hint="give at least one layer with `image`, `text` or `color`")
    size = _size(call, layers)
    whole: Image.Image | None = None
    for number, layer in enumerate(layers):
        piece, at = _drawn(layer, size)
        piece = _faded(piece, layer.opacity)
        if whole is None:
            whole = piece if piece.size == size and at == (0, 0) else _over(Image.new("RGBA", size), piece, at)
        else:
            whole = _over(whole.convert("RGBA"), piece, at)
        call.progress((number + 1) / (len(layers) + 1))
    assert whole is not None
    if whole.mode == "RGBA" and whole.getchannel("A").getextrema() == (255, 255):
        whole = whole.convert("RGB")
    path = picture.save_png(whole, call.workdir / "composed.png")
    call.progress(1.0)
    return Made(NewFile(path, "image", "image/png", probe.measure(path, "image", "image/png")), picture.made_with())


def _layer(call: Call, position: int, table: Mapping[str, Any]) -> _Layer | None:
    """Return a layer; None for one whose content was left out, as a field that this element of a list does not have."""
    name = f"`layers[{position}]`"
    blob, text, color = table.get("image"), table.get("text"), table.get("color")
    if blob is None and color is None and (text is None or not text.strip()):
        return None
    if blob is not None and (text is not None or color is not None):
        raise NodeError(
            f"{name} has `image` and `{'text' if text is not None else 'color'}`", hint="write a layer for each"
        )
    assert blob is None or isinstance(blob, Blob)
    image = None if blob is None else opened(call, blob)
    return _Layer(
        name, image, text, color, table.get("box"), table.get("position", "center"), table.get("size"),
        table.get("fit", "contain"), table.get("margin"), table.get("opacity", 1.0),
    )  # fmt: skip


def _size(call: Call, layers: list[_Layer]) -> tuple[int, int]:
    bottom = next((layer.image for layer in layers if layer.image is not None), None)
    width, height = whole_of(call, "width"), whole_of(call, "height")
    if (width is None or height is None) and bottom is None:
        text = "there is no picture among the layers, so nothing says how large the whole is"
        raise NodeError(text, hint="give `width` and `height`")
    if bottom is not None:
        width, height = width or bottom.width, height or bottom.height
    assert width is not None
    assert height is not None
    if width * height > PIXELS_MAX:
        text = f"a picture of {width}x{height} px is too large to be made"
        raise NodeError(text, hint=f"at most {PIXELS_MAX // 1_000_000} megapixels")
    return width, height


def _drawn(layer: _Layer, whole: tuple[int, int]) -> tuple[Image.Image, tuple[int, int]]:
    """Return what a layer looks like, and where its upper left corner goes."""
    area = _area(layer, whole)
    room = (area.width, area.height)
    if layer.text is not None:
        return _words(layer, layer.text, area, whole)
    if layer.image is None:
        assert layer.color is not None
        piece = Image.new("RGBA", room, picture.color_of(layer.color, "color"))
    elif layer.box is not None or layer.size is not None:
        piece = fitted_into(layer.image, room, layer.fit)
    else:
        # Its own size; what is larger than the whole is made smaller.
        inside = layer.image.width <= room[0] and layer.image.height <= room[1]
        piece = layer.image if inside else fitted_into(layer.image, room, layer.fit)
    left, top = placed(piece.size, room, layer.position)
    return piece, (area.left + left, area.top + top)


def _area(layer: _Layer, whole: tuple[int, int]) -> _Area:
    """Return the part of the whole that a layer may fill."""
    if layer.box is not None:
        return _boxed(layer, layer.box, whole)
    share = layer.margin if layer.margin is not None else _MARGIN if layer.text is not None else 0.0
    margin = round(min(whole) * share)
    inner = (max(1, whole[0] - 2 * margin), max(1, whole[1] - 2 * margin))
    size = inner
    if layer.size is not None and layer.text is None:
        size = (
            min(inner[0], max(1, round(whole[0] * layer.size))),
            min(inner[1], max(1, round(whole[1] * layer.size))),
        )
    left, top = placed(size, inner, layer.position)
    return _Area(margin + left, margin + top, *size)


def _boxed(layer: _Layer, box: list[int], whole: tuple[int, int]) -> _Area:
    if len(box) != 4:
        text = f"`box` of {layer.name} has {len(box)} number{'s' * (len(box) != 1)}"
        raise NodeError(text, hint="it is [x, y, width, height] in px, from the upper left corner")
    left, top, width, height = box
    said = f"`box` of {layer.name} is {width}x{height} px at {left}, {top}, and the whole is {whole[0]}x{whole[1]} px"
    if width < 1 or height < 1 or width * height > PIXELS_MAX:
        raise NodeError(said, hint="it is [x, y, width, height], and the last two are at least 1")
    if left >= whole[0] or top >= whole[1] or left + width <= 0 or top + height <= 0:
        raise NodeError(said, hint="nothing of it would be seen: it is [x, y, width, height]")
    if layer.text is not None and (left < 0 or top < 0 or left + width > whole[0] or top + height > whole[1]):
        raise NodeError(said, hint="words would be cut off: the box of a text lies inside the whole")
    return _Area(left, top, width, height)


def _words(layer: _Layer, text: str, area: _Area, whole: tuple[int, int]) -> tuple[Image.Image, tuple[int, int]]:
    face, written = checked(text, f"`text` of {layer.name}")
    line = max(_SMALLEST_PX, round((layer.size or _LINE) * whole[1] / LEADING))
    # The size that was asked for is kept unless the text would not fit.
    block = fitted(written, face, (area.width, area.height), line, min(line, _SMALLEST_PX), _LINES_MAX)
    color = picture.color_of(layer.color or "#ffffff", "color")
    sheet = Image.new("RGBA", (area.width, area.height), (*color[:3], 0))
    align: Align = "left" if "left" in layer.position else "right" if "right" in layer.position else "center"
    draw(sheet, block, placed((block.width, block.height), sheet.size, layer.position), color, align=align)
    return sheet, (area.left, area.top)


def _faded(piece: Image.Image, opacity: float) -> Image.Image:
    if opacity >= 1:
        return piece
    faded = piece.convert("RGBA")
    faded.putalpha(faded.getchannel("A").point([round(value * opacity) for value in range(256)]))
    return faded


def _over(whole: Image.Image, piece: Image.Image, at: tuple[int, int]) -> Image.Image:
    """Lay a piece over the whole; what hangs over the edges is cut off."""
    left, top = max(0, at[0]), max(0, at[1])
    right, bottom = min(whole.width, at[0] + piece.width), min(whole.height, at[1] + piece.height)
    if left >= right or top >= bottom:
        return whole
    part = piece.convert("RGBA").crop((left - at[0], top - at[1], right - at[0], bottom - at[1]))
    whole.alpha_composite(part, (left, top))
    return whole
