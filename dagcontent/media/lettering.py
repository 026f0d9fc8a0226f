"""Turn words into balanced lines that fit a box, and draw them. Knows no kind.

Lines are balanced: of all ways to break a text into the fewest lines, the one whose longest line is shortest.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec
from PIL import Image, ImageDraw, ImageFont

from dagcontent.media.fonts import Face

__all__ = ["LEADING", "Align", "Block", "draw", "fitted", "wrapped"]

LEADING = 1.18
_UNSPACED = re.compile(r"(?<=[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")

Align = Literal["left", "center", "right"]


class Block(msgspec.Struct, frozen=True):
    """Lines of text at a size that fits; `width` and `height` are those of the lines together, in px."""

    lines: tuple[str, ...]
    face: Face
    size: int
    width: int
    height: int

    @property
    def step(self) -> int:
        """Distance from line to line in px."""
        return round(self.size * LEADING)


def fitted(text: str, face: Face, box: tuple[int, int], largest: int, smallest: int = 8, lines_max: int = 12) -> Block:
    """Return the text at the largest size at which it fits the box; the end is left out if even the smallest is too large."""
    low, high = max(1, min(smallest, largest)), max(1, largest)
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(text, face, box, middle, lines_max):
            low = middle
        else:
            high = middle - 1
    lines = wrapped(text, face, low, box[0])
    room = max(1, min(lines_max, int((box[1] - low) / (low * LEADING)) + 1))
    if len(lines) > room:
        lines = [*lines[: room - 1], _shortened(lines[room - 1], face.at(low), box[0])]
    return _block(lines, face, low)


def wrapped(text: str, face: Face, size: int, width: int) -> list[str]:
    """Return balanced lines of at most `width` px; line breaks of the text are kept, a longer word is cut."""
    font = face.at(size)
    lines: list[str] = []
    for paragraph in text.strip().splitlines():
        words = _pieces(paragraph, font, width)
        if not words:
            continue
        greedy = _filled(words, font, width)
        if len(greedy) > 1:
            low, high = max(round(font.getlength(word.strip())) for word in words), width
            while low < high:
                middle = (low + high) // 2
                if len(_filled(words, font, middle)) <= len(greedy):
                    high = middle
                else:
                    low = middle + 1
            greedy = _filled(words, font, high)
        lines += greedy
    return lines


def draw(
    image: Image.Image,
    block: Block,
    at: tuple[int, int],
    color: tuple[int, ...],
    *,
    align: Align = "left",
    bold: float = 0.0,
    outline: tuple[int, tuple[int, ...]] | None = None,
) -> None:
    """Draw a block with its upper left corner at a point. `bold` thickens the letters by a part of their size."""
    pen = ImageDraw.Draw(image)
    font = block.face.at(block.size)
    ascent, descent = font.getmetrics()
    # Letters sit in the middle of their line, whatever the face's own idea of a line's height is.
    lead = (block.step - (ascent + descent)) / 2
    extra = bold * block.size
    for number, line in enumerate(block.lines):
        length = font.getlength(line)
        left = at[0] + {"left": 0.0, "center": (block.width - length) / 2, "right": block.width - length}[align]
        place = (left, at[1] + number * block.step + lead)
        if outline is not None:
            pen.text(place, line, font=font, fill=outline[1], stroke_width=outline[0] + extra, stroke_fill=outline[1])
        pen.text(place, line, font=font, fill=color, stroke_width=extra, stroke_fill=color)


def _fits(text: str, face: Face, box: tuple[int, int], size: int, lines_max: int) -> bool:
    font = face.at(size)
    # A word must not be cut to make the letters larger.
    if any(font.getlength(piece) > box[0] for word in text.split() for piece in _UNSPACED.split(word)):
        return False
    block = _block(wrapped(text, face, size, box[0]), face, size)
    return len(block.lines) <= lines_max and block.height <= box[1] and block.width <= box[0]


def _block(lines: list[str], face: Face, size: int) -> Block:
    font = face.at(size)
    width = max((round(font.getlength(line) + 0.5) for line in lines), default=0)
    return Block(tuple(lines), face, size, width, round(size * LEADING) * len(lines))


def _pieces(paragraph: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Return words, each with the space that follows it; what is wider than a line in parts."""
    pieces: list[str] = []
    for word in paragraph.split():
        parts = [part for part in _UNSPACED.split(word) if part]
        for part in parts:
            rest = part
            while font.getlength(rest) > width and len(rest) > 1:
                keep = next((n for n in range(len(rest) - 1, 0, -1) if font.getlength(rest[:n]) <= width), 1)
                pieces.append(rest[:keep])
                rest = rest[keep:]
            pieces.append(rest)
        pieces[-1] += " "
    return pieces


def _filled(pieces: list[str], font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for piece in pieces:
        if line and font.getlength((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = piece
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def _shortened(line: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    while line and font.getlength(line + "…") > width:
        line = line[:-1].rstrip()
    return line + "…"
