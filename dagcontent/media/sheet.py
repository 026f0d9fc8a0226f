"""Turn pictures into a picture: another size, text set over it, many on one sheet. Knows no model."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from dagcontent.errors import NodeError
from dagcontent.media import picture, probe
from dagcontent.media.arguments import (
    PIXELS_MAX,
    blobs_of,
    number_of,
    required_blob,
    required_text,
    text_of,
    texts_of,
    whole_of,
)
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.fonts import checked, suited
from dagcontent.media.lettering import Block, draw, fitted, wrapped
from dagcontent.values.value import Blob

__all__ = ["caption", "fitted_into", "grid", "opened", "resize"]

_SHEET = (24, 26, 31)
_INK = (236, 238, 242)


def resize(call: Call) -> Made:
    """Return the picture in another size."""
    image = opened(call, required_blob(call, "image"))
    width, height = whole_of(call, "width"), whole_of(call, "height")
    fit = text_of(call, "fit") or "contain"
    if width is None or height is None:
        # With one side given, every fit is the same: the other side follows from the shape.
        if width is None and height is None:
            text = "`width` and `height` of image.resize are missing"
            raise NodeError(text, hint="give `width`, `height`, or both")
        scale = width / image.width if width is not None else (height or 1) / image.height
        size = (width or max(1, round(image.width * scale)), height or max(1, round(image.height * scale)))
        fit = "stretch"
    else:
        size = (width, height)
    if size[0] * size[1] > PIXELS_MAX:
        text = f"a picture of {size[0]}x{size[1]} px is too large to be made"
        raise NodeError(text, hint=f"at most {PIXELS_MAX // 1_000_000} megapixels")
    return _saved(call, fitted_into(image, size, fit), "resized")


def caption(call: Call) -> Made:
    """Return the picture with text set over it."""
    image = opened(call, required_blob(call, "image")).convert("RGBA")
    face, written = checked(required_text(call, "text"), "`text`")
    line = max(6, round((number_of(call, "size") or 0.06) * image.height / 1.18))
    margin = round(min(image.size) * 0.05)
    padding = round(line * 0.45)
    room = (max(1, image.width - 2 * (margin + padding)), max(1, image.height - 2 * (margin + padding)))
    # The size that was asked for is kept unless the text would not fit at all.
    block = fitted(written, face, room, line, min(line, 6))
    box = text_of(call, "box") or "none"
    color = picture.color_of(text_of(call, "color") or "#ffffff", "color")
    left = (image.width - block.width) // 2
    position = text_of(call, "position") or "bottom"
    top = {
        "top": margin + padding,
        "center": (image.height - block.height) // 2,
        "bottom": image.height - margin - padding - block.height,
    }[position]
    layer = Image.new("RGBA", image.size, (*color[:3], 0))
    if box.strip().lower() != "none":
        around = (left - padding, top - padding // 2, left + block.width + padding, top + block.height + padding // 2)
        image = Image.alpha_composite(image, _plate(image.size, around, picture.color_of(box, "box"), padding))
        outline = None
    else:
        dark = sum(color[:3]) > 380
        outline = (max(1, line // 14), (0, 0, 0, color[3]) if dark else (255, 255, 255, color[3]))
    draw(layer, block, (left, top), color, align="center", outline=outline)
    return _saved(call, Image.alpha_composite(image, layer), "captioned")


def grid(call: Call) -> Made:
    """Return pictures side by side, in reading order, each whole in a cell of one shape."""
    blobs = blobs_of(call, "images")
    if not blobs:
        text = "`images` of image.grid is empty"
        raise NodeError(text, hint="give at least one picture")
    captions = texts_of(call, "captions")
    if captions is not None and len(captions) != len(blobs):
        text = f"there are {len(captions)} captions for {len(blobs)} pictures"
        raise NodeError(text, hint="give one caption a picture")
    images = [opened(call, blob) for blob in blobs]
    gap = whole_of(call, "gap")
    gap = 16 if gap is None else gap
    cell = _cell(images, whole_of(call, "columns"))
    columns = whole_of(call, "columns") or _columns(len(images), cell)
    rows = math.ceil(len(images) / columns)
    height_of_text, blocks = _captions(captions, cell)
    size = (gap + columns * (cell[0] + gap), gap + rows * (cell[1] + height_of_text + gap))
    if size[0] * size[1] > PIXELS_MAX:
        text = f"the sheet would be {size[0]}x{size[1]} px"
        raise NodeError(text, hint="give fewer pictures, or make them smaller with image.resize")
    sheet = Image.new("RGB", size, _SHEET)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        left, top = gap + column * (cell[0] + gap), gap + row * (cell[1] + height_of_text + gap)
        tile = fitted_into(image, cell, "contain").convert("RGBA")
        place = (left + (cell[0] - tile.width) // 2, top + (cell[1] - tile.height) // 2)
        sheet.paste(tile, place, tile)
        if blocks:
            block = blocks[number]
            under = top + cell[1] + (height_of_text - block.height) // 2
            draw(sheet, block, (left + (cell[0] - block.width) // 2, under), _INK, align="center")
        call.progress((number + 1) / len(images))
    return _saved(call, sheet, "sheet")


def opened(call: Call, blob: Blob) -> Image.Image:
    """Return an artifact's picture, decoded whole. Raises NodeError naming it."""
    path = call.path(blob)
    probe.check_input(path, "image")
    return picture.open_picture(path)


