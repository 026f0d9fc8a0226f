"""Files beside a graph into artifacts and text, each read once and known by digest. Knows no graph and no keys.

The planner's file port. Digests are remembered by stat in the store's side cache, facts by digest. Whatever was read
is listed in `seen` and `globs`, so that a memo can tell later whether anything changed.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.store.files import digest_files
from dagcontent.store.side import SideCache
from dagcontent.values.value import Blob, Digest, Value

__all__ = ["BesideFiles", "SeenFile", "expand", "stamp_of"]

_TEXT_BYTES_MAX: Final = 16 * 1024 * 1024
_MATCHES_MAX: Final = 100_000
_NUMBER: Final = re.compile(r"(\d+)")


class SeenFile(msgspec.Struct, frozen=True, array_like=True):
    """A file as it was when it was read; an empty digest: it was looked for and not there."""

    path: str
    stamp: tuple[int, ...]
    digest: str


def stamp_of(path: str | Path) -> tuple[int, ...]:
    """Return what changes when a file is written: size, times in ns, inode, device. Raises OSError."""
    info = os.stat(path)
    return (info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino, info.st_dev)


class BesideFiles:
    """Reads files below one folder and nowhere else: a graph from elsewhere must not reach out of its own."""

    def __init__(self, folder: Path, side: SideCache, *, now_ns: Callable[[], int] = time.time_ns) -> None:
        self.folder = folder
        self.seen: dict[str, SeenFile] = {}
        self.globs: dict[tuple[str, str], tuple[str, ...]] = {}
        self.paths: dict[str, str] = {}  # digest -> path
        self.missing: set[str] = set()  # looked for, and not there
        self._side = side
        self._now_ns = now_ns
        self._root = os.path.realpath(folder)
        self._blobs: dict[tuple[str, str], Blob] = {}
        self._texts: dict[str, str] = {}
        self._measured: dict[str, Blob] = {}

    def artifact(self, path: str, type: str) -> Blob:  # noqa: A002 - the design's word
        """Return a file as an artifact of a type. Raises NodeError if it is missing, outside, or something else."""
        known = self._blobs.get((path, type))
        if known is not None:
            return known
        where = self._inside(path)
        from dagcontent.media.sniff import sniff  # noqa: PLC0415 - only where files are used

        digest = self._digest(where)
        found = sniff(Path(where))
        if found is None or not (found[0] == type or (type == "audio" and found[0] == "video")):
            what = "nothing we know" if found is None else f"{found[0]} ({found[1]})"
            raise NodeError(
                f"{path} is not {_article(type)}",
                facts=[("it holds", what if os.path.getsize(where) else "nothing: it is empty")],
                hint=f"give {_article(type)}; the name's ending does not count",
            )
        blob = Blob(digest, found[0], found[1], self.seen[where].stamp[0], name=os.path.basename(path))
        self._blobs[path, type] = blob
        self.paths[digest] = where
        return blob

    def text(self, path: str) -> str:
        """Return a text file: UTF-8 without BOM, lines ended by LF. Raises NodeError."""
        known = self._texts.get(path)
        if known is not None:
            return known
        where = self._inside(path)
        try:
            stamp = stamp_of(where)
            if stamp[0] > _TEXT_BYTES_MAX:
                raise NodeError(
                    f"{path} is larger than {_TEXT_BYTES_MAX // 2**20} MiB", hint="a text file was expected"
                )
            data = Path(where).read_bytes()
        except OSError as error:
            raise NodeError(f"{path} cannot be read: {error.strerror}", hint="look at the path") from None
        try:
            text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
        except UnicodeDecodeError as error:
            raise NodeError(
                f"{path} is not UTF-8 text", facts=[("first wrong byte", str(error.start))], hint="save it as UTF-8"
            ) from None
        self.seen[where] = SeenFile(where, stamp, hashlib.sha256(data).hexdigest())
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._texts[path] = text
        return text

    def matching(self, pattern: str, type: str) -> list[Value]:  # noqa: A002 - the design's word
        """Return the files that match, relative to the graph. Raises NodeError for one that is of another type."""
        paths = expand(self.folder, pattern)
        self.globs[str(self.folder), pattern] = tuple(paths)
        if type == "text":
            return [self.text(p) for p in paths]
        self._digest_all([self._inside(p) for p in paths])
        return [self.artifact(p, type) for p in paths]

    def measured(self, blob: Blob) -> Blob:
        """Return a file's artifact with its facts. Raises NodeError if it cannot be decoded."""
        known = self._measured.get(blob.digest)
        if known is None:
            facts = self._facts(blob)
            known = Blob(blob.digest, blob.type, blob.media_type, blob.size_bytes, facts, blob.name)
            self._measured[blob.digest] = known
        return known

    def digest_of(self, path: str) -> str:
        """Return the digest of a file's bytes; empty for one that is not there, is outside, or cannot be read."""
        try:
            return self._digest(self._inside(path))
        except NodeError:
            return ""

    # -- inside -------------------------------------------------------------------------------------------------

    def _inside(self, path: str) -> str:
        where = os.path.realpath(path)
        if where != self._root and not where.startswith(self._root + os.sep):
            raise NodeError(f"{path} is outside the graph's folder", hint="copy it beside the graph")
        if not os.path.isfile(where):
            self.missing.add(where)
            raise NodeError(
                f"{path} is not there" if not os.path.exists(where) else f"{path} is not a file",
                hint="look at the path",
            )
        return where

    def _digest(self, where: str) -> Digest:
        if where not in self.seen:
            self._digest_all([where])
        return Digest(self.seen[where].digest)

    def _digest_all(self, places: list[str]) -> None:
        """Take the digests of files, all at once: ten thousand stats are one look into the side cache."""
        stamps = {where: _stamp(where) for where in places if where not in self.seen}
        for where, found in digest_files(stamps, self._side, now_ns=self._now_ns()).items():
            if isinstance(found, OSError):
                text = f"{where} cannot be read: {found.strerror}"
                raise NodeError(text, hint="look at its permissions, and whether something is writing it")
            self.seen[where] = SeenFile(where, stamps[where], found.digest)

    def _facts(self, blob: Blob) -> dict[str, Any]:
        key = f"facts:1:{blob.digest}:{blob.type}"
        known = self._side.get_many([key]).get(key)
        if known is not None:
            decoded: dict[str, Any] = msgspec.msgpack.decode(known)
            return decoded
        from dagcontent.media.probe import measure  # noqa: PLC0415 - PyAV is slow to import

        facts = measure(Path(self.paths[blob.digest]), blob.type, blob.media_type)
        self._side.set_many({key: msgspec.msgpack.encode(facts)})
        return facts


