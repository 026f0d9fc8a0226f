"""The store's own transactions into a recorded history, and a disk after a loss of power into the promises that it breaks.

A history is a few paid attempts, each from its claim to its end, and free records between them, in an order that a seed decides. After
every transaction the database's whole content is noted: whatever a disk holds when the power is back must be the content after one of
them, none that was acknowledged as durable may be missing, and what it names must be there.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import apsw
import msgspec
from oracle.power import Recorder, State
from oracle.power_db import recorded

from dagcontent.errors import DagcontentError, OverBudget
from dagcontent.store import caps, db, journal, paid
from dagcontent.store.cas import Cas
from dagcontent.store.layout import prepare
from dagcontent.store.records import blobs_of, read_row
from dagcontent.store.runs import Run
from dagcontent.store.spool import proven
from dagcontent.store.store import Store
from dagcontent.store.writer import Pending, Work
from dagcontent.values.attempt import Attempt, AttemptState, Handle, Intent
from dagcontent.values.canonical import Encoder
from dagcontent.values.money import Cap
from dagcontent.values.record import Done, FailedCharged, Manifest, Record, action_key
from dagcontent.values.value import Blob

__all__ = ["History", "Judge", "live"]

T = TypeVar("T")
NOW_MS = 1_763_800_000_000  # 2025-11-22
LIMIT_MICROUSD = 3_000
_SETTLED = {AttemptState.COMMITTED, AttemptState.CHARGED}


class History(msgspec.Struct):
    """What was done to a store, and its database's content after each transaction (a digest), the first of them empty."""

    root: Path
    recorder: Recorder
    contents: list[str]


def content(connection: apsw.Connection) -> str:
    """Return a digest of all that a database holds."""
    return _digest([db.fetch(connection, f"SELECT * FROM {table} ORDER BY 1") for table in _TABLES])  # noqa: S608 - ours


def _digest(rows: object) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()


_TABLES = ("attempt", "record", "claim", "run")
_EMPTY = _digest([[] for _ in _TABLES])


class _Alone(Store):
    """A store that reads through its one writer: a recorded database has one connection."""

    def read(self, work: Work[T], empty: T) -> T:
        return self.write(work, durable=False).result()


