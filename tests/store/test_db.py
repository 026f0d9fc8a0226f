from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from dagcontent.errors import DagcontentError, InternalError, StoreBusy, StoreDamaged, StoreError, StoreFull
from dagcontent.store import Store, db, open_store
from dagcontent.values.record import Record

ALL = sorted({kind for kind in vars(apsw).values() if isinstance(kind, type) and issubclass(kind, apsw.Error)}, key=str)

EXPECTED = {
    StoreBusy: {"BusyError", "LockedError", "ProtocolError"},
    StoreFull: {"FullError"},
    StoreDamaged: {"CorruptError", "NotADBError", "FormatError", "MismatchError", "EmptyError", "SQLError"},
    StoreError: {
        "IOError", "CantOpenError", "ReadOnlyError", "PermissionsError", "AuthError", "NoLFSError", "NoMemError",
        "TooBigError", "InterruptError", "AbortError",
    },
    InternalError: {
        "Error", "BindingsError", "ConnectionClosedError", "ConnectionNotClosedError", "ConstraintError",
        "CursorClosedError", "ExecTraceAbort", "ExecutionCompleteError", "ExtensionLoadingError", "ForkingViolationError",
        "IncompleteExecutionError", "InternalError", "InvalidContextError", "MisuseError", "NoFTS5Error", "NotFoundError",
        "RangeError", "SchemaChangeError", "ThreadingViolationError", "VFSFileClosedError",
        "VFSNotImplementedError",
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_of_the_database_has_been_thought_of(kind: type[apsw.Error]) -> None:
    """A new one in a later release fails here, and not as a traceback on a user's screen."""
    error = db.store_error_of(kind("said"), Path("/store.db"))
    assert kind.__name__ in EXPECTED[type(error)]
    assert isinstance(error, DagcontentError)
    assert error.hint


def test_a_full_disk_is_told_from_a_broken_one() -> None:
    """Both come as an I/O error; only one of them is mended by deleting things."""
    for number, kind in {
        errno.ENOSPC: StoreFull,
        errno.EDQUOT: StoreFull,
        errno.EIO: StoreError,
        0: StoreError,
    }.items():
        assert type(db.store_error_of(apsw.IOError("x"), Path("/store.db"), number)) is kind


def test_commits_are_on_disk_when_they_return(store: Store) -> None:
    """The promise rests on three settings, so they are looked at."""
    connection = db.open_writer(store.layout)
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    assert tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) >= (3, 51, 3)
    connection.close()


def test_an_older_sqlite_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can lose pages when two processes reset the log at once."""
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")
    with pytest.raises(StoreError, match="can lose data"):
        db.open_reader(store.layout)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"no database at all" * 300,
        lambda data: data[:100] + bytes(len(data) - 100),
        lambda data: data[:1000],
        lambda data: data[:68] + b"WRNG" + data[72:],
    ],
)
def test_a_database_that_is_none_is_one_clear_error(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Never a traceback, never a silent new one in its place; blobs can still be verified."""
    with open_store(tmp_path / "store") as store:
        store.cas.put_bytes(b"x")
    path = tmp_path / "store" / "store.db"
    data = damage(path.read_bytes())
    path.write_bytes(data)
    for write in (False, True):
        with open_store(tmp_path / "store", write=write) as store:
            with pytest.raises(StoreDamaged) as caught:
                store.get("ab" * 32)
            assert caught.value.hint
            report = store.verify()
            assert not report.ok
            assert report.problems[0].what == "database"
            assert report.blobs == 1
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM claim; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP INDEX run_by_graph",
        "CREATE TABLE more (x)",
    ],
)
def test_a_database_with_another_schema_is_refused(tmp_path: Path, statement: str) -> None:
    """A trigger in a store that somebody prepared would run with every commit of ours."""
    open_store(tmp_path / "store").close()
    connection = apsw.Connection(str(tmp_path / "store" / "store.db"))
    connection.execute(statement)
    connection.close()
    with open_store(tmp_path / "store") as store, pytest.raises(StoreDamaged):
        store.get("ab" * 32)


def test_a_newer_database_asks_for_an_upgrade(tmp_path: Path) -> None:
    """Not damage: the way on is another version of us."""
    open_store(tmp_path / "store").close()
    connection = apsw.Connection(str(tmp_path / "store" / "store.db"))
    connection.pragma("user_version", 4)
    connection.close()
    with open_store(tmp_path / "store") as store, pytest.raises(StoreError, match="format 3"):
        store.get("ab" * 32)


def test_the_log_of_a_removed_database_is_not_played_into_a_new_one(
    tmp_path: Path, make_record: Callable[..., Record]
) -> None:
    """SQLite cannot tell whose log it finds."""
    with open_store(tmp_path / "store") as store:
        store.put(make_record(1)).result()
        log = tmp_path / "store" / "store.db-wal"
        kept = log.read_bytes()
    assert kept
    (tmp_path / "store" / "store.db").unlink()
    log.write_bytes(kept)
    with open_store(tmp_path / "store") as store:
        assert store.get(make_record(1).key) is None
        assert store.verify().ok


def test_a_database_that_another_process_holds_is_an_error_after_a_while(
    store: Store, monkeypatch: pytest.MonkeyPatch, make_record: Callable[..., Record]
) -> None:
    """Bounded and loud; and the next attempt works."""
    monkeypatch.setattr(db, "_BUSY_TIMEOUT_MS", 1)
    other = apsw.Connection(str(store.layout.db))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="another process held"):
        store.put(make_record(1)).result()
    other.execute("ROLLBACK")
    other.close()
    assert store.put(make_record(1)).result() == make_record(1)


READ_ONLY = """
import encodings.ascii, os, shutil, sqlite3, sys
from pathlib import Path
from dagcontent.errors import StoreError
from dagcontent.store import nopickle, open_store, stats, verify
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
root = Path(sys.argv[1])
with open_store(root, write=False) as store:
    assert store.get(sys.argv[2]).key == sys.argv[2]
    assert store.family("text.generate", "local/outline")
    assert not store.write_memo("g", b"x", generation=store.generation())
    assert store.side.get_many(["x"]) == {}
    assert not store.side.set_many({"x": b"y"})
    assert store.verify().ok
try:
    with open_store(root) as store:
        store.start_run("g", now_ms=1)
except StoreError as error:
    assert error.hint, error
    print("refused")
"""


@pytest.mark.slow
def test_a_store_that_cannot_be_written_can_be_read(make_record: Callable[..., Record]) -> None:
    """`plan` works from a read-only disk; `build` says at once that it cannot."""
    base = Path(tempfile.mkdtemp(prefix="dagcontent-test-"))  # pytest's own folders are closed to other users
    root = base / "store"
    with open_store(root) as store:
        store.put(make_record(1)).result()
    paths = [root, *root.rglob("*")]
    if os.geteuid() == 0:  # root may write everywhere, so somebody else has to try
        for path in paths:
            os.lchown(path, 65534, 65534)
        base.chmod(0o755)
    for path in paths:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(root), make_record(1).key],
            capture_output=True, text=True, check=False, cwd="/", env={"PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
        assert done.stdout == "refused\n", done.stderr
        assert not list(root.glob("store.db-*"))
    finally:
        for path in paths:
            path.chmod(0o700)
        shutil.rmtree(base)
