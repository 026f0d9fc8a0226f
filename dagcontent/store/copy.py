"""Turn one open file into another with the same bytes, and tell their digest. Knows no name and no store."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from typing import Final

__all__ = ["hash_file", "transfer"]

_CHUNK: Final = 1 << 20
_FICLONE: Final = 0x40049409  # Linux: share the bytes of another file until one of the two is changed


def hash_file(descriptor: int) -> str:
    """Return SHA-256 of all bytes of a file, in constant memory. The file's position is not used."""
    digest = hashlib.sha256()
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    position = 0
    while count := os.preadv(descriptor, [buffer], position):
        digest.update(view[:count])
        position += count
    return digest.hexdigest()


def transfer(source: int, target: int, size: int) -> str:
    """Fill an empty file with another's bytes; return SHA-256 of what it holds then.

    Shares the bytes where the file system can: then it is the result that is hashed. `size` may be a guess.
    """
    if size and _clone(source, target):
        return hash_file(target)
    digest = hashlib.sha256()
    buffer = bytearray(min(_CHUNK, max(size, 4096)))
    view = memoryview(buffer)
    position = 0
    while count := os.preadv(source, [buffer], position):
        position += count
        digest.update(view[:count])
        rest = view[:count]
        while rest:
            rest = rest[os.write(target, rest) :]
    return digest.hexdigest()


def _clone(source: int, target: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        # Another file system, or one that cannot; a true lack of space shows again in the copy.
        return False
    return True
