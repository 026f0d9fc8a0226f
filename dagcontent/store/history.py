"""Turn what a graph's last build was into few rows, and back: each instance's key, and the outputs written. Knows no record.

A last build is a table of instance -> key, kept as one encoded value (part 0) and, when a later build differs in little, the
difference to it (part 1): 100,000 instances are neither 100,000 rows nor rewritten for one edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import apsw
import msgspec

from dagcontent.store.db import fetch
from dagcontent.store.records import checksum

__all__ = ["LastBuild", "Output", "Snapshot", "forget_outputs", "load", "outputs", "record_outputs", "save"]

_BASE: Final = 0
_DELTA: Final = 1
_DELTA_MAX_PART: Final = 8  # a difference above an eighth of the whole is written as a whole
_KEY_HEX: Final = 64

LastBuild = dict[str, str]


class Output(msgspec.Struct, frozen=True):
    """An output as it was when it was written: whether it was edited since can be told by comparing."""

    digest: str
    size: int
    mtime_ns: int


class Snapshot(msgspec.Struct, frozen=True):
    """What is stored of a last build: the base with its checksum, and what it comes to with the difference."""

    base: LastBuild
    base_checksum: bytes
    rows: LastBuild


class _Table(msgspec.Struct, frozen=True, array_like=True):
    """Names and their keys: the keys in one piece, which is a tenth of the work of one value each."""

    names: list[str]
    keys: bytes
    gone: list[str] = []
    base_checksum: bytes = b""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Table)


def load(connection: apsw.Connection, graph: str, profile: str) -> Snapshot | None:
    """Return the last build; None if there was none or it cannot be read (it only explains, it decides nothing)."""
    rows = fetch(
        connection, "SELECT part, body, checksum FROM last_build WHERE graph = ? AND profile = ?", (graph, profile)
    )
    parts = {part: (body, check) for part, body, check in rows}
    if _BASE not in parts:
        return None
    body, base_checksum = parts[_BASE]
    base = _decode(body, base_checksum)
    if base is None:
        return None
    base_rows = _rows(base)
    result = base_rows
    if _DELTA in parts:
        delta = _decode(*parts[_DELTA])
        if delta is not None and delta.base_checksum == base_checksum:
            result = {**base_rows, **_rows(delta)}
            for name in delta.gone:
                result.pop(name, None)
    return Snapshot(base_rows, base_checksum, result)


def save(connection: apsw.Connection, graph: str, profile: str, rows: LastBuild, known: Snapshot | None) -> Snapshot:
    """Store a last build, as a difference to what is known to be stored if that is small. Returns what is stored now."""
    if known is not None:
        stored = fetch(
            connection, "SELECT checksum FROM last_build WHERE graph = ? AND profile = ? AND part = 0", (graph, profile)
        )
        if stored == [(known.base_checksum,)]:
            delta = _difference(known, rows)
            if delta is not None:
                _write(connection, graph, profile, _DELTA, _encoder.encode(delta))
                return Snapshot(known.base, known.base_checksum, rows)
    check = _write(connection, graph, profile, _BASE, _encoder.encode(_table(rows)))
    connection.execute("DELETE FROM last_build WHERE graph = ? AND profile = ? AND part = 1", (graph, profile))
    return Snapshot(rows, check, rows)


def _difference(known: Snapshot, rows: LastBuild) -> _Table | None:
    base = known.base
    changed = {name: key for name, key in rows.items() if base.get(name) != key}
    gone = list(base.keys() - rows.keys())
    if (len(changed) + len(gone)) * _DELTA_MAX_PART > len(rows):
        return None
    table = _table(changed)
    return _Table(table.names, table.keys, gone, known.base_checksum)


def _write(connection: apsw.Connection, graph: str, profile: str, part: int, body: bytes) -> bytes:
    check = checksum(body)
    connection.execute(
        "INSERT OR REPLACE INTO last_build (graph, profile, part, body, checksum) VALUES (?, ?, ?, ?, ?)",
        (graph, profile, part, body, check),
    )
    return check


def _table(rows: Mapping[str, str]) -> _Table:
    return _Table(list(rows), bytes.fromhex("".join(rows.values())))


def _decode(body: bytes, check: bytes) -> _Table | None:
    if type(body) is not bytes or checksum(body) != check:
        return None
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError:
        return None


def _rows(table: _Table) -> LastBuild:
    keys = table.keys.hex()
    return {name: keys[i * _KEY_HEX : (i + 1) * _KEY_HEX] for i, name in enumerate(table.names)}


def outputs(connection: apsw.Connection, graph: str) -> dict[str, Output]:
    """Return every output that was written for a graph, by its path."""
    rows = fetch(connection, "SELECT path, digest, size, mtime_ns FROM output WHERE graph = ?", (graph,))
    # A damaged row is as one that is not there: the file then counts as somebody else's, and is not overwritten.
    return {
        path: Output(digest.hex(), size, mtime_ns)
        for path, digest, size, mtime_ns in rows
        if (type(path), type(digest), type(size), type(mtime_ns)) == (str, bytes, int, int)
    }


def record_outputs(connection: apsw.Connection, graph: str, written: Mapping[str, Output]) -> None:
    """Remember outputs as they are now."""
    connection.executemany(
        "INSERT OR REPLACE INTO output (graph, path, digest, size, mtime_ns) VALUES (?, ?, ?, ?, ?)",
        [(graph, path, bytes.fromhex(one.digest), one.size, one.mtime_ns) for path, one in written.items()],
    )


def forget_outputs(connection: apsw.Connection, graph: str, paths: Iterable[str]) -> None:
    """Forget outputs that are no longer the graph's."""
    connection.executemany("DELETE FROM output WHERE graph = ? AND path = ?", [(graph, path) for path in paths])
