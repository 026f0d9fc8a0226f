"""Turn `paid.jsonl`, the blobs and what is left of a database into a whole database. Knows no graph.

The new database is made beside the old one, and takes its place in steps that can be taken again: once `store.db-new` stands
under that name it is complete, and whoever opens the store next for writing finishes the exchange. The old one goes to quarantine/.
What was free and cannot be read any more is made again; what was paid for is in `paid.jsonl`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from dagcontent.errors import DagcontentError, StoreBusy, StoreDamaged
from dagcontent.store import db, journal, paid, records
from dagcontent.store.cas import Cas
from dagcontent.store.disk import OPEN_SAFELY, fsync_dir
from dagcontent.store.layout import FORMAT_VERSION, Layout, prepare, write_format
from dagcontent.values.attempt import Attempt, AttemptState
from dagcontent.values.record import Record

__all__ = ["Rebuilt", "finish", "rebuild"]

_PAUSE_S: Final = 0.01
_TRIES: Final = 100
_OTHERS: Final = {
    "run": "id, graph, profile, epoch, started_ms, ended_ms, status, counts",
    "last_build": "graph, profile, part, body, checksum",
    "output": "graph, path, digest, size, mtime_ns",
    "build_map": "digest, base, body",
    "run_map": "run, digest",
}
"""Tables that are carried over as they are: they explain and compare, they decide nothing."""


class Rebuilt(msgspec.Struct):
    """What a new database was made of. `kept_*` were read from the old one, `restored_*` only from `paid.jsonl`."""

    kept_records: int = 0
    kept_attempts: int = 0
    restored_records: int = 0
    restored_attempts: int = 0
    unreadable_lines: list[int] = []
    old_database: str = ""


def rebuild(root: Path, *, crashpoint: Callable[[str], None]) -> Rebuilt:
    """Make a store's database again. Raises StoreBusy while another process has the store open for writing, StoreError."""
    layout = prepare(root, crashpoint=crashpoint)
    finish(layout, crashpoint=crashpoint)
    with db.mapped(layout.db):
        descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | OPEN_SAFELY, 0o600)
        try:
            _lock_alone(descriptor, layout)
            done = _make(layout, crashpoint)
            _exchange(layout, done, crashpoint)
        finally:
            os.close(descriptor)
    return done


def _lock_alone(descriptor: int, layout: Layout) -> None:
    # Not at the first refusal: a program that is being started holds its parent's locks until it is.
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_PAUSE_S)
    raise StoreBusy(f"another process has the store {layout.root} open", hint="wait for the other build, or stop it")


def finish(layout: Layout, *, crashpoint: Callable[[str], None]) -> None:
    """Finish the exchange that a killed process began, if there is one. May be called by several processes."""
    with db.mapped(layout.db):
        descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | OPEN_SAFELY, 0o600)
        try:
            # Whoever holds the lock is finishing it, or opened the store after it was finished.
            while _new(layout).exists():
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if _new(layout).exists():
                        _exchange(layout, Rebuilt(), crashpoint)
                    return
                time.sleep(_PAUSE_S)
        finally:
            os.close(descriptor)


def _new(layout: Layout) -> Path:
    return Path(f"{layout.db}-new")


