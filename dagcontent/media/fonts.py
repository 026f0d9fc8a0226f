"""Turn a text into a face that has all its letters. Knows no picture.

Pillow's built-in face is everywhere and always the same, but it has little more than ASCII. In order: the built-in
face, with typographic signs written plainly; an installed face that has every letter; the built-in face with accents
taken off. What then is still missing is named, never drawn as boxes.
"""

from __future__ import annotations

import functools
import io
import re
import unicodedata
from pathlib import Path
from typing import Final

import msgspec
from PIL import ImageFont

from dagcontent.errors import NodeError

__all__ = ["BUILT_IN", "Face", "checked", "installed", "missing_in", "plain", "suited"]

_PLACES: Final = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/Library/Fonts",
    "/System/Library/Fonts", "~/Library/Fonts", "C:/Windows/Fonts",
)  # fmt: skip
_FILES_MAX = 4000
_NAMED_MAX = 8
_PLAIN: Final = str.maketrans(
    {
        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u00ad": "", "\u200b": "", "\u2010": "-", "\u2011": "-",
        "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2015": "-", "\u2212": "-", "\u201a": "'", "\u201b": "'",
        "\u201e": "\u201c", "\u2032": "'", "\u2033": '"', "\u00df": "ss", "\u00e6": "ae", "\u00c6": "AE",
        "\u0153": "oe", "\u0152": "OE", "\u00f8": "o", "\u00d8": "O", "\u0142": "l", "\u0141": "L", "\u0131": "i",
        "\u00d7": "x", "\u2022": "\u00b7", "\u20ac": "EUR", "\u00a3": "GBP",
    }
)  # fmt: skip
_DASHES: Final = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-") | {"\u00a0": " ", "\u00ad": ""})
# Faces that set well, best first; any other face comes after them by name.
_PREFERRED: Final = (
    "inter",
    "noto sans",
    "open sans",
    "roboto",
    "helvetica",
    "arial",
    "segoe ui",
    "dejavu sans",
    "liberation sans",
)
_EMOJI_LIKE: Final = re.compile("[\ufe00-\ufe0f\u200d\U0001f3fb-\U0001f3ff]")


class Face(msgspec.Struct, frozen=True):
    """A typeface: its family, and its file (None is Pillow's built-in one)."""

    family: str
    path: str | None = None
    index: int = 0

    def at(self, size: float) -> ImageFont.FreeTypeFont:
        """Return the face at a size in px."""
        return _loaded(self, max(1, round(size)))

    def data(self) -> bytes:
        """Return the font file's bytes."""
        if self.path is not None:
            return Path(self.path).read_bytes()
        source = _loaded(self, 10).path
        return source.getvalue() if isinstance(source, io.BytesIO) else Path(str(source)).read_bytes()


BUILT_IN: Final = Face("Aileron")


def suited(text: str) -> tuple[Face, str]:
    """Return a face and the text as that face can draw it: letters that no face has are left out."""
    face, written, missing = _suited(text)
    return face, "".join(letter for letter in written if letter not in missing) if missing else written


def checked(text: str, where: str) -> tuple[Face, str]:
    """Return a face and the text as that face draws it. Raises NodeError naming every letter that cannot be drawn."""
    face, written, missing = _suited(text)
    if not missing:
        return face, written
    # Of faces that have some of the letters, the one that has most says what is really missing.
    lacks = min((_lacking(face, plain(text)) for face, _, _ in _faces()), key=len, default=list(missing))
    lacking = list(missing) if len(missing) <= len(lacks) else lacks
    nowhere = [letter for letter in lacking if not any(_has(face, letter) for face, _, _ in _faces())]
    if not nowhere:
        said = f"no one font on this machine has all letters of {where}: the nearest lacks {_named(lacking)}"
        raise NodeError(said, hint="install a font that has them all, or set the scripts in texts of their own")
    said = f"no font on this machine has these letters of {where}: {_named(nowhere)}"
    raise NodeError(said, hint="install a font that has them, or leave them out")


