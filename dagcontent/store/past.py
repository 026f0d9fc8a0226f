"""Turn rows of runs, and the records that name one, into what is asked about the past. Writes nothing, and knows no graph file.

No index leads from a run to its records: its id stands in their bodies, which SQLite searches as bytes in one pass (0.1 s for
100,000). Neither clocks nor the order of commits bound that pass: a clock may be set back, and a database that was made again has an
order of its own. A long record is a file of its own: only those that are not older than the run are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import apsw
import msgspec

from dagcontent.errors import StoreError
from dagcontent.store import runs
from dagcontent.store.cas import Cas
from dagcontent.store.db import fetch, has_attempts
from dagcontent.store.records import INLINE, read_row
from dagcontent.values.record import Record

if TYPE_CHECKING:
    from dagcontent.store.store import Store

__all__ = ["PastRun", "RunRecords", "payers", "records_of", "run_ids", "runs_since"]

_COLUMNS: Final = "id, graph, profile, started_ms, ended_ms, status, counts"
_CLOCKS_MS: Final = 86_400_000
"""How far a clock may have been set back during a run."""


class PastRun(msgspec.Struct, frozen=True):
    """One run. `status` is as it ended; "running" while its process lives, "died" if that ended without a word.

    `counts` are the instances by what became of them, None where the run did not come to count.
    """

    id: str
    graph: str
    profile: str
    started_ms: int
    ended_ms: int | None
    status: str
    counts: dict[str, int] | None


class RunRecords(msgspec.Struct, frozen=True):
    """The results that a run made, in the order of their commits, and how many more are damaged."""

    records: tuple[Record, ...] = ()
    damaged: int = 0


def runs_since(store: Store, since_ms: int = 0, *, graph: str | None = None, run: str | None = None) -> list[PastRun]:
    """Return the runs that began then or later, the newest first; of one graph, or the one of this id. Raises StoreError."""

    def work(connection: apsw.Connection) -> list[PastRun]:
        rows = fetch(
            connection,
            f"SELECT {_COLUMNS} FROM run WHERE started_ms >= ?1 AND (?2 IS NULL OR graph = ?2)"  # noqa: S608 - constants of ours
            " AND id BETWEEN coalesce(?3, '') AND coalesce(?3, '~') ORDER BY id DESC",
            (since_ms, graph, run),
        )
        return [_past(store, connection, row) for row in rows]

    return store.read(work, [])


def _past(store: Store, connection: apsw.Connection, row: Sequence[Any]) -> PastRun:
    word = "died"
    if row[5] is None and runs.alive(store.layout.runs, row[0]):
        word = "running"
    elif row[5] is None:
        # It may have ended since its row was read: the last word is written before the lock is given back.
        row = (fetch(connection, f"SELECT {_COLUMNS} FROM run WHERE id = ?", (row[0],)) or [row])[0]  # noqa: S608 - as above
    name, graph, profile, started_ms, ended_ms, status, counts = row
    return PastRun(name, graph, profile, started_ms, ended_ms, word if status is None else status, _counts(counts))


def _counts(text: str | None) -> dict[str, int] | None:
    try:
        found = json.loads(text or "")
    except ValueError:
        return None
    whole = isinstance(found, dict) and all(type(count) is int for count in found.values())
    return found if whole and found else None


def run_ids(store: Store) -> Sequence[str]:
    """Return the ids of all runs, in order: the oldest first. Raises StoreError."""
    return store.read(
        lambda connection: [str(row[0]) for row in fetch(connection, "SELECT id FROM run ORDER BY id")], []
    )


def records_of(store: Store, run: PastRun) -> RunRecords:
    """Return what a run made. Raises StoreError."""
    return store.read(lambda connection: _records_of(connection, store.cas, run), RunRecords())


def _records_of(connection: apsw.Connection, cas: Cas, run: PastRun) -> RunRecords:
    found: list[Record] = []
    damaged = 0
    since_s = (run.started_ms - _CLOCKS_MS) / 1000
    query = "SELECT key, place, body, checksum FROM record WHERE place <> 0 OR instr(body, ?) ORDER BY seq"
    for key, place, body, check in connection.execute(query, (run.id.encode(),)):
        if place != INLINE and not _younger(cas, body, since_s):
            continue
        try:
            record = read_row(key, place, body, check, cas)
        except StoreError:
            damaged += place == INLINE  # whose a long one was, nobody can tell
            continue
        if record.run == run.id:
            found.append(record)
    return RunRecords(tuple(found), damaged)


def _younger(cas: Cas, digest: bytes, since_s: float) -> bool:
    try:
        return cas.path_of(digest.hex()).stat().st_mtime >= since_s
    except (OSError, AttributeError, StoreError):  # it is gone, or the row is damaged
        return False


def payers(store: Store, keys: Iterable[str]) -> dict[str, str]:
    """Return key -> the instance that a paid request of it was last sent for, where there was one. Raises StoreError."""

    def work(connection: apsw.Connection) -> dict[str, str]:
        if not has_attempts(connection):
            return {}
        made = {}
        for key in keys:
            query = "SELECT instance FROM attempt WHERE key = ? ORDER BY seq DESC LIMIT 1"
            for (instance,) in fetch(connection, query, (bytes.fromhex(key),)):
                made[key] = str(instance)
        return made

    return store.read(work, {})
