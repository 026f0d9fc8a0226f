"""Turn records into rows and rows into records. Knows no claim, no run and no graph.

Every row carries a checksum of its key and body: SQLite would hand out a flipped bit as it is. A body above 8 KiB is a
blob, and the row holds its digest. What cannot be read is as if it were not there, and is replaced when its result is made again;
unless it was paid for: then it is an error, since a miss would buy it a second time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import apsw
import msgspec

from dagcontent.errors import NodeError, StoreDamaged
from dagcontent.store.cas import Cas, is_digest
from dagcontent.store.db import INLINE_BYTES, fetch
from dagcontent.values.record import Done, Record, decode_record, encode_record
from dagcontent.values.value import Blob, blobs_in

__all__ = [
    "Condition",
    "Row",
    "blobs_of",
    "checksum",
    "family",
    "find",
    "insert",
    "look",
    "missing_blobs",
    "read_row",
    "row_of",
    "was_paid",
]

INLINE: Final = 0
IN_CAS: Final = 1
_CHECKSUM_BYTES: Final = 16


class Condition(msgspec.Struct, frozen=True):
    """How a record is: `record` is None if its row cannot be read; `usable` if it can be, and its blobs are in place."""

    record: Record | None
    usable: bool
    paid: bool
    detail: str = ""


class Row(msgspec.Struct, frozen=True):
    """A record as the table holds it."""

    key: bytes
    kind: str
    model: str
    cost_microusd: int
    place: int
    body: bytes
    checksum: bytes


def checksum(*parts: bytes) -> bytes:
    """Return what a row's parts must come to."""
    return hashlib.sha256(b"".join(parts)).digest()[:_CHECKSUM_BYTES]


def row_of(record: Record, cas: Cas) -> Row:
    """Return a record's row; puts a long body into the CAS first. Raises NodeError if it has no stored form, StoreFull, StoreError."""
    key = bytes.fromhex(record.key)
    try:
        body, place = encode_record(record), INLINE
    except (OverflowError, ValueError, RecursionError) as error:  # a number above 64 bits, half a character, a tower
        raise NodeError(
            f"the result holds what cannot be kept: {error}",
            hint="numbers must fit 64 bits and text must be valid Unicode",
        ) from error
    if len(body) > INLINE_BYTES:
        digest, _size = cas.put_bytes(body)
        body, place = bytes.fromhex(digest), IN_CAS
    return Row(
        key, record.manifest.kind, record.manifest.model, record.cost_microusd, place, body,
        checksum(key, bytes([place]), body),
    )  # fmt: skip


def read_row(key: bytes, place: int, body: bytes, check: bytes, cas: Cas) -> Record:
    """Return a row's record. Raises StoreDamaged if anything about it is not as it was written."""
    try:
        if checksum(key, bytes([place]), body) == check:
            record = decode_record(body if place == INLINE else cas.read_bytes(body.hex()))
            if record.key == key.hex():
                return record
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError):
        pass  # the latter two: a damaged row may hold other types than its table
    raise StoreDamaged(
        f"the record {key.hex()[:16]} is damaged",
        facts=[("key", key.hex())],
        hint="dagcontent store verify lists all damage",
    )


_FIND: Final = "SELECT place, body, checksum, cost_microusd FROM record WHERE key = ?"


def find(cursor: apsw.Cursor | apsw.Connection, key: bytes, cas: Cas) -> Record | None:
    """Return a key's record, or None. Raises StoreDamaged only if it was paid for and cannot be read."""
    rows: list[Any] = cursor.execute(_FIND, (key,)).fetchall()
    if not rows:
        return None
    place, body, check, cost = rows[0]
    try:
        return read_row(key, place, body, check, cas)
    except StoreDamaged:
        if was_paid(cursor, key, cost):
            raise
        return None


