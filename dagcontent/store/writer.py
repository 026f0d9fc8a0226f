"""Turn pieces of database work from many threads into few durable transactions. Knows no table.

One thread writes. It takes whatever waits (at most 256 pieces or 20 ms), runs it in one transaction, commits, and only
then tells the callers: the cost of making it durable is shared. A batch in which nothing must survive a loss of power is
committed without waiting for the disk. If a piece of work raises, the transaction is rolled back and the others
of its batch are run again one by one: work must therefore touch the database only.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import apsw

from dagcontent.errors import DagcontentError, InternalError, StoreBusy
from dagcontent.store.db import REFUSALS

__all__ = ["BATCH_MAX", "BATCH_MAX_S", "SYNC_EVERY_S", "Pending", "Work", "Writer"]

T = TypeVar("T")
Work = Callable[[apsw.Connection], T]

BATCH_MAX: Final = 256
BATCH_MAX_S: Final = 0.020
SYNC_EVERY_S: Final = 0.25  # how long a free result may be at the mercy of the power supply
_STATE = threading.Lock()  # held for a few instructions only, so one is enough for all


class Pending(Generic[T]):
    """What a piece of work will have returned once it is committed."""

    __slots__ = ("_callbacks", "_done", "_error", "_event", "_value")

    def __init__(self) -> None:
        self._done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._event: threading.Event | None = None
        self._callbacks: list[Callable[[Pending[T]], None]] = []

    @classmethod
    def of(cls, value: T) -> Pending[T]:
        """Return one that is done already."""
        pending: Pending[T] = cls()
        pending.resolve(value, None)
        return pending

    @property
    def done(self) -> bool:
        """Whether it is committed, or failed."""
        return self._done

    def result(self, timeout_s: float | None = None) -> T:
        """Wait for the commit and return what the work returned. Raises what it raised; TimeoutError."""
        if not self._done:
            with _STATE:
                if self._event is None:
                    self._event = threading.Event()
                    if self.done:
                        self._event.set()
                event = self._event
            if not event.wait(timeout_s):
                raise TimeoutError
        if self._error is not None:
            raise self._error
        value: T = self._value
        return value

    def when_done(self, callback: Callable[[Pending[T]], None]) -> None:
        """Call back once done, from the writer's thread; at once if it is done. The callback must not raise or wait."""
        with _STATE:
            if not self._done:
                self._callbacks.append(callback)
                return
        callback(self)

    def resolve(self, value: T | None, error: BaseException | None) -> None:
        """Settle it. For the writer only, once."""
        with _STATE:
            self._value, self._error, self._done = value, error, True
            callbacks, self._callbacks = self._callbacks, []
            event = self._event
        if event is not None:
            event.set()
        for callback in callbacks:
            try:
                callback(self)
            except Exception:  # noqa: BLE001 - a caller whose event loop is gone must not end the writer for the others
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))


class _Item:
    __slots__ = ("durable", "pending", "soon", "work")

    def __init__(self, work: Work[Any], pending: Pending[Any], *, durable: bool, soon: bool = False) -> None:
        self.work = work
        self.pending = pending
        self.durable = durable
        self.soon = soon


