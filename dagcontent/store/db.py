"""Turn the path of `store.db` into checked connections, and SQLite's refusals into ours. Knows no record.

Durability: WAL with `synchronous=FULL`, so a commit is on disk when it returns. A transaction that matters only while
its process lives (claims) may use NORMAL; the next FULL commit makes it durable too, since there is one log.
A store's database may have been prepared by someone else: triggers, views and functions in it never run, and its schema
must be ours to the letter.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import apsw

from dagcontent.errors import DagcontentError, InternalError, StoreBusy, StoreDamaged, StoreError
from dagcontent.store.disk import OPEN_SAFELY, fsync_dir, locked, store_error, there
from dagcontent.store.layout import Layout
from dagcontent.values.attempt import BLOCKING

__all__ = [
    "BLOCKING_SQL",
    "INLINE_BYTES",
    "REFUSALS",
    "create",
    "fetch",
    "has_attempts",
    "has_maps",
    "integrity_problems",
    "mapped",
    "migrate",
    "new_database",
    "open_anyhow",
    "open_reader",
    "open_writer",
    "store_error_of",
]

INLINE_BYTES: Final = 8 * 1024
"""A record whose stored form is longer is a blob of its own."""

_APPLICATION_ID: Final = 0x44414743  # "DAGC"
_USER_VERSION: Final = 3
# Earlier ones can lose pages when two processes reset the log at once.
_SQLITE_MIN: Final = (3, 51, 3)
_BUSY_TIMEOUT_MS: Final = 10_000

_SCHEMA_1: Final = {
    "claim": "CREATE TABLE claim (key BLOB PRIMARY KEY, run TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "claim_by_run": "CREATE INDEX claim_by_run ON claim (run)",
    "last_build": (
        "CREATE TABLE last_build (graph TEXT NOT NULL, profile TEXT NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL,"
        " checksum BLOB NOT NULL, PRIMARY KEY (graph, profile, part)) STRICT"
    ),
    "output": (
        "CREATE TABLE output (graph TEXT NOT NULL, path TEXT NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL,"
        " mtime_ns INTEGER NOT NULL, PRIMARY KEY (graph, path)) STRICT, WITHOUT ROWID"
    ),
    "record": (
        "CREATE TABLE record (seq INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, model TEXT NOT NULL,"
        " cost_microusd INTEGER NOT NULL, place INTEGER NOT NULL, body BLOB NOT NULL, checksum BLOB NOT NULL) STRICT"
    ),
    "record_by_family": "CREATE INDEX record_by_family ON record (kind, model)",
    "run": (
        "CREATE TABLE run (id TEXT PRIMARY KEY, graph TEXT NOT NULL, profile TEXT NOT NULL, epoch TEXT NOT NULL,"
        " started_ms INTEGER NOT NULL, ended_ms INTEGER, status TEXT, counts TEXT) STRICT, WITHOUT ROWID"
    ),
    "run_by_graph": "CREATE INDEX run_by_graph ON run (graph)",
}

# In the index's own words: SQLite uses it only for a question that repeats them.
BLOCKING_SQL: Final = f"({', '.join(repr(state) for state in sorted(state.value for state in BLOCKING))})"
"""The states in which an attempt keeps its key from being sent again, as SQL."""

_ATTEMPT: Final = {
    "attempt": (
        "CREATE TABLE attempt (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key BLOB NOT NULL, state TEXT NOT NULL,"
        " run TEXT NOT NULL, graph TEXT NOT NULL, instance TEXT NOT NULL, provider TEXT NOT NULL, realm TEXT NOT NULL,"
        " model TEXT NOT NULL, day TEXT NOT NULL, reserved INTEGER, cost INTEGER NOT NULL, held INTEGER NOT NULL,"
        " cost_source TEXT NOT NULL, changed_ms INTEGER NOT NULL, logged INTEGER NOT NULL, body BLOB NOT NULL,"
        " checksum BLOB NOT NULL) STRICT"
    ),
    # At most one paid request of a key is under way: the database itself holds to it.
    "attempt_blocking": f"CREATE UNIQUE INDEX attempt_blocking ON attempt (key) WHERE state IN {BLOCKING_SQL}",
    "attempt_by_day": "CREATE INDEX attempt_by_day ON attempt (day, cost, held)",
    "attempt_by_graph": "CREATE INDEX attempt_by_graph ON attempt (graph, cost, held)",
    "attempt_by_key": "CREATE INDEX attempt_by_key ON attempt (key, state)",
    "attempt_by_provider": "CREATE INDEX attempt_by_provider ON attempt (provider, cost, held)",
    "attempt_by_run": "CREATE INDEX attempt_by_run ON attempt (run, cost, held)",
    "attempt_by_state": "CREATE INDEX attempt_by_state ON attempt (state)",
    "attempt_unlogged": "CREATE INDEX attempt_unlogged ON attempt (seq) WHERE logged = 0",
}
_MAP: Final = {
    "build_map": "CREATE TABLE build_map (digest BLOB PRIMARY KEY, base BLOB, body BLOB NOT NULL) STRICT",
    "run_map": "CREATE TABLE run_map (run TEXT PRIMARY KEY, digest BLOB NOT NULL) STRICT, WITHOUT ROWID",
}
_ADDED: Final = {2: _ATTEMPT, 3: _MAP}
"""What each format has that the one before had not."""
_SCHEMAS: Final = {1: _SCHEMA_1, 2: {**_SCHEMA_1, **_ATTEMPT}, 3: {**_SCHEMA_1, **_ATTEMPT, **_MAP}}


def create(layout: Layout, *, crashpoint: Callable[[str], None]) -> None:
    """Make the database where there is none. May be called by several processes at once, and again."""
    if there(layout.db):
        return
    with locked(layout.lock, create=True, unless=lambda: there(layout.db)) as alone, mapped(layout.db):
        # Who made it meanwhile may have it open, and shares the lock for as long as its build takes.
        if not alone or there(layout.db):
            return
        # Made elsewhere and renamed: under its name it is never seen unfinished.
        part = layout.tmp / f"store-{secrets.token_hex(8)}.db"
        crashpoint("db.before-schema")
        new_database(part).close()
        crashpoint("db.after-schema")
        _check_whole(part, layout.db)
        # SQLite would play the log of a database that was removed by hand into this one.
        for end in ("-wal", "-shm"):
            Path(f"{layout.db}{end}").unlink(missing_ok=True)
        # What is remembered about a database that is gone is not true of this one.
        layout.change_generation()
        part.rename(layout.db)
        fsync_dir(layout.root)
        crashpoint("db.renamed")


def new_database(path: Path) -> apsw.Connection:
    """Make an empty database under a name that is not taken, and return it open. Raises SQLite's errors and OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | OPEN_SAFELY, 0o600))
    connection = _connect(path, apsw.SQLITE_OPEN_READWRITE)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMAS[_USER_VERSION].values():
        connection.execute(statement)
    connection.pragma("application_id", _APPLICATION_ID)
    connection.pragma("user_version", _USER_VERSION)
    connection.execute("COMMIT")
    return connection


