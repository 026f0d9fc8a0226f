"""Turn one folder into the durable history of all builds. Knows no graph, no vendor and no event loop.

`open_store(root)` for builds; `open_store(root, write=False)` for what only looks: it changes nothing, needs no right to
write, and a store that is not there is an empty one. Reading is answered at once, by the caller's thread; writing returns
a `Pending` that is done once it is committed: that survives the death of the process, and a loss of power as soon as the log is synced (`put`). Methods may be called from any thread.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import apsw

from dagcontent.errors import InternalError, StoreBusy, StoreDamaged, StoreError
from dagcontent.store import db, history, maps, memo, records, runs
from dagcontent.store.attempts import Attempts
from dagcontent.store.cas import BlobDamaged, Cas
from dagcontent.store.disk import shared_by_writers, there
from dagcontent.store.layout import FORMAT_VERSION, Layout, examine, prepare, write_format
from dagcontent.store.side import SideCache
from dagcontent.store.spool import Ballast, Spool
from dagcontent.store.standing import Standing, standing
from dagcontent.store.writer import Pending, Work, Writer
from dagcontent.values.record import Record
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from dagcontent.store.gc import Collected
    from dagcontent.store.stats import StoreStats
    from dagcontent.store.verify import Progress, Report

__all__ = ["Store", "open_store"]

T = TypeVar("T")


def _no_crash(_point: str) -> None:
    """Do nothing: tests pass a function that ends the process instead."""


def _no_progress(_what: str, _done: int, _total: int) -> None:
    """Do nothing."""


def open_store(root: Path, *, write: bool = True, crashpoint: Callable[[str], None] = _no_crash) -> Store:
    """Open a store. With `write` it is made if it is not there. Raises StoreError and its branches.

    `crashpoint` is called with a name before each step that a crash could tear from the next one.
    """
    if not write:
        return Store(examine(root), crashpoint=crashpoint)
    layout = prepare(root, crashpoint=crashpoint)
    if there(Path(f"{layout.db}-new")):
        from dagcontent.store.rebuild import finish  # noqa: PLC0415 - after a crash only

        finish(layout, crashpoint=crashpoint)
    db.create(layout, crashpoint=crashpoint)
    if layout.format < FORMAT_VERSION:
        with contextlib.suppress(StoreDamaged):  # told by the first question; until then `verify` can be asked
            db.migrate(layout, crashpoint=crashpoint)
            write_format(layout)
    return Store(layout, crashpoint=crashpoint)


class Store:
    """Records, blobs, claims, runs, last builds, outputs and memos of one folder. Close it, or use it as a context."""

    def __init__(self, layout: Layout, *, crashpoint: Callable[[str], None] = _no_crash) -> None:
        self.layout = layout
        self.crashpoint = crashpoint
        self.cas = Cas(layout, crashpoint=crashpoint)
        self.ballast = Ballast(layout.ballast)
        self.spool = Spool(layout, self.ballast)
        self.attempts = Attempts(self)
        self._read_lock = threading.Lock()
        self._reader: apsw.Connection | None = None
        self._cursor: apsw.Cursor | None = None
        self._shared_lock, torn = (
            shared_by_writers(layout.lock, Path(f"{layout.db}-wal")) if layout.writable else (-1, False)
        )
        self._writer = Writer(
            lambda: db.open_writer(layout, torn=torn),
            lambda error, number: db.store_error_of(error, layout.db, number),
            crashpoint=crashpoint,
        )
        self.side = SideCache(layout.side if layout.exists else None)
        self._snapshots: dict[tuple[str, str], history.Snapshot] = {}
        self._runs: list[runs.Run] = []

    @property
    def root(self) -> Path:
        """The store's folder."""
        return self.layout.root

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Commit what is queued and let go of everything. Runs that were not finished count as dead. May be called twice."""
        self._writer.close()
        if self.layout.writable:
            self.ballast.close()
        self.side.close()
        with self._read_lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = self._cursor = None
        for run in self._runs:
            run.unlock()
        self._runs.clear()
        if self._shared_lock >= 0:
            os.close(self._shared_lock)
            self._shared_lock = -1

    def flush(self) -> None:
        """Wait until everything queued before is committed."""
        self._writer.flush()

    # --- records

    def get(self, key: str) -> Record | None:
        """Return a key's record. Raises StoreDamaged only if it was paid for and cannot be read."""
        # Asked once for every node of a graph: one cursor, and no work that a plan of 100,000 would feel.
        with self._read_lock:
            cursor = self._cursor
            if cursor is None and (cursor := self._open_reader()) is None:
                return None
            try:
                return records.find(cursor, bytes.fromhex(key), self.cas)
            except db.REFUSALS as error:
                raise db.store_error_of(error, self.layout.db) from error

    def put(self, record: Record) -> Pending[Record]:
        """Commit a record and end its claim; the record that holds is the first that was committed for the key.

        Its blobs must be in the CAS before. A free record whose blobs are gone is replaced.
        """
        row = records.row_of(record, self.cas)

        def work(connection: apsw.Connection) -> Record:
            winner, replaced = records.insert(connection, record, row, self.cas)
            if replaced:
                self.layout.change_generation()
            return winner

        # Durability follows money: what was free is synced with its neighbours, what was paid for at once.
        return self.write(work, durable=record.cost_microusd > 0, soon=True)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read everything inside the block as it is now: faster for many, and blind to what is committed meanwhile.

        Not to be nested, and not for a block that waits: the log cannot be shortened while it is open.
        """
        self.read(lambda connection: connection.execute("BEGIN"), None)
        try:
            yield
        finally:
            self.read(lambda connection: connection.execute("COMMIT"), None)

    def missing_blobs(self, record: Record) -> list[Blob]:
        """Return the artifacts of a record that are not in place; empty if it can be used. One `stat` each."""
        return records.missing_blobs(record, self.cas)

    def family(self, kind: str, model: str, limit: int = 100) -> list[Record]:
        """Return the newest records of a kind and model, newest first."""
        return self.read(lambda connection: records.family(connection, kind, model, limit, self.cas), [])

    def find(self, key: str) -> Record | None:
        """Return a key's record if it can be used: its blobs are there. Their bytes are looked at when they are used.

        Raises StoreDamaged if the record was paid for and cannot be used.
        """
        record = self.get(key)
        if record is None:
            return None
        missing = records.missing_blobs(record, self.cas)
        if not missing:
            return record
        if self.read(lambda one: records.was_paid(one, bytes.fromhex(key), record.cost_microusd), empty=True):
            raise BlobDamaged(missing[0].digest, missing=True, detail="was paid for and is missing")
        return None

    def standing(self, key: str) -> Standing | None:
        """Return what stands between a key and a purchase, or None: then its record can be used, or it may be made."""
        return self.read(lambda connection: standing(connection, bytes.fromhex(key), self.cas), None)

    # --- runs and claims

    def start_run(self, graph: str, *, now_ms: int, profile: str = "", epoch: str | None = None) -> runs.Run:
        """Begin a run; its claims live as long as this process. `epoch` as `open_epoch` gives it."""
        kept = self.open_epoch(graph, profile) if epoch is None else epoch
        run = runs.lock_run(self.layout.runs, runs.new_run_id(now_ms), graph, kept)
        self._runs.append(run)
        self.write(lambda connection: runs.begin(connection, run, profile, now_ms), durable=False).result()
        self.attempts.log_paid()
        return run

    def finish_run(
        self, run: runs.Run, status: str, counts: Mapping[str, int], *, now_ms: int, rows: dict[str, str] | None = None
    ) -> None:
        """End a run: its claims are free. After the status "ok" the next `open_epoch` of its graph is another one.

        `rows` are the keys that instances have now; the caller must not change them any more.
        """

        def work(connection: apsw.Connection) -> None:
            runs.end(connection, run, status, counts, now_ms)
            if rows is not None:
                maps.keep(connection, run.id, rows)

        try:
            self.write(work).result()
        finally:
            run.unlock()
            with contextlib.suppress(ValueError):
                self._runs.remove(run)

    def open_epoch(self, graph: str, profile: str = "") -> str:
        """Return the epoch of the last run of a graph with a profile if that did not finish, else a new one."""
        kept = self.read(lambda connection: runs.open_epoch(connection, graph, profile), None)
        return kept if kept is not None else secrets.token_hex(8)

    def claim_many(self, keys: Iterable[str], run: runs.Run) -> Pending[list[runs.Claim]]:
        """Claim keys for a run, all at once. Look a won key up again: `Claim.recorded` tells of those that are there."""
        wanted = list(keys)

        def work(connection: apsw.Connection) -> list[runs.Claim]:
            def usable(key: bytes) -> bool:
                there = records.look(connection, key, self.cas)
                return there is not None and there.usable

            return runs.claim(connection, self.layout.runs, wanted, run.id, usable=usable)

        return self.write(work, durable=False)

    def release(self, keys: Iterable[str], run: runs.Run) -> Pending[None]:
        """Give claims up without a record. Those of committed records end by themselves."""
        wanted = list(keys)
        return self.write(lambda connection: runs.release(connection, wanted, run.id), durable=False)

    def claim_holder(self, key: str) -> str | None:
        """Return the living run that claims a key."""
        run = self.read(lambda connection: runs.holder(connection, key), None)
        return run if run is not None and runs.alive(self.layout.runs, run) else None

    def run_alive(self, run_id: str) -> bool:
        """Tell whether the process of a run still lives and did not finish it."""
        return runs.alive(self.layout.runs, run_id)

    # --- last builds and outputs

    def last_build(self, graph: str, profile: str = "") -> dict[str, str]:
        """Return instance -> key of a graph's last build; empty if there was none. The caller must not change it."""
        snapshot = self.read(lambda connection: history.load(connection, graph, profile), None)
        if snapshot is None:
            return {}
        self._snapshots[graph, profile] = snapshot
        return snapshot.rows

    def set_last_build(self, graph: str, profile: str, rows: dict[str, str]) -> Pending[None]:
        """Store instance -> key; the caller must not change `rows` any more. Little is written if little changed."""
        if (graph, profile) not in self._snapshots:
            self.last_build(graph, profile)
        known = self._snapshots.get((graph, profile))
        if known is not None and known.rows == rows:
            return Pending.of(None)

        def work(connection: apsw.Connection) -> None:
            self._snapshots[graph, profile] = history.save(connection, graph, profile, rows, known)

        return self.write(work)

    def run_map(self, run: str) -> dict[str, str] | None:
        """Return instance -> key as a run left it; None where that was not written down. Raises StoreDamaged if it cannot be read."""
        return self.read(lambda connection: maps.of_run(connection, run), None)

    def outputs(self, graph: str) -> dict[str, history.Output]:
        """Return path -> what was written there for a graph."""
        return self.read(lambda connection: history.outputs(connection, graph), {})

    def record_outputs(self, graph: str, written: Mapping[str, history.Output]) -> Pending[None]:
        """Remember outputs as they were just written."""
        return self.write(lambda connection: history.record_outputs(connection, graph, written))

    def forget_outputs(self, graph: str, paths: Iterable[str]) -> Pending[None]:
        """Forget outputs that are no longer a graph's."""
        gone = list(paths)
        return self.write(lambda connection: history.forget_outputs(connection, graph, gone))

    # --- memo

    def generation(self) -> str:
        """Return a token that changes whenever anything is removed from the store or replaced in it."""
        return self.layout.read_generation()

    def read_memo(self, graph: str) -> bytes | None:
        """Return a graph's memo if nothing was removed from the store since it was made."""
        return memo.read_memo(self.layout.memo, graph, self.generation())

    def write_memo(self, graph: str, body: bytes, *, generation: str) -> bool:
        """Keep a graph's memo, made under a generation that was read before the build. False if it cannot be kept."""
        return memo.write_memo(self.layout.memo, self.layout.tmp, graph, generation, body)

    # --- the whole

    def stats(self) -> StoreStats:
        """Return how much the store holds. Walks all blobs."""
        from dagcontent.store.stats import gather  # noqa: PLC0415 - no build needs it

        return gather(self.layout, self._connection())

    def verify(self, *, repair: bool = False, on_progress: Progress | None = None) -> Report:
        """Look at every record and every byte; see `verify`. With `repair`, set aside what is wrong and was free."""
        from dagcontent.store import verify  # noqa: PLC0415 - no build needs it

        progress = on_progress if on_progress is not None else _no_progress
        self._writer.flush()
        try:
            connection = self._connection()
        except StoreBusy:
            raise
        except StoreError as error:
            report = verify.check(self.layout, self.cas, None, progress)
            report.problems.insert(0, verify.Problem("database", str(self.layout.db), error.message))
            return report
        report = verify.check(self.layout, self.cas, connection, progress)
        if repair and self.layout.writable:
            for problem in filter(verify.repairable, report.problems):
                self.layout.change_generation()
                self.write(partial(verify.drop_records, layout=self.layout, keys=problem.keys)).result()
                verify.set_aside(self.cas, problem)
                self.layout.change_generation()
                report.repaired.append(problem.subject)
            self._mend(report)
        if self._shared_lock >= 0:
            report.swept += verify.sweep(self.layout, self._shared_lock)
        return report

    def collect(self, *, now_ms: int, dry_run: bool = False, include_paid: bool = False) -> Collected:
        """Take away what nothing needs; see `gc`. Raises StoreDamaged if what is needed cannot be told."""
        from dagcontent.store import gc  # noqa: PLC0415 - no build needs it

        self._writer.flush()
        with db.mapped(self.layout.db):
            return gc.collect(self.layout, self.cas, self._connection(), shared_lock=self._shared_lock, now_ms=now_ms,
                              dry_run=dry_run, include_paid=include_paid)  # fmt: skip

    def _mend(self, report: Report) -> None:
        from dagcontent.store import verify_paid  # noqa: PLC0415 - as `verify`

        verify_paid.clear_leftovers(self.layout, report.leftovers)
        if report.unlogged:
            self.write(lambda connection: verify_paid.mend_ledger(connection, report.unlogged)).result()
            self.attempts.log_paid()
            self.flush()
            report.repaired += report.unlogged

    # --- inside

    def _connection(self) -> apsw.Connection | None:
        """Return a connection of its own for what takes long."""
        return db.open_reader(self.layout) if self.layout.exists else None

    def read(self, work: Work[T], empty: T) -> T:
        """Ask the database through the one reader; `empty` if there is none. For the parts of the store."""
        with self._read_lock:
            if (self._cursor or self._open_reader()) is None or self._reader is None:
                return empty
            try:
                return work(self._reader)
            except db.REFUSALS as error:
                raise db.store_error_of(error, self.layout.db) from error

    def _open_reader(self) -> apsw.Cursor | None:
        self._reader = db.open_reader(self.layout) if self.layout.exists else None
        self._cursor = self._reader.cursor() if self._reader is not None else None
        return self._cursor

    def write(self, work: Work[T], *, durable: bool = True, soon: bool = False) -> Pending[T]:
        """Queue work for the one writer. For the parts of the store."""
        if not self.layout.writable:
            raise InternalError("a store that was opened for reading was asked to write")
        return self._writer.submit(work, durable=durable, soon=soon)
