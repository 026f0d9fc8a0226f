"""File operations into every state that a disk may be in when the power fails in the middle of them.

What is recorded: creations, writes, truncations, renames, removals, and which of them were synced. What may be left of them:
bytes that were synced stay; bytes that were not may be there, missing, or torn; names are as of the last sync of their folder, and
of what happened to them since any part may be there, each rename whole.
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
                if not there or name not in self._files:
                    self._count += 1
                    self._files[name] = self._count
                inode = self._files[name]
                self._open[descriptor] = (inode, name)
                self._offsets[descriptor] = os.fstat(descriptor).st_size if flags & os.O_APPEND else 0
                if flags & os.O_CREAT and not there:
                    self.ops.append(Op("create", inode, name))
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
            self._files.pop(os.path.abspath(os.fspath(path)), None)
            self.ops.append(Op("unlink", path=os.path.abspath(os.fspath(path))))

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
    """Yield states after a loss of power at moments that chance picks."""
    for _ in range(count):
        yield _state(ops[: chance.randrange(len(ops) + 1)], chance)


def _state(ops: list[Op], chance: random.Random) -> State:
    synced: dict[int, bytes] = {}
    content: dict[int, bytearray] = {}
    pending: dict[int, list[Op]] = {}
    names: dict[str, int] = {}
    loose: list[Op] = []
    promises = []
    for op in ops:
        if op.what == "mark":
            promises.append(op.path)
        elif op.what in {"write", "truncate"}:
            _apply(content.setdefault(op.inode, bytearray()), op)
            pending.setdefault(op.inode, []).append(op)
        elif op.what == "sync":
            synced[op.inode] = bytes(content.setdefault(op.inode, bytearray()))
            pending[op.inode] = []
        elif op.what == "syncdir":
            stays, loose = (
                [one for one in loose if _folder(one) == op.path],
                [o for o in loose if _folder(o) != op.path],
            )
            for one in stays:
                _name(names, one)
        else:
            loose.append(op)
    everything = chance.random() < 0.2  # often the disk was quick enough
    for one in loose:
        if everything or chance.random() < 0.5:
            _name(names, one)
    files = {}
    for name, inode in names.items():
        data = bytearray(synced.get(inode, b""))
        for op in pending.get(inode, []):
            if everything or chance.random() < 0.5:
                _apply(data, _torn(op, chance) if not everything and chance.random() < 0.5 else op)
        files[name] = bytes(data)
    return State(files, promises)


def _apply(data: bytearray, op: Op) -> None:
    if op.what == "truncate":
        del data[op.offset :]
        return
    if len(data) < op.offset:
        data.extend(bytes(op.offset - len(data)))
    data[op.offset : op.offset + len(op.data)] = op.data


def _torn(op: Op, chance: random.Random) -> Op:
    if op.what == "truncate" or not op.data:
        return op
    data = bytearray(op.data)
    for at in range(0, len(data), SECTOR):
        if chance.random() < 0.5:
            end = min(at + SECTOR, len(data))
            data[at:end] = bytes(end - at)
    return msgspec.structs.replace(op, data=bytes(data))


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
