from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from dagcontent.errors import StoreDamaged
from dagcontent.store import Store, open_store
from dagcontent.store.gc import Collected
from dagcontent.values.attempt import Handle, Intent
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import FailedCharged, Record, action_key
from dagcontent.values.value import Blob

MakeRecord = Callable[..., Record]
MakeIntent = Callable[..., Intent]
NOW = 1_763_800_000_000
DAY_MS = 86_400_000


def later(days: float) -> int:
    """A moment after what the file system's clock says now."""
    return time.time_ns() // 1_000_000 + int(days * DAY_MS)


def blob_of(store: Store, data: bytes) -> Blob:
    digest, size = store.cas.put_bytes(data)
    return Blob(digest, "image", "image/png", size)


def test_what_no_record_names_goes_to_the_trash_and_then_for_good(store: Store, make_record: MakeRecord) -> None:
    """Only when it is a day old, only after 14 days more; records with their bytes and inputs stay."""
    result, given, orphan = (blob_of(store, b"%d" % n) for n in range(3))
    record = make_record(1, [result, "long " * 4000])
    manifest = msgspec.structs.replace(record.manifest, params={"image": given})
    record = msgspec.structs.replace(record, manifest=manifest, key=action_key(manifest, Encoder()))
    store.put(record).result()
    memo = store.generation()
    assert store.collect(now_ms=later(0.5)) == Collected()
    dry = store.collect(now_ms=later(2), dry_run=True)
    assert (dry.blobs, dry.blob_bytes, dry.dry_run) == (1, 1, True)
    assert store.cas.path_of(orphan.digest).exists()
    done = store.collect(now_ms=later(2))
    assert (done.blobs, done.deleted) == (1, 0)
    assert store.generation() != memo
    assert not store.cas.path_of(orphan.digest).exists()
    assert store.collect(now_ms=later(15)).deleted == 0
    done = store.collect(now_ms=later(17))
    assert (done.deleted, done.deleted_bytes) == (1, 1)
    assert list(store.layout.trash.iterdir()) == []
    assert store.find(record.key) == record
    assert store.cas.read_bytes(given.digest) == b"1"
    assert store.verify().problems == []


def test_whoever_asks_has_it_back(store: Store, make_record: MakeRecord) -> None:
    """A build that put a blob before the collection and its record after it has lost nothing; a reader changes nothing."""
    blobs = [blob_of(store, b"picture %d" % n) for n in range(4)]
    assert store.collect(now_ms=later(2)).blobs == 4
    with open_store(store.root, write=False) as reader:
        assert reader.cas.has(blobs[0].digest, blobs[0].size_bytes)
        assert reader.cas.read_bytes(blobs[0].digest) == b"picture 0"
        assert not store.cas.path_of(blobs[0].digest).exists()
    assert store.cas.has(blobs[0].digest, blobs[0].size_bytes)
    assert store.cas.path_of(blobs[0].digest).exists()
    assert store.cas.verified_path(blobs[1].digest).read_bytes() == b"picture 1"
    assert blob_of(store, b"picture 2") == blobs[2]
    assert not store.cas.has("ab" * 32, 1)
    store.put(make_record(3, blobs[3])).result()
    # Nobody has asked for it, and its time is up: the record's word is enough.
    done = store.collect(now_ms=later(30))
    assert (done.restored, done.blobs) == (1, 3)
    assert store.find(make_record(3).key) == make_record(3, blobs[3])
    assert store.verify().ok