def _make(layout: Layout, crashpoint: Callable[[str], None]) -> Rebuilt:
    done = Rebuilt()
    part = layout.tmp / f"store-{secrets.token_hex(8)}.db"
    cas = Cas(layout, crashpoint=crashpoint)
    with contextlib.closing(db.new_database(part)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with contextlib.suppress(*db.REFUSALS, OSError), contextlib.closing(db.open_anyhow(layout.db)) as old:
            _keep(old, connection, cas, done)
        _restore(layout, connection, cas, done)
        crashpoint("rebuild.filled")
        connection.execute("COMMIT")
        connection.pragma("wal_checkpoint(TRUNCATE)")
    for end in ("-wal", "-shm"):
        Path(f"{part}{end}").unlink(missing_ok=True)
    crashpoint("rebuild.made")
    part.rename(_new(layout))
    fsync_dir(layout.root)
    crashpoint("rebuild.named")
    return done


def _exchange(layout: Layout, done: Rebuilt, crashpoint: Callable[[str], None]) -> None:
    layout.change_generation()
    aside = layout.quarantine / f"store-{secrets.token_hex(4)}.db"
    # The log goes with its database: left behind, it would be played into the new one.
    for end in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{layout.db}{end}").rename(f"{aside}{end}")
            done.old_database = str(aside)
        crashpoint(f"rebuild.aside{end}")
    _new(layout).rename(layout.db)
    fsync_dir(layout.root)
    crashpoint("rebuild.exchanged")
    layout.change_generation()
    if layout.format < FORMAT_VERSION:
        write_format(layout)


# --- the old database


def _keep(old: apsw.Connection, new: apsw.Connection, cas: Cas, done: Rebuilt) -> None:
    for key, kind, model, cost, place, body, check in _rows(
        old, "record", "key, kind, model, cost_microusd, place, body, checksum", by="seq"
    ):
        if _record_fits(key, place, body, check, cas):
            done.kept_records += _insert(
                new, "record", "key, kind, model, cost_microusd, place, body, checksum",
                (key, kind, model, cost, place, body, check),
            )  # fmt: skip
    for row in _rows(old, "attempt", "id, key, state, cost, held, body, checksum, logged", by="seq"):
        with contextlib.suppress(StoreDamaged, apsw.ConstraintError):
            journal.add(new, journal.read_attempt(row[:-1]), logged=bool(row[-1]))
            done.kept_attempts += 1
    for table, columns in _OTHERS.items():
        for row in _rows(old, table, columns):
            _insert(new, table, columns, row)


def _rows(old: apsw.Connection, table: str, columns: str, *, by: str = "") -> Iterator[tuple[Any, ...]]:
    """Yield what can be read: from the beginning to the first damage, then from the end back to the last."""
    for order in (f" ORDER BY {by}", f" ORDER BY {by} DESC") if by else ("",):
        try:
            yield from old.execute(f"SELECT {columns} FROM {table}{order}")  # noqa: S608 - constants of ours
            return
        except db.REFUSALS:
            continue


def _insert(new: apsw.Connection, table: str, columns: str, row: tuple[Any, ...]) -> int:
    marks = ", ".join("?" * len(row))
    try:
        new.execute(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", row)  # noqa: S608 - constants of ours
    except apsw.ConstraintError:  # a damaged row holds other types
        return 0
    return new.changes()


def _record_fits(key: object, place: object, body: object, check: object, cas: Cas) -> bool:
    if type(key) is not bytes or type(place) is not int or type(body) is not bytes or not 0 <= place <= 1:
        return False
    if records.checksum(key, bytes([place]), body) != check:
        return False
    try:
        records.read_row(key, place, body, check, cas)
    except DagcontentError:
        return place == records.IN_CAS  # a row whose blob is gone still says that it was paid for
    return True


# --- paid.jsonl


def _restore(layout: Layout, new: apsw.Connection, cas: Cas, done: Rebuilt) -> None:
    held: dict[str, Record] = {}
    attempts: dict[str, Attempt] = {}
    for purchase in paid.read_lines(layout.paid):
        if isinstance(purchase, int):
            done.unreadable_lines.append(purchase)
        else:
            attempts[purchase.attempt.id] = purchase.attempt
            if purchase.record is not None:
                held[purchase.record.key] = purchase.record
    followed: set[str] = set()
    for name in reversed(attempts):  # the latest intent first
        known, attempt = _known(new, name), attempts[name]
        phantom = known is None and attempt.state is AttemptState.INTENT and attempt.key in followed
        followed.add(attempt.key)
        if phantom:  # another attempt of the key came later: this intent was written down and never committed
            continue
        if known is None or known.changed_ms < attempt.changed_ms or (known.blocks and not attempt.blocks):
            new.execute("DELETE FROM attempt WHERE id = ?", (name,))
            _add(new, attempt)
            done.restored_attempts += 1
    for record in held.values():
        there = records.look(new, bytes.fromhex(record.key), cas)
        if there is None or (not there.usable and not records.missing_blobs(record, cas)):
            new.execute("DELETE FROM record WHERE key = ?", (bytes.fromhex(record.key),))
            records.insert(new, record, records.row_of(record, cas), cas)
            done.restored_records += 1


def _add(new: apsw.Connection, attempt: Attempt) -> None:
    if attempt.blocks and journal.blocking(new, bytes.fromhex(attempt.key)) is not None:
        # A later one of its key was sent: that this one had given way was not written down any more.
        attempt = msgspec.structs.replace(attempt, state=AttemptState.SUPERSEDED)
    journal.add(new, attempt, logged=True)


def _known(new: apsw.Connection, attempt_id: str) -> Attempt | None:
    try:
        return journal.get(new, attempt_id)
    except StoreDamaged:
        return None
