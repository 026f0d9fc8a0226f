"""Turn which key each instance had at the end of a run into a row of few bytes, and back. Knows no record and no graph.

Maps are named by the digest of their content: runs that left the same share one row. One that differs in little from the
whole map that the run before it rests on is kept as the difference to that, never as one to another difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import apsw
import msgspec

from dagcontent.errors import StoreDamaged
from dagcontent.store.db import fetch, has_maps
from dagcontent.store.history import LastBuild

__all__ = ["keep", "of_run"]

_DELTA_MAX_PART: Final = 8  # a difference above an eighth of the whole is written as a whole
_KEY_HEX: Final = 64


class _Table(msgspec.Struct, frozen=True, array_like=True):
    """Names in order and their keys in one piece; of a difference also the names that are gone."""

    names: list[str]
    keys: bytes
    gone: list[str] = []


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Table)


def keep(connection: apsw.Connection, run: str, rows: LastBuild) -> None:
    """Store the map of a run that is in the database."""
    whole = _encoder.encode(_table(rows))
    digest = hashlib.sha256(whole).digest()
    if _read(connection, digest) is None:  # or it is damaged
        base, body = _difference(connection, run, rows) or (None, whole)
        add = "INSERT OR REPLACE INTO build_map (digest, base, body) VALUES (?, ?, ?)"
        connection.execute(add, (digest, base, body))
    connection.execute("INSERT OR REPLACE INTO run_map (run, digest) VALUES (?, ?)", (run, digest))


def of_run(connection: apsw.Connection, run: str) -> LastBuild | None:
    """Return the map of a run; None for one that left none. Raises StoreDamaged for one that cannot be read."""
    if not has_maps(connection):
        return None
    for (digest,) in fetch(connection, "SELECT digest FROM run_map WHERE run = ?", (run,)):
        found = _read(connection, digest)
        if found is None:
            raise StoreDamaged(
                f"which results run {run} left cannot be read", hint="dagcontent store verify lists all damage"
            )
        return found
    return None


def _difference(connection: apsw.Connection, run: str, rows: LastBuild) -> tuple[bytes, bytes] | None:
    """Return the whole map that the run before of this graph and profile rests on, and the difference to it if that is small."""
    query = (
        "SELECT coalesce(m.base, m.digest) FROM run AS mine JOIN run AS r ON r.graph = mine.graph AND r.profile = mine.profile"
        " JOIN run_map AS k ON k.run = r.id JOIN build_map AS m ON m.digest = k.digest"
        " WHERE mine.id = ? AND r.id < mine.id ORDER BY r.id DESC LIMIT 1"
    )
    for (digest,) in fetch(connection, query, (run,)):
        base = _read(connection, digest)
        if base is None:
            return None
        changed = {name: key for name, key in rows.items() if base.get(name) != key}
        gone = sorted(base.keys() - rows.keys())
        if (len(changed) + len(gone)) * _DELTA_MAX_PART <= len(rows):
            table = _table(changed)
            return digest, _encoder.encode(_Table(table.names, table.keys, gone))
    return None


def _read(connection: apsw.Connection, digest: bytes) -> LastBuild | None:
    """Return a map by its digest, None if it is not what that says: it only explains, it decides nothing."""
    for base, body in fetch(connection, "SELECT base, body FROM build_map WHERE digest = ?", (digest,)):
        if base is None:
            return _whole(body, digest)
        under = fetch(connection, "SELECT body FROM build_map WHERE digest = ? AND base IS NULL", (base,))
        whole = _whole(under[0][0], base) if under else None
        try:
            table = _decoder.decode(body)
        except (msgspec.DecodeError, TypeError):
            return None
        if whole is None:
            return None
        rows = {**whole, **_rows(table)}
        for name in table.gone:
            rows.pop(name, None)
        return rows if _digest_of(rows) == digest else None
    return None


def _whole(body: object, digest: bytes) -> LastBuild | None:
    """Return a map that is stored whole: its bytes are what its digest is of."""
    if not isinstance(body, bytes) or hashlib.sha256(body).digest() != digest:
        return None
    return _rows(_decoder.decode(body))


def _digest_of(rows: Mapping[str, str]) -> bytes | None:
    try:
        return hashlib.sha256(_encoder.encode(_table(rows))).digest()
    except ValueError:  # a damaged body has names without keys
        return None


def _table(rows: Mapping[str, str]) -> _Table:
    names = sorted(rows)
    return _Table(names, bytes.fromhex("".join([rows[name] for name in names])))


def _rows(table: _Table) -> LastBuild:
    keys = table.keys.hex()
    return {name: keys[i * _KEY_HEX : (i + 1) * _KEY_HEX] for i, name in enumerate(table.names)}
