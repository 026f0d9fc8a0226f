"""Turn a whole store into a report of what is not as it was written. Knows no graph.

Looks at everything: the database's structure, every record (it decodes, its key is its manifest's, its blobs are there),
every blob (its bytes hash to its name). Changes nothing unless asked to repair, and then removes nothing that is good and
nothing that was paid for (`verify_paid` looks at the journal of that): a wrong blob goes to quarantine, a free record that cannot be used any more is dropped, so that its result is
made again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import apsw
import msgspec

from dagcontent.errors import DagcontentError, StoreDamaged
from dagcontent.store.cas import BlobDamaged, Cas, is_digest
from dagcontent.store.copy import hash_file
from dagcontent.store.db import REFUSALS, fetch, has_attempts, integrity_problems
from dagcontent.store.disk import OPEN_SAFELY
from dagcontent.store.layout import Layout
from dagcontent.store.problem import Problem
from dagcontent.store.records import IN_CAS, blobs_of, evidence_of, read_row, was_paid
from dagcontent.store.runs import alive
from dagcontent.store.stats import blob_files
from dagcontent.store.verify_paid import Ledger, check_ledger
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import MANIFEST_FORMAT, FailedCharged, Record, action_key
from dagcontent.values.value import blobs_in

__all__ = ["Problem", "Progress", "Report", "check", "sweep"]

Progress = Callable[[str, int, int], None]
"""(what is looked at, done, of how many)"""

_PAGE: Final = 500


class Report(msgspec.Struct):
    """What was looked at and what was found. Orphans are blobs that no record names: allowed, and listed.

    `leftovers` are files of the spool that are of no use any more; `unlogged` purchases that `paid.jsonl` lost.
    """

    records: int = 0
    attempts: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    problems: list[Problem] = []
    orphans: list[str] = []
    orphan_bytes: int = 0
    swept: list[str] = []
    leftovers: list[str] = []
    unlogged: list[str] = []
    repaired: list[str] = []

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong (any more: what was repaired is not counted)."""
        return len(self.repaired) >= len(self.problems)


class _Needed:
    """What the records say of one blob."""

    __slots__ = ("keys", "paid", "size")

    def __init__(self, size: int | None) -> None:
        self.size = size
        self.keys: list[str] = []
        self.paid = False


class _Check:
    def __init__(self, layout: Layout, cas: Cas, progress: Progress) -> None:
        self.layout = layout
        self.cas = cas
        self.progress = progress
        self.report = Report()
        self.needed: dict[str, _Needed] = {}
        self.ledger = Ledger()
        self.named: set[str] = set()  # inputs of manifests: no orphans, but their absence is no fault

    def records(self, connection: apsw.Connection) -> None:
        total = fetch(connection, "SELECT count(*) FROM record")[0][0]
        for key, kind, model, cost, place, body, check in _pages(connection):
            self.report.records += 1
            types = tuple(type(one) for one in (key, kind, model, cost, place, body, check))
            if types != (bytes, str, str, int, int, bytes, bytes):
                self.report.problems.append(
                    Problem("database", str(self.layout.db), f"row of key {key!r} has other types")
                )
                continue
            if self.report.records % _PAGE == 0:
                self.progress("records", self.report.records, total)
            name = key.hex()
            paid = cost > 0 or name in self.ledger.paid_keys
            if place == IN_CAS and is_digest(body.hex()):
                self._need(body.hex(), None, name, paid=paid)
            try:
                record = read_row(key, place, body, check, self.cas)
            except BlobDamaged:
                continue  # found again, with the blob
            except DagcontentError as error:
                self._record_problem(name, error.message, paid=paid)
                continue
            wrong = _not_as_said(record, (kind, model, cost))
            if wrong:
                self._record_problem(name, wrong, paid=paid)
            for blob in blobs_of(record):
                if is_digest(blob.digest):
                    self._need(blob.digest, blob.size_bytes, name, paid=paid)
                else:
                    self._record_problem(name, "names something that is no digest", paid=paid)
            self.named.update(blob.digest for blob in blobs_in(record.manifest.params))
            if isinstance(record.outcome, FailedCharged):
                self.named.update(evidence_of(record.outcome.answer))
        self.progress("records", total, total)

    def blobs(self) -> None:
        report = self.report
        total = sum(1 for _ in blob_files(self.layout.cas))
        present: set[str] = set()
        for number, (name, entry) in enumerate(blob_files(self.layout.cas)):
            self.progress("blobs", number, total)
            if not is_digest(name) or not entry.is_file(follow_symlinks=False):
                report.problems.append(Problem("not a blob", entry.path, "does not belong in the store"))
                continue
            present.add(name)
            report.blobs += 1
            needed = self.needed.get(name)
            try:
                digest, size = _hash(entry.path)
            except OSError as error:
                self._blob_problem("blob damaged", name, f"cannot be read ({error.strerror})")
                continue
            report.blob_bytes += size
            if digest != name:
                self._blob_problem("blob damaged", name, "does not hash to its name")
            elif needed is not None and needed.size not in {None, size}:
                self._blob_problem("blob size", name, f"has {size} bytes, its record says {needed.size}")
            elif needed is None and name not in self.named:
                report.orphans.append(name)
                report.orphan_bytes += size
        self.progress("blobs", total, total)
        for name in self.needed.keys() - present:
            self._blob_problem("blob missing", name, "is missing")

    def _need(self, digest: str, size: int | None, key: str, *, paid: bool) -> None:
        needed = self.needed.setdefault(digest, _Needed(size))
        needed.size = size if needed.size is None else needed.size
        needed.keys.append(key)
        needed.paid = needed.paid or paid

    def _record_problem(self, key: str, detail: str, *, paid: bool) -> None:
        self.report.problems.append(Problem("record", key, detail, (key,), paid))

    def _blob_problem(self, what: str, digest: str, detail: str) -> None:
        needed = self.needed.get(digest)
        keys, paid = (tuple(needed.keys), needed.paid) if needed is not None else ((), False)
        self.report.problems.append(Problem(what, digest, detail, keys, paid))


