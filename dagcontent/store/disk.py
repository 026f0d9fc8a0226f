"""Turn small files, folders and refusals of the operating system into durable ones and clear errors. Knows no layout."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dagcontent.errors import StoreBusy, StoreError, StoreFull

__all__ = [
    "OPEN_SAFELY",
    "fsync_dir",
    "fsync_file",
    "locked",
    "shared_by_writers",
    "store_error",
    "there",
    "write_atomically",
]

OPEN_SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW
"""Never inherited by a program we start, never through a link."""

_LOCK_POLL_S = 0.005


@contextlib.contextmanager
def locked(path: Path, *, create: bool = False, unless: Callable[[], bool] = lambda: False) -> Iterator[bool]:
    """Hold a file's exclusive lock, waiting for it; the kernel frees it when the process dies.

    While others hold it, it is not waited for any longer once `unless` holds: yields False then, and has no lock.
    """
    flags = os.O_RDWR | OPEN_SAFELY | (os.O_CREAT if create else 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if unless():
                    yield False
                    return
                time.sleep(_LOCK_POLL_S)
            else:
                break
        yield True
    finally:
        os.close(descriptor)


def shared_by_writers(lock: Path, log: Path) -> tuple[int, bool]:
    """Return the lock of those who write, held with them, and whether the last one of them died with its log open.

    Whoever can lock the file alone knows that nobody else has the store open for writing.
    """
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | OPEN_SAFELY, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            torn = log.exists() and log.stat().st_size > 0
        except BlockingIOError:
            torn = False
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    except OSError as error:
        raise store_error(error, lock) from error
    return descriptor, torn


def write_atomically(path: Path, tmp: Path, data: bytes, *, durable: bool = False) -> None:
    """Put a small file in place so that readers see the old one or the new one, whole."""
    part = tmp / f"{path.name}-{secrets.token_hex(8)}"
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | OPEN_SAFELY, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                fsync_file(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if durable:
        fsync_dir(path.parent)


def fsync_file(descriptor: int) -> None:
    """Make a file's bytes durable. After an error the bytes count as lost: it must not be tried again."""
    if hasattr(fcntl, "F_FULLFSYNC"):  # macOS: fsync alone leaves the bytes in the drive's cache
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def fsync_dir(path: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def there(path: Path) -> bool:
    """Tell whether something stands at a path of the store. Raises StoreError where the disk does not say."""
    try:
        return path.exists()
    except OSError as error:
        raise store_error(error, path) from error


def store_error(error: OSError, place: Path) -> StoreError:
    """Return what the operating system refused, in the words of the store."""
    what = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        reason = "no space is left" if error.errno == errno.ENOSPC else what
        return StoreFull(
            f"cannot write {place}: {reason}",
            hint="free some space there, or name another store with --store; what is finished is kept",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(
            f"{place}: {what}", hint="give yourself access, or name another store with --store or DAGCONTENT_STORE"
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return StoreBusy(f"{place}: {what}", hint="close other programs, or raise the limit of open files (ulimit -n)")
    return StoreError(f"{place}: {what}", hint="check the disk that the store is on (dagcontent store verify)")
