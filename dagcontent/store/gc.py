"""Turn what nothing in a store needs into room on the disk, in two steps with time between them. Knows no graph.

Needed are: every record with all that it names, the inputs in its manifest too; every attempt whose key is not free; the spool. What
is left moves to `trash/TIME/` by a rename, and is deleted when that is older than the grace. Whoever asks for a blob in the
meantime has it back (`cas`), and what a record has come to name since is put back before anything is deleted. So a build that runs
beside loses nothing, however long it sleeps within the grace. What was paid for stays, unless that is said.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw
import msgspec

from dagcontent.errors import StoreDamaged
from dagcontent.store import paid
from dagcontent.store.cas import Cas, is_digest
from dagcontent.store.db import fetch, has_attempts
from dagcontent.store.layout import Layout
from dagcontent.store.records import IN_CAS, blobs_of, evidence_of, read_row
from dagcontent.store.spool import attempt_of
from dagcontent.store.stats import blob_files
from dagcontent.store.verify_paid import check_ledger
from dagcontent.values.attempt import Attempt, AttemptState
from dagcontent.values.record import FailedCharged
from dagcontent.values.value import blobs_in

__all__ = ["GRACE_S", "Collected", "collect"]

GRACE_S: Final = 14 * 86_400
_YOUNG_S: Final = 86_400
"""A blob is put before the record that names it: what is younger than this is left alone."""
_PAGE: Final = 500
_USELESS: Final = frozenset({AttemptState.COMMITTED, AttemptState.RELEASED})


class Collected(msgspec.Struct):
    """What went to the trash (or would have), what left it for good, and what was put back."""

    blobs: int = 0
    blob_bytes: int = 0
    work_folders: int = 0
    spool_files: int = 0
    kept_paid: int = 0
    """Blobs that no record needs and that were paid for: they stay unless `include_paid` is said."""
    restored: int = 0
    deleted: int = 0
    deleted_bytes: int = 0
    dry_run: bool = False


class _Needs:
    """Digests that something needs, and those that were paid for once."""

    def __init__(self) -> None:
        self.needed: set[str] = set()
        self.paid: set[str] = set()


def collect(
    layout: Layout,
    cas: Cas,
    connection: apsw.Connection | None,
    *,
    shared_lock: int,
    now_ms: int,
    dry_run: bool = False,
    include_paid: bool = False,
    grace_s: float = GRACE_S,
) -> Collected:
    """Take away what nothing needs. Raises StoreDamaged if what is needed cannot be told."""
    done = Collected(dry_run=dry_run)
    needs = _needs(layout, cas, connection)
    if not dry_run:
        layout.change_generation()
    target = layout.trash / f"{now_ms:015d}"
    for path, name, size in _blobs(layout, needs, now_ms, done, include_paid=include_paid):
        done.blobs += 1
        done.blob_bytes += size
        if not dry_run:
            _move(path, target / name)
            cas.distrust(name)
    for path in _spool(layout, connection, include_paid=include_paid):
        done.spool_files += 1
        if not dry_run:
            _move(path, target / path.name)
    for path in _work(layout, shared_lock):
        done.work_folders += 1
        if not dry_run:
            _move(path, target / path.name)
    # Looked at anew: a record that names a blob may have been committed since.
    _empty(layout, _needs(layout, cas, connection), done, now_ms - int(grace_s * 1000))
    if not dry_run:
        layout.change_generation()
    return done


def _needs(layout: Layout, cas: Cas, connection: apsw.Connection | None) -> _Needs:
    needs = _Needs()
    if connection is not None:
        _of_records(needs, cas, connection)
        if has_attempts(connection):
            ledger = check_ledger(layout, connection)
            if any(problem.what == "attempt" for problem in ledger.problems):
                raise _unsure("the journal of paid attempts is damaged")
            for attempt in ledger.attempts.values():
                if attempt.blocks:
                    needs.needed.update(_named(attempt))
    for purchase in paid.read_lines(layout.paid):
        if not isinstance(purchase, int) and purchase.record is not None:
            outcome = purchase.record.outcome
            answer = outcome.answer if isinstance(outcome, FailedCharged) else None
            needs.paid.update(evidence_of(answer), (blob.digest for blob in blobs_of(purchase.record)))
    return needs


def _named(attempt: Attempt) -> Iterator[str]:
    for value in (attempt.intent.request, attempt.intent.manifest, attempt.spool, attempt.answer):
        yield from evidence_of(value)


def _of_records(needs: _Needs, cas: Cas, connection: apsw.Connection) -> None:
    last = -1
    query = "SELECT seq, key, place, body, checksum FROM record WHERE seq > ? ORDER BY seq LIMIT ?"
    while rows := fetch(connection, query, (last, _PAGE)):
        for last, key, place, body, check in rows:  # noqa: B007 - the last one is where the next page begins
            try:
                record = read_row(key, place, body, check, cas)
            except StoreDamaged as error:
                raise _unsure(error.message) from error
            if place == IN_CAS:
                needs.needed.add(body.hex())
            needs.needed.update(blob.digest for blob in blobs_of(record))
            needs.needed.update(blob.digest for blob in blobs_in(record.manifest.params))
            if isinstance(record.outcome, FailedCharged):
                needs.needed.update(evidence_of(record.outcome.answer))


def _unsure(why: str) -> StoreDamaged:
    return StoreDamaged(f"nothing was taken away: {why}", hint="dagcontent store verify --repair, then again")


def _blobs(
    layout: Layout, needs: _Needs, now_ms: int, done: Collected, *, include_paid: bool
) -> Iterator[tuple[Path, str, int]]:
    for name, entry in blob_files(layout.cas):
        if not is_digest(name) or name in needs.needed:
            continue
        info = entry.stat(follow_symlinks=False)
        if max(info.st_mtime, info.st_ctime) + _YOUNG_S > now_ms / 1000:
            continue
        if name in needs.paid and not include_paid:
            done.kept_paid += 1
            continue
        yield Path(entry.path), name, info.st_size


def _spool(layout: Layout, connection: apsw.Connection | None, *, include_paid: bool) -> list[Path]:
    """Return bodies whose attempts are over; with `include_paid` those of charged failures too."""
    if connection is None or not has_attempts(connection) or not layout.spool.is_dir():
        return []
    over = _USELESS | {AttemptState.CHARGED} if include_paid else _USELESS
    attempts = check_ledger(layout, connection).attempts
    found = []
    for path in sorted(layout.spool.iterdir()):
        attempt = attempts.get(attempt_of(path.name) or "")
        if attempt is not None and attempt.state in over:
            found.append(path)
    return found


def _work(layout: Layout, shared_lock: int) -> list[Path]:
    """Return folders that killed builds left, if no other process has the store open for writing."""
    if shared_lock < 0:
        return []
    # Listed before the lock is tried: what a process that opens the store after that makes is not in the list.
    stray = sorted(layout.tmp.iterdir())
    try:
        fcntl.flock(shared_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return []
    fcntl.flock(shared_lock, fcntl.LOCK_SH)
    return stray


def _empty(layout: Layout, needs: _Needs, done: Collected, before_ms: int) -> None:
    import shutil  # noqa: PLC0415 - brings four compressors with it

    for folder in sorted(layout.trash.iterdir()) if layout.trash.is_dir() else ():
        old = folder.name.isascii() and folder.name.isdigit() and int(folder.name) <= before_ms
        for path in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else ():
            if path.name in needs.needed:
                done.restored += 1
                if not done.dry_run:
                    _move(path, layout.cas / path.name[:2] / path.name[2:])
            elif old:
                done.deleted += 1
                done.deleted_bytes += path.lstat().st_size
                if done.dry_run:
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
        if not done.dry_run:
            with contextlib.suppress(OSError):
                folder.rmdir()  # only if it is empty


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, target)