def fitted_into(image: Image.Image, size: tuple[int, int], fit: str) -> Image.Image:
    """Return the picture in a size: all of it inside, filling it, with bars, or stretched."""
    if image.size == size or fit == "stretch":
        return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
    across, down = size[0] / image.width, size[1] / image.height
    scale = max(across, down) if fit == "cover" else min(across, down)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if fit == "cover":
        # Only the part that stays is scaled: a long, thin picture would grow without bound otherwise.
        width, height = size[0] / scale, size[1] / scale
        left, top = max(0.0, (image.width - width) / 2), max(0.0, (image.height - height) / 2)
        # Rounding may lead a hair beyond the edge, which Pillow refuses.
        part = (left, top, min(image.width, left + width), min(image.height, top + height))
        return image.resize(size, Image.Resampling.LANCZOS, box=part)
    small = image.resize(inner, Image.Resampling.LANCZOS)
    if fit == "contain":
        return small
    background = (0, 0, 0, 0) if image.mode == "RGBA" else (0, 0, 0)
    padded = Image.new(image.mode, size, background)
    padded.paste(small, ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
    return padded


def _plate(
    size: tuple[int, int], around: tuple[int, int, int, int], color: tuple[int, ...], radius: int
) -> Image.Image:
    plate = Image.new("RGBA", size, (*color[:3], 0))
    # Drawn four times as large and made smaller: Pillow does not smooth the corners itself.
    width, height = max(1, around[2] - around[0]), max(1, around[3] - around[1])
    mask = Image.new("L", (width * 4, height * 4), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width * 4 - 1, height * 4 - 1), radius * 4 // 2, fill=color[3])
    plate.putalpha(0)
    plate.paste(Image.new("RGBA", (width, height), tuple(color)), (around[0], around[1]), None)
    alpha = Image.new("L", size, 0)
    alpha.paste(mask.resize((width, height), Image.Resampling.LANCZOS), (around[0], around[1]))
    plate.putalpha(alpha)
    return plate


def _cell(images: list[Image.Image], columns: int | None) -> tuple[int, int]:
    count = columns or math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / count)
    widest, highest = max(image.width for image in images), max(image.height for image in images)
    # A sheet of many large pictures is made of smaller ones, so that it can still be opened.
    scale = min(1.0, 8000 / (count * widest), 8000 / (rows * highest))
    return max(1, round(widest * scale)), max(1, round(highest * scale))


def _columns(count: int, cell: tuple[int, int]) -> int:
    shapes = range(1, count + 1)
    return min(shapes, key=lambda c: (abs(math.log(c * cell[0] / (math.ceil(count / c) * cell[1]))), c))


def _captions(captions: list[str] | None, cell: tuple[int, int]) -> tuple[int, list[Block]]:
    if captions is None:
        return 0, []
    size = max(8, min(round(cell[1] * 0.07), round(cell[0] * 0.06)))
    blocks = []
    for words in captions:
        face, written = suited(words)
        room = (cell[0], round(size * 1.18) * min(2, max(1, len(wrapped(written, face, size, cell[0])))))
        blocks.append(fitted(written, face, room, size, max(6, size - 4), lines_max=2))
    return max(block.height for block in blocks) + size, blocks


def _saved(call: Call, image: Image.Image, name: str) -> Made:
    path = picture.save_png(image, call.workdir / f"{name}.png")
    call.progress(1.0)
    return Made(NewFile(path, "image", "image/png", probe.measure(path, "image", "image/png")), picture.made_with())