class Writer:
    """The one writer of a process. Its thread and its connection are made when there is something to write."""

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        map_error: Callable[[Exception, int], DagcontentError],
        *,
        crashpoint: Callable[[str], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._map_error = map_error
        self._crashpoint = crashpoint
        self._monotonic = monotonic
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._process = os.getpid()
        self._synchronous = "full"
        self._last_sync = 0.0
        self.batches = 0  # committed so far; for measuring

    def submit(self, work: Work[T], *, durable: bool = True, soon: bool = False) -> Pending[T]:
        """Queue a piece of work; pieces are committed in the order in which they were queued.

        With `durable` false it survives the death of the process but perhaps not a loss of power. With `soon` as well,
        that is so until the next durable commit, at most `SYNC_EVERY_S` while commits go on.
        """
        if os.getpid() != self._process:
            raise InternalError("the store was opened before a fork; open it in the child")
        pending: Pending[T] = Pending()
        with self._start_lock:
            if self._closed:
                raise InternalError("the store is closed")
            if self._thread is None:
                self._thread = _started(self._run)
            self._queue.put(_Item(work, pending, durable=durable, soon=soon))
        return pending

    def flush(self) -> None:
        """Wait until everything queued before is committed."""
        if self._thread is not None:
            self.submit(lambda _connection: None, durable=False).result()

    def close(self) -> None:
        """Commit what is queued and end the thread. May be called twice."""
        with self._start_lock:
            closed, self._closed = self._closed, True
        if not closed and self._thread is not None and os.getpid() == self._process:
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        connection: apsw.Connection | None = None
        carried: _Item | None = None
        while True:
            first = carried if carried is not None else self._queue.get()
            carried = None
            if first is None:
                break
            batch = [first]
            try:
                if connection is None:
                    connection = self._connect()
                    self._synchronous = "full"
            except DagcontentError as error:
                _settle_all(batch, error)
                continue
            carried = self._transact(connection, batch)
            if carried is not None and carried.work is _STOP:
                break
        if connection is not None:
            # Every commit was reported by now; if this fails the log is read again at the next start.
            with contextlib.suppress(apsw.Error):
                connection.close()

    def _transact(self, connection: apsw.Connection, batch: list[_Item]) -> _Item | None:
        """Run a batch that begins with one item and grows by what waits; return an item that has to go into the next."""
        carried = self._gather(batch, limit=BATCH_MAX)
        now = self._monotonic()
        due = now - self._last_sync >= SYNC_EVERY_S
        durable = any(item.durable or (due and item.soon) for item in batch)
        deadline = now + BATCH_MAX_S
        results: list[Any] = []
        try:
            self._begin(connection, durable=durable)
            done = 0
            while done < len(batch):
                results.append(batch[done].work(connection))
                done += 1
                if done == len(batch) and carried is None and done < BATCH_MAX and self._monotonic() < deadline:
                    carried = self._gather(batch, limit=done + 1, only_lazy=not durable)
        except Exception as error:  # noqa: BLE001 - whatever it is reaches the caller that it belongs to
            self._roll_back(connection)
            if len(batch) == 1:
                _settle_all(batch, self._mapped(error, connection))
            else:
                for item in batch:
                    self._transact_alone(connection, item)
            return carried
        try:
            self._commit(connection)
        except apsw.Error as error:
            self._roll_back(connection)
            _settle_all(batch, self._mapped(error, connection))
            return carried
        for item, result in zip(batch, results, strict=True):
            item.pending.resolve(result, None)
        return carried

    def _gather(self, batch: list[_Item], *, limit: int, only_lazy: bool = False) -> _Item | None:
        """Move what waits into the batch. Returns the item that stopped it: the end, or one that must be made durable."""
        while len(batch) < limit:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return None
            if item is None:
                return _Item(_STOP, Pending(), durable=False)
            if only_lazy and item.durable:
                return item
            batch.append(item)
        return None

    def _transact_alone(self, connection: apsw.Connection, item: _Item) -> None:
        try:
            self._begin(connection, durable=item.durable)
            result = item.work(connection)
            self._commit(connection)
        except Exception as error:  # noqa: BLE001 - whatever it is reaches the caller that it belongs to
            self._roll_back(connection)
            item.pending.resolve(None, self._mapped(error, connection))
        else:
            item.pending.resolve(result, None)

    def _begin(self, connection: apsw.Connection, *, durable: bool) -> None:
        wanted = "full" if durable else "normal"
        if wanted != self._synchronous:
            connection.pragma("synchronous", wanted)
            self._synchronous = wanted
        connection.execute("BEGIN IMMEDIATE")
        self._crashpoint("db.begin")

    def _commit(self, connection: apsw.Connection) -> None:
        self._crashpoint("db.before-commit")
        connection.execute("COMMIT")
        self.batches += 1
        if self._synchronous == "full":
            self._last_sync = self._monotonic()
        self._crashpoint("db.after-commit")

    @staticmethod
    def _roll_back(connection: apsw.Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    def _mapped(self, error: Exception, connection: apsw.Connection) -> Exception:
        return self._map_error(error, connection.system_errno) if isinstance(error, REFUSALS) else error


def _started(run: Callable[[], None]) -> threading.Thread:
    """Return a thread that runs. Raises StoreBusy where the system gives none: whoever asks later may get one."""
    thread = threading.Thread(target=run, name="dagcontent-store", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise StoreBusy(
            f"the store cannot write now: {error}",
            hint="close other programs, or raise the limit of processes (ulimit -u)",
        ) from error
    return thread


def _STOP(_connection: apsw.Connection) -> None:  # noqa: N802 - a mark, never called
    """Stand for the end of the queue where an item is expected."""


def _settle_all(batch: list[_Item], error: Exception) -> None:
    for item in batch:
        item.pending.resolve(None, error)
