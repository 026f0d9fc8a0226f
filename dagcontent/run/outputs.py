"""Settled instances into files under the output folder. Knows no store but what `Placer` does.

A file that somebody edited since we wrote it is never overwritten unless that is asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

import msgspec

from dagcontent.errors import NodeError
from dagcontent.graph.model import Join, Literal, Node
from dagcontent.plan.coerce import as_text
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Status, Unit
from dagcontent.run.local import SUFFIXES
from dagcontent.values.value import Blob, Value

__all__ = ["Collision", "OutputFile", "Placer", "Seen", "collisions", "output_files", "place"]

_ODD: Final = re.compile(r"[^\w.\- ]", re.UNICODE)
_LONGEST_NAME = 200
_MADE: Final = frozenset({Status.VALUE, Status.HIT, Status.PINNED, Status.RAN})
_NEVER_MADE: Final = frozenset({Status.SKIPPED, Status.FAILED, Status.BLOCKED})


class OutputFile(msgspec.Struct, frozen=True):
    """One file to be written: `value` is a Blob, or text or JSON to be written out. `path` is relative, with `/`."""

    instance: str
    path: str
    value: Blob | bytes


class Seen(msgspec.Struct, frozen=True):
    """A file as we left it."""

    digest: str
    size: int
    mtime_ns: int


class Collision(msgspec.Struct, frozen=True):
    """Two instances that would write one file."""

    path: str
    first: str
    second: str


class Placer(Protocol):
    """Puts bytes at a path, atomically."""

    def holds(self, digest: str, size: int) -> bool:
        """Whether these bytes are in the store."""
        ...

    def place_blob(self, blob: Blob, target: Path) -> Seen:
        """Copy an artifact out of the store, verified. Raises LostBlob, StoreError."""
        ...

    def place_bytes(self, data: bytes, target: Path) -> Seen:
        """Write bytes. Raises StoreError."""
        ...


def output_files(resolver: Resolver, refused: Callable[[str, NodeError], None]) -> Iterator[OutputFile]:
    """Yield what the settled instances with an `output` are to be written as; `refused` hears of those that cannot be."""
    for node, unit in _with_output(resolver):
        if unit.status not in _MADE:
            continue
        try:
            files = list(_files_of(resolver, node, unit))
        except NodeError as error:
            refused(resolver.fanout.name(unit), error)
            continue
        yield from files


def collisions(resolver: Resolver) -> list[Collision]:
    """Return pairs of instances that would write one file, upper and lower case alike, whether they are made or not.

    Of what is still to be made the ending is not known, unless it is text: there the same name counts as the same file
    for two nodes of one kind. Raises NodeError for a bad name.
    """
    first: dict[tuple[str, str], str] = {}
    found = []
    for node, unit in _with_output(resolver):
        if None in unit.coords or unit.status in _NEVER_MADE:
            continue
        instance = resolver.fanout.name(unit)
        name = _name(resolver, node, unit)
        names = {(node.kind.name, name)}
        if unit.status in _MADE:
            names.update(("", file.path) for file in _files_of(resolver, node, unit))
        elif node.type.name == "text":
            names.add(("", _with_ending(name, ".txt")))
        taken = [(kind, path) for kind, path in sorted(names) if (kind, path.casefold()) in first]
        if taken:
            kind, path = taken[0]
            found.append(Collision(path, first[kind, path.casefold()], instance))
        for kind, path in names:
            first.setdefault((kind, path.casefold()), instance)
    return found


def _with_output(resolver: Resolver) -> Iterator[tuple[Node, Unit]]:
    for index in resolver.graph.order:
        node = resolver.graph.nodes[index]
        if node.output is not None and index in resolver.needed:
            for unit in resolver.fanout.units_of(index):
                yield node, unit


def place(
    file: OutputFile, folder: Path, placer: Placer, last: Mapping[str, Seen], *, overwrite: bool
) -> tuple[Seen, bool]:
    """Write one file if it is not there already; return how we left it, and whether it was written.

    Raises NodeError if the file there is not as we left it and `overwrite` is not set.
    """
    target = folder / file.path
    digest = file.value.digest if isinstance(file.value, Blob) else hashlib.sha256(file.value).hexdigest()
    known = last.get(file.path)
    try:
        found = target.lstat()
    except (FileNotFoundError, NotADirectoryError):
        found = None
    except OSError as error:
        raise NodeError(
            f"{target} cannot be looked at: {error.strerror}", hint="check the disk that it is on"
        ) from None
    if found is not None:
        ours = known is not None and (known.size, known.mtime_ns) == (found.st_size, found.st_mtime_ns)
        there = known.digest if ours and known is not None else _digest_of(target)
        if there == digest:
            return Seen(digest, found.st_size, found.st_mtime_ns), False
        # What the store holds is not lost when it is replaced: a copy of ours that was placed, and not written down.
        edited = (known is None or there != known.digest) and not placer.holds(there, found.st_size)
        if not overwrite and edited:
            raise NodeError(
                f"{target} is not as we left it: it was edited, or made by something else",
                hint="move it away, or build with --overwrite-outputs",
            )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NodeError(f"{target.parent} cannot be made: {error.strerror}", hint="look at what stands there") from None
    if isinstance(file.value, Blob):
        return placer.place_blob(file.value, target), True
    return placer.place_bytes(file.value, target), True


def _digest_of(path: Path) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(fd, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""  # a folder, a link or unreadable: not ours


def _files_of(resolver: Resolver, node: Node, unit: Unit) -> Iterator[OutputFile]:
    instance = resolver.fanout.name(unit)
    name = _name(resolver, node, unit)
    values = list(unit.value) if isinstance(unit.value, list) and node.type.name == "list" else None
    if values is None:
        yield _file(instance, name, unit.value)
        return
    width = len(str(max(len(values) - 1, 0)))
    for position, value in enumerate(values):
        stem = f"{position:0{width}d}"
        if isinstance(value, Blob) and value.name:
            stem = _clean(value.name.rsplit(".", 1)[0])
        yield _file(instance, name.replace("*", stem), value)


def _file(instance: str, name: str, value: Value) -> OutputFile:
    if isinstance(value, Blob):
        ending = SUFFIXES.get(value.media_type, "")
        return OutputFile(instance, _with_ending(name, ending), value)
    if isinstance(value, str):
        return OutputFile(instance, _with_ending(name, ".txt"), value.encode("utf-8", "replace") + b"\n")
    data = json.dumps(value, ensure_ascii=False, indent=2, default=_unwritable).encode()
    return OutputFile(instance, _with_ending(name, ".json"), data + b"\n")


def _unwritable(value: object) -> object:
    raise NodeError(
        f"a table with {value!r} in it cannot be written as one file", hint="give its media an output of their own"
    )


def _with_ending(name: str, ending: str) -> str:
    there = PurePosixPath(name).suffix.lower()
    if there == ending or (ending in {".txt", ".json"} and there in {".txt", ".json", ".md"}):
        return name
    if there == ".jpeg" and ending == ".jpg":
        return name
    return name + ending


def _name(resolver: Resolver, node: Node, unit: Unit) -> str:
    """Return the relative path of an output: what references put into it can neither leave nor make folders."""
    scope = resolver.fanout.scope_of(unit)
    expr = node.output
    assert expr is not None
    if isinstance(expr, Literal):
        name = str(expr.value)
    elif isinstance(expr, Join):
        values = (p if isinstance(p, str) else resolver.evaluator.value(p, scope) for p in expr.parts)
        written = (isinstance(p, str) for p in expr.parts)
        name = "".join(str(v) if w else _clean(str(as_text(v))) for v, w in zip(values, written, strict=True))
    else:
        name = _clean(str(as_text(resolver.evaluator.value(expr, scope))))
    path = PurePosixPath(name)
    bad = (
        path.is_absolute()
        or not path.parts
        or any(p in {"..", "."} or len(p.encode()) > _LONGEST_NAME for p in path.parts)
    )
    if bad or "\0" in name or "\\" in name or name.endswith("/"):
        raise NodeError(
            f"`{name}` is no file name inside the output folder", hint="use names without .. and below 200 bytes"
        )
    return str(path)


def _clean(text: str) -> str:
    cleaned = _ODD.sub("-", text).strip(" .")[:120]
    return cleaned or "-"
