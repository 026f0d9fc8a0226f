"""Turn what was paid for into lines of text that outlive the database, and back. Knows no vendor.

    paid.jsonl    one JSON object a line: what people ask of a purchase, then the attempt and its record as they are stored

An attempt has a line before it is sent, and one for each step that matters once that is committed, or at the start of the next run. A
line that a crash tore is written again; of several lines of one attempt, or of several records of one key, the last counts.
"""

from __future__ import annotations

import base64
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import apsw
import msgspec

from dagcontent.errors import StoreDamaged
from dagcontent.store.cas import Cas
from dagcontent.store.db import fetch
from dagcontent.store.disk import OPEN_SAFELY, fsync_dir, fsync_file
from dagcontent.store.journal import decode_attempt, encode_attempt, get, update_logged
from dagcontent.store.layout import Layout
from dagcontent.store.records import blobs_of, checksum, look
from dagcontent.values.attempt import Attempt, AttemptState
from dagcontent.values.record import Record, decode_record, encode_record

__all__ = ["MOST_LINES", "Purchase", "append", "line_of", "log", "read_lines"]

_VERSION: Final = 1
_SETTLED: Final = frozenset({AttemptState.COMMITTED, AttemptState.CHARGED})
MOST_LINES: Final = 200
"""How many lines are appended at once."""


class Purchase(msgspec.Struct, frozen=True):
    """An attempt; once it is settled, the record that its key has."""

    attempt: Attempt
    record: Record | None = None


class _Line(msgspec.Struct, frozen=True):
    v: int
    at: str
    node: str
    provider: str
    model: str
    cost_microusd: int | None
    cost_source: str
    outcome: str
    files: list[str]
    id: str
    key: str
    attempt: str
    record: str
    check: str


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Line)


def line_of(purchase: Purchase) -> bytes:
    """Return a purchase's line, with its end."""
    attempt, record = purchase.attempt, purchase.record
    intent, whole, result = (
        attempt.intent,
        encode_attempt(attempt),
        encode_record(record) if record is not None else b"",
    )
    line = _Line(
        v=_VERSION,
        at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(attempt.changed_ms // 1000)),
        node=intent.instance,
        provider=intent.provider,
        model=intent.model,
        cost_microusd=attempt.cost_microusd,
        cost_source=attempt.cost_source,
        outcome=attempt.state.value,
        files=[blob.digest for blob in blobs_of(record)] if record is not None else [],
        id=attempt.id,
        key=attempt.key,
        attempt=base64.b64encode(whole).decode(),
        record=base64.b64encode(result).decode(),
        check=checksum(b"paid", whole, result).hex(),
    )
    return _encoder.encode(line) + b"\n"


def append(path: Path, lines: Iterable[bytes]) -> None:
    """Add lines, durably. Safe for several processes. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | OPEN_SAFELY, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        # What a crash tore must not swallow the next line.
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        if not size:  # before the first byte: whoever finds some, after a crash too, knows that the name is durable
            fsync_dir(path.parent)
        view = memoryview((b"\n" if torn else b"") + b"".join(lines))
        while view:
            view = view[os.write(descriptor, view) :]
        fsync_file(descriptor)
    finally:
        os.close(descriptor)


def read_lines(path: Path) -> Iterator[Purchase | int]:
    """Yield every purchase in the order of the file; for a line that is not as it was written, its number from 1. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | OPEN_SAFELY)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "rb") as file:
        for number, line in enumerate(file, 1):
            purchase = _read(line)
            if purchase is not None:
                yield purchase
            elif line.strip():
                yield number


def _read(text: bytes) -> Purchase | None:
    try:
        line = _decoder.decode(text)
        whole, result = base64.b64decode(line.attempt, validate=True), base64.b64decode(line.record, validate=True)
        if checksum(b"paid", whole, result).hex() == line.check:
            purchase = Purchase(decode_attempt(whole), decode_record(result) if result else None)
            if purchase.record is None or purchase.attempt.key == purchase.record.key:
                return purchase
    except (msgspec.DecodeError, ValueError):
        pass
    return None


def log(connection: apsw.Connection, layout: Layout, cas: Cas) -> int:
    """Append the last steps that are not yet in the file, and mark them; return how many. What cannot be written is left for later.

    Inside a transaction of the writer. Should that be rolled back, the lines are written twice, which does no harm.
    """
    query = "SELECT id FROM attempt WHERE logged = 0 ORDER BY seq LIMIT ?"
    lines, ids = [], []
    for (name,) in fetch(connection, query, (MOST_LINES,)):
        try:
            attempt = get(connection, name)
        except StoreDamaged:
            continue  # told by `verify`
        if attempt is None:
            continue
        record = None
        if attempt.state in _SETTLED:
            there = look(connection, bytes.fromhex(attempt.key), cas)
            record = there.record if there is not None else None
            if record is None:
                continue  # as above
        lines.append(line_of(Purchase(attempt, record)))
        ids.append(attempt.id)
    if lines:
        try:
            append(layout.paid, lines)
        except OSError:
            return 0
        update_logged(connection, ids, logged=True)
    return len(lines)
