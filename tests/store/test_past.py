from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.api.past import short_runs
from dagcontent.store import Run, Store, open_store
from dagcontent.store.db import fetch
from dagcontent.store.past import payers, records_of, run_ids, runs_since

from .conftest import MakeRecord

NOW = 1_763_800_000_000  # 2025-11-22
LONG = "x" * 10_000


def made(store: Store, run: Run) -> list[str]:
    """Return the keys of what a run made."""
    (past,) = runs_since(store, run=run.id)
    return [record.key for record in records_of(store, past).records]


def test_a_run_has_its_records_and_no_others(store: Store, make_record: MakeRecord) -> None:
    """Two runs at once, short and long results, clocks that were set back: each has what it made, in order; a result
    that only speaks of a run is not its own.
    """
    one, two = store.start_run("g", now_ms=NOW), store.start_run("h", now_ms=NOW + 1)
    mine = []
    for number in range(8):
        run = (one, two)[number % 2]
        value = LONG if number % 4 < 2 else f"what {two.id if run is one else one.id} made"
        record = make_record(number, value, run=run.id, at_ms=NOW - number * 3_600_000)
        store.put(record).result()
        mine.append(record.key)
    assert made(store, one) == mine[::2]
    assert made(store, two) == mine[1::2]


def test_long_records_older_than_a_run_are_not_read(store: Store, make_record: MakeRecord) -> None:
    """A store full of long texts is not read through for each question: the files' times say which cannot be the run's."""
    run = store.start_run("g", now_ms=NOW)
    record = make_record(1, LONG, run=run.id)
    store.put(record).result()
    assert made(store, run) == [record.key]
    (body,) = [path for path in store.layout.cas.rglob("*") if path.is_file()]
    os.utime(body, (NOW / 1000 - 90_000, NOW / 1000 - 90_000))
    assert made(store, run) == []


def test_a_damaged_record_is_counted_not_hidden(store: Store, make_record: MakeRecord) -> None:
    """A list that silently lacks a row would look like all there is."""
    run = store.start_run("g", now_ms=NOW)
    store.put(make_record(1, run=run.id)).result()
    store.write(lambda connection: connection.execute("UPDATE record SET checksum = x'00'")).result()
    (past,) = runs_since(store, run=run.id)
    found = records_of(store, past)
    assert (found.records, found.damaged) == ((), 1)


def test_states_are_told_without_writing(tmp_path: Path) -> None:
    """Running, ended and dead are told apart by whoever only reads: from another store object, and when all are gone."""
    with open_store(tmp_path / "store") as store:
        lives, ends = store.start_run("g", now_ms=NOW), store.start_run("g", now_ms=NOW + 1, profile="draft")
        store.finish_run(ends, "failed", {"ran": 1}, now_ms=NOW + 2)
        with open_store(tmp_path / "store", write=False) as reader:
            newest, oldest = runs_since(reader)
            assert (newest.id, newest.status, newest.profile, newest.counts) == (ends.id, "failed", "draft", {"ran": 1})
            assert (oldest.id, oldest.status, oldest.counts) == (lives.id, "running", None)
            assert runs_since(reader, NOW + 1) == [newest]
            assert runs_since(reader, graph="h") == []
    with open_store(tmp_path / "store", write=False) as reader:
        assert [run.status for run in runs_since(reader)] == ["failed", "died"]
        stored = reader.read(lambda connection: fetch(connection, "SELECT status FROM run ORDER BY id DESC"), [])
        assert stored == [("failed",), (None,)]


def test_a_store_without_a_database_has_no_past(tmp_path: Path) -> None:
    """Asking is free of consequences where nothing is."""
    with open_store(tmp_path / "store", write=False) as store:
        assert (runs_since(store), list(run_ids(store)), payers(store, ["00" * 32])) == ([], [], {})


IDS = st.builds(
    "202611{:02d}T{:06d}.{:03d}-{:08x}".format,
    st.integers(1, 2),
    st.integers(0, 2),
    st.integers(0, 1),
    st.integers(0, 3),
)


@given(ids=st.lists(IDS, max_size=12, unique=True))
def test_a_short_id_names_one_run(ids: list[str]) -> None:
    """Whatever is on the screen can be typed: it begins one id and no other, and is no longer than it must be."""
    for name, short in short_runs(ids).items():
        assert [other for other in ids if other.startswith(short)] == [name]
        if len(short) > len("20261101T000000"):
            assert sum(other.startswith(name[:15]) for other in ids) > 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ran": "x"}', "{"])
def test_counts_that_are_none_are_not_made_up(store: Store, text: str) -> None:
    """A damaged table of counts is as one that was never written."""
    run = store.start_run("g", now_ms=NOW)
    store.finish_run(run, "failed", {}, now_ms=NOW)
    store.write(lambda connection: connection.execute("UPDATE run SET counts = ?", (text,))).result()
    assert [one.counts for one in runs_since(store)] == [None]
