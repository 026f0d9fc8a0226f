"""Turn bytes that were paid for into files that outlive the process, until they are records. Knows no vendor and no state.

    spool/ATTEMPT.NAME         one file a body or part, written as it arrives
    spool/ATTEMPT.NAME.seal    that a body is whole, what came with it, and its digest
    ballast                    64 MiB of nothing, given back when the disk is full

A result that arrives when there is no room must still be written down: it cannot be asked for again. So the first paid
intent takes 64 MiB of the disk, and the first write that finds the disk full gives them back.

A body that was cut looks like a whole one; some whole ones were read to their end by a process that died before the journal
knew. So a body's end is sealed. The seal has the body's digest, so whatever a loss of power left of the two, in whatever
order, no body passes for whole that is not.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import stat
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from dagcontent.errors import InternalError, StoreError
from dagcontent.store.disk import OPEN_SAFELY, fsync_dir, fsync_file, store_error
from dagcontent.store.journal import is_attempt_id
from dagcontent.store.layout import Layout
from dagcontent.store.records import checksum

__all__ = ["BALLAST_BYTES", "Ballast", "Spool", "SpoolFile", "attempt_of", "proven", "sealing"]

BALLAST_BYTES: Final = 64 << 20
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}(\.[a-z0-9]{1,10})?")
_SEAL: Final = ".seal"
_SOME_BYTES: Final = 1 << 20
_TRIES_MOST: Final = 4
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


def attempt_of(name: str) -> str | None:
    """Return the attempt that a file of the spool belongs to by its name; None if it is none of ours."""
    attempt, dot, rest = name.partition(".")
    return attempt if dot and is_attempt_id(attempt) and _NAME.fullmatch(rest) else None


class _Seal(msgspec.Struct, frozen=True):
    v: int
    size: int
    sha256: str
    said: Any
    check: str = ""


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(_Seal)


def sealing(attempt_id: str, name: str, size: int, said: Any, sha256: str) -> bytes:
    """Return the seal of a body of that attempt, name, size and digest, with which `said` came."""
    open_seal = _Seal(1, size, sha256, said)
    check = checksum(b"seal", attempt_id.encode(), name.encode(), _encoder.encode(open_seal)).hex()
    return _encoder.encode(msgspec.structs.replace(open_seal, check=check))


def proven(attempt_id: str, name: str, seal: bytes, body: bytes) -> Any:
    """Return what was said of a body when it was sealed; None if these are not its seal, or not all its bytes."""
    try:
        said = _decoder.decode(seal).said
    except (msgspec.DecodeError, ValueError):
        return None
    return said if sealing(attempt_id, name, len(body), said, hashlib.sha256(body).hexdigest()) == seal else None


class Ballast:
    """Room on the disk that is held while paid calls may arrive. One file for all processes; the last one takes it away."""

    def __init__(self, path: Path, size: int = BALLAST_BYTES) -> None:
        self._path = path
        self._size = size
        self._lock = threading.Lock()
        self._descriptor = -1

    def hold(self) -> None:
        """Take the room, if it is not taken. Raises StoreFull if there is none: then nothing may be bought."""
        with self._lock:
            try:
                while self._descriptor < 0:
                    self._open()
                if os.fstat(self._descriptor).st_size < self._size:
                    _allocate(self._descriptor, self._size)
            except OSError as error:
                self._drop()
                raise store_error(error, self._path) from error

    def release(self) -> bool:
        """Give the room back to the disk, for all processes. Returns whether there is some now: another may have been first."""
        with self._lock:
            try:
                descriptor = os.open(self._path, os.O_RDWR | OPEN_SAFELY)
            except OSError:
                return False
            try:
                taken = os.fstat(descriptor).st_size > 0
                os.ftruncate(descriptor, 0)
                disk = os.fstatvfs(descriptor)
            except OSError:
                return False
            finally:
                os.close(descriptor)
            return taken or disk.f_bavail * disk.f_frsize >= _SOME_BYTES

    def close(self) -> None:
        """Let go; whoever is the last removes the file. May be called twice."""
        with self._lock, contextlib.suppress(OSError):
            if self._descriptor < 0:
                # What a killed process left is removed by the next one that ends in order.
                self._descriptor = os.open(self._path, os.O_RDWR | OPEN_SAFELY)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(self._descriptor), os.lstat(self._path)):
                self._path.unlink()
        self._drop()

    def _open(self) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | OPEN_SAFELY, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.lstat(self._path)):
                self._descriptor = descriptor
                return
        os.close(descriptor)  # removed by the last one before us, while we waited

    def _drop(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _allocate(descriptor: int, size: int) -> None:
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:  # macOS: zeros that are written are room that is taken
            block = bytes(1 << 20)
            for at in range(0, size, len(block)):
                os.pwrite(descriptor, block, at)
    except OSError:
        os.ftruncate(descriptor, 0)
        raise


class SpoolFile:
    """One body that is being written. One thread at a time."""

    def __init__(self, path: Path, descriptor: int, ballast: Ballast, size: int) -> None:
        self.path = path
        self.size = size
        """How many bytes were written."""
        self._descriptor = descriptor
        self._ballast = ballast

    def write(self, data: bytes) -> None:
        """Append bytes. On a full disk the ballast goes first. Raises StoreFull; what was written until then stays."""
        view = memoryview(data)
        tried = 0
        while view:
            try:
                count = os.write(self._descriptor, view)
            except OSError as error:
                tried += 1
                if error.errno in _NO_ROOM and tried < _TRIES_MOST and self._ballast.release():
                    continue
                raise store_error(error, self.path) from error
            view = view[count:]
            self.size += count

    def sync(self, *, name: bool = True) -> None:
        """Make what was written durable, with its `name`. After an error the bytes count as lost."""
        try:
            fsync_file(self._descriptor)
            if name:
                fsync_dir(self.path.parent)
        except OSError as error:
            raise store_error(error, self.path) from error

    def close(self) -> None:
        """Let go of the file; it stays. May be called twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Spool:
    """Bodies of paid calls by attempt and name. Safe for several threads and processes; a file has one writer."""

    def __init__(self, layout: Layout, ballast: Ballast) -> None:
        self._layout = layout
        self._ballast = ballast

    def path(self, attempt_id: str, name: str) -> Path:
        """Return where a body lies, or would. Raises InternalError for what cannot be a name."""
        if not is_attempt_id(attempt_id) or not _NAME.fullmatch(name):
            raise InternalError(f"{attempt_id!r}, {name!r} cannot name a file of the spool")
        return self._layout.spool / f"{attempt_id}.{name}"

    def open(self, attempt_id: str, name: str, *, resume: bool = False) -> SpoolFile:
        """Begin a body; a name is used once. With `resume` go on at the end of one that is there.

        Raises StoreError and its branches; on a full disk the ballast goes first.
        """
        if not self._layout.writable:
            raise InternalError("a store that was opened for reading was asked to spool")
        path = self.path(attempt_id, name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | OPEN_SAFELY | (0 if resume else os.O_EXCL)
        try:
            try:
                descriptor = os.open(path, flags, 0o600)
            except OSError as error:
                if error.errno not in _NO_ROOM or not self._ballast.release():
                    raise
                descriptor = os.open(path, flags, 0o600)
            info = os.fstat(descriptor)
        except OSError as error:
            raise store_error(error, path) from error
        if not stat.S_ISREG(info.st_mode):
            os.close(descriptor)
            raise StoreError(f"{path} is not a file", hint="dagcontent store verify says what is in the spool")
        return SpoolFile(path, descriptor, self._ballast, info.st_size)

    def seal(self, attempt_id: str, name: str, body: SpoolFile, said: Any, sha256: str) -> None:
        """Say of a body that it came to its end, with that digest, and `said` (plain data) with it. Makes both durable.

        Without room for the seal the body is there all the same, and the journal may still say what it is.
        """
        with contextlib.suppress(StoreError), self.open(attempt_id, name + _SEAL) as seal:
            seal.write(sealing(attempt_id, name, body.size, said, sha256))
            seal.sync(name=False)
        body.sync()

    def sealed(self, attempt_id: str, name: str) -> tuple[Any, bytes] | None:
        """Return what was said of a body and its bytes, if it is provably whole. Raises StoreError if it cannot be read."""
        if not (self.exists(attempt_id, name) and self.exists(attempt_id, name + _SEAL)):
            return None
        body = self.read(attempt_id, name)
        said = proven(attempt_id, name, self.read(attempt_id, name + _SEAL), body)
        return None if said is None else (said, body)

    def exists(self, attempt_id: str, name: str) -> bool:
        """Tell whether a body is there, whole or not."""
        try:
            return stat.S_ISREG(os.lstat(self.path(attempt_id, name)).st_mode)
        except FileNotFoundError:
            return False

    def read(self, attempt_id: str, name: str) -> bytes:
        """Return a body's bytes. Raises StoreError if it is not there or cannot be read."""
        path = self.path(attempt_id, name)
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | OPEN_SAFELY), "rb") as file:
                return file.read()
        except OSError as error:
            raise store_error(error, path) from error

    def names(self, attempt_id: str) -> list[str]:
        """Return the names of an attempt's bodies, in order."""
        names = sorted(path.name.partition(".")[2] for path in self._files(attempt_id))
        return [name for name in names if not name.endswith(_SEAL)]

    def discard(self, attempt_id: str, name: str) -> None:
        """Remove one body that will be fetched again."""
        try:
            self.path(attempt_id, name).unlink(missing_ok=True)
        except OSError as error:
            raise store_error(error, self._layout.spool) from error

    def remove(self, attempt_id: str) -> None:
        """Remove all bodies of an attempt: only when it is committed, or its bytes are of no use to anybody."""
        try:
            for path in self._files(attempt_id):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise store_error(error, self._layout.spool) from error

    def _files(self, attempt_id: str) -> list[Path]:
        if not is_attempt_id(attempt_id):
            raise InternalError(f"{attempt_id!r} is not the name of an attempt")
        try:
            with os.scandir(self._layout.spool) as entries:
                return [Path(entry.path) for entry in entries if attempt_of(entry.name) == attempt_id]
        except FileNotFoundError:
            return []
