from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from dagcontent.errors import StoreDamaged
from dagcontent.store import db, open_store
from dagcontent.store.db import has_attempts
from dagcontent.store.layout import examine
from dagcontent.store.records import row_of
from dagcontent.values.money import Cap
from dagcontent.values.record import Record

MakeRecord = Callable[..., Record]
NOW = 1_763_800_000_000


def format_1(root: Path, records: list[Record]) -> None:
    """Make a store as version 1 left it: its tables, its number, its FORMAT."""
    with open_store(root) as store:
        rows = [row_of(record, store.cas) for record in records]
    for end in ("", "-wal", "-shm"):
        Path(f"{root}/store.db{end}").unlink(missing_ok=True)
    for name in ("limits", "trash"):
        (root / name).rmdir()
    connection = apsw.Connection(str(root / "store.db"))
    connection.pragma("journal_mode", "wal")
    for statement in db._SCHEMA_1.values():
        connection.execute(statement)
    connection.pragma("application_id", 0x44414743)
    connection.pragma("user_version", 1)
    for row in rows:
        connection.execute(
            "INSERT INTO record (key, kind, model, cost_microusd, place, body, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.key, row.kind, row.model, row.cost_microusd, row.place, row.body, row.checksum),
        )
    connection.close()
    (root / "FORMAT").write_text("dagcontent store\nversion 1\nreadable-from 1\n")


def contents(root: Path) -> dict[Path, bytes]:
    """Return every file but those that SQLite makes to read a log."""
    files = (path for path in root.rglob("*") if path.is_file() and not path.name.startswith("store.db-"))
    return {path: path.read_bytes() for path in files}


def test_an_older_store_is_read_as_it_is(tmp_path: Path, make_record: MakeRecord) -> None:
    """`plan` changes nothing: not a byte, and there were no paid attempts in those days."""
    root = tmp_path / "store"
    records = [make_record(n, "x" * 20_000 * n) for n in range(3)]
    format_1(root, records)
    before = contents(root)
    with open_store(root, write=False) as store:
        assert [store.find(record.key) for record in records] == records
        assert store.attempts.blocking(records[0].key) is None
        assert store.attempts.get("x") is None
        assert store.attempts.list() == []
        assert store.attempts.find_id("0") == []
        assert store.attempts.spent(Cap("graph", "g", 1)) == (0, 0)
        assert store.standing(records[0].key) is None
        assert store.verify().ok
    assert before == contents(root)
    assert examine(root).format == 1


def test_an_older_store_is_brought_along_when_it_is_written(tmp_path: Path, make_record: MakeRecord) -> None:
    """Nothing of it changes but the table that is new; an older version of us is then told to upgrade."""
    root = tmp_path / "store"
    format_1(root, [make_record(1)])
    reader = open_store(root, write=False)
    assert reader.attempts.list() == []
    with open_store(root) as store:
        assert store.find(make_record(1).key) == make_record(1)
        assert store.verify().ok
        store.start_run("g", now_ms=NOW)
    assert examine(root).format == 3
    assert reader.attempts.list() == []  # now from the new table
    reader.close()
    connection = apsw.Connection(str(root / "store.db"))
    assert connection.pragma("user_version") == 3
    assert dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")) == db._SCHEMAS[3]
    connection.close()


def test_a_database_that_was_put_back_from_an_older_time_is_brought_along(
    tmp_path: Path, make_record: MakeRecord
) -> None:
    """The folder's FORMAT is not proof of what is in it."""
    root = tmp_path / "store"
    format_1(root, [make_record(1)])
    (root / "FORMAT").write_text("dagcontent store\nversion 2\nreadable-from 2\n")
    with open_store(root) as store:
        assert store.attempts.list() == []
        store.put(make_record(2)).result()
        assert store.attempts.list() == []
        assert store.read(has_attempts, empty=False)


def test_a_damaged_older_store_can_still_be_opened_and_verified(tmp_path: Path, make_record: MakeRecord) -> None:
    """What is wrong is said by the first question, and stays as it was."""
    root = tmp_path / "store"
    format_1(root, [make_record(1)])
    (root / "store.db").write_bytes(b"no database" * 1000)
    with open_store(root) as store:
        with pytest.raises(StoreDamaged):
            store.get(make_record(1).key)
        assert not store.verify().ok
    assert examine(root).format == 1


CHILD = """
import os, signal, sys
from pathlib import Path
from dagcontent.store import open_store
def crashpoint(name):
    if name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
open_store(Path(sys.argv[1]), crashpoint=crashpoint).close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("point", ["db.migrating", "db.before-migrated", "db.migrated"])
def test_a_kill_while_a_store_is_brought_along_leaves_the_old_one_or_the_new_one(
    tmp_path: Path, make_record: MakeRecord, point: str
) -> None:
    """And the next opening finishes it."""
    root = tmp_path / "store"
    format_1(root, [make_record(1)])
    argv = [sys.executable, "-c", CHILD, str(root), point]
    done = subprocess.run(argv, env={"PYTHONPATH": ":".join(sys.path)}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert examine(root).format == 1
    for write in (False, True, False):
        with open_store(root, write=write) as store:
            assert store.find(make_record(1).key) == make_record(1)
            assert store.attempts.list() == []
            assert store.verify().ok
    assert examine(root).format == 3
