"""Artifacts of the store into files beside a page, and into what shows them small. Knows no graph and no page.

A file is named by its digest, so that what is there already is not written again. It is a copy, or shares the store's blocks where the
file system can do that; never the store's own file, which whoever edits the copy would change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from dagcontent.errors import UsageError
from dagcontent.media import thumbnail
from dagcontent.media.sniff import SUFFIXES
from dagcontent.report.gallery import Media, Thumb
from dagcontent.report.quantities import seconds, size
from dagcontent.store.cas import BlobDamaged
from dagcontent.store.part import part_beside
from dagcontent.store.store import Store
from dagcontent.values.value import Blob

__all__ = ["MEDIA", "Shelf", "write_whole"]

MEDIA: Final = "media"
"""The folder beside a page that its files are in."""
_AREAS: Final = ((24, 240_000), (80, 110_000), (300, 48_000), (1_000, 22_000))
_LEAST_AREA: Final = 9_000
_ALL_THUMBS: Final = 1_500_000
_LEAST_BYTES, _MOST_BYTES = 900, 60_000
_PEAKS, _FEWER_PEAKS = 120, 48
_MANY: Final = 200
_UNKNOWN: Final = ".bin"
"""Without an ending a browser would guess what a file is, and might take it for a page."""
_MOST_TEXT: Final = 12_000
_WORKERS: Final = 4


class _Drawn(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of an artifact: it is cheap to make again."""

    data: bytes = b""
    width: int = 0
    height: int = 0
    peaks: tuple[int, ...] = ()


_drawn = msgspec.msgpack.Decoder(_Drawn)