def _check_whole(part: Path, path: Path) -> None:
    """Refuse to put a new database in its place whose content is still in its log: closing it says nothing of that."""
    try:
        with contextlib.closing(_connect(part, apsw.SQLITE_OPEN_READONLY, immutable=True)) as made:
            _check_ours(made, part)
    except StoreDamaged as error:
        raise StoreError(
            f"{path} could not be made", hint="check the disk that the store is on; then build again"
        ) from error


def open_anyhow(path: Path) -> apsw.Connection:
    """Open a database that may be damaged, to read what is left of it. Nothing in it runs. Raises SQLite's errors."""
    return _connect(path, apsw.SQLITE_OPEN_READONLY)


def migrate(layout: Layout, *, crashpoint: Callable[[str], None]) -> None:
    """Bring an older database to this version's format, in one transaction. May be called by several processes, and again."""
    with mapped(layout.db), contextlib.closing(_connect(layout.db, apsw.SQLITE_OPEN_READWRITE)) as connection:
        _prepare_writing(connection, layout.db)
        _migrate(connection, crashpoint)


def _migrate(connection: apsw.Connection, crashpoint: Callable[[str], None]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = int(connection.pragma("user_version") or 0)
        for version in range(found + 1, _USER_VERSION + 1):
            for statement in _ADDED[version].values():
                connection.execute(statement)
        if found < _USER_VERSION:
            crashpoint("db.migrating")
            connection.pragma("user_version", _USER_VERSION)
        crashpoint("db.before-migrated")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    crashpoint("db.migrated")


def has_attempts(connection: apsw.Connection) -> bool:
    """Tell whether a database has a journal of paid attempts: one of format 1 has none."""
    return bool(connection.pragma("user_version") != 1)


def has_maps(connection: apsw.Connection) -> bool:
    """Tell whether a database keeps which result each instance had in a run: one of format 2 does not."""
    return bool(connection.pragma("user_version") not in {1, 2})


def open_writer(layout: Layout, *, torn: bool = False) -> apsw.Connection:
    """Open the database for the writer thread; after a crash (`torn`) look at its structure before adding to it.

    Raises StoreError and its branches.
    """
    with mapped(layout.db):
        connection = _connect(layout.db, apsw.SQLITE_OPEN_READWRITE)
        if _prepare_writing(connection, layout.db) != _USER_VERSION:
            _migrate(connection, lambda _point: None)
        problems = integrity_problems(connection, full=False) if torn else []
        if problems:
            raise _damaged(layout.db, f"is damaged ({problems[0]})")
        return connection


def _prepare_writing(connection: apsw.Connection, path: Path) -> int:
    """Make commits durable, and check whose database it is. Returns its format."""
    if connection.pragma("journal_mode", "wal") != "wal":
        raise StoreError(f"{path} cannot keep a write-ahead log", hint="move the store to a local disk")
    connection.pragma("synchronous", "full")
    connection.pragma("fullfsync", 1)
    connection.pragma("checkpoint_fullfsync", 1)
    return _check_ours(connection, path)


def open_reader(layout: Layout) -> apsw.Connection | None:
    """Open the database for reading; None if there is none yet. Works in a folder that cannot be written."""
    if not there(layout.db):
        return None
    with mapped(layout.db):
        try:
            connection = _connect(layout.db, apsw.SQLITE_OPEN_READONLY)
            _check_ours(connection, layout.db)
        except (apsw.CantOpenError, apsw.ReadOnlyError):
            # A log that is read needs its index, which cannot be made in such a folder. Without a log the file alone is
            # the whole truth, and nobody can change it there.
            log = Path(f"{layout.db}-wal")
            if os.access(layout.root, os.W_OK) or (log.exists() and log.stat().st_size):
                raise
            connection = _connect(layout.db, apsw.SQLITE_OPEN_READONLY, immutable=True)
            _check_ours(connection, layout.db)
        return connection


def _connect(path: Path, flags: int, *, immutable: bool = False) -> apsw.Connection:
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < _SQLITE_MIN:
        raise StoreError(
            f"SQLite {apsw.sqlite_lib_version()} can lose data; the store needs 3.51.3", hint="pip install -U apsw"
        )
    name = str(path)
    if immutable:
        name = f"{path.as_uri()}?immutable=1"
        flags |= apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(name, flags=flags | apsw.SQLITE_OPEN_NOFOLLOW)
    connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
    for switch, on in (
        (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
        (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
        (apsw.SQLITE_DBCONFIG_DQS_DML, 0),
        (apsw.SQLITE_DBCONFIG_DQS_DDL, 0),
    ):
        connection.config(switch, on)
    connection.pragma("cell_size_check", 1)
    return connection


def _check_ours(connection: apsw.Connection, path: Path) -> int:
    """Refuse a database whose format or schema is not exactly one that we wrote. Returns its format."""
    version = connection.pragma("user_version")
    if connection.pragma("application_id") != _APPLICATION_ID:
        raise _damaged(path, "is not a store's database")
    if version not in _SCHEMAS:
        raise StoreError(
            f"{path} has format {version}; this version of dagcontent knows format {_USER_VERSION}",
            hint="upgrade dagcontent, or name another store with --store",
        )
    rows = fetch(connection, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    if dict(rows) != _SCHEMAS[version]:
        raise _damaged(path, "does not have the tables of a store")
    return int(version)


def fetch(connection: apsw.Connection, query: str, bindings: tuple[apsw.SQLiteValue, ...] = ()) -> list[Any]:
    """Return all rows of a query, each a tuple of what its STRICT columns hold. Leaves no read transaction open."""
    return connection.execute(query, bindings).fetchall()


def integrity_problems(connection: apsw.Connection, *, full: bool) -> list[str]:
    """Return what SQLite finds wrong with the file's structure; an empty list if nothing."""
    pragma = "PRAGMA integrity_check(100)" if full else "PRAGMA quick_check(1)"
    try:
        rows = [str(row[0]) for row in connection.execute(pragma)]
    except REFUSALS as error:
        return [str(error)]
    return [] if rows == ["ok"] else rows


def _damaged(path: Path, what: str) -> StoreDamaged:
    return StoreDamaged(
        f"{path} {what}",
        hint="dagcontent store verify says what is left; to begin anew, move the store's folder away",
    )


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Let only our own errors out of a block that speaks to SQLite and the file system."""
    try:
        yield
    except REFUSALS as error:
        raise store_error_of(error, path) from error
    except OSError as error:
        raise store_error(error, path) from error


_BUSY: Final = (apsw.BusyError, apsw.LockedError, apsw.ProtocolError)
# SQLError: our statements are fixed and tested, so SQLite can only misunderstand them where the schema is damaged.
_DAMAGED: Final = (
    apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.MismatchError, apsw.EmptyError, apsw.SQLError,
)  # fmt: skip
_PLACE: Final = (
    apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.AuthError, apsw.NoLFSError,
    apsw.NoMemError, apsw.TooBigError, apsw.InterruptError, apsw.AbortError,
)  # fmt: skip


REFUSALS: Final = (apsw.Error, UnicodeDecodeError)
"""What SQLite raises, and what a text column raises whose bytes were damaged."""


def store_error_of(error: Exception, path: Path, number: int = 0) -> DagcontentError:
    """Return SQLite's refusal in the words of the store; `number` is the system's error behind it, if known.

    What only a fault of ours can cause is an InternalError.
    """
    if isinstance(error, _BUSY):
        return StoreBusy(
            f"another process held {path} for more than {_BUSY_TIMEOUT_MS // 1000} s",
            hint="wait for the other build, or stop it",
        )
    if isinstance(error, apsw.FullError):
        return store_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), path)
    if isinstance(error, (*_DAMAGED, UnicodeDecodeError)):
        return _damaged(path, f"is damaged ({error})")
    if isinstance(error, apsw.IOError) and number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return store_error(OSError(number, os.strerror(number)), path)
    if isinstance(error, _PLACE):
        return StoreError(
            f"{path}: {error}", hint="check that the disk is healthy and that you may write there (store verify)"
        )
    return InternalError(f"{type(error).__name__}: {error}", hint="please report it")
