"""Turn input files into digests, hashing a file only when its `stat` is not one that was hashed before. Knows no graph.

A file whose clock reads younger than two seconds is hashed but not remembered: a later change inside the same tick of
its file system's clock would go unseen.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import Final

import msgspec

from dagcontent.store.copy import hash_file
from dagcontent.store.side import SideCache

__all__ = ["FileDigest", "digest_files"]

_SMALL_BYTES: Final = 4 << 20  # hashed sooner than a cache is opened
_SETTLED_NS: Final = 2_000_000_000
_TRIES: Final = 3


class FileDigest(msgspec.Struct, frozen=True):
    """What a file's bytes come to."""

    digest: str
    size: int


class _Seen(msgspec.Struct, frozen=True, array_like=True):
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    digest: str


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Seen)


def digest_files(paths: Iterable[str], side: SideCache, *, now_ns: int) -> dict[str, FileDigest | OSError]:
    """Return each path's digest and size, or why it cannot be read. Paths should be absolute."""
    result: dict[str, FileDigest | OSError] = {}
    wanted: dict[str, os.stat_result] = {}
    for path in paths:
        try:
            wanted[path] = os.stat(path)
        except OSError as error:
            result[path] = error
    ask = sum(info.st_size for info in wanted.values()) > _SMALL_BYTES
    known = side.get_many([f"file:{path}" for path in wanted]) if ask else {}
    fresh: dict[str, bytes] = {}
    for path, info in wanted.items():
        seen = _read(known.get(f"file:{path}"))
        if seen is not None and seen == _seen(info, seen.digest):
            result[path] = FileDigest(seen.digest, seen.size)
            continue
        try:
            digest, now = _hash(path)
        except OSError as error:
            result[path] = error
            continue
        result[path] = FileDigest(digest, now.st_size)
        if ask and max(now.st_mtime_ns, now.st_ctime_ns) + _SETTLED_NS < now_ns:
            fresh[f"file:{path}"] = _encoder.encode(_seen(now, digest))
    side.set_many(fresh)
    return result


def _hash(path: str) -> tuple[str, os.stat_result]:
    """Hash a file that nobody changes meanwhile. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        for _ in range(_TRIES):
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise OSError(0, "not a file", path)
            digest = hash_file(descriptor)
            after = os.fstat(descriptor)
            if _seen(before, "") == _seen(after, ""):
                return digest, after
    finally:
        os.close(descriptor)
    raise OSError(0, "is being written by another program", path)


def _seen(info: os.stat_result, digest: str) -> _Seen:
    return _Seen(info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino, digest)


def _read(data: bytes | None) -> _Seen | None:
    try:
        return _decoder.decode(data) if data is not None else None
    except msgspec.DecodeError:
        return None
