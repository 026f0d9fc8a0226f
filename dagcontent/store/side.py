"""Turn what is cheap to make again into what need not be made again: a cache of bytes by text key. Knows no meaning.

Nothing here is trusted or needed. A cache that is damaged, hostile, busy or cannot be written answers "not there"; the first
two are thrown away whole. diskcache is imported when the first question is asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw
import msgspec

__all__ = ["SideCache"]

T = TypeVar("T")

_BUSY_S: Final = 2.0
_CHECKSUM_BYTES: Final = 8
_SETTINGS: Final = {
    "statistics": 0,
    "tag_index": 0,
    "eviction_policy": "none",
    "size_limit": 1 << 40,
    "cull_limit": 0,
    "sqlite_auto_vacuum": 0,
    "sqlite_cache_size": 2048,
    "sqlite_journal_mode": "wal",
    "sqlite_mmap_size": 0,
    "sqlite_synchronous": 1,
    "disk_min_file_size": 1 << 62,
    "disk_pickle_protocol": 0,
}
_COUNTERS: Final = frozenset({"count", "size", "hits", "misses"})


_UPLOAD_MARGIN_MS: Final = 600_000  # a job may wait in the vendor's line before it reads its inputs


class _Upload(msgspec.Struct, frozen=True, array_like=True):
    place: str
    until_ms: int


_uploads = msgspec.msgpack.Decoder(_Upload)


def _upload_key(provider: str, realm: str, digest: str) -> str:
    return f"upload:{provider}\n{realm}\n{digest}"


class SideCache:
    """Bytes by text key, best effort. Safe for several threads; one folder may be shared by several processes."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._cache: Any = None  # diskcache has no types
        self._lock = threading.Lock()

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return what is known of these keys."""

        def read(cache: Any) -> dict[str, bytes]:
            found = ((key, cache.get(key)) for key in keys)
            return {key: _unsealed(key, value) for key, value in found if value is not None}

        return self._try(read, {})

    def set_many(self, rows: Mapping[str, bytes]) -> bool:
        """Keep rows, all or none. Returns whether they are kept."""

        def write(cache: Any) -> bool:
            with cache.transact():
                for key, value in rows.items():
                    cache.set(key, _checksum(key, value) + value)
            return True

        return self._try(write, empty=False) if rows else True

    def delete_many(self, keys: Iterable[str]) -> bool:
        """Forget keys. Returns whether it was done."""

        def write(cache: Any) -> bool:
            with cache.transact():
                for key in keys:
                    cache.delete(key)
            return True

        return self._try(write, empty=False)

    def uploaded(self, provider: str, realm: str, digest: str, *, now_ms: int) -> str | None:
        """Return where a provider keeps a blob that was uploaded to it; None if that ends within ten minutes, or is not known."""
        key = _upload_key(provider, realm, digest)
        data = self.get_many([key]).get(key)
        try:
            upload = _uploads.decode(data) if data is not None else None
        except msgspec.DecodeError:
            return None
        return upload.place if upload is not None and now_ms + _UPLOAD_MARGIN_MS < upload.until_ms else None

    def note_upload(self, provider: str, realm: str, digest: str, place: str, until_ms: int) -> bool:
        """Remember where a provider keeps a blob (a URL or an id), and until when. Returns whether it is kept."""
        row = msgspec.msgpack.encode(_Upload(place, until_ms))
        return self.set_many({_upload_key(provider, realm, digest): row})

    def close(self) -> None:
        """Let go of the files. The next question opens them again."""
        with self._lock:
            cache, self._cache = self._cache, None
        if cache is not None:
            self._quietly(cache.close)

    def _try(self, work: Callable[[Any], T], empty: T) -> T:
        import sqlite3  # noqa: PLC0415 - comes with diskcache

        with self._lock:
            if self._folder is None:
                return empty
            try:
                if self._cache is None:
                    self._cache = self._open(self._folder)
                return work(self._cache)
            except Exception as error:  # noqa: BLE001 - a cache that can be thrown away must not end a build, whatever it does
                cache, self._cache = self._cache, None
                if cache is not None:
                    self._quietly(cache.close)
                if type(error).__name__ == "Timeout" or _is_busy(error, sqlite3):
                    self._folder = None  # another process writes: do without for the rest of this one
                else:
                    self._throw_away()
                return empty

    def _open(self, folder: Path) -> Any:
        # 35 ms of import, and most builds never ask.
        from dagcontent.store.nopickle import HostileRowError, NoPickleDisk, diskcache  # noqa: PLC0415

        info = folder.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o022:
            raise HostileRowError("the folder is not a private one")
        name = str(folder)
        if os.path.expandvars(name) != name or name.startswith("~"):
            raise PermissionError(name)  # diskcache would open another folder
        _check_settings(folder / "cache.db")
        return diskcache.Cache(name, timeout=_BUSY_S, disk=NoPickleDisk, **_SETTINGS)

    def _throw_away(self) -> None:
        import shutil  # noqa: PLC0415 - brings four compressors with it

        folder = self._folder
        if folder is None:
            return
        try:
            if folder.is_symlink():
                folder.unlink()
            else:
                shutil.rmtree(folder)
            folder.mkdir(mode=0o700)
        except OSError:
            self._folder = None

    @staticmethod
    def _quietly(close: Callable[[], None]) -> None:
        with contextlib.suppress(Exception):  # nothing of it is needed any more
            close()


def _checksum(key: str, value: bytes) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape") + b"\0" + value).digest()[:_CHECKSUM_BYTES]


def _unsealed(key: str, data: bytes) -> bytes:
    """Return a value whose checksum is right: SQLite gives a flipped bit out as it is."""
    value = data[_CHECKSUM_BYTES:]
    if data[:_CHECKSUM_BYTES] != _checksum(key, value):
        raise ValueError("a row is damaged")
    return value


def _check_settings(path: Path) -> None:
    """Refuse settings that we never wrote: diskcache would run them as pragmas."""
    if not path.exists():
        return
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
    try:
        if not connection.table_exists("main", "Settings"):
            return
        rows: list[Any] = list(connection.execute("SELECT key, value FROM Settings LIMIT 100"))
    finally:
        connection.close()
    for key, value in rows:
        if key not in _COUNTERS and _SETTINGS.get(str(key)) != value:
            raise ValueError(f"{key!r} is not a setting of ours")


def _is_busy(error: Exception, sqlite3: Any) -> bool:
    return isinstance(error, apsw.BusyError) or (
        isinstance(error, sqlite3.OperationalError) and ("locked" in str(error) or "readonly" in str(error))
    )
