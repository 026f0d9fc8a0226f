from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagcontent.errors import InternalError, StoreBusy, StoreDamaged, StoreFull
from dagcontent.store import Pending
from dagcontent.store.db import store_error_of
from dagcontent.store.writer import BATCH_MAX, Work, Writer


class Gate:
    """A crash point that stops the writer before its first commit until it is opened, and counts what it passes."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()
        self.names: list[str] = []
        self.modes: list[int] = []

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if name == "db.before-commit":
            self.reached.set()
            self.open.wait(10)


def add(number: int) -> Work[int]:
    """Return work that adds a row."""

    def work(connection: apsw.Connection) -> int:
        connection.execute("INSERT INTO t VALUES (?)", (number,))
        return number

    return work


def make(path: Path, crashpoint: Callable[[str], None] = lambda _name: None) -> Writer:
    """Return a writer to a database with one table, whose clock stands still."""
    first = apsw.Connection(str(path))
    first.pragma("journal_mode", "wal")
    first.execute("CREATE TABLE IF NOT EXISTS t (x UNIQUE)")
    first.close()
    return Writer(
        lambda: apsw.Connection(str(path)),
        lambda error, number: store_error_of(error, path, number),
        crashpoint=crashpoint,
        monotonic=lambda: 0.0,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one table."""
    return tmp_path / "x.db"


def rows(path: Path) -> list[int]:
    """Return what is in the table."""
    return [row[0] for row in apsw.Connection(str(path)).execute("SELECT x FROM t ORDER BY rowid")]