class _Life:
    """The history while it is made."""

    def __init__(self, root: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.history = History(root, Recorder(root), [_EMPTY])
        self.connection: apsw.Connection | None = None
        self.checkpoint_pages = self.chance.choice([1, 4, 12, 1_000])

    def opened(self, connection: apsw.Connection) -> None:
        connection.pragma("wal_autocheckpoint", self.checkpoint_pages)
        self.connection = connection

    def passed(self, point: str) -> None:
        """Look at the content of a transaction that is about to be committed."""
        if point == "db.before-commit":
            assert self.connection is not None
            self.history.contents.append(content(self.connection))
            self.history.recorder.mark(f"begun {len(self.history.contents) - 1}")

    def told(self, pending: Pending[T]) -> T:
        """Wait for a transaction that must be durable, and note when its caller was told so."""
        told = threading.Event()

        def note(one: Pending[T]) -> None:
            # Called by the writer before it goes on: the last content is this transaction's.
            with contextlib.suppress(DagcontentError):
                one.result()
                self.history.recorder.mark(f"durable {len(self.history.contents) - 1}")
            told.set()

        pending.when_done(note)
        told.wait()
        return pending.result()


def live(root: Path, seed: int) -> History:
    """Make a store and live one history in it."""
    life = _Life(root, seed)
    layout = prepare(root, crashpoint=lambda _point: None)
    with recorded(life.history.recorder, opened=life.opened):
        db.create(layout, crashpoint=life.passed)
        life.history.recorder.mark("created")
        with _Alone(layout, crashpoint=life.passed) as store:
            run = store.start_run("g", now_ms=NOW_MS)
            going = [_attempt(life, store, run, number) for number in range(life.chance.randrange(2, 5))]
            going.append(_free(life, store))
            while going:
                one = life.chance.choice(going)
                if next(one, "over") == "over":
                    going.remove(one)
            if life.chance.random() < 0.5:
                store.finish_run(run, "ok", {}, now_ms=NOW_MS + 1)
    return life.history


def _manifest(number: int) -> Manifest:
    return Manifest("image.generate", 1, {"prompt": f"scene {number}"}, model="fal/flux")


def _attempt(life: _Life, store: Store, run: Run, number: int) -> Generator[str, None, None]:
    """Pay for one key, on one of the ways that an attempt can go."""
    manifest, chance = _manifest(number), life.chance
    record = Record(
        key=action_key(manifest, Encoder()),
        manifest=manifest,
        outcome=Done("text"),
        made_with={},
        run=run.id,
        at_ms=NOW_MS,
        cost_microusd=700,
    )
    intent = Intent(
        attempt=journal.new_attempt_id(NOW_MS + number), key=record.key, run=run.id, graph=run.graph, instance=f"still-{number}",
        provider="fal", realm="", account="fal:1", operation="queue", model="fal/flux", kind="image.generate", recovery="by-match",
        marker="", payload_digest="", reserved_microusd=chance.choice([700, 900, 1_500]), at_ms=NOW_MS, send_by_ms=NOW_MS + 10_000,
        manifest=manifest, request={"prompt": chance.randbytes(chance.choice([10, 3_000])).hex()},
    )  # fmt: skip
    book, name, now = store.attempts, intent.attempt, NOW_MS + number
    store.claim_many([record.key], run).result()
    yield "claimed"
    try:
        life.told(book.intend(intent, [Cap("run", run.id, LIMIT_MICROUSD)]))
    except OverBudget:
        return
    yield "intended"
    way = chance.choice(["job", "job", "answer", "answer", "refused", "charged", "unresolved"])
    if way == "refused":
        life.told(book.release(name, "rate-limit", "429", now_ms=now))
        return
    if way == "unresolved":
        life.told(book.unresolve(name, "no answer", now_ms=now))
        return
    if way == "answer":
        life.told(book.answered(name, {"status": 200, "headers": {}}, now_ms=now))
    else:
        assert life.told(book.adopt(name, Handle({"request_id": f"r{number}"}), now_ms=now))
    yield "answered"
    if way == "charged":
        failed = msgspec.structs.replace(record, outcome=FailedCharged("blocked", "moderated", {"x": 1}))
        life.told(
            book.charge(name, failed, cost_microusd=chance.choice([None, 600]), cost_source="reported", now_ms=now)
        )
        return
    data = chance.randbytes(chance.choice([10, 700, 5_000]))
    body, sha256 = "answer" if way == "answer" else "part-0", hashlib.sha256(data).hexdigest()
    with store.spool.open(name, body) as file:
        file.write(data)
        if way == "answer":
            store.spool.seal(name, body, file, {"status": 200}, sha256)
            life.history.recorder.mark(f"sealed {name} {sha256}")
        else:
            file.sync()
    yield "synced"
    life.told(book.spooled(name, {"file": body, "digest": sha256}, now_ms=now))
    yield "spooled"
    digest, size = store.cas.put_file(store.spool.path(name, body))
    done = msgspec.structs.replace(record, outcome=Done(Blob(digest, "image", "image/png", size)))
    life.told(book.commit(name, done, cost_microusd=700, cost_source="reported", now_ms=now))
    store.spool.remove(name)


def _free(life: _Life, store: Store) -> Generator[str, None, None]:
    """Put free records, some of them in groups: what waits while the writer is held becomes one transaction."""
    for first in range(100, 100 + 5 * life.chance.randrange(1, 4), 5):
        held = threading.Event()
        waiting = store.write(lambda _connection, held=held: held.wait(), durable=False)
        records = [_manifest(first + n) for n in range(life.chance.randrange(1, 5))]
        pending = [
            store.put(Record(key=action_key(one, Encoder()), manifest=one, outcome=Done("free"), made_with={}, run="r", at_ms=NOW_MS))
            for one in records
        ]  # fmt: skip
        held.set()
        for one in [waiting, *pending]:
            one.result()
        yield "put"


class Seen(msgspec.Struct):
    """What a database says once it is open again; `problem` where it does not open."""

    problem: str = ""
    content: str = ""
    attempts: list[Attempt] = []
    records: dict[str, Record] = {}
    spent: tuple[int, int] = (0, 0)


class Judge:
    """Opens what a loss of power left, as the next build would. A database with the same bytes is opened once."""

    def __init__(self, folder: Path) -> None:
        self._layout = prepare(folder, crashpoint=lambda _point: None)
        self._cas = Cas(self._layout, crashpoint=lambda _point: None)
        self._known: dict[bytes, Seen] = {}
        self.judged = 0

    @property
    def opened(self) -> int:
        """How many different databases there were."""
        return len(self._known)

    def broken(self, history: History, state: State) -> list[str]:
        """Return the promises that a disk does not keep."""
        self.judged += 1
        files = {name.removeprefix(f"{history.root}/"): data for name, data in state.files.items()}
        begun, durable = (
            [int(p.split()[1]) for p in state.promises if p.startswith(word)] for word in ("begun", "durable")
        )
        if "store.db" not in files:
            return ["the database is gone"] if "created" in state.promises else []
        main, log = files["store.db"], files.get("store.db-wal", b"")
        known = hashlib.sha256(b"%d %b%b" % (len(main), main, log)).digest()
        if known not in self._known:
            self._known[known] = self._open(main, log)
        seen = self._known[known]
        if seen.problem:
            return [f"the database does not open: {seen.problem}"]
        places = [n for n in range(max(begun, default=0) + 1) if history.contents[n] == seen.content]
        if not places:
            return ["the database holds what it held after no transaction"]
        if max(places) < max(durable, default=0):
            return [f"of {max(durable)} transactions {max(places)} are there, and all were durable"]
        sealed = [promise.split()[1:] for promise in state.promises if promise.startswith("sealed")]
        return self._unfounded(seen, files) + _unproven(seen, sealed, files)

    def _open(self, main: bytes, log: bytes) -> Seen:
        for end, data in (("", main), ("-wal", log), ("-shm", b"\xff" * 32_768)):
            path = Path(f"{self._layout.db}{end}")
            path.unlink(missing_ok=True)
            if data:
                path.write_bytes(data)
        try:
            connection = db.open_writer(self._layout, torn=True)
        except DagcontentError as error:
            return Seen(problem=error.message)
        try:
            problems = db.integrity_problems(connection, full=True)
            if problems:
                return Seen(problem=problems[0])
            return self._read(connection)
        except DagcontentError as error:
            return Seen(problem=error.message)
        finally:
            connection.close()

    def _read(self, connection: apsw.Connection) -> Seen:
        attempts = journal.listed(connection, None, graph=None, provider=None)
        spent = caps.spent(connection, "graph", "g")
        rows = db.fetch(connection, "SELECT key, place, body, checksum FROM record")
        records = {key.hex(): read_row(key, place, body, check, self._cas) for key, place, body, check in rows}
        return Seen("", content(connection), attempts, records, spent)

    def _unfounded(self, seen: Seen, files: Mapping[str, bytes]) -> list[str]:
        """Return what a database says that is not so."""
        wrong = []
        counted = [journal.counted(one) for one in seen.attempts]
        if seen.spent != (sum(cost for cost, _ in counted), sum(held for _, held in counted)):
            wrong.append(f"{seen.spent} is not the sum of its attempts")
        if sum(seen.spent) > LIMIT_MICROUSD:
            wrong.append(f"{seen.spent} is beyond the cap")
        self._layout.paid.write_bytes(files.get("paid.jsonl", b""))
        lines = {line.attempt.id for line in paid.read_lines(self._layout.paid) if isinstance(line, paid.Purchase)}
        settled = {one.key for one in seen.attempts if one.state in _SETTLED}
        if settled != {key for key, record in seen.records.items() if record.cost_microusd}:
            wrong.append("what is settled is not what is recorded")
        for one in seen.attempts:
            if one.id not in lines:
                wrong.append("what may have been sent is not in paid.jsonl")
            if (
                one.state is AttemptState.SPOOLED
                and _named(files, f"spool/{one.id}.{one.spool['file']}") != one.spool["digest"]
            ):
                wrong.append("what was spooled is gone")
        digests = [blob.digest for record in seen.records.values() for blob in blobs_of(record)]
        if any(_named(files, f"cas/{digest[:2]}/{digest[2:]}") != digest for digest in digests):
            wrong.append("the bytes of a record are gone")
        return wrong


def _unproven(seen: Seen, sealed: Sequence[Sequence[str]], files: Mapping[str, bytes]) -> list[str]:
    """Return what is wrong with answers that were whole, and that the journal does not know of yet."""
    waiting = {one.id for one in seen.attempts if one.state is AttemptState.INTENT}
    wrong = []
    for attempt, sha256 in sealed:
        body, seal = (files.get(f"spool/{attempt}.answer{end}", b"") for end in ("", ".seal"))
        whole = proven(attempt, "answer", seal, body) is not None and hashlib.sha256(body).hexdigest() == sha256
        if attempt in waiting and not whole:
            wrong.append("a whole answer is left to a person")
    return wrong


def _named(files: Mapping[str, bytes], name: str) -> str:
    """Return the digest of a file's bytes; empty if it is not there."""
    return hashlib.sha256(files[name]).hexdigest() if name in files else ""