def look(cursor: apsw.Cursor | apsw.Connection, key: bytes, cas: Cas) -> Condition | None:
    """Return how a key's record is, or None if there is none. One `stat` for each of its blobs."""
    rows: list[Any] = cursor.execute(_FIND, (key,)).fetchall()
    if not rows:
        return None
    place, body, check, cost = rows[0]
    try:
        record = read_row(key, place, body, check, cas)
    except StoreDamaged as error:
        return Condition(None, usable=False, paid=was_paid(cursor, key, cost), detail=error.message)
    missing = missing_blobs(record, cas)
    if not missing:
        return Condition(record, usable=True, paid=record.cost_microusd > 0)
    detail = f"the store's blob {missing[0].digest[:16]} is missing"
    return Condition(record, usable=False, paid=was_paid(cursor, key, cost), detail=detail)


def was_paid(cursor: apsw.Cursor | apsw.Connection, key: bytes, cost: object) -> bool:
    """Tell whether a key's result was paid for, whatever its cost came to: nothing may take its place unasked."""
    if cost:
        return True
    there = cursor.execute("SELECT 1 FROM sqlite_schema WHERE name = 'attempt'").fetchall()
    query = "SELECT 1 FROM attempt WHERE key = ? AND state IN ('charged', 'committed') LIMIT 1"
    return bool(there and cursor.execute(query, (key,)).fetchall())


def insert(
    connection: apsw.Connection, record: Record, row: Row, cas: Cas, *, replace_lost: bool = False
) -> tuple[Record, bool]:
    """Add a record, and end its claim. Returns the record that holds now, and whether an old one was replaced.

    The first committed record of a key wins, unless its row or its blobs are damaged, and it was free or `replace_lost` is said.
    """
    connection.execute("DELETE FROM claim WHERE key = ?", (row.key,))
    values = (row.key, row.kind, row.model, row.cost_microusd, row.place, row.body, row.checksum)
    add = "INSERT OR IGNORE INTO record (key, kind, model, cost_microusd, place, body, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)"
    connection.execute(add, values)
    if connection.changes():
        return record, False
    there = look(connection, row.key, cas)
    if there is not None and (there.usable or (there.paid and not replace_lost)):
        if there.record is None:
            raise StoreDamaged(
                there.detail, facts=[("key", record.key)], hint="dagcontent store verify lists all damage"
            )
        return there.record, False
    connection.execute("DELETE FROM record WHERE key = ?", (row.key,))
    connection.execute(add, values)
    return record, True


def family(connection: apsw.Connection, kind: str, model: str, limit: int, cas: Cas) -> list[Record]:
    """Return the newest records of a kind and model, newest first. Unreadable ones are left out."""
    rows = fetch(
        connection,
        "SELECT key, place, body, checksum FROM record WHERE kind = ? AND model = ? ORDER BY seq DESC LIMIT ?",
        (kind, model, limit),
    )
    found = []
    for row in rows:
        try:
            key, place, body, check = row
            if type(key) is not bytes:
                continue
            found.append(read_row(key, place, body, check, cas))
        except StoreDamaged:
            continue
    return found


def blobs_of(record: Record) -> Iterator[Blob]:
    """Yield every artifact that a record's result is made of."""
    if isinstance(record.outcome, Done):
        yield from blobs_in(record.outcome.value)
        yield from blobs_in(record.outcome.extras)


def evidence_of(value: object) -> Iterator[str]:
    """Yield the digests that plain data names, as artifacts or as text: what a failed call left may be in the CAS."""
    if isinstance(value, Blob):
        yield value.digest
    elif isinstance(value, str):
        if is_digest(value):
            yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from evidence_of(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from evidence_of(item)


def missing_blobs(record: Record, cas: Cas) -> list[Blob]:
    """Return the artifacts of a record that are not in the CAS with their size. One `stat` each; no bytes are read."""
    return [blob for blob in blobs_of(record) if not (is_digest(blob.digest) and cas.has(blob.digest, blob.size_bytes))]