def _named(letters: list[str]) -> str:
    """Return letters with their code points: who lacks a font may see nothing but boxes here either."""
    shown = ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in letters[:_NAMED_MAX])
    return shown if len(letters) <= _NAMED_MAX else f"{shown} and {len(letters) - _NAMED_MAX} more"


def missing_in(text: str, face: Face | None = None) -> str:
    """Return the letters of a text that cannot be drawn (by that face, or by any here), each once."""
    return "".join(_lacking(face, plain(text))) if face is not None else _suited(text)[2]


def plain(text: str) -> str:
    """Return text without signs that only direct other signs (variation, joining)."""
    return _EMOJI_LIKE.sub("", unicodedata.normalize("NFC", text))


def installed(name: str) -> Face:
    """Return the installed face of that name (`Family` or `Family Style`). Raises NodeError with the nearest names."""
    wanted = " ".join(name.lower().split())
    faces = _faces()
    for face, family, style in faces:
        if wanted in (
            f"{family} {style}".lower(),
            family.lower() if style.lower() in ("regular", "book", "roman") else "",
        ):
            return face
    for face, family, _ in faces:
        if wanted == family.lower():
            return face
    import difflib  # noqa: PLC0415 - for the message only

    families = sorted({family for _, family, _ in faces})
    near = difflib.get_close_matches(name, families, n=3, cutoff=0.4) or families[:3]
    text = f"there is no font {name!r} on this machine"
    hint = (
        f"nearest: {', '.join(near)}; or leave `font` out for the built-in one"
        if near
        else "leave `font` out for the built-in one"
    )
    raise NodeError(text, hint=hint)


@functools.lru_cache(maxsize=256)
def _suited(text: str) -> tuple[Face, str, str]:
    text = plain(text)
    dashed = text.translate(_DASHES)
    if not _lacking(BUILT_IN, dashed):
        return BUILT_IN, dashed, ""
    for face, _, _ in _faces():
        if not _lacking(face, text):
            return face, text, ""
    bare = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return BUILT_IN, bare, "".join(_lacking(BUILT_IN, bare))


def _lacking(face: Face, text: str) -> list[str]:
    return [letter for letter in dict.fromkeys(text) if not letter.isspace() and not _has(face, letter)]


@functools.lru_cache(maxsize=8192)
def _has(face: Face, letter: str) -> bool:
    font = _loaded(face, 32)
    # U+FFFF is never a letter: what is drawn for it is drawn for every missing one.
    return _shape(font, letter) != _shape(font, "\uffff")


def _shape(font: ImageFont.FreeTypeFont, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)


@functools.lru_cache(maxsize=512)
def _loaded(face: Face, size: int) -> ImageFont.FreeTypeFont:
    if face.path is not None:
        return ImageFont.truetype(face.path, size, index=face.index)
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        text = "Pillow was built without FreeType: text cannot be drawn"
        raise NodeError(text, hint="install the package pillow from its wheel")
    return font


@functools.cache
def _faces() -> list[tuple[Face, str, str]]:
    """Return every installed face with family and style, best first. Looked for once a process."""
    found: list[tuple[Face, str, str]] = []
    paths = [
        path
        for place in _PLACES
        for path in sorted(Path(place).expanduser().rglob("*"))
        if path.suffix.lower() in (".ttf", ".otf", ".ttc")
    ]
    for path in paths[:_FILES_MAX]:
        try:
            family, style = ImageFont.truetype(str(path), 12).getname()
        except (OSError, ValueError):
            continue  # not a font after all
        if family:
            found.append((Face(family, str(path)), family, style or "Regular"))
    return sorted(found, key=_goodness)


def _goodness(row: tuple[Face, str, str]) -> tuple[int, int, str, str]:
    face, family, style = row
    lower = family.lower()
    rank = next(
        (i for i, name in enumerate(_PREFERRED) if lower == name or lower.startswith(name + " ")), len(_PREFERRED)
    )
    upright = 0 if style.lower() in ("regular", "book", "roman", "medium") else 1
    return rank, upright, lower, str(face.path)