def test_what_waits_shares_a_commit(path: Path) -> None:
    """Making a commit durable costs milliseconds, so it is shared by all that waited for the one before."""
    gate = Gate()
    writer = make(path, gate)
    first = writer.submit(add(0))
    assert gate.reached.wait(10)
    others = [writer.submit(add(number)) for number in range(1, 601)]
    gate.open.set()
    assert [one.result() for one in others] == list(range(1, 601))
    assert first.result() == 0
    assert writer.batches == 1 + 3  # 256 + 256 + 88
    assert -(-600 // BATCH_MAX) == 3
    assert rows(path) == list(range(601))
    writer.close()


def test_a_piece_that_fails_does_not_take_the_others_with_it(path: Path) -> None:
    """Callers share a commit, not a fate."""
    gate = Gate()
    writer = make(path, gate)
    writer.submit(add(0))
    assert gate.reached.wait(10)

    def damaged(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (99)")
        raise StoreDamaged("x")

    good = writer.submit(add(1))
    ours = writer.submit(damaged)
    theirs = writer.submit(add(1))
    last = writer.submit(add(2))
    gate.open.set()
    assert good.result() == 1
    with pytest.raises(StoreDamaged):
        ours.result()
    with pytest.raises(InternalError, match="Constraint"):
        theirs.result()
    assert last.result() == 2
    writer.close()
    assert rows(path) == [0, 1, 2]


def test_only_claims_skip_the_wait_for_the_disk(path: Path) -> None:
    """A batch with one durable piece is durable as a whole; without one it does not wait."""
    modes: list[tuple[str, int]] = []
    connection = apsw.Connection(str(path))
    writer = make(path)

    def seen(name: str) -> Work[None]:
        return lambda inside: modes.append((name, inside.pragma("synchronous")))

    writer.submit(seen("lazy"), durable=False).result()
    writer.submit(seen("durable")).result()
    writer.submit(seen("lazy"), durable=False).result()
    writer.close()
    connection.close()
    assert modes == [("lazy", 1), ("durable", 2), ("lazy", 1)]


def test_a_durable_piece_never_joins_a_batch_that_does_not_wait(path: Path) -> None:
    """It comes while claims are being committed: it must get a commit of its own."""
    modes: list[int] = []
    writer = make(path)
    inner: list[Pending[None]] = []

    def claims(connection: apsw.Connection) -> None:
        modes.append(connection.pragma("synchronous"))
        inner.append(writer.submit(lambda one: modes.append(one.pragma("synchronous"))))

    writer.submit(claims, durable=False).result()
    inner[0].result()
    writer.close()
    assert modes == [1, 2]


def test_a_commit_that_fails_is_told_to_all_who_waited_for_it(path: Path) -> None:
    """Nobody is told that something is durable which is not; and the writer goes on."""
    full = [True]

    def crashpoint(name: str) -> None:
        if name == "db.before-commit" and full[0]:
            raise apsw.FullError

    writer = make(path, crashpoint)
    with pytest.raises(StoreFull):
        writer.submit(add(1)).result()
    full[0] = False
    assert writer.submit(add(1)).result() == 1
    writer.close()
    assert rows(path) == [1]


def test_a_database_that_cannot_be_opened_is_told_to_each_caller(tmp_path: Path) -> None:
    """The thread lives on: a disk that was full may have room later."""
    attempts = []

    def connect() -> apsw.Connection:
        attempts.append(1)
        raise StoreFull("x")

    writer = Writer(connect, lambda error, _number: InternalError(str(error)), crashpoint=lambda _name: None)
    for _ in range(2):
        with pytest.raises(StoreFull):
            writer.submit(add(1)).result()
    writer.close()
    assert len(attempts) == 2


def test_closing_commits_what_is_queued(path: Path) -> None:
    """Nothing that was accepted is dropped; what comes later is refused, not forgotten."""
    writer = make(path)
    pending = [writer.submit(add(number)) for number in range(1000)]
    writer.close()
    writer.close()
    assert all(one.done for one in pending)
    assert rows(path) == list(range(1000))
    with pytest.raises(InternalError):
        writer.submit(add(1))


def test_a_writer_without_work_opens_nothing(path: Path) -> None:
    """A build with nothing to do starts no thread."""
    threads = threading.active_count()
    writer = make(path)
    writer.flush()
    writer.close()
    assert threading.active_count() == threads


def test_a_forked_child_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that crosses a fork loses data."""
    writer = make(path)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(InternalError, match="fork"):
        writer.submit(add(1))


def test_callbacks_come_once_before_or_after(path: Path) -> None:
    """The event loop is woken whether it asks early or late, and a caller that is gone does not stop the writer."""
    gate = Gate()
    writer = make(path, gate)
    pending = writer.submit(add(1))
    heard: list[int] = []
    pending.when_done(lambda one: heard.append(one.result()))
    assert heard == []
    gate.open.set()
    writer.flush()
    pending.when_done(lambda one: heard.append(one.result()))
    assert heard == [1, 1]
    writer.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_callback_that_raises_does_not_end_the_writer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event loop that was closed meanwhile is its own caller's affair."""
    said: list[object] = []
    monkeypatch.setattr(threading, "excepthook", said.append)
    gate = Gate()
    writer = make(path, gate)
    pending = writer.submit(add(1))

    def gone(_pending: Pending[int]) -> None:
        raise RuntimeError("Event loop is closed")

    pending.when_done(gone)
    gate.open.set()
    assert writer.submit(add(2)).result() == 2
    assert len(said) == 1
    writer.close()


def test_waiting_can_be_limited() -> None:
    """A caller may give up waiting; what it waited for is not lost by that."""
    pending: Pending[int] = Pending()
    with pytest.raises(TimeoutError):
        pending.result(timeout_s=0.001)
    pending.resolve(1, None)
    assert pending.result(timeout_s=0) == 1
    assert Pending.of(2).result() == 2


@settings(max_examples=min(150, settings().max_examples))  # each makes a database
@given(plan=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_any_mix_of_pieces_is_committed_in_order(
    tmp_path_factory: pytest.TempPathFactory, plan: list[tuple[bool, bool]]
) -> None:
    """Durable or not, failing or not: those that succeed are all there, in the order in which they came."""
    path = tmp_path_factory.mktemp("writer") / "x.db"
    writer = make(path)

    def fail(_connection: apsw.Connection) -> int:
        raise StoreDamaged("x")

    pending = [writer.submit(fail if bad else add(n), durable=durable) for n, (bad, durable) in enumerate(plan)]
    writer.close()
    for (bad, _), one in zip(plan, pending, strict=True):
        if bad:
            with pytest.raises(StoreDamaged):
                one.result()
    assert rows(path) == [n for n, (bad, _) in enumerate(plan) if not bad]


def test_a_writer_that_got_no_thread_refuses_and_gets_one_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without memory for a thread says so: nobody waits for a writer that never began."""

    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    writer = make(path)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        for _ in range(2):
            with pytest.raises(StoreBusy, match="can't start new thread"):
                writer.submit(add(0))
    assert writer.submit(add(1)).result(10) == 1
    writer.close()
    assert rows(path) == [1]
