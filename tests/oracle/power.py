"""File operations into every state that a disk may be in when the power fails in the middle of them.

What is recorded: creations, writes, truncations, renames, removals, and which of them were synced; by Python through `os`, by SQLite
through `power_db`, in one order. What may be left of them: bytes that were synced stay; bytes that were not may be there, missing, or
torn between sectors; names are as of the last sync of their folder, and of what happened to them since any part may be there, each
rename whole.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

SECTOR = 512


class Op(msgspec.Struct, frozen=True):
    """One operation: on the bytes of a file (`inode`), on a name, or a promise that was given ("mark")."""

    what: str
    inode: int = 0
    path: str = ""
    to: str = ""
    offset: int = 0
    data: bytes = b""


class Recorder:
    """Writes down what is done to files below a folder, while it is done."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.ops: list[Op] = []
        self._open: dict[int, tuple[int, str]] = {}
        self._offsets: dict[int, int] = {}
        self._files: dict[str, int] = {}  # a number of our own: the system gives those of removed files out again
        self._count = 0

    def mark(self, promise: str) -> None:
        """Note that something was promised: it holds in every state from here on."""
        self.ops.append(Op("mark", path=promise))

    def file_at(self, name: str, *, created: bool) -> int:
        """Return the number of the file that was just opened under a name; note that it is new, if it was `created`."""
        if created or name not in self._files:
            self._count += 1
            self._files[name] = self._count
        if created:
            self.ops.append(Op("create", self._files[name], name))
        return self._files[name]

    def removed(self, name: str) -> None:
        """Note that a name is gone."""
        if self._files.pop(name, None) is not None:
            self.ops.append(Op("unlink", path=name))

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Record, in this thread, what the block does."""
        real = {
            name: getattr(os, name)
            for name in ("open", "close", "write", "fsync", "rename", "replace", "unlink", "ftruncate")
        }

        def opened(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
            there = os.path.lexists(path)
            descriptor: int = real["open"](path, flags, mode, **more)
            name = os.path.abspath(os.fspath(path))
            if name.startswith(self.root):
                inode = self.file_at(name, created=bool(flags & os.O_CREAT) and not there)
                self._open[descriptor] = (inode, name)
                self._offsets[descriptor] = os.fstat(descriptor).st_size if flags & os.O_APPEND else 0
            return descriptor

        def closed(descriptor: int) -> None:
            self._open.pop(descriptor, None)
            real["close"](descriptor)

        def written(descriptor: int, data: Any) -> int:
            count: int = real["write"](descriptor, data)
            if descriptor in self._open:
                at = self._offsets[descriptor]
                self.ops.append(Op("write", self._open[descriptor][0], offset=at, data=bytes(data[:count])))
                self._offsets[descriptor] = at + count
            return count

        def synced(descriptor: int) -> None:
            real["fsync"](descriptor)
            if descriptor in self._open:
                inode, name = self._open[descriptor]
                self.ops.append(Op("syncdir", path=name) if os.path.isdir(name) else Op("sync", inode))

        def renamed(old: Any, new: Any) -> None:
            real["rename"](old, new)
            source, target = os.path.abspath(os.fspath(old)), os.path.abspath(os.fspath(new))
            self._files[target] = self._files.pop(source)
            self.ops.append(Op("rename", self._files[target], source, target))

        def removed(path: Any, **more: Any) -> None:
            real["unlink"](path, **more)
            self.removed(os.path.abspath(os.fspath(path)))

        def cut(descriptor: int, size: int) -> None:
            real["ftruncate"](descriptor, size)
            if descriptor in self._open:
                self.ops.append(Op("truncate", self._open[descriptor][0], offset=size))

        with pytest.MonkeyPatch.context() as patch:
            for name, function in (
                ("open", opened), ("close", closed), ("write", written), ("fsync", synced), ("rename", renamed),
                ("replace", renamed), ("unlink", removed), ("ftruncate", cut),
            ):  # fmt: skip
                patch.setattr(os, name, function)
            yield


class State(msgspec.Struct):
    """What is on the disk when it comes back: name -> bytes."""

    files: dict[str, bytes]
    promises: list[str]


def states(ops: list[Op], chance: random.Random, count: int) -> Iterator[State]:
    """Yield states after a loss of power at moments that chance picks, the earliest first."""
    disk, done = _Disk(), 0
    for cut in sorted(chance.randrange(len(ops) + 1) for _ in range(count)):
        for op in ops[done:cut]:
            disk.do(op)
        done = cut
        yield disk.state(chance)


class _Disk:
    """What is certain of a disk, and what has only been asked of it."""

    def __init__(self) -> None:
        self._synced: dict[int, bytes] = {}
        self._content: dict[int, bytearray] = {}
        self._pending: dict[int, list[Op]] = {}
        self._names: dict[str, int] = {}
        self._loose: list[Op] = []
        self._promises: list[str] = []

    def do(self, op: Op) -> None:
        """Take one operation."""
        if op.what == "mark":
            self._promises.append(op.path)
        elif op.what in {"write", "truncate"}:
            _apply(self._content.setdefault(op.inode, bytearray()), op)
            self._pending.setdefault(op.inode, []).append(op)
        elif op.what == "sync":
            self._synced[op.inode] = bytes(self._content.setdefault(op.inode, bytearray()))
            self._pending[op.inode] = []
        elif op.what == "syncdir":
            for one in self._loose:
                if _folder(one) == op.path:
                    _name(self._names, one)
            self._loose = [one for one in self._loose if _folder(one) != op.path]
        else:
            self._loose.append(op)

    def state(self, chance: random.Random) -> State:
        """Return one that it may be in if the power fails now."""
        everything = chance.random() < 0.2  # often the disk was quick enough
        names = dict(self._names)
        for one in self._loose:
            if everything or chance.random() < 0.5:
                _name(names, one)
        files = {}
        for name, inode in names.items():
            files[name] = self._synced.get(inode, b"")
            if pending := self._pending.get(inode):
                data = bytearray(files[name])
                for op in pending:
                    if everything or chance.random() < 0.5:
                        for piece in _torn(op, chance) if not everything and chance.random() < 0.5 else [op]:
                            _apply(data, piece)
                files[name] = bytes(data)
        return State(files, list(self._promises))


def _apply(data: bytearray, op: Op) -> None:
    if op.what == "truncate":
        del data[op.offset :]
        return
    if len(data) < op.offset:
        data.extend(bytes(op.offset - len(data)))
    data[op.offset : op.offset + len(op.data)] = op.data


def _torn(op: Op, chance: random.Random) -> Iterator[Op]:
    """Yield what a torn write leaves: some of its sectors. Where the others are, stays what was there; beyond the end, zeros."""
    if op.what == "truncate":
        yield op
        return
    end = op.offset + len(op.data)
    yield msgspec.structs.replace(op, offset=end, data=b"")
    at = op.offset
    while at < end:
        upto = min(end, (at // SECTOR + 1) * SECTOR)
        if chance.random() < 0.5:
            yield msgspec.structs.replace(op, offset=at, data=op.data[at - op.offset : upto - op.offset])
        at = upto


def _folder(op: Op) -> str:
    return os.path.dirname(op.to or op.path)


def _name(names: dict[str, int], op: Op) -> None:
    if op.what == "create":
        names[op.path] = op.inode
    elif op.what == "unlink":
        names.pop(op.path, None)
    else:
        names.pop(op.path, None)
        names[op.to] = op.inode
