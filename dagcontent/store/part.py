"""Turn the path of a file to be made into a locked, empty file beside it. Knows no store."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dagcontent.errors import StoreBusy
from dagcontent.store.disk import OPEN_SAFELY

__all__ = ["part_beside"]

_TRIES: Final = 50
_PAUSE_S: Final = 0.1


@contextlib.contextmanager
def part_beside(target: Path) -> Iterator[tuple[Path, int]]:
    """Give a locked, empty file in the target's folder, whose name is the target's alone.

    A part that a killed process left is thus found and overwritten by the next one; one that a living process is still
    writing is locked.
    """
    name = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    part = target.parent / f".{name}.dagcontent-part"
    for _ in range(_TRIES):
        # 0666 and the umask: outputs are the user's files, like those of any other program.
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | OPEN_SAFELY, 0o666)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_PAUSE_S)
                continue
            info = os.fstat(descriptor)
            mine = info.st_uid == os.geteuid() and info.st_nlink == 1 and stat.S_ISREG(info.st_mode)
            if not mine or not os.path.samestat(info, os.lstat(part)):
                if not mine:
                    part.unlink()
                continue
            os.ftruncate(descriptor, 0)
            try:
                yield part, descriptor
            except BaseException:
                with contextlib.suppress(OSError):
                    part.unlink()
                raise
            return
        except FileNotFoundError:
            continue
        finally:
            os.close(descriptor)
    raise StoreBusy(f"another process keeps writing {target}", hint="wait for the other build, or stop it")