def _stamp(where: str) -> tuple[int, ...]:
    try:
        return stamp_of(where)
    except OSError:
        return ()


def expand(folder: Path, pattern: str, limit: int = _MATCHES_MAX) -> list[str]:
    """Return the files below a folder that match, by name with numbers as numbers. Raises NodeError."""
    if pattern.startswith(("/", "~")) or ".." in Path(pattern).parts or "\0" in pattern or not pattern.strip():
        raise NodeError(
            f"the pattern `{pattern}` leaves the graph's folder", hint="patterns are relative and without .."
        )
    try:
        found = [str(p) for p in folder.glob(pattern) if p.is_file() and not p.name.startswith(".")]
    except (ValueError, NotImplementedError, OSError) as error:
        raise NodeError(f"the pattern `{pattern}` cannot be used: {error}", hint="as in photos/*.jpg") from None
    if len(found) > limit:
        raise NodeError(f"the pattern `{pattern}` matches more than {limit:,} files", hint="narrow it")
    return sorted(found, key=_natural)


def _natural(path: str) -> list[tuple[int, int | str, str]]:
    parts = _NUMBER.split(path)
    return [(0, int(p), p) if p.isdigit() else (1, p.casefold(), p) for p in parts]


def _article(type: str) -> str:  # noqa: A002 - the design's word
    names: dict[str, str] = {"image": "a picture", "audio": "a recording", "video": "a video", "subtitles": "subtitles"}
    return names.get(type, f"a {type}")
