"""Turn one graph's memo into a file that is whole or not there. Knows nothing of what a memo says.

    line 1   "dagcontent memo 1 <generation of the store> <SHA-256 of the rest>"
    rest     the memo

A memo is believed only while the store's generation is the one it was made under. It can always be thrown away.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from dagcontent.store.disk import OPEN_SAFELY, write_atomically

__all__ = ["memo_path", "read_memo", "write_memo"]

_HEAD: Final = "dagcontent memo 1"


def memo_path(folder: Path, graph: str) -> Path:
    """Return the file of a graph's memo: its name says nothing of the graph's place."""
    return folder / hashlib.sha256(graph.encode("utf-8", "surrogateescape")).hexdigest()


def read_memo(folder: Path, graph: str, generation: str) -> bytes | None:
    """Return the memo; None if there is none, it is damaged, or something was removed from the store since."""
    try:
        with os.fdopen(os.open(memo_path(folder, graph), os.O_RDONLY | OPEN_SAFELY), "rb") as file:
            data = file.read()
    except OSError:
        return None
    end = data.find(b"\n", 0, 200)
    if end < 0:
        return None
    body = memoryview(data)[end + 1 :]
    return bytes(body) if generation and data[:end] == _head(generation, body) else None


def write_memo(folder: Path, tmp: Path, graph: str, generation: str, body: bytes) -> bool:
    """Replace the memo. Returns false if it cannot be written: the next build then works without."""
    try:
        write_atomically(memo_path(folder, graph), tmp, b"%b\n%b" % (_head(generation, body), body))
    except OSError:
        return False
    return True


def _head(generation: str, body: bytes | memoryview) -> bytes:
    return f"{_HEAD} {generation} {hashlib.sha256(body).hexdigest()}".encode()