def check(layout: Layout, cas: Cas, connection: apsw.Connection | None, progress: Progress) -> Report:
    """Look at everything; change nothing."""
    work = _Check(layout, cas, progress)
    if connection is not None:
        work.report.problems += [
            Problem("database", str(layout.db), line) for line in integrity_problems(connection, full=True)
        ]
        try:
            work.ledger = check_ledger(layout, connection if has_attempts(connection) else None)
            work.records(connection)
        except REFUSALS as error:
            work.report.problems.append(Problem("database", str(layout.db), str(error)))
    else:
        work.ledger = check_ledger(layout, None)
    for one in work.ledger.attempts.values():
        work.named.update(evidence_of(one.intent.request))
    work.blobs()
    work.report.attempts = len(work.ledger.attempts)
    work.report.problems += work.ledger.problems
    work.report.leftovers, work.report.unlogged = work.ledger.leftovers, work.ledger.unlogged
    return work.report


def drop_records(connection: apsw.Connection, layout: Layout, keys: Iterable[str]) -> None:
    """Remove free records; what their rows held is kept in quarantine."""
    for key in keys:
        raw = bytes.fromhex(key)
        if was_paid(connection, raw, cost=0):
            continue
        for (body,) in fetch(connection, "SELECT body FROM record WHERE key = ? AND cost_microusd = 0", (raw,)):
            aside = layout.quarantine / f"record-{key}"
            with (
                contextlib.suppress(OSError),
                os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | OPEN_SAFELY, 0o600), "wb") as file,
            ):
                file.write(body)
        connection.execute("DELETE FROM record WHERE key = ? AND cost_microusd = 0", (raw,))


def sweep(layout: Layout, shared_lock: int) -> list[str]:
    """Remove what killed processes left half-written, if no other process has the store open for writing."""
    import shutil  # noqa: PLC0415 - brings four compressors with it

    swept: list[str] = []
    # Listed before the lock is tried: what a process that opens the store after that makes is not in the list.
    dead = (one for one in layout.runs.iterdir() if one.suffix != ".lock" or not alive(layout.runs, one.stem))
    stray = [*layout.tmp.iterdir(), *dead]
    try:
        fcntl.flock(shared_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return swept
    try:
        for path in stray:
            with contextlib.suppress(OSError):
                if stat.S_ISDIR(path.lstat().st_mode):
                    shutil.rmtree(path)
                else:
                    path.unlink()
                swept.append(path.name)
    finally:
        fcntl.flock(shared_lock, fcntl.LOCK_SH)
    return swept


def _not_as_said(record: Record, columns: tuple[Any, ...]) -> str:
    manifest = record.manifest
    if (manifest.kind, manifest.model, record.cost_microusd) != columns:
        return "is filed under another kind, model or cost"
    if manifest.format == MANIFEST_FORMAT:
        try:
            # An encoder of its own: it remembers what it has seen, and this would be everything.
            if action_key(manifest, Encoder()) != record.key:
                return "has a key that is not its manifest's"
        except (DagcontentError, ValueError, TypeError) as error:
            return f"has a manifest without a key ({error})"
    return ""


def _pages(connection: apsw.Connection) -> Iterator[tuple[Any, ...]]:
    """Yield all records in pages, so that no read transaction stays open for long."""
    last = -1
    while True:
        rows = fetch(
            connection,
            "SELECT seq, key, kind, model, cost_microusd, place, body, checksum FROM record WHERE seq > ?"
            " ORDER BY seq LIMIT ?",
            (last, _PAGE),
        )
        if not rows:
            return
        last = rows[-1][0]
        for row in rows:
            yield row[1:]


def _hash(path: str) -> tuple[str, int]:
    descriptor = os.open(path, os.O_RDONLY | OPEN_SAFELY)
    try:
        return hash_file(descriptor), os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def repairable(problem: Problem) -> bool:
    """Tell whether a problem goes away when what is wrong is set aside: nothing paid, and not the database itself."""
    return not problem.paid and problem.what in {"record", "blob missing", "blob damaged"}


def set_aside(cas: Cas, problem: Problem) -> None:
    """Put a damaged blob into quarantine."""
    if problem.what == "blob damaged":
        with contextlib.suppress(StoreDamaged):
            cas.distrust(problem.subject)
            cas.verified_path(problem.subject)
