from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagcontent.store import Store, open_store
from dagcontent.store.records import row_of
from dagcontent.values.record import Record
from dagcontent.values.value import Blob, Digest

MakeRecord = Callable[..., Record]
SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=min(300, settings().max_examples)
)


def blob_of(store: Store, data: bytes) -> Blob:
    """Put bytes and return them as a picture."""
    digest, size = store.cas.put_bytes(data)
    return Blob(digest, "image", "image/png", size)


def fill(store: Store, make_record: MakeRecord) -> list[Blob]:
    """Three records with a blob each, one of them paid, one long; and one orphan."""
    blobs = [blob_of(store, b"picture %d" % n) for n in range(3)]
    store.put(make_record(0, blobs[0]))
    store.put(make_record(1, [blobs[1], "x" * 20_000]))
    store.put(make_record(2, blobs[2], cost_microusd=1)).result()
    return [*blobs, blob_of(store, b"orphan")]


def damage(store: Store, blob: Blob, data: bytes | None) -> None:
    """Replace the bytes of a blob, or remove it."""
    path = store.cas.path_of(blob.digest)
    path.chmod(0o600)
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)


def test_a_good_store_has_no_problems(store: Store, make_record: MakeRecord) -> None:
    """No false alarms: orphans are allowed, and inputs that are not in the CAS are none of its business."""
    blobs = fill(store, make_record)
    record = make_record(9)
    outside = Blob(Digest("ab" * 32), "image", "image/png", 5)
    manifest = msgspec.structs.replace(record.manifest, params={"image": outside, "list": [1.5, {"a": None}]})
    from dagcontent.values.canonical import Encoder
    from dagcontent.values.record import action_key

    store.put(msgspec.structs.replace(record, manifest=manifest, key=action_key(manifest, Encoder()))).result()
    said: list[tuple[str, int, int]] = []
    report = store.verify(on_progress=lambda *one: said.append(one))
    assert report.ok
    assert (report.records, report.blobs, report.orphans) == (4, 5, [blobs[3].digest])
    assert {what for what, _, _ in said} == {"records", "blobs"}
    stats = store.stats()
    assert stats.records == {"text.generate": 4}
    assert (stats.blobs, stats.blob_bytes) == (5, report.blob_bytes)
    assert stats.free_bytes > 0
    assert stats.database_bytes > 0


@pytest.mark.parametrize(("which", "keys", "paid"), [(0, 1, False), (2, 1, True), (3, 0, False)])
@pytest.mark.parametrize("data", [None, b"", b"picture X", b"picture 1 and more"])
def test_every_damaged_blob_is_found_and_what_was_free_can_be_repaired(
    store: Store, make_record: MakeRecord, which: int, keys: int, paid: bool, data: bytes | None
) -> None:
    """Recall is all of it; repair makes a free result be made again and leaves a paid one where it is."""
    blobs = fill(store, make_record)
    damage(store, blobs[which], data)
    if which == 3 and data is None:
        assert store.verify().ok  # an orphan that is gone was nobody's
        return
    (problem,) = store.verify().problems
    assert problem.what == ("blob missing" if data is None else "blob damaged")
    assert (problem.subject, len(problem.keys), problem.paid) == (blobs[which].digest, keys, paid)
    assert len(list(store.layout.quarantine.iterdir())) == 0
    report = store.verify(repair=True)
    assert report.ok is not paid
    again = store.verify()
    assert again.ok is not paid
    assert again.records == (3 if paid or not keys else 2)
    for n in range(3):
        if n != which:
            assert store.find(make_record(n).key)


