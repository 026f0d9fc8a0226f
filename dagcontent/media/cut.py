"""Turn a picture into a part of it, or into all its parts. Knows no scale: every px stays what it was."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Final

from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.media import picture, probe
from dagcontent.media.arguments import aspect_of, required_blob, text_of, whole_of, wholes_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.sheet import opened

__all__ = ["Box", "crop", "placed", "split"]

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in px; the last two are outside."""

_PARTS_MAX: Final = 1_000


def crop(call: Call) -> Made:
    """Return a part of the picture: a box, or so much of it at a position."""
    image = opened(call, required_blob(call, "image"))
    path = picture.save_png(image.crop(_part(call, image)), call.workdir / "cropped.png")
    call.progress(1.0)
    return Made(_file(path), picture.made_with())


def split(call: Call) -> Made:
    """Return all parts of the picture, in reading order. Where sides do not divide evenly, some parts are a px larger."""
    image = opened(call, required_blob(call, "image"))
    rows, columns = whole_of(call, "rows") or 1, whole_of(call, "columns") or 1
    if rows > image.height or columns > image.width:
        text = f"a picture of {image.width}x{image.height} px has no {rows} rows and {columns} columns"
        raise NodeError(text, hint="a part has at least one px each way")
    if rows * columns > _PARTS_MAX:
        text = f"{rows} rows and {columns} columns are {rows * columns:,} pictures"
        raise NodeError(text, hint=f"at most {_PARTS_MAX:,}")
    parts: list[NewFile] = []
    for top, bottom in pairwise(image.height * row // rows for row in range(rows + 1)):
        for left, right in pairwise(image.width * column // columns for column in range(columns + 1)):
            part = image.crop((left, top, right, bottom))
            parts.append(_file(picture.save_png(part, call.workdir / f"{len(parts)}.png")))
            call.progress(len(parts) / (rows * columns))
    return Made(parts, picture.made_with())


def placed(inner: tuple[int, int], outer: tuple[int, int], position: str) -> tuple[int, int]:
    """Return where the upper left corner of one size is at a position of another: `top-left`, `right`, `center`, ..."""
    across = 0 if "left" in position else outer[0] - inner[0] if "right" in position else (outer[0] - inner[0]) // 2
    down = 0 if "top" in position else outer[1] - inner[1] if "bottom" in position else (outer[1] - inner[1]) // 2
    return across, down


def _part(call: Call, image: Image.Image) -> Box:
    box = wholes_of(call, "box")
    width, height, aspect = whole_of(call, "width"), whole_of(call, "height"), aspect_of(call)
    if box is not None:
        beside = [name for name in ("width", "height", "aspect") if call.params.get(name) is not None]
        if beside:
            text = f"`box` says already which part is kept, and `{beside[0]}` is given too"
            raise NodeError(text, hint="give one of them")
        return _boxed(box, image)
    if aspect is not None and width is not None and height is not None:
        text = "`width` and `height` say the shape already, and `aspect` is given too"
        raise NodeError(text, hint="give at most two of them")
    if aspect is not None and width is None and height is None:
        width, height = image.width, max(1, round(image.width / aspect))
        if height > image.height:
            width, height = max(1, round(image.height * aspect)), image.height
    elif aspect is not None and width is not None:
        height = max(1, round(width / aspect))
    elif aspect is not None and height is not None:
        width = max(1, round(height * aspect))
    size = (width or image.width, height or image.height)
    if size[0] > image.width or size[1] > image.height:
        text = (
            f"a part of {size[0]}x{size[1]} px does not fit into the picture, which is {image.width}x{image.height} px"
        )
        raise NodeError(text, hint="ask for less, or make the picture larger with image.resize first")
    left, top = placed(size, image.size, text_of(call, "position") or "center")
    return left, top, left + size[0], top + size[1]


def _boxed(box: list[int], image: Image.Image) -> Box:
    if len(box) != 4:
        text = f"`box` has {len(box)} number{'s' * (len(box) != 1)}"
        raise NodeError(text, hint="it is [x, y, width, height] in px, from the upper left corner")
    left, top, width, height = box
    if width < 1 or height < 1:
        text = f"`box` is {width}x{height} px large"
        raise NodeError(text, hint="it is [x, y, width, height] in px, and the last two are at least 1")
    if left < 0 or top < 0 or left + width > image.width or top + height > image.height:
        text = f"`box` is {width}x{height} px at {left}, {top}, and the picture is {image.width}x{image.height} px"
        raise NodeError(text, hint="it is [x, y, width, height], and must lie inside the picture")
    return left, top, left + width, top + height


def _file(path: Path) -> NewFile:
    return NewFile(path, "image", "image/png", probe.measure(path, "image", "image/png"))
