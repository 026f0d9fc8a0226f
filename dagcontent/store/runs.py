"""Turn one build into a run that others can see alive or dead, and keys into claims of a run. Knows no record's content.

Single flight between processes. A run holds the `flock` of its file for as long as its process lives: the kernel frees it
whatever ends the process, so no heartbeat and no timeout is needed. A claim names its run; a claim whose run's lock can be
taken is dead, and whoever finds it so takes it over in the same transaction.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import apsw
import msgspec

from dagcontent.store.db import fetch
from dagcontent.store.disk import OPEN_SAFELY, store_error

__all__ = ["Claim", "Run", "alive", "begin", "claim", "end", "holder", "lock_run", "open_epoch", "release"]

FINISHED: Final = "ok"
"""The one status after which `cache = "run"` begins anew."""


class Claim(msgspec.Struct, frozen=True):
    """What came of claiming a key: it is ours, or a living run holds it, or (neither) its record is there already."""

    key: str
    won: bool
    holder: str = ""

    @property
    def recorded(self) -> bool:
        """Whether a record of this key was committed before: nothing is to be made."""
        return not self.won and not self.holder


class Run:
    """One build of one graph. Its lock is held until it is finished or its process ends."""

    __slots__ = ("_descriptor", "epoch", "graph", "id", "path")

    def __init__(self, id: str, graph: str, epoch: str, path: Path, descriptor: int) -> None:  # noqa: A002 - its name
        self.id = id
        self.graph = graph
        self.epoch = epoch
        self.path = path
        self._descriptor = descriptor

    def unlock(self) -> None:
        """Let others see that this run is over. May be called twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
            os.close(descriptor)


def new_run_id(now_ms: int) -> str:
    """Return a unique name whose order as text is the order of time."""
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now_ms / 1000))
    return f"{moment}.{now_ms % 1000:03d}-{secrets.token_hex(4)}"


def lock_run(folder: Path, run_id: str, graph: str, epoch: str) -> Run:
    """Make a run's file, locked. Nobody ever sees it unlocked: it gets its name when it is locked."""
    path, part = folder / f"{run_id}.lock", folder / f"new-{secrets.token_hex(8)}"
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | OPEN_SAFELY, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.rename(path)
    except OSError as error:
        raise store_error(error, folder) from error
    return Run(run_id, graph, epoch, path, descriptor)


def alive(folder: Path, run_id: str) -> bool:
    """Tell whether the process of a run still lives."""
    if "/" in run_id or not run_id:
        return False
    try:
        descriptor = os.open(folder / f"{run_id}.lock", os.O_RDONLY | OPEN_SAFELY)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise store_error(error, folder) from error
    try:
        # Shared, so that two who ask at once do not take each other for the run.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def begin(connection: apsw.Connection, run: Run, profile: str, now_ms: int) -> None:
    """Add a run, and bury those whose process ended without saying so."""
    for (dead,) in fetch(connection, "SELECT id FROM run WHERE status IS NULL"):
        if not alive(run.path.parent, dead):
            connection.execute("DELETE FROM claim WHERE run = ?", (dead,))
            connection.execute("UPDATE run SET status = 'died' WHERE id = ?", (dead,))
            if dead and "/" not in dead:
                (run.path.parent / f"{dead}.lock").unlink(missing_ok=True)
    connection.execute(
        "INSERT INTO run (id, graph, profile, epoch, started_ms) VALUES (?, ?, ?, ?, ?)",
        (run.id, run.graph, profile, run.epoch, now_ms),
    )


def end(connection: apsw.Connection, run: Run, status: str, counts: Mapping[str, int], now_ms: int) -> None:
    """Write down how a run ended, and free its claims."""
    connection.execute("DELETE FROM claim WHERE run = ?", (run.id,))
    connection.execute(
        "UPDATE run SET status = ?, counts = ?, ended_ms = ? WHERE id = ?",
        (status, json.dumps(dict(counts), sort_keys=True), now_ms, run.id),
    )


def claim(
    connection: apsw.Connection, folder: Path, keys: Iterable[str], run_id: str, *, usable: Callable[[bytes], bool]
) -> list[Claim]:
    """Claim keys for a run: those that have no record that can be used and no claim of a living run."""
    living: dict[str, bool] = {}
    claims = []
    for key in keys:
        raw = bytes.fromhex(key)
        if fetch(connection, "SELECT 1 FROM record WHERE key = ?", (raw,)) and usable(raw):
            claims.append(Claim(key, won=False))
            continue
        connection.execute("INSERT OR IGNORE INTO claim (key, run) VALUES (?, ?)", (raw, run_id))
        if connection.changes():
            claims.append(Claim(key, won=True))
            continue
        other = fetch(connection, "SELECT run FROM claim WHERE key = ?", (raw,))[0][0]
        if other not in living:
            living[other] = other == run_id or alive(folder, other)
        if living[other] and other != run_id:
            claims.append(Claim(key, won=False, holder=other))
            continue
        connection.execute("UPDATE claim SET run = ? WHERE key = ?", (run_id, raw))
        claims.append(Claim(key, won=True))
    return claims


def release(connection: apsw.Connection, keys: Iterable[str], run_id: str) -> None:
    """Give claims of a run up."""
    connection.executemany(
        "DELETE FROM claim WHERE key = ? AND run = ?", [(bytes.fromhex(key), run_id) for key in keys]
    )


def holder(connection: apsw.Connection, key: str) -> str | None:
    """Return the run that claims a key, dead or alive."""
    rows = fetch(connection, "SELECT run FROM claim WHERE key = ?", (bytes.fromhex(key),))
    return str(rows[0][0]) if rows else None


def open_epoch(connection: apsw.Connection, graph: str, profile: str) -> str | None:
    """Return the epoch of the last run of a graph with a profile if that run did not finish."""
    question = "SELECT epoch, status FROM run WHERE graph = ? AND profile = ? ORDER BY id DESC LIMIT 1"
    rows = fetch(connection, question, (graph, profile))
    return str(rows[0][0]) if rows and rows[0][1] != FINISHED else None
