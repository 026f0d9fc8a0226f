from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from oracle.power import State, states
from oracle.power_book import History, Judge, live

from dagcontent.store import cas, copy, db, open_store, paid, records, spool
from dagcontent.store.attempts import Attempts
from dagcontent.store.layout import prepare
from dagcontent.store.writer import Pending, Writer
from dagcontent.values.record import Record

IN_GATE = 6_000
EACH = 250
_MEMORY = Path("/dev/shm")  # noqa: S108 - thousands of little databases, each read once


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one; the operating system's own syncs are not what is tested."""
    if not _MEMORY.is_dir():
        yield tmp_path
        return
    made = _MEMORY / f"dagcontent-{tmp_path.parent.name}-{tmp_path.name}-{random.randbytes(4).hex()}"
    made.mkdir(mode=0o700)
    yield made
    shutil.rmtree(made)


@pytest.fixture(autouse=True)
def written_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes are copied, not shared between files: sharing is one step of the file system, and cannot tear."""
    monkeypatch.setattr(copy, "_clone", lambda *_: False)


def histories(folder: Path, count: int, each: int, start: int = 0) -> Iterator[tuple[History, State]]:
    """Yield `count` states after losses of power, `each` of them in one history."""
    for seed in range(start, start + count // each):
        history = live(folder / f"store-{seed}", seed)
        for state in states(history.recorder.ops, random.Random(seed), each):
            yield history, state
        shutil.rmtree(history.root)


def look(folder: Path, count: int, *, each: int = EACH, start: int = 0) -> list[str]:
    """Return what is wrong in some state of `count`; empty if nothing is."""
    judge = Judge(folder / "judge")
    for history, state in histories(folder, count, each, start):
        wrong = judge.broken(history, state)
        if wrong:
            return wrong
    assert judge.opened > judge.judged // 5, "most of these disks were alike"
    return []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_no_loss_of_power_takes_a_transaction_that_was_durable(folder: Path, part: int) -> None:
    """What may have been sent, and what was paid for, is in the database in its order, whatever part of it reached the disk."""
    assert look(folder, IN_GATE // 2, start=1_000 * part) == []


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(8))
def test_no_loss_of_power_takes_a_transaction_that_was_durable_a_million_times(folder: Path, part: int) -> None:
    """The same, for as long as there is patience."""
    assert look(folder, 125_000, start=10_000 + part * 1_000) == []


@pytest.mark.slow
def test_the_next_build_finds_the_whole_store_sound(folder: Path) -> None:
    """The files together are a store: it opens by the front door, and looking at every byte of it finds nothing wrong."""
    for number, (history, state) in enumerate(histories(folder, 60, 6, start=500)):
        if "created" not in state.promises:
            continue
        root = folder / f"left-{number}"
        prepare(root, crashpoint=lambda _point: None)
        for name, data in state.files.items():
            path = root / Path(name).relative_to(history.root)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        with open_store(root) as store:
            store.start_run("g", now_ms=1)
            assert [f"{one.what} {one.detail}" for one in store.verify().problems] == []
        shutil.rmtree(root)


# --- what the proof is worth: without any one sync, or any one order, something is lost


def synced_with_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction waits for the disk (`synchronous=NORMAL`)."""
    begin = Writer._begin
    monkeypatch.setattr(Writer, "_begin", lambda self, connection, *, durable: begin(self, connection, durable=False))


def never_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the disk, the copying of the log into the database neither (`synchronous=OFF`)."""

    def begin(self: Writer, connection: apsw.Connection, *, durable: bool) -> None:
        connection.pragma("synchronous", "off")
        connection.execute("BEGIN IMMEDIATE")

    monkeypatch.setattr(Writer, "_begin", begin)


def told_before_it_is_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a transaction goes on while it is still to be committed."""
    begin = Writer._begin

    def begun(self: Writer, connection: apsw.Connection, *, durable: bool) -> None:
        if connection.in_transaction:
            connection.execute("COMMIT")
        begin(self, connection, durable=durable)

    def left_open(self: Writer, connection: apsw.Connection) -> None:
        self._crashpoint("db.before-commit")

    monkeypatch.setattr(Writer, "_begin", begun)
    monkeypatch.setattr(Writer, "_commit", left_open)


def recorded_and_settled_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record, and the end of its attempt, are two transactions."""
    settle = Attempts._settle

    def apart(self: Attempts, attempt_id: str, record: Record, *rest: Any, **more: Any) -> Pending[Record]:
        row = records.row_of(record, self._desk.cas)
        self._desk.write(lambda connection: records.insert(connection, record, row, self._desk.cas)).result()
        return settle(self, attempt_id, record, *rest, **more)

    monkeypatch.setattr(Attempts, "_settle", apart)


def logged_after_its_intent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An intent goes to `paid.jsonl` when it can: the database may hold what the text does not."""
    monkeypatch.setattr(paid, "append", lambda _path, _lines: None)


def unsynced(module: Any, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Return a mutant in which one module leaves one kind of sync out."""

    def mutant(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, name, lambda _what: None)

    mutant.__name__ = f"without_{name}_in_{module.__name__.rpartition('.')[2]}"
    return mutant


MUTANTS = [
    synced_with_its_neighbours, never_synced, told_before_it_is_committed, recorded_and_settled_apart,
    logged_after_its_intent, unsynced(db, "fsync_dir"), unsynced(paid, "fsync_file"), unsynced(paid, "fsync_dir"),
    unsynced(cas, "fsync_file"), unsynced(cas, "fsync_dir"), unsynced(spool, "fsync_file"), unsynced(spool, "fsync_dir"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_without_any_one_of_these_something_is_lost(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Each sync, and each order, is there because some state needs it."""
    mutant(monkeypatch)
    assert look(folder, 3_000) != []