def test_rows_that_are_not_what_they_say_are_found(store: Store, make_record: MakeRecord) -> None:
    """The key is made again from the manifest; kind, model and cost are compared with the record's own."""
    fill(store, make_record)
    forged = msgspec.structs.replace(make_record(5), key=make_record(6).key)
    row = row_of(forged, store.cas)
    connection = apsw.Connection(str(store.layout.db))
    connection.execute(
        "INSERT INTO record (key, kind, model, cost_microusd, place, body, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row.key, row.kind, row.model, 0, row.place, row.body, row.checksum),
    )
    connection.execute("UPDATE record SET kind = 'image.generate' WHERE key = ?", (bytes.fromhex(make_record(0).key),))
    connection.execute("UPDATE record SET body = x'00' WHERE key = ?", (bytes.fromhex(make_record(1).key),))
    connection.close()
    report = store.verify()
    found = {problem.subject: problem.detail for problem in report.problems}
    assert len(found[make_record(6).key]) > 0
    assert "manifest" in found[make_record(6).key]
    assert "kind" in found[make_record(0).key]
    assert "damaged" in found[make_record(1).key]
    assert len(report.problems) == 3
    assert store.verify(repair=True).ok
    assert store.verify().records == 1
    assert len(list(store.layout.quarantine.glob("record-*"))) == 3


def test_a_size_that_differs_from_the_record_is_found(store: Store, make_record: MakeRecord) -> None:
    """The one `stat` that a plan makes relies on it."""
    blob = blob_of(store, b"picture")
    store.put(make_record(1, Blob(blob.digest, "image", "image/png", 3))).result()
    assert [problem.what for problem in store.verify().problems] == ["blob size"]


def test_what_does_not_belong_is_found(store: Store) -> None:
    """Strange names and things that are no files in the CAS."""
    (store.layout.cas / "note.txt").write_text("x")
    (store.layout.cas / "ab" / "short").write_text("x")
    (store.layout.cas / "ab" / ("c" * 62)).mkdir()
    assert [problem.what for problem in store.verify().problems] == ["not a blob"] * 3
    assert not store.verify(repair=True).ok  # not ours to remove


def test_half_written_files_are_swept_unless_somebody_may_be_writing(store: Store) -> None:
    """Another process's unfinished blob is not rubbish."""
    run = store.start_run("g", now_ms=1)
    (store.layout.tmp / "blob-1").write_bytes(b"half")
    (store.layout.tmp / "folder").mkdir()
    (store.layout.tmp / "folder" / "file").write_bytes(b"half")
    with open_store(store.root):
        assert store.verify().swept == []
    assert sorted(store.verify().swept) == ["blob-1", "folder"]
    assert list(store.layout.tmp.iterdir()) == []
    assert store.run_alive(run.id)
    with open_store(store.root, write=False) as other:
        (store.layout.tmp / "blob-2").write_bytes(b"half")
        assert other.verify().swept == []


@SHARED
@given(at=st.integers(0, 2**20), bit=st.integers(0, 7), many=st.integers(1, 64))
def test_no_flipped_bit_of_the_database_gives_a_wrong_answer(
    tmp_path_factory: pytest.TempPathFactory, make_record: MakeRecord, at: int, bit: int, many: int
) -> None:
    """Whatever is damaged, a record is as it was written, or not there, or an error of ours; never another one."""
    from dagcontent.errors import StoreError

    root = tmp_path_factory.mktemp("flip") / "store"
    records = [make_record(n, f"value {n}") for n in range(8)]
    with open_store(root) as store:
        for record in records:
            store.put(record)
    path = root / "store.db"
    data = bytearray(path.read_bytes())
    for n in range(many):
        data[(at * 31 + n) % len(data)] ^= 1 << bit
    path.write_bytes(data)
    with open_store(root, write=False) as store:
        for record in records:
            try:
                assert store.find(record.key) in (record, None)
            except StoreError:
                continue
        try:
            assert all(one in records for one in store.family("text.generate", "local/outline"))
            assert store.last_build("g") == {}
        except StoreError:
            pass
        store.verify()
    with open_store(root) as store:
        try:
            assert store.put(make_record(99)).result() == make_record(99)
        except StoreError:
            return


def test_verify_looks_after_what_was_queued(store: Store, make_record: MakeRecord) -> None:
    """A record that is on its way is not missing."""
    for n in range(50):
        store.put(make_record(n))
    assert store.verify().records == 50


def test_verify_of_a_removed_database_still_looks_at_blobs(tmp_path: Path, make_record: MakeRecord) -> None:
    """What is left is worth knowing."""
    with open_store(tmp_path / "store") as store:
        fill(store, make_record)
    (tmp_path / "store" / "store.db").unlink()
    with open_store(tmp_path / "store", write=False) as store:
        assert store.verify().blobs == 5