def test_what_was_paid_for_stays(store: Store, make_record: MakeRecord, make_intent: MakeIntent) -> None:
    """A result that lost the race for its key, a charged failure's answer, an attempt's inputs: only by an explicit word."""
    run = store.start_run("g", now_ms=NOW)
    first, second, third, given = (make_record(n) for n in range(4))
    late = blob_of(store, b"paid, and late")
    for number, record in enumerate((first, second)):
        store.claim_many([record.key], run).result()
        attempt = store.attempts.intend(make_intent(record, run)).result()
        store.attempts.spooled(attempt.id, {}, now_ms=NOW).result()
        with store.spool.open(attempt.id, "body") as file:
            file.write(b"x")
        if number:
            answer = {"files": {"body": blob_of(store, b"evidence").digest}}
            failed = msgspec.structs.replace(record, outcome=FailedCharged("blocked", "moderated", answer))
            store.attempts.charge(attempt.id, failed, cost_microusd=5, cost_source="reported", now_ms=NOW).result()
            continue
        mine = msgspec.structs.replace(record, outcome=make_record(0, late).outcome)
        store.attempts.commit(attempt.id, mine, cost_microusd=5, cost_source="reported", now_ms=NOW).result()
    store.flush()
    # As after a repay: another record took the place of the one that `paid.jsonl` has.
    connection = apsw.Connection(str(store.layout.db))
    connection.execute("DELETE FROM record WHERE key = ?", (bytes.fromhex(first.key),))
    connection.close()
    store.claim_many([third.key], run).result()
    source = blob_of(store, b"what is sent")
    attempt = store.attempts.intend(make_intent(given, run, key=third.key, request={"image": source})).result()
    store.attempts.submitted(attempt.id, Handle({"id": "1"}), now_ms=NOW).result()
    store.spool.open(attempt.id, "body").close()
    done = store.collect(now_ms=later(2))
    assert (done.blobs, done.kept_paid, done.spool_files) == (0, 1, 1)
    done = store.collect(now_ms=later(2), include_paid=True)
    assert (done.blobs, done.kept_paid, done.spool_files) == (1, 0, 1)
    assert store.cas.read_bytes(source.digest) == b"what is sent"
    assert store.spool.names(attempt.id) == ["body"]
    assert store.verify().orphans == []


def test_work_folders_of_killed_builds_go_unless_somebody_may_be_working(store: Store) -> None:
    """Another process's folder is not rubbish."""
    (store.layout.tmp / "work-1").mkdir()
    (store.layout.tmp / "work-1" / "file").write_bytes(b"half")
    with open_store(store.root):
        assert store.collect(now_ms=later(0)).work_folders == 0
    assert store.collect(now_ms=later(0), dry_run=True).work_folders == 1
    assert store.collect(now_ms=later(0)).work_folders == 1
    assert list(store.layout.tmp.iterdir()) == []
    assert store.collect(now_ms=later(15)).deleted == 1
    assert list(store.layout.trash.iterdir()) == []


def test_a_store_whose_records_cannot_be_read_loses_nothing(store: Store, make_record: MakeRecord) -> None:
    """What a damaged row names is not known to be useless."""
    orphan = blob_of(store, b"x")
    store.put(make_record(1)).result()
    connection = apsw.Connection(str(store.layout.db))
    connection.execute("UPDATE record SET body = x'00'")
    connection.close()
    with pytest.raises(StoreDamaged, match="nothing was taken away"):
        store.collect(now_ms=later(2))
    assert store.cas.path_of(orphan.digest).exists()


class Collecting(RuleBasedStateMachine):
    """Builds, collections and time in any order: what a record names is always there."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory(prefix="dagcontent-test-")
        self.stores = [open_store(Path(self.folder.name) / "store") for _ in range(2)]
        self.put: dict[int, tuple[Blob, float]] = {}
        self.records: list[Record] = []
        self.days = 0.0

    @rule(number=st.integers(0, 6), who=st.integers(0, 1))
    def keep_bytes(self, number: int, who: int) -> None:
        self.put[number] = blob_of(self.stores[who], b"picture %d" % number), self.days

    @rule(number=st.integers(0, 6), who=st.integers(0, 1))
    def record(self, number: int, who: int) -> None:
        # A build sleeps for less than the grace between the two.
        if number in self.put:
            from dagcontent.values.record import Done, Manifest

            manifest = Manifest("image.x", 1, {"n": number})
            record = Record(action_key(manifest, Encoder()), manifest, Done(self.put.pop(number)[0]), {}, "r", 1)
            assert self.stores[who].put(record).result() == record or record in self.records
            self.records.append(record)

    @rule(who=st.integers(0, 1), days=st.sampled_from([0.5, 2, 5, 20]))
    def collect(self, who: int, days: float) -> None:
        self.days += days
        self.put = {number: one for number, one in self.put.items() if self.days - one[1] < 14}
        self.stores[who].collect(now_ms=later(self.days))

    @rule(who=st.integers(0, 1))
    def look(self, who: int) -> None:
        for record in self.records:
            assert self.stores[who].find(record.key) == record

    def teardown(self) -> None:
        self.look(0)
        assert self.stores[1].verify().ok
        for store in self.stores:
            store.close()
        self.folder.cleanup()


TestCollecting = Collecting.TestCase
TestCollecting.settings = settings(
    max_examples=min(40, settings().max_examples), stateful_step_count=15, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
TestCollecting.pytestmark = [pytest.mark.slow]  # type: ignore[attr-defined]
