from __future__ import annotations

import hashlib
import resource
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dagcontent.errors import InternalError, StoreFull
from dagcontent.store import Store, open_store
from dagcontent.values.record import Record
from dagcontent.values.value import Blob

MakeRecord = Callable[..., Record]


def test_many_threads_share_one_store(store: Store, make_record: MakeRecord) -> None:
    """Workers keep blobs and records while the planner asks; each result is there when its caller was told so."""
    failures: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for n in range(20):
                digest, size = store.cas.put_bytes(b"shared %d" % n, durable=worker % 2 == 0)
                record = make_record(n, Blob(digest, "image", "image/png", size))
                assert store.put(record).result() == record
                assert store.find(record.key) == record
                assert store.cas.verified_path(digest).stat().st_size == size
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    report = store.verify()
    assert (report.problems, report.records, report.blobs) == ([], 20, 20)


def test_a_full_disk_is_an_error_and_not_the_end(store: Store, tmp_path: Path, make_record: MakeRecord) -> None:
    """With a real limit of the system: blobs, records and outputs say that there is no room, and work when there is."""
    small, _ = store.cas.put_bytes(b"small")
    large, _ = store.cas.put_bytes(bytes(1_000_000))
    store.put(make_record(0)).result()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    try:
        with pytest.raises(StoreFull) as caught:
            store.cas.put_bytes(b"x" * 1_000_000)
        assert caught.value.hint
        with pytest.raises(StoreFull):
            store.cas.materialise(large, tmp_path / "large")
        store.cas.materialise(small, tmp_path / "small")
        pending = [store.put(make_record(n, "x" * 5000)) for n in range(1, 500)]
        with pytest.raises(StoreFull):
            [one.result() for one in pending]
        assert store.get(make_record(0).key)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.put(make_record(600)).result() == make_record(600)
    assert store.cas.put_bytes(b"x" * 1_000_000)
    assert not (tmp_path / "large").exists()
    assert store.verify().problems == []
    assert list(store.layout.tmp.iterdir()) == []


def test_what_was_opened_for_looking_writes_nothing(tmp_path: Path, make_record: MakeRecord) -> None:
    """A fault of ours, told at once and not by what is in the database afterwards."""
    open_store(tmp_path / "store").close()
    with open_store(tmp_path / "store", write=False) as store:
        with pytest.raises(InternalError):
            store.put(make_record(1))
        with pytest.raises(InternalError):
            store.start_run("g", now_ms=1)
        with pytest.raises(InternalError):
            store.set_last_build("g", "", {"a": "ab" * 32})


def test_a_large_file_needs_little_memory(store: Store, tmp_path: Path) -> None:
    """A film of 4 GB goes in and out through a buffer of one megabyte."""
    import tracemalloc

    source = tmp_path / "film"
    with source.open("wb") as file:
        file.truncate(30_000_000)
    tracemalloc.start()
    try:
        digest, _ = store.cas.put_file(source)
        store.cas.distrust(digest)
        store.cas.verified_path(digest)
        store.cas.materialise(digest, tmp_path / "out")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000
    with (tmp_path / "out").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    """Whoever closes to be sure must not be punished."""
    store = open_store(tmp_path / "store")
    run = store.start_run("g", now_ms=1)
    store.close()
    store.close()
    with open_store(tmp_path / "store") as other:
        assert not other.run_alive(run.id)
