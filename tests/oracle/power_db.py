"""SQLite's own file operations into those of `power`, beside the ones that Python makes. Knows no table.

The database is opened by the store's own code: SQLite's default file system is one that writes down what it is asked and then does
it. A file system made in Python has no memory to share with other processes, so connections own their database alone; the order of
writes and syncs is the same.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import apsw
from oracle.power import Op, Recorder

__all__ = ["recorded"]

_JOURNALS = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL


@contextlib.contextmanager
def recorded(
    recorder: Recorder, *, opened: Callable[[apsw.Connection], None] = lambda _connection: None
) -> Iterator[None]:
    """Record what every connection does that is opened in the block; `opened` is called with each before its first question."""

    def alone(connection: apsw.Connection) -> None:
        connection.pragma("locking_mode", "exclusive")
        opened(connection)

    system = _System(recorder)
    apsw.connection_hooks.append(alone)
    try:
        with recorder.recording():
            yield
    finally:
        apsw.connection_hooks.remove(alone)
        system.unregister()


class _System(apsw.VFS):
    """The default file system, with a witness."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        super().__init__("dagcontent-power", base="", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's word
        path = "" if name is None else name if isinstance(name, str) else name.filename()
        return _File(self._recorder, name, flags, path)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's
        super().xDelete(filename, syncdir)
        self._recorder.removed(filename)
        if syncdir:
            self._recorder.ops.append(Op("syncdir", path=os.path.dirname(filename)))


class _File(apsw.VFSFile):
    """One file of SQLite's."""

    def __init__(self, recorder: Recorder, name: Any, flags: list[int], path: str) -> None:
        there = os.path.lexists(path)
        super().__init__("unix", name, flags)
        self._ops = recorder.ops
        self._folder = ""
        self._inode = 0
        if path.startswith(recorder.root):
            created = bool(flags[0] & apsw.SQLITE_OPEN_CREATE) and not there
            self._inode = recorder.file_at(path, created=created)
            # With its first sync of a journal that it made, the system's own file system syncs the folder.
            self._folder = os.path.dirname(path) if created and flags[0] & _JOURNALS else ""

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's word
        super().xWrite(data, offset)
        if self._inode:
            self._ops.append(Op("write", self._inode, offset=offset, data=bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's word
        super().xTruncate(newsize)
        if self._inode:
            self._ops.append(Op("truncate", self._inode, offset=newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's word
        super().xSync(flags)
        if self._inode:
            self._ops.append(Op("sync", self._inode))
            if self._folder:
                self._ops.append(Op("syncdir", path=self._folder))
                self._folder = ""