class Shelf:
    """The folder beside one page. `added` counts the files that were not there, and `added_bytes` their bytes; `gone` artifacts have
    no bytes any more.
    """

    def __init__(self, store: Store, folder: Path, outside: Mapping[str, str]) -> None:
        self._store = store
        self._folder = folder / MEDIA
        self._outside = outside
        self._placed: dict[str, Media] = {}
        self.files = self.added = self.added_bytes = self.gone = 0

    def place(self, blobs: Iterable[Blob]) -> None:
        """Put artifacts there, and draw them small: fewer are drawn larger. Raises UsageError where nothing can be written."""
        found: dict[str, Blob] = {blob.digest: blob for blob in blobs}
        paths: dict[str, Path] = {
            digest: path for digest, blob in found.items() if (path := self._place(blob)) is not None
        }
        drawn = self._draw([found[digest] for digest in paths], paths)
        self.gone = len(found) - len(paths)
        for digest, blob in found.items():
            self._placed[digest] = self._media(blob, paths.get(digest), drawn.get(digest, _Drawn()))

    def media(self, blob: Blob) -> Media:
        """Return an artifact that was placed."""
        return self._placed.get(blob.digest) or Media(blob.digest, blob.type, blob.media_type, None)

    def text(self, text: str) -> tuple[str, str | None, int]:
        """Return as much of a text as stands in the page, the file with all of it if that is not all, and how much more it has."""
        if len(text) <= _MOST_TEXT:
            return text, None, 0
        data = text.encode("utf-8", "replace")
        name = f"{hashlib.sha256(data).hexdigest()}.txt"
        target = self._folder / name
        self.files += 1
        if not _there(target, len(data)):
            self._ready()
            write_whole(target, data)
            self._count(len(data))
        return text[:_MOST_TEXT], f"{MEDIA}/{name}", len(text) - _MOST_TEXT

    def _place(self, blob: Blob) -> Path | None:
        target = self._folder / f"{blob.digest}{SUFFIXES.get(blob.media_type, _UNKNOWN)}"
        self.files += 1
        if _there(target, blob.size_bytes):
            return target
        self._ready()
        try:
            self._store.cas.materialise(blob.digest, target, durable=False)
        except BlobDamaged:
            source = self._outside.get(blob.digest)
            if source is None or not _copied(Path(source), target, blob.digest):
                self.files -= 1
                return None
        self._count(blob.size_bytes)
        return target

    def _count(self, size_bytes: int) -> None:
        self.added += 1
        self.added_bytes += size_bytes

    def _ready(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"{self._folder} cannot be made: {error.strerror}", hint="give another folder with -o"
            ) from None

    def _draw(self, blobs: list[Blob], paths: Mapping[str, Path]) -> dict[str, _Drawn]:
        wanted = [blob for blob in blobs if blob.type in {"image", "video", "audio"}]
        area = next((area for count, area in _AREAS if len(wanted) <= count), _LEAST_AREA)
        most = max(_LEAST_BYTES, min(_MOST_BYTES, _ALL_THUMBS * 3 // 4 // max(1, len(wanted))))
        columns = _PEAKS if len(wanted) <= _MANY else _FEWER_PEAKS
        names = {f"small:1:{blob.digest}:{area}:{most}:{columns}": blob for blob in wanted}
        made: dict[str, _Drawn] = {names[name].digest: row for name, row in self._remembered(names).items()}
        lacking = {name: blob for name, blob in names.items() if blob.digest not in made}

        def draw(blob: Blob) -> _Drawn:
            path = paths[blob.digest]
            if blob.type == "audio":
                return _Drawn(peaks=thumbnail.peaks_of(path, blob.media_type, columns))
            small = (
                thumbnail.still_small(path, area_px=area, most_bytes=most)
                if blob.type == "image"
                else thumbnail.clip_small(path, blob.media_type, area_px=area, most_bytes=most)
            )
            return _Drawn() if small is None else _Drawn(small.data, small.width, small.height)

        with ThreadPoolExecutor(_WORKERS) as pool:
            rows = dict(zip(lacking, pool.map(draw, lacking.values()), strict=True))
        self._store.side.set_many({name: msgspec.msgpack.encode(row) for name, row in rows.items()})
        return made | {lacking[name].digest: row for name, row in rows.items()}

    def _remembered(self, names: Iterable[str]) -> dict[str, _Drawn]:
        made = {}
        for name, data in self._store.side.get_many(names).items():
            try:
                made[name] = _drawn.decode(data)
            except msgspec.DecodeError:
                continue
        return made

    def _media(self, blob: Blob, path: Path | None, drawn: _Drawn) -> Media:
        facts = blob.facts
        words = [seconds(facts["duration_ms"] / 1000)] if "duration_ms" in facts else []
        if "width" in facts and "height" in facts:
            words.append(f"{facts['width']}x{facts['height']}")
        words.append(size(blob.size_bytes))
        text = ""
        if blob.type == "subtitles" and path is not None:
            with path.open("rb") as file:
                text = file.read(_MOST_TEXT).decode("utf-8", "replace")
        return Media(
            digest=blob.digest, type=blob.type, media_type=blob.media_type,
            href=None if path is None else f"{MEDIA}/{path.name}", facts=tuple(words),
            width=facts.get("width"), height=facts.get("height"),
            thumb=Thumb(drawn.data, drawn.width, drawn.height) if drawn.data else None, peaks=drawn.peaks, text=text,
        )  # fmt: skip


def write_whole(target: Path, data: bytes) -> None:
    """Put a file in place so that readers see the old one or the new one, whole. Raises UsageError."""
    try:
        with part_beside(target) as (part, descriptor):
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            part.rename(target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}", hint="give another place with -o") from None


def _copied(source: Path, target: Path, digest: str) -> bool:
    """Copy a file of the graph's folder that the store has not, if it is still the one that was read."""
    try:
        data = source.read_bytes()
    except OSError:
        return False
    if hashlib.sha256(data).hexdigest() != digest:
        return False
    write_whole(target, data)
    return True


def _there(target: Path, size_bytes: int) -> bool:
    try:
        info = target.lstat()
    except OSError:
        return False
    return target.is_file() and not target.is_symlink() and info.st_size == size_bytes
